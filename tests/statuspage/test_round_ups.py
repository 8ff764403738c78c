"""One letter a day or a week, by a real mail server: all that there was to tell, once, and nothing where there was nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from incidents import act, advising, redacting
from incidents.maintenance import Series
from incidents.model import Status
from incidents.planned import planning
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from probes.result import Failure
from statuspage.picture.audience import Rhythm, Wish
from statuspage.store import outbox, queries, reports, subscribers
from statuspage.store.reports import Said
from tests.rude.postbox import Letter
from tests.statuspage.tellings import House, known, telling
from tests.statuspage.test_hidden_mail import hiding

ADA = "ada@example.org"
DAILY, WEEKLY = Wish(rhythm=Rhythm.DAILY), Wish(rhythm=Rhythm.WEEKLY)
BERLIN = ZoneInfo("Europe/Berlin")

TUESDAY = datetime(2026, 3, 3, 8, tzinfo=BERLIN)
"""The world begins on Monday, 2 March 2026, at 09:00 in Berlin."""
WEDNESDAY = TUESDAY + timedelta(days=1)
THURSDAY = WEDNESDAY + timedelta(days=1)
MONDAY = datetime(2026, 3, 9, 8, tzinfo=BERLIN)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield opened


async def until(house: House, at: datetime) -> list[Letter]:
    """Deliver, let time pass until *at*, and deliver; gives all letters so far."""
    await house.deliver()
    await house.pass_by((at - house.world.now).total_seconds())
    await house.deliver()
    return house.postbox.letters


async def told_outage(house: House, monitor: str = "smtp") -> str:
    """An outage that is told of; gives the incident's id."""
    known_before = set(house.pipeline.situation.incidents)
    if known_before:
        await house.see(monitor, Failure.REFUSED)
    else:
        await house.outage(monitor)
    (incident,) = set(house.pipeline.situation.incidents) - known_before
    await house.pass_by(120)
    await house.deliver()
    return incident


async def rewish(house: House, wish: Wish, address: str = ADA) -> None:
    at = house.world.now

    def write(connection: Connection) -> None:
        found = subscribers.subscriber_at(connection, "mail", address)
        assert found is not None
        subscribers.rewish(connection, found.id, wish, language=found.language, at=at)

    await house.store.write(write)


async def plan(house: House, name: str, starts: datetime, *services: str) -> str:
    wish = planning.Wish(name=name, services=services, starts=starts, ends=starts + timedelta(minutes=30), body=f"{name} are put in.")
    before = set(house.pipeline.situation.maintenances)
    await house.pipeline.act(lambda situation, now: planning.plan(situation, now, by="anna", wish=wish))
    (window,) = set(house.pipeline.situation.maintenances) - before
    return window


# --- when -----------------------------------------------------------------------------------------------------------------------


async def test_a_day_is_told_in_one_letter_the_morning_after(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    await house.say(incident, "A disk is full.")
    await house.see("smtp", None)
    await house.pass_by(301)
    await house.pass_by(301)
    assert await until(house, TUESDAY - timedelta(seconds=1)) == []
    (letter,) = await until(house, TUESDAY)
    assert letter.subject == "Round-up of Muster IT status: Email: Sending not working"
    for part in (letter.text, letter.html):
        assert "A disk is full." in part
        assert "Our monitoring sees that Email works again." in part
        assert f"https://status.example.net/incidents/{incident}" in part
        assert "Resolved. Partial outage for" in part
        assert "Affected: Email." in part
        assert "2 Mar 2026, 08:00" in part
    assert len(await until(house, WEDNESDAY)) == 1, "nothing new, no letter"
    assert all(one.delivered_at == TUESDAY for one in await house.sent(incident))


async def test_a_week_is_told_on_monday(house: House) -> None:
    await house.subscribe(ADA, WEEKLY)
    await told_outage(house)
    await until(house, WEDNESDAY)
    incident = await told_outage(house, "web")
    assert await until(house, MONDAY - timedelta(seconds=1)) == []
    (letter,) = await until(house, MONDAY)
    assert "Email: Sending not working" in letter.text
    assert "Portal is not working" in letter.text
    assert f"/incidents/{incident}" in letter.text
    assert "goes on" in letter.text
    assert len(await until(house, MONDAY + timedelta(days=7))) == 1


@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 29, 8, tzinfo=BERLIN), datetime(2026, 10, 25, 8, tzinfo=BERLIN)], ids=["forward", "back"]
)
async def test_the_letter_leaves_at_eight_on_the_day_that_clocks_are_changed(house: House, change: datetime) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    before = len(await until(house, change - timedelta(hours=20)))
    await house.say(incident, "We are still looking.")
    assert len(await until(house, (change.astimezone(UTC) - timedelta(seconds=1)))) == before
    assert len(await until(house, change)) == before + 1
    assert "We are still looking." in house.postbox.letters[-1].text


