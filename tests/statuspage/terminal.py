"""A terminal for the tests: the command line as a process of its own."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.statuspage import warm

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "statuspage")


@dataclass(frozen=True, kw_only=True)
class Ended:
    code: int
    out: str
    err: str


async def statuspage(*words: str, here: Path, typed: str = "", environ: Mapping[str, str] | None = None) -> Ended:
    """Run ``statuspage`` with *words* in the directory *here*; a traceback is never an answer."""
    surroundings = {**os.environ, "PYTHONPATH": str(CHECKOUT), **(environ or {})}
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(typed.encode())
        given.seek(0)
        files = (given, out, err)
        if _is_another_python(environ or {}):
            code = await asyncio.to_thread(_anew, words, here, surroundings, files)
        else:
            code = await warm.start("statuspage", words, here, surroundings, files).wait()
        for told in (out, err):
            told.seek(0)
        ended = Ended(code=code, out=out.read().decode(), err=err.read().decode())
    assert "Traceback" not in ended.err, ended.err
    return ended


def _is_another_python(environ: Mapping[str, str]) -> bool:
    return any(name.startswith(("PYTHON", "LANG", "LC_")) for name in environ)


def _anew(words: Sequence[str], here: Path, environ: Mapping[str, str], files: Sequence[IO[bytes]]) -> int:
    given, out, err = files
    return subprocess.run(
        (*COMMAND, *words), cwd=here, env=environ, stdin=given, stdout=out, stderr=err, timeout=60, check=False
    ).returncode


def configured(directory: Path, monitors: str = "") -> Path:
    """Write a small configuration into *directory* under its default name, listening on free ports."""
    path = directory / "statuspage.yaml"
    head = "site: {name: Example, url: http://127.0.0.1:1}\nlisten: {public: '127.0.0.1:0', internal: '127.0.0.1:0'}\n"
    path.write_text(f"{head}monitors:\n{monitors}" if monitors else head)
    return path
