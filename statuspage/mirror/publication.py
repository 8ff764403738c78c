"""One publication: files that become the newest version in a directory."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from statuspage.mirror.version import Edition, Leaf, Version
from statuspage.mirror.versions import Versions

ASSETS = "assets/"


def publish(directory: Path, files: Mapping[str, Leaf], at: datetime) -> Version:
    """Make *files* what *directory* serves; a notice that stood there is gone. Errors: OSError, and what was there stays."""
    versions = Versions(directory)
    with versions.alone() as is_alone:
        if not is_alone:
            raise TimeoutError(f"another process has been writing for long: {directory}")
        lingering = _lingering(versions, files)
        return versions.put(Edition(files={**lingering, **files}, at=at, lingering=frozenset(lingering)))


def _lingering(versions: Versions, files: Mapping[str, Leaf]) -> Mapping[str, Leaf]:
    """Assets that only the version before has: a page that a reader is just opening asks for them."""
    present = versions.newest()
    if present is None:
        return {}
    names = {name for name in present.files if name.startswith(ASSETS)} - files.keys() - present.lingering
    return versions.bodies(present, names)
