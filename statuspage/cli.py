"""The command line: one command per thing that a person does with the service."""

from importlib.metadata import version
from typing import Annotated

import typer

app = typer.Typer(name="statuspage", no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(is_wanted: bool) -> None:  # noqa: FBT001 - typer hands an option's value to its callback by position
    if is_wanted:
        typer.echo(version("statuspage-service"))
        raise typer.Exit


@app.callback()
def statuspage(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Watch services, open incidents, and tell people on a public status page."""


def main() -> None:
    """Run the command line; the exit code is 0 for good, 1 where the thing asked about is bad, 2 for usage or configuration."""
    app()
