"""The places of words that were said before a circle of readers was formed: they get them once, as if it had been there."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, exists, func, insert, select

from incidents.model import Status
from statuspage.picture.news import About, Circle, Topic, topic_of_warning, topics_of_trouble, topics_of_work
from statuspage.store.advisory_tables import advisory_updates
from statuspage.store.feed_tables import feed_entries
from statuspage.store.maintenance_tables import maintenance_updates
from statuspage.store.scope_rows import form
from statuspage.store.tables import incident_services, updates

AT_ONCE = 1000


class _Key(NamedTuple):
    """What words are: of which incident, window or advisory, and their number there."""

    incident: str | None
    maintenance: str | None
    advisory: str | None
    word: int


def follow(connection: Connection, wanted: Collection[Circle]) -> None:
    """Have the circles *wanted* follow what is said from now on; to one that is new all is told that was said of its services.

    Inside a write. What has places already keeps them: a circle that comes back goes on where it stood.
    """
    for circle in form(connection, wanted):
        if not connection.execute(select(exists().where(feed_entries.c.service == circle.of))).scalar():
            _place(connection, circle)


def _place(connection: Connection, circle: Circle) -> None:
    numbers: dict[Topic, Iterator[int]] = {}
    rows = [
        {"about": topic.about, "service": topic.of, "place": next(numbers.setdefault(topic, count())), **key._asdict()}
        for key, topics in _told(connection, circle)
        for topic in topics
    ]
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(insert(feed_entries), rows[start : start + AT_ONCE])


def _told(connection: Connection, circle: Circle) -> Iterator[tuple[_Key, Iterable[Topic]]]:
    """The words about services of *circle*, by when they were said, each with where they are told."""
    worst = _worst(connection, circle)
    found: dict[_Key, set[About]] = {}
    for row in connection.execute(_words(circle)):
        found.setdefault(_Key(row.incident, row.maintenance, row.advisory, row.word), set()).add(row.about)
    for key, told in found.items():
        if key.incident is not None:
            yield key, topics_of_trouble(circle, worst.get(key.incident, ()))
        elif key.maintenance is not None:
            yield key, topics_of_work(circle, is_loud=About.SERVICE in told)
        else:
            yield key, (topic_of_warning(circle),)


def _words(circle: Circle) -> Any:  # noqa: ANN401 - SQLAlchemy's own type is as wide
    entry = feed_entries.c
    of_incident = and_(updates.c.incident == entry.incident, updates.c.number == entry.word)
    of_window = and_(maintenance_updates.c.maintenance == entry.maintenance, maintenance_updates.c.number == entry.word)
    of_advisory = and_(advisory_updates.c.advisory == entry.advisory, advisory_updates.c.number == entry.word)
    joined = feed_entries.outerjoin(updates, of_incident).outerjoin(maintenance_updates, of_window).outerjoin(advisory_updates, of_advisory)
    said_at = func.coalesce(updates.c.at, maintenance_updates.c.at, advisory_updates.c.at)
    subject = func.coalesce(entry.incident, entry.maintenance, entry.advisory)
    is_theirs = (entry.about.in_((About.SERVICE, About.SERVICE_MAINTENANCE)), entry.service.in_(circle.services))
    chosen = select(entry.about, entry.incident, entry.maintenance, entry.advisory, entry.word).select_from(joined)
    return chosen.where(*is_theirs).order_by(said_at, subject, entry.word)


def _worst(connection: Connection, circle: Circle) -> Mapping[str, list[Status]]:
    """How badly each incident came to hit services of *circle*."""
    found: dict[str, list[Status]] = {}
    hit = incident_services.c
    for row in connection.execute(select(hit.incident, hit.worst).where(hit.service.in_(circle.services))):
        found.setdefault(row.incident, []).append(row.worst)
    return found
