"""What a version of the mirror is, and how it is written down beside its files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from statuspage.render.notice import Notice


class Leaf(NamedTuple):
    """What is to stand in a file. Two leaves with one digest have the same body."""

    body: bytes
    digest: str


class Kept(NamedTuple):
    """A file of a version: what it holds, and how it must look on the disk, or somebody has touched it."""

    digest: str
    size: int
    stamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A whole version. *files* are in ``site``; *before* is how those of them were that *notice* changed.

    *stamp* is the time of change, in whole seconds since the epoch, of the files that were new in it; it grows with each version.
    *lingering* files belonged to the version before, for pages that are still open. A *bare* one knows nothing but its notice.
    """

    number: int
    at: datetime
    stamp: int
    files: Mapping[str, Kept]
    before: Mapping[str, Kept] = field(default_factory=lambda: MappingProxyType({}))
    lingering: frozenset[str] = frozenset()
    notice: Notice | None = None
    is_bare: bool = False

    @property
    def name(self) -> str:
        """The name of its directory."""
        return f"{self.number:08d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What the next version is to be: see ``Version``."""

    files: Mapping[str, Leaf]
    at: datetime
    before: Mapping[str, Leaf] = field(default_factory=lambda: MappingProxyType({}))
    lingering: frozenset[str] = frozenset()
    notice: Notice | None = None
    is_bare: bool = False


def leaf(body: bytes) -> Leaf:
    """Name *body* by what it holds."""
    return Leaf(body, sha256(body).hexdigest()[:32])


def is_the_same(version: Version, edition: Edition) -> bool:
    """Whether *version* says all that *edition* would; when it was made does not matter."""
    files = {name: leaf.digest for name, leaf in edition.files.items()}
    return (version.notice, version.is_bare) == (edition.notice, edition.is_bare) and files == {
        name: kept.digest for name, kept in version.files.items()
    }


def spelled(version: Version) -> bytes:
    """Spell ``version.json``."""
    said = {
        "number": version.number,
        "at": version.at.isoformat(),
        "stamp": version.stamp,
        "files": version.files,
        "before": version.before,
        "lingering": sorted(version.lingering),
        "notice": None if version.notice is None else {"text": version.notice.text, "at": version.notice.at.isoformat()},
        "bare": version.is_bare,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=dict).encode()


def understood(body: bytes) -> Version:
    """Read ``version.json``. Errors: ValueError, KeyError, TypeError."""
    said = json.loads(body)
    notice = said["notice"]
    return Version(
        number=int(said["number"]),
        at=datetime.fromisoformat(said["at"]),
        stamp=int(said["stamp"]),
        files={name: Kept(*kept) for name, kept in said["files"].items()},
        before={name: Kept(*kept) for name, kept in said["before"].items()},
        lingering=frozenset(said["lingering"]),
        notice=None if notice is None else Notice(notice["text"], datetime.fromisoformat(notice["at"])),
        is_bare=bool(said["bare"]),
    )
