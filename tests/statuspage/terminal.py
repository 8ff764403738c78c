"""A terminal for the tests: the command line as a process of its own."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "statuspage")


@dataclass(frozen=True, kw_only=True)
class Ended:
    code: int
    out: str
    err: str


async def statuspage(*words: str, here: Path, typed: str = "", environ: Mapping[str, str] | None = None) -> Ended:
    """Run ``statuspage`` with *words* in the directory *here*; a traceback is never an answer."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **(environ or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(typed.encode())
    assert process.returncode is not None
    ended = Ended(code=process.returncode, out=out.decode(), err=err.decode())
    assert "Traceback" not in ended.err, ended.err
    return ended


def configured(directory: Path, monitors: str = "") -> Path:
    """Write a small configuration into *directory* under its default name, listening on free ports."""
    path = directory / "statuspage.yaml"
    head = "site: {name: Example, url: http://127.0.0.1:1}\nlisten: {public: '127.0.0.1:0', internal: '127.0.0.1:0'}\n"
    path.write_text(f"{head}monitors:\n{monitors}" if monitors else head)
    return path
