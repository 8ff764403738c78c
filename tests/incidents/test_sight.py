"""A location that cannot see says nothing: no incident opens by it, nothing recovers by it, and one record tells of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import sight
from incidents.decide import decide, rejudge
from incidents.events import (
    Event,
    Opened,
    Resolved,
    StatusChanged,
)
from incidents.heartbeat import Every, Heartbeat
from incidents.impairment import Hindrance, Impaired, Proven, Unimpaired
from incidents.model import Component, Monitor, State, Status, Subject, Topology
from incidents.policy import ANSWERS
from incidents.sight import Glance, Look
from incidents.situation import fold
from probes.result import Failure, ProbeResult, Result
from tests.incidents.chance import often
from tests.incidents.world import World, need, service, topology

ALL = ("gateway", "resolver", "neighbour")


class Seeing(World):
    """A world with controls at its only location."""

    def look(self, *failing: str, since: datetime | None = None, **found: Failure | None) -> Sequence[Event]:
        """All three controls are asked now: *failing* ones time out, the others answer unless *found* says otherwise."""
        glances = tuple(Glance(control=one, failure=found.get(one, Failure.TIMEOUT if one in failing else None)) for one in ALL)
        return self.see(Look(location="local", at=self.now, since=since or self.now, glances=glances))

    def see(self, look: Look) -> Sequence[Event]:
        said = sight.judge(self.situation, self.now, look=look)
        self._take(said)
        if said:
            self._take(rejudge(self.situation, self.policy, self.now))
        return said

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    def history(self, id: str = "email") -> list[tuple[Status, datetime]]:
        told = [e for e in self.events if isinstance(e, StatusChanged) and (e.subject, e.id) == (Subject.SERVICE, id)]
        return [(e.new, e.since) for e in told]


@pytest.fixture
def world() -> Seeing:
    world = Seeing(topology([service("email", need("smtp"))]))
    world.good("smtp")
    world.look()
    return world


# --- what counts


def test_every_failure_says_whether_a_control_has_answered() -> None:
    assert set(ANSWERS) == {None, *Failure}
    assert [failure for failure, answers in ANSWERS.items() if answers is False] == [
        Failure.TIMEOUT,
        Failure.DNS,
        Failure.UNREACHABLE,
        Failure.IMPAIRED,
    ]


def test_a_refusal_is_an_answer(world: Seeing) -> None:
    assert world.look(gateway=Failure.REFUSED, resolver=Failure.TLS, neighbour=Failure.AUTH_REJECTED) == []


def test_exactly_half_is_not_blind_and_more_than_half_is(world: Seeing) -> None:
    half = tuple(Glance(control=one, failure=Failure.TIMEOUT if one == "gateway" else None) for one in ALL[:2])
    assert world.see(Look(location="local", at=world.now, since=world.now, glances=half)) == []
    (event,) = world.look("gateway", "resolver")
    assert isinstance(event, Impaired)
    assert event.detail == "2 of 3 controls fail (gateway: timeout; resolver: timeout)"


def test_a_control_that_was_never_good_does_not_count() -> None:
    world = Seeing(topology([service("email", need("smtp"))]))
    assert world.look(*ALL) == []
    assert [type(event) for event in world.look("gateway", "resolver")] == [Proven]
    assert world.look("gateway", "resolver") == []
    assert [type(event) for event in world.look(*ALL)] == [Impaired]


@pytest.mark.parametrize("failure", [Failure.CRASHED, Failure.BLOCKED, Failure.MISSED, Failure.SOURCE_FAILED])
def test_our_own_bug_is_no_sign_of_blindness_nor_of_sight(world: Seeing, failure: Failure) -> None:
    assert world.look(gateway=failure, resolver=failure, neighbour=failure) == []
    world.look(*ALL)
    assert world.look(gateway=failure, resolver=failure, neighbour=failure) == []
    assert sight.blindness(world.situation, "local") is not None


def test_what_the_machine_itself_lacks_needs_no_majority(world: Seeing) -> None:
    good = [Glance(control=one, failure=None) for one in ALL]

    def with_route(failure: Failure | None) -> Look:
        route = Glance(control="route", failure=failure, detail="no route leads anywhere", is_local=True)
        return Look(location="local", at=world.now, since=world.now, glances=(route, *good))

    assert world.see(with_route(Failure.IMPAIRED)) == [], "it never had one"
    world.see(with_route(None))
    (event,) = world.see(with_route(Failure.IMPAIRED))
    assert isinstance(event, Impaired)
    assert event.detail == "route: no route leads anywhere"


# --- what follows


def test_failures_of_a_blind_location_open_nothing_and_are_one_record(world: Seeing) -> None:
    went = world.now
    world.look(*ALL)
    for _ in range(10):
        world.bad("smtp", failure=Failure.TIMEOUT)
        world.look(*ALL)
        world.tick()
    assert (world.count(Opened), world.count(Impaired)) == (0, 1)
    assert world.history()[-1] == (Status.UNKNOWN, went)
    back = world.now
    world.look()
    world.good("smtp")
    assert world.history()[-1] == (Status.OPERATIONAL, back)
    assert (world.count(Opened), world.count(Impaired), world.count(Unimpaired)) == (0, 1, 1)
    record = world.situation.impairments["local", Hindrance.BLIND]
    assert (record.since, record.until) == (went, back)


def test_a_short_blindness_shows_as_a_gap_although_nothing_was_measured_in_it(world: Seeing) -> None:
    went = world.now
    world.look(*ALL)
    world.wait(5)
    world.look()
    assert world.service("email") is Status.UNKNOWN, "what was seen before has expired"
    back = world.now
    world.good("smtp")
    assert world.history()[-2:] == [(Status.UNKNOWN, went), (Status.OPERATIONAL, back)]


def test_the_failure_that_made_us_look_is_no_vote_either() -> None:
    world = Seeing(topology([service("email", need("smtp"))], fails_after=1))
    world.good("smtp")
    world.look()
    started = world.now
    world.wait(2)
    measured = ProbeResult(took=2.0, failure=Failure.TIMEOUT, stage="connect")
    world.look(*ALL, since=started)
    world.hear(Result(monitor="smtp", location="local", slot=started, started=started, measured=measured))
    assert world.count(Opened) == 0
    assert world.service("email") is Status.UNKNOWN


def test_a_probe_that_began_while_it_was_blind_is_no_vote_when_it_ends_later(world: Seeing) -> None:
    world.look(*ALL)
    began = world.now
    world.wait(8)
    world.look()
    world.wait(2)
    for number in range(2):
        slot = began + timedelta(milliseconds=number)
        measured = ProbeResult(took=10.0, failure=Failure.TIMEOUT, stage="connect")
        world.hear(Result(monitor="smtp", location="local", slot=slot, started=slot, measured=measured))
    world.good("smtp")
    assert world.count(Opened) == 0
    assert world.service("email") is Status.OPERATIONAL


def test_a_probe_that_ended_while_it_was_blind_is_no_vote_although_it_began_before(world: Seeing) -> None:
    began = world.now
    world.wait(5)
    world.look(*ALL)
    world.wait(5)
    for number in range(2):
        slot = began + timedelta(milliseconds=number)
        measured = ProbeResult(took=8.0, failure=Failure.TIMEOUT, stage="connect")
        world.hear(Result(monitor="smtp", location="local", slot=slot, started=slot, measured=measured))
    world.look()
    world.good("smtp")
    assert world.count(Opened) == 0
    assert world.service("email") is Status.OPERATIONAL


def test_what_was_down_does_not_recover_while_nobody_can_see(world: Seeing) -> None:
    world.fail("smtp")
    id = world.incident.id
    world.look(*ALL)
    for _ in range(5):
        world.good("smtp")
    world.tick(3600)
    assert (world.incident.id, world.incident.state, world.incident.recovered_at) == (id, State.INVESTIGATING, None)
    world.look()
    world.good("smtp")
    assert world.service("email") is Status.MAJOR, "one success is no recovery"
    world.good("smtp")
    assert world.state() is State.MONITORING


def test_what_is_being_watched_is_not_resolved_blindly(world: Seeing) -> None:
    world.fail("smtp")
    world.mend("smtp")
    world.look(*ALL)
    world.tick(3600)
    assert (world.state(), world.count(Resolved)) == (State.MONITORING, 0)
    world.look()
    world.good("smtp")
    assert world.count(Resolved) == 1


def test_everything_that_fails_at_once_is_an_outage_where_the_location_sees() -> None:
    world = Seeing(topology([service("email", need("smtp"), need("imap"))]))
    world.good("smtp", "imap")
    world.look()
    world.bad("smtp", "imap", failure=Failure.TIMEOUT)
    world.look()
    world.bad("smtp", "imap", failure=Failure.TIMEOUT)
    assert world.service("email") is Status.MAJOR
    assert world.count(Opened) > 0


def test_a_ping_that_does_not_come_to_a_blind_machine_is_missed_by_us() -> None:
    promise = Heartbeat(rhythm=Every(gap=timedelta(minutes=1)), grace=timedelta(seconds=5), finish_within=timedelta(minutes=1))
    topology = Topology(
        services={"email": service("email", need("backup"))},
        components={"backup": Component(id="backup", name="Backup")},
        monitors={"backup": Monitor(id="backup", component="backup", fails_after=1, recovers_after=1, heartbeat=promise)},
    )
    world = Seeing(topology)
    world.look()
    world.ping("backup")
    world.look(*ALL)
    assert world.service("email") is Status.OPERATIONAL, "the ping that came did come"
    for _ in range(90):
        world.tick(1)
    assert (world.service("email"), world.count(Opened)) == (Status.UNKNOWN, 0)
    world.ping("backup")
    assert world.service("email") is Status.OPERATIONAL


def test_a_blind_location_leaves_the_others_their_votes() -> None:
    monitor = Monitor(id="smtp", component="smtp", locations=("local", "oslo"))
    topology = Topology(
        services={"email": service("email", need("smtp"))},
        components={"smtp": Component(id="smtp", name="Smtp")},
        monitors={"smtp": monitor},
    )
    world = Seeing(topology)
    oslo = [None, None, Failure.REFUSED, Failure.REFUSED]
    world.good("smtp")
    world.look()
    world.look(*ALL)
    for failure in oslo:
        measured = ProbeResult(took=0.01, failure=failure)
        far = Result(monitor="smtp", location="oslo", slot=world.now, started=world.now, measured=measured)
        world.hear(world.result("smtp", Failure.TIMEOUT), far)
    assert world.service("email") is Status.MAJOR
    assert "1 of 1 locations failed 2 times" in next(e.reason for e in world.events if isinstance(e, Opened))


# --- absence


def test_an_absence_is_a_record_that_is_over_at_once(world: Seeing) -> None:
    since, until = world.now, world.now + timedelta(minutes=5)
    world.wait(300)
    said = sight.absence(
        world.situation, world.now, location="local", reason=Hindrance.ABSENT, since=since, until=until, detail="stood still"
    )
    world.situation = fold(world.situation, said)
    assert [type(event) for event in said] == [Impaired, Unimpaired]
    assert sight.lasting(world.situation) == []
    assert world.situation.impairments["local", Hindrance.ABSENT].until == until


def test_a_machine_that_stands_still_while_it_is_blind_is_one_record(world: Seeing) -> None:
    world.look(*ALL)
    said = sight.absence(
        world.situation,
        world.now,
        location="local",
        reason=Hindrance.ABSENT,
        since=world.now,
        until=world.now + timedelta(minutes=1),
        detail="",
    )
    assert said == ()


# --- by chance

ROUNDS = st.lists(st.tuples(st.sets(st.sampled_from(ALL)), st.sampled_from([None, Failure.TIMEOUT, Failure.REFUSED])), max_size=40)


def test_nothing_that_is_measured_blindly_ever_matters(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    """The history of a world with blind rounds is that of one in which those rounds were not measured at all, but for the gaps."""

    @often(is_soak=is_soak, few=200)
    @given(ROUNDS)
    def holds(rounds: list[tuple[set[str], Failure | None]]) -> None:
        shape = topology([service("email", need("smtp"))], stale_after=timedelta(days=1))
        seen, spared = Seeing(shape), World(shape)
        seen.look()
        for failing, failure in rounds:
            seen.look(*failing)
            (seen.good if failure is None else seen.bad)("smtp", **({} if failure is None else {"failure": failure}))
            if 2 * len(failing) <= len(ALL):
                (spared.good if failure is None else spared.bad)("smtp", **({} if failure is None else {"failure": failure}))
            else:
                spared.wait(3)
            assert decide(seen.situation, (), seen.policy, seen.now) == ()
        outages = [[e.started_at for e in world.events if isinstance(e, Opened)] for world in (seen, spared)]
        assert len(outages[0]) == len(outages[1])
        blind = [2 * len(failing) > len(ALL) for failing, _ in rounds]
        assert seen.count(Impaired) == sum(now and not before for before, now in zip([False, *blind], blind, strict=False))

    holds()


# --- when nobody need wait any longer


def glance(control: str, failure: Failure | None = None, *, is_local: bool = False) -> Glance:
    return Glance(control=control, failure=failure, is_local=is_local)


def test_it_is_settled_as_soon_as_no_answer_to_come_could_make_it_blind(world: Seeing) -> None:
    gateway, resolver = glance("gateway"), glance("resolver")
    assert sight.is_settled(world.situation, "local", [gateway, resolver], ["neighbour"]), "one of three is no majority"
    assert not sight.is_settled(world.situation, "local", [gateway], ["neighbour", "resolver"])
    failing = glance("resolver", Failure.TIMEOUT)
    assert not sight.is_settled(world.situation, "local", [gateway, failing], ["neighbour"])
    assert sight.is_settled(world.situation, "local", [gateway, failing], ["other"]), "what was never good does not count"
    assert sight.is_settled(world.situation, "local", [gateway, failing], []), "half is not blind"
    assert sight.is_settled(world.situation, "local", [], [])


def test_it_is_not_settled_while_it_is_blind_or_lacks_what_it_needs(world: Seeing) -> None:
    route = glance("route", Failure.IMPAIRED, is_local=True)
    good = [glance(one) for one in ALL]
    assert not sight.is_settled(world.situation, "local", [route, *good], [])
    assert sight.is_settled(world.situation, "local", [glance("route", is_local=True), *good], [])
    assert not sight.is_settled(world.situation, "local", [glance("route", is_local=True)], ["gateway"]), (
        "a route is no control that answered"
    )
    world.look(*ALL)
    assert not sight.is_settled(world.situation, "local", good, [])
    assert sight.is_settled(world.situation, "far", good, [])


def test_spans_that_were_told_are_not_told_twice(world: Seeing) -> None:
    def missed(since: int, until: int) -> tuple[int, int]:
        at = world.now + timedelta(hours=1)
        begun, over = sight.absence(
            world.situation,
            at,
            location="local",
            reason=Hindrance.CLOCK,
            since=world.now + timedelta(seconds=since),
            until=world.now + timedelta(seconds=until),
            detail="the clock was set",
        )
        assert isinstance(begun, Impaired)
        assert isinstance(over, Unimpaired)
        world.situation = fold(world.situation, (begun, over))
        return tuple(int((one - world.now).total_seconds()) for one in (begun.since, over.until))  # type: ignore[return-value]  # two of them

    assert missed(0, 60) == (0, 60)
    assert missed(30, 90) == (60, 90)
    assert missed(100, 120) == (100, 120)
    assert missed(10, 20) == (20, 20)


def test_blindness_does_not_begin_before_the_last_one_ended(world: Seeing) -> None:
    world.look(*ALL)
    world.wait(10)
    world.look()
    seen_again = world.now
    world.wait(5)
    (event,) = world.look(*ALL, since=seen_again - timedelta(seconds=8))
    assert isinstance(event, Impaired)
    assert event.since == seen_again


def test_all_that_the_machine_lacks_is_told(world: Seeing) -> None:
    world.see(
        Look(location="local", at=world.now, since=world.now, glances=(glance("route", is_local=True), glance("files", is_local=True)))
    )
    lacking = (
        Glance(control="route", failure=Failure.IMPAIRED, detail="no route leads anywhere", is_local=True),
        glance("files", Failure.IMPAIRED, is_local=True),
    )
    (event,) = world.see(Look(location="local", at=world.now, since=world.now, glances=lacking))
    assert isinstance(event, Impaired)
    assert event.detail == "route: no route leads anywhere; files: impaired"


def test_impairments_that_last_are_told_the_oldest_first(world: Seeing) -> None:
    def blind(location: str, seconds: int) -> Impaired:
        since = world.now + timedelta(seconds=seconds)
        return Impaired(at=world.now, location=location, since=since, reason=Hindrance.BLIND, detail="no route")

    world.situation = fold(world.situation, (blind("rome", 5), blind("oslo", 5), blind("paris", 1)))
    assert [one.location for one in sight.lasting(world.situation)] == ["paris", "oslo", "rome"]
