"""What the commands have in common: their options, how they end with an error, and how they print rows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

GOOD, BAD, MISUSED = 0, 1, 2
"""Exit codes: all is good; the thing asked about is bad; usage or configuration is."""

DEFAULT_CONFIG, DEFAULT_DATA_DIR = Path("statuspage.yaml"), Path("data")

NOWHERE = "name a directory, or write mirror: {to: …} into the configuration"
"""What is said where nobody says whither the mirror is to be written."""

ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration: a YAML file, or a directory of them.")]
DataDirOption = Annotated[Path, typer.Option("--data-dir", metavar="DIR", help="Where the service keeps what it knows.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def without_types_of_flags(command: Any) -> None:  # noqa: ANN401 - typer's own class is private
    """Have the help of *command*, and of all under it, show no type where there is nothing to type: ``--json``, not ``--json <bool>``."""
    with typer.Context(command) as context:
        help_option = command.get_help_option(context)
    for option in (*command.params, help_option):
        if getattr(option, "is_flag", False) and getattr(option, "metavar", None) is None:
            option.metavar = ""
    for one in getattr(command, "commands", {}).values():
        without_types_of_flags(one)


def fail(message: str, code: int = MISUSED) -> NoReturn:
    """Say *message* on standard error and leave with *code*."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def print_json(value: object) -> None:
    """Print *value* as indented JSON; what JSON cannot say is printed as text."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_rows(heads: Sequence[str], rows: Sequence[Sequence[str]], *, if_none: str) -> None:
    """Print *rows* under *heads* in columns, or *if_none* where there are none."""
    if not rows:
        typer.echo(if_none)
        return
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for cells in (heads, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
