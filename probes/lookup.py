"""From names to addresses: the system's resolver is asked on threads, so that one that hangs holds up nobody else.

Two lanes keep hung look-ups apart from the others. A look-up that hangs leaves the quick lane to those behind it; a name that hung
the last time waits in the slow lane only. So names whose servers are dead cannot use up what all the others need.

Whose trouble is a name that gives no answer? A resolver that says nothing at all to anybody is this machine's trouble: IMPAIRED. One
that answers, even to say that it failed (SERVFAIL, which getaddrinfo reports as EAI_AGAIN just like silence), is evidence about the
name: DNS, or the timeout that follows. A resolver on this machine (127.0.0.53) speaks for those behind it and hides their silence.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from probes.addresses import Address, literal
from probes.attempt import Attempt, ProbeFailed
from probes.result import Failure

Resolver: TypeAlias = tuple[str, int]

_QUICK, _SLOW = 16, 48
"""Seats in the two lanes; each is a thread at most."""
_HANGS = 1.0
"""Seconds after which a look-up counts as hung, and its name as slow."""
_DOUBT = 1.0
"""Seconds of waiting after which the resolvers are asked whether they are there at all."""
_TURN = 0.9
"""The part of its time for which a probe waits to be let in; the rest is needed to say that it was not."""
_SILENCE = 0.5
"""Seconds that a resolver has to answer one datagram; it gets two, for one may be lost."""
_HOLDS = 5.0
"""Seconds for which the answer about silence holds."""
_MOST_ADDRESSES = 64
_MOST_SLOW = 10_000
_CONFIGURED = Path("/etc/resolv.conf")
_MOST_OF_IT = 64 * 1024
_ROOT_SERVERS = b"sp\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01"
"""A query for the root's NS records (RFC 1035 section 4.1): every resolver has an answer to it, if only a refusal."""


def nameservers() -> Sequence[str]:
    """Return what resolv.conf(5) names as resolvers, as it is written there. Errors: OSError."""
    with _CONFIGURED.open(encoding="utf-8", errors="replace") as opened:
        lines = opened.read(_MOST_OF_IT).splitlines()
    return [words[1] for line in lines if len(words := line.split()) > 1 and words[0] == "nameserver"]


def configured() -> Sequence[Resolver]:
    """Return the resolvers of this machine, none where that cannot be known."""
    try:
        named = nameservers()
    except OSError:
        return ()
    return [(name, 53) for name in named or ["127.0.0.1"] if literal(name) is not None]


@dataclass(slots=True)
class _Question:
    """One name that is being asked for. *is_begun* once the resolver has it."""

    task: asyncio.Task[tuple[Address, ...]] = field(init=False)
    is_begun: bool = False


