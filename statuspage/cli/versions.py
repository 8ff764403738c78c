"""The commands ``config diff``, ``config history`` and ``config rollback``: what was in use, what changed, and the way back."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from statuspage.cli.config import store_at
from statuspage.cli.consequences import as_values, show_differences, spelled
from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.cli.serve import CannotBeTold, asking, is_running, told_to_reload
from statuspage.clock import wall_clock
from statuspage.config import loading as configuration
from statuspage.config.difference import differences, tree_of
from statuspage.config.installation import Store as StoreSettings
from statuspage.config.loading import ConfigError
from statuspage.config.replacing import alone, replace, text_of
from statuspage.config.sources import Drafts, files_of, parts_of, read
from statuspage.store.configurations import Version, newest_version, newest_versions, version_of
from statuspage.store.engine import Database

SUMMED = 2
"""Differences that a line of the history names."""

LONGEST_COMPARED = 400_000
"""Letters of a text up to which the history says what it changed: reading YAML takes a second for each million."""


def diff(before: int | None, after: int | None, *, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print what version *after* says otherwise than *before*: the file for want of the one, what is in use for want of the other."""
    with _store(config, data_dir) as database:
        old = _version(database, before)
        new = None if after is None else _version(database, after)
    try:
        found = differences(tree_of(old.text), tree_of(read(config).text if new is None else new.text))
    except ConfigError as trouble:
        fail("\n".join(map(str, trouble.problems)))
    names = f"version {old.number}", "the file" if new is None else f"version {new.number}"
    if wants_json:
        print_json({"before": old.number, "after": None if new is None else new.number, "differences": [as_values(one) for one in found]})
    elif not found:
        typer.echo(f"{names[1]} says the same as {names[0]}")
    else:
        typer.echo(f"{names[1]} against {names[0]}, in use since {spelled(old.at)}:")
        show_differences(found)
    return GOOD


