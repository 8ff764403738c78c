"""Public words, to be searched: kept with what is written, in its own transaction, and compared with what is public when they are found."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Row, and_, bindparam, delete, insert, literal, or_, select, text, union_all, update

from statuspage.picture.advisories import Bulletin
from statuspage.picture.page import Story
from statuspage.picture.planned import Window
from statuspage.picture.search import VERSION, Query, is_begun, kept
from statuspage.store.advisory_rows import read_bulletins
from statuspage.store.advisory_tables import advisories
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.store.maintenance_tables import maintenances
from statuspage.store.queries import stories_of
from statuspage.store.tables import incidents, installation, updates
from statuspage.store.upsert import put
from statuspage.store.word_tables import public_words

AT_ONCE = 200

_FIND = {
    "sqlite": text(
        "SELECT w.incident, w.maintenance, w.advisory FROM public_words_index i JOIN public_words w ON w.sequence = i.rowid "
        "WHERE public_words_index MATCH :words ORDER BY i.rowid DESC LIMIT :most"
    ),
    "postgresql": text(
        "SELECT incident, maintenance, advisory FROM public_words "
        "WHERE array_to_tsvector(string_to_array(words, ' ')) @@ CAST(:words AS tsquery) ORDER BY sequence DESC LIMIT :most"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What has the words that were looked for, as far as it is public; *is_more* where not all was read."""

    stories: tuple[Story, ...] = ()
    windows: tuple[Window, ...] = ()
    bulletins: tuple[Bulletin, ...] = ()
    is_more: bool = False


def words_of_story(story: Story) -> Iterable[str]:
    """The words of an incident that the public may read, in every language; none of one that is not published, or was withdrawn."""
    if story.incident.published_at is not None:
        yield from (story.incident.name, *story.incident.names.values())
        told = (update for update in story.updates if update.redacted_at is None)
        yield from (text for update in told for text in (update.body, *update.bodies.values()))


def words_of_window(window: Window) -> Iterable[str]:
    """The words of a window that the public may read, in every language."""
    if window.maintenance.is_public:
        yield from (*window.maintenance.name.values(), *window.maintenance.description.values())
        yield from (text for update in window.updates for text in (update.body, *update.bodies.values()))


def words_of_bulletin(bulletin: Bulletin) -> Iterable[str]:
    """The words of an advisory, in every language: all of them are public."""
    yield from bulletin.advisory.name.values()
    yield from (text for update in bulletin.updates for text in update.body.values())


def find(connection: Connection, query: Query, most: int) -> Found:
    """What was last made public of all that has the words of *query*, *most* at most.

    What the index says is compared with what is public now: if it ever were behind, it could miss something and never tell a secret.
    """
    if not query.words:
        return Found()
    name = connection.dialect.name
    spelled = _spelled_for_sqlite(query) if name == "sqlite" else _spelled_for_postgresql(query)
    rows = connection.execute(_FIND[name], {"words": spelled, "most": most + 1}).all()
    stories = stories_of(connection, [row.incident for row in rows[:most] if row.incident is not None])
    windows = _windows(connection, [row.maintenance for row in rows[:most] if row.maintenance is not None])
    bulletins = read_bulletins(connection, [row.advisory for row in rows[:most] if row.advisory is not None])
    return Found(
        stories=tuple(story for story in stories if query.is_met_by(words_of_story(story))),
        windows=tuple(window for window in windows.values() if query.is_met_by(words_of_window(window))),
        bulletins=tuple(one for one in bulletins if query.is_met_by(words_of_bulletin(one))),
        is_more=len(rows) > most,
    )


def _spelled_for_sqlite(query: Query) -> str:
    return " AND ".join(f'"{word}"{" *" if is_begun(word) else ""}' for word in query.words)


def _spelled_for_postgresql(query: Query) -> str:
    return " & ".join(f"'{word}'{':*' if is_begun(word) else ''}" for word in query.words)


# --- keeping them -------------------------------------------------------------------------------------------------------------------


