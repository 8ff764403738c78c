"""Who we say we are, to whom, by which road: logins, tokens, certificates, clear text, redirects and IP versions."""

import asyncio
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from probes import http
from probes.addresses import Network
from probes.attempt import ProbeFailed
from probes.egress import Door, Tls
from probes.lines import Stream
from probes.result import Failure
from probes.run import run
from probes.settings import Secret
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Script, rude
from tests.rude.web import ask, page, saying, to

LOGIN = {"user": "ann", "password": "geheim"}
SECRETS: list[dict[str, Any]] = [
    {"login": LOGIN},
    {"bearer": "geheim"},
    {"headers": {"Authorization": "Basic YTpi"}},
    {"headers": {"Cookie": "session=1"}},
    {"headers": {"X-Key": Secret("geheim")}},
    {"method": "POST", "body": Secret("geheim")},
]


# --- methods --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_asks_by_its_name(method: str) -> None:
    async with rude(saying(b"HTTP/1.1 204 Done\r\n\r\n")) as server:
        result = await ask(server, method=method)
        assert server.heard[0] == f"{method} / HTTP/1.1"
    assert result.failure is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_body_goes_with_any_method_that_may_have_one(method: str) -> None:
    bodies: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.hear_head()
        bodies.append(await peer.reader.readexactly(7))
        await peer.say(page())

    async with rude(script) as server:
        assert (await ask(server, method=method, body="größe")).failure is None
        assert "content-length: 7" in server.heard
    assert bodies == ["größe".encode()]


# --- logins and tokens ------------------------------------------------------------------------------------------------------------


async def test_a_bearer_token_is_shown_and_401_to_it_is_about_us() -> None:
    async with rude(saying(page(status="401 Who"))) as server:
        result = await ask(server, bearer="geheim")
        assert "authorization: Bearer geheim" in server.heard
        expected = await ask(server, bearer="geheim", expect={"status": [401]})
    assert (result.failure, result.stage, expected.failure) == (Failure.AUTH_REJECTED, "status", None)


@pytest.mark.parametrize("shown", [{"login": LOGIN}, {"bearer": "geheim"}])
async def test_401_of_another_origin_to_which_nothing_was_shown_is_a_status(shown: dict[str, Any], loopback: Network) -> None:
    async with rude(saying(page(status="401 Who"))) as there, rude(saying(to(there.url()))) as here:
        result = await ask(here, door=Door(allow=[loopback]), **shown)
        assert not [line for line in there.heard if line.startswith("authorization")]
    assert (result.failure, result.stage) == (Failure.STATUS, "status")


@pytest.mark.parametrize("secret", SECRETS)
async def test_no_secret_is_ever_heard_by_a_listener_or_quoted(secret: dict[str, Any]) -> None:
    ear = Ear()
    texts = http.secrets(http.Settings.model_validate({"url": "http://127.0.0.1/", **secret}))
    async with rude(saying(f"HTTP/1.1 200 {' '.join(texts)}\r\nbroken {' '.join(texts)}\r\n\r\n".encode())) as server:
        result = await ask(server, listener=ear, **secret)
    said = "\n".join([*ear.lines, result.detail])
    assert result.failure is Failure.PROTOCOL
    assert texts
    assert not [text for text in texts if text in said]
    assert said.count("***") >= 2


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_clear_to_another_machine_must_be_allowed_in_the_file(secret: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="allow_plaintext"):
        http.Settings.model_validate({"url": "http://example.net/", **secret})
    for url in ("https://example.net/", "http://127.0.0.1/", "http://[::1]/", "http://localhost/"):
        http.Settings.model_validate({"url": url, **secret})
    http.Settings.model_validate({"url": "http://example.net/", "allow_plaintext": True, **secret})


@pytest.mark.parametrize(
    ("name", "is_telling"),
    [("Authorization", True), ("COOKIE", True), ("X-Auth-Token", True), ("X-Api-Key", True), ("X-Tenant", False), ("Accept", False)],
)
def test_a_header_whose_name_tells_of_a_secret_holds_one(name: str, is_telling: bool) -> None:  # noqa: FBT001
    settings = http.Settings.model_validate({"url": "https://example.net/", "headers": {name: "geheim"}})
    assert isinstance(settings.headers[name], Secret) is is_telling
    assert ("geheim" in settings.model_dump_json()) is not is_telling


def test_headers_that_are_no_secret_may_go_anywhere() -> None:
    http.Settings.model_validate({"url": "http://example.net/", "headers": {"Accept": "text/html"}, "body": "a", "method": "POST"})


