"""Known errors that the desk has written down: kept beside those of the file, and for the desk alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from statuspage.store.knowledge_tables import known_error_services, known_errors
from statuspage.store.upsert import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A known error as *by* wrote it last, in the desk's own words; *say* is empty where nothing is to be said."""

    id: str
    services: tuple[str, ...]
    symptom: str
    workaround: str
    say: str
    by: str
    at: datetime


def written_errors(connection: Connection) -> tuple[Written, ...]:
    """All of them, the newest first."""
    services: dict[str, list[str]] = {}
    for row in connection.execute(select(known_error_services).order_by(known_error_services.c.service)):
        services.setdefault(row.known_error, []).append(row.service)
    rows = connection.execute(select(known_errors).order_by(known_errors.c.at.desc(), known_errors.c.id))
    return tuple(Written(services=tuple(services.get(row.id, ())), **row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name


def keep_error(connection: Connection, written: Written) -> None:
    """Keep it, in the place of what stood under its id."""
    row = {name: getattr(written, name) for name in ("id", "symptom", "workaround", "say", "by", "at")}
    put(connection, known_errors, [row])
    connection.execute(delete(known_error_services).where(known_error_services.c.known_error == written.id))
    hit: Sequence[dict[str, str]] = [{"known_error": written.id, "service": service} for service in dict.fromkeys(written.services)]
    connection.execute(insert(known_error_services), hit)


def remove_error(connection: Connection, id: str) -> bool:
    """Take it out; whether there was one."""
    connection.execute(delete(known_error_services).where(known_error_services.c.known_error == id))
    return connection.execute(delete(known_errors).where(known_errors.c.id == id)).rowcount == 1
