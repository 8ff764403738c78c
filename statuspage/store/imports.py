"""What was imported already: known again by what the other page calls it, so that nothing is ever imported twice."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from incidents.importing import Kept
from statuspage.store.maintenance_tables import maintenances
from statuspage.store.tables import incidents, journal

_IMPORTED = ("imported", "quoted", "maintenance_imported", "maintenance_quoted")


def kept(connection: Connection, ids: Collection[str]) -> Mapping[str, Kept]:
    """What is kept of the incidents and windows of those *ids* that were imported."""
    words = {row.id: row.updates for table in (incidents, maintenances) for row in connection.execute(_counted(table, ids))}
    theirs: dict[str, set[str]] = {id: set() for id in words}
    for column in (journal.c.incident, journal.c.maintenance):
        for row in connection.execute(select(column.label("id"), journal.c.body).where(column.in_(ids), journal.c.kind.in_(_IMPORTED))):
            theirs[row.id].update(row.body["ids"])
    return {id: Kept(words=count, ids=frozenset(theirs[id])) for id, count in words.items()}


def _counted(table: Table, ids: Collection[str]) -> Select[Any]:
    return select(table.c.id, table.c.updates).where(table.c.id.in_(ids), table.c.imported_from.is_not(None))