def keep_words(
    connection: Connection,
    *,
    incident_ids: Collection[str] = (),
    maintenance_ids: Collection[str] = (),
    advisory_ids: Collection[str] = (),
) -> None:
    """Keep what is public of those incidents, windows and advisories now. Inside the write that changed them."""
    if incident_ids:
        texts = _texts(connection, incident_ids)
        _keep(connection, public_words.c.incident, {id: kept(texts.get(id, ())) for id in incident_ids})
    if maintenance_ids:
        windows = _windows(connection, maintenance_ids)
        said = {id: kept(words_of_window(windows[id])) if id in windows else "" for id in maintenance_ids}
        _keep(connection, public_words.c.maintenance, said)
    if advisory_ids:
        found = {one.advisory.id: kept(words_of_bulletin(one)) for one in read_bulletins(connection, advisory_ids)}
        _keep(connection, public_words.c.advisory, {id: found.get(id, "") for id in advisory_ids})


def _texts(connection: Connection, incident_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """As ``words_of_story``, of those that have any: asked for by themselves, since many incidents may go public at once."""
    published = select(incidents.c.id, incidents.c.name, incidents.c.names)
    published = published.where(incidents.c.id.in_(incident_ids), incidents.c.published_at.is_not(None))
    found = {row.id: [row.name, *row.names.values()] for row in connection.execute(published)}
    said = select(updates.c.incident, updates.c.body, updates.c.bodies)
    for row in connection.execute(said.where(updates.c.incident.in_(found), updates.c.redacted_at.is_(None))) if found else ():
        found[row.incident] += [row.body, *row.bodies.values()]
    return found


def _keep(connection: Connection, whose: Column[str], wanted: Mapping[str, str]) -> None:
    there = select(public_words.c.sequence, whose.label("id"), public_words.c.words).where(whose.in_(wanted))
    known = {row.id: row for row in connection.execute(there)}
    new = [{whose.name: id, "words": words} for id, words in wanted.items() if words and id not in known]
    gone = [row.sequence for id, row in known.items() if not wanted[id]]
    other = [{"at": row.sequence, "said": wanted[id]} for id, row in known.items() if wanted[id] and wanted[id] != row.words]
    if new:
        connection.execute(insert(public_words), new)
    if gone:
        connection.execute(delete(public_words).where(public_words.c.sequence.in_(gone)))
    if other:
        at = public_words.c.sequence == bindparam("at")
        connection.execute(update(public_words).where(at).values(words=bindparam("said")), other)


def forget_words(connection: Connection) -> None:
    """Leave no trace of what is kept no more: SQLite's index notes that a word is gone, and holds it until it is put together anew."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO public_words_index(public_words_index) VALUES ('optimize')"))


def bring_words_up_to_date(connection: Connection) -> bool:
    """Keep the words of the next few of all that there is, the oldest first, where none were kept yet or by other rules than today's.

    Whether there are more to come. In slices, so that no writer waits for long. Inside a write.
    """
    done = connection.execute(select(installation.c.value).where(installation.c.name == "words")).scalar() or ""
    version, _, place = done.partition(" ")
    if done == VERSION:
        return False
    if version != VERSION:
        connection.execute(delete(public_words))
        place = ""
    some = _after(connection, place)
    for kind, run in groupby(some, key=lambda row: row.kind):
        keep_words(connection, **{f"{kind}_ids": [row.id for row in run]})
    is_more = len(some) == AT_ONCE
    reached = f"{VERSION} {some[-1].at.isoformat()} {some[-1].id}" if is_more else VERSION
    put(connection, installation, [{"name": "words", "value": reached}])
    return is_more


def _after(connection: Connection, place: str) -> Sequence[Row[Any]]:
    """The next incidents, windows and advisories in the order in which they came up; *place* names the last one before them."""
    opened = select(incidents.c.opened_at.label("at"), incidents.c.id, literal("incident").label("kind"))
    planned = select(maintenances.c.planned_at.label("at"), maintenances.c.id, literal("maintenance").label("kind"))
    advised = select(advisories.c.published_at.label("at"), advisories.c.id, literal("advisory").label("kind"))
    all_ = union_all(opened, planned, advised).subquery()
    chosen = select(all_).order_by(all_.c.at, all_.c.id).limit(AT_ONCE)
    if place:
        at, _, id = place.partition(" ")
        since = datetime.fromisoformat(at)
        chosen = chosen.where(or_(all_.c.at > since, and_(all_.c.at == since, all_.c.id > id)))
    return connection.execute(chosen).all()


def _windows(connection: Connection, ids: Collection[str]) -> Mapping[str, Window]:
    said = maintenance_words(connection, ids)
    return {id: Window(maintenance=one, updates=said[id]) for id, one in read_maintenances(connection, ids).items()}
