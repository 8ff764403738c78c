"""What was recorded gives, through the same judgement, what happened: to the letter, however often it is stepped over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents import act
from incidents.events import Acknowledged, Counted, Event, MaintenanceMoved, Opened, Planned, Published, StatusChanged
from incidents.heartbeat import Every, Heartbeat
from incidents.maintenance import MaintenanceState, Series
from incidents.model import Component, Monitor, Need, Service, Subject, Topology
from incidents.moving import Move
from incidents.policy import Policy
from incidents.replaying.differences import differences
from incidents.replaying.past import Judging, Turn
from incidents.replaying.replay import Rerun, once_more, otherwise
from incidents.times.recurrence import Recurrence
from incidents.times.rule import Frequency, Rule
from probes.result import Failure
from statuspage.store.engine import Store
from tests.incidents.chance import FAILURES, often, topologies
from tests.incidents.world import START, need, service, topology
from tests.statuspage.pasts import WINDOW_WORDS, WORDS, Life, Recorded, Shelf, on_postgresql, on_sqlite, recalled, spelled
from tests.stores import Place

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
    backup = Service(id="backup", name={"en": "Backup"}, needs=(Need(of=("nightly",)),))
    return Topology(
        services={**known.services, "backup": backup},
        components={**known.components, "nightly": Component(id="nightly", name="nightly")},
        monitors={**known.monitors, "job": job},
        series=known.series,
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
    st.tuples(st.just("merges"), NUMBERS, NUMBERS),
    st.tuples(st.just("splits"), NUMBERS, NUMBERS),
    st.tuples(st.just("plans"), NUMBERS, st.sampled_from([1, 20, 400]), st.sampled_from([5, 90, 800]), st.booleans()),
    st.tuples(st.just("advises"), NUMBERS, st.sampled_from([5, 90, None])),
    st.tuples(st.just("window"), NUMBERS, st.sampled_from(WINDOW_WORDS)),
    st.tuples(st.just("ping"), st.sampled_from([None, None, Failure.DEGRADED, Failure.REJECTED])),
    st.tuples(st.just("begin")),
    st.tuples(st.just("looks"), st.sampled_from([None, Failure.UNREACHABLE]), st.sampled_from([0.0, 5.0, 70.0])),
    st.tuples(st.just("slow"), NUMBERS, st.sampled_from([2.0, 20.0])),
    st.tuples(st.just("pauses"), NUMBERS),
    st.tuples(st.just("restart"), st.one_of(st.none(), worlds())),
    st.tuples(st.just("remember")),
    st.tuples(st.just("configure"), worlds()),
)


async def live(life: Life, first: Topology, steps: Sequence[Step]) -> None:
    """Go through *steps*, with ticks as they come."""
    await life.start(first)
    for step in steps:
        life.now += timedelta(microseconds=1337)
        await _take(life, step)


async def _take(life: Life, step: Step) -> None:  # noqa: C901, PLR0912, PLR0915 - a table of what may happen
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
        case ("merges", number, other):
            await life.merges(number, other)
        case ("splits", number, place):
            await life.splits(number, place)
        case ("plans", number, starts, lasts, waits):
            await life.plans(number, starts, lasts, waits=waits)
        case ("advises", number, lasts):
            await life.advises(number, lasts)
        case ("window", number, word):
            await life.turns_window(number, word)
        case ("ping", failure):
            await life.ping("job", failure)
        case ("begin",):
            await life.begin("job")
        case ("looks", failure, seconds):
            await life.looks(failure, seconds)
        case ("slow", number, took):
            await life.hear((*places[number % len(places)], None), late=took, took=took)
            await life.road.flush()
        case ("pauses", number):
            await life.pauses(sorted(known.monitors)[number % len(known.monitors)])
        case ("restart", other):
            await life.restart(other)
        case ("remember",):
            await life.road.remember()
        case ("configure", other):
            await life.configure(other)
        case _:
            raise AssertionError(step)


def again(recorded: Recorded) -> tuple[Rerun, list[list[object]]]:
    rerun = Rerun(recorded.memory, recorded.judgings, recorded.places, renamings=recorded.renamings)
    return rerun, [spelled(events) for _, events in once_more(rerun, recorded.turns)]


def instead(recorded: Recorded, judging: Judging) -> tuple[Rerun, list[Event]]:
    """What would have happened under *judging*."""
    rerun = Rerun(recorded.memory, recorded.judgings, recorded.places, judging, renamings=recorded.renamings)
    events = list(rerun.begin_instead(recorded.memory.at))
    for _, said in otherwise(rerun, recorded.turns):
        events.extend(said)
    return rerun, events


def tell(topology: Topology, story: Callable[[Life], Awaitable[None]]) -> tuple[Life, Recorded]:
    """A life that goes by a story."""

    async def run(life: Life) -> None:
        await life.start(topology)
        await story(life)

    return remembered(run)


def remembered(run: Callable[[Life], Awaitable[None]], shelf: Shelf = on_sqlite) -> tuple[Life, Recorded]:
    """Live, and look back."""

    async def whole(place: Place) -> tuple[Life, Recorded]:
        store = await Store.open(place.url, place.data_dir)
        try:
            life = Life(store=store)
            await run(life)
            await life.road.flush()
            recorded = await recalled(store)
            await life.road.close()
            return life, recorded
        finally:
            await store.close()

    with shelf() as place:
        return asyncio.run(whole(place))


def lived(first: Topology, steps: Sequence[Step], shelf: Shelf) -> tuple[Life, Recorded]:
    return remembered(lambda life: live(life, first, steps), shelf)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """Both databases; one server has all the lives, each in a store of its own."""
    return on_sqlite if request.param == "sqlite" else partial(on_postgresql, request.getfixturevalue("postgresql"))


@pytest.fixture(scope="module")
def examples(is_soak: bool, shelf: Shelf) -> settings:  # noqa: FBT001 - a fixture
    """On a server a life takes three times as long."""
    few, most = (60, 3000) if shelf is on_sqlite else (20, 1000)
    return often(is_soak=is_soak, few=few, most=most)


def test_any_life_is_replayed_to_the_letter(examples: settings, shelf: Shelf) -> None:
    @examples
    @given(worlds(), st.lists(STEPS, min_size=3, max_size=30))
    def check(first: Topology, steps: Sequence[Step]) -> None:
        life, recorded = lived(first, steps, shelf)
        rerun, events = again(recorded)
        assert events == [spelled(turn.events) for turn in recorded.turns]
        assert [one for turn in events for one in turn] == spelled(life.live)
        rerun.wakes()
        assert rerun.situation == life.road.situation

    check()


def test_under_any_other_configuration_a_life_can_be_gone_through(examples: settings, shelf: Shelf) -> None:
    @settings(examples, max_examples=examples.max_examples // 2)
    @given(worlds(), st.lists(STEPS, min_size=3, max_size=25), worlds())
    def check(first: Topology, steps: Sequence[Step], other: Topology) -> None:
        _, recorded = lived(first, steps, shelf)
        _, events = instead(recorded, Judging(topology=other, policy=Policy()))
        differences([event for turn in recorded.turns for event in turn.events], events)

    check()


# --- stories

MAIL = topology([service("mail", need("smtp"), need("imap")), service("files", need("storage"))], stale_after=timedelta(seconds=100))


async def _ticking(life: Life, seconds: float) -> None:
    """Everything works, with a tick each second and results every twenty."""
    for second in range(int(seconds)):
        if second % 20 == 0:
            await life.everywhere()
        await life.tick(1)


async def _outage(life: Life) -> None:
    """Smtp fails for a minute, on a busy and ticking hub, and is mended; the incident resolves by itself."""
    await _ticking(life, 60)
    for _ in range(4):
        await life.hear(("smtp", "local", Failure.REFUSED), detail="nothing listens")
        for _ in range(10):
            await life.hear(("imap", "local", None), ("storage", "local", None))
            await life.tick(1)
            life.wait(0.25)
    await life.says(0, "acknowledge")
    await life.says(0, "note")
    await _ticking(life, 700)


def test_what_was_stepped_over_is_most_of_the_past() -> None:
    _, recorded = tell(MAIL, _outage)
    judged = 0

    class Counting(Rerun):
        def _judge(self, turn: Turn) -> tuple[Event, ...]:
            nonlocal judged
            judged += 1
            return super()._judge(turn)

    events = [spelled(said) for _, said in once_more(Counting(recorded.memory, recorded.judgings, recorded.places), recorded.turns)]
    assert events == [spelled(turn.events) for turn in recorded.turns]
    assert judged < len(recorded.turns) / 2


def test_the_same_configuration_changes_nothing() -> None:
    life, recorded = tell(MAIL, _outage)
    _, events = instead(recorded, recorded.judgings[1])
    assert spelled(events) == spelled(life.live)


def test_a_third_failure_asked_for_is_a_later_detection() -> None:
    life, recorded = tell(MAIL, _outage)
    monitors = {id: replace(monitor, fails_after=3) for id, monitor in MAIL.monitors.items()}
    rerun, events = instead(recorded, Judging(topology=replace(MAIL, monitors=monitors), policy=Policy()))
    (pair,) = differences(life.live, events).both
    assert timedelta(seconds=-13) < pair.gained < timedelta(seconds=-9)
    assert pair.otherwise.started_at == pair.recorded.started_at
    assert pair.otherwise.ended_at is not None
    assert rerun.lost_acts == 0
    assert any(isinstance(event, Acknowledged) and event.incident == pair.otherwise.id for event in events)


def test_an_outage_too_short_for_the_other_configuration_is_one_fewer() -> None:
    life, recorded = tell(MAIL, _outage)
    monitors = {id: replace(monitor, fails_after=5) for id, monitor in MAIL.monitors.items()}
    rerun, events = instead(recorded, Judging(topology=replace(MAIL, monitors=monitors), policy=Policy()))
    found = differences(life.live, events)
    assert ([one.root for one in found.fewer], found.both, found.more) == (["smtp"], (), ())
    assert found.notices_recorded > found.notices_otherwise == 0
    assert rerun.lost_acts == 2


def test_words_held_back_longer_go_out_at_a_tick_that_said_nothing_then() -> None:
    life, recorded = tell(MAIL, _outage)
    services = {id: replace(one, publish_after=timedelta(seconds=25)) for id, one in MAIL.services.items()}
    _, events = instead(recorded, Judging(topology=replace(MAIL, services=services), policy=Policy()))
    (opened,) = [event for event in events if isinstance(event, Opened)]
    (published,) = [event for event in events if isinstance(event, Published)]
    assert timedelta(seconds=25) <= published.at - opened.at < timedelta(seconds=27)
    assert len(differences(life.live, events).both) == 1


async def _with_a_gap(life: Life) -> None:
    await _ticking(life, 60)
    await life.hear(*((id, "local", Failure.REFUSED) for id in MAIL.monitors))
    life.wait(3)
    await life.hear(*((id, "local", Failure.REFUSED) for id in MAIL.monitors))
    life.wait(2000)
    await life.tick()
    await _ticking(life, 30)


def test_nothing_ticks_while_nobody_was_here() -> None:
    life, recorded = tell(MAIL, _with_a_gap)
    services = {id: replace(one, publish_after=timedelta(seconds=100)) for id, one in MAIL.services.items()}
    _, events = instead(recorded, Judging(topology=replace(MAIL, services=services), policy=Policy()))
    gone = [event.at for event in life.live if isinstance(event, StatusChanged)][-1] - timedelta(seconds=1990)
    assert events
    assert not [event for event in events if not isinstance(event, Counted) and gone < event.at < gone + timedelta(seconds=1900)]


def test_a_replay_begins_anywhere_that_is_remembered() -> None:
    async def two_days(life: Life) -> None:
        await _outage(life)
        await life.road.remember()
        await _outage(life)

    life, recorded = tell(MAIL, two_days)
    number = max(place for place, turn in enumerate(recorded.turns) if turn.memory is not None)
    memory = recorded.turns[number].memory
    assert memory is not None
    rerun = Rerun(memory, recorded.judgings, recorded.places)
    events = [spelled(said) for _, said in once_more(rerun, recorded.turns[number + 1 :])]
    assert events == [spelled(turn.events) for turn in recorded.turns[number + 1 :]]
    rerun.wakes()
    assert rerun.situation == life.road.situation


async def _planned(life: Life) -> None:
    """Work on the mail begins and overruns by the clock alone; the next occurrence of a series comes near meanwhile."""
    await _ticking(life, 60)
    await life.plans(1, 20, 90)
    await _ticking(life, 30)
    for second in range(700):
        if second % 20 == 0:
            await life.hear(("smtp", "local", Failure.REFUSED))
        await life.tick(1)
    await _ticking(life, 100)


def test_planned_work_begins_ends_and_overruns_by_the_clock_of_then() -> None:
    first = replace(MAIL, series={"works": works(START + timedelta(minutes=75), announce=timedelta(minutes=5))})
    life, recorded = tell(first, _planned)
    moves = [event for event in life.live if isinstance(event, MaintenanceMoved)]
    assert [(move.new, move.overran) for move in moves] == [
        (MaintenanceState.IN_PROGRESS, False),
        (MaintenanceState.VERIFYING, False),
        (MaintenanceState.COMPLETED, True),
    ]
    assert [event.plan.series for event in life.live if isinstance(event, Planned)] == ["works", None]
    _, events = again(recorded)
    assert events == [spelled(turn.events) for turn in recorded.turns]
    _, told_otherwise = instead(recorded, recorded.judgings[1])
    assert spelled(told_otherwise) == spelled(life.live)


def works(first: datetime, announce: timedelta) -> Series:
    """Work of two minutes that comes every day."""
    daily = Recurrence(starts=first.replace(tzinfo=None), timezone="UTC", rule=Rule(frequency=Frequency.DAILY))
    lasts = timedelta(minutes=2)
    nothing: dict[str, str] = {}
    return Series(
        key="works", name=nothing, description=nothing, services=("mail",), components=(), recurrence=daily, lasts=lasts, announce=announce
    )


async def _no_longer_planned(life: Life) -> None:
    await life.tick(1)
    await life.restart()
    await life.configure(MAIL)


def test_windows_that_were_read_back_are_cancelled_in_the_order_of_those_that_were_never_away() -> None:
    first = replace(MAIL, series={"works": works(START + timedelta(hours=4), announce=timedelta(days=8))})
    life, recorded = tell(first, _no_longer_planned)
    _, events = again(recorded)
    assert events == [spelled(turn.events) for turn in recorded.turns]
    gone = [event.maintenance for event in life.live if isinstance(event, MaintenanceMoved)]
    assert gone == [event.maintenance for event in life.live if isinstance(event, Planned)], "by their starts"
    assert len(gone) == 8


@pytest.mark.parametrize("way", ["reload", "restart", "restart and a refusal"])
def test_a_service_that_the_file_adds_over_a_broken_part_is_hit_by_an_incident(way: str) -> None:
    async def added(life: Life) -> None:
        for _ in range(2):
            await life.hear(("storage", "local", Failure.REFUSED))
            await life.tick(3)
        assert not life.road.situation.incidents
        if way == "reload":
            await life.configure(MAIL)
            return
        await life.restart(MAIL)
        if way == "restart and a refusal":
            await life.act(act.note, incident="nothing", by="ada", body="Words.")
        await life.hear(("imap", "local", None))
        await life.road.flush()

    life, recorded = tell(replace(MAIL, services={"mail": MAIL.services["mail"]}), added)
    (incident,) = life.road.situation.incidents.values()
    assert (incident.root, set(incident.services)) == ("storage", {"files"})
    _, events = again(recorded)
    assert events == [spelled(turn.events) for turn in recorded.turns]


async def _renamed(life: Life) -> None:
    """In the middle of an outage the file gives everything other ids; later another monitor takes an old one."""
    await _ticking(life, 60)
    for _ in range(2):
        await life.hear(("smtp", "local", Failure.REFUSED))
        await life.tick(5)
    life.wait(0.25)
    moves = [Move(Subject.MONITOR, "smtp", "port"), Move(Subject.COMPONENT, "smtp", "post"), Move(Subject.SERVICE, "mail", "letters")]
    await life.configure(RENAMED, moves=moves, measures={"imap": "one"})
    await life.hear(("port", "local", Failure.REFUSED))
    await _ticking(life, 400)
    monitors = {**RENAMED.monitors, "smtp": Monitor(id="smtp", component="imap")}
    await life.configure(replace(RENAMED, monitors=monitors), measures={"imap": "another"})
    await _ticking(life, 100)


RENAMED = Topology(
    services={"letters": service("letters", need("post"), need("imap")), "files": service("files", need("storage"))},
    components={id: Component(id=id, name=id) for id in ("post", "imap", "storage")},
    monitors={
        "port": Monitor(id="port", component="post"),
        "imap": Monitor(id="imap", component="imap"),
        "storage": Monitor(id="storage", component="storage"),
    },
)


def test_what_is_called_otherwise_meanwhile_is_known_by_the_name_of_each_moment() -> None:
    life, recorded = tell(MAIL, _renamed)
    rerun, events = again(recorded)
    assert events == [spelled(turn.events) for turn in recorded.turns]
    rerun.wakes()
    assert rerun.situation == life.road.situation
    _, otherwise_told = instead(recorded, recorded.judgings[2])
    assert [one.root for one in differences((), otherwise_told).more] == ["post"]
