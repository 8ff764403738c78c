"""Each side of a comparison in a process of its own, one after the other, under a deadline."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DEADLINE = 120.0
PARTING = 10.0


def figure(module: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever the side prints as JSON
    """Run ``python -m tests.bench.MODULE`` to its end and return what it prints. Errors: RuntimeError with what it complained of."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


@contextmanager
def server(module: str, *arguments: object) -> Iterator[tuple[int, int]]:
    """Run ``python -m tests.bench.MODULE`` beside us, which prints the port it listens on; yields that and the process's id."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            yield int(said), process.pid
        finally:
            ended(process)


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
