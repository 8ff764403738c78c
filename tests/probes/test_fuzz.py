"""Whatever a peer says, a probe ends with a finding: anything but ProbeFailed out of a parser would be a crash of ours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from probes import imap, mail_roundtrip, smtp
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.http1 import Request, exchange, led_on, place
from probes.lines import Stream
from probes.settings import Host, host_and_port

HTTP = (
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"Content-Length: ", b"\r\n", b"12", b"-1", b": "),
    *(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"Location: ", b";x=\xff", b"\x00"),
)
SMTP = (
    *(b"220 ", b"220-", b"250-", b"250 ", b"250-STARTTLS\r\n", b"250 AUTH PLAIN\r\n", b"235 ok\r\n", b"334 \r\n", b"421 bye\r\n"),
    *(b"354 go\r\n", b"221 bye\r\n", b"535 no\r\n", b"\xff", b"2", b"AUTH=", b"\r", b"\n", b"\r\n"),
)
IMAP = (
    *(b"* OK hi\r\n", b"* PREAUTH\r\n", b"* BYE\r\n", b"* ", b"\r\n", b"(", b"+ \r\n", b"{3}\r\n", b"{99999999999}\r\n", b"{4+}\r\n"),
    *(b"P0001 OK\r\n", b"P0002 OK\r\n", b"P0003 OK [X y] z\r\n", b"P0002 NO [UNAVAILABLE]\r\n", b"* SEARCH 1 2\r\n", b"* 3 EXISTS\r\n"),
    *(b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n", b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[] {2}\r\n\r\n)\r\n'),
)


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
        mailbox = mail_roundtrip.Mailbox(dialogue, "ab", "INBOX", "Junk")
        await mailbox.delete("INBOX", await mailbox.find("INBOX", "ab"))
        await dialogue.leave()

    survives(b"* OK hi\r\nP0001 OK\r\n+ \r\nP0002 OK\r\n" + said, talk)
    survives(said, talk)


@given(st.binary(max_size=300) | words(IMAP))
def test_no_fetched_message_crashes_the_probe(response: bytes) -> None:
    dated = response[:30].replace(b'"', b"")
    head = b'* 1 FETCH (UID 1 INTERNALDATE "%b" BODY[] {9}\r\nX-Statuspage-Probe: ab\r\n' % dated
    for said in (response, head + response):
        try:
            mail_roundtrip._letter(said, "ab")
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
