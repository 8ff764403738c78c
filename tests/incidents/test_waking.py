"""Until the instant that is named, time alone says nothing: whatever was measured, whatever people did."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from incidents import act, advising, pings
from incidents.act import Refused
from incidents.decide import decide
from incidents.maintenance import MaintenanceState, Series
from incidents.model import Subject, Topology
from incidents.planned import planning
from incidents.planned.windows import MOST_AHEAD
from incidents.policy import Policy
from incidents.times.recurrence import Recurrence
from incidents.times.rule import Frequency, Rule
from incidents.waking import NEVER, wakes_at
from probes.result import Failure
from tests.incidents.chance import FAILURES, often, topologies
from tests.incidents.world import World, need, service, topology

MICROSECOND = timedelta(microseconds=1)
LONG = timedelta(days=400)
POLICY = Policy(waits_for_cause=timedelta(seconds=40), says_more_after=timedelta(seconds=90), announces_early=timedelta(seconds=50))
ANYTIME = planning.Terms(override="It must be.")

STEPS: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("hear"), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(FAILURES)), min_size=1, max_size=6)),
    st.tuples(st.just("insist"), st.integers(0, 9), st.sampled_from(FAILURES)),
    st.tuples(st.just("all"), st.sampled_from(FAILURES[:4])),
    st.tuples(st.just("tick"), st.sampled_from([1, 15, 61, 400, 2000])),
    st.tuples(st.just("flap"), st.integers(0, 9)),
    st.tuples(st.just("climb"), st.integers(0, 9)),
    st.tuples(st.just("resolve")),
    st.tuples(st.just("update")),
    st.tuples(st.just("plan"), st.integers(0, 9), st.sampled_from([1, 45, 700]), st.sampled_from([5, 100, 900]), st.booleans()),
    st.tuples(st.just("plan"), st.integers(0, 9), st.sampled_from([1, 45, 700]), st.sampled_from([5, 100, 900]), st.booleans()),
    st.tuples(st.just("advise"), st.sampled_from([1, 45, 700, None])),
    st.tuples(st.just("window"), st.integers(0, 9), st.sampled_from(["finish", "cancel", "approve", "extend"])),
)


def quiet_until(world: World) -> datetime:
    """Look at instants before the one that is named, and find nothing."""
    wakes = wakes_at(world.situation, world.policy, world.now)
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
        case ("plan", number, starts, lasts, waits):
            plan(world, number, starts, lasts, waits=waits)
        case ("advise", lasts):
            ends = None if lasts is None else world.now + timedelta(seconds=lasts)
            wish = advising.Wish(name={"en": "Storm"}, services=(), starts=world.now, ends=ends, body={"en": "It blows."})
            world.act(advising.publish, by="ada", wish=wish)
        case ("window", number, word):
            change_window(world, number, word)
        case (word,) if world.situation.incidents:
            incident = min(world.situation.incidents)
            deed = act.update if word == "update" else act.resolve
            more = {} if word == "update" else {"override": "it is replaced"}
            world.act(deed, incident=incident, by="ada", body="Words.", **more)
        case _:
            return


def plan(world: World, number: int, starts: int, lasts: int, *, waits: bool = False) -> None:
    services = sorted(world.situation.topology.services)
    begins = world.now + timedelta(seconds=starts)
    service = services[number % len(services)]
    wish = planning.Wish(name="Patches", services=(service,), starts=begins, ends=begins + timedelta(seconds=lasts), body="We patch.")
    world.act(planning.plan, by="ada", wish=wish, terms=replace(ANYTIME, needs_approval=waits))


def change_window(world: World, number: int, word: str) -> None:
    """Whatever makes no sense as things stand is not done."""
    known = sorted(world.situation.maintenances.values(), key=lambda window: window.id)
    for window in known[number % len(known) :][:1] if known else []:
        with suppress(Refused):
            if word == "extend":
                world.act(planning.extend, maintenance=window.id, by="bob", ends=window.ends + timedelta(minutes=3), terms=ANYTIME)
            else:
                world.act(getattr(planning, word), maintenance=window.id, by="meg")


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


def a_window() -> World:
    """Mail works, and from ten seconds after now on work on it is planned for a hundred seconds."""
    world = World(topology([service("mail", need("smtp"))], stale_after=timedelta(hours=1)), POLICY)
    for _ in range(2):
        world.good("smtp")
    plan(world, 0, 10, 100)
    return world


def test_the_beginning_and_the_end_of_planned_work_are_waited_for() -> None:
    world = a_window()
    (window,) = world.situation.maintenances.values()
    assert quiet_until(world) == window.starts
    world.tick(10)
    assert quiet_until(world) == window.ends
    world.tick(100)
    assert not world.situation.maintenances


def test_the_end_of_the_grace_is_waited_for_where_something_is_still_broken() -> None:
    world = a_window()
    (window,) = world.situation.maintenances.values()
    world.tick(10)
    world.fail("smtp")
    world.tick(100)
    assert world.situation.maintenances[window.id].state is MaintenanceState.VERIFYING
    assert quiet_until(world) == window.ends + POLICY.verifies_for
    assert not world.situation.incidents
    world.tick(600)
    assert world.incident.planned_until == window.ends


def test_what_nobody_has_approved_is_waited_for_until_its_end() -> None:
    world = World(topology([service("mail", need("smtp"))], stale_after=timedelta(hours=1)), POLICY)
    plan(world, 0, 10, 100, waits=True)
    (window,) = world.situation.maintenances.values()
    assert quiet_until(world) == window.ends
    world.tick(110)
    assert not world.situation.maintenances


def series(*, announce: timedelta, **rule: Any) -> Series:  # noqa: ANN401 - parts of a rule
    """Work from noon on: every day, unless the *rule* says otherwise."""
    noon = Recurrence(starts=datetime(2026, 3, 2, 12), timezone="UTC", rule=Rule(frequency=Frequency.DAILY, **rule))  # noqa: DTZ001 - by the wall clock
    texts: dict[str, str] = {}
    return Series(
        key="works",
        name=texts,
        description=texts,
        services=("mail",),
        components=(),
        recurrence=noon,
        lasts=timedelta(minutes=2),
        announce=announce,
    )


def test_the_next_occurrence_of_a_series_is_waited_for_as_long_before_it_as_it_is_announced() -> None:
    known = topology([service("mail", need("smtp"))])
    world = World(replace(known, series={"works": series(announce=timedelta(hours=1))}), POLICY)
    noon = world.now.replace(hour=12)
    assert quiet_until(world) < world.now, "a series that nobody was told of is announced at once"
    world.tick()
    assert [window.starts for window in world.situation.maintenances.values()] == [noon]
    assert quiet_until(world) == noon
    world.tick((noon - world.now).total_seconds() + 600)
    world.tick(600)
    assert quiet_until(world) == noon + timedelta(hours=23) - timedelta(seconds=50)


def test_where_as_many_are_planned_ahead_as_may_be_the_next_waits_for_the_first_to_be_over() -> None:
    known = topology([service("mail", need("smtp"))])
    crowded = series(announce=timedelta(days=30), hours=(12, 13), minutes=tuple(range(0, 60, 5)))
    world = World(replace(known, series={"works": crowded}), POLICY)
    world.tick()
    assert len(world.situation.maintenances) == MOST_AHEAD
    soonest = min(world.situation.maintenances.values(), key=lambda window: window.starts)
    world.act(planning.cancel, maintenance=soonest.id, by="ada")
    world.tick()
    assert len(world.situation.maintenances) == MOST_AHEAD - 1, "what was cancelled counts until its time is over"
    assert quiet_until(world) == soonest.ends
    world.tick((soonest.ends - world.now).total_seconds())
    assert len(world.situation.maintenances) == MOST_AHEAD
