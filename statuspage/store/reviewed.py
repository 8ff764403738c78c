"""What the monthly reports are made from: a period's incidents and what was done about them, in a few questions however many."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from incidents.model import Incident, Origin
from incidents.reviewed import FALSE_ALARM
from incidents.rollup import TROUBLE
from incidents.times.spans import Span
from statuspage.picture.desk_report import Lived, Promise
from statuspage.picture.review import Missed
from statuspage.store.callers import calls_by_incident
from statuspage.store.incident_rows import read_incidents
from statuspage.store.missed import missed_in
from statuspage.store.review_tables import incident_callers
from statuspage.store.tables import incidents, journal, status_changes, updates

ACKNOWLEDGED = "acknowledged"
"""What the journal calls it that somebody owns an incident."""


def lived_in(connection: Connection, period: Span) -> Sequence[Lived]:
    """The incidents that were opened here in *period*, the first one first."""
    opened = (incidents.c.opened_at >= period.since, incidents.c.opened_at < period.until, incidents.c.origin != Origin.IMPORTED)
    ids = connection.execute(select(incidents.c.id).where(*opened).order_by(incidents.c.opened_at, incidents.c.id)).scalars().all()
    known = read_incidents(connection, ids)
    owned, told = _first_owned(connection, ids), _first_told(connection, ids)
    called = _called(connection, list(known.values()))
    return [
        Lived(incident=known[id], owned_at=owned.get(id), told_at=told.get(id), first_called_at=called[id][0], callers=called[id][1])
        for id in ids
    ]


def _first_owned(connection: Connection, ids: Collection[str]) -> Mapping[str, datetime]:
    owned = select(journal.c.incident, func.min(journal.c.at)).where(journal.c.incident.in_(ids), journal.c.kind == ACKNOWLEDGED)
    return {row[0]: row[1] for row in connection.execute(owned.group_by(journal.c.incident))}


def _first_told(connection: Connection, ids: Collection[str]) -> Mapping[str, datetime]:
    told = select(updates.c.incident, func.min(updates.c.at)).where(updates.c.incident.in_(ids)).group_by(updates.c.incident)
    return {row[0]: row[1] for row in connection.execute(told)}


def _called(connection: Connection, found: Collection[Incident]) -> Mapping[str, tuple[datetime | None, int]]:
    """When the first one called and how many did: as it was kept when the incident ended, or as it is now."""
    kept = connection.execute(select(incident_callers).where(incident_callers.c.incident.in_([one.id for one in found]))).all()
    ended = {row.incident: (row.first_at, row.callers) for row in kept}
    going_on = [one for one in found if one.is_open or one.id not in ended]
    now = calls_by_incident(connection, going_on)
    return {**ended, **{id: (min(called, default=None), len(called)) for id, called in now.items()}}


def promises_in(connection: Connection, period: Span) -> Sequence[Promise]:
    """The updates that were promised for an instant of *period*, and what came of each."""
    answers = updates.alias("answers")
    due = (updates.c.next_update_by >= period.since, updates.c.next_update_by < period.until)
    is_next = (answers.c.incident == updates.c.incident) & (answers.c.number == updates.c.number + 1)
    promised = (
        select(updates.c.incident, updates.c.next_update_by, answers.c.at).select_from(updates.outerjoin(answers, is_next)).where(*due)
    )
    rows = connection.execute(promised.order_by(updates.c.next_update_by, updates.c.incident, updates.c.number))
    return [Promise(incident=row[0], by=row[1], answered_at=row[2]) for row in rows]


# Spelled out, so that the index of monitors alone is used.
_OF_MONITORS: ColumnElement[bool] = status_changes.c.subject == literal_column("'monitor'")


def turns_in(connection: Connection, period: Span) -> Mapping[str, int]:
    """How often each monitor went from good, or from not known, to bad in *period*."""
    went_bad = (status_changes.c.new.in_(TROUBLE), status_changes.c.old.not_in(TROUBLE))
    within = (status_changes.c.at >= period.since, status_changes.c.at < period.until)
    counted = select(status_changes.c.id, func.count()).where(_OF_MONITORS, *within, *went_bad).group_by(status_changes.c.id)
    return {row[0]: row[1] for row in connection.execute(counted)}


def missed_with_incidents(connection: Connection, period: Span) -> Sequence[tuple[Missed, Incident]]:
    """What the probes missed, as ``missed_in`` has it, with the incidents; false alarms and what became part of another are left out."""
    found = missed_in(connection, period)
    known = read_incidents(connection, [one.incident for one in found])
    both = [(one, known[one.incident]) for one in found if one.incident in known]
    return [(one, incident) for one, incident in both if incident.merged_into is None and incident.cause != FALSE_ALARM]
