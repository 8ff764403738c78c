"""The command ``publish``: the public face as files in a directory."""

from pathlib import Path

import typer

from statuspage import app
from statuspage.cli.config import load
from statuspage.cli.instants import spoken
from statuspage.cli.options import BAD, GOOD, NOWHERE, fail
from statuspage.clock import wall_clock
from statuspage.mirror.once import publish_once
from statuspage.mirror.target import Target, target_of
from statuspage.mirror.versions import CURRENT
from statuspage.mirror.versions import spoken as saying
from statuspage.store.errors import StoreError


def publish(directory: Path | None, *, config: Path, data_dir: Path) -> int:
    """Write all that is public to *directory*, or (None) to where the configuration has the mirror, as the store knows it."""
    loaded = load(config)
    target = target_of(loaded.config, data_dir) if directory is None else Target(directory=directory, said=str(directory))
    if target is None:
        fail(NOWHERE)
    try:
        as_of = app.run(publish_once(loaded, data_dir, target, wall_clock))
    except StoreError as trouble:
        fail(f"{trouble} What stands in {target.said} stays as it is; to say something there without the store, use --notice.", BAD)
    except OSError as trouble:
        fail(f"nothing is published: {saying(trouble)}", BAD)
    typer.echo(f"{target.directory / CURRENT if target.far is None else target.said} is as of {spoken(as_of)} UTC")
    return GOOD
