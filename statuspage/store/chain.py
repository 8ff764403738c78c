"""The chain of the audit: the digest of each row vouches for the row and for all before it.

Digests are made with a key that lies in the data directory, so that nobody who has only the database can make them. How far the chain
has come lies there too: a chain that ends before that was cut. Who has both, or the whole machine, is found out by a head that was kept
elsewhere: the journal tells it once an hour.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from statuspage.store.audit_tables import FORGOTTEN
from statuspage.store.errors import StoreError
from statuspage.store.owner import give_to_owner_of

log = logging.getLogger(__name__)

Detail = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Who did (or tried) what to what. *digest* is None where the row is older than the chain."""

    sequence: int
    at: datetime
    actor: str
    act: str
    subject: str
    detail: Detail
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come: its last row, and that row's digest."""

    sequence: int
    digest: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what ``str`` gave. Errors: ValueError."""
        number, _, digest = text.strip().partition(":")
        if not (number.isascii() and number.isdecimal() and len(digest) == 64 and set(digest) <= set("0123456789abcdef")):
            raise ValueError("a head is a row's number, a colon and 64 hexadecimal digits")
        return cls(int(number), digest)


BEGINNING = Head(0, "")


def linked(key: bytes, before: str, row: AuditRow) -> str:
    """The digest of *row* after that of the row *before*: HMAC-SHA-256 (RFC 2104) in hexadecimal digits."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    told = json.dumps([before, row.sequence, at, row.actor, row.act, row.subject, dict(row.detail)], sort_keys=True)
    return hmac.new(key, told.encode("ascii"), hashlib.sha256).hexdigest()


def at_end(key: bytes, rows: Iterable[AuditRow], before: Head = BEGINNING) -> Head:
    """The head after *rows*, which ascend and follow *before*; of those without a digest it is counted up here."""
    for row in rows:
        before = Head(row.sequence, row.digest or linked(key, before.digest, row))
    return before


# --- looking for what is not as it was written -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold (a row's number), and why."""

    sequence: int
    told: str


@dataclass(slots=True)
class Verification:
    """Goes along a chain made with *key*. *heads* were kept elsewhere; each must be a row of it."""

    key: bytes
    heads: Sequence[Head]
    end: Head = BEGINNING
    count: int = 0
    _forgotten: dict[int, str] = field(default_factory=dict)
    _is_chained: bool = False

    def breaks(self, rows: Iterable[AuditRow], forgotten: Mapping[int, str]) -> Iterator[Break]:
        """Every break among *rows*, which ascend; *forgotten* are the digests of rows after which the chain may begin."""
        wanted: dict[int, set[str]] = {}
        for head in self.heads:
            wanted.setdefault(head.sequence, set()).add(head.digest)
        for row in rows:
            yield from self._gap(row, forgotten)
            yield from self._row(row)
            if wanted.pop(row.sequence, {self.end.digest}) != {self.end.digest}:
                yield Break(row.sequence, "is another row than the one that was there when its digest was kept elsewhere")
            self.count += 1
        for sequence in sorted(one for one in wanted if one > self.end.sequence):
            yield Break(sequence, f"is missing: the audit ends at row {self.end.sequence}, and once came to {sequence}")

    def _gap(self, row: AuditRow, forgotten: Mapping[int, str]) -> Iterator[Break]:
        first, last = self.end.sequence + 1, row.sequence - 1
        if first > last:
            return
        if self.count == 0 and last in forgotten:
            self.end = Head(last, forgotten[last])
            return
        yield Break(first, "is missing" if first == last else f"and all up to row {last} are missing")
        self.end = Head(last, "")

    def _row(self, row: AuditRow) -> Iterator[Break]:
        expected = linked(self.key, self.end.digest, row)
        is_after_gap = self.end.sequence > 0 and not self.end.digest
        if row.digest is None and self._is_chained:
            yield Break(row.sequence, "carries no digest")
        elif row.digest is not None and row.digest != expected and not is_after_gap:
            yield Break(row.sequence, "is not as it was written, or what stood before it is not")
        self._is_chained |= row.digest is not None
        self.end = Head(row.sequence, row.digest or expected)


def forgotten_in(rows: Iterable[AuditRow]) -> Mapping[int, str]:
    """What the audit says of itself: after which rows it may begin, and what their digests were."""
    return {int(row.subject): row.detail["digest"] or "" for row in rows if row.act == FORGOTTEN}


# --- what lies beside the store --------------------------------------------------------------------------------------------------


class Witness:
    """The key and the head in *data_dir*; both are files that nobody else may read."""

    def __init__(self, data_dir: Path) -> None:
        self._key_file, self._head_file = data_dir / "audit.key", data_dir / "audit.head"
        self._key: bytes | None = None

    @property
    def key(self) -> bytes:
        """The key, made at its first use. Errors: StoreError where it cannot be read or made."""
        if self._key is None:
            self._key = self._read_key()
        return self._key

    @property
    def head(self) -> Head:
        """How far the chain has come, as far as this machine knows. Errors: StoreError where that cannot be read."""
        try:
            return Head.read(self._head_file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return BEGINNING
        except (OSError, ValueError) as error:
            raise StoreError(f"{self._head_file} says how far the audit has come, and cannot be read: {error}.") from error

    def keep(self, head: Head) -> None:
        """Note how far it came. Whether the disk takes it or not, the row is written: errors are only logged."""
        try:
            if head.sequence >= self.head.sequence:  # another process may have come further
                _replace(self._head_file, f"{head}\n".encode("ascii"))
        except (OSError, StoreError):
            log.exception("how far the audit has come could not be noted in %s", self._head_file)

    def _read_key(self) -> bytes:
        try:
            if not self._key_file.exists():
                _make(self._key_file, secrets.token_hex(32).encode("ascii"))
            key = self._key_file.read_bytes().strip()
        except OSError as error:
            raise StoreError(f"{self._key_file}, with which the audit is sealed, cannot be read: {error.strerror}.") from error
        if len(key) < 64:
            raise StoreError(f"{self._key_file}, with which the audit is sealed, is not whole: put back the one from your backup.")
        return key


def _replace(file: Path, content: bytes) -> None:
    made = _beside(file, content)
    try:
        made.replace(file)
    except OSError:
        made.unlink(missing_ok=True)
        raise


def _make(file: Path, content: bytes) -> None:
    """Write *file* whole or not at all; where another process was first, theirs stays."""
    made = _beside(file, content)
    with suppress(FileExistsError):
        os.link(made, file)
    made.unlink()


def _beside(file: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    with os.fdopen(descriptor, "wb") as made:
        give_to_owner_of(file.parent, descriptor)
        made.write(content)
        made.flush()
        os.fsync(made.fileno())
    return Path(name)
