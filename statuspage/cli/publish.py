"""The command ``publish``: the public face as files in a directory."""

from pathlib import Path

import typer

from statuspage import app
from statuspage.cli.config import load
from statuspage.cli.instants import spoken
from statuspage.cli.options import BAD, GOOD, fail
from statuspage.clock import wall_clock
from statuspage.mirror.once import publish_once
from statuspage.mirror.versions import CURRENT
from statuspage.mirror.versions import spoken as saying
from statuspage.store.errors import StoreError


def publish(directory: Path, *, config: Path, data_dir: Path) -> int:
    """Write all that is public to *directory*, as the store knows it."""
    loaded = load(config)
    try:
        as_of = app.run(publish_once(loaded, data_dir, directory, wall_clock))
    except StoreError as trouble:
        fail(f"{trouble} What stands in {directory} stays as it is; to say something there without the store, use --notice.", BAD)
    except OSError as trouble:
        fail(f"nothing is published: {saying(trouble)}", BAD)
    typer.echo(f"{directory / CURRENT} is as of {spoken(as_of)} UTC")
    return GOOD
