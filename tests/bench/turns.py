"""Each side of a comparison in a process of its own, one after the other, under a deadline."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

DEADLINE = 300.0
PARTING = 10.0


def figure(module: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the side prints as JSON
    """Run ``python -m tests.bench.MODULE`` to its end and return what it prints. Errors: RuntimeError with what it complained of."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


@contextmanager
def server(module: str, *arguments: object) -> Iterator[tuple[Any, int]]:
    """Run ``python -m tests.bench.MODULE`` beside us, which prints as JSON where it listens; yields that and the process's id."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            yield json.loads(said), process.pid
        finally:
            ended(process)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What there is to probe: the ports by kind, the authority that signed the certificate, a directory that goes away with it."""

    ports: Mapping[str, int]
    ca: str
    directory: Path


@contextmanager
def targets() -> Iterator[Targets]:
    """Run something to probe in each kind, as a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        authority, directory = trustme.CA(key_type=trustme.KeyType.ECDSA), Path(name)
        ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(ca)
        authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).private_key_and_cert_chain_pem.write_to_path(
            directory / "cert.pem"
        )
        with server("targets", directory) as (ports, _):
            yield Targets(ports=ports, ca=str(ca), directory=directory)


def ended(process: "subprocess.Popen[str]") -> None:
    """End a process that we started, politely at first."""
    process.terminate()
    try:
        process.wait(PARTING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PARTING)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used, all its threads together, to the nanosecond (Linux: clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)