class Lookups:
    """The look-ups of one process: one question per name at a time, whoever waits for it, and nothing kept once it is answered."""

    def __init__(self, resolvers: Callable[[], Sequence[Resolver]] = configured) -> None:
        self._resolvers = resolvers
        self._questions: dict[str, _Question] = {}
        self._quick_lane = asyncio.Semaphore(_QUICK)
        self._slow_lane = asyncio.Semaphore(_SLOW)
        self._slow: dict[str, None] = {}
        self._inquiry: asyncio.Task[bool] | None = None
        self._inquired = 0.0

    async def addresses(self, host: str, attempt: Attempt) -> tuple[Address, ...]:
        """Return the addresses of the name *host*, at most 64 of both versions.

        Errors: gaierror where the name gives none; ProbeFailed with IMPAIRED where no resolver is there to be asked, or where so
        many look-ups hang that this one did not get its turn.
        """
        question = self._questions.get(host) or self._ask(host)
        await asyncio.wait((question.task,), timeout=min(_DOUBT, (attempt.allowed - attempt.elapsed()) / 2))
        if not question.task.done() and not question.is_begun:
            await self._turn(question, attempt)
        elif not question.task.done() and await self._is_silent() and not question.task.done():
            raise ProbeFailed(Failure.IMPAIRED, "none of this machine's resolvers answers")
        try:
            return await asyncio.shield(question.task)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN and await self._is_silent():
                raise ProbeFailed(Failure.IMPAIRED, "none of this machine's resolvers answers") from error
            raise

    async def _turn(self, question: _Question, attempt: Attempt) -> None:
        """Wait for a question that is not yet asked. One asked this late says nothing about the name where no answer comes."""
        await asyncio.wait((question.task,), timeout=max(0.0, attempt.allowed * _TURN - attempt.elapsed()))
        if not question.task.done():
            raise ProbeFailed(Failure.IMPAIRED, "the look-up did not get its turn in time: too many others hang")

    def _ask(self, host: str) -> _Question:
        question = self._questions[host] = _Question()
        question.task = asyncio.create_task(self._look_up(host, question), name="look-up")
        question.task.add_done_callback(_look_away)
        return question

    async def _look_up(self, host: str, question: _Question) -> tuple[Address, ...]:
        lane = self._slow_lane if host in self._slow else self._quick_lane
        try:
            await lane.acquire()
            try:
                question.is_begun = True
                answer = _begun(host)
                await asyncio.wait((answer,), timeout=_HANGS)
                self._remember(host, is_slow=not answer.done())
                if not answer.done() and lane is self._quick_lane and not self._slow_lane.locked():
                    lane.release()
                    lane = self._slow_lane
                    await lane.acquire()
                return await answer
            finally:
                lane.release()
        finally:
            del self._questions[host]

    def _remember(self, host: str, *, is_slow: bool) -> None:
        self._slow.pop(host, None)
        if is_slow:
            self._slow[host] = None
            while len(self._slow) > _MOST_SLOW:
                del self._slow[next(iter(self._slow))]

    async def _is_silent(self) -> bool:
        """Whether this machine has resolvers, and not one of them says anything."""
        now = asyncio.get_running_loop().time()
        if self._inquiry is None or now - self._inquired > _HOLDS:
            self._inquired = now
            self._inquiry = asyncio.create_task(_is_silence(self._resolvers()), name="inquiry")
        return await asyncio.shield(self._inquiry)


def _look_away(task: asyncio.Task[tuple[Address, ...]]) -> None:
    """Take an answer for which nobody waits any more, lest it be logged as lost."""
    if not task.cancelled():
        task.exception()


def _begun(host: str) -> asyncio.Future[tuple[Address, ...]]:
    """Run getaddrinfo on a daemon thread: neither the loop nor the end of the process waits for a dead resolver."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[Address, ...]] = loop.create_future()

    def settle(addresses: tuple[Address, ...], error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(addresses)
        else:
            answer.set_exception(error)

    def ask() -> None:
        addresses, error = _resolve(host)
        with suppress(RuntimeError):  # the loop has ended meanwhile, and with it whoever asked
            loop.call_soon_threadsafe(settle, addresses, error)

    threading.Thread(target=ask, name="probe-lookup", daemon=True).start()
    return answer


def _resolve(host: str) -> tuple[tuple[Address, ...], Exception | None]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        failed = error if isinstance(error, OSError) else ProbeFailed(Failure.DNS, f"{host} is not a name that can be looked up")
        return (), failed
    found = (literal(str(sockaddr[0]).partition("%")[0]) for _, _, _, _, sockaddr in answers)
    addresses = tuple(dict.fromkeys(address for address in found if address is not None))
    return addresses[:_MOST_ADDRESSES], None if addresses else ProbeFailed(Failure.DNS, f"{host} has no address")


class _Ear(asyncio.DatagramProtocol):
    """Hears whether anything at all comes back."""

    def __init__(self, heard: asyncio.Event) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:  # noqa: ARG002 - whatever it says
        """Note that somebody is there."""
        self._heard.set()


async def _is_silence(resolvers: Sequence[Resolver]) -> bool:
    """Ask every resolver at once; the first word of any of them, a refusal included, ends the silence."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    with ExitStack() as opened:
        asked: list[asyncio.DatagramTransport] = []
        for resolver in resolvers:
            with suppress(OSError):  # no way to it: it stays silent
                transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(heard), remote_addr=resolver)
                asked.append(transport)
                opened.callback(transport.close)
        for _ in range(2):
            for transport in asked:
                transport.sendto(_ROOT_SERVERS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE):
                    await heard.wait()
                    return False
    return bool(resolvers)
