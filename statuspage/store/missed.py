"""Who called about incidents: kept when one ends, and what the probes missed is what somebody called about before it was detected."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from incidents.callers import AHEAD
from incidents.events import Impacted, IncidentEvent, Opened, Parted, Published, Resolved
from incidents.model import Incident, Origin, Status
from incidents.reviewed import Explained
from incidents.times.spans import Span
from statuspage.picture.review import Missed
from statuspage.store.caller_tables import callers
from statuspage.store.callers import calls_by_incident, go_with
from statuspage.store.review_tables import incident_callers, missed
from statuspage.store.upsert import put, put_missing


def write_review(connection: Connection, events: Sequence[IncidentEvent], known: Mapping[str, Incident]) -> None:
    """Keep what the review needs of *events*; *known* are their incidents, as they are after them and as the store has them."""
    touched = {event.incident for event in events if isinstance(event, Opened | Impacted | Published)}
    _note_missed(connection, [known[id] for id in touched if _is_confirmed(known[id])])
    _take_along(connection, events, known)
    ended = [known[event.incident] for event in events if isinstance(event, Resolved)]
    if ended:
        _keep_callers(connection, ended)
    for event in events:
        if isinstance(event, Explained):
            _answer(connection, event)


def _take_along(connection: Connection, events: Sequence[IncidentEvent], known: Mapping[str, Incident]) -> None:
    """Have callers count where what they called about goes on: in the incident that takes it over, or that was taken out."""
    for event in events:
        if isinstance(event, Resolved) and event.merged_into is not None:
            go_with(connection, event.incident, event.merged_into)
        elif isinstance(event, Opened):
            for left in _left(known[event.incident], events, known):
                working = {id for id in known[event.incident].worst if left.services.get(id, Status.OPERATIONAL) is Status.OPERATIONAL}
                go_with(connection, left.id, event.incident, working)


def _left(born: Incident, events: Sequence[IncidentEvent], known: Mapping[str, Incident]) -> Sequence[Incident]:
    """The incidents that *born* was taken out of: their components are its own now, or, of what people opened, their services."""
    parted = {event.incident for event in events if isinstance(event, Parted) and event.component in born.components}
    if born.origin is Origin.AGENT:
        parted |= {event.incident for event in events if isinstance(event, Impacted) and known[event.incident].origin is Origin.AGENT}
    return [known[id] for id in sorted(parted - {born.id})]


def _is_confirmed(incident: Incident) -> bool:
    """Whether the probes saw it, or a person has published it."""
    match incident.origin:
        case Origin.MACHINE:
            return True
        case Origin.AGENT:
            return incident.published_at is not None
        case Origin.IMPORTED:
            return False


def _note_missed(connection: Connection, confirmed: Collection[Incident]) -> None:
    if not confirmed:
        return
    called = select(callers.c.service, callers.c.at).where(
        callers.c.service.in_({service for one in confirmed for service in one.worst}),
        callers.c.incident.is_(None),
        callers.c.at >= min(one.started_at for one in confirmed) - AHEAD,
        callers.c.at <= max(one.opened_at for one in confirmed),
    )
    rows = connection.execute(called).all()
    found = [_missed(one, [row.at for row in rows if row.service in one.worst and _is_early(row.at, one)]) for one in confirmed]
    put_missing(connection, missed, [row for row in found if row is not None])


def _is_early(at: datetime, incident: Incident) -> bool:
    return incident.started_at - AHEAD <= at <= incident.opened_at


def _missed(incident: Incident, early: Iterable[datetime]) -> dict[str, object] | None:
    instants = sorted(early)
    if not instants:
        return None
    none = dict.fromkeys(("answered_at", "answered_by", "monitor", "words"))
    at = incident.opened_at if incident.origin is Origin.MACHINE else incident.published_at
    return {"incident": incident.id, "at": at, "first_called_at": instants[0], "callers": len(instants), **none}


def _keep_callers(connection: Connection, ended: Collection[Incident]) -> None:
    called = calls_by_incident(connection, ended)
    rows = [{"incident": one.id, "callers": len(called[one.id]), "first_at": min(called[one.id], default=None)} for one in ended]
    put(connection, incident_callers, rows)


def _answer(connection: Connection, event: Explained) -> None:
    answer = {"answered_at": event.at, "answered_by": event.by, "monitor": event.monitor, "words": event.words}
    connection.execute(update(missed).where(missed.c.incident == event.incident).values(answer))


def missed_of(connection: Connection, incident: str) -> Missed | None:
    """What was kept of *incident*, if the probes missed it."""
    row = connection.execute(select(missed).where(missed.c.incident == incident)).first()
    return None if row is None else Missed(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def missed_in(connection: Connection, period: Span) -> Sequence[Missed]:
    """What the probes missed in *period*, and what nobody has answered for of the time before; the newest first."""
    asked = or_(missed.c.at >= period.since, missed.c.answered_at.is_(None))
    rows = connection.execute(select(missed).where(missed.c.at < period.until, asked).order_by(missed.c.at.desc(), missed.c.incident))
    return [Missed(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
