"""The names and options of ``statuspage import``; as in ``main``, what a command does is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption

imports = typer.Typer(help="Take over from another product.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="As the other product wrote it.")]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A new file for the configuration; else it is printed.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Write nothing; only say what would be imported.")]


@imports.command("statuspage")
def statuspage(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of a page that answers as Atlassian Statuspage does.")],
    *,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="THEIR=OURS", help="Their component, by id or name, and our service's id; repeatable."),
    ] = None,
    config_out: Annotated[
        Path | None, typer.Option("--config-out", metavar="FILE", help="Also write their components as services into a new file.")
    ] = None,
    is_dry: DryOption = False,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Whom the audit names; else who is logged in on this machine.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Keep the past of another page: incidents and planned work that are over, with all that was said of them."""
    from statuspage.cli.importing import history as commands
    from statuspage.cli.maintenance import Desk

    wanted = commands.Wanted(url=url, pairs=pairs or (), config_out=config_out, is_dry=is_dry, wants_json=wants_json)
    raise typer.Exit(commands.bring(Desk(config=config, data_dir=data_dir, by=by), wanted))


@imports.command("uptime-kuma")
def uptime_kuma(file: FileArgument, *, out: OutOption = None, is_dry: DryOption = False, wants_json: JsonOption = False) -> None:
    """Make a configuration of Uptime Kuma's backup (JSON, version 1) or of its database (kuma.db, versions 1.23 and 2)."""
    from statuspage.cli.importing import kuma
    from statuspage.cli.importing.configurations import convert

    raise typer.Exit(convert(file, kuma.draft, out=out, is_dry=is_dry, wants_json=wants_json))


@imports.command("gatus")
def gatus(file: FileArgument, *, out: OutOption = None, is_dry: DryOption = False, wants_json: JsonOption = False) -> None:
    """Make a configuration of Gatus's (config.yaml)."""
    from statuspage.cli.importing import gatus
    from statuspage.cli.importing.configurations import convert

    raise typer.Exit(convert(file, gatus.draft, out=out, is_dry=is_dry, wants_json=wants_json))
