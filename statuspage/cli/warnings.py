"""The names and options of ``statuspage advisories``; as in ``main``, what a command does is imported when it runs."""

from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption
from statuspage.cli.windows import ByOption, EndOption, StartOption

advisories = typer.Typer(help="Warnings without an outage, and notices.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of an advisory.")]
BodyOption = Annotated[str, typer.Option("--body", metavar="TEXT", help="What customers are told.")]


@advisories.command("list")
def list_advisories(
    *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR, wants_json: JsonOption = False
) -> None:
    """List what is warned of, and what was warned of last."""
    from statuspage.cli import advisories as commands

    raise typer.Exit(commands.list_advisories(config=config, data_dir=data_dir, wants_json=wants_json))


@advisories.command("publish")
def publish(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called in public.")],
    *,
    service: Annotated[
        list[str] | None, typer.Option("--service", metavar="ID", help="What it may hit; repeatable. None: a notice.")
    ] = None,
    starts: StartOption = None,
    ends: EndOption = None,
    body: BodyOption,
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Publish an advisory from now on, or from --starts, and print its id, alone. Without --ends it holds until it is withdrawn."""
    from statuspage.cli import advisories as commands
    from statuspage.cli.maintenance import Desk

    desk = Desk(config=config, data_dir=data_dir, by=by)
    raise typer.Exit(commands.publish(desk, name, service or (), starts=starts, ends=ends, body=body))


@advisories.command("update")
def update(
    id: IdArgument,
    *,
    body: BodyOption,
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Tell customers more of an advisory."""
    from statuspage.cli import advisories as commands
    from statuspage.cli.maintenance import Desk

    raise typer.Exit(commands.update(Desk(config=config, data_dir=data_dir, by=by), id, body=body))


@advisories.command("withdraw")
def withdraw(
    id: IdArgument,
    *,
    body: BodyOption = "",
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Say that an advisory holds no longer."""
    from statuspage.cli import advisories as commands
    from statuspage.cli.maintenance import Desk

    raise typer.Exit(commands.withdraw(Desk(config=config, data_dir=data_dir, by=by), id, body=body))
