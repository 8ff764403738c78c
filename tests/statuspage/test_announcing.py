"""What is said reaches the operator's outlets, by real servers that apprise calls on: once, in order, and whatever the others do."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import update

from incidents.planned import planning
from probes.result import Failure
from statuspage import announcing as process
from statuspage import deliver
from statuspage.store import outbox, outlets
from statuspage.store.outbox import KEPT_FOR
from statuspage.store.tables import updates
from tests.deadline import until
from tests.rude.postbox import Postbox
from tests.statuspage.outlets import TOKEN, Room, announcing, listening
from tests.statuspage.tellings import House, known, telling


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield opened


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with listening(Room()) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["json", "xml", "form"])
async def test_each_public_word_is_announced_once_and_in_order(house: House, room: Room, tmp_path: Path, scheme: str) -> None:
    await announcing(house, tmp_path, {"ops": room.url(scheme)})
    incident = await house.outage()
    held = incident.opened_at + timedelta(minutes=2)
    await house.pass_by((held - house.world.now).total_seconds() - 1)
    await house.deliver()
    assert room.heard == [], "notify_after holds it back"
    await house.pass_by(1)
    await house.deliver()
    await house.say(incident.id, "A disk is full.\nWe replace it.")
    await house.deliver()
    await house.see("smtp", None)
    await house.deliver()
    assert room.titles == [
        "Email: Sending not working – investigating",
        "Email: Sending not working – investigating",
        "Email: Sending works again, after 2 min",
    ]
    assert [one["type"] for one in room.heard] == ["failure", "failure", "success"]
    assert room.heard[1]["message"] == f"A disk is full.\nWe replace it.\n\nhttps://status.example.net/incidents/{incident.id}"
    sent = await house.sent(incident.id)
    assert [(one.recipient, one.channel, bool(one.delivered_at)) for one in sent] == [("outlet:ops", "apprise:ops", True)] * 3
    assert len({one.key for one in sent}) == 3


async def test_planned_work_and_its_hours_are_announced_unless_the_outlet_spares_it(house: House, room: Room, tmp_path: Path) -> None:
    async with listening(Room()) as other:
        await announcing(house, tmp_path, {"ops": room.url(), "sales": other.url()}, sales="maintenance: false")
        starts = house.world.now + timedelta(days=7)
        wish = planning.Wish(
            name="New disks", services=("email",), starts=starts, ends=starts + timedelta(hours=2), body="We swap the disks."
        )
        await house.pipeline.act(lambda situation, now: planning.plan(situation, now, by="anna", wish=wish))
        await house.deliver()
        (told,) = room.heard
        assert other.heard == []
    assert told["title"].startswith("New disks")
    assert "Services: Email" in told["message"]
    assert "We swap the disks." in told["message"]
    assert "/maintenance/" in told["message"]


async def test_an_outlet_hears_what_it_was_meant_to_in_its_language(house: House, room: Room, tmp_path: Path) -> None:
    async with listening(Room()) as german, listening(Room()) as portal, listening(Room()) as worst:
        urls = {"ops": room.url(), "de": german.url(), "portal": portal.url(), "worst": worst.url()}
        await announcing(house, tmp_path, urls, de="language: de", portal="services: [portal]", worst="floor: major_outage")
        await house.outage()
        await house.pass_by(120)
        await house.deliver()
        assert room.titles == ["Email: Sending not working – investigating"]
        assert "/de/incidents/" in german.heard[0]["message"]
        assert portal.heard == worst.heard == []
        await house.see("imap", Failure.REFUSED)
        await house.pass_by(121)
        await house.deliver()
        assert len(worst.heard) >= 1, "it is an outage of all of email now"
        assert portal.heard == []


async def test_mail_goes_by_apprise_too(house: House, tmp_path: Path) -> None:
    async with Postbox().opened() as postbox:
        await announcing(
            house, tmp_path, {"list": f"mailto://127.0.0.1:{postbox.port}?mode=insecure&from=us@example.net&to=all@example.org"}
        )
        await house.outage()
        await house.pass_by(120)
        await house.deliver()
        (letter,) = postbox.letters
    assert letter.to == "all@example.org"
    assert letter.subject == "Email: Sending not working – investigating"
    assert "https://status.example.net/incidents/" in letter.text


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_is_not_taken_is_tried_again_and_says_why(house: House, room: Room, tmp_path: Path, status: int) -> None:
    room.answers = [status, status]
    await announcing(house, tmp_path, {"ops": f"{room.url()}?optional=yes&retry=3"})
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    (waiting,) = await house.sent(incident.id)
    assert (waiting.tries, waiting.reason, waiting.delivered_at) == (1, f"status {status}", None)
    assert room.knocks == 1, "the options of a URL neither hide a failure nor knock again at once"
    assert house.deliverer.tally.announced == {("ops", "failed"): 1}
    for _ in range(2):
        await house.pass_by(30)
        await house.deliver()
    (sent,) = await house.sent(incident.id)
    assert (sent.tries, bool(sent.delivered_at), len(room.heard)) == (2, True, 1)
    assert house.deliverer.tally.unannounced == {"ops": 0}


async def test_a_room_that_is_away_is_tried_for_three_days_with_pauses_of_five_minutes_at_most(house: House, tmp_path: Path) -> None:
    door = socket.socket()
    door.bind(("127.0.0.1", 0))  # nobody else gets it meanwhile
    await announcing(house, tmp_path, {"ops": Room(port=door.getsockname()[1]).url()})
    incident = await house.outage()
    await house.pass_by(120)
    for _ in range(9):
        await house.deliver(rounds=1)
        (waiting,) = await house.sent(incident.id)
        assert waiting.reason == "the service cannot be reached"
        assert waiting.next_try_at is not None
        pause = waiting.next_try_at - house.world.now
        assert pause <= timedelta(minutes=5)
        await house.pass_by(pause.total_seconds())
    house.world.wait(KEPT_FOR.total_seconds() - 3600)
    async with listening(Room(), door) as back:
        await house.deliver()
    assert len(back.heard) == 1, "nothing was lost in three days"


async def test_a_room_that_never_answers_keeps_nobody_waiting(
    house: House, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "TIMEOUT", 3.0)
    is_let_go, drops = asyncio.Event(), 0

    async def drip(request: web.Request) -> web.StreamResponse:
        nonlocal drops
        response = web.StreamResponse(headers={"Content-Length": "100000000"})
        await response.prepare(request)
        try:
            while not is_let_go.is_set():
                await response.write(b".")
                drops += 1
                await asyncio.sleep(0.05)
        except ConnectionError:
            is_let_go.set()
        return response

    async with listening(Room(answers=[drip])) as hung:
        await announcing(house, tmp_path, {"hung": hung.url(), "ops": room.url()})
        incident = await house.outage()
        await house.pass_by(120)
        await house.deliverer.look()
        await until(lambda: room.heard and drops)
        assert not is_let_go.is_set(), "it was called on, and has not ended"
        await house.deliverer.idle()
        await until(is_let_go.is_set)
        reasons = {one.recipient: one.reason for one in await house.sent(incident.id)}
        assert reasons == {"outlet:hung": "no end within 3 s", "outlet:ops": ""}


async def test_a_process_ends_with_the_hub_and_one_that_is_left_alone_by_itself(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "PARTING", 0.1)
    left: list[str] = []

    async def hold(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000000"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b".")
                await asyncio.sleep(0.05)
        except ConnectionError:
            left.append("gone")
            return response

    async with listening(Room(answers=[hold, hold])) as room:
        await announcing(house, tmp_path, {"ops": room.url()})
        await house.outage()
        await house.pass_by(120)
        running = asyncio.create_task(house.deliverer.run())
        await until(lambda: room.knocks)
        running.cancel()
        await asyncio.wait([running])
        await until(lambda: left == ["gone"])
        text = {"title": "a", "words": "", "link": "b", "tone": "info"}
        asked = {"url": room.url(), "site": "A", "home": "b", "messages": [text], "within": 2.0}
        async with process._started(asked) as answers:
            assert await answers.read() == b"", "it ended, and nobody had asked it to"
        await until(lambda: len(left) == 2)


async def test_an_answer_without_an_end_costs_the_process_and_not_the_machine(house: House, tmp_path: Path) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(1 << 20))
        except ConnectionError:
            return response

    async with listening(Room(answers=[flood])) as room:
        await announcing(house, tmp_path, {"ops": room.url()})
        incident = await house.outage()
        await house.pass_by(120)
        await house.deliver(rounds=1)
        (waiting,) = await house.sent(incident.id)
        assert (waiting.tries, waiting.reason) == (1, "apprise's JSON broke: MemoryError")
        await house.pass_by(30)
        await house.deliver()
        assert len(room.heard) == 1


async def test_what_was_said_while_a_room_was_away_is_one_announcement(house: House, room: Room, tmp_path: Path) -> None:
    await announcing(house, tmp_path, {"ops": room.url()})
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    room.answers = [503] * 3
    for body in ("A disk is full.", "It is being replaced.", "The new disk is in."):
        await house.say(incident.id, body)
        await house.deliver()
        await house.pass_by(1)
    await house.pass_by(600)
    await house.deliver()
    assert len(room.heard) == 2
    told = room.heard[1]["message"]
    assert told.startswith("The new disk is in.")
    assert "Said before, and not told here:" in told
    assert told.index("It is being replaced.") < told.index("A disk is full.")
    assert "not working" not in told, "what had arrived is not told again"
    reasons = [one.reason for one in await house.sent(incident.id)]
    assert reasons == ["", outbox.FOLDED, outbox.FOLDED, ""]
    await house.say(incident.id, "All is well.")
    await house.deliver()
    assert "The new disk" not in room.heard[2]["message"]


async def test_words_that_were_taken_back_meanwhile_are_announced_to_nobody(house: House, room: Room, tmp_path: Path) -> None:
    await announcing(house, tmp_path, {"ops": room.url()})
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    room.answers = [503]
    await house.say(incident.id, "Ask Anna, 030 1234567.")
    await house.deliver()
    await house.say(incident.id, "A disk is full.")
    withdraw = update(updates).where(updates.c.incident == incident.id, updates.c.number == 2).values(redacted_at=house.world.now)
    await house.store.write(lambda connection: connection.execute(withdraw))
    await house.pass_by(600)
    await house.deliver()
    assert len(room.heard) == 2
    assert "A disk is full." in room.heard[1]["message"]
    assert all("030" not in one["message"] for one in room.heard)
    assert "Said before" not in room.heard[1]["message"]


async def test_an_outlet_that_leaves_the_file_ends_what_it_was_to_tell(house: House, room: Room, tmp_path: Path) -> None:
    room.answers = [503]
    await announcing(house, tmp_path, {"ops": room.url()})
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    async with listening(Room()) as other:
        await announcing(house, tmp_path, {"other": other.url()})
        await house.pass_by(600)
        await house.deliver()
        (gone,) = await house.sent(incident.id)
        assert (gone.recipient, bool(gone.dropped_at), gone.reason) == ("outlet:ops", True, outlets.GONE)
        await house.say(incident.id, "A disk is full.")
        await house.deliver()
        assert [one["message"].partition("\n")[0] for one in other.heard] == ["A disk is full."]
    assert room.heard == []
    assert await house.store.read(outbox.waiting) == 0


async def test_no_outlet_costs_no_process(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_command", lambda: ("/nonexistent",))
    await house.subscribe("ada@example.org")
    await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert len(house.postbox.letters) == 1


async def test_where_apprise_cannot_be_started_it_is_said_and_tried_again(
    house: House, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await announcing(house, tmp_path, {"ops": room.url()})
    incident = await house.outage()
    await house.pass_by(120)
    with monkeypatch.context() as broken:
        broken.setattr(process, "_command", lambda: ("/nonexistent",))
        await house.deliver(rounds=1)
    (waiting,) = await house.sent(incident.id)
    assert waiting.reason == "apprise cannot be started: No such file or directory"
    assert house.pipeline.figures.crashed_turns == 0
    await house.pass_by(30)
    await house.deliver()
    assert len(room.heard) == 1


async def test_a_url_stands_in_no_record(house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with listening(Room(answers=[503, 200])) as room:
        config = await announcing(house, tmp_path, {"ops": f"json://user:{TOKEN}@127.0.0.1:{room.port}/{TOKEN}?-key={TOKEN}"})
        incident = await house.outage()
        await house.pass_by(120)
        await house.deliver()
        await house.pass_by(600)
        await house.deliver()
        assert len(room.heard) == 1
    await house.pipeline.flush()
    kept = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.glob("telling.db*")))
    assert b"outlet:ops" in kept
    assert TOKEN.encode() not in kept
    assert TOKEN not in "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access"), "the room's own log"
    assert TOKEN not in repr(config) + repr(await house.sent(incident.id)) + repr(house.deliverer)
    assert replace(house.deliverer.lines["apprise:ops"]).settings.model_dump(mode="json")["url"] == "***"
