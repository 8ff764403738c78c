"""What ``demo`` runs once it is known that the mail servers are installed."""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from statuspage import log
from statuspage.app import CannotStart
from statuspage.app import run as run_on_loop
from statuspage.cli.options import fail
from statuspage.config.loading import ConfigError
from statuspage.demo.run import Running, Wishes
from statuspage.demo.run import run as run_demo
from statuspage.demo.run_file import place
from statuspage.store.errors import StoreError

Greet = Callable[[Sequence[tuple[str, str]], Sequence[str]], None]
"""Is given where everything is, and the options with which a command finds what the demo keeps."""


def run(data_dir: Path, *, public_port: int | None, internal_port: int | None, greet: Greet) -> None:
    """Run the demo in *data_dir* until SIGINT or SIGTERM; trouble is said in one line."""
    _log_trouble_alone()
    wishes = Wishes(data_dir=data_dir, run_file=place(os.environ), public_port=public_port, internal_port=internal_port)
    try:
        run_on_loop(run_demo(wishes, started=lambda running: greet(_addresses(running), _options(running)), say=typer.echo))
    except ConfigError as trouble:
        fail("\n".join(str(problem) for problem in trouble.problems))
    except (OSError, CannotStart, StoreError) as trouble:
        fail(str(trouble))


def _log_trouble_alone() -> None:
    """Keep the terminal for what changes; what is wrong with the demo itself still shows."""
    log.set_up()
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own: it warns of each login by a name of its library


def _options(running: Running) -> Sequence[str]:
    return ("--config", str(running.config), "--data-dir", str(running.data_dir))


def _addresses(running: Running) -> list[tuple[str, str]]:
    public = running.public_url.rstrip("/")
    return [
        ("Public page", f"{public}/"),
        ("Console", f"{running.internal_url.rstrip('/')}/   (name: {running.agent}, password: {running.password})"),
        ("Demo page", running.control_url),
        ("RSS", f"{public}/history.rss"),
        ("Atom", f"{public}/history.atom"),
        ("Kept in", str(running.data_dir)),
    ]
