import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest
from pydantic import ValidationError

from probes import ssh
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.daemons import fingerprint
from tests.rude.daemons import ssh as real_ssh
from tests.rude.ear import Ear
from tests.rude.peer import Peer, closed_port, rude

BANNER = b"SSH-2.0-OpenSSH_9.9\r\n"
NOBODYS = "SHA256:" + "A" * 43


async def ask(port: int, *, timeout: float = 5, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = ssh.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    return await run(ssh.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- the real server ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "bits"), [("ed25519", 0), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048)])
async def test_every_sort_of_host_key_proves_itself_and_is_recognised(kind: str, bits: int) -> None:
    with real_ssh(kind, bits=bits) as daemon:
        expected = fingerprint(daemon.directory, kind)
        heard = Ear()
        result = await ask(daemon.port, host_key=[NOBODYS, expected], listener=heard)
        changed = await ask(daemon.port, host_key=[NOBODYS])
    assert (result.failure, result.detail, [phase.name for phase in result.phases]) == (None, "", ["connect", "banner", "key_exchange"])
    assert heard.lines[-1].endswith(expected)
    assert (changed.failure, changed.stage) == (Failure.CONTENT, "key_exchange")
    assert expected in changed.detail


@pytest.mark.parametrize("exchange", ["curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"])
async def test_keys_are_exchanged_over_every_curve_that_servers_are_bound_to(exchange: str) -> None:
    with real_ssh("ecdsa", exchange=exchange) as daemon:
        result = await ask(daemon.port, host_key=[fingerprint(daemon.directory, "ecdsa")])
    assert (result.failure, result.detail) == (None, "")


async def test_a_real_server_with_which_we_have_no_exchange_in_common_is_not_called_out() -> None:
    with real_ssh("ed25519", exchange="diffie-hellman-group14-sha256") as daemon:
        result = await ask(daemon.port)
    assert (result.failure, result.stage) == (Failure.IMPAIRED, "key_exchange")
    assert "nothing in common: 'diffie-hellman-group14-sha256" in result.detail


# --- between us and the real server ---------------------------------------------------------------------------------------------


async def through(port: int, twist: Callable[[bytes], bytes]) -> ProbeResult:
    """Probe the real server through somebody who changes what it answers."""

    async def script(peer: Peer) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await peer.say(await reader.readline())
            writer.write(await peer.reader.readline())
            hello = await packet(reader)
            await peer.say(hello)
            writer.write(await packet(peer.reader))
            writer.write(await packet(peer.reader))
            await peer.say(twist(await packet(reader)))
            await peer.hang()
        finally:
            writer.close()

    async with rude(script) as server:
        return await ask(server.port)


