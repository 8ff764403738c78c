"""What customers reported through the page: counted beside the probes, never public, and answered where they ask for it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, Row, delete, insert, select, update

from incidents.model import Incident, State, Update
from statuspage.store.incident_rows import read_incidents
from statuspage.store.outbox import withdraw_letters, write_letter
from statuspage.store.report_tables import reports
from statuspage.store.traces import leave_traces

AGAIN_AFTER = timedelta(hours=1)
"""For how long one client counts once for a service: what they say then takes the place of what they said."""

AHEAD = timedelta(hours=2)
"""How long before the start of an outage, as the probes saw it, somebody may have been right already."""

WAITS_FOR = timedelta(days=14)
"""How long somebody waits to hear that they were right, and their address is kept, where nobody else ever saw it."""

MOST_READ = 2000
"""Reports that one look counts: a flood is told as "at least"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says: the *symptom* that they chose and their own *words*, both empty where nothing, and the *language* they read."""

    symptom: str
    words: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One of them. *symptom* is what they chose and *words* what they wrote, both empty where nothing; *has_contact* where they wait."""

    id: int
    at: datetime
    service: str
    symptom: str
    words: str
    has_contact: bool
    incident: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was reported of a service since some time: how often, of what, when last, and the newest words of people."""

    service: str
    count: int
    symptoms: Sequence[tuple[str, int]]
    newest: datetime
    words: Sequence[str]


def report(connection: Connection, service: str, said: Said, *, client: str, contact: str | None, at: datetime) -> None:
    """Keep what somebody reports; a *client* (a digest) who did so lately is counted once."""
    told = {"symptom": said.symptom, "words": said.words, "language": said.language}
    lately = (reports.c.service == service, reports.c.client == client, reports.c.at > at - AGAIN_AFTER)
    known = connection.execute(select(reports.c.id).where(*lately).order_by(reports.c.id.desc()).limit(1)).scalar()
    if known is None:
        connection.execute(insert(reports).values(at=at, service=service, client=client, contact=contact, **told))
    else:
        added = {"contact": contact} if contact is not None else {}
        connection.execute(update(reports).where(reports.c.id == known).values(**told, **added))


def heard(
    connection: Connection, since: datetime, services: Collection[str] | None = None, *, until: datetime | None = None
) -> Sequence[Heard]:
    """What was reported in [*since*, *until*), by service; of *services* alone where they are named. The most reported comes first."""
    chosen = select(reports.c.at, reports.c.service, reports.c.symptom, reports.c.words).where(reports.c.at >= since)
    if services is not None:
        chosen = chosen.where(reports.c.service.in_(services))
    if until is not None:
        chosen = chosen.where(reports.c.at < until)
    rows: dict[str, list[tuple[datetime, str, str]]] = {}
    for row in connection.execute(chosen.order_by(reports.c.at.desc(), reports.c.id.desc()).limit(MOST_READ)):
        rows.setdefault(row.service, []).append((row.at, row.symptom, row.words))
    found = [
        Heard(
            service=service,
            count=len(said),
            symptoms=Counter(symptom for _, symptom, _ in said if symptom).most_common(),
            newest=said[0][0],
            words=[words for _, _, words in said if words][:5],
        )
        for service, said in rows.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.service))


def heard_of(connection: Connection, incident: Incident) -> Sequence[Heard]:
    """What was reported of the services that *incident* hit, from a little before it began until it was over."""
    return heard(connection, incident.started_at - AHEAD, tuple(incident.worst), until=incident.resolved_at)


def listed(
    connection: Connection, *, service: str | None, before: int | None, limit: int, within: Collection[str] | None = None
) -> Sequence[Report]:
    """Reports, newest first, of one *service* or of all; those with an id below *before*, of services *within* these alone."""
    chosen = select(reports).order_by(reports.c.id.desc()).limit(limit)
    if service is not None:
        chosen = chosen.where(reports.c.service == service)
    if before is not None:
        chosen = chosen.where(reports.c.id < before)
    if within is not None:
        chosen = chosen.where(reports.c.service.in_(within))
    return [
        Report(
            id=row.id,
            at=row.at,
            service=row.service,
            symptom=row.symptom,
            words=row.words,
            has_contact=row.contact is not None,
            incident=row.incident,
        )
        for row in connection.execute(chosen)
    ]


# --- answering ------------------------------------------------------------------------------------------------------------------


def answer(connection: Connection, incident: Incident, said: Update, at: datetime) -> None:
    """Write to those who were right: once that we know it too, and once that it works again; then their address is forgotten.

    What becomes part of another incident does not work again before that is over.

    It belongs into the transaction that decides what becomes of *said*.
    """
    if said.state in {State.INVESTIGATING, State.IDENTIFIED}:
        _confirm(connection, incident, at, is_told=incident.is_open and incident.recovered_at is None)
    elif said.state is State.RESOLVED and (heir := _heir(connection, incident)) is not None:
        mine = (reports.c.contact.is_not(None), reports.c.incident == incident.id)
        connection.execute(update(reports).where(*mine).values(incident=heir))
    elif said.state is State.RESOLVED:
        _confirm(connection, incident, at, is_told=False)
        _close(connection, incident, at)


def _heir(connection: Connection, incident: Incident) -> str | None:
    """The open incident in which it goes on after its last words; None where all is over."""
    last: Incident | None = incident
    while last is not None and last.merged_into is not None:
        last = read_incidents(connection, [last.merged_into]).get(last.merged_into)
    return last.id if last is not None and last.is_open else None


def _confirm(connection: Connection, incident: Incident, at: datetime, *, is_told: bool) -> None:
    """Note who was right about *incident*; where it is over already, one letter is enough and follows."""
    waits = (reports.c.contact.is_not(None), reports.c.confirmed_at.is_(None), reports.c.service.in_(tuple(incident.worst)))
    ended = incident.resolved_at or at
    mine = (reports.c.at >= incident.started_at - AHEAD, reports.c.at <= ended)
    for row in connection.execute(select(reports).where(*waits, *mine)).all():
        if is_told:
            _write(connection, row.id, "confirmed", _letter("report_confirmed", row, incident), at)
        connection.execute(update(reports).where(reports.c.id == row.id).values(confirmed_at=at, incident=incident.id))


def _close(connection: Connection, incident: Incident, at: datetime) -> None:
    waits = (reports.c.contact.is_not(None), reports.c.incident == incident.id)
    for row in connection.execute(select(reports).where(*waits)).all():
        _write(connection, row.id, "mended", _letter("report_mended", row, incident), at)
        connection.execute(update(reports).where(reports.c.id == row.id).values(contact=None))


def _letter(kind: str, row: Row[Any], incident: Incident) -> Mapping[str, JsonValue]:
    return {"kind": kind, "to": row.contact, "language": row.language, "at": row.at.isoformat(), "incident": incident.id}


def _write(connection: Connection, id: int, what: str, letter: Mapping[str, JsonValue], at: datetime) -> None:
    write_letter(connection, key=f"report:{id}:{what}", channel="mail", recipient=f"report:{id}", letter=letter, at=at)


def erase_report(connection: Connection, id: int, at: datetime) -> bool:
    """Forget a report and where its customer waits for an answer; whether there was one."""
    if not connection.execute(delete(reports).where(reports.c.id == id)).rowcount:
        return False
    withdraw_letters(connection, f"report:{id}", "the report is gone", at)
    leave_traces(connection, at)
    return True


def prune_reports(connection: Connection, now: datetime, before: datetime, limit: int) -> int:
    """Forget what was reported *before*, at most *limit* of it, and where nobody was right for long also who waits; return what is gone."""
    waits = (reports.c.contact.is_not(None), reports.c.confirmed_at.is_(None), reports.c.at < now - WAITS_FOR)
    connection.execute(update(reports).where(*waits).values(contact=None))
    old = select(reports.c.id).where(reports.c.at < before).limit(limit)
    return connection.execute(delete(reports).where(reports.c.id.in_(old))).rowcount
