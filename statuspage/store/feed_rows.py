"""What feeds tell, as rows and back: each word gets the next place of every topic that it is told about, and keeps it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, exists, func, insert, or_, select

from incidents.advisory import AdvisoryUpdate
from incidents.maintenance import MaintenanceState
from incidents.model import Origin
from statuspage.picture.news import PAGE, About, Said, Strand, Tail, Topic, Untold, Warned, grown, last_withdrawn, tail
from statuspage.store.advisory_tables import advisories, advisory_services, advisory_updates
from statuspage.store.feed_tables import feed_entries
from statuspage.store.maintenance_tables import maintenance_services, maintenance_updates, maintenances
from statuspage.store.tables import incidents, updates


class Word(NamedTuple):
    """Public words that were just written down, by the id of what it is about and their number there."""

    subject: str
    number: int
    strand: Strand
    topics: tuple[Topic, ...]


# Statements are put together once: that costs more than to run them.


def _next_place() -> Any:  # noqa: ANN401 - SQLAlchemy's own type is as wide
    place = select(func.coalesce(func.max(feed_entries.c.place), -1) + 1).where(_is_about()).scalar_subquery()
    told = [bindparam(column.name, type_=column.type) for column in feed_entries.c if column.name != "place"]
    names = [column.name for column in feed_entries.c if column.name != "place"]
    return insert(feed_entries).from_select([*names, "place"], select(*told, place))


def _is_about() -> Any:  # noqa: ANN401 - as above
    topic = (feed_entries.c.about, feed_entries.c.service)
    return and_(*(column == bindparam(column.name, type_=column.type) for column in topic))


_WORDS = ("title", "body", "language", "titles", "bodies", "automatic")


def hit_when_said(incident: Any, word: Any) -> Any:  # noqa: ANN401 - columns
    """The services that the incident had hit when a word of it was said, as a column ``hit``, with blanks between: see ``apart``."""
    mine = feed_entries.alias()
    return _joined(mine.c.service, mine.c.incident == incident, mine.c.word == word, mine.c.about == About.SERVICE).label("hit")


def _joined(service: Any, *those: Any) -> Any:  # noqa: ANN401 - a column and conditions
    return select(func.aggregate_strings(service, " ")).where(*those).scalar_subquery()


def apart(joined: str | None) -> frozenset[str]:
    """The services in a column like ``hit_when_said``; ids hold no blanks."""
    return frozenset((joined or "").split())


def _told_of() -> Select[Any]:
    of_incident = and_(updates.c.incident == feed_entries.c.incident, updates.c.number == feed_entries.c.word)
    of_window = and_(maintenance_updates.c.maintenance == feed_entries.c.maintenance, maintenance_updates.c.number == feed_entries.c.word)
    of_advisory = and_(advisory_updates.c.advisory == feed_entries.c.advisory, advisory_updates.c.number == feed_entries.c.word)
    joined = (
        feed_entries.outerjoin(updates, of_incident)
        .outerjoin(maintenance_updates, of_window)
        .outerjoin(maintenances, maintenances.c.id == feed_entries.c.maintenance)
        .outerjoin(advisory_updates, of_advisory)
        .outerjoin(advisories, advisories.c.id == feed_entries.c.advisory)
        .outerjoin(incidents, incidents.c.id == feed_entries.c.incident)
    )
    told = (*_WORDS, "at", "edited_at", "redacted_at", "state")
    planned = (maintenance_updates.c[name].label(f"planned_{name}") for name in (*_WORDS, "at", "edited_at", "state"))
    warned = (advisory_updates.c[name].label(f"warned_{name}") for name in ("turn", "body", "at", "edited_at", "by", "starts", "ends"))
    is_notice = ~exists().where(advisory_services.c.advisory == feed_entries.c.advisory)
    announced = _joined(maintenance_services.c.service, maintenance_services.c.maintenance == feed_entries.c.maintenance)
    concerned = _joined(advisory_services.c.service, advisory_services.c.advisory == feed_entries.c.advisory)
    hit = hit_when_said(feed_entries.c.incident, feed_entries.c.word)
    services = (hit, announced.label("announced"), concerned.label("concerned"))
    columns = (*feed_entries.c, maintenances.c.began_at, incidents.c.origin, advisories.c.name, is_notice.label("is_notice"), *services)
    return select(*columns, *(updates.c[name] for name in told), *planned, *warned).select_from(joined)


_PLACE = _next_place()
_NEWEST = _told_of().where(_is_about()).order_by(feed_entries.c.place.desc()).limit(2 * PAGE - 1)
_BETWEEN = (
    _told_of()
    .where(_is_about(), feed_entries.c.place >= bindparam("first"), feed_entries.c.place < bindparam("end"))
    .order_by(feed_entries.c.place)
)
_WITHDRAWN = _told_of().where(updates.c.redacted_at.is_not(None))
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_THEIR_TOPICS = select(feed_entries.c.about, feed_entries.c.service).where(feed_entries.c.incident.in_(_IDS)).distinct()
_ARE_THEIRS = or_(*(feed_entries.c[strand.value].in_(_IDS) for strand in Strand))
_SPOKEN = _told_of().where(_ARE_THEIRS, feed_entries.c.word >= bindparam("first")).order_by(feed_entries.c.place)


def place_words(connection: Connection, words: Iterable[Word]) -> None:
    """Give each of *words* its places, in this order."""
    rows = [
        {
            "about": topic.about,
            "service": topic.of,
            **{strand.value: word.subject if word.strand is strand else None for strand in Strand},
            "word": word.number,
        }
        for word in words
        for topic in word.topics
    ]
    for row in rows:  # each looks at what the one before has written
        connection.execute(_PLACE, row)


def _every_topic(connection: Connection) -> set[Topic]:
    """All topics that anything was ever told about. Reads every place there is: for a start."""
    chosen = select(feed_entries.c.about, feed_entries.c.service).distinct()
    return {Topic(row.about, row.service) for row in connection.execute(chosen)}


def told(connection: Connection, known: Mapping[Topic, Tail], untold: Untold) -> Mapping[Topic, Tail]:
    """What feeds tell once they are told what is *untold*: those of *known* that it does not concern are left out.

    New words are put to what is known, so that a long incident costs no more than a short one.
    """
    if untold.is_everything:
        return tails(connection, _every_topic(connection))
    rows: dict[Topic, list[Row[Any]]] = {}
    asked = {"ids": sorted({subject for subject, _ in untold.words}), "first": min((number for _, number in untold.words), default=0)}
    for row in connection.execute(_SPOKEN, asked) if untold.words else ():
        rows.setdefault(Topic(row.about, row.service), []).append(row)
    reworded = {Topic(*row) for row in connection.execute(_THEIR_TOPICS, {"ids": sorted(untold.reworded)})} if untold.reworded else set()
    new: dict[tuple[str, int], Said] = {}
    longer = {topic: _grown(known.get(topic, Tail()), some, new) for topic, some in rows.items() if topic not in reworded}
    again = {*reworded, *(topic for topic, tail in longer.items() if tail is None)}
    return {**{topic: tail for topic, tail in longer.items() if tail is not None}, **tails(connection, again)}


def _grown(before: Tail, rows: Sequence[Row[Any]], known: dict[tuple[str, int], Said]) -> Tail | None:
    """*before* with the new *rows*; None where something is missing between them."""
    added = [row for row in rows if row.place >= before.count]
    if [row.place for row in added] != list(range(before.count, before.count + len(added))):
        return None
    return grown(before, _all(added, known))


def tails(connection: Connection, topics: Collection[Topic]) -> Mapping[Topic, Tail]:
    """The newest of what was told about each of *topics*: as much work in an old store as in a young one."""
    known: dict[tuple[str, int], Said] = {}
    found = {topic: _tail(connection, topic, known) for topic in topics}
    gone: dict[Topic, list[Said]] = {}
    for row in connection.execute(_WITHDRAWN) if found else ():
        topic = Topic(row.about, row.service)
        if topic in found and row.place < found[topic].count - len(found[topic].said):
            gone.setdefault(topic, []).extend(_all((row,), known))
    return found | {topic: replace(found[topic], withdrawn=last_withdrawn(some)) for topic, some in gone.items()}


def _tail(connection: Connection, topic: Topic, known: dict[tuple[str, int], Said]) -> Tail:
    rows = connection.execute(_NEWEST, {"about": topic.about, "service": topic.of}).all()
    return tail(rows[0].place + 1, tuple(_all(reversed(rows), known))) if rows else Tail()


def archive(connection: Connection, topic: Topic, number: int) -> Sequence[Said]:
    """What the closed archive *number* (from 1, the oldest) of *topic* tells, oldest first; empty where there is none."""
    span = {"first": (number - 1) * PAGE, "end": number * PAGE}
    return tuple(_all(connection.execute(_BETWEEN, {"about": topic.about, "service": topic.of, **span}), {}))


def _all(rows: Iterable[Row[Any]], known: dict[tuple[str, int], Said]) -> Iterator[Said]:
    """Each word once, whatever number of topics it is told about."""
    for row in rows:
        key = row.advisory or row.maintenance or row.incident, row.word
        if key not in known:
            known[key] = _said(row)
        yield known[key]


def _said(row: Row[Any]) -> Said:
    if row.advisory is not None:
        return _of_advisory(row)
    return _of_incident(row) if row.maintenance is None else _of_window(row)


def _of_incident(row: Row[Any]) -> Said:
    withdrawn: datetime | None = row.redacted_at
    return Said(
        strand=Strand.INCIDENT,
        subject=row.incident,
        number=row.word,
        title=row.title,
        titles=row.titles,
        body="" if withdrawn else row.body,
        bodies={} if withdrawn else row.bodies,
        language=row.language,
        at=row.at,
        updated=withdrawn or row.edited_at or row.at,
        is_withdrawn=withdrawn is not None,
        services=apart(row.hit),
        state=row.state,
        is_automatic=row.automatic,
        is_named_by_us=row.origin is Origin.MACHINE,
    )


def _of_window(row: Row[Any]) -> Said:
    is_off = row.planned_state is MaintenanceState.CANCELLED and row.began_at is None
    return Said(
        strand=Strand.MAINTENANCE,
        subject=row.maintenance,
        number=row.word,
        title=row.planned_title,
        titles=row.planned_titles,
        body=row.planned_body,
        bodies=row.planned_bodies,
        language=row.planned_language,
        is_automatic=row.planned_automatic,
        at=row.planned_at,
        updated=row.planned_edited_at or row.planned_at,
        takes_back=row.word - 1 if is_off else 0,
        services=apart(row.announced),
    )


def _of_advisory(row: Row[Any]) -> Said:
    update = AdvisoryUpdate(
        number=row.word,
        turn=row.warned_turn,
        body=row.warned_body,
        at=row.warned_at,
        by=row.warned_by,
        starts=row.warned_starts,
        ends=row.warned_ends,
    )
    return Said(
        strand=Strand.ADVISORY,
        subject=row.advisory,
        number=row.word,
        title="",
        body="",
        at=update.at,
        updated=row.warned_edited_at or update.at,
        warned=Warned(name=row.name, is_notice=row.is_notice, update=update),
        services=apart(row.concerned),
    )
