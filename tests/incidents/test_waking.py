"""Until the instant that is named, time alone says nothing: whatever was measured, whatever people did."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from incidents import act, pings
from incidents.decide import decide
from incidents.model import Subject, Topology
from incidents.policy import Policy
from incidents.waking import NEVER, wakes_at
from probes.result import Failure
from tests.incidents.chance import FAILURES, often, topologies
from tests.incidents.world import World, need, service, topology

MICROSECOND = timedelta(microseconds=1)
LONG = timedelta(days=400)
POLICY = Policy(waits_for_cause=timedelta(seconds=40), says_more_after=timedelta(seconds=90))

STEPS: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("hear"), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(FAILURES)), min_size=1, max_size=6)),
    st.tuples(st.just("insist"), st.integers(0, 9), st.sampled_from(FAILURES)),
    st.tuples(st.just("all"), st.sampled_from(FAILURES[:4])),
    st.tuples(st.just("tick"), st.sampled_from([1, 15, 61, 400, 2000])),
    st.tuples(st.just("flap"), st.integers(0, 9)),
    st.tuples(st.just("climb"), st.integers(0, 9)),
    st.tuples(st.just("resolve")),
    st.tuples(st.just("update")),
)


def quiet_until(world: World) -> datetime:
    """Look at instants before the one that is named, and find nothing."""
    wakes = wakes_at(world.situation, world.policy)
    last = min(wakes - MICROSECOND, world.now + LONG) if wakes > world.now else world.now - MICROSECOND
    for part in (0.001, 0.5, 1.0):
        at = world.now + (last - world.now) * part
        if world.now <= at < wakes:
            assert pings.overdue(world.situation, at, world.present_since) == ()
            assert decide(world.situation, (), world.policy, at) == (), f"woke at {at}, and was to sleep until {wakes}"
    return wakes


def go(world: World, step: Sequence[Any]) -> None:
    watches = sorted(world.situation.topology.monitors)
    match step:
        case ("hear", some):
            world.hear(*(world.result(watches[number % len(watches)], failure) for number, failure in some))
        case ("insist", number, failure):
            for _ in range(3):
                world.hear(world.result(watches[number % len(watches)], failure))
        case ("all", failure):
            for _ in range(3):
                world.hear(*(world.result(id, failure) for id in watches))
        case ("flap", number):
            for failure in (None, Failure.REFUSED) * 4:
                go(world, ("insist", number, failure))
        case ("climb", number):  # a part fails, and what it depends on has just begun to
            parts = world.situation.topology.components
            pairs = [(part.id, parent) for part in parts.values() for parent in part.depends_on]
            for child, parent in pairs[number % len(pairs) :][:1] if pairs else []:
                mine = world.situation.topology.monitors_of
                for failures in ((None, None), (None, None), (None, None), (Failure.REFUSED, None), (Failure.REFUSED, None)):
                    both = zip((child, parent), failures, strict=True)
                    world.hear(*(world.result(id, failure) for part, failure in both for id in mine[part]))
                world.hear(*(world.result(id, Failure.REFUSED) for part in (child, parent) for id in mine[part]))
        case ("tick", seconds):
            world.tick(seconds)
        case (word,) if world.situation.incidents:
            incident = min(world.situation.incidents)
            deed = act.update if word == "update" else act.resolve
            more = {} if word == "update" else {"override": "it is replaced"}
            world.act(deed, incident=incident, by="ada", body="Words.", **more)
        case _:
            return


def test_nothing_is_said_before_the_instant_that_is_named(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150, most=5000)
    @given(topologies(), st.sampled_from([70, 3600, 3600]), st.lists(STEPS, min_size=3, max_size=25))
    def check(known: Topology, patience: int, steps: Sequence[Sequence[Any]]) -> None:
        # Where silence is judged late, the other clocks are heard.
        one = {"locations": ("local",), "quorum": None, "stale_after": timedelta(seconds=patience)}
        alone = {id: replace(monitor, **one) for id, monitor in known.monitors.items()}  # type: ignore[arg-type]  # fields by name
        world = World(replace(known, monitors=alone), POLICY)
        for step in steps:
            go(world, step)
            world.tick()
            quiet_until(world)

    check()


def test_where_nothing_was_ever_heard_nothing_is_waited_for() -> None:
    world = World(topology([service("mail", need("smtp"))]))
    assert quiet_until(world) == NEVER
    world.good("smtp")
    assert quiet_until(world) == world.now - timedelta(seconds=3) + timedelta(seconds=100)


def test_a_victim_that_is_left_behind_is_waited_for() -> None:
    world = World(topology([service("mail", need("smtp"), need("switch"))], {"smtp": ("switch",)}))
    for _ in range(2):
        world.good("smtp", "switch")
    for _ in range(2):
        world.bad("smtp", "switch")
    for _ in range(2):
        world.wait(20)
        world.hear(world.result("smtp", Failure.REFUSED), world.result("switch", None))
    world.wait(40)
    world.hear(world.result("smtp", Failure.REFUSED), world.result("switch", None))
    back = world.situation.standings[Subject.COMPONENT, "switch"].since
    assert quiet_until(world) == back + timedelta(seconds=100)
