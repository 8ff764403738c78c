import asyncio
import errno
import gc
import logging
import os
import resource
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from pydantic import BaseModel

from probes import heartbeat, tcp
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import Secret
from tests.rude.peer import Peer, rude


class Nothing(BaseModel):
    pass


Measure = Callable[[Attempt], Awaitable[None]]


async def measured(measure: Measure, timeout: float = 0.2) -> ProbeResult:
    async def adapted(_: Nothing, __: Door, attempt: Attempt) -> None:
        await measure(attempt)

    kind = ProbeKind(name="made-up", summary="", settings=Nothing, measure=adapted, target=lambda _: "")
    return await run(kind, Nothing(), door=Door(), timeout=timeout)


def raising(error: BaseException) -> Measure:
    async def measure(attempt: Attempt) -> None:
        with attempt.phase("here"):
            raise error

    return measure


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ProbeFailed(Failure.LOST, "gone"), Failure.LOST),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Failure.REFUSED),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Failure.RESET),
        (BrokenPipeError(errno.EPIPE, "pipe"), Failure.RESET),
        (ConnectionAbortedError(errno.ECONNABORTED, "aborted"), Failure.RESET),
        (OSError(errno.EHOSTUNREACH, "no route to host"), Failure.UNREACHABLE),
        (OSError(errno.ENETUNREACH, "network unreachable"), Failure.UNREACHABLE),
        (OSError(errno.EACCES, "administratively prohibited"), Failure.UNREACHABLE),
        (OSError(errno.EMSGSIZE, "message too long"), Failure.UNREACHABLE),
        (OSError(errno.ENOPROTOOPT, "protocol unreachable"), Failure.UNREACHABLE),
        (OSError(errno.EOPNOTSUPP, "source route failed"), Failure.UNREACHABLE),
        (OSError(errno.EPROTO, "parameter problem"), Failure.UNREACHABLE),
        (OSError(errno.ENONET, "host isolated"), Failure.UNREACHABLE),
        (PermissionError(errno.EACCES, "not for us to read", "a file"), Failure.IMPAIRED),
        (OSError(errno.ETIMEDOUT, "timed out"), Failure.TIMEOUT),
        (OSError(errno.EMFILE, "too many open files"), Failure.IMPAIRED),
        (OSError(errno.ENFILE, "file table overflow"), Failure.IMPAIRED),
        (OSError(errno.ENETDOWN, "network is down"), Failure.IMPAIRED),
        (OSError(errno.EPERM, "our firewall"), Failure.IMPAIRED),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), Failure.DNS),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), Failure.DNS),
        (socket.gaierror(socket.EAI_MEMORY, "memory"), Failure.IMPAIRED),
        (certificate_error(10), Failure.TLS_EXPIRED),
        (certificate_error(9), Failure.TLS_EXPIRED),
        (certificate_error(62), Failure.TLS_WRONG_HOST),
        (certificate_error(64), Failure.TLS_WRONG_HOST),
        (certificate_error(18), Failure.TLS_UNTRUSTED),
        (ssl.SSLError(1, "handshake failure"), Failure.TLS),
        (ssl.SSLError(1, "[SSL] legacy sigalg disallowed or unsupported (_ssl.c:992)"), Failure.TLS_WEAK),
        (asyncio.IncompleteReadError(b"", 4), Failure.CLOSED),
        (FileNotFoundError(errno.ENOENT, "gone"), Failure.CRASHED),
        (ZeroDivisionError("ours"), Failure.CRASHED),
        (RecursionError("ours"), Failure.CRASHED),
    ],
)
async def test_every_exception_has_one_meaning(error: BaseException, failure: Failure) -> None:
    result = await measured(raising(error))
    assert (result.failure, result.stage) == (failure, "here")
    assert result.detail


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ECONNRESET])
async def test_what_an_event_loop_says_of_an_error_is_said_in_the_systems_words(number: int) -> None:
    result = await measured(raising(OSError(number, "Connect call failed ('192.0.2.1', 25)")))
    assert result.detail == os.strerror(number)


async def test_what_openssl_and_the_resolver_say_is_theirs() -> None:
    assert (await measured(raising(socket.gaierror(socket.EAI_NONAME, "no such name")))).detail == "no such name"
    assert (await measured(raising(ssl.SSLError(1, "wrong version number")))).detail == "wrong version number"


