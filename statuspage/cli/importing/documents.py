"""Documents from elsewhere, read within bounds, and their fields, each as the kind of value that it should be."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from statuspage.cli.importing.findings import CannotImport

MOST = 64 * 1024 * 1024
"""Bytes of a document: a file that somebody exported may be long, and a mistake may be endless."""

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""Nobody had a status page before: an instant that lies there is a mistake, and would make centuries of empty months."""

Row = Mapping[str, object]


def octets_of(file: Path) -> bytes:
    """All that stands in *file*. Errors: CannotImport where it cannot be read, or goes on for too long."""
    try:
        with file.open("rb") as stream:
            found = stream.read(MOST + 1)
    except OSError as error:
        raise CannotImport(f"{file}: {error.strerror}") from error
    if len(found) > MOST:
        raise CannotImport(f"{file}: longer than {MOST >> 20} MiB: export it without its history of results")
    return found


def read(octets: bytes, place: str) -> object:
    """The JSON document that *octets* are. Errors: CannotImport names *place*."""
    try:
        document: object = json.loads(octets.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise CannotImport(f"{place}: not JSON: byte {error.start} is no UTF-8") from error
    except json.JSONDecodeError as error:
        raise CannotImport(f"{place}: not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise CannotImport(f"{place}: JSON that nobody should read: {str(error)[:100]}") from error
    return document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def rows(value: object) -> Iterator[Row]:
    """Those entries of a list that are objects; none where it is no list."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def listed(value: object) -> Sequence[object]:
    """*value* where it is a list; an empty one otherwise."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str:
    """*value* as text; whole numbers of a sensible length are spelled, whatever else it may be is empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30 else ""


def number(value: object) -> float | None:
    """*value* where it is a finite number, or text that spells one."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


def is_set(value: object) -> bool:
    """Whether a switch is on, in any of the ways in which databases and forms spell it."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in {"1", "true", "yes", "on"})


def instant(value: object) -> datetime | None:
    """The instant that *value* spells by ISO 8601, with its zone, in UTC; None where it is none, or lies before any page."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo is not None and at >= EARLIEST else None
    except (ValueError, OverflowError):
        return None
