"""The record of what agents and programs did, and the answers that a repeated request gets again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from statuspage.store.tables import audit, idempotency

ANSWERS_LAST = timedelta(days=1)

Detail = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Who did (or tried) what to what."""

    sequence: int
    at: datetime
    actor: str
    act: str
    subject: str
    detail: Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to a request that carried a key; *digest* is of the request's body, *request* its method and path."""

    request: str
    digest: str
    status: int
    response: str


def write_audit(connection: Connection, *, at: datetime, actor: str, act: str, subject: str, detail: Detail) -> None:
    """Add a row; there is no way to change or remove one."""
    connection.execute(insert(audit).values(at=at, actor=actor, act=act, subject=subject, detail=dict(detail)))


def read_audit(connection: Connection, *, before: int | None, limit: int, actor: str | None = None) -> tuple[AuditRow, ...]:
    """Return the newest rows below sequence *before*, newest first; only those of *actor* where one is given."""
    query = select(audit).order_by(audit.c.sequence.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.sequence < before)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    return tuple(AuditRow(**row._mapping) for row in connection.execute(query))  # noqa: SLF001 - SQLAlchemy's public name


def keep_answer(connection: Connection, *, actor: str, key: str, answer: Answer, at: datetime) -> None:
    """Keep what was answered, and forget what is older than a day."""
    connection.execute(delete(idempotency).where(idempotency.c.at <= at - ANSWERS_LAST))
    row = {"request": answer.request, "digest": answer.digest, "status": answer.status, "response": answer.response}
    connection.execute(insert(idempotency).values(actor=actor, key=key, at=at, **row))


def kept_answer(connection: Connection, *, actor: str, key: str) -> Answer | None:
    """Return what was answered to *actor*'s request with *key*."""
    row = connection.execute(select(idempotency).where(idempotency.c.actor == actor, idempotency.c.key == key)).one_or_none()
    return Answer(request=row.request, digest=row.digest, status=row.status, response=row.response) if row else None
