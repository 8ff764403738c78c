import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes import websocket
from probes.attempt import Attempt, Listener, ProbeFailed
from probes.egress import Door
from probes.lines import Stream
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import Secret
from probes.wire.frames import MESSAGE, Closed, Frames
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Rude, Script, rude

Handler = Callable[[web.WebSocketResponse], Awaitable[None]]


async def ask(url: str, *, timeout: float = 2, listener: Listener | None = None, **settings: object) -> ProbeResult:
    given = websocket.Settings.model_validate({"url": url, **settings})
    return await run(websocket.KIND, given, door=Door(), timeout=timeout, listener=listener, started=datetime.now(UTC))


# --- a real server --------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(handler: Handler, *protocols: str) -> AsyncIterator[str]:
    """Run aiohttp's server with a socket at /, and give its URL."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        if request.headers.get("Authorization", "Bearer right") != "Bearer right":
            raise web.HTTPUnauthorized
        socket = web.WebSocketResponse(protocols=protocols)
        await socket.prepare(request)
        await handler(socket)
        return socket

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(f"you said {message.data}")


async def test_a_socket_opens_and_closes() -> None:
    codes: list[int | None] = []

    async def listen(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass
        codes.append(socket.close_code)

    async with serving(listen) as url:
        result = await ask(url)
    assert (result.failure, result.warnings) == (None, ())
    assert [phase.name for phase in result.phases] == ["connect", "handshake", "close"]
    assert result.facts == {"ip_version": 4, "status": 101}
    assert codes == [1000]


@pytest.mark.parametrize("text", ["ping", "größe", "x" * 125, "x" * 126, "ü" * 10_000])
async def test_what_is_said_arrives_whole_and_what_is_expected_is_heard(text: str) -> None:
    async with serving(echo) as url:
        result = await ask(url, send=text, expect=f"you said {text}"[:10_000])
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "handshake", "message", "close"]


async def test_messages_that_are_not_expected_are_waited_out() -> None:
    async def chatter(socket: web.WebSocketResponse) -> None:
        await socket.send_str("welcome")
        await socket.send_bytes(b"ready")
        await socket.ping(b"are you there?")
        await socket.send_str("now ready")
        await socket.receive()

    async with serving(chatter) as url:
        assert (await ask(url, expect="ready")).failure is None


async def test_a_message_that_never_comes_is_a_timeout_and_one_too_many_a_wrong_content() -> None:
    async def ticks(socket: web.WebSocketResponse) -> None:
        for _ in range(101):
            await socket.send_str("tick")
        await socket.receive()

    async with serving(echo) as url:
        silent = await ask(url, expect="ready", timeout=0.2)
    async with serving(ticks) as url:
        talkative = await ask(url, expect="ready")
    assert (silent.failure, silent.stage) == (Failure.TIMEOUT, "message")
    assert (talkative.failure, talkative.stage) == (Failure.CONTENT, "message")
    assert "'tick'" in talkative.detail


async def test_a_server_that_closes_before_it_answers_has_said_why() -> None:
    async def refuse(socket: web.WebSocketResponse) -> None:
        await socket.close(code=1013, message=b"try later")

    async with serving(refuse) as url:
        result = await ask(url, send="a", expect="b")
    assert (result.failure, result.stage) == (Failure.CONTENT, "message")
    assert "1013 'try later'" in result.detail


async def test_a_subprotocol_is_agreed_upon_or_the_probe_fails() -> None:
    async with serving(echo, "mqtt", "stomp") as url:
        assert (await ask(url, subprotocol="stomp")).failure is None
    async with serving(echo) as url:
        result = await ask(url, subprotocol="stomp")
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "handshake")
    assert "subprotocol" in result.detail


async def test_a_token_opens_and_a_wrong_one_is_about_us() -> None:
    async with serving(echo) as url:
        assert (await ask(url, bearer="right")).failure is None
        wrong = await ask(url, bearer="wrong")
        by_hand = await ask(url, headers={"Authorization": "Bearer wrong"})
        missing = await ask(f"{url}nowhere")
    assert (wrong.failure, wrong.stage) == (Failure.AUTH_REJECTED, "handshake")
    assert (by_hand.failure, by_hand.facts["status"]) == (Failure.STATUS, 401)
    assert (missing.failure, missing.facts["status"]) == (Failure.STATUS, 404)


async def test_an_answer_that_comes_too_late_is_slow() -> None:
    async def dawdle(socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(0.1)
        await socket.send_str("ready")
        await socket.receive()

    async with serving(dawdle) as url:
        assert (await ask(url, expect="ready", slower_than="50ms")).failure is Failure.SLOW
        assert (await ask(url, expect="ready", slower_than="10s")).failure is None


async def test_the_dialogue_is_heard_without_its_secrets() -> None:
    ear = Ear()
    async with serving(echo) as url:
        assert (await ask(url, listener=ear, send=Secret("hush-hush"), expect="you said")).failure is None
    assert "C upgrade: websocket" in ear.lines
    assert "C ***" in ear.lines
    assert "S you said ***" in ear.lines
    assert "hush" not in "".join(ear.lines)


# --- servers that misbehave -------------------------------------------------------------------------------------------------------


def accept(head: list[str]) -> bytes:
    [key] = [line.partition(": ")[2] for line in head if line.startswith("sec-websocket-key")]
    return base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def switching(then: bytes, *, hangs: bool = True) -> Script:
    """Open properly, say *then*, and do not answer."""

    async def script(peer: Peer) -> None:
        head = await peer.hear_head()
        opened = b"HTTP/1.1 101 Go\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: " + accept(head)
        await peer.say(opened + b"\r\n\r\n" + then)
        if hangs:
            await peer.hang()

    return script


def url(server: Rude) -> str:
    return server.url(scheme="ws")


@pytest.mark.parametrize(
    ("octets", "failure", "stage"),
    [
        (b"\x81\x81\0\0\0\0a", Failure.PROTOCOL, "message"),  # masked
        (b"\xc1\x01a", Failure.PROTOCOL, "message"),  # compressed, which nobody offered
        (b"\x83\x01a", Failure.PROTOCOL, "message"),  # no such opcode
        (b"\x8b\x01a", Failure.PROTOCOL, "message"),  # no such opcode either
        (b"\x80\x01a", Failure.PROTOCOL, "message"),  # continues nothing
        (b"\x01\x01a\x81\x01b", Failure.PROTOCOL, "message"),  # begins within
        (b"\x09\x01a", Failure.PROTOCOL, "message"),  # fragmented ping
        (b"\x89\x7e\x00\x7e" + b"a" * 126, Failure.PROTOCOL, "message"),  # long ping
        (b"\x81\x7e\x00\x01a", Failure.PROTOCOL, "message"),  # a length written the long way
        (b"\x81\x7f\0\0\0\0\0\0\xff\xff" + b"a" * 65535, Failure.PROTOCOL, "message"),
        (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", Failure.PROTOCOL, "message"),
        (b"\x81\x02\xc3\x28", Failure.PROTOCOL, "message"),  # not UTF-8
        (b"\x88\x01a", Failure.PROTOCOL, "message"),  # half a code
        (b"\x88\x02\x00\x01", Failure.PROTOCOL, "message"),  # no code
        (b"\x88\x00", Failure.CONTENT, "message"),
        (b"\x88\x03\x03\xe8\xff", Failure.PROTOCOL, "message"),
        (b"\x81\x7f\0\0\0\0\x7f\xff\xff\xff", Failure.TOO_LARGE, "message"),
        (b"\x01\x7f\0\0\0\0\0\x01\0\0" + b"a" * MESSAGE + b"\x80\x01a", Failure.TOO_LARGE, "message"),
        (b"\x89\x00" * 1001, Failure.TOO_LARGE, "message"),
        (b"\x01\x00" + b"\x00\x00" * 1001, Failure.TOO_LARGE, "message"),
        (b"\x81\x05Sig", Failure.CLOSED, "message"),
        (b"\x81", Failure.CLOSED, "message"),
        (b"", Failure.CLOSED, "message"),
    ],
)
async def test_a_broken_frame_has_its_own_reason(octets: bytes, failure: Failure, stage: str) -> None:
    async with rude(switching(octets, hangs=failure is not Failure.CLOSED)) as server:
        result = await ask(url(server), expect="Sign in")
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (failure, stage)
    assert result.detail.isprintable()
    assert result.took < 1


async def test_a_server_that_masks_is_told_from_other_nonsense() -> None:
    async with rude(switching(b"\x81\x85\0\0\0\0ready")) as server:
        result = await ask(url(server), expect="ready")
    assert result.failure is Failure.PROTOCOL
    assert "masks" in result.detail


async def test_fragments_make_one_message_and_pings_between_them_are_answered() -> None:
    pongs: list[bytes] = []

    async def script(peer: Peer) -> None:
        await switching(b"\x01\x06Sign \xc3\x89\x02hi\x00\x01\xbc\x8a\x00\x80\x02in", hangs=False)(peer)
        head = await peer.reader.readexactly(8)
        pongs.append(bytes([head[0], head[1]]) + bytes(octet ^ head[2 + at % 4] for at, octet in enumerate(head[6:])))

    async with rude(script) as server:
        assert (await ask(url(server), expect="Sign üin")).failure is None
    assert pongs == [b"\x8a\x82hi"]


async def test_frames_that_come_byte_by_byte_are_read_all_the_same() -> None:
    async def script(peer: Peer) -> None:
        await switching(b"", hangs=False)(peer)
        await peer.drip(b"\x81\x7e\x00\x80" + b"x" * 121 + b"Sign in")
        await peer.hang()

    async with rude(script) as server:
        assert (await ask(url(server), expect="Sign in")).failure is None


@pytest.mark.parametrize(
    ("answer", "failure", "stage"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Failure.STATUS, "handshake"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", Failure.STATUS, "handshake"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", Failure.PROTOCOL, "handshake"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n", Failure.PROTOCOL, "handshake"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", Failure.PROTOCOL, "handshake"),
        (
            b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
            Failure.PROTOCOL,
            "handshake",
        ),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Failure.PROTOCOL, "handshake"),
        (b"", Failure.CLOSED, "handshake"),
    ],
)
async def test_a_handshake_that_is_none_has_its_own_reason(answer: bytes, failure: Failure, stage: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(answer)

    async with rude(script) as server:
        result = await ask(url(server))
    assert (result.failure, result.stage) == (failure, stage)


@pytest.mark.parametrize("header", [b"Sec-WebSocket-Extensions: permessage-deflate", b"Sec-WebSocket-Protocol: mqtt"])
async def test_what_nobody_offered_is_not_accepted(header: bytes) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.hear_head()
        opened = b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(head)
        await peer.say(opened + b"\r\n" + header + b"\r\n\r\n")
        await peer.hang()

    async with rude(script) as server:
        result = await ask(url(server))
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "handshake")


@pytest.mark.parametrize("then", [b"", b"\x81\x02hi" * 5, b"\x81\x05Sig", b"\xff\xff"])
async def test_a_server_that_forgets_its_manners_at_the_end_is_good_all_the_same(then: bytes) -> None:
    async with rude(switching(then)) as server:
        result = await ask(url(server))
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (None, None)
    assert [warning.name for warning in result.warnings] == ([] if then == b"\xff\xff" else ["goodbye_unanswered"])


async def test_a_flood_of_messages_ends_with_the_cap() -> None:
    async def script(peer: Peer) -> None:
        await switching(b"", hangs=False)(peer)
        await peer.flood(b"\x82\x7e\xff\xff" + b"x" * 65535)

    async with rude(script) as server:
        result = await ask(url(server), expect="ready")
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "message")


async def test_an_encrypted_socket_is_verified_and_its_certificate_known(certificates: Certificates) -> None:
    async with rude(switching(b"\x81\x05ready\x88\x00"), tls=certificates.good()) as server:
        there = server.url(scheme="wss")
        result = await ask(there, ca=certificates.ca, expect="ready")
        assert (await ask(there, expect="ready")).failure is Failure.TLS_UNTRUSTED
    assert result.failure is None
    assert "tls_expires_at" in result.facts


# --- settings -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://example.net/"},
        {"url": "ws://"},
        {"url": "ws:example.net"},
        {"url": "wss://ann:x@example.net/"},
        {"url": "ws://example.net/", "bearer": "geheim"},
        {"url": "ws://example.net/", "send": Secret("geheim")},
        {"url": "ws://example.net/", "login": {"user": "ann", "password": "x"}},
        {"url": "wss://example.net/", "login": {"user": "ann", "password": "x"}, "bearer": "y"},
        {"url": "wss://example.net/", "headers": {"Sec-WebSocket-Key": "AAAA"}},
        {"url": "wss://example.net/", "headers": {"Upgrade": "h2c"}},
        {"url": "wss://example.net/", "subprotocol": "a b"},
        {"url": "wss://example.net/", "key": __file__},
        {"url": "wss://example.net/", "send": ""},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        websocket.Settings.model_validate(wrong)
    assert "geheim" not in str(caught.value)


def test_a_secret_may_go_where_nobody_reads_along_or_where_it_is_allowed() -> None:
    for there in ({"url": "wss://example.net/"}, {"url": "ws://[::1]/"}, {"url": "ws://example.net/", "allow_plaintext": True}):
        websocket.Settings.model_validate({**there, "bearer": "geheim", "send": Secret("geheim")})


def test_the_query_of_a_url_is_not_shown_it_may_hold_a_token() -> None:
    assert websocket.target(websocket.ad_hoc("wss://example.net/a?token=x")) == "wss://example.net/a"


# --- anything at all --------------------------------------------------------------------------------------------------------------


class Deaf(asyncio.Transport):
    """A transport that takes everything and carries nothing."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass


FRAMES = st.sampled_from([b"\x81\x02hi", b"\x01\x01a", b"\x80\x01b", b"\x89\x01p", b"\x8a\x00", b"\x88\x02\x03\xe8", b"\x82\x7e\x00\x80"])


@given(st.lists(FRAMES | st.binary(max_size=6), max_size=20).map(b"".join))
def test_no_frames_crash_the_probe(said: bytes) -> None:
    async def conversation() -> list[str | bytes | Closed]:
        stream = Stream()
        stream.connection_made(Deaf())
        stream.data_received(said)
        stream.eof_received()
        frames, heard = Frames(stream, Attempt(elapsed=lambda: 0.0, allowed=1.0)), list[str | bytes | Closed]()
        try:
            while not isinstance(message := await frames.message(), Closed):
                heard.append(message)
        except ProbeFailed:
            return heard
        return [*heard, message]

    heard = asyncio.run(conversation())
    if said.startswith(b"\x81\x02hi"):
        assert heard[0] == "hi"


def test_a_url_that_is_too_long_over_http_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValidationError, match="at most 2000 characters"):
        websocket.Settings(url="ws://" + "a" * 60 + "/" + "x" * 1933)
