"""Whom an incident calls while nobody owns it, by a clock that only the test moves."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import act, escalation
from incidents.act import Invalid
from incidents.escalation import Absence, Ladder, Rules
from incidents.events import Called, Event
from incidents.model import State, Status
from incidents.situation import fold
from probes.result import Failure
from tests.incidents.world import World, need, service, topology

MINUTE = timedelta(minutes=1)
LADDER = Ladder(tiers=("desk", "messaging", "engineering"), after=(5 * MINUTE, 20 * MINUTE))
LASTS = 30 * MINUTE


def rules(*, absent: Mapping[str, Absence] | None = None, portal: Ladder | None = None) -> Rules:
    ladders = {"email": LADDER} if portal is None else {"email": LADDER, "portal": portal}
    return Rules(ladders=ladders, absent=lambda team, _: (absent or {}).get(team), repeats_every=30 * MINUTE)


class Desk(World):
    """A world in which calls are made."""

    def __init__(self, given: Rules) -> None:
        """Two services that stand by themselves."""
        super().__init__(topology([service("email", need("smtp")), service("portal", need("web"))]))
        self.rules = given
        self.good("smtp", "web")

    def later(self, time: timedelta) -> None:
        """Let *time* pass."""
        self.wait(time.total_seconds())

    def breaks(self, failure: Failure = Failure.REFUSED) -> None:
        """Mail fails until it is known."""
        for _ in range(2):
            self.wait(1)
            self.bad("smtp", failure=failure)

    def mends(self) -> None:
        """Mail succeeds until it is known."""
        for _ in range(2):
            self.wait(1)
            self.good("smtp")

    def do(self, events: Sequence[Event]) -> Sequence[Event]:
        """Have *events* happen."""
        self.situation = fold(self.situation, events)
        self.events.extend(events)
        return events

    def look(self) -> list[tuple[str, int]]:
        """Call what is due now: teams with their tiers."""
        made = self.do(escalation.call(self.situation, self.now, self.rules))
        return [(event.team, event.tier) for event in made if isinstance(event, Called)]

    def acknowledge(self, by: str = "ada", lasts: timedelta = LASTS) -> None:
        """*by* takes the incident."""
        self.do(act.acknowledge(self.situation, self.now, incident=self.incident.id, by=by, lasts=lasts))


def outage(given: Rules | None = None, failure: Failure = Failure.REFUSED) -> Desk:
    desk = Desk(given or rules())
    desk.breaks(failure)
    return desk


def test_the_first_tier_is_called_at_once_and_no_one_twice() -> None:
    desk = outage()
    assert desk.look() == [("desk", 1)]
    assert desk.look() == []


def test_who_is_not_heard_of_is_followed_by_the_next_tier_when_its_time_has_come() -> None:
    desk = outage()
    desk.look()
    desk.now = desk.incident.opened_at + 5 * MINUTE - timedelta(microseconds=1)
    assert desk.look() == []
    desk.now += timedelta(microseconds=1)
    assert desk.look() == [("messaging", 2)]
    desk.later(15 * MINUTE)
    assert desk.look() == [("engineering", 3)]


def test_what_was_missed_while_nobody_looked_is_made_up_for_lowest_first() -> None:
    desk = outage()
    desk.later(21 * MINUTE)
    assert desk.look() == [("desk", 1), ("messaging", 2), ("engineering", 3)]


def test_an_owner_stops_the_clock_and_it_goes_on_from_where_it_stood() -> None:
    desk = outage()
    desk.look()
    desk.later(3 * MINUTE)
    desk.acknowledge()
    desk.later(LASTS - timedelta(seconds=1))
    assert desk.look() == []
    desk.later(timedelta(seconds=1) + MINUTE)
    assert desk.look() == []  # four minutes in all
    desk.later(MINUTE)
    assert desk.look() == [("messaging", 2)]


def test_an_owner_who_renews_holds_it_all_the_time() -> None:
    desk = outage()
    desk.look()
    for _ in range(5):
        desk.acknowledge()
        desk.later(20 * MINUTE)
        assert desk.look() == []


def test_an_acknowledgement_in_the_instant_in_which_a_tier_is_due_comes_too_late_for_it() -> None:
    desk = outage()
    desk.look()
    desk.later(escalation.due_at(desk.incident, desk.rules, desk.now) - desk.now)  # type: ignore[operator]
    desk.acknowledge()
    assert desk.look() == [("messaging", 2)]


def test_what_worsens_begins_at_the_first_tier_again_whoever_owns_it() -> None:
    desk = outage(failure=Failure.SLOW)
    desk.later(6 * MINUTE)
    assert desk.look() == [("desk", 1), ("messaging", 2)]
    desk.acknowledge()
    desk.breaks()
    assert desk.incident.services["email"] is Status.MAJOR
    assert desk.look() == [("desk", 1)]
    desk.later(10 * MINUTE)
    assert desk.look() == []  # it is owned


def test_what_improves_and_goes_back_to_as_bad_as_it_was_calls_nobody_anew() -> None:
    desk = outage()
    desk.look()
    desk.breaks(Failure.SLOW)
    assert desk.incident.services == {"email": Status.DEGRADED}
    desk.breaks()
    assert desk.incident.services == {"email": Status.MAJOR}
    assert desk.look() == []


def test_what_has_recovered_calls_nobody() -> None:
    desk = outage()
    desk.look()
    desk.mends()
    assert desk.incident.state is State.MONITORING
    assert escalation.due(desk.incident, desk.rules, desk.now + 21 * MINUTE) == ()
    assert escalation.due_at(desk.incident, desk.rules, desk.now) is None


def test_what_fails_again_while_it_is_watched_is_called_anew_unless_somebody_owns_it() -> None:
    for is_owned in (False, True):
        desk = outage()
        desk.look()
        desk.mends()
        if is_owned:
            desk.acknowledge()
        desk.breaks()
        assert desk.look() == ([] if is_owned else [("desk", 1)])


def test_a_team_outside_its_hours_is_passed_over_and_called_when_they_begin() -> None:
    closed = {"desk": Absence.CLOSED}
    desk = outage(rules(absent=closed))
    assert desk.look() == [("messaging", 2)]
    assert "desk is outside its hours" in _calls(desk)[0].reason
    del closed["desk"]
    assert desk.look() == [("desk", 1)]


def test_where_nobody_would_hear_it_everybody_is_called() -> None:
    desk = outage(rules(absent=dict.fromkeys(LADDER.tiers, Absence.CLOSED)))
    assert [team for team, _ in desk.look()] == list(LADDER.tiers)


def test_a_team_with_nobody_on_call_is_an_alarm_and_the_next_is_called() -> None:
    desk = outage(rules(absent={"desk": Absence.NOBODY}))
    assert escalation.alarms(desk.incident, desk.rules, desk.now) == ("desk",)
    assert desk.look() == [("messaging", 2)]
    assert escalation.alarms(desk.incident, rules(absent={"engineering": Absence.NOBODY}), desk.now) == ()  # not reached yet


def test_a_team_of_two_services_is_called_once() -> None:
    desk = Desk(rules(portal=Ladder(tiers=("engineering", "desk"), after=(MINUTE,))))
    desk.do(
        act.open_incident(
            desk.situation, desk.now, by="ada", name="Both", services=dict.fromkeys(("email", "portal"), Status.MAJOR), body="Down."
        )
    )
    assert desk.look() == [("desk", 1), ("engineering", 1)]
    desk.later(MINUTE)
    assert desk.look() == []


def test_once_all_were_called_the_last_is_called_again_and_again_until_somebody_takes_it() -> None:
    desk = outage()
    desk.later(20 * MINUTE)
    desk.look()
    desk.later(30 * MINUTE - timedelta(seconds=1))
    assert desk.look() == []
    desk.later(timedelta(seconds=1))
    assert desk.look() == [("engineering", 3)]
    desk.acknowledge(lasts=timedelta(days=1))
    desk.later(60 * MINUTE)
    assert desk.look() == []


def test_a_person_calls_the_next_tier_when_they_want_and_only_tiers_that_there_are() -> None:
    desk = outage()
    desk.look()
    desk.acknowledge()
    by_hand = partial(escalation.escalate, incident=desk.incident.id, by="ada", rules=desk.rules)
    for team, tier in (("messaging", 2), ("engineering", 3)):
        (made,) = desk.do(by_hand(desk.situation, desk.now))
        assert isinstance(made, Called)
        assert (made.team, made.tier, made.by) == (team, tier, "ada")
    with pytest.raises(Invalid, match="no further tier"):
        by_hand(desk.situation, desk.now)


def test_calls_are_numbered_through_all_ways_up() -> None:
    desk = outage(failure=Failure.SLOW)
    desk.later(21 * MINUTE)
    desk.look()
    desk.breaks()
    desk.look()
    assert [event.number for event in _calls(desk)] == [1, 2, 3, 4]


def _calls(desk: Desk) -> list[Called]:
    return [event for event in desk.events if isinstance(event, Called)]


# --- against a slow reference ---------------------------------------------------------------------------------------------------


@given(
    steps=st.lists(st.integers(1, 40), min_size=0, max_size=3, unique=True).map(sorted),
    held=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 40)), max_size=4),
    looks=st.lists(st.integers(0, 120), min_size=1, max_size=30).map(sorted),
)
def test_however_often_one_looks_each_team_is_called_when_the_seconds_without_an_owner_say_so(
    steps: list[int], held: list[tuple[int, int]], looks: list[int]
) -> None:
    """The reference counts single minutes. Repetitions are left out by a long pause between them."""
    teams = tuple(f"team-{number}" for number in range(len(steps) + 1))
    given = Rules(ladders={"email": Ladder(tiers=teams, after=tuple(step * MINUTE for step in steps))}, repeats_every=timedelta(days=9))
    desk = Desk(given)
    desk.breaks()
    began = desk.incident.opened_at
    owned, acts = _owned(held)
    called: dict[str, int] = {}
    for minute in range(121):
        desk.now = began + minute * MINUTE
        if minute in looks:
            called |= {team: minute for team, _ in desk.look() if team not in called}
        for since, lasts in acts:
            if since == minute:
                desk.acknowledge(by="ada", lasts=lasts * MINUTE)
    assert called == _expected(teams, steps, owned, looks)


def _owned(held: list[tuple[int, int]]) -> tuple[set[int], list[tuple[int, int]]]:
    """The minutes in which somebody owns it: who takes it again renews, even for less time than was left."""
    acts = sorted(dict(held).items())
    owned: set[int] = set()
    for since, lasts in acts:
        owned = {minute for minute in owned if minute < since} | set(range(since, since + lasts))
    return owned, acts


def _expected(teams: Sequence[str], steps: Sequence[int], owned: set[int], looks: Sequence[int]) -> dict[str, int]:
    due = {teams[0]: 0}
    for team, step in zip(teams[1:], steps, strict=True):
        free = [minute for minute in range(400) if minute not in owned]
        due[team] = free[step - 1] + 1
    return {team: min(look for look in looks if look >= at) for team, at in due.items() if any(look >= at for look in looks)}
