"""Signals of other monitoring systems: kept by their fingerprints, so that what is told twice counts once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update

from incidents.model import Status
from incidents.signals import Signal
from statuspage.store.signal_tables import signals
from statuspage.store.tables import incidents
from statuspage.store.upsert import put


def known_signals(connection: Connection, fingerprints: Collection[str], incidents: Collection[str]) -> Mapping[str, Signal]:
    """Signals with those *fingerprints*, and all that belong to those *incidents*, by their fingerprints."""
    chosen = select(signals).where(or_(signals.c.fingerprint.in_(fingerprints), signals.c.incident.in_(incidents)))
    rows = (dict(row._mapping) for row in connection.execute(chosen))  # noqa: SLF001 - SQLAlchemy's public name
    return {row["fingerprint"]: Signal(**{**row, "status": Status(row["status"])}) for row in rows}


def keep_signals(connection: Connection, kept: Iterable[Signal]) -> None:
    """Keep *kept*, each in the place of what was known of it."""
    put(connection, signals, [{**_fields(one), "status": one.status.value} for one in kept])


def _fields(signal: Signal) -> dict[str, object]:
    return {name: value for name, value in asdict(signal).items() if name != "words"}  # those stand in a note, where they can be struck out


def opened_by_signals(connection: Connection, incidents: Collection[str]) -> frozenset[str]:
    """Those of *incidents* that signals opened."""
    mine = (signals.c.incident.in_(incidents), signals.c.has_opened)
    return frozenset(id for id in connection.execute(select(signals.c.incident).where(*mine).distinct()).scalars() if id)


def going_on(connection: Connection, services: Collection[str]) -> Mapping[str, int]:
    """How many signals of each of *services* are not over, as far as anybody told."""
    mine = (signals.c.service.in_(services), signals.c.until.is_(None))
    counted = connection.execute(select(signals.c.service, func.count()).where(*mine).group_by(signals.c.service))
    return {row[0]: row[1] for row in counted}


def prune_signals(connection: Connection, before: datetime, now: datetime, limit: int) -> int:
    """Forget what was over *before*, at most *limit* signals; gives how many.

    What goes on is told again, and must be known then: it is forgotten where nobody told of it since *before*, unless its incident is open.
    """
    connection.execute(update(signals).where(signals.c.until.is_(None), signals.c.heard_at.is_(None)).values(heard_at=now))
    is_open = exists().where(incidents.c.id == signals.c.incident, incidents.c.resolved_at.is_(None))
    is_lost = and_(signals.c.until.is_(None), signals.c.heard_at < before, ~is_open)
    old = select(signals.c.fingerprint).where(or_(signals.c.until < before, is_lost)).limit(limit)
    return connection.execute(delete(signals).where(signals.c.fingerprint.in_(old))).rowcount
