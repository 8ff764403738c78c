"""What becomes of history that another page told: events that keep it here, each of its words once, however often it is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from incidents.events import Event
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted, Source
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.model import Situation, State, Status, Update
from incidents.naming import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Another status page: its *address* as people write it, and what it calls itself for good."""

    address: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Public words of another page; *title* stands alone, as in an update of ours."""

    id: str
    state: State
    title: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceQuote:
    """Public words of another page about planned work."""

    id: str
    state: MaintenanceState
    title: str
    body: str
    at: datetime


W = TypeVar("W", Quote, MaintenanceQuote)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIncident:
    """An incident of another page that is over; *services*, *impact* as in ``Imported``. *quotes* ascend."""

    id: str
    name: str
    started_at: datetime
    published_at: datetime
    resolved_at: datetime
    services: Mapping[str, Status]
    impact: Status
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWindow:
    """Planned work of another page that is over, planned for [*starts*, *ends*) and run in [*began_at*, *ended_at*). *quotes* ascend."""

    id: str
    name: str
    planned_at: datetime
    starts: datetime
    ends: datetime
    began_at: datetime
    ended_at: datetime
    services: tuple[str, ...]
    quotes: tuple[MaintenanceQuote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept already of something that was imported: how many words, and what the other page called those that it told."""

    words: int = 0
    ids: frozenset[str] = field(default_factory=frozenset)


def id_of(situation: Situation, page: Page, past: PastIncident | PastWindow) -> str:
    """What it is called here: the same whenever it is read again, wherever the page has moved to meanwhile."""
    return new_id(situation, "imported", "maintenance" if isinstance(past, PastWindow) else "incident", page.id, past.id)


def take_over(
    situation: Situation, now: datetime, *, page: Page, past: PastIncident | PastWindow, kept: Kept | None, by: str, language: str
) -> tuple[Event, ...]:
    """Keep *past*; where it is *kept* already, only what was said since. Nothing where that is nothing."""
    id = id_of(situation, page, past)
    if isinstance(past, PastIncident):
        return _incident(id, now, page, past, kept, by)
    return _window(id, now, page, past, kept, by, language)


def _incident(id: str, now: datetime, page: Page, past: PastIncident, kept: Kept | None, by: str) -> tuple[Event, ...]:
    new = _unknown(past.quotes, kept)
    updates = tuple(
        Update(number=number, state=one.state, title=one.title, body=one.body, at=one.at)
        for number, one in enumerate(new, 1 + (kept.words if kept else 0))
    )
    ids = tuple(one.id for one in new)
    if kept is not None:
        return (Quoted(at=now, incident=id, updates=updates, ids=ids, by=by),) if new else ()
    born = Imported(
        at=now,
        incident=id,
        source=Source(page=page.address, id=past.id),
        name=past.name,
        started_at=past.started_at,
        published_at=past.published_at,
        resolved_at=past.resolved_at,
        services=past.services,
        impact=past.impact,
        updates=updates,
        ids=ids,
        by=by,
    )
    return (born,)


def _window(id: str, now: datetime, page: Page, past: PastWindow, kept: Kept | None, by: str, language: str) -> tuple[Event, ...]:
    new = _unknown(past.quotes, kept)
    updates = tuple(
        MaintenanceUpdate(number=number, state=one.state, title=one.title, body=one.body, at=one.at)
        for number, one in enumerate(new, 1 + (kept.words if kept else 0))
    )
    ids = tuple(one.id for one in new)
    if kept is not None:
        return (MaintenanceQuoted(at=now, maintenance=id, updates=updates, ids=ids, by=by),) if new else ()
    window = Maintenance(
        id=id,
        name=MappingProxyType({language: past.name}),
        services=past.services,
        starts=past.starts,
        ends=past.ends,
        planned_at=past.planned_at,
        state=MaintenanceState.COMPLETED,
        began_at=past.began_at,
        ended_at=past.ended_at,
        imported_from=page.address,
    )
    source = Source(page=page.address, id=past.id)
    return (MaintenanceImported(at=now, maintenance=id, source=source, window=window, updates=updates, ids=ids, by=by),)


def _unknown(quotes: Sequence[W], kept: Kept | None) -> tuple[W, ...]:
    known: Collection[str] = kept.ids if kept is not None else ()
    return tuple(one for one in quotes if one.id not in known)
