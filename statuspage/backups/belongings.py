"""What belongs to an installation beside its store: the configuration's files, and those that lie in the data directory."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from statuspage.backups.archive import is_archive
from statuspage.backups.manifest import Configured, Needed
from statuspage.config.problems import Sources, dotted, matches
from statuspage.config.sources import files_of, references
from statuspage.store.connect import DAMAGED, UNFINISHED

PASSING = frozenset({"lock", "hub.json", "reload.json", "asked.json", "last-page.json", UNFINISHED})
"""Files of the data directory that mean something only while this process runs, or that are drawn anew."""

_NAMED = ("site.logo", "pages.*.logo", "teams.*.on_call.calendar")
"""Where a configuration names a file that is no secret."""


def configured(path: Path) -> Configured:
    """What the configuration at *path* is called."""
    return Configured(name=Path(os.path.abspath(path)).name, is_directory=path.is_dir())  # noqa: PTH100 - a link is called as it is here


def home_of(path: Path) -> Path:
    """The directory that names of files in the configuration at *path* begin from."""
    return path if path.is_dir() else path.parent


def configuration_files(path: Path, sources: Sources) -> Iterator[PurePath]:
    """The files that the configuration is made of, and those beside them that it names; relative to its home."""
    yield from dict.fromkeys([*(PurePath(file.name) for file in files_of(path)), *(one for one in _named(sources) if _is_beside(one))])


def files_elsewhere(sources: Sources) -> tuple[str, ...]:
    """The files that the configuration names and that do not lie beside it."""
    return tuple(sorted({str(one) for one in _named(sources) if not _is_beside(one)}))


def secrets_of(sources: Sources) -> tuple[Needed, ...]:
    """The secrets that the configuration asks for, as it was read."""
    return tuple(Needed.model_validate({"path": dotted(trail), way: name}) for trail, way, name in references(sources.value))


def kept_files(data_dir: Path, store: Path | None) -> Iterator[Path]:
    """The files of the data directory that an installation cannot be without, keys above all; *store* is kept by other means.

    Other backups are none of them (one that held the one before would grow with each), nor are stores that were found damaged.
    """
    for path in sorted(data_dir.iterdir()) if data_dir.is_dir() else ():
        is_stored = store is not None and (path in files_of_store(store) or path.name.startswith(f"{store.name}{DAMAGED}"))
        is_passing = path.name in PASSING or path.name.startswith(".")
        if path.is_file() and not path.is_symlink() and not is_passing and not is_stored and not is_archive(path):
            yield path


def files_of_store(store: Path) -> tuple[Path, ...]:
    """The database file, and what SQLite has beside it at times."""
    return tuple(store.with_name(f"{store.name}{end}") for end in ("", "-wal", "-shm", "-journal"))


def sync(directory: Path) -> None:
    """Have what was renamed in *directory* outlive a power cut. Errors: OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _named(sources: Sources) -> list[PurePath]:
    found = (name for pattern in _NAMED for _, name in matches(sources.value, pattern))
    return [PurePath(name) for name in found if isinstance(name, str) and name]


def _is_beside(path: PurePath) -> bool:
    return not path.is_absolute() and ".." not in path.parts
