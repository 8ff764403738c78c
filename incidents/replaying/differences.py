"""What another configuration would have made of the past, beside what was made of it: incident by incident."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incidents.advisory import AdvisoryUpdated
from incidents.events import (
    Acknowledged,
    Event,
    IncidentEvent,
    Joined,
    MaintenanceUpdated,
    Opened,
    Renamed,
    Reopened,
    Rerooted,
    Resolved,
    Updated,
)

Notice = Opened | Updated | Resolved | Reopened | Acknowledged | MaintenanceUpdated | AdvisoryUpdated
"""Events of which somebody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An incident as its events tell it. *notices* is how often somebody was told of it; *ended_at* is None while it is open."""

    id: str
    name: str
    root: str | None
    started_at: datetime
    opened_at: datetime
    components: frozenset[str]
    notices: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same trouble in both tellings."""

    recorded: Told
    otherwise: Told

    @property
    def gained(self) -> timedelta:
        """How much sooner it would have been known."""
        return self.recorded.opened_at - self.otherwise.opened_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All incidents that began in a span: those in both tellings, those that would not have been, those that would have been as well."""

    both: tuple[Pair, ...]
    fewer: tuple[Told, ...]
    more: tuple[Told, ...]
    notices_recorded: int
    notices_otherwise: int

    @property
    def gained(self) -> timedelta:
        """How much sooner the incidents in both tellings would have been known, in sum."""
        return sum((pair.gained for pair in self.both), timedelta(0))


def differences(recorded: Sequence[Event], otherwise: Sequence[Event]) -> Differences:
    """Set the incidents of two tellings of the same time against each other: the same root first, then a part in common."""
    left, right = told(recorded), told(otherwise)
    both: list[Pair] = []
    for is_same in (_has_same_root, _shares_a_part):
        for one in tuple(left):
            found = next((other for other in right if is_same(one, other) and _meet(one, other)), None)
            if found is not None:
                both.append(Pair(recorded=one, otherwise=found))
                left.remove(one)
                right.remove(found)
    return Differences(
        both=tuple(sorted(both, key=lambda pair: (pair.recorded.opened_at, pair.recorded.id))),
        fewer=tuple(left),
        more=tuple(right),
        notices_recorded=_notices(recorded),
        notices_otherwise=_notices(otherwise),
    )


def told(events: Iterable[Event]) -> list[Told]:
    """The incidents that *events* open, oldest first."""
    known: dict[str, Told] = {}
    for event in events:
        if isinstance(event, Opened):
            known[event.incident] = Told(
                id=event.incident,
                name=event.name,
                root=event.root,
                started_at=event.started_at,
                opened_at=event.at,
                components=frozenset({event.root} if event.root else ()),
                notices=1,
            )
        elif isinstance(event, IncidentEvent) and event.incident in known:
            known[event.incident] = _after(known[event.incident], event)
    return sorted(known.values(), key=lambda one: (one.opened_at, one.id))


def _after(one: Told, event: IncidentEvent) -> Told:
    if isinstance(event, Notice):
        one = replace(one, notices=one.notices + 1)
    match event:
        case Joined():
            return replace(one, components=one.components | {event.component})
        case Rerooted():
            return replace(one, root=event.root, components=one.components | {event.root})
        case Renamed():
            return replace(one, name=event.name)
        case Resolved():
            return replace(one, ended_at=event.at)
        case Reopened():
            return replace(one, ended_at=None)
        case _:
            return one


def _notices(events: Iterable[Event]) -> int:
    return sum(isinstance(event, Notice) for event in events)


def _has_same_root(one: Told, other: Told) -> bool:
    return one.id == other.id or (one.root is not None and one.root == other.root)


def _shares_a_part(one: Told, other: Told) -> bool:
    return not one.components.isdisjoint(other.components)


def _meet(one: Told, other: Told) -> bool:
    """Whether they overlap in time; what is open lasts."""
    return (other.ended_at is None or one.started_at <= other.ended_at) and (one.ended_at is None or other.started_at <= one.ended_at)
