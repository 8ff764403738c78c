"""Whatever a peer says, a probe ends with a finding: anything but ProbeFailed out of a parser would be a crash of ours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from probes import imap, letters, smtp
from probes.attempt import Attempt, ProbeFailed
from probes.catalog import KINDS
from probes.egress import Door
from probes.lines import Stream
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import Host, host_and_port
from probes.wire.http1 import Request, exchange, led_on, place
from tests.rude.examples import EXAMPLES
from tests.rude.fed import FedDoor, Word
from tests.rude.words import FRAMES, HTTP, IMAP, SMTP, WORDS


def words(fragments: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes that look now and then like the protocol they are not."""
    return st.lists(st.sampled_from(fragments) | st.binary(max_size=12), max_size=25).map(b"".join)


class Deaf(asyncio.Transport):
    """A transport that takes everything and carries nothing."""

    def __init__(self) -> None:
        super().__init__(extra={"sockname": ("127.0.0.1", 9), "peername": ("127.0.0.1", 9)})

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass


def survives(said: bytes, talk: Callable[[Stream, Attempt], Awaitable[object]]) -> None:
    """Let a peer say *said* and hang up, and *talk* to it: it returns or it fails properly."""

    async def conversation() -> None:
        stream = Stream()
        stream.connection_made(Deaf())
        stream.data_received(said)
        stream.eof_received()
        try:
            await talk(stream, Attempt(elapsed=lambda: 0.0, allowed=1.0))
        except ProbeFailed:
            return

    asyncio.run(conversation())


@given(words(HTTP), st.sampled_from(["GET", "HEAD"]))
def test_no_web_server_crashes_the_probe(said: bytes, method: str) -> None:
    request = Request(method=method, place=place("http://example.net/"), headers={})
    survives(said, lambda stream, attempt: exchange(stream, request, attempt, 1000))


@given(words(SMTP))
def test_no_mail_server_crashes_the_probe(said: bytes) -> None:
    settings = smtp.Settings.model_validate(
        {"host": "127.0.0.1", "port": 25, "tls": "never", "login": {"user": "a", "password": "b"}, "mail_from": "a@b", "rcpt_to": "c@d"}
    )

    async def talk(stream: Stream, attempt: Attempt) -> None:
        dialogue = await smtp.welcomed(settings, stream, Door(), attempt)
        await dialogue.envelope("a@b", "c@d")
        await dialogue.send(b"x\r\n")
        await dialogue.leave()

    survives(b"220 hi\r\n250-hi\r\n" + said, talk)
    survives(said, talk)


@given(words(IMAP))
def test_no_mailbox_crashes_the_probe(said: bytes) -> None:
    settings = imap.Settings.model_validate({"host": "127.0.0.1", "port": 143, "tls": "never", "login": {"user": "a", "password": "ü"}})

    async def talk(stream: Stream, attempt: Attempt) -> None:
        dialogue = await imap.welcomed(settings, stream, Door(), attempt)
        mailbox = letters.Mailbox(dialogue, "ab", "INBOX", "Junk")
        await mailbox.delete(await mailbox.find("ab"))
        await mailbox.sweep(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), timedelta(minutes=1))
        await dialogue.leave()

    survives(b"* OK hi\r\nP0001 OK\r\n+ \r\nP0002 OK\r\n" + said, talk)
    survives(said, talk)


@given(st.binary(max_size=300) | words(IMAP))
def test_no_fetched_message_crashes_the_probe(response: bytes) -> None:
    dated = response[:30].replace(b'"', b"")
    head = b'* 1 FETCH (UID 1 INTERNALDATE "%b" BODY[] {9}\r\nX-Statuspage-Probe: ab\r\nX-Statuspage-Token: ' % dated
    for said in (response, head + response):
        try:
            letters.letter_of(said, "ab", "INBOX")
        except ProbeFailed:
            continue


@given(st.text(max_size=100), st.sampled_from(["", "http://", "//", "http://127.0.0.1:", "https://["]))
def test_no_location_crashes_the_probe(text: str, start: str) -> None:
    here = place("http://example.net/a/b?c")
    try:
        there = led_on(here, start + text)
    except ValueError:
        return
    assert there.scheme in {"http", "https"}
    assert 1 <= there.port <= 65535
    assert there.target.startswith("/")
    assert there.target.isascii()
    assert not set(there.target + there.host) & set(" \r\n\t\x00")


@given(st.text(max_size=80))
def test_a_host_that_is_accepted_can_be_looked_up_and_stands_in_no_other_place(text: str) -> None:
    try:
        kept = TypeAdapter(Host).validate_python(text)
    except ValidationError:
        return
    assert kept.isascii()
    assert kept.isprintable()
    assert not set(kept) & set(" /@?#[]%\\")


@given(st.text(max_size=30))
def test_a_typed_place_is_understood_or_refused_in_words(text: str) -> None:
    try:
        _, port = host_and_port(text, 25)
    except ValueError:
        return
    assert 1 <= port <= 65535


def test_the_fuzz_reaches_past_the_first_line() -> None:
    """A fuzz that is refused at once proves nothing: the words must be able to make a whole answer."""
    request = Request(method="GET", place=place("http://example.net/"), headers={})
    statuses: list[int] = []

    async def talk(stream: Stream, attempt: Attempt) -> None:
        statuses.append((await exchange(stream, request, attempt, 1000)).status)

    survives(HTTP[0] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", talk)
    assert statuses == [200]

    async def crash(_: Stream, __: Attempt) -> None:
        raise IndexError

    with pytest.raises(IndexError):
        survives(b"", crash)


# --- every kind, whatever is said to it ---------------------------------------------------------------------------------------

SPOKEN_TO = [name for name, kind in KINDS.items() if kind.measure is not None and name != "plugin"]
"""What a plugin prints is tried in tests/probes/test_plugin.py: it is not spoken to through the door."""


def dialogues(kind: str) -> st.SearchStrategy[list[Word]]:
    """What a server says, answer by answer."""
    said = st.lists(st.sampled_from(WORDS[kind]) | st.binary(max_size=12), max_size=8).map(b"".join)
    return st.lists(st.tuples(st.booleans(), said), max_size=12)


@pytest.mark.parametrize("kind", SPOKEN_TO)
def test_no_server_whatever_it_says_crashes_a_probe(kind: str, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    examples = [KINDS[kind].settings.model_validate(example) for example in EXAMPLES[kind](9)]
    met: set[tuple[Failure | None, str | None]] = set()

    @settings(
        max_examples=2000 if is_soak else 60,
        derandomize=not is_soak,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(examples), dialogues(kind))
    def conversation(given: BaseModel, said: list[Word]) -> None:
        result = asyncio.run(spoken_to(kind, given, said))
        assert result.failure is not Failure.CRASHED, result
        assert len(result.detail) <= 200
        assert result.detail.isprintable()
        assert all(warning.text.isprintable() for warning in result.warnings)
        met.add((result.failure, result.stage))

    conversation()
    assert len(met) >= 2, "a fuzz that always ends in the same place proves nothing"


async def spoken_to(kind: str, given: BaseModel, said: list[Word]) -> ProbeResult:
    door = FedDoor(said, FRAMES.get(kind, lambda _, said: said))
    return await run(KINDS[kind], given, door=door, timeout=0.3, started=datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


def test_every_kind_that_is_spoken_to_has_words() -> None:
    assert set(SPOKEN_TO) <= WORDS.keys()
