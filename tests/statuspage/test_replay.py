"""What was recorded gives, through the same judgement, what happened: to the letter, however often it is stepped over."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.heartbeat import Every, Heartbeat
from incidents.model import Component, Monitor, Need, Service, Topology
from incidents.replay import Rerun, once_more
from incidents.stepping import Steps
from probes.result import Failure
from statuspage.store.engine import Store
from tests.incidents.chance import FAILURES, topologies
from tests.statuspage.pasts import WORDS, Life, Recorded, new_store, recalled, spelled

PULSE = Heartbeat(rhythm=Every(gap=timedelta(seconds=60)), grace=timedelta(seconds=30), finish_within=timedelta(seconds=90))
SLOWER = replace(PULSE, rhythm=Every(gap=timedelta(seconds=90)))
SECONDS = st.sampled_from([0.5, 1, 3, 9.25, 17, 45, 120, 700, 2000])
NUMBERS = st.integers(0, 9)


@st.composite
def worlds(draw: st.DrawFn) -> Topology:
    """A topology by chance, and beside it a job that reports by itself."""
    known = draw(topologies())
    pulse = draw(st.sampled_from([PULSE, SLOWER]))
    job = Monitor(id="job", component="nightly", heartbeat=pulse, fails_after=1, stale_after=timedelta(seconds=100))
    service = Service(id="backup", name={"en": "Backup"}, needs=(Need(of=("nightly",)),))
    return Topology(
        services={**known.services, "backup": service},
        components={**known.components, "nightly": Component(id="nightly", name="nightly")},
        monitors={**known.monitors, "job": job},
    )


Step = tuple[Any, ...]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("results"), st.lists(st.tuples(NUMBERS, st.sampled_from(FAILURES)), min_size=1, max_size=6), SECONDS),
    st.tuples(st.just("insists"), NUMBERS, st.sampled_from(FAILURES)),
    st.tuples(st.just("late"), NUMBERS, st.sampled_from([0.5, 30.0, 250.0, 9000.0])),
    st.tuples(st.just("steady"), st.integers(1, 8)),
    st.tuples(st.just("outage"), st.sampled_from(FAILURES[1:])),
    st.tuples(st.just("tick"), SECONDS),
    st.tuples(st.just("ticks"), st.integers(2, 40)),
    st.tuples(st.just("says"), NUMBERS, st.sampled_from(WORDS)),
    st.tuples(st.just("ping"), st.sampled_from([None, None, Failure.DEGRADED, Failure.REJECTED])),
    st.tuples(st.just("begin")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("remember")),
    st.tuples(st.just("configure"), worlds()),
)


async def live(life: Life, first: Topology, steps: Sequence[Step]) -> None:
    """Go through *steps*, with ticks as they come."""
    await life.start(first)
    for step in steps:
        life.now += timedelta(microseconds=1337)
        await _take(life, step)


async def _take(life: Life, step: Step) -> None:  # noqa: C901, PLR0912 - a table of what may happen
    known = life.road.situation.topology
    places = [(one.id, place) for one in known.monitors.values() if one.heartbeat is None for place in one.locations]
    match step:
        case ("results", some, seconds):
            await life.hear(*((*places[number % len(places)], failure) for number, failure in some))
            await life.tick(seconds)
        case ("insists", number, failure):
            for _ in range(3):
                await life.hear((*places[number % len(places)], failure), detail=f"at {life.now}")
                await life.tick(3)
        case ("late", number, seconds):
            await life.hear((*places[number % len(places)], None), late=seconds)
            await life.road.flush()
        case ("steady", rounds):
            await life.steadily(rounds)
        case ("outage", failure):
            for _ in range(3):
                await life.everywhere(failure)
                await life.tick(5)
        case ("tick", seconds):
            await life.tick(seconds)
        case ("ticks", count):
            for _ in range(count):
                await life.tick(1)
        case ("says", number, word):
            await life.says(number, word)
        case ("ping", failure):
            await life.ping("job", failure)
        case ("begin",):
            await life.begin("job")
        case ("restart",):
            await life.restart()
        case ("remember",):
            await life.road.remember()
        case ("configure", topology):
            await life.configure(topology)
        case _:
            raise AssertionError(step)


def lived(first: Topology, steps: Sequence[Step]) -> tuple[Life, Recorded]:
    async def run(directory: Path) -> tuple[Life, Recorded]:
        new_store(directory)
        store = await Store.open("sqlite:///past.db", directory)
        try:
            life = Life(store=store)
            await live(life, first, steps)
            await life.road.flush()
            recorded = await recalled(store)
            await life.road.close()
            return life, recorded
        finally:
            await store.close()

    with TemporaryDirectory() as name:
        return asyncio.run(run(Path(name)))


def again(recorded: Recorded, *, steps_over: bool = True) -> tuple[Rerun, list[list[object]]]:
    rerun = Rerun(recorded.memory, recorded.judgings, recorded.places)
    if not steps_over:
        rerun._steps = _OneByOne(recorded.places)
    return rerun, [spelled(events) for _, events in once_more(rerun, recorded.turns)]


class _OneByOne(Steps):
    def step(self, turn: object) -> bool:  # noqa: ARG002 - never
        return False


@pytest.fixture(scope="module")
def examples(is_soak: bool) -> settings:  # noqa: FBT001 - a fixture
    return settings(
        max_examples=3000 if is_soak else 60,
        derandomize=not is_soak,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def test_any_life_is_replayed_to_the_letter(examples: settings) -> None:
    @examples
    @given(worlds(), st.lists(STEPS, min_size=3, max_size=30))
    def check(first: Topology, steps: Sequence[Step]) -> None:
        life, recorded = lived(first, steps)
        rerun, events = again(recorded)
        assert events == [spelled(turn.events) for turn in recorded.turns]
        assert [one for turn in events for one in turn] == spelled(life.live)
        rerun.wakes()
        assert rerun.situation == life.road.situation

    check()
