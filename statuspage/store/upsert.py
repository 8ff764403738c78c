"""INSERT with ON CONFLICT: both databases spell it the same, SQLAlchemy has it once for each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]

_AT_ONCE = (256, 64, 16, 4, 1)
"""So many rows in a statement; SQLite takes 32,766 values in one."""

_COUNTED = {"preserve_rowcount": True}


def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write *rows* (all with the same columns); each replaces the one with its primary key, as far as its columns go."""
    if rows:
        connection.execute(_replacing(connection.dialect.name, table, tuple(rows[0])), rows)


def put_missing(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write those *rows* that break no unique key, and leave what is there."""
    if rows:
        connection.execute(_leaving(connection.dialect.name, table), rows)


# Put together once: each statement anew is a ring of objects that only a round of the collector takes away, and it halts the event loop.
@cache
def _replacing(dialect: str, table: Table, columns: tuple[str, ...]) -> Executable:
    statement = _insert(dialect, table)
    key = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in columns if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


@cache
def _leaving(dialect: str, table: Table) -> Executable:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def put_many(
    connection: Connection,
    table: Table,
    rows: Collection[Sequence[int]],
    *,
    sums: tuple[str, ...] = (),
    maxima: tuple[str, ...] = (),
) -> int:
    """Write many narrow *rows* (in the order of the table's columns, no key twice) and return how many were written.

    A row whose key is there is left out; or, where *sums* and *maxima* are named, added to the one that is there. This is the path of
    the results, so it goes around SQLAlchemy's work for each row: as statements of many rows, or as one array a column.
    """
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return sum(_write_at_once(connection, table, some, sums, maxima) for some in _portions(list(rows)))
    arrays = {column.name: list(values) for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)}
    return connection.execute(_postgresql_many(table, sums, maxima), arrays, execution_options=_COUNTED).rowcount


def _portions(rows: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    """Cut *rows* into few lengths, so that few statements are compiled and all of them stay so."""
    start = 0
    for size in _AT_ONCE:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _write_at_once(
    connection: Connection, table: Table, rows: Sequence[Sequence[int]], sums: tuple[str, ...], maxima: tuple[str, ...]
) -> int:
    # Not executemany: it lets go of the interpreter at each row, and on a busy loop each time costs both threads more than the row does.
    statement, values = _sqlite_many(table, sums, maxima, len(rows)), tuple(chain.from_iterable(rows))
    return connection.exec_driver_sql(statement, values, execution_options=_COUNTED).rowcount


@cache
def _sqlite_many(table: Table, sums: tuple[str, ...], maxima: tuple[str, ...], count: int) -> str:
    statement = sqlite.insert(table).values([dict.fromkeys(table.columns.keys(), 0)] * count)
    if not sums:
        return str(statement.on_conflict_do_nothing().compile(dialect=sqlite.dialect()))
    new = statement.excluded
    changed = {name: table.c[name] + new[name] for name in sums} | {name: func.max(table.c[name], new[name]) for name in maxima}
    merged = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
    return str(merged.compile(dialect=sqlite.dialect()))


@cache
def _postgresql_many(table: Table, sums: tuple[str, ...], maxima: tuple[str, ...]) -> Executable:
    arrays = (func.unnest(bindparam(column.name, type_=postgresql.ARRAY(column.type))) for column in table.columns)
    statement = postgresql.insert(table).from_select([column.name for column in table.columns], select(*arrays))
    if not sums:
        return statement.on_conflict_do_nothing()
    new = statement.excluded
    changed = {name: table.c[name] + new[name] for name in sums} | {name: func.greatest(table.c[name], new[name]) for name in maxima}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
