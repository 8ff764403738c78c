"""Words struck out of all that is kept of an incident, a window or an advisory: its rows, the journal, the outbox, answers, memories.

What is kept as JSON is gone through text by text; ids, instants and choices are left alone, whatever they read like.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from pydantic_core import to_json
from sqlalchemy import Connection, Table, select, update

from incidents.rewording import Struck
from statuspage.store.advisory_tables import advisory_updates
from statuspage.store.maintenance_tables import maintenance_updates
from statuspage.store.outbox_tables import outbox
from statuspage.store.postmortem_tables import postmortems
from statuspage.store.review_tables import missed
from statuspage.store.tables import idempotency, installation, journal, memories, notes, updates
from statuspage.store.traces import leave_traces
from statuspage.store.upsert import put
from statuspage.store.words import forget_words, keep_words

WHEN = "words struck"
"""Under which the installation keeps when that was done for the last time."""

_TEXTS = frozenset({"name", "names", "title", "titles", "body", "bodies", "description", "words"})
_SUBJECTS = ("incident", "maintenance", "advisory")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """A table whose rows are about a subject: the column that names it, and those with texts."""

    table: Table
    subject: str
    texts: tuple[str, ...]


_ROWS = (
    _Rows(table=updates, subject="incident", texts=("title", "titles", "body", "bodies")),
    _Rows(table=notes, subject="incident", texts=("body",)),
    _Rows(table=postmortems, subject="incident", texts=("body", "bodies")),
    _Rows(table=missed, subject="incident", texts=("words",)),
    _Rows(table=maintenance_updates, subject="maintenance", texts=("title", "titles", "body", "bodies")),
    _Rows(table=advisory_updates, subject="advisory", texts=("body",)),
    *(_Rows(table=table, subject=subject, texts=("body",)) for table in (journal, outbox) for subject in _SUBJECTS),
)


def write_strikes(connection: Connection, events: list[Struck]) -> None:
    """Strike out what *events* say. Inside the write that changed the names of what they are about."""
    for event in events:
        subject, id_ = _subject(event)
        for rows in (one for one in _ROWS if one.subject == subject):
            _strike(connection, rows, id_, event)
        _strike_answers(connection, id_, event)
        _strike_memories(connection, id_, event)
        keep_words(connection, **{f"{subject}_ids": [id_]})
        leave_traces(connection, event.at)
        put(connection, installation, [{"name": WHEN, "value": event.at.isoformat()}])
    if events:
        forget_words(connection)


def spoken_of(connection: Connection, subject: str, id: str) -> frozenset[str]:
    """Every text that is kept of it, whether it is public or ever was."""
    found: set[str] = set()
    for rows in (one for one in _ROWS if one.subject == subject):
        for row in connection.execute(select(rows.table).where(rows.table.c[subject] == id)):
            for name in rows.texts:
                _gone_through(_readable(row._mapping[name]), found.add, is_text=rows.table not in {journal, outbox})  # noqa: SLF001 - SQLAlchemy's public name
    return frozenset(found)


def _subject(event: Struck) -> tuple[str, str]:
    return next((name, id_) for name in _SUBJECTS if (id_ := getattr(event, name)) is not None)


def _strike(connection: Connection, rows: _Rows, id_: str, event: Struck) -> None:
    """Where texts of a row have the words; when an update was changed is noted with it."""
    table, is_text = rows.table, rows.table not in {journal, outbox}
    for row in connection.execute(select(table).where(table.c[rows.subject] == id_)).all():
        before = {name: _readable(row._mapping[name]) for name in rows.texts}  # noqa: SLF001 - as above
        after = {name: _without(value, event, is_text=is_text) for name, value in before.items()}
        changed: dict[str, object] = {name: value for name, value in after.items() if value != before[name]}
        if changed:
            changed |= {"edited_at": event.at} if "edited_at" in table.c else {}
            mine = (key == row._mapping[key.name] for key in table.primary_key.columns)  # noqa: SLF001 - as above
            connection.execute(update(table).where(*mine).values(changed))


def _readable(value: object) -> JsonValue:
    """A text by language arrives as a view of a mapping."""
    return dict(value) if isinstance(value, Mapping) else value  # type: ignore[return-value]  # columns of texts hold JSON


def _strike_answers(connection: Connection, id_: str, event: Struck) -> None:
    for row in connection.execute(select(idempotency)).all():
        if id_ in row.request or id_ in row.response:
            before = json.loads(row.response)
            if (after := _without(before, event)) != before:
                mine = (idempotency.c.actor == row.actor, idempotency.c.key == row.key)
                connection.execute(update(idempotency).where(*mine).values(response=to_json(after).decode()))


def _strike_memories(connection: Connection, id_: str, event: Struck) -> None:
    """What a replay begins from knows the names of what was not over then."""
    for row in connection.execute(select(memories)).all():
        if (after := _within(row.body, id_, event)) != row.body:
            connection.execute(update(memories).where(memories.c.batch == row.batch).values(body=after))


def _within(told: JsonValue, id_: str, event: Struck) -> JsonValue:
    match told:
        case dict() if told.get("id") == id_:
            return _without(told, event)
        case dict():
            return {name: _within(value, id_, event) for name, value in told.items()}
        case list():
            return [_within(value, id_, event) for value in told]
        case _:
            return told


def _without(told: JsonValue, event: Struck, *, is_text: bool = False) -> JsonValue:
    return _gone_through(told, lambda text: text.replace(event.phrase, event.instead), is_text=is_text)


def _gone_through(told: JsonValue, each: Callable[[str], str | None], *, is_text: bool) -> JsonValue:
    """What was *told*, with what *each* makes of every text in it."""
    match told:
        case dict():
            return {name: _gone_through(value, each, is_text=is_text or name in _TEXTS) for name, value in told.items()}
        case list():
            return [_gone_through(value, each, is_text=is_text) for value in told]
        case str() if is_text:
            return each(told)
        case _:
            return told
