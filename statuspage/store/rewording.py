"""Words that were said already, changed where they are kept: corrected ones beside what stood before, removed ones everywhere at once.

A text stands in more places than its row: the journal, the outbox, answers kept for repeated requests, and the index of the search. What
is removed is gone from all of them in one transaction; its digest stays. The audit never had more than that, and none of its rows changes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from pydantic import JsonValue
from pydantic_core import to_json
from sqlalchemy import Column, Connection, Row, Table, func, select, update

from incidents.advisory import AdvisoryReworded, AdvisoryUpdated
from incidents.events import Event, MaintenanceUpdated, Updated
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.model import Update
from incidents.redacting import Outrun
from incidents.rewording import MaintenanceReworded, Redacted, Reworded, RewordingEvent, digest, digests
from statuspage.store.advisory_tables import advisory_updates
from statuspage.store.maintenance_tables import maintenance_updates
from statuspage.store.outbox import release
from statuspage.store.outbox_tables import outbox
from statuspage.store.spelling import spell, understand
from statuspage.store.striking import WHEN
from statuspage.store.tables import idempotency, installation, journal, updates
from statuspage.store.traces import leave_traces
from statuspage.store.words import forget_words, keep_words


def write_rewordings(connection: Connection, events: Sequence[RewordingEvent]) -> None:
    """Write what became of words. Errors: Outrun where other ones stand there than were seen; nothing may be kept after it."""
    for event in events:
        mine = (updates.c.incident == event.incident, updates.c.number == event.number)
        texts = select(updates.c.body, updates.c.bodies).where(*mine, updates.c.redacted_at.is_(None))
        there = connection.execute(texts).one_or_none()
        if there is None or (digest(there.body), digests(there.bodies)) != (event.was, event.translations):
            raise Outrun
        match event:
            case Reworded():
                now = {"body": event.body, "bodies": event.bodies, "edited_at": event.at}
                now |= {"language": event.language} if event.language else {}
                connection.execute(update(updates).where(*mine).values(now))
            case Redacted():
                leave_traces(connection, event.at)
                connection.execute(update(updates).where(*mine).values(body="", bodies=None, redacted_at=event.at))
                _remove(connection, event, {there.body, *there.bodies.values()})
            case _:
                assert_never(event)
    if events:
        told = {event.incident for event in events}
        keep_words(connection, incident_ids=told)
        release(connection, incidents=told)
    if any(isinstance(event, Redacted) for event in events):
        forget_words(connection)


def reword_planned(connection: Connection, events: Sequence[Event]) -> None:
    """The same of words about windows and advisories, which are corrected alone. Errors: Outrun."""
    for event in events:
        match event:
            case MaintenanceReworded():
                table, of = maintenance_updates, maintenance_updates.c.maintenance == event.maintenance
                was: object = (event.was, event.translations)
                now = {"body": event.body, "bodies": dict(event.bodies), "language": event.language}
            case AdvisoryReworded():
                table, of = advisory_updates, advisory_updates.c.advisory == event.advisory
                was, now = event.was, {"body": dict(event.body)}
            case _:
                continue
        mine = (of, table.c.number == event.number)
        there = connection.execute(select(table).where(*mine)).one_or_none()
        if there is None or _digests(there) != was:
            raise Outrun
        connection.execute(update(table).where(*mine).values(edited_at=event.at, **now))


def _digests(row: Row[Any]) -> object:
    return digests(row.body) if isinstance(row.body, Mapping) else (digest(row.body), digests(row.bodies))


def planned_words_of(connection: Connection, subject: str, id: str, number: int) -> Sequence[tuple[str | None, str]]:
    """Every text that update *number* of a window or an advisory (*subject*) ever had, with its language (None: the site's own)."""
    told = select(journal.c.kind, journal.c.body).where(journal.c[subject] == id).order_by(journal.c.sequence)
    return [text for row in connection.execute(told) for text in _planned_texts(understand(row.kind, row.body), number)]


def _planned_texts(event: Event, number: int) -> Iterator[tuple[str | None, str]]:
    match event:
        case MaintenanceUpdated(update=said) if said.number == number:
            yield from ((said.language, said.body), *said.bodies.items())
        case MaintenanceImported(updates=updates) | MaintenanceQuoted(updates=updates):
            for said in updates:
                if said.number == number:
                    yield from ((said.language, said.body), *said.bodies.items())
        case MaintenanceReworded(number=of) if of == number:
            yield from ((event.language, event.body), *event.bodies.items())
        case AdvisoryUpdated(update=said) if said.number == number:
            yield from said.body.items()
        case AdvisoryReworded(number=of) if of == number:
            yield from event.body.items()
        case _:
            return


def newest_redaction(connection: Connection) -> datetime | None:
    """When words were removed for the last time; None where none ever were."""
    struck = connection.execute(select(installation.c.value).where(installation.c.name == WHEN)).scalar()
    removed = connection.execute(select(func.max(updates.c.redacted_at))).scalar()
    return max((at for at in (removed, datetime.fromisoformat(struck) if struck else None) if at is not None), default=None)


def _remove(connection: Connection, event: Redacted, said: set[str]) -> None:
    texts = said
    for table in (journal, outbox):
        for place, old, new in _emptied(connection, table, event):
            texts = texts.union(old)
            connection.execute(update(table).where(_place_in(table) == place).values(body=new))
    for one in sorted(texts - {""}):
        _forget_answers(connection, event.incident, one)


def _emptied(connection: Connection, table: Table, event: Redacted) -> Iterator[tuple[int, list[str], JsonValue]]:
    """Where *table* tells of the update: the row's key, its texts, and the row as it reads without them."""
    told = select(_place_in(table).label("place"), table.c.kind, table.c.body)
    for row in connection.execute(told.where(table.c.incident == event.incident, table.c.kind.in_(_SPOKEN))).all():
        match understand(row.kind, row.body):
            case Updated(update=said) as before if said.number == event.number:
                yield row.place, _texts(said), spell(replace(before, update=_silent(said, event)))
            case Imported(updates=told_there) | Quoted(updates=told_there) as before:
                mine = [text for said in told_there if said.number == event.number for text in _texts(said)]
                kept = tuple(_silent(said, event) if said.number == event.number else said for said in told_there)
                yield row.place, mine, spell(replace(before, updates=kept))
            case Reworded(number=event.number) as before:
                yield row.place, [before.body, *before.bodies.values()], spell(replace(before, body="", bodies={}))
            case _:
                continue


def _texts(said: Update) -> list[str]:
    return [said.body, *said.bodies.values()]


def _silent(said: Update, event: Redacted) -> Update:
    return replace(said, body="", bodies={}, redacted_at=event.at)


def _place_in(table: Table) -> Column[int]:
    (key,) = table.primary_key.columns
    return key


_SPOKEN = ("updated", "imported", "quoted", "reworded")


def _forget_answers(connection: Connection, incident: str, said: str) -> None:
    """A request that is repeated gets the answer without the words, in whatever language they were."""
    spelled = to_json(said).decode()
    kept = select(idempotency.c.actor, idempotency.c.key, idempotency.c.request, idempotency.c.response)
    for row in connection.execute(kept).all():
        if spelled in row.response and (f"/incidents/{incident}" in row.request or incident in row.response):
            mine = (idempotency.c.actor == row.actor, idempotency.c.key == row.key)
            silent = to_json(_without(json.loads(row.response), said)).decode()
            connection.execute(update(idempotency).where(*mine).values(response=silent))


def _without(told: JsonValue, said: str) -> JsonValue:
    """What was *told*, with nothing wherever it *said* exactly that."""
    match told:
        case dict():
            return {name: _without(value, said) for name, value in told.items()}
        case list():
            return [_without(value, said) for value in told]
        case _:
            return "" if told == said else told
