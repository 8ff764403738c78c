"""The commands ``serve`` and ``reload``."""

import fcntl
import json
import os
import signal
import time
from pathlib import Path

import typer

from statuspage import log
from statuspage.app import ACCEPTED_FILE, HUB_FILE, LOCK_FILE, OUTCOME_FILE, CannotStart, Service, run
from statuspage.app import serve as run_service
from statuspage.cli.options import BAD, GOOD, fail
from statuspage.config.loading import ConfigError
from statuspage.store.errors import StoreError

LOOK_EVERY = 0.05
PATIENCE = 20.0
"""Seconds that the service has to say how a reload went."""


def serve(config: Path, data_dir: Path, *, backs_up: bool = True) -> int:
    """Run the service until it is told to end; what keeps it from starting is said in a line each."""
    log.set_up()
    try:
        run(run_service(config, data_dir, started=_greet, backs_up=backs_up))
    except ConfigError as trouble:
        fail("\n".join(str(problem) for problem in trouble.problems))
    except (CannotStart, StoreError) as trouble:
        fail(str(trouble))
    return GOOD


def _greet(service: Service) -> None:
    typer.echo(f"public page {service.public_url}/")
    typer.echo(f"console     {service.internal_url}/")


def reload(data_dir: Path, *, accepts_removals: bool) -> int:
    """Tell the service that runs on *data_dir* to read its configuration again."""
    path = data_dir / HUB_FILE
    if not is_held(data_dir / LOCK_FILE):  # without its lock, the process that the file names may be anybody's by now
        fail(f"no service is running on {data_dir}", BAD)
    try:
        if accepts_removals:
            (data_dir / ACCEPTED_FILE).touch(mode=0o600)
        pid = int(json.loads(path.read_bytes())["pid"])
        outcome = data_dir / OUTCOME_FILE
        outcome.unlink(missing_ok=True)
        os.kill(pid, signal.SIGHUP)
        refused = _outcome(outcome)
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        fail(f"the service on {data_dir} cannot be told: {trouble}", BAD)
    finally:
        (data_dir / ACCEPTED_FILE).unlink(missing_ok=True)
    if refused:
        fail("\n".join(refused), BAD)
    typer.echo(f"process {pid} has read its configuration again")
    return GOOD


def _outcome(path: Path) -> list[str]:
    """Why the hub refused, line by line; empty where it did not. Errors: TimeoutError where it says nothing in time."""
    for _ in range(int(PATIENCE / LOOK_EVERY)):
        if path.exists() and (said := path.read_bytes()):
            return [str(reason) for reason in json.loads(said)["refused"]]
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
