"""The record of what agents and programs did, and the answers that a repeated request gets again."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from statuspage.store.audit_tables import FORGOTTEN, audit
from statuspage.store.chain import BEGINNING, AuditRow, Break, Detail, Head, Verification, Witness, at_end, forgotten_in, linked
from statuspage.store.connect import AUDIT_HEAD, WITNESS
from statuspage.store.tables import idempotency

log = logging.getLogger(__name__)

ANSWERS_LAST = timedelta(days=1)
FORGETS_EVERY = timedelta(days=1)
OURSELVES = "statuspage"
"""Who acts where nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to a request that carried a key; *digest* is of the request's body, *request* its method and path."""

    request: str
    digest: str
    status: int
    response: str


def write_audit(connection: Connection, *, at: datetime, actor: str, act: str, subject: str, detail: Detail) -> None:
    """Add a row to the chain; there is no way to change one. Errors: StoreError where what seals it cannot be read."""
    witness = _witness(connection)
    before = _latest(connection, witness)
    row = AuditRow(sequence=before.sequence + 1, at=at, actor=actor, act=act, subject=subject, detail=dict(detail))
    head = Head(row.sequence, linked(witness.key, before.digest, row))
    values = {name: getattr(row, name) for name in ("sequence", "at", "actor", "act", "subject", "detail")}
    connection.execute(insert(audit).values(**values, digest=head.digest))
    connection.info[AUDIT_HEAD] = head


def read_audit(
    connection: Connection, *, before: int | None, limit: int, actor: str | None = None, act: str | None = None, subject: str | None = None
) -> tuple[AuditRow, ...]:
    """Return the newest rows below sequence *before*, newest first; only those of *actor*, *act* or *subject* where one is given."""
    query = select(audit).order_by(audit.c.sequence.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.sequence < before)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if act is not None:
        query = query.where(audit.c.act == act)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    return tuple(map(_row, connection.execute(query)))


def verify_audit(connection: Connection, witness: Witness, heads: Sequence[Head]) -> tuple[Head, int, tuple[Break, ...]]:
    """Go along the whole chain: where it ends, how many rows it has, and where it does not hold.

    *heads* were kept elsewhere, beside the one that *witness* keeps. Errors: StoreError as ``write_audit``.
    """
    kept, forgotten = witness.head, _forgotten(connection)
    verification = Verification(witness.key, [*heads, kept] if kept.sequence else heads)
    rows = map(_row, connection.execution_options(yield_per=1000).execute(select(audit).order_by(audit.c.sequence)))
    breaks = tuple(verification.breaks(rows, forgotten))
    return verification.end, verification.count, breaks


def head_of_audit(connection: Connection) -> Head:
    """How far the chain has come; ``BEGINNING`` where nobody did anything since there is one."""
    row = connection.execute(select(audit).order_by(audit.c.sequence.desc()).limit(1)).one_or_none()
    return Head(row.sequence, row.digest) if row is not None and row.digest else BEGINNING


def forget_audit(connection: Connection, before: datetime, at: datetime, limit: int) -> int:
    """Take away the oldest rows, those of acts before *before*, and say so in a row; gives how many went, at most *limit*.

    Nothing goes until a whole day may: each time costs a row. Errors: StoreError as ``write_audit``.
    """
    oldest = connection.scalar(select(audit.c.at).order_by(audit.c.sequence).limit(1))
    if oldest is None or oldest >= before - FORGETS_EVERY:
        return 0
    stays = connection.scalar(select(func.min(audit.c.sequence)).where(audit.c.at >= before))
    query = select(audit).order_by(audit.c.sequence).limit(limit)
    rows = tuple(map(_row, connection.execute(query if stays is None else query.where(audit.c.sequence < stays))))
    if not rows:
        return 0
    first = rows[0].sequence - 1
    gone = at_end(_witness(connection).key, rows, Head(first, _forgotten(connection).get(first, "")))
    write_audit(connection, at=at, actor=OURSELVES, act=FORGOTTEN, subject=str(gone.sequence), detail={"digest": gone.digest})
    connection.execute(delete(audit).where(audit.c.sequence <= gone.sequence))
    return len(rows)


def _forgotten(connection: Connection) -> Mapping[int, str]:
    return forgotten_in(map(_row, connection.execute(select(audit).where(audit.c.act == FORGOTTEN))))


def _latest(connection: Connection, witness: Witness) -> Head:
    """What the next row follows: the last one, or what the chain had come to before it was cut, so that a gap tells of it for ever."""
    last = connection.execute(select(audit).order_by(audit.c.sequence.desc()).limit(1)).one_or_none()
    kept = witness.head
    if last is None or last.sequence <= kept.sequence:
        if kept != BEGINNING and (last is None or last.sequence < kept.sequence or last.digest != kept.digest):
            log.error("the audit once came to row %d: what is there now is not what was written", kept.sequence)
        return kept
    if last.digest is not None:
        return Head(last.sequence, last.digest)
    return at_end(witness.key, map(_row, connection.execute(select(audit).order_by(audit.c.sequence))))


def _witness(connection: Connection) -> Witness:
    witness = connection.get_execution_options()[WITNESS]
    if not isinstance(witness, Witness):
        raise TypeError("acts are written by a store that was opened")
    return witness


def _row(row: Row[Any]) -> AuditRow:
    return AuditRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def keep_answer(connection: Connection, *, actor: str, key: str, answer: Answer, at: datetime) -> None:
    """Keep what was answered, and forget what is older than a day."""
    connection.execute(delete(idempotency).where(idempotency.c.at <= at - ANSWERS_LAST))
    row = {"request": answer.request, "digest": answer.digest, "status": answer.status, "response": answer.response}
    connection.execute(insert(idempotency).values(actor=actor, key=key, at=at, **row))


def forget_answers(connection: Connection, holding: str) -> None:
    """Keep no answer that has *holding* in it: who asks again is answered anew."""
    connection.execute(delete(idempotency).where(idempotency.c.response.contains(holding, autoescape=True)))


def kept_answer(connection: Connection, *, actor: str, key: str) -> Answer | None:
    """Return what was answered to *actor*'s request with *key*."""
    row = connection.execute(select(idempotency).where(idempotency.c.actor == actor, idempotency.c.key == key)).one_or_none()
    return Answer(request=row.request, digest=row.digest, status=row.status, response=row.response) if row else None