async def test_a_name_of_this_machine_that_leads_to_another_gets_no_secret() -> None:
    """The file's check knows names; what counts is where the connection ended."""
    for peer, is_told in ((None, False), ("192.0.2.1", False), ("2001:db8::1", False), ("127.0.0.1", True), ("::1", True)):
        transport = Somewhere(peer)
        stream = Stream()
        stream.connection_made(transport)
        if is_told:
            http._refuse_plaintext(stream)
        else:
            with pytest.raises(ProbeFailed) as caught:
                http._refuse_plaintext(stream)
            assert caught.value.failure is Failure.TLS_MISSING
        assert transport.is_aborted is not is_told


class Somewhere(asyncio.Transport):
    """A transport that says where it leads."""

    def __init__(self, peer: str | None) -> None:
        super().__init__(extra={"peername": None if peer is None else (peer, 80)})
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


# --- client certificates --------------------------------------------------------------------------------------------------------


class Shown:
    """Certificates for the probe to show, and a server that wants one of this authority."""

    def __init__(self, directory: Path, certificates: Certificates) -> None:
        self._directory = directory
        self._ours = trustme.CA()
        self.server = certificates.good()
        self.server.verify_mode = ssl.CERT_REQUIRED
        self._ours.configure_trust(self.server)
        self.certificate, self.key, self.both = (directory / name for name in ("certificate.pem", "key.pem", "both.pem"))
        self.write(self._ours)

    def write(self, authority: trustme.CA) -> None:
        issued = authority.issue_cert("probe@example.net")
        issued.cert_chain_pems[0].write_to_path(str(self.certificate))
        issued.private_key_pem.write_to_path(str(self.key))
        issued.private_key_and_cert_chain_pem.write_to_path(str(self.both))


@pytest.fixture
def shown(tmp_path: Path, certificates: Certificates) -> Shown:
    return Shown(tmp_path, certificates)


async def test_a_certificate_is_shown_from_two_files_or_one(shown: Shown, certificates: Certificates) -> None:
    async with rude(saying(page()), tls=shown.server) as server:
        url = server.url(scheme="https")
        assert (await ask(server, url=url, ca=certificates.ca)).failure in {Failure.TLS, Failure.RESET, Failure.CLOSED}
        assert (await ask(server, url=url, ca=certificates.ca, certificate=shown.certificate, key=shown.key)).failure is None
        assert (await ask(server, url=url, ca=certificates.ca, certificate=shown.both)).failure is None


async def test_a_renewed_certificate_is_shown_without_a_restart(shown: Shown, certificates: Certificates) -> None:
    door = Door()
    stranger = trustme.CA()
    async with rude(saying(page()), tls=shown.server) as server:
        asked: dict[str, Any] = {"url": server.url(scheme="https"), "ca": certificates.ca, "certificate": shown.both}
        assert (await ask(server, door=door, **asked)).failure is None
        shown.write(stranger)
        os.utime(shown.both, (1, 1))
        assert (await ask(server, door=door, **asked)).failure is not None
        shown.write(shown._ours)
        assert (await ask(server, door=door, **asked)).failure is None


def test_a_context_is_made_once_as_long_as_its_files_are_the_same(shown: Shown, certificates: Certificates) -> None:
    door = Door()
    tls = Tls(ca=certificates.ca, certificate=shown.both)
    first = door.context(tls)
    assert door.context(Tls(ca=certificates.ca, certificate=shown.both)) is first
    assert door.context(Tls(ca=certificates.ca)) is not first
    os.utime(shown.both, (1, 1))
    assert door.context(tls) is not first


@pytest.mark.parametrize("trouble", ["gone", "garbage", "no key", "other key", "encrypted key", "authorities gone"])
async def test_a_file_of_ours_that_cannot_be_used_is_our_trouble(
    shown: Shown, certificates: Certificates, tmp_path: Path, trouble: str
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    async with rude(saying(page()), tls=shown.server) as server:
        given = {"url": server.url(scheme="https"), "ca": ca, "certificate": shown.certificate, "key": shown.key}
        settings = http.Settings.model_validate(given)
        match trouble:
            case "gone":
                shown.certificate.unlink()
            case "garbage":
                shown.certificate.write_text("no certificate")
            case "no key":
                shown.key.write_bytes(shown.certificate.read_bytes())
            case "other key":
                shown.key.write_bytes(trustme.CA().issue_cert("a@b.example").private_key_pem.bytes())
            case "encrypted key":
                shown.key.write_bytes(_encrypted(shown.key.read_bytes()))
            case _:
                ca.unlink()
        result = await run(http.KIND, settings, door=Door(), timeout=2, started=datetime.now(UTC))
        assert server.heard == []
    assert (result.failure, result.stage) == (Failure.IMPAIRED, "tls")
    assert str(tmp_path)[:40] in result.detail


def _encrypted(key: bytes) -> bytes:
    loaded = serialization.load_pem_private_key(key, None)
    form = serialization.PrivateFormat.PKCS8
    return loaded.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"geheim"))


