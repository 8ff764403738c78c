"""What is held back costs nothing while it waits, and keeps nobody waiting: entries and statements are counted, not seconds."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from incidents import act
from incidents.events import Impacted, Updated
from incidents.model import State, Status, Topology, Update
from incidents.rewording import Redacted, digest
from probes.result import Failure
from statuspage import spread
from statuspage.picture.audience import Verdict
from statuspage.store import outbox, outbox_tables
from statuspage.store.outbox import Entry
from statuspage.store.record import record
from tests.statuspage.statements import statements
from tests.statuspage.tellings import House, known, telling

DAY = timedelta(days=1)


def patient(**patience: timedelta) -> Topology:
    """Email and portal, each with a patience of its own."""
    there = known()
    return replace(there, services={id: replace(one, notify_after=patience.get(id, DAY)) for id, one in there.services.items()})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, patient(portal=timedelta(minutes=2))) as opened:
        await opened.subscribe("ada@example.org")
        yield opened


async def say_much(house: House, incident: str, first: int, last: int) -> None:
    """Public words *first* to *last*, in one turn."""
    now = house.world.now
    said = [
        Update(number=number, state=State.INVESTIGATING, title="Problem", body=f"Words {number}.", at=now, automatic=False)
        for number in range(first, last + 1)
    ]
    events = [Updated(at=now, incident=incident, update=one) for one in said]
    await house.store.write(partial(record, events=events, results=[], at=now))


class Counting:
    """Counts the entries that looks read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = 0
        self._real = outbox.undecided
        monkeypatch.setattr(spread, "undecided", self._counted)

    def _counted(self, connection: Connection, now: datetime, *, limit: int, after: int = 0) -> tuple[Entry, ...]:
        found = self._real(connection, now, limit=limit, after=after)
        self.read += len(found)
        return found

    async def look(self, house: House) -> int:
        """How many one look reads."""
        self.read = 0
        await house.deliver(rounds=1)
        return self.read


async def test_what_is_held_back_is_looked_at_once_and_then_not_before_its_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with statements(house.store._database) as asked:
        await house.deliver(rounds=2)
        asked.clear()
        await house.deliver(rounds=1)
        quiet = len(asked)
    incident = await house.outage()
    await say_much(house, incident.id, 2, 600)
    counting = Counting(monkeypatch)
    assert await counting.look(house) >= 600
    with statements(house.store._database) as asked:
        for _ in range(3):
            assert await counting.look(house) == 0
            assert len(asked) == quiet, "as if there was nothing"
            asked.clear()
            house.world.wait(3600)
    await say_much(house, incident.id, 601, 601)
    assert await counting.look(house) == 1, "new words alone are looked at"
    house.world.now = incident.opened_at + DAY
    for _ in range(4):
        assert await counting.look(house) > 0
    assert len(await house.sent(incident.id)) == 601


def test_they_are_sought_by_their_time() -> None:
    """The index has the instant first: what waits longer is not gone through."""
    (index,) = [one for one in outbox_tables.outbox.indexes if one.name == "ix_outbox_undecided"]
    assert [column.name for column in index.columns] == ["held_until", "id"]


async def test_a_service_with_less_patience_brings_words_forward(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = await house.outage()
    counting = Counting(monkeypatch)
    await house.deliver()
    assert await house.sent(incident.id) == []
    hit = Impacted(at=house.world.now, incident=incident.id, services={"email": Status.PARTIAL, "portal": Status.PARTIAL})
    await house.store.write(partial(record, events=[hit], results=[], at=house.world.now))
    house.world.wait(120)
    await house.deliver()
    assert [one.delivered_at for one in await house.sent(incident.id)] == [house.world.now]
    assert await counting.look(house) == 0


async def test_less_patience_in_the_file_brings_words_forward(house: House) -> None:
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    assert await house.sent(incident.id) == []
    house.pipeline.situation = replace(house.pipeline.situation, topology=patient(email=timedelta(minutes=1)))
    await house.deliver()
    assert len(await house.sent(incident.id)) == 1


async def test_words_that_are_taken_back_while_they_are_held_back_are_known_as_such(house: House) -> None:
    incident = await house.outage()
    await house.say(incident.id, "A secret.")
    await house.deliver()
    redacted = Redacted(at=house.world.now, incident=incident.id, number=2, by="anna", reason="wrong", was=digest("A secret."))
    await house.store.write(partial(record, events=[redacted], results=[], at=house.world.now))
    await house.deliver()
    assert await verdicts(house, incident.id) == [None, Verdict.WITHDRAWN]


async def test_after_a_restart_what_was_held_back_is_looked_at_with_the_patience_of_now(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await house.outage()
    await house.deliver()
    counting = Counting(monkeypatch)
    assert await counting.look(house) == 0
    house.deliverer._held_for = None  # as a process that begins
    assert await counting.look(house) == 1
    assert await house.sent(incident.id) == []


async def test_what_is_told_between_batches_of_what_waits_is_told_once_and_keeps_its_thread(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = await house.outage()
    await say_much(house, email.id, 2, 150)
    await house.deliver()
    await house.see("web", Failure.REFUSED)
    (portal,) = [one for one in house.pipeline.situation.incidents.values() if one.id != email.id]
    await say_much(house, email.id, 151, 300)
    await house.pipeline.act(partial(act.update, incident=portal.id, by="anna", body="A cable is back.", state=State.MONITORING))
    await say_much(house, email.id, 301, 310)
    await house.pass_by(120)
    await house.store.write(outbox.release)
    monkeypatch.setattr(spread, "AT_ONCE", 10)
    await house.deliver(rounds=1)
    assert await verdicts(house, email.id) == [None] * 310
    assert await verdicts(house, portal.id) == [Verdict.TOLD, Verdict.TOLD], "good news, too: that it was told is known between batches"
    await house.deliver()
    assert ["A cable is back." in letter.text for letter in house.postbox.letters] == [False, True]


async def verdicts(house: House, incident: str) -> list[Verdict | None]:
    told = await house.store.read(lambda connection: outbox.told(connection, incident=incident))
    return [one.verdict for one in told]
