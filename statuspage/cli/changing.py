"""The names and options of ``config``: the versions of the configuration, and the way back to one of them."""

from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption

versions = typer.Typer(help="Versions of the configuration: what changed, when, by whom; and the way back.", no_args_is_help=True)


@versions.command("diff")
def diff(
    before: Annotated[int | None, typer.Argument(metavar="[A]", min=1, help="A version; else the one in use.")] = None,
    after: Annotated[int | None, typer.Argument(metavar="[B]", min=1, help="Another version; else the file as it is now.")] = None,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Say what one configuration says otherwise than another, in words."""
    from statuspage.cli import versions as commands

    raise typer.Exit(commands.diff(before, after, config=config, data_dir=data_dir, wants_json=wants_json))


@versions.command("history")
def history(
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="20", help="How many versions, the newest first.")] = 20,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """List the versions that were in use: since when, by whom, on what occasion, and what each changed."""
    from statuspage.cli import versions as commands

    raise typer.Exit(commands.history(limit=limit, config=config, data_dir=data_dir, wants_json=wants_json))


@versions.command("rollback")
def rollback(
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="As `config history` lists it.")],
    *,
    accept_removals: Annotated[
        bool, typer.Option("--accept-removals", help="Also where this removes a service, or a monitor with an open incident.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Have the file say again what it said in a version, keep what it says now beside it, and have a running service take it up."""
    from statuspage.cli import versions as commands

    raise typer.Exit(commands.rollback(version, accepts_removals=accept_removals, config=config, data_dir=data_dir))