async def test_a_crash_is_logged_loudly_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        await measured(raising(ZeroDivisionError("ours")))
    [record] = caplog.records
    assert "made-up" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_the_worlds_failures_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="probes"):
        await measured(raising(ConnectionRefusedError(errno.ECONNREFUSED, "refused")))
    assert not caplog.records


async def test_what_was_learned_before_the_failure_is_kept() -> None:
    async def measure(attempt: Attempt) -> None:
        with attempt.phase("first"):
            attempt.fact("pages", 3)
            attempt.warn("odd", "looks\x1b odd")
        with attempt.part("send"), attempt.phase("outer"), attempt.phase("inner"):
            await asyncio.Event().wait()

    result = await measured(measure)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "send.inner")
    assert [phase.name for phase in result.phases] == ["first", "send.inner", "send.outer"]
    assert result.facts == {"pages": 3}
    assert [(warning.name, warning.text) for warning in result.warnings] == [("odd", "looks odd")]
    assert result.phases[1].took == pytest.approx(0.2, abs=0.2)


async def test_a_probe_that_swallows_its_cancellation_is_abandoned_in_time(caplog: pytest.LogCaptureFixture) -> None:
    let_go = asyncio.Event()

    async def measure(_: Attempt) -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    began = time.monotonic()
    try:
        result = await measured(measure)
        took = time.monotonic() - began
    finally:
        let_go.set()
    assert took < 0.2 + 0.25 + 0.05
    assert result.failure is Failure.CRASHED
    assert "abandoned" in result.detail
    assert caplog.records


async def test_an_answer_after_the_time_is_up_counts_for_nothing() -> None:
    async def measure(_: Attempt) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    assert (await measured(measure)).failure is Failure.TIMEOUT


async def test_an_error_on_the_way_out_does_not_hide_that_the_time_was_up() -> None:
    async def measure(_: Attempt) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionResetError

    assert (await measured(measure)).failure is Failure.TIMEOUT


async def test_a_timer_that_rang_late_is_our_stall_and_no_evidence_about_the_target() -> None:
    async def measure(_: Attempt) -> None:
        await asyncio.sleep(0.05)
        time.sleep(1.3)  # noqa: ASYNC251  standing still is what this is about
        await asyncio.Event().wait()

    assert (await measured(measure)).failure is Failure.IMPAIRED


async def test_a_probe_that_cancels_itself_is_our_bug() -> None:
    assert (await measured(raising(asyncio.CancelledError()))).failure is Failure.CRASHED


async def test_who_cancels_the_run_cancels_the_probe() -> None:
    ended, begun = asyncio.Event(), asyncio.Event()

    async def measure(_: Attempt) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(measured(measure, timeout=30))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_measure_that_breaks_before_it_can_be_awaited_has_crashed() -> None:
    def measure(_: Nothing, __: Door, ___: Attempt) -> Awaitable[None]:
        raise ZeroDivisionError("before anything is awaited")

    kind = ProbeKind(name="made-up", summary="", settings=Nothing, measure=measure, target=lambda _: "")
    result = await run(kind, Nothing(), door=Door(), timeout=0.2)
    assert result.failure is Failure.CRASHED


async def test_a_passive_kind_cannot_be_run() -> None:
    result = await run(heartbeat.KIND, heartbeat.Settings(token=Secret("t")), door=Door(), timeout=1)
    assert result.failure is Failure.CRASHED


async def test_a_detail_is_short_printable_and_without_secrets() -> None:
    async def measure(attempt: Attempt) -> None:
        attempt.conceal("geheim")
        raise ProbeFailed(Failure.PROTOCOL, "you said geheim\r\n\x1b[31m" + "x" * 500)

    result = await measured(measure)
    assert result.detail.startswith("you said *** [31m")
    assert len(result.detail) == 200


@pytest.fixture
def no_descriptors() -> Iterator[list[socket.socket]]:
    """Leave this process without a descriptor while the list is filled."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[socket.socket] = []
    yield taken
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    for each in taken:
        each.close()


async def test_without_descriptors_we_are_impaired_and_the_target_is_not_down(no_descriptors: list[socket.socket]) -> None:
    async def hang(peer: Peer) -> None:
        await peer.hang()

    async with rude(hang) as server:
        settings = tcp.Settings(host="127.0.0.1", port=server.port)
        await run(tcp.KIND, settings, door=Door(), timeout=1)
        gc.collect()
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        with pytest.raises(OSError, match="Too many open files"):
            no_descriptors.extend(iter(socket.socket, None))
        result = await run(tcp.KIND, settings, door=Door(), timeout=1)
    assert result.failure is Failure.IMPAIRED
