"""The commands ``check-config`` and ``schema``, and what every command needs of the configuration: load it, open its store."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer

from statuspage.cli.consequences import Outlook, as_json, outlook, show
from statuspage.cli.kinds import known_kinds
from statuspage.cli.options import DEFAULT_CONFIG, GOOD, MISUSED, fail, print_json
from statuspage.config.installation import Store as StoreSettings
from statuspage.config.loading import ConfigError, Loaded, Problem, json_schema
from statuspage.config.loading import load as load_config
from statuspage.store.connect import database_file
from statuspage.store.engine import Database, Store
from statuspage.store.errors import StoreError, StoreUnavailable


def load(path: Path) -> Loaded:
    """Load the configuration, or say everything that is wrong with it and leave."""
    try:
        return load_config(path, os.environ)
    except ConfigError as trouble:
        fail("\n".join(str(problem) for problem in trouble.problems))


@contextmanager
def store_of(config: Path, data_dir: Path, *, upgrades: bool = True) -> Iterator[Database]:
    """Open the store that the configuration names, alone or beside a running hub; trouble is said in one line.

    Without *upgrades* nothing is changed in it, also where an older release wrote it.
    """
    with store_at(load(config).config.store.url, data_dir, upgrades=upgrades) as database:
        yield database


@contextmanager
def store_beside(data_dir: Path) -> Iterator[Database]:
    """Open the store that the configuration here names; without one, that which *data_dir* itself holds."""
    ordinary = StoreSettings().url
    is_alone = not DEFAULT_CONFIG.exists() and (data_dir / ordinary.removeprefix("sqlite:///")).exists()
    with store_at(ordinary, data_dir) if is_alone else store_of(DEFAULT_CONFIG, data_dir) as database:
        yield database


@contextmanager
def store_at(url: str, data_dir: Path, *, upgrades: bool = True) -> Iterator[Database]:
    """Open the store at *url*; as ``store_of``."""
    file = database_file(url, data_dir)
    if not upgrades and file is not None and not file.exists():
        fail(f"there is no store in {data_dir} yet: name its directory by --data-dir, or begin one by `statuspage init` or `serve`")
    try:
        with Store.blocking(url, data_dir, upgrades=upgrades) as database:
            yield database
    except (StoreError, StoreUnavailable, OSError) as trouble:
        fail(str(trouble))


def check(path: Path, data_dir: Path, *, wants_json: bool) -> int:
    """Print what is wrong, doubtful and not active yet in the configuration at *path*, and what it would change; gives the exit code."""
    try:
        loaded = load_config(path, os.environ)
    except ConfigError as trouble:
        return _refuse(trouble.problems, wants_json=wants_json)
    seen = _outlook(loaded, data_dir)
    if wants_json:
        warnings = [asdict(warning) for warning in loaded.warnings]
        change = None if seen is None else as_json(seen)
        told = {"warnings": warnings, "inactive": loaded.inactive, "summary": _counts(loaded), "digest": loaded.digest, "change": change}
        print_json({"errors": [], **told})
        return GOOD
    for warning in loaded.warnings:
        typer.secho(f"warning: {warning}", fg="yellow")
    if loaded.inactive:
        typer.echo("accepted, not active yet: " + ", ".join(loaded.inactive))
    counts = ", ".join(f"{count} {name if count != 1 else name.removesuffix('s')}" for name, count in _counts(loaded).items())
    typer.secho(f"{path} is good: {counts}", fg="green")
    if seen is not None:
        show(seen)
    return GOOD


def _outlook(loaded: Loaded, data_dir: Path) -> Outlook | None:
    """What it would change of what runs on *data_dir*; None where nothing did. Nothing is made there, and nothing brought up to date."""
    url = loaded.config.store.url
    file = data_dir / url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else data_dir
    if not file.exists():
        return None
    try:
        with Store.blocking(url, data_dir, upgrades=False) as database:
            return database.read(lambda connection: outlook(connection, loaded))
    except (StoreError, StoreUnavailable, OSError, ConfigError) as trouble:
        typer.echo(f"it cannot be compared with what runs on {data_dir}: {trouble}", err=True)
        return None


def _refuse(problems: tuple[Problem, ...], *, wants_json: bool) -> int:
    if wants_json:
        print_json({"errors": [asdict(problem) for problem in problems], "warnings": [], "inactive": []})
        return MISUSED
    for problem in problems:
        typer.secho(str(problem), fg="red", err=True)
    typer.echo(f"{len(problems)} {'error' if len(problems) == 1 else 'errors'}", err=True)
    return MISUSED


def _counts(loaded: Loaded) -> dict[str, int]:
    config = loaded.config
    return {"services": len(config.services), "components": len(config.components), "monitors": len(config.monitors)}


def print_schema() -> int:
    """Print the JSON Schema of the configuration, for editors; it knows the kinds of third parties that are installed here."""
    typer.echo(json.dumps(json_schema(known_kinds()), indent=2, ensure_ascii=False))
    return GOOD
