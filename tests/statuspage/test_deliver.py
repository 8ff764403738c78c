"""What is said reaches those who asked for it, by a real mail server: once, in order, and when it is time."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from incidents.events import Planned
from incidents.model import Status
from incidents.planned import planning
from probes.egress import Door
from probes.result import Failure
from statuspage import deliver, spread
from statuspage.channels import mail
from statuspage.channels.channel import Failed, Message, Outcomes, Refused
from statuspage.deliver import Line, nameless, pause
from statuspage.picture.audience import Wish
from statuspage.picture.page import IncidentView, Page, UpdateView
from statuspage.render.mail import Letterhead
from statuspage.store import acts, outbox, subscribers
from statuspage.store.errors import StoreUnavailable
from statuspage.store.outbox import KEPT_FOR, Entry
from statuspage.store.tables import updates
from tests.rude.postbox import Postbox
from tests.statuspage.tellings import SENDER, House, known, telling


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield opened


async def test_a_push_waits_for_notify_after(house: House) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    held = incident.opened_at + timedelta(minutes=2)
    await house.pass_by((held - house.world.now).total_seconds() - 1)
    await house.deliver()
    assert house.postbox.letters == []
    await house.pass_by(1)
    await house.deliver()
    (letter,) = house.postbox.letters
    assert letter.to == "ada@example.org"
    assert letter.subject == "Email: Sending not working – investigating"
    (sent,) = await house.sent(incident.id)
    assert (sent.delivered_at, sent.tries) == (house.world.now, 0)


async def test_many_held_back_words_keep_nobody_elses_news_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "AT_ONCE", 3)
    there = known()
    patient = replace(there.services["email"], notify_after=timedelta(days=1))
    async with telling(tmp_path, replace(there, services={**there.services, "email": patient})) as house:
        await house.subscribe("ada@example.org")
        incident = await house.outage()
        for number in range(7):
            await house.say(incident.id, f"We are still looking, for the {number}th time.")
        await house.see("web", Failure.REFUSED)
        await house.pass_by(120)
        await house.deliver()
        (letter,) = house.postbox.letters
        assert letter.subject.startswith("Portal")
        assert await house.sent(incident.id) == []
        await house.pass_by(86400)
        await house.deliver(rounds=12)
        assert len(await house.sent(incident.id)) == 8


async def test_what_is_over_before_it_is_told_is_told_to_nobody(house: House) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.see("smtp", None)
    await house.pass_by(600)
    await house.pass_by(600)
    await house.deliver()
    assert house.pipeline.situation.incidents == {}
    assert house.postbox.letters == []
    told = await house.store.read(lambda connection: outbox.told(connection, incident=incident.id))
    assert {one.verdict.value for one in told if one.verdict} == {"over"}
    assert len(told) == 3


async def test_the_end_is_told_where_the_opening_was(house: House) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    await house.see("smtp", None)
    await house.deliver()
    await house.pass_by(301)
    await house.deliver()
    assert [letter.subject for letter in house.postbox.letters] == [
        "Email: Sending not working – investigating",
        "Email: Sending works again, after 2 min",
        "Email: Sending not working – resolved after 2 min",
    ]
    keys = [one.key for one in await house.sent(incident.id)]
    assert len(keys) == len(set(keys)) == 3


async def test_good_news_reach_only_those_who_heard_the_bad_ones(house: House) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    await house.subscribe("late@example.org")
    await house.see("smtp", None)
    await house.deliver()
    assert [letter.to for letter in house.postbox.letters] == ["ada@example.org", "ada@example.org"]
    await house.see("smtp", Failure.REFUSED)
    await house.deliver()
    assert [letter.to for letter in house.postbox.to("late@example.org")] == ["late@example.org"]
    assert len(await house.sent(incident.id)) == 4


async def test_who_asked_for_another_service_hears_nothing(house: House) -> None:
    await house.subscribe("ada@example.org", Wish(services=frozenset({"portal"})))
    await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert house.postbox.letters == []


async def test_what_is_milder_than_asked_for_is_not_told_until_it_gets_worse(house: House) -> None:
    await house.subscribe("ada@example.org", Wish(floor=Status.MAJOR))
    await house.subscribe("ben@example.org", Wish(floor=Status.PARTIAL))
    await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert [letter.to for letter in house.postbox.letters] == ["ben@example.org"]
    await house.see("imap", Failure.REFUSED)
    await house.pass_by(120)
    await house.pass_by(1)
    await house.deliver()
    assert "ada@example.org" in [letter.to for letter in house.postbox.letters]


async def test_the_letter_threads_and_ends_by_one_click_and_answers_to_nobody(house: House) -> None:
    subscriber = await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    await house.say(incident.id, "A disk is full.\nWe replace it.")
    await house.deliver()
    first, second = (letter.message for letter in house.postbox.letters)
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["From"] == SENDER
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = first["List-Unsubscribe"].strip("<>")
    assert link == house.deliverer.letters.links.unsubscribe(subscriber.id)
    assert link.startswith("https://status.example.net/unsubscribe/")
    letter = house.postbox.letters[1]
    for part in (letter.text, letter.html):
        assert "A disk is full." in part
        assert f"https://status.example.net/incidents/{incident.id}" in part
        assert link in part
        assert "Sending: down" in part
    assert letter.sender == "status@example.net"
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in letter.raw, "mail programs read it as it stands"
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998


async def test_one_recipient_who_is_not_taken_now_holds_up_nobody_else(house: House) -> None:
    for name in ("ada", "ben", "cyd"):
        await house.subscribe(f"{name}@example.org")
    house.postbox.replies["ben@example.org"] = ["451 4.2.1 <ben@example.org> is greylisted, come again"] * 2
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert {letter.to for letter in house.postbox.letters} == {"ada@example.org", "cyd@example.org"}
    (waiting,) = [one for one in await house.sent(incident.id) if one.delivered_at is None]
    assert (waiting.tries, waiting.dropped_at) == (1, None)
    assert waiting.reason == "451 4.2.1 <…> is greylisted, come again", "the record is shown to more people than may know the address"
    for _ in range(2):
        await house.pass_by(60)
        await house.deliver()
    assert len(house.postbox.to("ben@example.org")) == 1
    assert all(one.delivered_at for one in await house.sent(incident.id))
    assert house.deliverer.tally.tries == {("mail", "delivered"): 3, ("mail", "failed"): 2}
    assert house.deliverer.tally.waiting == 0


async def test_nothing_overtakes_what_did_not_get_through(house: House) -> None:
    await house.subscribe("ada@example.org")
    house.postbox.contents["ada@example.org"] = ["451 4.3.0 Try again"] * 2
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    for body in ("First words.", "Second words."):
        await house.say(incident.id, body)
    await house.deliver()
    assert house.postbox.letters == []
    for _ in range(4):
        await house.pass_by(60)
        await house.deliver()
    told = [letter.text for letter in house.postbox.letters]
    assert len(told) == 3
    assert "First words." in told[1]
    assert "Second words." in told[2]


async def test_what_is_refused_for_good_is_dropped_and_in_the_end_the_subscription(house: House) -> None:
    ada = await house.subscribe("ada@example.org")
    await house.subscribe("ben@example.org")
    house.postbox.replies["ada@example.org"] = ["550 5.1.1 No such mailbox"] * 9
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    reasons = []
    for number in range(3):
        mine = [one for one in await house.sent(incident.id) if one.recipient == ada.recipient]
        reasons.append([one.reason for one in mine])
        await house.say(incident.id, f"Words {number}.")
        await house.deliver()
    assert reasons[:2] == [["refused: 550 5.1.1 No such mailbox"], ["refused: 550 5.1.1 No such mailbox"] * 2]
    assert reasons[2] == ["", "", ""], "what the other side said may name who is gone"
    assert await house.store.read(lambda connection: subscribers.subscriber(connection, ada.id)) is None
    assert len(house.postbox.to("ben@example.org")) == 4
    audit = await house.store.read(lambda connection: acts.read_audit(connection, before=None, limit=1))
    assert (audit[0].actor, audit[0].act, audit[0].subject) == ("delivery", "unsubscribe", ada.id)


async def test_a_refusal_before_something_arrived_counts_no_more(house: House) -> None:
    ada = await house.subscribe("ada@example.org")
    house.postbox.replies["ada@example.org"] = ["550 5.1.1 No such mailbox"] * 2
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    for number in range(3):
        await house.say(incident.id, f"Words {number}.")
        await house.deliver()
        house.postbox.replies["ada@example.org"] += ["550 5.1.1 No such mailbox"] if number == 1 else []
    found = await house.store.read(lambda connection: subscribers.subscriber(connection, ada.id))
    assert found is not None
    assert found.refusals == 1


async def test_a_server_that_is_away_gets_everything_once_it_is_back(house: House) -> None:
    for name in ("ada", "ben"):
        await house.subscribe(f"{name}@example.org")
    line = house.deliverer.lines["mail"]
    async with Postbox().opened() as away:
        port = away.port
    house.deliverer.lines = {"mail": replace(line, settings=line.settings.model_copy(update={"port": port}))}
    incident = await house.outage()
    for _ in range(72):
        await house.pass_by(300)
        await house.deliver(rounds=1)
    waiting = await house.sent(incident.id)
    assert [one.delivered_at for one in waiting] == [None, None]
    assert all(one.tries >= 60 and f"127.0.0.1:{port}" in one.reason for one in waiting)
    async with Postbox().opened(port) as back:
        await house.pass_by(300)
        await house.deliver()
        assert sorted(letter.to for letter in back.letters) == ["ada@example.org", "ben@example.org"]


async def test_it_is_given_up_after_three_days_and_that_is_on_record(house: House) -> None:
    await house.subscribe("ada@example.org")
    house.postbox.replies["ada@example.org"] = ["451 4.2.2 Mailbox full"] * 2
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    (tried,) = await house.sent(incident.id)
    house.world.now = tried.created_at + KEPT_FOR - timedelta(seconds=1)
    await house.deliver(rounds=1)
    (tried,) = await house.sent(incident.id)
    assert (tried.tries, tried.dropped_at) == (2, None)
    await house.pass_by(301)
    await house.deliver()
    (tried,) = await house.sent(incident.id)
    assert tried.dropped_at == house.world.now
    assert tried.reason == "given up after three days: 451 4.2.2 Mailbox full"
    assert house.postbox.letters == [], "what is three days old is no news"


async def test_what_waits_for_a_channel_that_is_not_configured_any_more_is_dropped_in_the_end(house: House) -> None:
    await house.subscribe("ada@example.org")
    house.postbox.replies["ada@example.org"] = ["451 4.2.1 Not now"]
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    house.deliverer.lines = {}
    for passed, waiting in ((KEPT_FOR - timedelta(seconds=1), 1), (timedelta(seconds=1), 0)):
        house.world.now += passed
        before = house.world.now - timedelta(days=400)
        await house.store.write(partial(outbox.prune_told, now=house.world.now, before=before, limit=100))
        assert await house.store.read(outbox.waiting) == waiting
    (dropped,) = await house.sent(incident.id)
    assert dropped.reason == "given up after three days: 451 4.2.1 Not now"


async def test_pauses_grow_to_five_minutes_and_what_the_other_side_wishes_is_kept_up_to_an_hour(house: House) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    (one,) = await house.sent(incident.id)
    pauses = [pause(replace(one, tries=tries), None) for tries in range(60)]
    assert timedelta(seconds=7.5) <= pauses[0] <= timedelta(seconds=10)
    assert all(timedelta(minutes=3.75) <= each <= timedelta(minutes=5) for each in pauses[5:])
    assert len(set(pauses[5:])) == len(pauses[5:]), "all would come at once"
    assert pause(one, timedelta(minutes=20)) == timedelta(minutes=20)
    assert pause(one, timedelta(seconds=10**9)) == timedelta(hours=1)


async def test_a_clock_set_back_makes_nobody_wait(house: House) -> None:
    await house.subscribe("ada@example.org")
    house.postbox.replies["ada@example.org"] = ["451 4.2.1 Not now"]
    await house.outage()
    await house.pass_by(120)
    await house.deliver()
    house.world.now -= timedelta(hours=2)
    await house.deliver()
    assert len(house.postbox.letters) == 1


async def test_many_letters_go_out_in_few_conversations(house: House) -> None:
    for number in range(60):
        await house.subscribe(f"reader{number}@example.org")
    await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert len({letter.to for letter in house.postbox.letters}) == len(house.postbox.letters) == 60
    assert house.postbox.conversations == 2


async def test_what_was_delivered_and_cannot_be_noted_is_not_sent_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    monkeypatch.setattr(deliver, "RETRY", 0.01)
    real, refusals = outbox.note_delivered, [StoreUnavailable("the disk is full")] * 3

    def full(connection: Connection, id: int, at: datetime) -> None:
        if refusals:
            raise refusals.pop()
        real(connection, id, at)

    monkeypatch.setattr(deliver, "note_delivered", full)
    await house.deliver()
    assert refusals == []
    assert len(house.postbox.letters) == 1
    (sent,) = await house.sent(incident.id)
    assert sent.delivered_at == house.world.now


async def test_a_bug_of_ours_in_one_letter_leaves_the_others_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ada", "ben"):
        await house.subscribe(f"{name}@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    real = house.deliverer.letters.mail.update

    def broken(head: Letterhead, page: Page, incident: IncidentView, update: UpdateView, earlier: Sequence[UpdateView]) -> bytes:
        if head.to == "ada@example.org":
            raise ZeroDivisionError
        return real(head, page, incident, update, earlier)

    monkeypatch.setattr(house.deliverer.letters.mail, "update", broken)
    await house.deliver()
    assert [letter.to for letter in house.postbox.letters] == ["ben@example.org"]
    waiting = [one for one in await house.sent(incident.id) if one.delivered_at is None]
    assert [one.reason for one in waiting] == ["a bug of ours: ZeroDivisionError"]
    assert house.pipeline.figures.crashed_turns == 1


async def test_a_channel_that_breaks_holds_up_only_what_it_broke_at(house: House) -> None:
    for name in ("ada", "ben", "cyd"):
        await house.subscribe(f"{name}@example.org")

    async def breaking(settings: mail.Settings, door: Door, messages: Sequence[Message]) -> Outcomes:
        for message in messages:
            if message.to == "ben@example.org":
                raise ZeroDivisionError
            async for outcome in mail.send(settings, door, [message]):
                yield outcome

    line = house.deliverer.lines["mail"]
    house.deliverer.lines = {"mail": Line(channel=replace(mail.CHANNEL, send=breaking), settings=line.settings)}
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert sorted(letter.to for letter in house.postbox.letters) == ["ada@example.org", "cyd@example.org"]
    (waiting,) = [one for one in await house.sent(incident.id) if one.delivered_at is None]
    assert (waiting.reason, waiting.tries) == ("a bug of ours: ZeroDivisionError", 1)
    assert house.pipeline.figures.crashed_turns == 1


async def test_a_subscriber_who_is_gone_is_told_nothing_more(house: House) -> None:
    ada = await house.subscribe("ada@example.org")
    house.postbox.replies["ada@example.org"] = ["451 4.2.1 Not now"]
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    await house.store.write(lambda connection: subscribers.erase(connection, ada.id, at=house.world.now))
    await house.pass_by(600)
    await house.deliver()
    assert house.postbox.letters == []
    (dropped,) = await house.sent(incident.id)
    assert dropped.reason == "the subscriber is gone"


async def test_a_channel_that_stops_early_is_asked_again(house: House) -> None:
    for name in ("ada", "ben", "cyd"):
        await house.subscribe(f"{name}@example.org")

    async def lazy(settings: mail.Settings, door: Door, messages: Sequence[Message]) -> Outcomes:
        async for outcome in mail.send(settings, door, messages[:1]):
            yield outcome

    line = house.deliverer.lines["mail"]
    house.deliverer.lines = {"mail": Line(channel=replace(mail.CHANNEL, send=lazy), settings=line.settings)}
    await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert sorted(letter.to for letter in house.postbox.letters) == ["ada@example.org", "ben@example.org", "cyd@example.org"]


async def test_many_subscribers_are_written_down_in_slices_and_each_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "SLICE", 3)
    for number in range(10):
        await house.subscribe(f"reader{number}@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    real, calls = outbox.notify, []

    def breaking(
        connection: Connection, entry: Entry, thread: str, recipients: Sequence[tuple[str, str]], at: datetime, *, gathered: Collection[str]
    ) -> None:
        calls.append(len(recipients))
        if len(calls) == 3:
            raise StoreUnavailable("the power went")
        real(connection, entry, thread, recipients, at, gathered=gathered)

    monkeypatch.setattr(spread, "notify", breaking)
    with pytest.raises(StoreUnavailable):
        await house.deliverer.look()
    assert len(await house.sent(incident.id)) == 6
    await house.deliver()
    assert sorted(one.to for one in house.postbox.letters) == sorted(f"reader{number}@example.org" for number in range(10))
    assert max(calls) == 3


async def test_words_withdrawn_before_they_were_told_go_to_nobody(house: House) -> None:
    await house.subscribe("ada@example.org")
    house.postbox.replies["ada@example.org"] = ["451 4.2.1 Not now"]
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    withdraw = update(updates).where(updates.c.incident == incident.id).values(redacted_at=house.world.now)
    await house.store.write(lambda connection: connection.execute(withdraw))
    await house.pass_by(60)
    await house.deliver()
    assert house.postbox.letters == []
    (dropped,) = await house.sent(incident.id)
    assert dropped.reason == "its words were withdrawn"


async def test_planned_work_is_told_ahead_to_those_who_want_it(house: House) -> None:
    await house.subscribe("ada@example.org", Wish(services=frozenset({"portal"})))
    await house.subscribe("ben@example.org", Wish(services=frozenset({"email"})))
    await house.subscribe("cyd@example.org", Wish(wants_maintenance=False))
    starts = house.world.now + timedelta(days=7)
    wish = planning.Wish(
        name="New disks", services=("portal",), starts=starts, ends=starts + timedelta(hours=2), body="The portal is away."
    )
    events = await house.pipeline.act(lambda situation, now: planning.plan(situation, now, by="anna", wish=wish))
    await house.deliver()
    (letter,) = house.postbox.letters
    assert letter.to == "ada@example.org"
    window = next(event.maintenance for event in events if isinstance(event, Planned))
    assert "Mon 9 Mar 2026, 09:00 to 11:00 CET" in letter.text
    for part in (letter.text, letter.html):
        assert "The portal is away." in part
        assert f"https://status.example.net/maintenance/{window}" in part
        assert "Services: Portal" in part
    await house.pipeline.act(lambda situation, now: planning.cancel(situation, now, maintenance=window, by="anna"))
    await house.deliver()
    assert len(house.postbox.to("ada@example.org")) == 2
    assert len({one.message["References"] for one in house.postbox.letters}) == 1


@pytest.mark.parametrize(
    "body",
    [
        "Line\r\nBcc: all@example.org\r\n\r\nmore",
        ".\r\n.\r\nQUIT\r\n",
        "\u202eturned \u2028 and \x00 \x1b[31m",
        "lone \ud800 surrogate",
        "<script>alert(1)</script> & </p>",
        "%(site)s {{ 7 * 7 }} {% raw %}",
        "x" * 20_000,
        "🎉" * 5_000,
    ],
    ids=range(8),
)
async def test_whatever_is_said_arrives_as_text_and_nothing_else(house: House, body: str) -> None:
    await house.subscribe("ada@example.org")
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    kept = body.encode("utf-8", "replace").decode()  # no store takes half of a letter
    hostile = update(updates).where(updates.c.incident == incident.id).values(body=kept, title=kept[:300])
    await house.say(incident.id, "placeholder")
    await house.store.write(lambda connection: connection.execute(hostile))
    await house.deliver()
    letter = house.postbox.letters[-1]
    assert len(house.postbox.letters) == 2
    assert set(letter.message.keys()) == set(house.postbox.letters[0].message.keys())
    assert "<script" not in letter.html
    assert "\x00" not in letter.text + letter.html + letter.subject
    assert "\u202e" not in letter.text + letter.html + letter.subject
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998
    assert "The whole story:" in letter.text


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("550 5.1.1 <ada.l@example.org>: unknown", "550 5.1.1 <…>: unknown"),
        ("550 ADA.L is no user here", "550 … is no user here"),
        ("451 4.2.1 Not now", "451 4.2.1 Not now"),
        ("550 ada.lovelace is somebody else", "550 ada.lovelace is somebody else"),
    ],
)
def test_a_reason_does_not_name_the_recipient(said: str, kept: str) -> None:
    assert nameless(Refused(reason=said, is_gone=True), "ada.l@example.org") == Refused(reason=kept, is_gone=True)
    assert nameless(Failed(reason=said), "ada.l@example.org") == Failed(reason=kept)
