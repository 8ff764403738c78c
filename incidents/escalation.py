"""Whom to call while nobody owns an incident: teams by tiers, by a clock that stands still while somebody does. Pure.

Nothing is remembered but what was called. Who ought to have been called by now and was not is called at the next look, whatever was lost.
Levels of priority order the queue and remind; this alone calls anybody.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from incidents.act import Invalid, current
from incidents.events import Called, Event
from incidents.model import Incident, Situation, State, Status
from incidents.situation import climb_of

TIRED = frozenset({State.MONITORING, State.RESOLVED, State.POSTMORTEM})
"""States in which nobody is called: it has recovered, or somebody says that it is mended."""


class Absence(StrEnum):
    """Why a team would not hear a call."""

    CLOSED = "closed"
    """It is outside its hours."""
    NOBODY = "nobody"
    """Nobody is on call in it, which is an alarm of its own."""


Absent = Callable[[str, datetime], Absence | None]
"""Why a team would not hear a call at an instant; None where it would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The teams of a service in the order in which they are called; tier n + 2 after ``after[n]``, and those beyond only by hand."""

    tiers: tuple[str, ...] = ()
    after: tuple[timedelta, ...] = ()

    def due(self, elapsed: timedelta) -> int:
        """How many tiers the clock has reached."""
        return min(1 + sum(step <= elapsed for step in self.after), len(self.tiers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How calls are made: the *ladders* by service, which teams are *absent*, and how often an incident that nobody takes is called again.

    Errors: none; a service without a ladder calls nobody.
    """

    ladders: Mapping[str, Ladder] = field(default_factory=lambda: MappingProxyType({}))
    absent: Absent = lambda _team, _at: None
    repeats_every: timedelta = timedelta(minutes=30)


NOBODY = Rules()


def call(situation: Situation, now: datetime, rules: Rules) -> tuple[Event, ...]:
    """All calls that are due *now*, as a command of the road in."""
    return tuple(event for incident in situation.incidents.values() for event in due(incident, rules, now))


def due(incident: Incident, rules: Rules, now: datetime) -> tuple[Called, ...]:
    """The calls about *incident* that should have been made by *now* and were not, lowest tiers first; a team is called once."""
    if incident.state in TIRED or not incident.is_open:
        return ()
    climb = climb_of(incident)
    wanted: dict[str, tuple[int, str]] = {}
    for ladder in _ladders(incident, rules):
        for tier, team, reason in _reached(ladder, incident, rules, now):
            if team not in wanted or tier < wanted[team][0]:
                wanted[team] = tier, reason
    called = {call.team for call in climb.calls}
    fresh = {team: found for team, found in wanted.items() if team not in called}
    if not fresh and _is_unheard(incident, rules, now):
        fresh = {team: (tier, "called before, and nobody has taken it") for team, tier in _tops(incident, rules).items()}
    ordered = sorted(fresh.items(), key=lambda one: (one[1][0], one[0]))
    return tuple(
        Called(at=now, incident=incident.id, number=climb.called + place, team=team, tier=tier, reason=reason)
        for place, (team, (tier, reason)) in enumerate(ordered, start=1)
    )


def due_at(incident: Incident, rules: Rules, now: datetime) -> datetime | None:
    """When the next tier will be called if nobody takes the incident; None where the clock calls nobody further, or stands still."""
    if incident.state in TIRED or not incident.is_open or is_held(incident, now):
        return None
    climb, passed = climb_of(incident), elapsed(incident, now)
    ahead = [step - passed for ladder in _ladders(incident, rules) for step in ladder.after[: len(ladder.tiers) - 1] if step > passed]
    if ahead:
        return now + min(ahead)
    return climb.calls[-1].at + rules.repeats_every if climb.calls else None


def escalate(situation: Situation, now: datetime, *, incident: str, by: str, rules: Rules) -> tuple[Event, ...]:
    """Call the next tier at once because *by* asks for it, whoever owns the incident and whatever the hour. Errors: NotFound, Invalid."""
    found = current(situation, incident)
    ahead = further(found, rules)
    if ahead is None:
        raise Invalid("There is no further tier to call: every team of the services that it hits has been called.")
    tier, teams = ahead
    called = climb_of(found).called
    return tuple(
        Called(at=now, incident=incident, number=called + place, team=team, tier=tier, reason=f"{by} asked for it", by=by)
        for place, team in enumerate(teams, start=1)
    )


