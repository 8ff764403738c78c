"""A file that holds others, each vouched for by its digest: a plain tar, its manifest first.

It is read so strictly that no archive can lead anywhere or fill anything: what stands in it are the files of its manifest, in its order,
and nothing else. A member is as large as it is in the archive, since nothing is packed.
Source: POSIX.1-1988 (ustar), with GNU's spelling of sizes beyond 8 GiB.
"""

import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from statuspage.store.owner import give_to_owner_of

MANIFEST = "manifest.json"
BLOCK, CHUNK = 512, 1 << 20
MOST_MANIFEST = 4 << 20
MOST_NAME = 100
"""Bytes that a name may have: a longer one needs a member of its own, of a kind that is not read here."""

_STEP = r"(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
_NAME = re.compile(rf"{_STEP}(?:/{_STEP})*")

Told = Callable[[int], None]
"""Is told of each piece of work: how many bytes it was."""


class BadArchive(Exception):
    """The file is no archive of ours, or not whole. The message is a phrase that goes on after its name."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: from where its *size* bytes begin, and their SHA-256."""

    offset: int
    size: int
    digest: str


# --- making one ----------------------------------------------------------------------------------------------------------------


def pack(stage: Path, into: Path, head: Mapping[str, Any], at: int, told: Told) -> None:
    """Write all files below *stage* to the new file *into*, which nobody else may read; *head* is what the manifest says besides.

    *at* is the time of change of all members, in seconds since the epoch. Errors: OSError; BadArchive for a name that cannot be kept.
    """
    names = sorted(str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file())
    files = [{"name": name, "size": (stage / name).stat().st_size, "sha256": digest_of(stage / name, told)} for name in names]
    manifest = json.dumps({**head, "files": files}, indent=1).encode()
    with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(_header(MANIFEST, len(manifest), at) + manifest + _padding(len(manifest)))
        for name in names:
            with (stage / name).open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                made.write(_header(name, size, at))
                for piece in pieces(source, size):
                    made.write(piece)
                    told(len(piece))
                made.write(_padding(size))
        made.write(bytes(2 * BLOCK))
        made.flush()
        os.fsync(made.fileno())


def _header(name: str, size: int, at: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, at
    if len(os.fsencode(name)) > MOST_NAME or not _NAME.fullmatch(name):
        raise BadArchive(f"cannot hold a file of the name {name!r}: give it a shorter and plainer one")
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def digest_of(path: Path, told: Told = lambda _: None) -> str:
    """The SHA-256 of a file. Errors: OSError."""
    digest = sha256()
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            digest.update(piece)
            told(len(piece))
    return digest.hexdigest()


def pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    """The next *size* bytes of *source*. Errors: BadArchive where there are fewer."""
    left = size
    while left:
        piece = source.read(min(left, CHUNK))
        if not piece:
            raise BadArchive("ends in the middle")
        left -= len(piece)
        yield piece


# --- reading one ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that is open. *manifest* is as it was read: nobody has looked yet at what it says beside the files."""

    stream: BinaryIO
    manifest: Mapping[str, Any]
    members: Mapping[str, Member]

    @property
    def size(self) -> int:
        """How many bytes its members are."""
        return sum(member.size for member in self.members.values())

    def verify(self, told: Told) -> None:
        """Read everything. Errors: BadArchive for whatever is not as it was written; OSError."""
        for name, member in self.members.items():
            digest = sha256()
            for piece in self.read(name):
                digest.update(piece)
                told(len(piece))
            if digest.hexdigest() != member.digest:
                raise BadArchive(f"is damaged: {name} is not as it was written")

    def read(self, name: str) -> Iterator[bytes]:
        """What *name* holds, piece by piece."""
        member = self.members[name]
        self.stream.seek(member.offset)
        yield from pieces(self.stream, member.size)

    def copy(self, name: str, to: Path) -> None:
        """Write *name* to *to*, whole or not at all, and readable by nobody but the owner of its directory. Errors: OSError."""
        made = to.with_name(f".{to.name[:200]}.new")
        made.unlink(missing_ok=True)
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            give_to_owner_of(to.parent, file.fileno())
            for piece in self.read(name):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        made.replace(to)


def is_archive(path: Path) -> bool:
    """Whether *path* begins as an archive does. Errors: OSError."""
    with path.open("rb") as stream:
        try:
            return _next(stream)[0] == MANIFEST
        except BadArchive:
            return False


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive, and see that it has the form of one. Errors: BadArchive; OSError."""
    with path.open("rb") as stream:
        name, size = _next(stream)
        if name != MANIFEST or size > MOST_MANIFEST:
            raise BadArchive("is no backup: it does not begin with a manifest")
        manifest, listed = _read_manifest(b"".join(pieces(stream, size)))
        stream.seek(-size % BLOCK, os.SEEK_CUR)
        yield Archive(stream, manifest, dict(_members(stream, listed)))


def _read_manifest(raw: bytes) -> tuple[Mapping[str, Any], Mapping[str, tuple[int, str]]]:
    try:
        manifest = json.loads(raw)
        listed = {str(one["name"]): (int(one["size"]), str(one["sha256"])) for one in manifest["files"]}
        is_sound = len(listed) == len(manifest["files"]) and all(_NAME.fullmatch(name) for name in listed)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadArchive("is no backup: its manifest cannot be read") from error
    if not is_sound:
        raise BadArchive("is not to be trusted: its manifest names a file that leads elsewhere, or one twice")
    return manifest, listed


def _members(stream: BinaryIO, listed: Mapping[str, tuple[int, str]]) -> Iterator[tuple[str, Member]]:
    end = os.fstat(stream.fileno()).st_size
    for expected, (size, digest) in listed.items():
        if _next(stream) != (expected, size):
            raise BadArchive(f"is not to be trusted: where its manifest has {expected}, there is something else")
        offset = stream.tell()
        if offset + size > end:
            raise BadArchive("ends in the middle")
        yield expected, Member(offset, size, digest)
        stream.seek(offset + size + -size % BLOCK)
    if stream.read(2 * BLOCK) != bytes(2 * BLOCK) or stream.read(1):
        raise BadArchive("is not to be trusted: it holds more than its manifest says, or less")


def _next(stream: BinaryIO) -> tuple[str, int]:
    """Name and size of the plain file that begins here."""
    try:
        entry = tarfile.TarInfo.frombuf(stream.read(BLOCK), "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise BadArchive("is no backup, or not whole") from error
    if entry.type != tarfile.REGTYPE or entry.size < 0:
        raise BadArchive(f"is not to be trusted: {entry.name!r} in it is not a plain file")
    return entry.name, entry.size
