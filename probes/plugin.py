"""A program that probes by itself: any of the many check_* of the Nagios family (Monitoring Plugins Development Guidelines).

It is started without a shell, in a session of its own and with next to no surroundings, and it is ended whole: whatever it has started
in that session goes with it, however the probe ends.
"""

import asyncio
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, InstanceOf, WithJsonSchema

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, Line, Secret
from probes.text import excerpt

MOST = 64 * 1024
"""The most that a plugin may print."""
MOST_FACTS = 50
_PARTING = 0.1
"""Seconds that what was killed has to be gone; nothing that a plugin does can put it off, only a kernel that hangs. Well below what
`probes.run` gives a probe that is cancelled: on a busy machine each turn of the loop takes its part of that."""
_SURROUNDINGS = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FIGURE = re.compile(
    r"(?<!\S)(?:'((?:[^']|'')+)'|([^\s='|]+))=(-?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?)(us|ms|s|%|[KMGTP]?B|c)?(?=[;\s]|$)"
)
"""One figure of the performance data: 'label'=value[unit], and up to four numbers more that are limits and not measured."""
_FACTOR = {"us": 1e-6, "ms": 1e-3, "%": 1e-2, "KB": 2.0**10, "MB": 2.0**20, "GB": 2.0**30, "TB": 2.0**40, "PB": 2.0**50}


def _program(path: str) -> str:
    if not PurePosixPath(path).is_absolute():
        raise ValueError("write the whole path of a program; nothing is searched for")
    return path


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if any("\0" in word for word in words):
        raise ValueError("an argument holds no NUL")
    return (_program(words[0]), *words[1:])


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("not the name of an environment variable")
    return name


Word = Annotated[str, Field(max_length=4000)]
Variable = Annotated[str, AfterValidator(_variable)]
Value = Annotated[
    Line | InstanceOf[Secret],
    WithJsonSchema({"description": "A text, or a reference {env: NAME} or {file: PATH}.", "type": ["string", "object"]}),
]


class Settings(BaseModel):
    """What is run: a program by its whole path, and its arguments one by one; no shell reads them. It sees of our environment nothing.

    *env* are its environment variables, beside PATH and LANG. Passwords belong there: arguments are visible to everybody on a machine.
    """

    model_config = CLOSED

    command: Annotated[tuple[Word, ...], Field(min_length=1, max_length=200), AfterValidator(_command)]
    env: Mapping[Variable, Value] = Field(default_factory=dict, max_length=50)


