"""Run one probe: the only timeout, the only timer, and the only map from exception to failure."""

import asyncio
import errno
import logging
import os
import socket
import ssl
import time
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from probes.attempt import Attempt, Listener, ProbeFailed
from probes.datagrams import TURNED_AWAY
from probes.deadlines import Deadlines
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult

S = TypeVar("S", bound=BaseModel)

_log = logging.getLogger(__name__)

_GRACE = 0.18
"""Seconds that a cancelled probe has to let go before it is abandoned."""
_STALLED = 1.0
"""A timer this many seconds late says that our loop stood still, so the timeout is no evidence about the target."""
_EXPIRED = frozenset({9, 10})
"""OpenSSL's verify codes: certificate not yet valid, certificate has expired."""
_WRONG_HOST = frozenset({62, 64})
"""OpenSSL's verify codes: host name mismatch, IP address mismatch."""
_WEAK = frozenset({66, 67, 68})
"""OpenSSL's verify codes: the server's key too small, an authority's key too small, an authority's digest too weak."""
_TOO_WEAK = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "DH_KEY_TOO_SMALL", "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED"}
)
"""OpenSSL's reasons for which a handshake ends because the peer cannot do better, or we would not do worse."""
_OURS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENETDOWN,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.EPERM,
        errno.EAFNOSUPPORT,
    }
)
"""Errors that the kernel raises about this machine: no descriptor, no memory, no local port, a firewall of our own."""
_OUR_SIDE = frozenset({Failure.AUTH_REJECTED, Failure.BLOCKED, Failure.IMPAIRED, Failure.CRASHED})


async def run(
    kind: ProbeKind[S], settings: S, *, door: Door, timeout: float, listener: Listener | None = None, started: datetime | None = None
) -> ProbeResult:
    """Measure once, and return what was found within *timeout* seconds + 250 ms, whatever the target or the kind does.

    *started* is the present instant by the wall clock (aware, UTC), for kinds that compare dates and clocks (``attempt.now``). Never
    raises but CancelledError. What was learned before a failure is kept. An exception that nobody expected is CRASHED and logged with
    its traceback: it says nothing about the target.
    """
    began = time.perf_counter()
    deadlines = door.deadlines()
    attempt = Attempt(elapsed=lambda: time.perf_counter() - began, allowed=timeout, listener=listener, started=started, deadlines=deadlines)
    error = await _error_of(kind, settings, door, attempt, deadlines)
    failed = None if error is None else _failed(error, kind.name)
    if failed is not None and attempt.is_asking:
        failed = _of_the_source(failed)
    return ProbeResult(
        took=attempt.elapsed(),
        failure=failed.failure if failed else None,
        stage=(failed.stage or attempt.stage) if failed else None,
        detail=attempt.presentable(failed.detail) if failed else "",
        warnings=tuple(attempt.warnings),
        facts=MappingProxyType(dict(attempt.facts)),
        phases=tuple(attempt.phases),
    )


async def _error_of(kind: ProbeKind[S], settings: S, door: Door, attempt: Attempt, deadlines: Deadlines) -> BaseException | None:
    task = deadlines.loop.create_task(_measured(kind, settings, door, attempt))
    try:
        await _ended(deadlines, task, attempt.allowed)
        if task.done():
            return _ending(task)
        late = attempt.elapsed() - attempt.allowed
        return await _cut_short(deadlines, task, late)
    except asyncio.CancelledError:
        task.cancel()
        await _ended(deadlines, task, _GRACE)
        raise


async def _measured(kind: ProbeKind[S], settings: S, door: Door, attempt: Attempt) -> None:
    if kind.measure is None:
        raise TypeError(f"{kind.name} is passive: its results come from outside")
    await kind.measure(settings, door, attempt)


async def _ended(deadlines: Deadlines, task: asyncio.Task[None], within: float) -> None:
    """Wait until *task* has ended, for *within* seconds at most: as ``asyncio.wait`` does for many, at half its price for one."""
    over: asyncio.Future[None] = deadlines.loop.create_future()

    def wake(_: object = None) -> None:
        if not over.done():
            over.set_result(None)

    deadline = deadlines.after(within, wake)
    task.add_done_callback(wake)
    try:
        await over
    finally:
        deadline.cancel()
        task.remove_done_callback(wake)


