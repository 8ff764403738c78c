"""The command ``publish --notice``: words on every page of a mirror, when nothing else works. It needs neither store nor network."""

import asyncio
import os
from pathlib import Path

import typer

from statuspage.cli.options import BAD, GOOD, NOWHERE, fail
from statuspage.clock import wall_clock
from statuspage.config.loading import ConfigError, load
from statuspage.mirror.carrying import carrying_to
from statuspage.mirror.notice import put_notice
from statuspage.mirror.target import Target, target_of
from statuspage.mirror.version import Version
from statuspage.mirror.versions import CURRENT, KEPT, home_of, spoken
from statuspage.render.notice import Notice, noticed
from statuspage.render.tongue import SOURCE

NAMELESS = "Service"


def say(directory: Path | None, text: str, *, config: Path, data_dir: Path) -> int:
    """Put *text* on every page in *directory*, or (None) where the configuration has the mirror; an empty one takes it away."""
    target = _target(config, data_dir) if directory is None else Target(directory=directory, said=str(directory))
    notice = _noticed(text) if text.strip() else None
    try:
        if target.far is not None:
            data_dir.mkdir(parents=True, exist_ok=True)  # it may be what was lost
        version = put_notice(target.directory, notice, wall_clock(), *_whose(config))
    except OSError as trouble:
        fail(f"nothing is published: {spoken(trouble)}", BAD)
    if version is None:
        fail(f"there is nothing in {target.directory} yet, and no notice to take away", BAD)
    _carry(target, version)
    where = target.directory / CURRENT if target.far is None else target.said
    pages = sum(name.endswith(".html") for name in version.files)
    typer.echo(f"{where} says so on {pages} pages" if notice else f"no notice stands in {where}")
    return GOOD


def _target(config: Path, data_dir: Path) -> Target:
    """Where the configuration has the mirror; without it there is nowhere to speak."""
    try:
        target = target_of(load(config, os.environ).config, data_dir)
    except (ConfigError, OSError) as trouble:
        fail(f"{trouble}\nname the directory in which the mirror stands")
    return fail(NOWHERE) if target is None else target


def _carry(target: Target, version: Version) -> None:
    if target.far is None:
        return
    try:
        asyncio.run(carrying_to(target.far).carry(home_of(target.directory, version), version, keeps=KEPT))
    except OSError as trouble:
        fail(f"it stands in {target.directory / CURRENT}, and could not be carried to {target.said}: {spoken(trouble)}", BAD)


def _noticed(text: str) -> Notice:
    try:
        return noticed(text, wall_clock())
    except ValueError as trouble:
        fail(f"--notice: {trouble}")


def _whose(config: Path) -> tuple[str, str]:
    """Whose page it is, and in which language, where the configuration still tells; nothing else is taken from it."""
    try:
        site = load(config, os.environ).config.site
    except (ConfigError, OSError):
        return NAMELESS, SOURCE
    return site.name, site.language
