"""Makes a backup beside a running hub: everything as of one instant, verified, then in its place at once or not at all."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

from statuspage.backups import archive
from statuspage.backups.archive import BadArchive
from statuspage.backups.belongings import configuration_files, configured, files_elsewhere, home_of, kept_files, secrets_of, sync
from statuspage.backups.manifest import FORMAT, Kept, Manifest
from statuspage.clock import Now
from statuspage.config.problems import ConfigError, Sources
from statuspage.config.sources import read
from statuspage.store.connect import database_file
from statuspage.store.copies import copy_postgresql, copy_sqlite
from statuspage.store.errors import StoreError

CONFIG, STORE, DATA = "config", "store", "data"
"""The directories in an archive."""

_STAGE, _CONTENTS, _MADE = ".statuspage-backup-", "contents", "made.tar"
_ABANDONED = timedelta(days=1)
"""After which that which was begun and never finished is taken for left behind by a process that was killed."""

Told = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much; zero where nobody knows."""


class NoBackup(Exception):
    """It could not be made, and nothing that was there before was touched. The message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is backed up: the store at *url*, the data directory, and the configuration at *config* (None: there is none here)."""

    url: str
    data_dir: Path
    config: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made: where, what it says of itself, and how many bytes it is."""

    file: Path
    manifest: Manifest
    size: int


def back_up(what: Installation, into: Path, now: Now, told: Told = lambda *_: None) -> Made:
    """Write a backup of *what* to the file *into*. Errors: NoBackup. It blocks, for as long as the store is large."""
    try:
        _sweep(into.parent, now())
        stage = Path(mkdtemp(prefix=_STAGE, dir=into.parent))
        try:
            return _made(what, stage, into, now, told)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise NoBackup(f"The backup {into} cannot be written: {error.strerror or error}.") from error
    except BadArchive as error:
        raise NoBackup(f"The backup {into} {error}.") from error
    except ConfigError as error:
        raise NoBackup(f"There is no backup: {error.problems[0]}") from error
    except StoreError as error:
        raise NoBackup(f"There is no backup: {str(error)[0].lower()}{str(error)[1:]}") from error


def _made(what: Installation, stage: Path, into: Path, now: Now, told: Told) -> Made:
    taken_at, contents, made = now(), stage / _CONTENTS, stage / _MADE
    # First: the audit may have come further than its head says, but never the other way round.
    for path in kept_files(what.data_dir, database_file(what.url, what.data_dir)):
        _copy(path, contents / DATA / path.name)
    head = {"format": FORMAT, "product": "statuspage", "version": version("statuspage-service"), "taken_at": taken_at}
    if what.config is not None:
        sources = _read(what.config)
        for name in configuration_files(what.config, sources):
            _copy(home_of(what.config) / name, contents / CONFIG / name)
        head |= {"config": configured(what.config), "secrets": secrets_of(sources), "elsewhere": files_elsewhere(sources)}
    schema, kept = _store(what, contents / STORE, told)
    manifest = Manifest.model_validate({**head, "schema": schema, "store": kept})
    size = sum(path.stat().st_size for path in contents.rglob("*") if path.is_file())
    archive.pack(contents, made, manifest.head(), int(taken_at.timestamp()), _counted("writing", 2 * size, told))
    with archive.opened(made) as again:
        again.verify(_counted("verifying", size, told))
    made.replace(into)
    sync(into.parent)
    return Made(file=into, manifest=manifest, size=into.stat().st_size)


def _read(config: Path) -> Sources:
    """The configuration as it lies there. One that cannot be read at present is kept all the same, file by file."""
    try:
        return read(config)
    except ConfigError:
        return Sources()


def _store(what: Installation, into: Path, told: Told) -> tuple[str, Kept]:
    into.mkdir()
    file = database_file(what.url, what.data_dir)
    if file is None:
        schema, tables = copy_postgresql(what.url, into, lambda done, total: told("copying tables", done, total))
        return schema, Kept(kind="postgresql", tables=tuple(tables))
    if not file.exists():
        raise StoreError(f"There is no store in {what.data_dir} yet: start the service once.")
    schema = copy_sqlite(file, into / "store.db", lambda done, total: told("copying the store", done, total))
    return schema, Kept(kind="sqlite", file=str(file.relative_to(what.data_dir)) if file.is_relative_to(what.data_dir) else str(file))


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def _counted(doing: str, total: int, told: Told) -> archive.Told:
    done = 0

    def count(some: int) -> None:
        nonlocal done
        done += some
        told(doing, done, total)

    return count


def _sweep(directory: Path, now: datetime) -> None:
    """Remove what a process left behind that was killed while it made a backup, and nothing of anybody else's."""
    for path in directory.glob(f"{_STAGE}*"):
        with suppress(OSError):  # what cannot be looked into is none of ours
            is_ours = not path.is_symlink() and {one.name for one in path.iterdir()} <= {_CONTENTS, _MADE}
            if is_ours and now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > _ABANDONED:
                shutil.rmtree(path, ignore_errors=True)
