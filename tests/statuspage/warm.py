"""A command line that need not be loaded anew for each command: a process that has it at hand forks for each.

Importing costs a second of a core, which a test run would pay some hundred times. What a command does it does in a process of its own all
the same. Run as a program, this is that process; it ends with whoever has started it.
"""

import array
import asyncio
import atexit
import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO

from statuspage import cli

_MOST = 1 << 18
"""Bytes of one question: words and environment."""

# --- whoever asks -------------------------------------------------------------------------------------------------------------


class Process:
    """A program under way; it is killed where nobody holds this any more."""

    def __init__(self, way: socket.socket) -> None:
        self._way = way
        self.pid = int(way.recv(16))
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        if self._code is None and select.select([self._way], [], [], 0)[0]:
            self._code = int(self._way.recv(16))
        return self._code

    def send_signal(self, number: int) -> None:
        """Signal it, where it runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def end(self) -> int:
        """Wait for its end; gives its exit code. Errors: TimeoutError."""
        if self._code is None:
            self._code = int(self._way.recv(16))
        self._way.close()
        return self._code

    async def wait(self) -> int:
        """The same, off the loop."""
        return await asyncio.to_thread(self.end)


def start(module: str, words: Sequence[str], here: Path, environ: Mapping[str, str], files: Sequence[IO[bytes]]) -> Process:
    """Start ``python -m module`` with *words*, in the directory *here*, with *files* as its three standard files."""
    way = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    way.settimeout(60)
    way.connect(_started())
    asked = json.dumps({"module": module, "words": list(words), "here": str(here), "environ": dict(environ)}).encode()
    way.sendmsg([asked], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno() for file in files]))])
    return Process(way)


@cache
def _started() -> str:
    """Start the process that waits; gives the address at which it listens."""
    directory = tempfile.mkdtemp(prefix="warm-")
    address = f"{directory}/way"
    process = subprocess.Popen([sys.executable, "-m", __name__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.stdin is None or process.stdout is None or not process.stdout.readline():
        raise RuntimeError("the command line cannot be loaded")
    atexit.register(_end, process, Path(address))
    return address


def _end(process: subprocess.Popen[bytes], address: Path) -> None:
    process.communicate()
    address.unlink()
    address.parent.rmdir()


# --- the process that waits ---------------------------------------------------------------------------------------------------


def _load() -> None:
    for module in pkgutil.walk_packages(cli.__path__, f"{cli.__name__}."):
        import_module(module.name)
    gc.collect()
    gc.freeze()  # what is shared stays shared


def _wait(address: str) -> None:
    """Answer until whoever has started us lets go of our input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who tell the codes
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(address)
        door.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            way, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _tell(way)
            way.close()


def _tell(way: socket.socket) -> None:
    """Run one command and say its exit code; end it where nobody waits for that any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked, files, _, _ = socket.recv_fds(way, _MOST, 3)
    process = os.fork()
    if process == 0:
        way.close()
        _become(json.loads(asked), files)
    way.send(str(process).encode())
    ended = os.pidfd_open(process)
    if way.fileno() in select.select([ended, way.fileno()], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(BrokenPipeError):
        way.send(str(code).encode())
    os._exit(0)


def _become(asked: Mapping[str, object], files: Sequence[int]) -> None:
    """Be the command that was asked for, as if Python had just started."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(str(asked["here"]))
    os.environ.clear()
    os.environ.update(asked["environ"])  # type: ignore[call-overload]
    time.tzset()
    module, sys.argv = str(asked["module"]), [str(asked["module"]), *asked["words"]]  # type: ignore[misc]
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - as Python itself does
    code: object = None
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as Python itself does
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        if isinstance(code, str):
            print(code, file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _load()
    _wait(sys.argv[1])