def _ending(task: asyncio.Task[None]) -> BaseException | None:
    return RuntimeError("the probe cancelled itself") if task.cancelled() else task.exception()


async def _cut_short(deadlines: Deadlines, task: asyncio.Task[None], late: float) -> BaseException:
    """End a probe whose time is up. One that will not let go is left behind, and reported as ours to mend."""
    task.cancel()
    await _ended(deadlines, task, _GRACE)
    if not task.done():
        task.add_done_callback(_look_away)
        return RuntimeError("the probe did not let go when its time was up, and was abandoned")
    _look_away(task)
    if late > _STALLED:
        return ProbeFailed(Failure.IMPAIRED, f"this process stood still: the timer rang {late:.1f} s late")
    return TimeoutError("time is up")


def _look_away(task: asyncio.Task[None]) -> None:
    """Take what a late ending brings: the verdict is given, and an exception nobody takes would be logged as lost."""
    if not task.cancelled():
        task.exception()


def _failed(error: BaseException, name: str) -> ProbeFailed:
    """Say what *error* means: the one map from exception to failure."""
    if isinstance(error, ProbeFailed):
        return error
    failure = _failure_of(error)
    if failure is Failure.CRASHED:
        _log.error("probe kind %s crashed", name, exc_info=error)
        return ProbeFailed(failure, f"{type(error).__name__}: {error}")
    return ProbeFailed(failure, _said_by_system(error) or str(error) or type(error).__name__)


def _said_by_system(error: BaseException) -> str | None:
    """The operating system's own words for its number: an event loop puts others there ("Connect call failed ('192.0.2.1', 25)")."""
    if not isinstance(error, OSError):
        return None
    # OpenSSL and the resolver number their own errors, and have their own words for them.
    number = None if isinstance(error, ssl.SSLError | socket.gaierror) else error.errno
    return error.strerror if number is None or number not in errno.errorcode else os.strerror(number)


def _of_the_source(failed: ProbeFailed) -> ProbeFailed:
    """Say that it is the source that failed, unless the fault is on our side anyway."""
    if failed.failure in _OUR_SIDE:
        return failed
    return ProbeFailed(Failure.SOURCE_FAILED, f"{failed.failure}: {failed.detail}", stage=failed.stage)


def _failure_of(error: BaseException) -> Failure:
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate_failure(error.verify_code)
        case ssl.SSLError():
            return Failure.TLS_WEAK if _reason(error) in _TOO_WEAK else Failure.TLS
        case socket.gaierror():
            # EAI_AGAIN is about the name: where no resolver answers, probes.lookup has found that out and said so.
            is_ours = error.errno in (socket.EAI_MEMORY, getattr(socket, "EAI_SYSTEM", None))
            return Failure.IMPAIRED if is_ours else Failure.DNS
        case TimeoutError():
            return Failure.TIMEOUT
        case ConnectionRefusedError():
            return Failure.REFUSED
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return Failure.RESET
        case PermissionError() if error.filename is not None:  # a file of ours, and no answer from the network
            return Failure.IMPAIRED
        case EOFError():
            return Failure.CLOSED
        case OSError() if error.errno in TURNED_AWAY:
            return Failure.UNREACHABLE
        case OSError() if error.errno in _OURS:
            return Failure.IMPAIRED
    return Failure.CRASHED


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's reason. A Python that is older than its OpenSSL knows no name for some, and has it in the message only."""
    named: str | None = getattr(error, "reason", None)
    return named or str(error).removeprefix("[SSL] ").partition(" (")[0].upper().replace(" ", "_")


def _certificate_failure(code: int) -> Failure:
    if code in _EXPIRED:
        return Failure.TLS_EXPIRED
    if code in _WEAK:
        return Failure.TLS_WEAK
    return Failure.TLS_WRONG_HOST if code in _WRONG_HOST else Failure.TLS_UNTRUSTED
