"""The commands ``serve`` and ``reload``."""

import fcntl
import json
import os
import pwd
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from statuspage import log
from statuspage.app import ASKED_FILE, LOCK_FILE, OUTCOME_FILE, CannotStart, Request, Service, run, stand_in
from statuspage.app import serve as run_service
from statuspage.cli.options import BAD, GOOD, fail
from statuspage.config.loading import ConfigError
from statuspage.store.errors import StoreDamaged, StoreError
from statuspage.whereabouts import HUB_FILE

LOOK_EVERY = 0.05
PATIENCE = 20.0
"""Seconds that the service has to say how a reload went."""


def serve(config: Path, data_dir: Path, *, backs_up: bool = True) -> int:
    """Run the service until it is told to end; what keeps it from starting is said in a line each."""
    log.set_up()
    try:
        try:
            run(run_service(config, data_dir, started=_greet, backs_up=backs_up))
        except StoreDamaged as damage:
            run(stand_in(config, data_dir, damage, started=_tell))
            return BAD
    except ConfigError as trouble:
        fail("\n".join(str(problem) for problem in trouble.problems))
    except (CannotStart, StoreError) as trouble:
        fail(str(trouble))
    return GOOD


def _greet(service: Service) -> None:
    _tell(service.public_url, service.internal_url)


def _tell(public_url: str, internal_url: str) -> None:
    typer.echo(f"public page {public_url}/")
    typer.echo(f"console     {internal_url}/")


def reload(data_dir: Path, *, accepts_removals: bool) -> int:
    """Tell the service that runs on *data_dir* to read its configuration again."""
    if not is_running(data_dir):
        fail(f"no service is running on {data_dir}", BAD)
    try:
        with asking("reload", data_dir, accepts_removals=accepts_removals) as asked:
            pid, refused = told_to_reload(asked, data_dir)
    except CannotBeTold as trouble:
        fail(str(trouble), BAD)
    if refused:
        fail("\n".join(refused), BAD)
    typer.echo(f"process {pid} has read its configuration again")
    return GOOD


class CannotBeTold(Exception):
    """The running service was not reached; the message says why."""


@contextmanager
def asking(occasion: str, data_dir: Path, *, accepts_removals: bool) -> Iterator[Request]:
    """Leave word of who asks for what the service takes up meanwhile, and whether it may remove what is in use. Errors: CannotBeTold."""
    asked = Request(id=secrets.token_hex(8), by=_login(), occasion=occasion, accepts_removals=accepts_removals)
    try:
        try:
            asked.leave(data_dir)
        except OSError as trouble:
            raise CannotBeTold(f"the service on {data_dir} cannot be told: {trouble}") from trouble
        yield asked
    finally:
        (data_dir / ASKED_FILE).unlink(missing_ok=True)


def told_to_reload(asked: Request, data_dir: Path) -> tuple[int, list[str]]:
    """Have the service read its configuration again; its process, and line by line why it refused. Errors: CannotBeTold."""
    try:
        pid = int(json.loads((data_dir / HUB_FILE).read_bytes())["pid"])
        os.kill(pid, signal.SIGHUP)
        return pid, _outcome(data_dir / OUTCOME_FILE, asked)
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise CannotBeTold(f"the service on {data_dir} cannot be told: {trouble}") from trouble


def is_running(data_dir: Path) -> bool:
    """Whether a service runs on *data_dir*; without its lock, the process that is named there may be anybody's by now."""
    return is_held(data_dir / LOCK_FILE)


def _login() -> str:
    """Who types: the name of the account, or of who became it by sudo."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"account {os.getuid()}"


def _outcome(path: Path, asked: Request) -> list[str]:
    """Why the hub refused, line by line; empty where it did not. Errors: TimeoutError where it says nothing in time."""
    for _ in range(int(PATIENCE / LOOK_EVERY)):
        if path.exists() and (said := path.read_bytes()) and (answer := json.loads(said))["id"] == asked.id:
            return [str(reason) for reason in answer["refused"]]
        time.sleep(LOOK_EVERY)
    raise TimeoutError(f"it has not answered within {PATIENCE:.0f} s")


def is_held(path: Path) -> bool:
    """Whether a service holds the lock at *path*."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
