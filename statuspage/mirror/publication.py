"""One publication: files that become the newest version in a directory."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from statuspage.mirror.version import Edition, Leaf, Version
from statuspage.mirror.versions import KEPT, Versions

ASSETS = "assets/"

_AT_WORK = timedelta(minutes=1)
"""How much later than it was read a version may say that it was made."""


def kept_beside(directory: Path, clean_since: datetime | None) -> int:
    """How many older versions stay beside the next one: none where words were removed at *clean_since*, and any is as old as that."""
    is_tainted = clean_since is not None and any(at <= clean_since + _AT_WORK for at in Versions(directory).ages())
    return 0 if is_tainted else KEPT


def publish(directory: Path, files: Mapping[str, Leaf], at: datetime, keeps: int = KEPT) -> Version:
    """Make *files* what *directory* serves; a notice that stood there is gone. Errors: OSError, and what was there stays."""
    versions = Versions(directory)
    with versions.alone() as is_alone:
        if not is_alone:
            raise TimeoutError(f"another process has been writing for long: {directory}")
        lingering = _lingering(versions, files)
        return versions.put(Edition(files={**lingering, **files}, at=at, lingering=frozenset(lingering)), keeps=keeps)


def _lingering(versions: Versions, files: Mapping[str, Leaf]) -> Mapping[str, Leaf]:
    """Assets that only the version before has: a page that a reader is just opening asks for them."""
    present = versions.newest()
    if present is None:
        return {}
    names = {name for name in present.files if name.startswith(ASSETS)} - files.keys() - present.lingering
    return versions.bodies(present, names)
