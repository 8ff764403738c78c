"""What a batch came from, as bytes and as rows: nothing is lost on the way, and it goes with the results that it tells of."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from incidents.heartbeat import Every, Heartbeat
from incidents.impairment import Hindrance, Impairment
from incidents.maintenance import Maintenance, MaintenanceState, Promise, Series
from incidents.model import Pause, Situation, Topology
from incidents.policy import Policy
from incidents.turns import Circumstances
from probes.cron import Cron
from statuspage.store import past
from statuspage.store.engine import Database
from statuspage.store.queries import apply_configuration
from statuspage.store.recall import memory_before, series_in_force, turns
from statuspage.store.record import record
from statuspage.store.results import prune
from statuspage.store.spelling import milliseconds
from statuspage.store.tables import batches, memories
from statuspage.store.values import built, plain
from tests.statuspage.picture.test_planned import weekly
from tests.statuspage.pictures import SITE
from tests.statuspage.store.worlds import T0, TOPOLOGY, after, begin, result, write

INSTANTS = st.timedeltas(timedelta(0), timedelta(days=300)).map(lambda length: T0 + length)
HEARD = st.lists(st.tuples(st.integers(1, 2**31), st.integers(-(2**40), 2**40)), max_size=20)


@given(INSTANTS, HEARD, st.booleans())
def test_packed_results_are_unpacked_as_they_were(at: datetime, heard: Sequence[tuple[int, int]], is_tick: bool) -> None:  # noqa: FBT001
    places, slots = [place for place, _ in heard], [milliseconds(at) - lag for _, lag in heard]
    packed = past.pack(at, places, slots, is_tick=is_tick)
    found, micros, numbers, instants = past.unpack(milliseconds(at), packed)
    assert (found, list(numbers), list(instants)) == (is_tick, places, slots)
    assert T0 + timedelta(microseconds=micros - milliseconds(T0) * 1000) == at


def test_a_result_that_came_soon_takes_four_bytes() -> None:
    one, two = (past.pack(T0, list(range(300, 300 + count)), [milliseconds(T0) - 900] * count) for count in (1, 2))
    assert len(two) - len(one) == 4


def whole() -> Situation:
    """One of everything that is kept by hand and not by a test's decisions."""
    window = Maintenance(
        id="upgrade",
        name={"en": "Upgrade"},
        description={"en": "We upgrade."},
        services=("mail",),
        components=("smtp",),
        starts=T0,
        ends=after(3600),
        state=MaintenanceState.SCHEDULED,
        planned_at=T0,
        promises=(Promise(announced_at=T0, starts=T0, ends=after(1800)),),
    )
    return Situation(
        topology=TOPOLOGY,
        seed="seed",
        paused={"smtp-greets": Pause(by="ada", at=T0, reason="is moved")},
        waived=frozenset({"imap"}),
        maintenances={"upgrade": window},
        spent={"weekly/1": T0},
        proven=frozenset({("local", "gateway")}),
        impairments={("local", Hindrance.CLOCK): Impairment(location="local", since=T0, until=after(3), reason=Hindrance.CLOCK)},
    )


@pytest.mark.parametrize("name", [one.name for one in fields(Situation)])
def test_every_part_of_a_situation_is_built_again(name: str) -> None:
    value = getattr(whole(), name)
    assert built(get_type_hints(Situation)[name], plain(value)) == value


@pytest.mark.parametrize("rhythm", [Every(gap=timedelta(hours=1)), Cron(expression="15 2 * * *", timezone="Europe/Berlin")])
def test_a_promise_is_built_again(rhythm: Every | Cron) -> None:
    beat = Heartbeat(rhythm=rhythm, grace=timedelta(minutes=5), finish_within=timedelta(hours=2))
    monitors = {id: replace(monitor, heartbeat=beat) for id, monitor in TOPOLOGY.monitors.items()}
    topology = replace(TOPOLOGY, monitors=monitors)
    assert built(Topology, plain(topology)) == topology
    assert built(Policy, plain(Policy(language="de"))) == Policy(language="de")


def test_what_is_no_value_of_the_model_is_refused() -> None:
    with pytest.raises(TypeError, match="object is no value"):
        plain(object())


def test_memories_go_with_the_batches_before_them(database: Database) -> None:
    begin(database)
    for day in range(3):
        at = after(86_400 * day)
        database.write(lambda connection, at=at: past.begin(connection, version=1, at=at))  # type: ignore[misc]
        write(database, results=[result(seconds=86_400 * day)], at=at)
    assert database.write(lambda connection: prune(connection, after(86_400 * 1.5), 1000)) > 0
    found = database.read(lambda connection: memory_before(connection, T0))
    assert found is not None
    assert found[1].at == after(2 * 86_400)
    kept = database.read(lambda connection: connection.execute(select(func.count()).select_from(memories)).scalar())
    assert kept == 1


def test_a_batch_without_circumstances_is_taken_as_it_stands(database: Database) -> None:
    begin(database)
    write(database, results=[result()], at=T0)
    newest, at = [result(seconds=5)], after(5)
    database.write(lambda connection: record(connection, events=(), results=newest, at=at, circumstances=Circumstances()))
    last = database.read(lambda connection: connection.execute(select(func.max(batches.c.sequence))).scalar())
    found = list(turns(database.read, 1, last or 0))
    assert [(turn.is_foreign, list(turn.slots)) for turn in found] == [(True, []), (False, [milliseconds(after(5))])]


def test_which_series_were_in_force_is_told_where_it_changed_back_to_just_before(database: Database) -> None:
    def apply(days: int, text: str, *series: Series, is_old: bool = False) -> None:
        known = TOPOLOGY
        meant = past.compiled(replace(known, series={one.key: one for one in series}), Policy(), SITE)
        kept = None if is_old else meant
        at = T0 + timedelta(days=days)
        database.write(lambda connection: apply_configuration(connection, text=text, digest=text, at=at, compiled=kept))

    first, later = weekly(), weekly(lasts=timedelta(hours=1))
    apply(0, "of an older release", is_old=True)
    for days, text, *series in ((1, "a", first), (5, "b", first), (6, "c", first), (7, "d", later), (8, "e", later), (9, "f")):
        apply(days, text, *series)

    def told(since: int) -> list[tuple[int, list[Series]]]:
        found = database.read(lambda connection: series_in_force(connection, T0 + timedelta(days=since)))
        return [((at - T0).days, list(series.values())) for at, series in found]

    everything = [(1, [first]), (7, [later]), (9, [])]
    assert told(-3) == told(0) == everything
    assert told(6) == [(6, [first]), *everything[1:]]
    assert told(30) == [(9, [])]