class _Pipe(asyncio.Protocol):
    """What comes out of one end of a program, up to the cap; *overflow* is called past it."""

    def __init__(self, overflow: Callable[[], None]) -> None:
        self.said = bytearray()
        self.is_silent = asyncio.get_running_loop().create_future()
        self._overflow = overflow

    def data_received(self, data: bytes) -> None:
        """Keep what fits."""
        if len(self.said) + len(data) > MOST:
            self._overflow()
        self.said += data[: MOST - len(self.said)]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Note that nothing more will be said."""
        if not self.is_silent.done():
            self.is_silent.set_result(None)


class _Program:
    """A program that has been started. Its group is ended before it is reaped: as long as it lies there, its number is nobody else's."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._is_left = False
        self._transports: list[asyncio.BaseTransport] = []
        self._listening: asyncio.Task[None] | None = None
        self.out, self.complaints = _Pipe(self._flood), _Pipe(self._flood)
        self.has_ended = self._loop.create_future()
        self.is_flooding = False

    @property
    def code(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None before it is reaped."""
        return self._process.returncode

    def watch(self) -> None:
        """Wait for its end from now on. Errors: ProbeFailed with IMPAIRED where no thread can start; then it has been ended."""
        try:
            threading.Thread(target=self._watch, name="plugin", daemon=True).start()
        except RuntimeError as error:
            self._end()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
            raise ProbeFailed(Failure.IMPAIRED, f"the plugin cannot be watched: {error}", stage="run") from error

    async def listen(self) -> None:
        """Read what it says from now on."""
        self._listening = self._loop.create_task(self._connect())
        await asyncio.wait((self._listening,))  # not the task itself: a pipe that is half a transport's would be closed twice, or never
        self._listening.result()

    async def _connect(self) -> None:
        for pipe, source in ((self.out, self._process.stdout), (self.complaints, self._process.stderr)):
            transport, _ = await self._loop.connect_read_pipe(lambda pipe=pipe: pipe, source)  # type: ignore[misc]
            self._transports.append(transport)

    def _flood(self) -> None:
        self.is_flooding = True
        self.kill()

    def _watch(self) -> None:
        """Wait on a thread for the end, without reaping: loops differ in how they wait for children, and in what they let them inherit."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        try:
            self._loop.call_soon_threadsafe(self._end)
        except RuntimeError:  # the loop has ended meanwhile
            self._process.wait()

    def _end(self) -> None:
        """Take along what it left running, which would hold our pipes open."""
        self.kill()
        self._process.wait()
        if not self.has_ended.done():
            self.has_ended.set_result(None)

    def kill(self) -> None:
        """End the whole group, which bears the number of its first process."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it has made itself another's, and is not ours to end
                os.killpg(self._process.pid, signal.SIGKILL)

    async def let_go(self) -> None:
        """Close our ends."""
        if self._listening is not None and not self._listening.done():
            await asyncio.wait((self._listening,))  # a turn or two of the loop, whatever the program does
        for transport in self._transports:
            transport.close()

    def reap(self) -> None:
        """Reap what became our child when its parent died: we may be the first process of a container."""
        with suppress(ChildProcessError):  # the usual case: it was never ours
            while self.has_ended.done() and os.waitpid(-self._process.pid, os.WNOHANG)[0]:
                pass


@asynccontextmanager
async def _started(real: Path, settings: Settings, attempt: Attempt) -> AsyncIterator[_Program]:
    """Start the program at the path *real*; on the way out end what is left of it."""
    program = _Program(_spawned(real, settings.command, _surroundings(settings, attempt)))
    try:
        program.watch()
        await program.listen()
        yield program
    finally:
        program.kill()
        await asyncio.wait((program.has_ended,), timeout=_PARTING)
        await program.let_go()
        program.reap()


def _spawned(real: Path, command: tuple[str, ...], surroundings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the operator's own program, admitted by the door
            command, executable=real, bufsize=0, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=surroundings, cwd="/", start_new_session=True, close_fds=True,
        )  # fmt: skip
    except OSError as error:
        raise ProbeFailed(Failure.IMPAIRED, f"the plugin cannot be started: {error.strerror or error}", stage="run") from error


def _surroundings(settings: Settings, attempt: Attempt) -> dict[str, str]:
    found = dict(_SURROUNDINGS)
    for name, value in settings.env.items():
        found[name] = value.reveal() if isinstance(value, Secret) else value
        if isinstance(value, Secret):
            attempt.conceal(found[name])
    return found


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Run the program, and read its exit code, its words and its figures."""
    real = door.admit(settings.command[0])
    attempt.sent(shlex.join(settings.command))
    with attempt.phase("run"):
        async with _started(real, settings, attempt) as program:
            await asyncio.wait((program.has_ended,))  # not the future itself: whoever is cancelled cancels what he waits for
            await asyncio.wait((program.out.is_silent, program.complaints.is_silent), timeout=_PARTING)
    if program.is_flooding:
        raise ProbeFailed(Failure.IMPAIRED, f"the plugin printed more than {MOST // 1024} KB and was ended", stage="run")
    for line in (*program.out.said.splitlines()[:100], *program.complaints.said.splitlines()[:20]):
        attempt.received(bytes(line))
    for name, value in figures(program.out.said.decode("utf-8", "replace")).items():
        attempt.fact(name, value)
    _judge(program.code, _words(program), attempt)


def _words(program: _Program) -> str:
    """Return the first line for people, up to the performance data; what was complained of where nothing was said."""
    said = program.out.said.strip() or program.complaints.said.strip()
    first = bytes(said[:4000]).partition(b"\n")[0].partition(b"|")[0]
    return first.decode("utf-8", "replace").strip() or "it printed nothing"


def _judge(code: int | None, words: str, attempt: Attempt) -> None:
    """Read the exit code: 0 works, 1 is a warning, 2 has failed; anything else says that the plugin could not tell."""
    match code:
        case 0:
            return
        case 1:
            attempt.warn("plugin_warning", words)
        case 2:
            raise ProbeFailed(Failure.STATUS, words, stage="run")
        case 3:
            raise ProbeFailed(Failure.IMPAIRED, f"the plugin could not tell: {words}", stage="run")
        case _:
            ended = f"was ended by signal {-code}" if code is not None and code < 0 else f"left with {code}, which is no plugin's exit code"
            raise ProbeFailed(Failure.IMPAIRED, f"the plugin {ended}: {excerpt(words.encode())}", stage="run")


def figures(said: str) -> Mapping[str, float]:
    """Read the performance data in what a plugin *said*: at most 50 figures, in base units (seconds, bytes, ratios), by safe names."""
    found: dict[str, float] = {}
    for matched in _FIGURE.finditer(_performance(said)):
        value = float(matched[3]) * _FACTOR.get(matched[4] or "", 1.0)
        found.setdefault(_name(matched[1] or matched[2]), value)
        if len(found) == MOST_FACTS:
            break
    return found


def _performance(said: str) -> str:
    """Return what stands behind the bar in the first line, and from the second bar on to the end."""
    first, _, rest = said.partition("\n")
    return "\n".join(part.partition("|")[2] for part in (first, rest))


def _name(label: str) -> str:
    """Make the name of a fact from a label such as ``/var`` or ``Load 5``; that of the root directory is ``root``."""
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:60]
    if not name:
        return "root" if label == "/" else "value"
    return f"_{name}" if name[0].isdigit() else name


def target(settings: Settings) -> str:
    """The program's own name, and its arguments."""
    return shlex.join((PurePosixPath(settings.command[0]).name, *settings.command[1:]))


def ad_hoc(typed: str) -> Settings:
    """A command line, quoted as for a shell."""
    return Settings(command=tuple(shlex.split(typed)))


KIND = ProbeKind(
    name="plugin", summary="A plugin of the Nagios family finds all well", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc
)
