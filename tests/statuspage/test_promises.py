"""How promised updates were kept, and how long the desk took, is in the metrics, whoever did it and whichever process counts."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from incidents import act
from statuspage.desk_tallies import Timed
from statuspage.picture.desk_tallies import Tallied
from statuspage.promises import Promised
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from tests.statuspage.audiences import fails, housed, works
from tests.statuspage.statements import statements
from tests.statuspage.tellings import House, known, telling
from tests.stories.surfaces import text
from tests.stories.test_broken_mail_frozen import Clock


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield opened


async def promise(house: House, incident: str, minutes: float | None) -> None:
    by = None if minutes is None else house.world.now + timedelta(minutes=minutes)
    await house.pipeline.act(partial(act.update, incident=incident, by="anna", body="We look.", next_update_by=by))


async def outcomes(house: House, promised: Promised) -> dict[str, int]:
    return dict((await promised.renew()).figures(house.world.now).outcomes)


async def test_promises_are_counted_as_they_are_kept_or_missed(house: House) -> None:
    promised = Promised(store=house.store)
    incident = (await house.outage()).id
    assert await outcomes(house, promised) == {"kept": 0, "missed": 0}
    await promise(house, incident, 30)
    await house.pass_by(1799)
    await promise(house, incident, 10)
    assert await outcomes(house, promised) == {"kept": 1, "missed": 0}
    await house.pass_by(601)
    assert await outcomes(house, promised) == {"kept": 1, "missed": 1}, "nobody said anything, and yet it is missed"
    await house.pass_by(60)
    await promise(house, incident, 10)
    await house.pipeline.act(partial(act.resolve, incident=incident, by="anna", body="A disk was full.", override="We know."))
    assert await outcomes(house, promised) == {"kept": 2, "missed": 1}, "the end is words, too"
    figures = (await promised.renew()).figures(house.world.now)
    assert (tuple(figures.answered), figures.late_by) == ((2, 0, 1, 0, 0, 0, 0), 61.0)


async def test_a_process_that_begins_counts_what_was_before_it(house: House) -> None:
    first = Promised(store=house.store)
    incident = (await house.outage()).id
    for _ in range(3):
        await promise(house, incident, 5)
        await outcomes(house, first)
        await house.pass_by(200)
        await promise(house, incident, 5)
        await house.pass_by(400)
    await promise(house, incident, None)
    assert await outcomes(house, first) == await outcomes(house, Promised(store=house.store)) == {"kept": 3, "missed": 3}


async def test_only_what_is_new_is_read(house: House) -> None:
    promised = Promised(store=house.store)
    incident = (await house.outage()).id
    await promise(house, incident, 5)
    await promised.renew()
    with statements(house.store._database) as asked:
        await promised.renew()
    assert not [one for one in asked if "FROM updates" in one]


async def test_while_the_store_is_away_what_was_known_stands(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = Promised(store=house.store)
    incident = (await house.outage()).id
    await promise(house, incident, 5)
    await promised.renew()

    async def away(*_: object) -> None:
        raise StoreUnavailable("it is away")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "read", away)
        await house.pass_by(301)
        assert await outcomes(house, promised) == {"kept": 0, "missed": 1}
    await promise(house, incident, None)
    assert await outcomes(house, promised) == {"kept": 0, "missed": 1}


async def test_a_scrape_of_the_hub_tells_them(tmp_path: Path) -> None:
    async with housed(tmp_path, Clock()) as house:
        await works(house)
        await fails(house, "submission")
        (incident,) = house.hub.pipeline.situation.incidents
        by = house.clock.now + timedelta(minutes=5)
        await house.hub.pipeline.act(partial(act.update, incident=incident, by="anna", body="We look.", next_update_by=by))
        assert 'statuspage_promised_updates_total{outcome="missed"} 0.0' in await text(house.internal, "/metrics")
        house.clock.wait(seconds=301)
        assert 'statuspage_promised_updates_total{outcome="missed"} 1.0' in await text(house.internal, "/metrics")


async def test_how_long_the_desk_takes_is_counted_once_from_the_start_on(house: House) -> None:
    timed = Timed(store=house.store)
    await timed.renew()
    incident = (await house.outage()).id
    other = Timed(store=house.store)
    await other.renew()
    for _ in range(2):
        await house.pass_by(120)
        await house.pipeline.act(partial(act.acknowledge, incident=incident, by="anna", lasts=timedelta(hours=1)))
        await timed.renew()
    await promise(house, incident, None)
    await house.see("smtp", None)
    await house.pass_by(3600)
    await house.pipeline.tick()
    took = await timed.renew()
    assert [(sum(times.lie), times.lie.index(1)) for times in took.values() if sum(times.lie)] == [(1, 1), (1, 0), (1, 5), (1, 0)]
    assert took[Tallied.ACKNOWLEDGE].total == 123, "three seconds pass between two results"
    assert await other.renew() != took, "what was before a process began is not counted by it"
    with statements(house.store._database) as asked:
        assert await timed.renew() == took
    assert len([one for one in asked if "FROM journal" in one]) <= 2