def history(*, limit: int, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print the newest versions: since when, by whom, on what occasion, and what each changed."""
    with _store(config, data_dir) as database:
        found = database.read(lambda connection: newest_versions(connection, limit + 1))
    rows = [(one, _summed(found[place + 1], one) if place + 1 < len(found) else "") for place, one in enumerate(found[:limit])]
    if wants_json:
        items = [_as_json(one, said) for one, said in rows]
        print_json({"items": items})
    else:
        cells = [(str(one.number), spelled(one.at), one.origin.by, one.origin.occasion, said) for one, said in rows]
        print_rows(("VERSION", "IN USE SINCE", "BY", "OCCASION", "WHAT IT CHANGED"), cells, if_none="nothing was in use yet")
    return GOOD


def _as_json(version: Version, said: str) -> Mapping[str, object]:
    by, occasion = version.origin.by or None, version.origin.occasion or None
    return {"version": version.number, "applied_at": version.at, "by": by, "occasion": occasion, "changes": said}


def _summed(before: Version, after: Version) -> str:
    if max(len(before.text), len(after.text)) > LONGEST_COMPARED:
        return f"`config diff {before.number} {after.number}` says"
    try:
        found = differences(tree_of(before.text), tree_of(after.text))
    except ConfigError:
        return "cannot be compared"
    said = [one.headline for one in found[:SUMMED]] + ([f"{len(found) - SUMMED} more"] if len(found) > SUMMED else [])
    return ", ".join(said) or "the same, in other words"


# --- the way back ---------------------------------------------------------------------------------------------------------------


def rollback(number: int, *, accepts_removals: bool, config: Path, data_dir: Path) -> int:
    """Have the file say what version *number* said, keep what it says now beside it, and have a running service take it up."""
    with _store(config, data_dir) as database:
        version = _version(database, number)
    drafts = _drafts(version, config)
    try:
        configuration.load(config, os.environ, drafts)
    except ConfigError as trouble:
        why = "\n".join(f"  {problem}" for problem in trouble.problems)
        fail(f"version {number} cannot be used any more, and nothing was changed; what its references name must be there:\n{why}")
    with _files_alone(config):
        before = {file: text_of(file) if file.exists() else None for file in drafts}
        changed = {file: text for file, text in drafts.items() if text != before[file]}
        if not changed:
            fail(f"{config} says what version {number} said already", BAD)
        kept = _kept_aside([file for file in changed if before[file] is not None])
        try:
            told = _applied(number, changed, data_dir, accepts_removals=accepts_removals)
        except (_Refused, CannotBeTold, OSError) as trouble:  # a disk may be full after the first of several files
            _put({file: before[file] for file in changed})
            for file in kept:
                file.unlink()
            fail(f"version {number} was not taken into use, and the file is as it was:\n{trouble}", BAD)
    typer.echo(f"{config} says what version {number} said; {told}")
    for file in kept:
        typer.echo(f"what it said before is kept as {file}")
    return GOOD


class _Refused(Exception):
    """The running service does not use it; the message says why."""


def _applied(number: int, changed: Drafts, data_dir: Path, *, accepts_removals: bool) -> str:
    if not is_running(data_dir):
        _put(changed)
        return "it is used from the next start on"
    with asking(f"rollback to version {number}", data_dir, accepts_removals=accepts_removals) as asked:
        _put(changed)
        pid, refused = told_to_reload(asked, data_dir)
    if refused:
        raise _Refused("\n".join(refused).replace("`statuspage reload --accept-removals`", "`--accept-removals`"))
    return f"process {pid} uses it"


def _drafts(version: Version, path: Path) -> dict[Path, str | None]:
    """What the files at *path* are to say."""
    parts = parts_of(version.text)
    is_one = len(parts) == 1 and not parts[0][0]
    if path.is_dir() and is_one:
        fail(f"version {version.number} was one file, and {path} is a directory: name a file by --config")
    if not path.is_dir():
        if len(parts) > 1:
            fail(f"version {version.number} was a directory of {len(parts)} files, and {path} is none: name a directory by --config")
        return {path: version.text}
    there: dict[Path, str | None] = dict.fromkeys(files_of(path))
    return {**there, **{path / name: text for name, text in parts}}


def _put(states: Drafts) -> None:
    for file, text in states.items():
        if text is None:
            file.unlink(missing_ok=True)
            continue
        file.touch(mode=0o600)
        replace(file, text)


def _kept_aside(files: list[Path]) -> list[Path]:
    stamp, kept = f"{wall_clock():%Y%m%dT%H%M%SZ}", []
    for file in files:
        aside = file.with_name(f"{file.name}.{stamp}.kept")
        shutil.copy2(file, aside)
        kept.append(aside)
    return kept


@contextmanager
def _files_alone(config: Path) -> Iterator[None]:
    try:
        with alone(config if config.is_dir() else config.parent):
            yield
    except (OSError, UnicodeDecodeError) as trouble:
        fail(f"{config} cannot be changed: {trouble}", BAD)


# --- where versions are found ---------------------------------------------------------------------------------------------------


def _version(database: Database, number: int | None) -> Version:
    found = database.read(newest_version if number is None else lambda connection: version_of(connection, number))
    if found is None:
        newest = database.read(newest_version)
        fail("nothing was in use yet" if newest is None else f"there is no version {number}; the newest is {newest.number}", BAD)
    return found


@contextmanager
def _store(config: Path, data_dir: Path) -> Iterator[Database]:
    """Open the store, also where the file cannot be used any more: that is when the way back is asked for."""
    with store_at(_url(config), data_dir, upgrades=False) as database:
        yield database


def _url(config: Path) -> str:
    try:
        return configuration.load(config, os.environ).config.store.url
    except ConfigError as trouble:
        written = _written_url(config)
        if written is None:
            fail("the file does not say which store it is:\n" + "\n".join(map(str, trouble.problems)))
        return written


def _written_url(config: Path) -> str | None:
    """The store's address as it stands in a file that is bad elsewhere; the ordinary one where the file names none or cannot be read."""
    try:
        section: object = tree_of(read(config).text).get("store") or {}
    except ConfigError:
        section = {}
    url = section.get("url", StoreSettings().url) if isinstance(section, Mapping) else None
    return url if isinstance(url, str) else None