async def packet(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(struct.unpack("!I", head)[0])


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_somebody_who_only_shows_the_key_cannot_prove_it(kind: str) -> None:
    with real_ssh(kind) as daemon:
        untouched = await through(daemon.port, lambda said: said)
        spoiled = await through(daemon.port, spoiled_signature)
    assert untouched.failure is None
    assert (spoiled.failure, spoiled.stage) == (Failure.PROTOCOL, "key_exchange")
    assert "does not prove" in spoiled.detail


def spoiled_signature(said: bytes) -> bytes:
    """Change the last byte of the signature, which ends where the padding begins."""
    place = len(said) - said[4] - 1
    return said[:place] + bytes([said[place] ^ 1]) + said[place + 1 :]


# --- rude servers -------------------------------------------------------------------------------------------------------------


def packed(payload: bytes) -> bytes:
    return struct.pack("!IB", len(payload) + 5, 4) + payload + bytes(4)


def hello(exchanges: bytes = b"curve25519-sha256", keys: bytes = b"ssh-ed25519") -> bytes:
    lists = (exchanges, keys, b"", b"", b"", b"", b"", b"", b"", b"")
    return packed(b"\x14" + bytes(16) + b"".join(struct.pack("!I", len(each)) + each for each in lists) + bytes(5))


def says(octets: bytes, more: bytes = b"") -> Callable[[Peer], Awaitable[None]]:
    """A server that speaks at once, and says *more* when it has heard our version and what we speak."""

    async def script(peer: Peer) -> None:
        await peer.say(octets)
        await peer.hear()
        await packet(peer.reader)
        await peer.say(more)
        await peer.hang()

    return script


@pytest.mark.parametrize(
    ("octets", "failure"),
    [
        (b"hello\r\n" * 10_000, Failure.PROTOCOL),
        (b"x" * 10_000, Failure.TOO_LARGE),
        (b"SSH-2.0-" + b"x" * 300 + b"\r\n", Failure.TOO_LARGE),
        (b"SSH-2.0-a\0b\r\n", Failure.PROTOCOL),
        (b"\0" * 200 + b"\r\n", Failure.TIMEOUT),
        (b"SSH-1.5-old\r\n", Failure.PROTOCOL),
        (b"SSH-2.0-no end", Failure.TIMEOUT),
        (b"", Failure.TIMEOUT),
    ],
)
async def test_a_rude_banner_has_its_own_name(octets: bytes, failure: Failure) -> None:
    async with rude(says(octets)) as server:
        result = await ask(server.port, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "banner")


@pytest.mark.parametrize(
    ("more", "failure", "words"),
    [
        (hello(exchanges=b"diffie-hellman-group1-sha1"), Failure.IMPAIRED, "nothing in common"),
        (hello(keys=b"ssh-dss"), Failure.IMPAIRED, "nothing in common"),
        (packed(b"\x14" + bytes(16)), Failure.PROTOCOL, "ends within a field"),
        (packed(b"\x14"), Failure.PROTOCOL, "ends within a field"),
        (packed(b"\x01" + bytes(4) + b"\0\0\0\x04busy"), Failure.REJECTED, "busy"),
        (packed(b"\x02") * 100, Failure.PROTOCOL, "mean nothing"),
        (packed(b"\x15"), Failure.PROTOCOL, "kind 21"),
        (b"\xff\xff\xff\xff\x00", Failure.TOO_LARGE, "4294967295"),
        (b"\0\0\0\x01\x09", Failure.PROTOCOL, "padding"),
        (b"\0\0\0\0\0", Failure.PROTOCOL, "padding"),
        (hello() + packed(b"\x1f" + b"\xff\xff\xff\xff"), Failure.PROTOCOL, "ends within a field"),
        (hello() + packed(b"\x1f" + b"\0\0\0\0" * 3), Failure.PROTOCOL, "not a point"),
        (hello() + packed(b"\x1f" + b"\0\0\0\0" + b"\0\0\0\x20" + bytes(32) + b"\0\0\0\0"), Failure.PROTOCOL, "not a point"),
        (hello() + packed(b"\x1f" + b"\0\0\0\0" + b"\0\0\0\x20" + b"\x09" + bytes(31) + b"\0\0\0\0"), Failure.PROTOCOL, "ends within"),
        (hello(b"ecdh-sha2-nistp256") + packed(b"\x1f" + bytes(4) + b"\0\0\0\x41\x04" + bytes(68)), Failure.PROTOCOL, "point"),
        (b"", Failure.TIMEOUT, ""),
    ],
)
async def test_a_rude_key_exchange_has_its_own_name(more: bytes, failure: Failure, words: str) -> None:
    async with rude(says(BANNER, more)) as server:
        result = await ask(server.port, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "key_exchange")
    assert words in result.detail


async def test_some_lines_before_the_banner_are_allowed() -> None:
    async with rude(says(b"Welcome\r\n" * 5 + BANNER, packed(b"\x01" + bytes(8)))) as server:
        assert (await ask(server.port)).failure is Failure.REJECTED


async def test_a_banner_that_comes_byte_by_byte_is_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.drip(BANNER + packed(b"\x01" + bytes(8)))
        await peer.hang()

    async with rude(script) as server:
        assert (await ask(server.port)).failure is Failure.REJECTED


async def test_nobody_listening_is_refused() -> None:
    assert (await ask(closed_port())).failure is Failure.REFUSED


@pytest.mark.parametrize("host_key", [["SHA256:short"], [], ["MD5:" + "a" * 43]])
def test_a_fingerprint_that_is_none_is_refused(host_key: object) -> None:
    with pytest.raises(ValidationError):
        ssh.Settings.model_validate({"host": "h", "host_key": host_key})


def test_a_typed_target_has_the_usual_port() -> None:
    assert ssh.target(ssh.ad_hoc("shell.example.net")) == "shell.example.net:22"
