"""A planned window as rows and back. What an event makes of it is said once, in ``incidents.course``; here it is only kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Table, bindparam, delete, func, insert, or_, select, update

from incidents.course import SPENT_FOR, born, first_end, progressed
from incidents.events import MaintenanceEvent, MaintenanceUpdated, Planned
from incidents.imported import MaintenanceImported, MaintenanceQuoted
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate, Promise
from statuspage.picture.news import Strand, topics_of_window
from statuspage.store.feed_rows import Word, place_words
from statuspage.store.maintenance_tables import maintenance_components, maintenance_services, maintenance_updates, maintenances
from statuspage.store.scope_rows import circles_of, hidden

_ELSEWHERE = {"services", "components", "promises", "spared", "name", "description"}
_PLAIN = tuple(field.name for field in fields(Maintenance) if field.name not in _ELSEWHERE)
"""Fields that are columns as they stand; one that has no column fails at the first write."""

_Born = Planned | MaintenanceImported

_OVER = (MaintenanceState.COMPLETED, MaintenanceState.CANCELLED)

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_THEM = select(maintenances).where(maintenances.c.id.in_(_IDS))


def read_maintenances(connection: Connection, ids: Collection[str]) -> Mapping[str, Maintenance]:
    """The windows of those *ids* that exist."""
    if not ids:
        return {}
    wanted = {"ids": list(ids)}
    services = _listed(connection, maintenance_services, "service", wanted)
    components = _listed(connection, maintenance_components, "component", wanted)
    rows = connection.execute(_THEM, wanted).all()
    return {row.id: _maintenance(row, tuple(services.get(row.id, ())), tuple(components.get(row.id, ()))) for row in rows}


def _listed(connection: Connection, table: Table, column: str, wanted: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    chosen = select(table.c.maintenance, table.c[column]).where(table.c.maintenance.in_(_IDS)).order_by(table.c.position)
    for id, part in connection.execute(chosen, wanted):
        found.setdefault(id, []).append(part)
    return found


def _maintenance(row: Row[Any], services: tuple[str, ...], components: tuple[str, ...]) -> Maintenance:
    return Maintenance(
        **{name: getattr(row, name) for name in _PLAIN},
        name=MappingProxyType(row.name),
        description=MappingProxyType(row.description),
        services=services,
        components=components,
        promises=tuple(_promise(*instants) for instants in row.promises),
        spared=frozenset(row.spared),
    )


def _promise(announced_at: str, starts: str, ends: str) -> Promise:
    instants = (datetime.fromisoformat(text) for text in (announced_at, starts, ends))
    return Promise(**dict(zip(("announced_at", "starts", "ends"), instants, strict=True)))


def pending_maintenances(connection: Connection) -> Mapping[str, Maintenance]:
    """The windows that are not over."""
    ids = connection.execute(select(maintenances.c.id).where(maintenances.c.state.not_in(_OVER))).scalars().all()
    return read_maintenances(connection, ids)


def known_series(connection: Connection) -> frozenset[str]:
    """The series of which any occurrence was ever planned."""
    chosen = select(maintenances.c.series).where(maintenances.c.series.is_not(None)).distinct()
    return frozenset(connection.execute(chosen).scalars())


def spent_occurrences(connection: Connection) -> Mapping[str, datetime]:
    """The occurrences of a series that are over, as ``incidents.course`` remembers them."""
    newest = connection.execute(select(func.max(maintenances.c.planned_at)).where(maintenances.c.series.is_not(None))).scalar()
    if newest is None:
        return {}
    over = (maintenances.c.series.is_not(None), maintenances.c.state.in_(_OVER))
    # What was moved far from its occurrence still ends late: the widest net first, the exact rule after.
    late = or_(maintenances.c.ends >= newest - SPENT_FOR, maintenances.c.occurrence >= newest - 2 * SPENT_FOR)
    found = read_maintenances(connection, connection.execute(select(maintenances.c.id).where(*over, late)).scalars().all())
    ends = {id: first_end(window) for id, window in found.items()}
    return {id: end for id, end in ends.items() if end >= newest - SPENT_FOR}


def maintenances_between(connection: Connection, since: datetime, until: datetime, *, limit: int = 1000) -> Sequence[Maintenance]:
    """The windows, over or not, that are planned within [*since*, *until*) or really ran then; by their start."""
    begins = func.coalesce(maintenances.c.began_at, maintenances.c.starts)
    stops = func.coalesce(maintenances.c.ended_at, maintenances.c.ends)
    met = or_((begins < until) & (stops > since), (maintenances.c.starts < until) & (maintenances.c.ends > since))
    ids = connection.execute(select(maintenances.c.id).where(met).order_by(maintenances.c.starts).limit(limit)).scalars().all()
    return sorted(read_maintenances(connection, ids).values(), key=lambda window: (window.starts, window.id))


def newest_maintenances(connection: Connection, limit: int, *, is_for_all: bool = False) -> Sequence[Maintenance]:
    """Those that ended last, newest first; where it *is_for_all* to see, only what was public."""
    over = select(maintenances.c.id).where(maintenances.c.ended_at.is_not(None))
    if is_for_all:
        over = over.where(or_(~maintenances.c.needs_approval, maintenances.c.approved_by.is_not(None)))
    chosen = over.order_by(maintenances.c.ended_at.desc()).limit(limit)
    found = read_maintenances(connection, connection.execute(chosen).scalars().all())
    return sorted(found.values(), key=lambda window: (window.ended_at or window.ends, window.id), reverse=True)


def past_maintenances(connection: Connection, since: datetime, limit: int) -> Sequence[Maintenance]:
    """Those that were public and are over, and ended or were to begin at *since* or later; the newest by their start."""
    was_public = or_(~maintenances.c.needs_approval, maintenances.c.approved_by.is_not(None))
    is_near = or_(maintenances.c.ended_at >= since, maintenances.c.starts >= since)
    chosen = select(maintenances.c.id).where(maintenances.c.ended_at.is_not(None), was_public, is_near)
    ids = connection.execute(chosen.order_by(maintenances.c.starts.desc()).limit(limit)).scalars().all()
    return tuple(read_maintenances(connection, ids).values())


def maintenance_words(connection: Connection, ids: Collection[str]) -> Mapping[str, tuple[MaintenanceUpdate, ...]]:
    """The public words of each of those windows, oldest first."""
    words: dict[str, list[MaintenanceUpdate]] = {id: [] for id in ids}
    chosen = select(maintenance_updates).where(maintenance_updates.c.maintenance.in_(_IDS)).order_by(maintenance_updates.c.number)
    for row in connection.execute(chosen, {"ids": list(ids)}) if ids else ():
        said = MaintenanceUpdate(**{name: getattr(row, name) for name in MaintenanceUpdate.__dataclass_fields__})
        words[row.maintenance].append(said)
    return {id: tuple(said) for id, said in words.items()}


# --- writing ------------------------------------------------------------------------------------------------------------------


def write_maintenances(connection: Connection, events: Sequence[MaintenanceEvent]) -> None:
    """Write what *events* make of windows. Errors: LookupError for one that is not there, IntegrityError where an id is taken."""
    if not events:
        return
    new = {event.maintenance for event in events if isinstance(event, _Born)}
    known = dict(read_maintenances(connection, {event.maintenance for event in events} - new))
    words, apart = [], hidden(connection)
    for event in events:
        if event.maintenance not in known and not isinstance(event, _Born):
            raise LookupError(f"maintenance {event.maintenance} is not in the store")
        known[event.maintenance] = born(event) if isinstance(event, _Born) else progressed(known[event.maintenance], event)
        if isinstance(event, MaintenanceUpdated):
            window = known[event.maintenance]
            topics = topics_of_window(window, event.update, apart, circles_of(connection, window.services))
            words.append(Word(event.maintenance, event.update.number, Strand.MAINTENANCE, topics=topics))
    for window in known.values():
        _write(connection, window, is_new=window.id in new)
    for event in events:
        for said in _said(event):
            row = {name: getattr(said, name) for name in MaintenanceUpdate.__dataclass_fields__}
            connection.execute(insert(maintenance_updates).values(maintenance=event.maintenance, **row))
    place_words(connection, words)


def _said(event: MaintenanceEvent) -> Sequence[MaintenanceUpdate]:
    match event:
        case MaintenanceUpdated():
            return (event.update,)
        case MaintenanceImported() | MaintenanceQuoted():  # history: it has no place in any feed
            return event.updates
        case _:
            return ()


def _write(connection: Connection, window: Maintenance, *, is_new: bool) -> None:
    if is_new:
        connection.execute(insert(maintenances).values(_columns(window)))
    else:
        connection.execute(update(maintenances).where(maintenances.c.id == window.id).values(_columns(window)))
        for table in (maintenance_services, maintenance_components):
            connection.execute(delete(table).where(table.c.maintenance == window.id))
    for table, column, parts in (
        (maintenance_services, "service", window.services),
        (maintenance_components, "component", window.components),
    ):
        rows = [{"maintenance": window.id, column: part, "position": position} for position, part in enumerate(parts)]
        if rows:
            connection.execute(insert(table), rows)


def _columns(window: Maintenance) -> dict[str, Any]:
    return {name: getattr(window, name) for name in _PLAIN} | {
        "name": dict(window.name),
        "description": dict(window.description),
        "promises": [[at.isoformat() for at in (one.announced_at, one.starts, one.ends)] for one in window.promises],
        "spared": sorted(window.spared),
    }
