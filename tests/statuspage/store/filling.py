"""Stores of older releases with rows in every table, whatever their schema is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Float, Integer, LargeBinary, MetaData, Table, func, insert, select

from statuspage.store.connect import engines
from statuspage.store.engine import Database
from statuspage.store.migrations.upgrade import configuration
from tests.stores import Place

ROWS = 3
BEGAN = datetime(2026, 3, 2, 8, 0)  # noqa: DTZ001 - UTC, as the databases keep it

# What the steps and today's code read as one of a closed list, or as a form of its own.
_WORDS: Mapping[str, Any] = {
    "subject": "service",
    "status": "major_outage",
    "old": "operational",
    "new": "major_outage",
    "worst": "partial_outage",
    "covered": "operational",
    "impact": "partial_outage",
    "origin": "person",
    "state": "investigating",
    "runs": [],
    "told": [],
    "outages": [],
    "reason": "blind",
    "language": "en",
    "rhythm": "at_once",
    "roles": "viewer",
}
_STATES = {"maintenances": "scheduled", "maintenance_updates": "scheduled"}


def schemas() -> list[str]:
    """Every schema that there was, the oldest first."""
    return [one.revision for one in reversed(list(ScriptDirectory.from_config(configuration()).walk_revisions()))]


def grown(place: Place, through: Sequence[str]) -> Iterator[tuple[str, Database]]:
    """A store that came *through* these schemas with rows in each table, at each of them."""
    for schema in through:
        database = Database(engines(place.url, place.data_dir, checkpoints=True))
        database.write(partial(_grow, schema))
        yield schema, database
        database.close()


def _grow(schema: str, connection: Connection) -> None:
    command.upgrade(configuration(connection), schema)
    fill(connection)


def fill(connection: Connection) -> None:
    """Put some rows into each table that has none."""
    for table in _tables(connection):
        if connection.execute(select(func.count()).select_from(table)).scalar_one() == 0:
            connection.execute(
                insert(table), [{column.name: _value(column, number) for column in table.c} for number in range(1, ROWS + 1)]
            )


def counted(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in _tables(connection)}


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name != "alembic_version" and not name.startswith("public_words_index"))
    return found.sorted_tables


def _value(column: Column[Any], number: int) -> Any:  # noqa: ANN401 - of whatever type the column is
    for key in column.foreign_keys:
        return _value(key.column, number)
    if column.name == "state":
        return _STATES.get(column.table.name, _WORDS["state"])
    if column.name in _WORDS and not isinstance(column.type, Boolean | DateTime | Integer):
        return _WORDS[column.name]
    match column.type:
        case DateTime():
            return BEGAN + timedelta(minutes=number)
        case Boolean():
            return False
        case Integer():
            return number
        case Float():
            return 0.5
        case LargeBinary():
            return bytes([number])
        case JSON():
            return None if column.nullable else {}
        case _:
            return f"{column.name}-{number}"
