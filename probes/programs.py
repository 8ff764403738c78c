"""Which programs a probe may run: the door's word on a path, before anything is started."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path


def objection(path: Path, allowed: Sequence[Path]) -> str | None:
    """Say in a few words why the program at *path* may not be run, or None where it may.

    Judged is where *path* leads in the end, links followed: a regular file that we may execute, in or below one of the directories
    *allowed*, and neither it nor a directory on the way down to it may be changed by everybody. Errors: OSError where there is no
    such file.
    """
    real = path.resolve(strict=True)
    home = next((root for root in (each.resolve() for each in allowed) if real.is_relative_to(root)), None)
    if home is None:
        return f"{real} is in none of the directories that plugins.allow names"
    if not stat.S_ISREG(real.stat().st_mode):
        return f"{real} is not a file"
    if not os.access(real, os.X_OK):
        return f"{real} is not executable"
    open_to_all = next((each for each in _down_to(real, home) if each.stat().st_mode & stat.S_IWOTH), None)
    return None if open_to_all is None else f"{open_to_all} may be changed by everybody on this machine"


def _down_to(real: Path, home: Path) -> list[Path]:
    """Return the program and the directories between it and *home*, that one included."""
    return [real, *(parent for parent in real.parents if parent.is_relative_to(home))]
