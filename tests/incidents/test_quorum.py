"""Several locations: so many of those who have a vote open, as many close, and silence does neither."""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, product

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from incidents import quorum
from incidents.decide import decide, rejudge
from incidents.events import Opened, StatusChanged
from incidents.model import Component, Monitor, Situation, Status, Subject, Topology
from incidents.policy import LEVELS, Policy
from incidents.rollup import standing
from incidents.situation import fold
from incidents.votes import Level
from probes.result import Failure, ProbeResult, Result
from tests.incidents.chance import often
from tests.incidents.tally import Tally
from tests.incidents.world import START, need, service

PLACES = ("berlin", "local", "oslo", "paris", "rome")
VOTES = (Failure.CRASHED, None, Failure.SLOW, Failure.REFUSED)
WORSE = (Level.GOOD, Level.DEGRADED, Level.DOWN)
STATUS = {None: Status.UNKNOWN, Level.GOOD: Status.OPERATIONAL, Level.DEGRADED: Status.DEGRADED, Level.DOWN: Status.MAJOR}
STALE = timedelta(seconds=100)
POLICY = Policy()


def watched(count: int, asked: int | None = None, *, fails_after: int = 2, recovers_after: int = 2) -> Monitor:
    return Monitor(
        id="smtp",
        component="smtp",
        fails_after=fails_after,
        recovers_after=recovers_after,
        stale_after=STALE,
        locations=PLACES[:count],
        quorum=asked,
    )


class Watch:
    """One service that needs one component, watched by one monitor from several places."""

    def __init__(self, monitor: Monitor) -> None:
        self.now = START
        self.monitor = monitor
        topology = Topology(
            services={"email": service("email", need("smtp"))},
            components={"smtp": Component(id="smtp", name="Smtp")},
            monitors={"smtp": monitor},
        )
        self.situation = Situation(topology=topology, seed="seed")
        self.changes: list[StatusChanged] = []
        self.opened: list[Opened] = []

    def hear(self, **votes: Failure | None) -> None:
        """Every place named says what it found, then three seconds pass."""
        self.say(votes)
        self.now += timedelta(seconds=3)

    def say(self, votes: Mapping[str, Failure | None]) -> None:
        heard = [self._result(place, failure) for place, failure in votes.items()]
        self._take(decide(self.situation, heard, POLICY, self.now), heard)

    def twice(self, **votes: Failure | None) -> None:
        self.hear(**votes)
        self.hear(**votes)

    def tick(self, seconds: float = 0) -> None:
        self.now += timedelta(seconds=seconds)
        self._take(decide(self.situation, (), POLICY, self.now), ())

    def _result(self, place: str, failure: Failure | None) -> Result:
        measured = ProbeResult(took=0.01, failure=failure, stage="tls" if failure else None)
        return Result(monitor="smtp", location=place, slot=self.now, started=self.now, measured=measured)

    def _take(self, events: Sequence[object], results: Sequence[Result]) -> None:
        self.changes += [e for e in events if isinstance(e, StatusChanged) and e.subject is Subject.MONITOR]
        self.opened += [e for e in events if isinstance(e, Opened)]
        self.situation = fold(self.situation, events, results)  # type: ignore[arg-type]  # events of the engine
        assert rejudge(self.situation, POLICY, self.now) == (), "judging anew found more"

    def is_now(self, status: Status) -> bool:
        return standing(self.situation, Subject.MONITOR, "smtp") is status


# --- the numbers


@pytest.mark.parametrize("voters", range(1, 6))
def test_the_same_votes_never_open_and_close(voters: int) -> None:
    for asked in (None, *range(1, 6)):
        assert quorum.to_open(voters, asked) + quorum.to_close(voters, asked) > voters
        assert 1 <= quorum.to_open(voters, asked) <= quorum.to_close(voters, asked) <= voters


@pytest.mark.parametrize(
    ("voters", "asked", "opens", "closes"),
    [(1, None, 1, 1), (2, None, 2, 2), (3, 2, 2, 2), (3, 1, 1, 3), (5, 2, 2, 4), (5, 3, 3, 3), (2, 3, 2, 2), (1, 3, 1, 1)],
)
def test_the_quorum_is_of_those_who_have_a_vote(voters: int, asked: int | None, opens: int, closes: int) -> None:
    assert (quorum.to_open(voters, asked), quorum.to_close(voters, asked)) == (opens, closes)


def by_subsets(votes: Mapping[str, Level], before: Level | None, asked: int | None, fresh: Collection[str]) -> Level | None:
    """The rule once more, by trying every group of voters there could be."""
    if not votes:
        return None
    size = min(asked or len(votes), len(votes))
    groups = [set(group) for group in combinations(votes, size)]

    def agree(level: Level, *, is_bad: bool) -> bool:
        """Whether all of some group, with a fresh vote among all who see it so, see it at least as bad, or no worse."""
        seeing = {p for p, v in votes.items() if (WORSE.index(v) >= WORSE.index(level) if is_bad else WORSE.index(v) <= WORSE.index(level))}
        return any(group <= seeing for group in groups) and (before is None or bool(seeing & set(fresh)))

    def is_still_bad(level: Level) -> bool:
        return any(all(WORSE.index(votes[place]) > WORSE.index(level) for place in group) for group in groups)

    known = WORSE.index(before or Level.GOOD)
    for level in reversed(WORSE[known + 1 :]):
        if agree(level, is_bad=True):
            return level
    for level in WORSE[:known]:
        if agree(level, is_bad=False) and not is_still_bad(level):
            return level
    return before or Level.GOOD