async def test_after_days_without_us_there_is_one_letter_and_not_one_for_each_day(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    house.world.wait((WEDNESDAY + timedelta(days=2, hours=5) - house.world.now).total_seconds())
    await house.say(incident, "This came after eight.")
    await house.deliver()
    (letter,) = house.postbox.letters
    assert "Email: Sending not working" in letter.text
    assert "This came after eight." not in letter.text
    assert len(await until(house, WEDNESDAY + timedelta(days=3))) == 2
    assert "This came after eight." in house.postbox.letters[1].text


async def test_what_is_told_at_the_very_moment_belongs_to_the_next_period(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    await house.pass_by((TUESDAY - house.world.now).total_seconds())
    await house.say(incident, "At eight sharp.")
    await house.deliver()
    (letter,) = house.postbox.letters
    assert "At eight sharp." not in letter.text
    assert "At eight sharp." in (await until(house, WEDNESDAY))[1].text


async def test_a_clock_that_is_set_back_brings_no_second_letter_and_loses_nothing(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    await until(house, TUESDAY)
    house.world.now = TUESDAY.astimezone(UTC) - timedelta(hours=1)
    await house.say(incident, "Said in the hour that came twice.")
    assert len(await until(house, TUESDAY)) == 1
    assert "Said in the hour that came twice." in (await until(house, WEDNESDAY))[1].text


# --- to whom, and what ----------------------------------------------------------------------------------------------------------


async def test_only_what_was_asked_for_is_gathered(house: House) -> None:
    await house.subscribe(ADA, replace(DAILY, services=frozenset({"portal"})))
    await house.subscribe("ben@example.org", replace(DAILY, floor=Status.MAJOR, wants_maintenance=False))
    await house.subscribe("cyd@example.org", replace(DAILY, wants_maintenance=False, services=frozenset({"portal"})))
    await told_outage(house)
    await plan(house, "New disks", WEDNESDAY + timedelta(days=9), "portal")
    await until(house, TUESDAY)
    assert [letter.to for letter in house.postbox.letters] == [ADA]
    assert house.postbox.letters[0].subject == "Round-up of Muster IT status: New disks"
    assert "Sending" not in house.postbox.letters[0].text


async def test_what_was_over_before_it_was_to_be_told_stands_in_no_round_up(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    await house.outage()
    await house.see("smtp", None)
    await house.pass_by(600)
    await house.pass_by(600)
    assert await until(house, TUESDAY) == []


async def test_words_that_are_held_back_over_the_morning_are_in_the_next_letter(tmp_path: Path) -> None:
    there = known()
    patient = replace(there.services["email"], notify_after=timedelta(days=1))
    async with telling(tmp_path, replace(there, services={**there.services, "email": patient})) as house:
        await house.subscribe(ADA, DAILY)
        await house.outage()
        assert await until(house, TUESDAY) == []
        await house.pass_by(86400)
        await house.deliver()
        (letter,) = await until(house, datetime(2026, 3, 4, 8, tzinfo=BERLIN) + timedelta(days=1))
        assert "Email: Sending not working" in letter.text


async def test_corrected_words_are_told_as_corrected_and_removed_ones_not_at_all(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    await house.say(incident, "A disc is fool.")
    await house.say(incident, "Bob Miller broke it.")
    await house.deliver()
    story = await house.store.read(lambda connection: queries.story(connection, incident))
    assert story is not None
    *_, wrong, private = story.updates
    mended = partial(redacting.reword, incident=incident, said=wrong, by="anna", body="A disk is full.")
    gone = partial(redacting.redact, incident=incident, said=private, by="anna", reason="A name.")
    await house.pipeline.act(mended)
    await house.pipeline.act(gone)
    (letter,) = await until(house, TUESDAY)
    for part in (letter.text, letter.html):
        assert "A disk is full." in part
        assert "Corrected" in part
        assert "fool" not in part
        assert "Miller" not in part


async def test_where_all_words_were_removed_there_is_no_letter(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    story = await house.store.read(lambda connection: queries.story(connection, incident))
    assert story is not None
    for said in story.updates:
        await house.pipeline.act(partial(redacting.redact, incident=incident, said=said, by="anna", reason="A name."))
    assert await until(house, TUESDAY) == []
    assert {one.reason for one in await house.sent(incident)} == {"its words were withdrawn"}


async def test_a_service_that_was_hidden_since_is_not_named(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    await told_outage(house)
    await told_outage(house, "web")
    await plan(house, "Secret disks", TUESDAY + timedelta(hours=9), "portal")
    await house.deliver()
    await hiding(house, "portal")
    (letter,) = await until(house, TUESDAY)
    told = letter.subject + letter.text + letter.html
    assert "Email" in told
    assert "Portal" not in told
    assert "Secret" not in told


async def test_planned_work_and_advisories_are_told_and_what_comes_until_the_next_letter(house: House) -> None:
    await house.subscribe(ADA, replace(DAILY, services=frozenset({"portal"})))
    old = await plan(house, "Old fans", TUESDAY + timedelta(hours=50), "portal")
    await plan(house, "Other fans", TUESDAY + timedelta(hours=50), "email")
    await until(house, TUESDAY)
    new = await plan(house, "New disks", WEDNESDAY + timedelta(days=20), "portal")
    storm = advising.Wish(name={"en": "Storm"}, services=("portal",), starts=house.world.now, ends=None, body={"en": "It may blow."})
    await house.pipeline.act(partial(advising.publish, by="ada", wish=storm))
    await house.pass_by(200)
    await house.deliver()
    _, letter = await until(house, WEDNESDAY)
    assert letter.subject == "Round-up of Muster IT status: New disks; Storm"
    for part in (letter.text, letter.html):
        assert "New disks are put in." in part
        assert "It may blow." in part
        assert "Old fans" not in part, "that is more than a day away"
        assert f"/maintenance/{new}" in part
    await house.pipeline.act(partial(advising.withdraw, advisory=next(iter(house.pipeline.situation.advisories)), by="ada"))
    _, _, letter = await until(house, WEDNESDAY + timedelta(days=1))
    for part in (letter.text, letter.html):
        assert "It holds no longer." in part
        assert "Also planned until the next letter" in part
        assert f"/maintenance/{old}" in part
        assert "Old fans are put in." not in part
        assert "Other fans" not in part


async def test_near_work_is_told_again_on_its_morning_to_whoever_wants_to_hear_of_it(house: House) -> None:
    await house.subscribe(ADA, replace(DAILY, services=frozenset({"portal"})))
    await house.subscribe("bob@example.org", replace(DAILY, services=frozenset({"email"})))
    await house.subscribe("eve@example.org", replace(DAILY, wants_maintenance=False))
    window = await plan(house, "New disks", TUESDAY + timedelta(hours=50), "portal")
    assert [letter.to for letter in await until(house, TUESDAY)] == [ADA]
    assert len(await until(house, WEDNESDAY)) == 1, "that is more than a day away"
    _, letter = await until(house, THURSDAY)
    assert (letter.to, letter.subject) == (ADA, "Round-up of Muster IT status: New disks")
    for part in (letter.text, letter.html):
        assert "There is nothing new. This is what is planned until the next letter." in part
        assert f"/maintenance/{window}" in part
        assert "New disks are put in." not in part
    assert len(await until(house, THURSDAY + timedelta(days=1))) == 2


async def test_what_comes_again_is_in_the_outlook_before_it_is_a_window_and_makes_no_letter_by_itself(tmp_path: Path) -> None:
    weekly = Series(
        key="disks",
        name={"en": "Change of disks"},
        description={},
        services=("portal",),
        components=("web",),
        recurrence=Recurrence(
            starts=(WEDNESDAY + timedelta(hours=2)).replace(tzinfo=None), timezone="Europe/Berlin", rule=parse("FREQ=WEEKLY")
        ),
        lasts=timedelta(minutes=20),
        announce=timedelta(minutes=10),
    )
    async with telling(tmp_path, replace(known(), series={"disks": weekly})) as house:
        await house.subscribe(ADA, DAILY)
        await house.pipeline.tick()
        for hours in (0, 2, 3):
            await until(house, WEDNESDAY + timedelta(hours=hours, minutes=5))
        before = len(await until(house, TUESDAY + timedelta(days=14)))
        assert before, "the file named it for the first time"
        assert len(await until(house, WEDNESDAY + timedelta(days=14))) == before
        assert not house.pipeline.situation.maintenances, "it becomes a window at 08:50"
        await until(house, WEDNESDAY + timedelta(days=20))
        incident = await told_outage(house)
        *_, letter = await until(house, WEDNESDAY + timedelta(days=21))
        assert incident in letter.text
        for part in (letter.text, letter.html):
            assert "Also planned until the next letter" in part
            assert "Change of disks" in part


async def test_the_subject_names_three_and_counts_the_rest(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    for number in range(5):
        await plan(house, f"Work {number}", TUESDAY + timedelta(days=number + 3), "portal")
    (letter,) = await until(house, TUESDAY)
    assert letter.subject == "Round-up of Muster IT status: Work 0; Work 1; Work 2 and 2 more"


async def test_it_speaks_the_readers_language_and_ends_by_one_click(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:
        house.deliverer.letters.site = replace(house.deliverer.letters.site, languages=("en", "de"))
        ada = await house.subscribe(ADA, DAILY, language="de")
        incident = await told_outage(house)
        (letter,) = await until(house, TUESDAY)
        assert letter.subject.startswith("Zusammenfassung, Status von Muster IT: ")
        assert "Was wir gemeldet haben" in letter.text
        assert "Was wir gemeldet haben" in letter.html
        assert '<html lang="de">' in letter.html
        assert f"https://status.example.net/de/incidents/{incident}" in letter.text
        links = house.deliverer.letters.links
        assert letter.message["List-Unsubscribe"] == f"<{links.unsubscribe(ada.id)}>"
        assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert letter.message["References"] is None
        assert links.manage(ada.id) in letter.text
        assert links.manage(ada.id) in letter.html


async def test_whatever_is_said_stands_there_as_text_and_nothing_else(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    await house.say(incident, "<script>alert(1)</script>\n.\n.\nBcc: all@example.org %(names)s {{ 7 * 7 }} \u202e")
    await plan(house, "<b>%(site)s</b>\u202e {{ 7 * 7 }}", TUESDAY + timedelta(days=3), "portal")
    (letter,) = await until(house, TUESDAY)
    assert "<script" not in letter.html
    assert "<b>" not in letter.html
    assert "\u202e" not in letter.text + letter.html + letter.subject
    assert "{{ 7 * 7 }}" in letter.text
    assert letter.message["Bcc"] is None
    assert max(map(len, letter.raw.split(b"\r\n"))) <= 998


async def test_letters_that_somebody_waits_for_leave_at_once(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    at = house.world.now + timedelta(seconds=20)
    said = Said(symptom="", words="", language="en")
    await house.store.write(lambda connection: reports.report(connection, "email", said, client="c", contact=ADA, at=at))
    await told_outage(house)
    (letter,) = house.postbox.letters
    assert letter.subject.startswith("You were right")
    await until(house, TUESDAY)
    assert len(house.postbox.letters) == 2


# --- from one rhythm to another -------------------------------------------------------------------------------------------------


async def test_who_changes_to_a_round_up_misses_nothing_and_reads_nothing_twice(house: House) -> None:
    await house.subscribe(ADA)
    incident = await told_outage(house)
    house.postbox.contents[ADA] = ["451 4.3.0 Try again"]
    await house.say(incident, "This is on its way.")
    await house.deliver()
    await rewish(house, WEEKLY)
    await house.say(incident, "This is gathered.")
    assert len(await until(house, MONDAY - timedelta(seconds=1))) == 1
    _, letter = await until(house, MONDAY)
    assert letter.text.count("This is on its way.") == 1
    assert letter.text.count("This is gathered.") == 1
    story = await house.store.read(lambda connection: queries.story(connection, incident))
    assert story is not None
    assert story.updates[0].body in house.postbox.letters[0].text
    assert story.updates[0].body not in letter.text
    told = await house.sent(incident)
    assert len(told) == 3
    assert all(one.delivered_at for one in told)


async def test_who_changes_back_gets_what_was_gathered_in_one_last_letter_before_anything_newer(house: House) -> None:
    await house.subscribe(ADA, WEEKLY)
    incident = await told_outage(house)
    await house.say(incident, "First words.")
    await house.deliver()
    assert house.postbox.letters == []
    house.postbox.contents[ADA] = ["451 4.3.0 Try again"]
    await rewish(house, Wish())
    await house.say(incident, "Newer words.")
    await house.deliver()
    assert house.postbox.letters == []
    await house.pass_by(60)
    await house.deliver()
    last, newer = house.postbox.letters
    assert "First words." in last.text
    assert "Newer words." not in last.text
    assert newer.subject != last.subject
    assert "Newer words." in newer.text
    assert len(await until(house, MONDAY)) == 2


async def test_who_changes_from_a_day_to_a_week_keeps_what_was_gathered(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    await told_outage(house)
    await rewish(house, WEEKLY)
    assert await until(house, MONDAY - timedelta(seconds=1)) == []
    assert len(await until(house, MONDAY)) == 1


async def test_to_change_anything_else_sends_nothing(house: House) -> None:
    await house.subscribe(ADA)
    await rewish(house, replace(Wish(), floor=Status.MAJOR))
    await house.deliver()
    assert house.postbox.letters == []


async def test_who_unsubscribes_gets_no_round_up_any_more(house: House) -> None:
    ada = await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    at = house.world.now
    await house.store.write(lambda connection: subscribers.erase(connection, ada.id, at=at))
    assert await until(house, TUESDAY) == []
    assert {one.reason for one in await house.sent(incident)} == {"the subscriber is gone"}


async def test_a_round_up_that_does_not_get_through_takes_its_texts_along(house: House) -> None:
    await house.subscribe(ADA, DAILY)
    incident = await told_outage(house)
    house.postbox.replies[ADA] = ["550 5.7.1 Not from you"]
    await until(house, TUESDAY)
    assert house.postbox.letters == []
    assert {one.reason for one in await house.sent(incident)} == {"refused: 550 5.7.1 Not from you"}
    assert await house.store.read(outbox.waiting) == 0


async def test_what_is_gathered_does_not_count_as_waiting(house: House) -> None:
    await house.subscribe(ADA, WEEKLY)
    incident = await told_outage(house)
    assert house.deliverer.tally.waiting == 0
    told = await house.store.read(lambda connection: outbox.told(connection, incident=incident))
    assert sum(one.gathered for one in told) == 1
    assert sum(one.waiting for one in told) == 0


async def test_readers_at_once_and_by_the_day_hear_of_the_same_things(house: House) -> None:
    await house.subscribe("now@example.org")
    await house.subscribe(ADA, DAILY)
    await house.pipeline.act(partial(act.open_incident, name="A fire", services={"email": Status.MAJOR}, by="ada", body="It burns."))
    await house.pass_by(120)
    await house.deliver()
    (incident,) = house.pipeline.situation.incidents
    await house.say(incident, "It smokes.")
    await house.resolve(incident, "It is out.")
    await house.deliver()
    at_once = [letter.text for letter in house.postbox.to("now@example.org")]
    await until(house, TUESDAY)
    (letter,) = house.postbox.to(ADA)
    for words, text in zip(("It burns.", "It smokes.", "It is out."), at_once, strict=True):
        assert words in text
        assert words in letter.text
    order = [letter.text.index(words) for words in ("It burns.", "It smokes.", "It is out.")]
    assert order == sorted(order)