def further(incident: Incident, rules: Rules) -> tuple[int, tuple[str, ...]] | None:
    """The lowest tier of which a team was not called on this way up, with those teams; None where all were."""
    called = {call.team for call in climb_of(incident).calls}
    left = [(tier, team) for ladder in _ladders(incident, rules) for tier, team in enumerate(ladder.tiers, start=1) if team not in called]
    if not left:
        return None
    lowest = min(tier for tier, _ in left)
    return lowest, tuple(dict.fromkeys(team for tier, team in left if tier == lowest))


def alarms(incident: Incident, rules: Rules, now: datetime) -> tuple[str, ...]:
    """Teams that ought to hear of *incident* by now and in which nobody is on call."""
    if incident.state in TIRED or not incident.is_open:
        return ()
    passed = elapsed(incident, now)
    reached = dict.fromkeys(team for ladder in _ladders(incident, rules) for team in ladder.tiers[: ladder.due(passed)])
    return tuple(team for team in reached if rules.absent(team, now) is Absence.NOBODY)


# --- the clock ------------------------------------------------------------------------------------------------------------------


def elapsed(incident: Incident, now: datetime) -> timedelta:
    """How long nobody has owned it since it began, or began anew; never less than nothing, whatever the wall clock did."""
    climb, held = climb_of(incident), incident.acknowledgement
    if held is not None:
        climb = climb.without(held.at, min(held.expires_at, now))
    return max(now - climb.since - climb.held, timedelta(0))


def is_held(incident: Incident, now: datetime) -> bool:
    """Whether somebody owns it *now*."""
    return incident.acknowledgement is not None and incident.acknowledgement.holds(now)


# --- the ladders ----------------------------------------------------------------------------------------------------------------


def _ladders(incident: Incident, rules: Rules) -> Sequence[Ladder]:
    hit = [service for service, status in incident.services.items() if status is not Status.OPERATIONAL]
    return [rules.ladders[service] for service in hit if service in rules.ladders and rules.ladders[service].tiers]


def _reached(ladder: Ladder, incident: Incident, rules: Rules, now: datetime) -> Iterator[tuple[int, str, str]]:
    """The tiers to be called by now, each with its team and why. Those that would not hear it are passed over, and the next comes at once.

    Where nobody at all would hear it, everybody is called: better that somebody is woken than that nobody knows.
    """
    missing = [rules.absent(team, now) for team in ladder.tiers]
    count = ladder.due(elapsed(incident, now))
    if None not in missing:
        yield from ((tier, team, "no team of the service is there") for tier, team in enumerate(ladder.tiers, start=1))
        return
    reached = max(count, missing.index(None) + 1)
    for place, team in enumerate(ladder.tiers[:reached]):
        if missing[place] is None:
            yield place + 1, team, _reason(ladder, place, missing, count)


def _reason(ladder: Ladder, place: int, missing: Sequence[Absence | None], count: int) -> str:
    if place == 0:
        return "it began"
    if place < count:
        minutes = ladder.after[place - 1].total_seconds() / 60
        return f"nobody took it for {minutes:g} min"
    why = {Absence.CLOSED: "is outside its hours", Absence.NOBODY: "has nobody on call"}
    return ", ".join(f"{team} {why[absence]}" for team, absence in zip(ladder.tiers[:place], missing, strict=False) if absence)


def _is_unheard(incident: Incident, rules: Rules, now: datetime) -> bool:
    """Whether all were called, nobody has taken it, and the last call was long enough ago."""
    climb = climb_of(incident)
    if not climb.calls or is_held(incident, now) or now - climb.calls[-1].at < rules.repeats_every:
        return False
    passed = elapsed(incident, now)
    return all(step <= passed for ladder in _ladders(incident, rules) for step in ladder.after)


def _tops(incident: Incident, rules: Rules) -> Mapping[str, int]:
    """The highest team of each ladder that was called on this way up, with its tier."""
    called = {call.team for call in climb_of(incident).calls}
    tops: dict[str, int] = {}
    for ladder in _ladders(incident, rules):
        theirs = [(tier, team) for tier, team in enumerate(ladder.tiers, start=1) if team in called]
        if theirs:
            tier, team = max(theirs)
            tops[team] = min(tier, tops.get(team, tier))
    return tops
