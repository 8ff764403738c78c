"""The names and options of ``statuspage backup`` and ``statuspage restore``; what they do is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption

commands = typer.Typer()


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What is written, at once or not at all; one that is there is replaced.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Write store, configuration and keys into one file, beside a running service. Secrets stay references."""
    from statuspage.cli import backup as commands

    raise typer.Exit(commands.backup(file, config=config, data_dir=data_dir, wants_json=wants_json))


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `statuspage backup` wrote.")],
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Where the configuration is put, unless it is there; else here, by its name."),
    ] = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    replace: Annotated[bool, typer.Option("--replace", help="Also where DIR is in use: what lies there is put aside, in DIR.")] = False,
    wants_json: JsonOption = False,
) -> None:
    """Put a backup back, with the service stopped, and name the secrets that have to be supplied."""
    from statuspage.cli import backup as commands

    raise typer.Exit(commands.restore(file, config=config, data_dir=data_dir, replaces=replace, wants_json=wants_json))
