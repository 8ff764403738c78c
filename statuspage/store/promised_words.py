"""Which public words promised the next ones, read once for all that was said, and then from where the reading ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from incidents.events import Updated
from statuspage.picture.promised import Word
from statuspage.store.spelling import understand
from statuspage.store.tables import journal, updates

UPDATED = "updated"
"""What the journal calls public words in an incident."""


@dataclass(frozen=True, slots=True)
class Read:
    """Words in the order in which they were said, and the journal's row up to which they go."""

    words: Sequence[Word]
    until: int


def words_so_far(connection: Connection) -> Read:
    """All public words of incidents in which anything was promised."""
    until = connection.execute(select(func.coalesce(func.max(journal.c.sequence), 0))).scalar_one()
    promising = select(updates.c.incident).where(updates.c.next_update_by.is_not(None))
    chosen = select(updates.c.incident, updates.c.at, updates.c.next_update_by).where(updates.c.incident.in_(promising))
    rows = connection.execute(chosen.order_by(updates.c.incident, updates.c.number))
    return Read([Word(incident=row.incident, at=row.at, next_by=row.next_update_by) for row in rows], until)


def words_after(connection: Connection, until: int) -> Read:
    """All public words since the journal's row *until*."""
    newest = connection.execute(select(func.coalesce(func.max(journal.c.sequence), 0))).scalar_one()
    chosen = select(journal.c.body).where(journal.c.sequence > until, journal.c.sequence <= newest, journal.c.kind == UPDATED)
    events = [understand(UPDATED, row.body) for row in connection.execute(chosen.order_by(journal.c.sequence))]
    said = [event for event in events if isinstance(event, Updated)]
    return Read([Word(incident=one.incident, at=one.update.at, next_by=one.update.next_update_by) for one in said], newest)
