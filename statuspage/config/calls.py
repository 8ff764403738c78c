"""How calls are made, as the file says: ladders of teams, when a team hears them, who of it is on call, and where each is told."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents.escalation import Absence, Ladder, Rules
from incidents.rota import Rota, Shift, StandIn, Turns
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from probes.settings import Secret
from statuspage.config.complete import named
from statuspage.config.models import Config
from statuspage.config.teams import OnCall
from statuspage.config.terms import calendar

_INSTANT = timedelta(microseconds=1)
_LINE = "call:"

LONGEST_QUIET = timedelta(hours=60)
"""How long a call is held back at most, a weekend: what nobody heard for longer would be given up as no news any more."""
_OWNED = re.compile(rf"{_LINE}(team|person)/(.+)/\d+")


def owner_of(line: str) -> tuple[str, str] | None:
    """Whose place a line leads to: ``team`` or ``person``, and the id; None for a line that calls nobody."""
    found = _OWNED.fullmatch(line)
    return None if found is None else (found[1], found[2])


StandIns = Callable[[str], Sequence[StandIn]]
"""Who stands in for others in a team."""


def nobody(team: str) -> Sequence[StandIn]:
    """Say that nobody stands in for anybody."""
    del team
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address at which somebody is told, under an *id* that tells nothing of it; *owner* is a team's name or a person's."""

    id: str
    owner: str
    url: Secret = field(repr=False)

    @property
    def line(self) -> str:
        """What the outbox calls it, as a channel and as a recipient."""
        return _LINE + self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which only what matters enough is told: of the level *lets_through* or above; None: of the highest alone."""

    hours: Calendar
    lets_through: str | None = None

    def until(self, at: datetime) -> datetime | None:
        """When the quiet that there is at an instant ends, at the latest; None where there is none."""
        spans = self.hours.open_spans(Span(at, at + LONGEST_QUIET))
        return spans[0].until if spans and spans[0].since <= at else None

    def passes(self, level: str | None, levels: Sequence[str]) -> bool:
        """Whether an incident of *level* is told all the same; *levels* stand highest first."""
        lowest = self.lets_through or next(iter(levels), None)
        return level in levels and lowest in levels and levels.index(level) <= levels.index(lowest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A team: what it is called, when it answers (None: always), who of it is on call when (None: only the team as a whole is told)."""

    id: str
    name: str
    hours: Calendar | None = None
    rota: Rota | None = None
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """All teams and everybody who is called by turns: names and places by id; *quiet* hours by whose places they are for."""

    crews: Mapping[str, Crew] = field(default_factory=lambda: MappingProxyType({}))
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    places: Mapping[str, tuple[Place, ...]] = field(default_factory=lambda: MappingProxyType({}))
    quiet: Mapping[tuple[str, str], Quiet] = field(default_factory=lambda: MappingProxyType({}))

    def on_call(self, team: str, at: datetime, stand_ins: Sequence[StandIn] = ()) -> tuple[str, ...]:
        """Everybody of *team* who is on call; nobody where it has no turns."""
        crew = self.crews.get(team)
        return crew.rota.on_call(at, stand_ins) if crew is not None and crew.rota is not None else ()

    def absent(self, team: str, at: datetime, stand_ins: Sequence[StandIn] = ()) -> Absence | None:
        """Why *team* would not hear a call."""
        crew = self.crews.get(team)
        if crew is None or (crew.hours is not None and not crew.hours.open_spans(Span(at, at + _INSTANT))):
            return Absence.CLOSED
        return Absence.NOBODY if crew.rota is not None and not crew.rota.on_call(at, stand_ins) else None

    def told(self, team: str, at: datetime, stand_ins: Sequence[StandIn] = ()) -> tuple[Place, ...]:
        """Where a call of *team* goes: to the team as a whole, and to those of it who are on call."""
        crew = self.crews.get(team)
        if crew is None:
            return ()
        people = (place for id in self.on_call(team, at, stand_ins) for place in self.places.get(id, ()))
        return (*crew.places, *people)


def rules(config: Config, roster: Roster, stand_ins: StandIns = nobody) -> Rules:
    """Give how calls are made."""
    ladders = {
        id: Ladder(tiers=service.tiers, after=service.escalate_after or ()) for id, service in config.services.items() if service.tiers
    }
    return Rules(
        ladders=ladders,
        absent=lambda team, at: roster.absent(team, at, stand_ins(team)),
        repeats_every=config.escalation.repeats_every,
    )


def roster(config: Config, shifts: Mapping[str, tuple[Shift, ...]], year: int) -> Roster:
    """Give all teams; public holidays are those of *year* and the years beside it."""
    crews = {
        id: Crew(
            id=id,
            name=team.name or named(id),
            hours=calendar(config, team.hours, year),
            rota=None if team.on_call is None else _rota(team.on_call, shifts.get(id, ()), config.site.timezone),
            places=_teams_places(config, id),
        )
        for id, team in config.teams.items()
    }
    names = {id: person.name or named(id) for id, person in config.people.items()}
    return Roster(crews=crews, names=names, places=_peoples_places(config), quiet=_quiet(config, year))


def _quiet(config: Config, year: int) -> Mapping[tuple[str, str], Quiet]:
    """The quiet hours of each owner of places, as ``owner_of`` names them."""
    teams = ((("team", id), team.quiet) for id, team in config.teams.items())
    people = ((("person", id), person.quiet) for id, person in config.people.items())
    found = ((owner, written, calendar(config, written.hours, year)) for owner, written in (*teams, *people) if written is not None)
    return {owner: Quiet(hours=hours, lets_through=written.lets_through) for owner, written, hours in found if hours is not None}


def places_of(config: Config) -> tuple[Place, ...]:
    """Every place at which a team or a person may be told."""
    teams = (_teams_places(config, id) for id in config.teams)
    return tuple(place for some in (*teams, *_peoples_places(config).values()) for place in some)


def _teams_places(config: Config, id: str) -> tuple[Place, ...]:
    return _places(f"team/{id}", config.teams[id].name or named(id), config.teams[id].notify)


def _peoples_places(config: Config) -> Mapping[str, tuple[Place, ...]]:
    return {id: _places(f"person/{id}", person.name or named(id), person.notify) for id, person in config.people.items()}


def _places(id: str, owner: str, urls: Sequence[str]) -> tuple[Place, ...]:
    return tuple(Place(id=f"{id}/{number}", owner=owner, url=Secret(url)) for number, url in enumerate(urls))


def _rota(written: OnCall, shifts: tuple[Shift, ...], timezone: str) -> Rota:
    turns = None
    if written.weekly and written.since is not None:
        turns = Turns(order=written.weekly, starts=written.since, timezone=written.timezone or timezone)
    return Rota(turns=turns, shifts=shifts)
