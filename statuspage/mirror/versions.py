"""The mirror's directory: whole versions side by side, and one name that leads to the one to be served.

``DIR/current`` is a symbolic link to ``versions/00000012/site``; a static host serves what stands there. Beside ``site`` a version has
``before``, where its files are kept as they were without the notice that stands on them, and ``version.json``, which is written last: a
version without it is not whole. What has not changed is the same file in the next version, by a hard link, so that a host's caches hold.

Killed at any moment, ``current`` leads to a whole version: everything is on the disk before the link is put in place by one rename.
"""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from statuspage.mirror.version import Edition, Leaf, Version, is_the_same, spelled, understood
from statuspage.mirror.writing import BEFORE, DIRECTORY_MODE, MANIFEST, SITE, Writing, make, sync

log = logging.getLogger(__name__)

CURRENT, VERSIONS, LOCK = "current", "versions", "lock"
KEPT = 3
"""Versions that stay beside the current one: whoever was let into one a moment ago still finds it, and one can go back."""

PATIENCE = 10.0
"""Seconds to wait for another process that writes here."""

_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions in a directory. All of it may raise OSError: the world's, never a half-written version."""

    root: Path

    @contextmanager
    def alone(self, patience: float = PATIENCE) -> Iterator[bool]:
        """Hold the directory, made where it is missing, against other writers; False where one did not let go of it in time.

        Without it nothing breaks: versions are made under names of their own. The last one to switch wins.
        """
        make(self.root)
        lock = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _held(lock, patience)
        finally:
            os.close(lock)

    def newest(self) -> Version | None:
        """The version that is served; where ``current`` leads nowhere, the newest that is whole; None where there is none."""
        names = [name for name in (self._current(), *sorted(self.names(), reverse=True)) if name is not None]
        return next((version for version in map(self._read, names) if version is not None), None)

    def ages(self) -> list[datetime]:
        """When each version was made."""
        return [version.at for version in map(self._read, self.names()) if version is not None]

    def bodies(self, version: Version, names: Collection[str] | None = None) -> Mapping[str, Leaf]:
        """What the files of *version* hold, as they were before its notice; all of them, or those of *names*.

        A file that cannot be read any more is left out, and told.
        """
        return dict(self._leaves(version, version.files if names is None else names))

    def put(self, edition: Edition, *, keeps: int = KEPT, is_alone: bool = True) -> Version:
        """Make *edition* the version that is served, unless the present one is just that. Older ones are swept, but for *keeps* of them.

        Only who *is_alone* sweeps what is not whole: it may be what another one is at.
        """
        present = self.newest()
        if present is None or self._current() != present.name or not is_the_same(present, edition):
            number = max((int(name) for name in self.names(is_whole=False)), default=0) + 1
            present = self._made(edition, number, present)
            self._switch(present)
        self.sweep(present, keeps=keeps, is_alone=is_alone)
        return present

    def sweep(self, present: Version, *, keeps: int, is_alone: bool) -> None:
        """Take away versions older than *present*, but for *keeps* of them; who *is_alone* also what is not whole."""
        whole = sorted(name for name in self.names() if name < present.name)
        gone = set(whole[: max(len(whole) - keeps, 0)])
        if is_alone:
            gone |= {name for name in {*self.names(is_whole=False)} - {*self.names()} if name != present.name}
            for left in self.root.glob(f".{CURRENT}-*"):
                left.unlink()
        for name in sorted(gone):
            home = self.root / VERSIONS / name
            with suppress(FileNotFoundError):
                (home / MANIFEST).unlink()  # first, so that a version which is half gone is not taken for a whole one
            shutil.rmtree(home)

    # --- reading

    def _current(self) -> str | None:
        """The name of the version that ``current`` leads to."""
        try:
            target = (self.root / CURRENT).readlink()
        except OSError:
            return None
        match target.parts:
            case (str(above), str(name), str(room)) if (above, room) == (VERSIONS, SITE):
                return name
            case _:
                return None

    def names(self, *, is_whole: bool = True) -> list[str]:
        """What versions there are; without *is_whole* also those that were never finished."""
        try:
            names = [path.name for path in (self.root / VERSIONS).iterdir() if path.name.isdecimal()]
        except FileNotFoundError:
            return []
        return [name for name in names if not is_whole or (self.root / VERSIONS / name / MANIFEST).exists()]

    def _read(self, name: str) -> Version | None:
        path = self.root / VERSIONS / name / MANIFEST
        try:
            return understood(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as trouble:
            log.warning("the version %s of the mirror cannot be read: %s", name, trouble)
            return None

    def _leaves(self, version: Version, names: Collection[str]) -> Iterator[tuple[str, Leaf]]:
        home = self.root / VERSIONS / version.name
        for name in names:
            held = version.before.get(name)
            path = home / (SITE if held is None else BEFORE) / name
            try:
                yield name, Leaf(path.read_bytes(), (held or version.files[name]).digest)
            except OSError as trouble:
                log.warning("a file of the mirror cannot be read: %s", trouble)

    # --- writing

    def _made(self, edition: Edition, number: int, present: Version | None) -> Version:
        """Write *edition* out whole, sharing files with *present*; whatever goes wrong, nothing of it stays behind."""
        stamp = int(edition.at.timestamp())
        if present is not None:
            stamp = max(stamp, present.stamp + 1)  # caches of hosts tell files apart by it, and the clock may be set back
        make(self.root / VERSIONS)
        home = self.root / VERSIONS / f"{number:08d}"
        home.mkdir()
        try:
            home.chmod(DIRECTORY_MODE)
            written = Writing(home, stamp, present, self.root / VERSIONS / present.name if present else home)
            version = Version(
                number=number,
                at=edition.at,
                stamp=stamp,
                files=written.all(SITE, edition.files),
                before=written.all(BEFORE, edition.before),
                lingering=edition.lingering,
                notice=edition.notice,
                is_bare=edition.is_bare,
            )
            written.finish(spelled(version))
            sync(self.root / VERSIONS)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
        return version

    def _switch(self, version: Version) -> None:
        """Let ``current`` lead to *version*: the one rename."""
        beside = self.root / f".{CURRENT}-{version.name}"
        with suppress(FileNotFoundError):
            beside.unlink()
        beside.symlink_to(f"{VERSIONS}/{version.name}/{SITE}")
        try:
            beside.replace(self.root / CURRENT)
        except OSError:
            beside.unlink()
            raise
        sync(self.root)


def home_of(root: Path, version: Version) -> Path:
    """The directory of *version* in that of the mirror."""
    return root / VERSIONS / version.name


def spoken(error: OSError) -> str:
    """Say why nothing could be written."""
    return f"{error.strerror}: {error.filename}" if error.strerror and error.filename else str(error)


def _held(lock: int, patience: float) -> bool:
    for left in range(int(patience / _LOOK_EVERY), -1, -1):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_LOOK_EVERY)
        else:
            return True
    return False
