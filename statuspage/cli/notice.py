"""The command ``publish --notice``: words on every page of a mirror, when nothing else works. It needs neither store nor network."""

import os
from pathlib import Path

import typer

from statuspage.cli.options import BAD, GOOD, fail
from statuspage.clock import wall_clock
from statuspage.config.loading import ConfigError, load
from statuspage.mirror.notice import put_notice
from statuspage.mirror.versions import CURRENT, spoken
from statuspage.render.notice import Notice, noticed
from statuspage.render.tongue import SOURCE

NAMELESS = "Service"


def say(directory: Path, text: str, *, config: Path) -> int:
    """Put *text* on every page in *directory*; an empty one takes away what stands there."""
    notice = _noticed(text) if text.strip() else None
    try:
        version = put_notice(directory, notice, wall_clock(), *_whose(config))
    except OSError as trouble:
        fail(f"nothing is published: {spoken(trouble)}", BAD)
    if version is None:
        fail(f"there is nothing in {directory} yet, and no notice to take away", BAD)
    pages = sum(name.endswith(".html") for name in version.files)
    typer.echo(f"{directory / CURRENT} says so on {pages} pages" if notice else f"no notice stands in {directory / CURRENT}")
    return GOOD


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
