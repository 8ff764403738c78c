"""Two hubs on one store: whoever comes second decides anew, and nothing is lost or said twice."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from sqlalchemy import Connection, select

from incidents import act
from incidents.events import Opened
from incidents.model import Status
from incidents.policy import Policy
from probes.result import Failure
from statuspage.pipeline import Pipeline
from statuspage.store import queries, tables
from statuspage.store.engine import Store
from tests.statuspage.store.worlds import T0, TOPOLOGY, after, result
from tests.stores import Place

Pair = tuple[Pipeline, Pipeline]


class Clock:
    """The same instant for both."""

    at = T0


CLOCK = Clock()


@pytest.fixture
async def pair(place: Place) -> AsyncIterator[Pair]:
    """Two roads into one store, each with a situation of its own."""
    stores = [await Store.open(place.url, place.data_dir) for _ in range(2)]
    await stores[0].write(lambda connection: queries.installation(connection, url="https://status.example.org", now=T0))
    roads = []
    for store in stores:
        situation = await store.read(lambda connection: queries.situation(connection, TOPOLOGY))
        roads.append(Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: CLOCK.at))
    yield roads[0], roads[1]
    for store in stores:
        await store.close()


def history(connection: Connection) -> tuple[list[str], list[tuple[str, str, str]], int]:
    """The kinds in the journal, the status changes as (id, old, new), and the number of results."""
    kinds = connection.execute(select(tables.journal.c.kind).order_by(tables.journal.c.sequence)).scalars().all()
    table = tables.status_changes.c
    changes = connection.execute(select(table.id, table.old, table.new).order_by(table.sequence))
    counted = len(connection.execute(select(tables.results.c.slot)).all())
    return list(kinds), [(row.id, row.old, row.new) for row in changes], counted


async def outage(*roads: Pipeline) -> None:
    """Each of *roads* hears, at the same time and by turns, results of its own of one outage."""
    for number, failure in enumerate((None, Failure.REFUSED, Failure.REFUSED, Failure.REFUSED)):
        CLOCK.at = after(10 * number + 2)
        heard = [result("smtp-greets", 10 * number + place, failure=failure) for place in range(len(roads))]
        await asyncio.gather(*(road.observe(one) for road, one in zip(roads, heard, strict=True)))
    for road in roads:
        await road.flush()


async def test_two_that_see_one_outage_open_one_incident(pair: Pair) -> None:
    one, other = pair
    await outage(one, other)
    kinds, changes, counted = await one.store.read(history)
    assert kinds.count("opened") == 1
    assert counted == 8
    assert [change for change in changes if change[0] == "smtp"] == [
        ("smtp", "unknown", "operational"),
        ("smtp", "operational", "major_outage"),
    ]
    stored = await one.store.read(lambda connection: queries.situation(connection, TOPOLOGY))
    assert len(stored.incidents) == 1
    assert stored == other.situation
    assert one.figures.crashed_turns == other.figures.crashed_turns == 0


async def test_the_same_result_brought_to_both_counts_once(pair: Pair) -> None:
    one, other = pair
    for number, failure in enumerate((None, Failure.REFUSED)):
        CLOCK.at = after(10 * number + 2)
        same = result("smtp-greets", 10 * number, failure=failure)
        await asyncio.gather(one.observe(same), other.observe(same))
        await asyncio.gather(one.flush(), other.flush())
    stored = await one.store.read(lambda connection: queries.situation(connection, TOPOLOGY))
    assert not stored.incidents, "one failure, heard twice, was taken for two"
    assert (await one.store.read(history))[2] == 2


async def test_an_act_is_done_on_what_the_other_left(pair: Pair) -> None:
    one, other = pair
    await outage(one)
    (incident,) = one.situation.incidents
    await other.act(lambda situation, now: act.note(situation, now, incident=incident, by="ada", body="seen"))
    await one.act(lambda situation, now: act.note(situation, now, incident=incident, by="bob", body="seen too"))
    notes = await one.store.read(lambda connection: queries.notes(connection, incident))
    assert [(note.number, note.by) for note in notes] == [(1, "ada"), (2, "bob")]


async def test_what_the_other_ended_is_not_acted_on(pair: Pair) -> None:
    one, other = pair
    asked = {"by": "ada", "name": "x", "services": {"mail": Status.MAJOR}, "body": "y"}
    opened = await one.act(partial(act.open_incident, **asked))  # type: ignore[arg-type]  # the test's own keywords
    (id,) = (event.incident for event in opened if isinstance(event, Opened))
    await other.act(lambda situation, now: act.resolve(situation, now, incident=id, by="bob", body="over"))
    with pytest.raises(act.NotFound):
        await one.act(lambda situation, now: act.note(situation, now, incident=id, by="ada", body="late"))
