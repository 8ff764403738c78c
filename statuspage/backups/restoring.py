"""Puts a backup back: all that can be refused is refused before anything is touched, and what was there before stays beside it.

While it lasts a file in the data directory says so, and nothing opens the store there: whoever is killed half way begins again.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from probes.settings import Secret
from statuspage.backups.archive import Archive
from statuspage.backups.belongings import PASSING, files_of_store, sync
from statuspage.backups.making import CONFIG, DATA, STORE, Told
from statuspage.backups.manifest import Manifest, Needed
from statuspage.clock import Now
from statuspage.config.problems import ConfigError
from statuspage.config.sources import read, resolve
from statuspage.store.connect import UNFINISHED
from statuspage.store.copies import put_into_postgresql, schema_of_file

BEFORE = "before-restore"
ORDINARY = "sqlite:///statuspage.db"
"""What `store.url` is where the file does not say it."""


class CannotRestore(Exception):
    """It is not put back. The message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """What is put back and where. *config* is the file or directory that the configuration is to be."""

    archive: Archive
    manifest: Manifest
    file: Path
    config: Path
    data_dir: Path
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done: the configuration's files that were written and those that were there already, and where older files lie now."""

    written: tuple[str, ...]
    left: tuple[str, ...]
    aside: Path | None
    missing: tuple[Needed, ...]


def put_back(what: Restoring, now: Now, *, replaces: bool, told: Told) -> Restored:
    """Put everything in its place; the archive was verified. *replaces*: also where the data directory is in use.

    Errors: CannotRestore, OSError, StoreError.
    """
    store, marker = _store_file(what), what.data_dir / UNFINISHED
    older = _older(what, store)
    if older and not replaces and not marker.exists():
        names = ", ".join(path.name for path in older[:4])
        raise CannotRestore(f"{what.data_dir} is in use ({names}): name another by --data-dir, or put these aside by --replace.")
    _see_that_it_holds_its_store(what)
    written, left = _configuration(what)
    _see_that_it_fits(what, store)
    begun = marker.read_text(encoding="utf-8").splitlines() if marker.exists() else []
    if _filled(what) not in begun:
        marker.write_text(f"{what.file}\n", encoding="utf-8")
        sync(what.data_dir)
        if store is None:
            _fill_database(what, marker, told, was_begun=bool(begun))
    aside = _put_aside(what.data_dir, older, f"{BEFORE}-{now():%Y%m%dT%H%M%SZ}")
    for name in what.archive.members:
        if name.startswith(f"{DATA}/") and (plain := PurePath(name).name) not in PASSING:
            what.archive.copy(name, what.data_dir / plain)
    if store is not None:
        told("writing the store", 0, 0)
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        what.archive.copy(f"{STORE}/store.db", store)
        schema_of_file(store)
    sync(what.data_dir)
    marker.unlink()
    sync(what.data_dir)
    missing = tuple(one for one in what.manifest.secrets if not _is_there(one, what))
    return Restored(written=written, left=left, aside=aside, missing=missing)


def _root(what: Restoring) -> Path:
    return Path(os.path.normpath(what.data_dir.absolute()))


def _store_file(what: Restoring) -> Path | None:
    """Where the database file comes to lie; None where the store is a server's."""
    kept = what.manifest.store
    if kept.kind == "postgresql":
        return None
    file = Path(os.path.normpath(_root(what) / kept.file))
    if not kept.file or not file.is_relative_to(_root(what)):
        told = f"its store lay outside the data directory, at {kept.file}"
        raise CannotRestore(f"{what.file} is not put back: {told}. Unpack it by tar -xf, and put {STORE}/store.db there yourself.")
    return file


def _see_that_it_holds_its_store(what: Restoring) -> None:
    kept = what.manifest.store
    names = ["store.db"] if kept.kind == "sqlite" else [one.name for one in kept.tables]
    if absent := [name for name in names if f"{STORE}/{name}" not in what.archive.members]:
        raise CannotRestore(f"{what.file} is not put back: {absent[0]} is missing in its store.")


