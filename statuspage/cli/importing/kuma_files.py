"""The files in which Uptime Kuma keeps or gives away what it knows: the backup of version 1 (JSON) and the database (SQLite).

Both are read into the same rows, named as the database's columns are. Nothing is written, and nothing that the file says is run.
"""

import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from probes.text import plain
from statuspage.cli.importing.documents import Row, listed, read, rows, text
from statuspage.cli.importing.findings import CannotImport

MOST_ROWS = 20_000
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


def kuma(octets: bytes, place: str) -> Kuma:
    """Read whichever it is. Errors: CannotImport."""
    found = _database(octets, place) if octets.startswith(_SQLITE) else _backup(read(octets, place), place)
    if not found.rows("monitor"):
        raise CannotImport(f"{place}: it has no monitors: is it a backup of Uptime Kuma, or its kuma.db?")
    return found


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


def _database(octets: bytes, place: str) -> Kuma:
    """Read a copy: a reader of the original would have to write beside it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "kuma.db"
        path.write_bytes(octets)
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
            try:
                connection.text_factory = lambda found: found.decode(errors="replace")
                return Kuma(tables=dict(_tables(connection)))
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise CannotImport(
                f"{place}: the database cannot be read: {plain(str(error), 200)}; stop Uptime Kuma, and copy it once more"
            ) from error


def _tables(connection: sqlite3.Connection) -> Iterator[tuple[str, Sequence[Row]]]:
    steps = [0]

    def is_too_long() -> bool:
        steps[0] += 1000
        return steps[0] > MOST_STEPS

    connection.set_progress_handler(is_too_long, 1000)
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in _TABLES:
        if table in known:
            cursor = connection.execute(f'SELECT * FROM "{table}" LIMIT {MOST_ROWS}')  # noqa: S608 - one of ours
            names = [column[0] for column in cursor.description]
            yield table, [dict(zip(names, values, strict=True)) for values in cursor]


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
