"""The names and options of ``statuspage maintenance``; as in ``main``, what a command does is imported when it runs."""

from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption

maintenance = typer.Typer(help="Planned work.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of a window; the configuration's key means its next one.")]
SaidOption = Annotated[str, typer.Option("--body", metavar="TEXT", help="What customers are told of it.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Whom the audit names; else who is logged in on this machine.")]
OverrideOption = Annotated[
    str | None, typer.Option("--override", metavar="REASON", help="Pass over notice and business hours; the reason is kept.")
]
StartOption = Annotated[str | None, typer.Option("--starts", metavar="INSTANT", help="Such as 2026-12-01T22:00Z.")]
EndOption = Annotated[str | None, typer.Option("--ends", metavar="INSTANT", help="Such as 2026-12-01T23:30Z.")]


@maintenance.command("list")
def list_windows(
    *,
    since: Annotated[str | None, typer.Option("--since", metavar="INSTANT", help="Else now.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="INSTANT", help="Else thirty days after that.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """List the windows that meet a span, each occurrence of those that come again among them."""
    from statuspage.cli import maintenance as commands

    raise typer.Exit(commands.list_windows(since, until, config=config, data_dir=data_dir, wants_json=wants_json))


@maintenance.command("plan")
def plan(  # noqa: PLR0913 - one for each option
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called in public.")],
    *,
    service: Annotated[list[str], typer.Option("--service", metavar="ID", help="For whom it is announced; repeatable.")],
    component: Annotated[
        list[str] | None, typer.Option("--component", metavar="ID", help="What is worked on; repeatable. Else all that the services need.")
    ] = None,
    starts: Annotated[str, typer.Option("--starts", metavar="INSTANT", help="Such as 2026-12-01T22:00Z.")],
    ends: Annotated[str, typer.Option("--ends", metavar="INSTANT", help="Such as 2026-12-01T23:30Z.")],
    body: SaidOption,
    override: OverrideOption = None,
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Plan a window and print its id, alone."""
    from statuspage.cli import maintenance as commands

    desk = commands.Desk(config=config, data_dir=data_dir, by=by, override=override)
    wish = commands.wish(name, service, component or (), starts=starts, ends=ends, body=body)
    raise typer.Exit(commands.plan(desk, wish))


@maintenance.command("reschedule")
def reschedule(
    id: IdArgument,
    *,
    starts: StartOption = None,
    ends: EndOption = None,
    body: SaidOption = "",
    override: OverrideOption = None,
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Give a window other times; one that is moved keeps its length."""
    from statuspage.cli import maintenance as commands

    desk = commands.Desk(config=config, data_dir=data_dir, by=by, override=override)
    raise typer.Exit(commands.reschedule(desk, id, starts=starts, ends=ends, body=body))


@maintenance.command("extend")
def extend(
    id: IdArgument,
    *,
    ends: Annotated[str, typer.Option("--ends", metavar="INSTANT", help="Such as 2026-12-01T23:30Z.")],
    body: SaidOption = "",
    override: OverrideOption = None,
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Let a window end later."""
    from statuspage.cli import maintenance as commands

    desk = commands.Desk(config=config, data_dir=data_dir, by=by, override=override)
    raise typer.Exit(commands.extend(desk, id, ends=ends, body=body))


@maintenance.command("finish")
def finish(
    id: IdArgument,
    *,
    body: SaidOption = "",
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """End the work now."""
    from statuspage.cli import maintenance as commands

    raise typer.Exit(commands.finish(commands.Desk(config=config, data_dir=data_dir, by=by), id, body=body))


@maintenance.command("cancel")
def cancel(
    id: IdArgument,
    *,
    body: SaidOption = "",
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Let the work not take place."""
    from statuspage.cli import maintenance as commands

    raise typer.Exit(commands.cancel(commands.Desk(config=config, data_dir=data_dir, by=by), id, body=body))


@maintenance.command("approve")
def approve(
    id: IdArgument,
    *,
    override: OverrideOption = None,
    by: ByOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Agree to a window that waits for it, as another person than the one who planned it."""
    from statuspage.cli import maintenance as commands

    desk = commands.Desk(config=config, data_dir=data_dir, by=by, override=override)
    raise typer.Exit(commands.approve(desk, id))
