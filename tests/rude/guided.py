"""Fuzzing that learns: atheris watches which lines a server's words reach, and goes on from there.

``python -m tests.rude.guided SECONDS [KIND]``, for every kind in turn where none is named; it ends well where nothing that a server
says crashes a probe. It needs the dependency group ``soak``.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import atheris
from pydantic import BaseModel

with atheris.instrument_imports(include=["probes"]):
    from probes.catalog import KINDS
    from probes.result import Failure
    from probes.run import run
from tests.rude.examples import EXAMPLES
from tests.rude.fed import FedDoor, Word
from tests.rude.words import FRAMES, WORDS

_MOST = 4096


def one(seconds: int, kind: str) -> None:
    """Fuzz one kind for so many seconds. A finding is printed with the bytes that led to it, and ends the process badly."""
    examples = [KINDS[kind].settings.model_validate(example) for example in EXAMPLES[kind](9)]
    frame = FRAMES.get(kind, lambda _, said: said)
    runner = asyncio.Runner()

    def conversation(octets: bytes) -> None:
        provider = atheris.FuzzedDataProvider(octets)
        given: BaseModel = examples[provider.ConsumeIntInRange(0, len(examples) - 1)]
        door = FedDoor(_said(kind, provider), frame)
        result = runner.run(run(KINDS[kind], given, door=door, timeout=0.3, started=datetime(2026, 3, 2, 8, 0, tzinfo=UTC)))
        if result.failure is Failure.CRASHED or not result.detail.isprintable():
            raise RuntimeError(str(result))

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", f"-max_len={_MOST}", "-rss_limit_mb=512", "-timeout=5"], conversation)
    atheris.Fuzz()


def every(seconds: int) -> None:
    """Fuzz each kind in a process of its own, with a place of its own for what it finds."""
    for kind in WORDS.keys() & {name for name, kind in KINDS.items() if kind.measure is not None}:
        with tempfile.TemporaryDirectory() as place:
            command = [sys.executable, "-m", "tests.rude.guided", str(seconds), kind]
            environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
            done = subprocess.run(command, cwd=place, env=environ, check=False, capture_output=True, text=True, timeout=seconds + 120)
        if done.returncode:
            sys.exit(f"{kind}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        print(f"{kind}: {next((line for line in done.stderr.splitlines() if line.startswith('Done ')), 'done')}", flush=True)


def _said(kind: str, provider: atheris.FuzzedDataProvider) -> list[Word]:
    """Turn fuzzed bytes into answers: known beginnings and free bytes, in any order."""
    said: list[Word] = []
    while provider.remaining_bytes() and len(said) < 12:
        is_framed, parts = provider.ConsumeBool(), b""
        for _ in range(provider.ConsumeIntInRange(0, 8)):
            known = provider.ConsumeIntInRange(0, len(WORDS[kind]))
            parts += WORDS[kind][known] if known < len(WORDS[kind]) else provider.ConsumeBytes(provider.ConsumeIntInRange(0, 40))
        said.append((is_framed, parts))
    return said


if __name__ == "__main__":
    match sys.argv[1:]:
        case [seconds]:
            every(int(seconds))
        case [seconds, kind]:
            one(int(seconds), kind)
        case _:
            sys.exit(__doc__)
