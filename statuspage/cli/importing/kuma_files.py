"""The files in which Uptime Kuma keeps or gives away what it knows: the backup of version 1 (JSON) and the database (SQLite).

Both are read into the same rows, named as the database's columns are. Nothing is written, and nothing that the file says is run.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from probes.text import plain
from statuspage.cli.importing.documents import Row, listed, octets_of, read, rows, text
from statuspage.cli.importing.findings import CannotImport

MOST_ROWS = 20_000
MOST_OF_A_ROW = 4 * 1024 * 1024
"""Bytes."""
MOST_STEPS = 50_000_000
"""Of the database's machine, for one table: a file can be made that never answers."""

_SQLITE = b"SQLite format 3\x00"
_TABLES = (
    "monitor",
    "group",
    "monitor_group",
    "status_page",
    "incident",
    "maintenance",
    "monitor_maintenance",
    "tag",
    "monitor_tag",
    "notification",
    "proxy",
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kuma:
    """What the file holds, by table; a table that it has not is empty."""

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of *table*."""
        return self.tables.get(table, ())


def kuma(file: Path) -> Kuma:
    """Read *file*, whichever it is. Errors: CannotImport."""
    place = str(file)
    found = _database(file) if _is_database(file) else _backup(read(octets_of(file), place), place)
    if not found.rows("monitor"):
        raise CannotImport(f"{place}: it has no monitors: is it a backup of Uptime Kuma, or its kuma.db?")
    return found


def is_ahead(file: Path) -> bool:
    """Whether the log that a database keeps beside *file* holds what the file does not."""
    log = Path(f"{file}-wal")
    return log.is_file() and log.stat().st_size > 0


def _is_database(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise CannotImport(f"{file}: {error.strerror}") from error


def _backup(document: object, place: str) -> Kuma:
    if not isinstance(document, dict) or not isinstance(document.get("monitorList"), list):
        raise CannotImport(f"{place}: it has no monitorList: give the JSON that version 1 exports, or the file kuma.db")
    monitors = [_snake(row) for row in rows(document["monitorList"])]
    tags = [
        {"monitor_id": row.get("id"), "tag_id": one.get("tag_id") or one.get("name"), "name": one.get("name"), "value": one.get("value")}
        for row in monitors
        for one in rows(row.get("tags"))
    ]
    return Kuma(
        tables={
            "monitor": monitors,
            "tag": [{"id": one["tag_id"], "name": one["name"]} for one in tags],
            "monitor_tag": tags,
            "notification": [_snake(row) for row in rows(document.get("notificationList"))],
            "proxy": [_snake(row) for row in rows(document.get("proxyList"))],
        }
    )


def _snake(row: Row) -> Row:
    return {_HUMP.sub("_", key).lower(): value for key, value in row.items()}


def _database(file: Path) -> Kuma:
    """Read the few tables that matter where they stand, however long the history of results beside them is."""
    try:
        # As what nobody changes: a reader who minded others would have to write beside it.
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_OF_A_ROW)
            connection.text_factory = lambda found: found.decode(errors="replace")
            return Kuma(tables=dict(_tables(connection, str(file))))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CannotImport(
            f"{file}: the database cannot be read: {plain(str(error), 200)}; stop Uptime Kuma, and copy it once more"
        ) from error


def _tables(connection: sqlite3.Connection, place: str) -> Iterator[tuple[str, Sequence[Row]]]:
    steps = [0]

    def is_too_long() -> bool:
        steps[0] += 1000
        return steps[0] > MOST_STEPS

    connection.set_progress_handler(is_too_long, 1000)
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in _TABLES:
        if table in known:
            cursor = connection.execute(f'SELECT * FROM "{table}" LIMIT {MOST_ROWS + 1}')  # noqa: S608 - one of ours
            names = [column[0] for column in cursor.description]
            found = [dict(zip(names, values, strict=True)) for values in cursor]
            if len(found) > MOST_ROWS:
                raise CannotImport(f"{place}: the table {table} has more than {MOST_ROWS} rows: nobody could look after so much")
            yield table, found


def codes(value: object) -> Sequence[str]:
    """The accepted statuses, from a list or from the JSON that the database keeps."""
    return [text(one) for one in listed(jsonish(value))]


def jsonish(value: object) -> object:
    """*value*, or what it spells where it is JSON in a text; None where it spells nothing."""
    if not isinstance(value, str):
        return value
    try:
        return read(value.encode("utf-8", "replace"), "")
    except CannotImport:
        return None
