import importlib.util
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc as real_grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded
from pydantic import ValidationError

from probes import grpc
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Script, closed_port, rude


async def ask(port: int, *, timeout: float = 5, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = grpc.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    return await run(grpc.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- the real server ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(directory: Path | None = None, *, knows_health: bool = True) -> AsyncIterator[int]:
    """grpcio's own server, with its own health service; encrypted where there is a *directory* with certificates."""
    server = real_grpc.server(ThreadPoolExecutor(2))
    if knows_health:
        states = health.HealthServicer()
        for name, status in {"": "SERVING", "mail.Inbox": "SERVING", "mail.Spam": "NOT_SERVING"}.items():
            states.set(name, getattr(health_pb2.HealthCheckResponse, status))
        health_pb2_grpc.add_HealthServicer_to_server(states, server)
    if directory is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        pair = ((directory / "key.pem").read_bytes(), (directory / "chain.pem").read_bytes())
        port = server.add_secure_port("127.0.0.1:0", real_grpc.ssl_server_credentials([pair]))
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


async def test_a_server_that_serves_is_healthy() -> None:
    heard = Ear()
    async with serving() as port:
        result = await ask(port, listener=heard)
        named = await ask(port, service="mail.Inbox")
    assert (result.failure, [phase.name for phase in result.phases]) == (None, ["connect", "health"])
    assert heard.lines == ["C grpc.health.v1.Health/Check", "S SERVING"]
    assert named.failure is None


async def test_a_service_that_does_not_serve_is_a_status_and_one_that_nobody_knows_is_refused() -> None:
    async with serving() as port:
        broken = await ask(port, service="mail.Spam")
        unknown = await ask(port, service="no.Such" + "x" * 150)
    assert (broken.failure, broken.stage, broken.detail) == (Failure.STATUS, "health", "NOT_SERVING")
    assert (unknown.failure, unknown.detail[:2]) == (Failure.REJECTED, "5:")


async def test_a_server_without_the_health_service_refuses() -> None:
    async with serving(knows_health=False) as port:
        result = await ask(port)
    assert (result.failure, result.detail[:3]) == (Failure.REJECTED, "12:")


async def test_encryption_is_verified(tmp_path: Path, certificates: Certificates) -> None:
    certificates.write(tmp_path)
    async with serving(tmp_path) as port:
        assert (await ask(port, tls=True, ca=str(certificates.ca))).failure is None
        assert (await ask(port, tls=True)).failure is Failure.TLS_UNTRUSTED


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    async with serving() as port:
        assert (await ask(port)).failure is None


# --- scripted servers ---------------------------------------------------------------------------------------------------------

Fields = Sequence[tuple[str, str]]
FINE: Fields = ((":status", "200"), ("content-type", "application/grpc"))
DONE: Fields = (("grpc-status", "0"),)


def answering(headers: Fields = FINE, body: bytes = b"\0\0\0\0\2\x08\x01", trailers: Fields = DONE) -> Script:
    """A server of HTTP/2 that gives exactly this answer."""
    return speaking(lambda dialogue: _answer(dialogue, headers, body, trailers))


def _answer(dialogue: H2Connection, headers: Fields, body: bytes, trailers: Fields) -> None:
    dialogue.send_headers(1, list(headers), end_stream=not body and not trailers)
    if body:
        dialogue.send_data(1, body, end_stream=not trailers)
    if trailers:
        dialogue.send_headers(1, list(trailers), end_stream=True)


def speaking(act: Callable[[H2Connection], None]) -> Script:
    async def script(peer: Peer) -> None:
        dialogue = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        dialogue.initiate_connection()
        await peer.say(dialogue.data_to_send())
        while octets := await peer.reader.read(4096):
            events: Iterable[object] = dialogue.receive_data(octets)
            if any(isinstance(event, StreamEnded) for event in events):
                act(dialogue)
            await peer.say(dialogue.data_to_send())

    return script


async def test_the_script_itself_is_understood() -> None:
    async with rude(answering()) as server:
        assert (await ask(server.port)).failure is None


@pytest.mark.parametrize(
    ("given", "failure"),
    [
        ({"headers": ((":status", "503"),), "body": b"", "trailers": ()}, Failure.STATUS),
        ({"headers": ((":status", "200"), ("content-type", "text/html"))}, Failure.PROTOCOL),
        ({"trailers": ()}, Failure.PROTOCOL),
        ({"trailers": (("grpc-status", "14"), ("grpc-message", "going%20down"))}, Failure.DEFERRED),
        ({"trailers": (("grpc-status", "16"),)}, Failure.AUTH_REJECTED),
        ({"trailers": (("grpc-status", "4"),)}, Failure.TIMEOUT),
        ({"trailers": (("grpc-status", "x" * 5000),)}, Failure.REJECTED),
        ({"body": b"\0\0\0\0\0"}, Failure.STATUS),
        ({"body": b"\0\0\0\0\2\x08\x7f"}, Failure.STATUS),
        ({"body": b"\0\0\0\0\2\x08\x81"}, Failure.PROTOCOL),
        ({"body": b"\1\0\0\0\2\x08\x01"}, Failure.PROTOCOL),
        ({"body": b"\0\xff\xff\xff\xff\x08\x01"}, Failure.PROTOCOL),
        ({"body": b"\0"}, Failure.PROTOCOL),
        ({"body": b""}, Failure.PROTOCOL),
    ],
)
async def test_each_strange_answer_has_its_own_name(given: dict[str, Any], failure: Failure) -> None:
    async with rude(answering(**given)) as server:
        result = await ask(server.port)
    assert (result.failure, result.stage) == (failure, "health")


async def test_a_message_is_shown_as_it_was_meant() -> None:
    async with rude(answering(trailers=(("grpc-status", "14"), ("grpc-message", "going%20down%0a%1b[31m")))) as server:
        assert (await ask(server.port)).detail == "14: going down [31m"


@pytest.mark.parametrize("act", [lambda dialogue: dialogue.reset_stream(1), lambda dialogue: dialogue.close_connection()])
async def test_a_server_that_ends_the_request_has_reset_it(act: Callable[[H2Connection], None]) -> None:
    async with rude(speaking(act)) as server:
        assert (await ask(server.port)).failure is Failure.RESET


@pytest.mark.parametrize(
    ("octets", "failure"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", Failure.PROTOCOL),
        (b"SSH-2.0-OpenSSH\r\n" * 10, Failure.PROTOCOL),
        (b"\xff\xff\xff\0\0\0\0\0\0" + b"x" * 200_000, Failure.PROTOCOL),
        (struct.pack("!I", 8)[1:] + b"\x06\0\0\0\0\0" + b"pingping", Failure.PROTOCOL),
        (b"\0\0\0\x04\0\0\0\0\0", Failure.TIMEOUT),
        (b"\0\0\0\x04\0\0\0\0\0" + (struct.pack("!I", 8)[1:] + b"\x06\0\0\0\0\0" + b"pingping") * 10_000, Failure.TOO_LARGE),
        (b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\0\x01\0\0\0\0\1" + b"\0\0\0\x09\0\0\0\0\1" * 5_000, Failure.PROTOCOL),
        (b"", Failure.TIMEOUT),
    ],
)
async def test_what_is_no_http2_is_told_apart(octets: bytes, failure: Failure) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(octets)
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server.port, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "health"), result.detail


async def test_an_end_within_the_answer_is_told() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(10)
        await peer.say(b"\0\0\0\x04\0\0\0\0\0")

    async with rude(script) as server:
        assert (await ask(server.port)).failure in {Failure.CLOSED, Failure.RESET}


async def test_a_server_that_encrypts_and_speaks_something_else_is_told(certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.hang()

    async with rude(script, tls=certificates.good()) as server:
        result = await ask(server.port, tls=True, ca=str(certificates.ca))
    assert (result.failure, "ALPN" in result.detail) == (Failure.PROTOCOL, True)


async def test_nobody_listening_is_refused() -> None:
    assert (await ask(closed_port())).failure is Failure.REFUSED


def test_without_its_extra_the_kind_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr("probes.grpc.find_spec", lambda name: None if name == "h2" else known(name))
    with pytest.raises(ValidationError, match=r"pip install 'statuspage-service\[grpc\]'"):
        grpc.Settings(host="h", port=1)


def test_a_typed_target_needs_a_port() -> None:
    assert grpc.target(grpc.ad_hoc("api.example.net:50051")) == "api.example.net:50051"
    with pytest.raises(ValueError, match="HOST:PORT"):
        grpc.ad_hoc("api.example.net")
