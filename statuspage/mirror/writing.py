"""How a version is written out: what has not changed is shared with the one before, and all of it is on the disk before it is whole."""

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from statuspage.mirror.version import Kept, Leaf, Version

SITE, BEFORE, MANIFEST = "site", "before", "version.json"
"""What stands in the directory of a version."""

FILE_MODE, DIRECTORY_MODE = 0o444, 0o755
"""Public as it is, whatever the umask; and versions share their files, so that nobody may write into one."""

AT_ONCE = 16
"""Files that are brought to the disk at the same time: a file system writes down together what is asked for together."""

_CANNOT_LINK = {errno.ENOENT, errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""Where a file cannot be shared and is written once more instead: the old one is gone, or this file system has no hard links."""


@dataclass(slots=True)
class Writing:
    """A version in the making at *home*, and the one *before* it, which is at *old*."""

    home: Path
    stamp: int
    before: Version | None
    old: Path
    _fresh: list[Path] = field(default_factory=list)
    _directories: set[Path] = field(default_factory=set)

    def all(self, room: str, leaves: Mapping[str, Leaf]) -> Mapping[str, Kept]:
        """Put *leaves* into *room*."""
        if not leaves:
            return {}
        for name in leaves:
            _demand_tame(name)
        self._make_directories(room, leaves)
        return {name: self._one(room, name, leaf) for name, leaf in leaves.items()}

    def finish(self, manifest: bytes) -> None:
        """Bring everything to the disk, and only then say that it is whole."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="mirror-sync") as syncing:
            list(syncing.map(sync, (*self._fresh, *self._directories)))  # taken out of the map, or an error would stay in it
        path = self.home / f".{MANIFEST}"
        self._write(path, manifest)
        sync(path)
        path.replace(self.home / MANIFEST)
        sync(self.home)

    def _make_directories(self, room: str, leaves: Collection[str]) -> None:
        rooms = {self.home / room / parent for name in leaves for parent in PurePosixPath(name).parents} | {self.home / room}
        for path in sorted(rooms):
            path.mkdir()
            path.chmod(DIRECTORY_MODE)
        self._directories |= rooms

    def _one(self, room: str, name: str, leaf: Leaf) -> Kept:
        path = self.home / room / name
        for there, kept in self._earlier(room, name):
            if (kept.digest, kept.size) == (leaf.digest, len(leaf.body)) and _linked(self.old / there / name, path, kept):
                return kept
        self._write(path, leaf.body)
        self._fresh.append(path)
        return Kept(leaf.digest, len(leaf.body), self.stamp)

    def _earlier(self, room: str, name: str) -> Iterator[tuple[str, Kept]]:
        """Files that *name* may share. What is served shares only with what was served: its time of change never goes back."""
        held = () if self.before is None else ((BEFORE, self.before.before), (SITE, self.before.files))
        yield from [(there, files[name]) for there, files in held if name in files and there in {room, SITE}]

    def _write(self, path: Path, body: bytes) -> None:
        with path.open("xb") as file:
            file.write(body)
        path.chmod(FILE_MODE)
        os.utime(path, (self.stamp, self.stamp))


def _linked(source: Path, path: Path, kept: Kept) -> bool:
    """Share *source*; False where it cannot be shared, or is no longer what was put there."""
    try:
        path.hardlink_to(source)
    except OSError as trouble:
        if trouble.errno in _CANNOT_LINK:
            return False
        raise
    found = path.stat()
    if (found.st_size, int(found.st_mtime)) == (kept.size, kept.stamp):
        return True
    path.unlink()
    return False


def _demand_tame(name: str) -> None:
    """Errors: ValueError for a name that leads out of its version, or that no host would serve."""
    parts = name.split("/")
    if not name.isprintable() or any(part in {"", ".", ".."} or len(part.encode()) > 255 for part in parts):
        raise ValueError(f"not the name of a file of the mirror: {name!r}")


def make(directory: Path) -> None:
    """Make *directory* where it is missing, but nothing above it: a file system that is not mounted must not be written beside."""
    try:
        directory.mkdir()
    except FileExistsError:
        return
    directory.chmod(DIRECTORY_MODE)
    sync(directory.parent)


def sync(path: Path) -> None:
    """Return once *path*, a file or a directory, is on the disk."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