def _older(what: Restoring, store: Path | None) -> list[Path]:
    """What lies there already; the backup itself may lie there, too, and is needed until all is done."""
    found = [path for path in sorted(what.data_dir.iterdir()) if not path.is_dir() and path.name not in PASSING]
    stored = [path for path in files_of_store(store) if path.exists()] if store is not None else []
    elsewhere = [path for path in stored if not path.parent.samefile(what.data_dir)]
    return [path for path in (*found, *elsewhere) if path.resolve() != what.file.resolve()]


def _put_aside(data_dir: Path, older: list[Path], name: str) -> Path | None:
    if not older:
        return None
    aside = data_dir / name
    aside.mkdir(mode=0o700)  # one that is there holds what another restore put aside
    for path in older:
        path.rename(aside / path.name)
    sync(aside)
    return aside


def _configuration(what: Restoring) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write what is not there yet: the operator's own files know more of this machine than the backup."""
    told = what.manifest.config
    if told is None:
        return (), ()
    home, written, left = what.config if told.is_directory else what.config.parent, list[str](), list[str]()
    for name in what.archive.members:
        is_file_itself = not told.is_directory and name == f"{CONFIG}/{told.name}"
        inner = PurePath(name)
        if inner.parts[0] != CONFIG or (not is_file_itself and any(part.startswith(".") for part in inner.parts)):
            continue
        path = what.config if is_file_itself else home / inner.relative_to(CONFIG)
        (left if path.exists() else written).append(str(path))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            what.archive.copy(name, path)
    return tuple(written), tuple(left)


def _see_that_it_fits(what: Restoring, store: Path | None) -> None:
    """See that the configuration, as it lies here now, means the store that is about to come."""
    if not what.config.exists():
        return
    url = _url(what)
    named = None if url.startswith("postgresql") else Path(os.path.normpath(_root(what) / url.removeprefix("sqlite:///")))
    if named != store:
        meant = "a PostgreSQL database" if store is None else f"sqlite:///{what.manifest.store.file}"
        raise CannotRestore(f"The backup is of {meant}, and store.url in {what.config} names another kind or name: correct it first.")


def _url(what: Restoring) -> str:
    """The store that the configuration names, of which the secrets may still be missing."""
    try:
        sources = read(what.config)
    except ConfigError as error:
        raise CannotRestore(f"The configuration cannot be read: {error.problems[0]}") from error
    wrong = [problem for problem in resolve(sources, what.environ) if problem.path == "store.url"]
    if wrong:
        raise CannotRestore(f"The store's address is needed first: {wrong[0]}")
    section = sources.value.get("store")
    url = section.get("url", ORDINARY) if isinstance(section, dict) else ORDINARY
    return url.reveal() if isinstance(url, Secret) else str(url)


def _filled(what: Restoring) -> str:
    """What the marker says once the database is filled, so that whoever begins again finds no database that is in use."""
    return f"the database is filled as of {what.manifest.taken_at.isoformat()}"


def _fill_database(what: Restoring, marker: Path, told: Told, *, was_begun: bool) -> None:
    """All of it or nothing: where it is nothing, nothing was begun, unless it *was_begun* before."""
    manifest = what.manifest
    try:
        put_into_postgresql(
            _url(what),
            manifest.schema_,
            manifest.store.tables,
            lambda name: what.archive.read(f"{STORE}/{name}"),
            lambda done, total: told("filling tables", done, total),
        )
    except BaseException:
        if not was_begun:
            marker.unlink()
        raise
    marker.write_text(f"{what.file}\n{_filled(what)}\n", encoding="utf-8")


def _is_there(needed: Needed, what: Restoring) -> bool:
    if needed.env is not None:
        return bool(what.environ.get(needed.env))
    home = what.config if what.config.is_dir() else what.config.parent
    return (home / (needed.file or "")).is_file()
