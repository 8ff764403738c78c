"""What the desk did to incidents since the journal was last read, and how long after they were opened."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from statuspage.picture.desk_times import Took
from statuspage.store.tables import incidents, journal

_KINDS = {"acknowledged": Took.ACKNOWLEDGE, "updated": Took.FIRST_WORD, "resolved": Took.RESOLVE}


@dataclass(frozen=True, slots=True)
class Read:
    """What took how many seconds, in the journal's order, and the row up to which that goes."""

    taken: Sequence[tuple[Took, float]]
    until: int


def newest_row(connection: Connection) -> int:
    """The journal's newest row."""
    newest: int = connection.execute(select(func.coalesce(func.max(journal.c.sequence), 0))).scalar_one()
    return newest


def times_after(connection: Connection, until: int) -> Read:
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
    return Read([(_KINDS[row.kind], (row.at - row.opened_at).total_seconds()) for row in told], newest)
