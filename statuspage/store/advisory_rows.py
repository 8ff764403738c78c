"""An advisory as rows and back. What an event makes of it is said once, in ``incidents.advisory``; here it is only kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, delete, func, insert, or_, select, update

from incidents.advisory import Advised, Advisory, AdvisoryEvent, AdvisoryRenamed, AdvisoryUpdate, AdvisoryUpdated, progressed
from incidents.times.spans import Span
from statuspage.picture.advisories import MOST_OVER, Bulletin
from statuspage.picture.news import Strand, topics_of_advisory
from statuspage.store.advisory_tables import advisories, advisory_services, advisory_updates
from statuspage.store.feed_rows import Word, place_words
from statuspage.store.scope_rows import circles_of, hidden

_PLAIN = tuple(field.name for field in fields(Advisory) if field.name != "services")
_SAID = tuple(field.name for field in fields(AdvisoryUpdate))
"""Fields that are columns as they stand; one that has no column fails at the first write."""

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_THEM = select(advisories).where(advisories.c.id.in_(_IDS))
_THEIR_SERVICES = select(advisory_services).where(advisory_services.c.advisory.in_(_IDS)).order_by(advisory_services.c.position)
_THEIR_WORDS = select(advisory_updates).where(advisory_updates.c.advisory.in_(_IDS)).order_by(advisory_updates.c.number)


def read_advisories(connection: Connection, ids: Collection[str]) -> Mapping[str, Advisory]:
    """The advisories of those *ids* that exist."""
    if not ids:
        return {}
    wanted = {"ids": list(ids)}
    services: dict[str, list[str]] = {}
    for row in connection.execute(_THEIR_SERVICES, wanted):
        services.setdefault(row.advisory, []).append(row.service)
    return {
        row.id: Advisory(
            **{name: getattr(row, name) for name in _PLAIN},
            services=tuple(services.get(row.id, ())),
        )
        for row in connection.execute(_THEM, wanted)
    }


def lasting_advisories(connection: Connection) -> Mapping[str, Advisory]:
    """The advisories that are not over."""
    return read_advisories(connection, connection.execute(select(advisories.c.id).where(advisories.c.ended_at.is_(None))).scalars().all())


def read_bulletins(connection: Connection, ids: Collection[str]) -> Sequence[Bulletin]:
    """The advisories of those *ids* that exist, each with its words; by their start."""
    found = read_advisories(connection, ids)
    words: dict[str, list[AdvisoryUpdate]] = {id: [] for id in found}
    for row in connection.execute(_THEIR_WORDS, {"ids": list(found)}) if found else ():
        words[row.advisory].append(AdvisoryUpdate(**{name: getattr(row, name) for name in _SAID}))
    ordered = sorted(found.values(), key=lambda one: (one.starts, one.id))
    return tuple(Bulletin(advisory=one, updates=tuple(words[one.id])) for one in ordered)


def newest_bulletins(connection: Connection) -> Sequence[Bulletin]:
    """Those that are not over, and the last MOST_OVER that were; by their start."""
    lasting = connection.execute(select(advisories.c.id).where(advisories.c.ended_at.is_(None))).scalars().all()
    over = select(advisories.c.id).where(advisories.c.ended_at.is_not(None)).order_by(advisories.c.ended_at.desc()).limit(MOST_OVER)
    return read_bulletins(connection, [*lasting, *connection.execute(over).scalars()])


def bulletins_in(connection: Connection, span: Span) -> Sequence[Bulletin]:
    """Those that held at any time in *span*, or were to, and were published before its end; by their start."""
    stops = func.coalesce(advisories.c.ended_at, advisories.c.ends)
    begun = and_(advisories.c.starts < span.until, advisories.c.published_at < span.until)
    # One that was withdrawn before it came stands in the month in which that was said.
    met = or_(stops.is_(None), stops > span.since, advisories.c.starts >= span.since)
    withdrawn = and_(advisories.c.ended_at >= span.since, advisories.c.ended_at < span.until)
    chosen = select(advisories.c.id).where(or_(and_(begun, met), withdrawn))
    return read_bulletins(connection, connection.execute(chosen).scalars().all())


def bulletins_before(connection: Connection, before: tuple[datetime, str] | None, limit: int) -> Sequence[Bulletin]:
    """The last published, newest first, at most *limit*; only older ones than *before*, an instant of publication with its id."""
    chosen = select(advisories.c.id, advisories.c.published_at)
    if before is not None:
        at, id = before
        same = and_(advisories.c.published_at == at, advisories.c.id < id)
        chosen = chosen.where(or_(advisories.c.published_at < at, same))
    ids = connection.execute(chosen.order_by(advisories.c.published_at.desc(), advisories.c.id.desc()).limit(limit)).scalars().all()
    return sorted(read_bulletins(connection, ids), key=lambda one: (one.advisory.published_at, one.advisory.id), reverse=True)


# --- writing ------------------------------------------------------------------------------------------------------------------


def write_advisories(connection: Connection, events: Sequence[AdvisoryEvent]) -> None:
    """Write what *events* make of advisories. Errors: LookupError for one that is not there, IntegrityError where an id is taken."""
    if not events:
        return
    new = {event.advisory for event in events if isinstance(event, Advised)}
    known = dict(read_advisories(connection, {event.advisory for event in events} - new))
    for event in events:
        if event.advisory not in known and not isinstance(event, Advised):
            raise LookupError(f"advisory {event.advisory} is not in the store")
        known[event.advisory] = event.plan if isinstance(event, Advised) else progressed(known[event.advisory], event)
    for advisory in known.values():
        _write(connection, advisory, is_new=advisory.id in new)
    for event in events:
        if isinstance(event, AdvisoryRenamed):  # feeds tell all its words under its name
            mine = advisory_updates.c.advisory == event.advisory
            connection.execute(update(advisory_updates).where(mine).values(edited_at=event.at))
    said = [event for event in events if isinstance(event, AdvisoryUpdated)]
    for event in said:
        row = {name: getattr(event.update, name) for name in _SAID}
        connection.execute(insert(advisory_updates).values(advisory=event.advisory, **row))
    apart = hidden(connection) if said else frozenset()
    place_words(connection, [_word(connection, known[event.advisory], event.update, apart) for event in said])


def _word(connection: Connection, advisory: Advisory, update: AdvisoryUpdate, apart: Collection[str]) -> Word:
    topics = topics_of_advisory(advisory, apart, circles_of(connection, advisory.services))
    return Word(advisory.id, update.number, Strand.ADVISORY, topics)


def _write(connection: Connection, advisory: Advisory, *, is_new: bool) -> None:
    columns: dict[str, Any] = {name: getattr(advisory, name) for name in _PLAIN}
    if is_new:
        connection.execute(insert(advisories).values(columns))
    else:
        connection.execute(update(advisories).where(advisories.c.id == advisory.id).values(columns))
        connection.execute(delete(advisory_services).where(advisory_services.c.advisory == advisory.id))
    rows = [{"advisory": advisory.id, "service": id, "position": position} for position, id in enumerate(advisory.services)]
    if rows:
        connection.execute(insert(advisory_services), rows)