def test_every_vote_of_one_to_five_locations_is_counted_as_by_trying_all_groups() -> None:
    luck = random.Random(5)
    for count in range(1, 6):
        for levels in product((None, *WORSE), repeat=count):
            votes = {place: level for place, level in zip(PLACES, levels, strict=False) if level is not None}
            fresh = {place for place in PLACES[:count] if luck.random() < 0.6}
            for before, asked in product((None, *WORSE), (None, *range(1, count + 1))):
                assert quorum.agreed(votes, before, asked, fresh) == by_subsets(votes, before, asked, fresh), (votes, before, asked, fresh)


# --- the whole road of votes, against one that remembers everything


class Slow:
    """What the verdict must be, found again from all that was ever heard."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.heard: dict[str, list[tuple[datetime, Level | None]]] = {}
        self.known: Level | None = None
        self.is_unknown = True

    def hear(self, now: datetime, votes: Mapping[str, Failure | None]) -> Status:
        for place, failure in votes.items():
            self.heard.setdefault(place, []).append((now, LEVELS[failure]))
        voters = {place: level for place in self.heard if (level := self._vote(place, now)) is not None}
        if not voters or (len(self.monitor.locations) > 1 and self.is_unknown and not voters.keys() & votes.keys()):
            self.is_unknown = True
            return Status.UNKNOWN
        self.is_unknown = False
        self.known = by_subsets(voters, self.known, self.monitor.quorum, votes.keys())
        return STATUS[self.known]

    def tick(self, now: datetime) -> Status:
        if all(self._vote(place, now) is None for place in self.heard):
            self.is_unknown = True
        return Status.UNKNOWN if self.is_unknown else STATUS[self.known]

    def _vote(self, place: str, now: datetime) -> Level | None:
        heard = self.heard[place]
        nothing = [level for _, level in heard[-self.monitor.fails_after :]]
        if heard[-1][0] + STALE <= now or (len(nothing) == self.monitor.fails_after and set(nothing) == {None}):
            return None
        return self._judged([level for _, level in heard if level is not None])

    def _judged(self, votes: Sequence[Level]) -> Level | None:
        judged: Level | None = None
        for end in range(1, len(votes) + 1):
            told = [WORSE.index(vote) for vote in votes[:end]]
            before = WORSE.index(judged or Level.GOOD)
            failed, well = told[-self.monitor.fails_after :], told[-self.monitor.recovers_after :]
            if len(failed) == self.monitor.fails_after and min(failed) > before:
                judged = WORSE[min(failed)]
            elif len(well) == self.monitor.recovers_after and max(well) < before:
                judged = WORSE[max(well)]
            elif judged is None and told[-1] == 0:
                judged = Level.GOOD
        return judged


STEPS = st.lists(
    st.tuples(st.lists(st.sampled_from([*VOTES, "silent", "silent"]), min_size=5, max_size=5), st.sampled_from([1, 3, 30, 60, 101])),
    min_size=3,
    max_size=25,
)


def test_any_road_of_votes_leads_where_the_slow_reference_leads(is_soak: bool, tally: Tally) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak)
    @given(st.integers(1, 5), st.integers(0, 5), st.integers(1, 3), st.integers(1, 3), STEPS)
    def leads(count: int, asked: int, fails: int, recovers: int, steps: list[tuple[list[object], int]]) -> None:
        monitor = watched(count, min(asked, count) or None, fails_after=fails, recovers_after=recovers)
        watch, slow = Watch(monitor), Slow(monitor)
        for said, seconds in steps:
            votes = {place: vote for place, vote in zip(monitor.locations, said, strict=False) if vote != "silent"}
            note(f"{watch.now:%H:%M:%S} {votes}")
            if votes:
                expected = slow.hear(watch.now, votes)  # type: ignore[arg-type]  # silent ones are gone
                watch.say(votes)  # type: ignore[arg-type]  # as above
                assert watch.is_now(expected)
            watch.tick(seconds)
            assert watch.is_now(slow.tick(watch.now))
        tally.add((f"{count} locations", *(f"{change.old} to {change.new}" for change in watch.changes)))

    leads()
    turns = [f"{old} to {new}" for old in STATUS.values() for new in STATUS.values() if old is not new]
    tally.demand(*(f"{count} locations" for count in range(1, 6)), *turns, one_in=100, cases=10_000 if is_soak else 0)


# --- what it means


def test_one_location_of_two_opens_nothing() -> None:
    watch = Watch(watched(2))
    watch.hear(berlin=None, local=None)
    for _ in range(10):
        watch.hear(berlin=Failure.REFUSED, local=None)
    assert watch.is_now(Status.OPERATIONAL)
    assert watch.opened == []


def test_a_location_that_comes_back_clears_nothing_alone() -> None:
    watch = Watch(watched(2))
    watch.hear(berlin=None, local=None)
    watch.twice(berlin=Failure.REFUSED, local=Failure.REFUSED)
    for _ in range(10):
        watch.hear(berlin=Failure.REFUSED, local=None)
    assert watch.is_now(Status.MAJOR)
    watch.twice(berlin=None)
    assert watch.is_now(Status.OPERATIONAL)


def test_two_that_disagree_never_open_and_close_in_turn() -> None:
    watch = Watch(watched(2, 1))
    watch.hear(berlin=None, local=None)
    for _ in range(20):
        watch.hear(berlin=Failure.REFUSED, local=None)
    assert [change.new for change in watch.changes] == [Status.OPERATIONAL, Status.MAJOR]


@pytest.mark.parametrize("voice", ["silent", Failure.CRASHED])
def test_a_location_that_loses_its_vote_turns_nothing_by_that(voice: object) -> None:
    watch = Watch(watched(2))
    watch.hear(berlin=None, local=None)
    watch.twice(berlin=Failure.REFUSED, local=None)
    if voice == "silent":
        watch.hear(berlin=Failure.REFUSED)
        watch.tick(96)
    else:
        watch.twice(local=Failure.CRASHED)
    assert watch.is_now(Status.OPERATIONAL)
    watch.hear(berlin=Failure.REFUSED)
    assert watch.is_now(Status.MAJOR), "the quorum is of those who have a vote"


def test_without_a_single_vote_nothing_is_known() -> None:
    watch = Watch(watched(3))
    watch.hear(berlin=None, local=None, oslo=None)
    watch.twice(berlin=Failure.REFUSED, local=Failure.REFUSED, oslo=Failure.REFUSED)
    watch.twice(berlin=Failure.CRASHED, local=Failure.IMPAIRED, oslo=Failure.MISSED)
    assert watch.is_now(Status.UNKNOWN)


def test_a_gap_keeps_the_verdict_that_a_disagreement_had_kept() -> None:
    watch = Watch(watched(2))
    watch.hear(berlin=None, local=None)
    watch.twice(berlin=Failure.REFUSED, local=Failure.REFUSED)
    watch.twice(berlin=Failure.REFUSED, local=None)
    watch.tick(200)
    assert watch.is_now(Status.UNKNOWN)
    watch.hear(berlin=Failure.REFUSED, local=None)
    assert watch.is_now(Status.MAJOR), "a gap is no recovery"


def test_an_outage_begins_at_the_first_failure_of_those_who_made_the_quorum() -> None:
    watch = Watch(watched(3, 2))
    watch.hear(berlin=None, local=None, oslo=None)
    began = watch.now
    watch.hear(berlin=Failure.TLS_EXPIRED)
    watch.hear(local=Failure.TLS_EXPIRED, oslo=None)
    watch.hear(berlin=Failure.TLS_EXPIRED)
    watch.hear(local=Failure.TLS_EXPIRED)
    (opened,) = watch.opened
    assert (watch.changes[-1].since, opened.started_at) == (began, began)
    assert watch.changes[-1].cause == f"2 of 3 locations failed 2 times since {began:%H:%M:%S}: tls expired at tls"
    assert opened.reason == f"smtp: {watch.changes[-1].cause}"


def test_one_that_had_failed_alone_for_long_does_not_backdate_the_outage() -> None:
    watch = Watch(watched(2))
    watch.hear(berlin=None, local=None)
    for _ in range(50):
        watch.hear(berlin=Failure.REFUSED, local=None)
    began = watch.now
    watch.twice(berlin=Failure.REFUSED, local=Failure.TIMEOUT)
    assert watch.changes[-1].since == began
    assert watch.changes[-1].cause.endswith("berlin: refused at tls; local: timeout at tls")


def test_it_is_over_when_the_last_of_those_who_close_it_sees_it_well() -> None:
    watch = Watch(watched(2))
    watch.hear(berlin=None, local=None)
    watch.twice(berlin=Failure.REFUSED, local=Failure.REFUSED)
    watch.twice(berlin=None, local=Failure.REFUSED)
    ended = watch.now
    watch.twice(berlin=None, local=None)
    assert (watch.changes[-1].new, watch.changes[-1].since) == (Status.OPERATIONAL, ended)
    assert watch.changes[-1].cause == f"2 of 2 locations succeeded since {ended:%H:%M:%S}"


def test_an_outage_that_eases_is_degraded_from_the_first_better_vote_on() -> None:
    watch = Watch(watched(1, fails_after=3))
    watch.hear(berlin=None)
    for _ in range(3):
        watch.hear(berlin=Failure.REFUSED)
    eased = watch.now
    watch.twice(berlin=Failure.SLOW)
    assert (watch.changes[-1].new, watch.changes[-1].since) == (Status.DEGRADED, eased)
