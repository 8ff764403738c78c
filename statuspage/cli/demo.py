"""The command ``demo``: a small company of real servers under watch, and the second terminal that breaks and mends them."""

import importlib.util
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.demo import remote
from statuspage.demo.remote import Declined, Seen
from statuspage.demo.run_file import NoDemo, place

_NEEDED = ("aiosmtpd", "pymap")


def run(*, data_dir: Path | None, public_port: int | None, internal_port: int | None) -> int:
    """Run the demo until it is ended."""
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        fail("the demo needs its mail servers: pip install 'statuspage-service[demo]'")
    from statuspage.cli.demo_run import run as run_demo  # noqa: PLC0415 - imports the mail servers, which may be missing

    with _directory(data_dir) as directory:
        run_demo(directory, public_port=public_port, internal_port=internal_port, greet=_greet)
    typer.echo("the demo has ended")
    return GOOD


@contextmanager
def _directory(wanted: Path | None) -> Iterator[Path]:
    """Give the directory to keep things in: *wanted*, or one that is gone afterwards."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="statuspage-demo-") as made:
            yield Path(made)
        return
    try:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            pass
    except OSError as trouble:
        fail(f"{wanted} cannot be written to: {trouble.strerror}")
    yield wanted


def _greet(addresses: Sequence[tuple[str, str]], options: Sequence[str]) -> None:
    """Say where everything is and what can be typed, in a frame where there is a terminal; *options* lead to what the demo keeps."""
    command, kept = _spelling(), shlex.join(options)
    width = max(len(name) for name, _ in addresses)
    lines = [
        *(f"{name:<{width}}  {where}" for name, where in addresses),
        "",
        "Break something, from a second terminal or on the demo page:",
        f"  {command} demo break outgoing-mail",
        f"  {command} demo break portal --mode slow",
        f"  {command} demo mend outgoing-mail",
        f"  {command} demo status",
        "",
        "Look behind the page; an incident's id ends the address of its page:",
        f"  {command} explain INCIDENT {kept}",
        f"  {command} report availability {kept}",
        f"  {command} page {kept}",
        "",
        "Ctrl-C ends it.",
    ]
    if sys.stdout.isatty():
        Console().print(Panel(Text("\n".join(lines), overflow="fold"), title="statuspage demo", expand=False))
    else:
        typer.echo("\n".join(lines))


def _spelling() -> str:
    """Spell this command so that it works when typed here."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(_short(Path(sys.executable)))} -m statuspage"
    found = shutil.which(started.name)
    if found is not None and Path(found).resolve() == started.resolve():
        return started.name
    return shlex.quote(_short(started))


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def status(*, wants_json: bool) -> int:
    """Print how the running demo's servers stand."""
    return _print(_asked(remote.state), wants_json=wants_json)


def break_(what: str, mode: str | None, *, wants_json: bool) -> int:
    """Break a server of the running demo."""
    return _print(_asked(lambda path: remote.break_(path, what, mode)), wants_json=wants_json)


def mend(what: str, *, wants_json: bool) -> int:
    """Mend a server of the running demo, or all."""
    return _print(_asked(lambda path: remote.mend(path, what)), wants_json=wants_json)


def _asked(ask: Callable[[Path], tuple[Seen, ...]]) -> tuple[Seen, ...]:
    try:
        return ask(place(os.environ))
    except NoDemo as absence:
        fail(str(absence), BAD)
    except Declined as refusal:
        fail(str(refusal))


def _print(servers: tuple[Seen, ...], *, wants_json: bool) -> int:
    if wants_json:
        rows = [{"name": one.name, "address": one.address, "mode": one.mode, "modes": one.modes} for one in servers]
        print_json({"items": rows})
    else:
        cells = [(one.name, one.mode or "works", one.address, ", ".join(one.modes)) for one in servers]
        print_rows(("SERVER", "STATE", "ADDRESS", "CAN BE"), cells, if_none="the company is empty")
    return GOOD
