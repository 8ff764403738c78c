"""The versions of the configuration: every text that was taken into use, since when, by whom and on what occasion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from statuspage.store.tables import configurations


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a version came into use: who asked for it, as far as that is known, and the *occasion*."""

    by: str = ""
    occasion: str


START, SIGNAL, CHANGED = Origin(occasion="start"), Origin(occasion="SIGHUP"), Origin(occasion="the file changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A configuration that was taken into use *at* an instant. *text* is the file as it was, comments and all."""

    number: int
    at: datetime
    text: str
    origin: Origin


def newest_version(connection: Connection) -> Version | None:
    """The configuration in use, or the last one that was; None where there was none yet."""
    row = connection.execute(select(configurations).order_by(configurations.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else _version(row)


def version_of(connection: Connection, number: int) -> Version | None:
    """The version *number*; None where there is none."""
    row = connection.execute(select(configurations).where(configurations.c.version == number)).one_or_none()
    return None if row is None else _version(row)


def newest_versions(connection: Connection, limit: int, before: int | None = None) -> Sequence[Version]:
    """At most *limit* versions, the newest first; those below *before*, if it is given."""
    query = select(configurations).order_by(configurations.c.version.desc()).limit(limit)
    return [_version(row) for row in connection.execute(query if before is None else query.where(configurations.c.version < before))]


def _version(row: Row[Any]) -> Version:
    return Version(
        number=int(row.version), at=row.applied_at, text=row.text, origin=Origin(by=row.applied_by or "", occasion=row.occasion or "")
    )
