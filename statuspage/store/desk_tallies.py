"""What the desk did to incidents since the journal was last read, how long after they were opened, and who had called by their end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from statuspage.picture.desk_tallies import Tallied
from statuspage.store.review_tables import incident_callers
from statuspage.store.tables import incidents, journal

_KINDS = {"acknowledged": Tallied.ACKNOWLEDGE, "updated": Tallied.FIRST_WORD, "resolved": Tallied.RESOLVE}


@dataclass(frozen=True, slots=True)
class Read:
    """What came to how much, in the journal's order, and the row up to which that goes."""

    found: Sequence[tuple[Tallied, float]]
    until: int


def newest_row(connection: Connection) -> int:
    """The journal's newest row."""
    newest: int = connection.execute(select(func.coalesce(func.max(journal.c.sequence), 0))).scalar_one()
    return newest


def tallied_after(connection: Connection, until: int) -> Read:
    """What was done since the journal's row *until*. Of acknowledgements and words an incident's first alone; of ends no merging."""
    newest = newest_row(connection)
    new = (journal.c.sequence > until, journal.c.sequence <= newest, journal.c.kind.in_(_KINDS))
    merged = journal.c.body["merged_into"].as_string()
    opened = select(journal.c.sequence, journal.c.kind, journal.c.incident, journal.c.at, merged, incidents.c.opened_at)
    rows = connection.execute(opened.join(incidents, incidents.c.id == journal.c.incident).where(*new).order_by(journal.c.sequence)).all()
    mine = (journal.c.incident.in_({row.incident for row in rows}), journal.c.kind.in_(_KINDS))
    first = select(func.min(journal.c.sequence)).where(*mine).group_by(journal.c.incident, journal.c.kind)
    firsts = set(connection.execute(first).scalars()) if rows else set()
    told = [row for row in rows if (row.sequence in firsts or row.kind == "resolved") and row[4] is None]
    times = [(_KINDS[row.kind], (row.at - row.opened_at).total_seconds()) for row in told]
    return Read([*times, *_called(connection, {row.incident: row.opened_at for row in told if row.kind == "resolved"})], newest)


def _called(connection: Connection, ended: dict[str, datetime]) -> Iterator[tuple[Tallied, float]]:
    """Who had called about incidents by their end: kept with it, so that it is there when the end is read."""
    if not ended:
        return
    for row in connection.execute(select(incident_callers).where(incident_callers.c.incident.in_(ended))):
        yield Tallied.CALLERS, row.callers
        if row.first_at is not None:
            yield Tallied.LEAD, (row.first_at - ended[row.incident]).total_seconds()