async def test_our_certificate_is_shown_to_the_named_origin_alone(shown: Shown, certificates: Certificates, loopback: Network) -> None:
    async with rude(saying(page()), tls=shown.server) as there:
        leading = saying(to(there.url(scheme="https")))
        async with rude(leading, tls=certificates.good()) as here:
            asked: dict[str, Any] = {"url": here.url(scheme="https"), "ca": certificates.ca, "certificate": shown.both}
            result = await ask(here, door=Door(allow=[loopback]), **asked)
            assert here.connections == 1
    assert result.failure in {Failure.TLS, Failure.RESET, Failure.CLOSED}
    assert there.heard == []


# --- certificates that end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("within", "warned"), [("25h", True), ("23h", False)])
async def test_a_certificate_that_ends_soon_is_told_before_it_is_a_failure(
    certificates: Certificates,
    within: str,
    warned: bool,  # noqa: FBT001
) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    async with rude(saying(page()), tls=certificates.ending(ends)) as server:
        result = await ask(server, url=server.url(scheme="https"), ca=certificates.ca, expires_within=within)
    assert result.failure is None
    assert result.facts["tls_expires_at"] == int(ends.timestamp())
    assert [warning.name for warning in result.warnings] == ["expires_soon"] * warned


# --- redirects ----------------------------------------------------------------------------------------------------------------------


def by_path(ways: dict[str, bytes]) -> Script:
    async def script(peer: Peer) -> None:
        head = await peer.hear_head()
        await peer.say(ways[head[0].split()[1]])

    return script


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 303, "GET"),
        ("DELETE", 308, "DELETE"),
        ("HEAD", 303, "HEAD"),
        ("OPTIONS", 302, "OPTIONS"),
    ],
)
async def test_a_redirect_keeps_the_method_or_asks_by_get(method: str, status: int, then: str) -> None:
    async with rude(by_path({"/": to("/there", status), "/there": b"HTTP/1.1 204 Done\r\n\r\n"})) as server:
        assert (await ask(server, method=method)).failure is None
        assert [line for line in server.heard if line.endswith("HTTP/1.1")] == [f"{method} / HTTP/1.1", f"{then} /there HTTP/1.1"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_is_not_asked_of_a_host_that_the_file_does_not_name(method: str, loopback: Network) -> None:
    async with rude(saying(page())) as there, rude(saying(to(there.url(), 307))) as here:
        result = await ask(here, door=Door(allow=[loopback]), method=method)
        assert (result.failure, result.stage, there.connections) == (Failure.REDIRECT, "redirect", 0)


async def test_redirects_stay_where_the_file_says(loopback: Network) -> None:
    door = Door(allow=[loopback])
    async with rude(saying(page())) as there:
        ways = {"/port": to(there.url()), "/host": to(there.url(host="localhost")), "/path": to("/"), "/": page()}
        async with rude(by_path(ways)) as here:

            async def led(path: str, within: str) -> Failure | None:
                return (await ask(here, url=here.url(path), door=door, redirects_to=within)).failure

            assert [await led(path, "origin") for path in ("/path", "/port", "/host")] == [None, Failure.REDIRECT, Failure.REDIRECT]
            assert [await led(path, "host") for path in ("/path", "/port", "/host")] == [None, None, Failure.REDIRECT]
            assert [await led(path, "anywhere") for path in ("/path", "/port", "/host")] == [None, None, None]


async def test_a_redirect_out_of_the_encryption_is_told(certificates: Certificates, loopback: Network) -> None:
    async with rude(saying(page())) as there, rude(saying(to(there.url())), tls=certificates.good()) as here:
        result = await ask(here, url=here.url(scheme="https"), ca=certificates.ca, door=Door(allow=[loopback]))
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["insecure_redirect"]


# --- IP versions ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ip", "host"), [(4, "127.0.0.1"), (6, "::1")])
async def test_a_name_is_reached_by_the_version_that_is_asked_for(ip: int, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    six = [(10, 1, 6, "", (f"2001:db8::{n}", 0, 0, 0)) for n in range(1, 10)] if ip == 4 else []
    answers = [*six, (10, 1, 6, "", ("::1", 0, 0, 0)), (2, 1, 6, "", ("127.0.0.1", 0))]
    monkeypatch.setattr("probes.lookup.socket.getaddrinfo", lambda *_, **__: answers)
    async with rude(saying(page()), host=host) as server:
        result = await ask(server, url=server.url(host="both.example"), ip=ip)
    assert (result.failure, result.facts["ip_version"]) == (None, ip)


async def test_a_name_without_an_address_of_that_version_is_a_failure_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.lookup.socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 0))])
    async with rude(saying(page())) as server:
        for url in (server.url(host="four.example"), server.url()):
            result = await ask(server, url=url, ip=6)
            assert (result.failure, result.stage) == (Failure.DNS, "dns")
            assert result.detail.endswith("has no IPv6 address")
        assert server.connections == 0
