"""How far the store has come, in three numbers: what tells that something happened, in whichever process, without reading what."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from statuspage.store.audit_tables import audit
from statuspage.store.report_tables import reports
from statuspage.store.tables import journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The newest event, the newest row of the audit and the newest report of a customer, each by its number (0: there is none)."""

    event: int
    act: int
    report: int


def pulse(connection: Connection) -> Pulse:
    """How far the store has come now."""
    newest = (func.max(journal.c.sequence), func.max(audit.c.sequence), func.max(reports.c.id))
    event, act, report = (connection.scalar(select(one)) or 0 for one in newest)
    return Pulse(event=event, act=act, report=report)


def touched_since(connection: Connection, before: Pulse) -> frozenset[str]:
    """Incidents to which anything happened after *before*. What else the audit names is among them, and is no incident's id."""
    told = select(journal.c.incident).where(journal.c.sequence > before.event, journal.c.incident.is_not(None)).distinct()
    done = select(audit.c.subject).where(audit.c.sequence > before.act).distinct()
    return frozenset((*connection.scalars(told), *connection.scalars(done)))
