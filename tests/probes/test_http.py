import asyncio
import base64

import pytest
from pydantic import ValidationError

from probes import http
from probes.addresses import Network
from probes.egress import Door
from probes.result import Failure
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.peer import Peer, closed_port, rude
from tests.rude.web import ask, page, saying, to

# --- the good case ------------------------------------------------------------------------------------------------------------


async def test_a_page_with_status_200_is_good_and_its_phases_and_size_are_known() -> None:
    async with rude(saying(page())) as server:
        result = await ask(server)
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "first_byte", "transfer"]
    assert result.facts == {"ip_version": 4, "redirects": 0, "http_version": 1.1, "status": 200, "body_bytes": 16}


async def test_the_request_is_one_that_a_strict_server_takes() -> None:
    async with rude(saying(page())) as server:
        await ask(server, url=server.url("/a b?q=ä".replace(" ", "%20")), headers={"X-Tenant": "blue"})
        assert server.heard == [
            "GET /a%20b?q=%C3%A4 HTTP/1.1",
            f"host: 127.0.0.1:{server.port}",
            "user-agent: statuspage-probe",
            "accept: */*",
            "accept-encoding: identity",
            "connection: close",
            "x-tenant: blue",
            "",
        ]


async def test_an_answer_that_comes_byte_by_byte_is_read_all_the_same() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nSign \r\n2\r\nin\r\n0\r\nX: y\r\n\r\n")

    async with rude(script) as server:
        result = await ask(server, expect={"body_contains": "Sign in"})
    assert result.failure is None
    assert result.facts["body_bytes"] == 7


async def test_a_body_that_the_end_of_the_connection_ends_is_read() -> None:
    async with rude(saying(b"HTTP/1.0 200 OK\n\nSign in")) as server:
        result = await ask(server, expect={"body_contains": "Sign in"})
    assert result.failure is None


async def test_a_post_carries_its_body_and_a_login_its_name_and_password() -> None:
    bodies: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.hear_head()
        bodies.append(await peer.reader.readexactly(7))
        await peer.say(page(status="201 Created"))

    async with rude(script) as server:
        result = await ask(server, method="POST", body="a=1&b=2", login={"user": "ann", "password": "geheim"})
        assert f"authorization: Basic {base64.b64encode(b'ann:geheim').decode()}" in server.heard
    assert result.failure is None
    assert bodies == [b"a=1&b=2"]


async def test_head_has_no_body_whatever_length_is_stated() -> None:
    async with rude(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")) as server:
        result = await ask(server, method="HEAD")
    assert result.failure is None


async def test_interim_answers_before_the_page_are_let_pass() -> None:
    async with rude(saying(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + page())) as server:
        result = await ask(server)
    assert result.failure is None


async def test_https_is_verified_against_the_given_authority(certificates: Certificates) -> None:
    async with rude(saying(page()), tls=certificates.good()) as server:
        result = await ask(server, url=server.url(scheme="https"), ca=certificates.ca)
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "tls", "first_byte", "transfer"]


# --- expectations -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expect", "failure", "stage"),
    [
        (page(status="503 Busy"), {}, Failure.STATUS, "status"),
        (page(status="404 Gone"), {"status": [404]}, None, None),
        (page(), {"status": [204]}, Failure.STATUS, "status"),
        (page(b"Error"), {"body_contains": "Sign in"}, Failure.CONTENT, "content"),
        (page(b"Maintenance"), {"body_not_contains": "Maintenance"}, Failure.CONTENT, "content"),
        (page("für".encode("latin-1"), "200 OK", "Content-Type: text/html; charset=ISO-8859-1"), {"body_contains": "für"}, None, None),
        (page(b"Sign in", "200 OK", "Content-Type: text/html; charset=idna"), {"body_contains": "Sign in"}, None, None),
        (page(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"), {"body_contains": "Sign in"}, Failure.CONTENT, "content"),
    ],
)
async def test_an_answer_is_compared_with_what_is_expected(
    answer: bytes, expect: dict[str, object], failure: Failure | None, stage: str | None
) -> None:
    async with rude(saying(answer)) as server:
        result = await ask(server, expect=expect)
    assert (result.failure, result.stage) == (failure, stage)


async def test_the_right_answer_after_too_long_is_slow() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await asyncio.sleep(0.1)
        await peer.say(page())

    async with rude(script) as server:
        result = await ask(server, expect={"slower_than": "50ms"})
        assert (result.failure, result.stage) == (Failure.SLOW, "transfer")
        assert (await ask(server, expect={"slower_than": "1m"})).failure is None


async def test_a_wrong_status_that_is_also_slow_is_a_wrong_status() -> None:
    async with rude(saying(page(status="500 Oops"))) as server:
        assert (await ask(server, expect={"slower_than": "1ms"})).failure is Failure.STATUS


async def test_401_is_about_us_where_we_showed_a_password_and_a_status_where_not() -> None:
    async with rude(saying(page(status="401 Who"))) as server:
        assert (await ask(server)).failure is Failure.STATUS
        assert (await ask(server, login={"user": "ann", "password": "x"})).failure is Failure.AUTH_REJECTED


# --- servers that misbehave ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "failure", "stage"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", Failure.PROTOCOL, "first_byte"),
        (b"HTTP/2.0 200 OK\r\n\r\n", Failure.PROTOCOL, "first_byte"),
        (b"HTTP/1.1 999 ?\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"\x16\x03\x01\x02\x00\r\n", Failure.PROTOCOL, "first_byte"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n", Failure.PROTOCOL, "transfer"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n", Failure.TOO_LARGE, "transfer"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 9000 + b"\r\n\r\n", Failure.TOO_LARGE, "transfer"),
        (b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 8000 + b"\r\n") * 20 + b"\r\n", Failure.TOO_LARGE, "transfer"),
        (b"A" * 100_000, Failure.PROTOCOL, "first_byte"),
        (b"\x15\x03\x01\x00\x02\x02\x46", Failure.PROTOCOL, "first_byte"),
        (b"HTTP/1.1 200 " + b"A" * 100_000, Failure.TOO_LARGE, "transfer"),
        (b"", Failure.CLOSED, "first_byte"),
        (b"HTTP/1.1 200", Failure.CLOSED, "transfer"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", Failure.CLOSED, "transfer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Failure.CLOSED, "transfer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Failure.CLOSED, "transfer"),
    ],
)
async def test_a_broken_answer_has_its_own_reason(octets: bytes, failure: Failure, stage: str) -> None:
    async with rude(saying(octets)) as server:
        result = await ask(server)
    assert (result.failure, result.stage) == (failure, stage)
    assert len(result.detail) <= 200
    assert result.detail.isprintable()


async def test_a_tarpit_times_out_in_the_first_byte() -> None:
    async def script(peer: Peer) -> None:
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server, timeout=0.2)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "first_byte")
    assert result.took < 0.45


async def test_a_drip_without_end_times_out_in_the_transfer() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        await peer.drip(b"x" * 10_000, 0.01)

    async with rude(script) as server:
        result = await ask(server, timeout=0.3)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "transfer")
    assert result.took < 0.55


async def test_an_endless_body_is_cut_at_the_cap_and_judged_by_its_beginning() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nSign in")
        await peer.flood(b"x" * 65536)

    async with rude(script) as server:
        result = await ask(server, timeout=5, expect={"body_contains": "Sign in"})
        await asyncio.wait_for(server.closed.wait(), 1)
    assert result.failure is None
    assert result.facts["body_bytes"] == 1024 * 1024
    assert [warning.name for warning in result.warnings] == ["truncated"]


async def test_an_announced_giant_is_cut_at_the_cap() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n")
        await peer.flood(b"x" * 65536)

    async with rude(script) as server:
        result = await ask(server, timeout=5)
    assert [warning.name for warning in result.warnings] == ["truncated"]


async def test_a_flood_of_interim_answers_ends_the_probe() -> None:
    async def script(peer: Peer) -> None:
        await peer.flood(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)

    async with rude(script) as server:
        assert (await ask(server)).failure is Failure.PROTOCOL


async def test_a_reset_is_told_from_a_close() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        peer.reset()

    async with rude(script) as server:
        result = await ask(server)
    assert (result.failure, result.stage) == (Failure.RESET, "first_byte")


# --- TLS ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "failure"),
    [
        ("expired", Failure.TLS_EXPIRED),
        ("not_yet_valid", Failure.TLS_EXPIRED),
        ("of_a_stranger", Failure.TLS_UNTRUSTED),
    ],
)
async def test_a_bad_certificate_is_named(certificates: Certificates, make: str, failure: Failure) -> None:
    async with rude(saying(page()), tls=getattr(certificates, make)()) as server:
        url = server.url(scheme="https")
        result = await ask(server, url=url, ca=certificates.ca)
        assert (result.failure, result.stage) == (failure, "tls")
        assert (await ask(server, url=url, verify=False)).failure is None


async def test_a_certificate_for_another_host_is_named(certificates: Certificates) -> None:
    async with rude(saying(page()), tls=certificates.good("mail.example.net")) as server:
        result = await ask(server, url=server.url(scheme="https"), ca=certificates.ca)
        assert (result.failure, result.stage) == (Failure.TLS_WRONG_HOST, "tls")
        by_name = await ask(server, url=server.url(scheme="https", host="localhost"), ca=certificates.ca)
        assert by_name.failure is Failure.TLS_WRONG_HOST


async def test_https_to_a_port_without_it_is_a_tls_failure() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(4096)
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server, url=server.url(scheme="https"))
    assert (result.failure, result.stage) == (Failure.TLS, "tls")


async def test_a_handshake_that_never_ends_times_out_in_tls() -> None:
    async def script(peer: Peer) -> None:
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server, url=server.url(scheme="https"), timeout=0.2)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "tls")


async def test_authorities_that_cannot_be_read_are_our_trouble_not_the_targets(certificates: Certificates) -> None:
    broken = certificates.ca.with_name("broken.pem")
    broken.write_text("no certificate")
    async with rude(saying(page()), tls=certificates.good()) as server:
        result = await ask(server, url=server.url(scheme="https"), ca=broken)
    assert result.failure is Failure.IMPAIRED


# --- redirects ----------------------------------------------------------------------------------------------------------------


async def redirecting(peer: Peer) -> None:
    head = await peer.hear_head()
    path = head[0].split()[1]
    if path.startswith("/loop"):
        await peer.say(to("/loop"))
    elif path.startswith("/hops/"):
        left = int(path.rpartition("/")[2])
        await peer.say(to(f"{left - 1}") if left else page())
    else:
        await peer.say(page())


async def test_redirects_on_the_named_host_and_port_are_followed() -> None:
    async with rude(redirecting) as server:
        result = await ask(server, url=server.url("/hops/5"))
    assert result.failure is None
    assert result.facts["redirects"] == 5


@pytest.mark.parametrize("path", ["/hops/6", "/loop"])
async def test_the_sixth_redirect_is_not_followed(path: str) -> None:
    async with rude(redirecting) as server:
        result = await ask(server, url=server.url(path))
        assert server.connections == 6
    assert (result.failure, result.stage) == (Failure.REDIRECT, "redirect")


async def test_with_no_redirects_allowed_the_redirect_is_the_answer() -> None:
    async with rude(redirecting) as server:
        result = await ask(server, url=server.url("/loop"), redirects=0, expect={"status": [302]})
    assert result.failure is None


@pytest.mark.parametrize(
    ("location", "failure"),
    [
        ("http://169.254.169.254/latest/meta-data/", Failure.BLOCKED),
        ("http://10.0.0.1/", Failure.BLOCKED),
        ("http://127.0.0.1:1/", Failure.BLOCKED),
        ("http://localhost:1/", Failure.BLOCKED),
        ("http://[::ffff:127.0.0.1]:1/", Failure.BLOCKED),
        ("http://[::1]:1/", Failure.BLOCKED),
        ("file:///etc/passwd", Failure.REDIRECT),
        ("gopher://127.0.0.1/", Failure.REDIRECT),
        ("http://a:b@169.254.169.254/", Failure.REDIRECT),
        ("http://127.1/", Failure.REDIRECT),
        ("http://0177.0.0.1/", Failure.REDIRECT),
        ("http://2130706433/", Failure.REDIRECT),
        ("http://0x7f000001/", Failure.REDIRECT),
        ("http://[fe80::1%25lo]/", Failure.REDIRECT),
        ("http://exa mple/", Failure.REDIRECT),
        ("http://127.0.0.1:99999/", Failure.REDIRECT),
        ("http://[::1/", Failure.REDIRECT),
    ],
)
async def test_a_redirect_to_where_no_probe_may_go_is_not_followed(location: str, failure: Failure) -> None:
    async with rude(saying(to(location))) as server:
        result = await ask(server)
        assert server.connections == 1
    assert result.failure is failure


async def test_a_redirect_to_a_private_address_is_followed_where_the_operator_allows_it(loopback: Network) -> None:
    async with rude(saying(page())) as there, rude(saying(to(there.url()))) as here:
        assert (await ask(here)).failure is Failure.BLOCKED
        assert (await ask(here, door=Door(allow=[loopback]))).failure is None
        assert there.connections == 1


async def test_headers_and_password_stay_with_the_named_origin(loopback: Network) -> None:
    async with rude(saying(page())) as there, rude(saying(to(there.url()))) as here:
        login = {"user": "ann", "password": "geheim"}
        await ask(here, door=Door(allow=[loopback]), headers={"X-Key": "k"}, login=login)
        assert "x-key: k" in here.heard
        assert not [line for line in there.heard if line.startswith(("x-key", "authorization"))]


async def test_a_body_is_not_carried_to_another_origin(loopback: Network) -> None:
    async with rude(saying(page())) as there, rude(saying(to(there.url(), 307))) as here:
        result = await ask(here, door=Door(allow=[loopback]), method="POST", body="a=1")
        assert (result.failure, there.connections) == (Failure.REDIRECT, 0)


# --- what is kept and said ----------------------------------------------------------------------------------------------------


async def test_a_secret_that_the_server_echoes_is_masked_in_the_detail() -> None:
    async with rude(saying(b"HTTP/9 geheim-42 \x1b[31m\r\n")) as server:
        result = await ask(server, headers={"Authorization": "geheim-42"})
    assert "geheim-42" not in result.detail
    assert "***" in result.detail


async def test_nobody_listening_is_refused() -> None:
    result = await run(http.KIND, http.Settings(url=f"http://127.0.0.1:{closed_port()}/"), door=Door(), timeout=2)
    assert (result.failure, result.stage) == (Failure.REFUSED, "connect")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://example.net/"},
        {"url": "http://"},
        {"url": "http://ann:secret@example.net/"},
        {"url": "http://example.net:0/"},
        {"url": "http://example.net:70000/"},
        {"url": "http://exa\nmple.net/"},
        {"url": "http://example.net/", "headers": {"A": "b\r\nC: d"}},
        {"url": "http://example.net/", "headers": {"Content-Length": "1"}},
        {"url": "http://example.net/", "headers": {"A b": "c"}},
        {"url": "http://example.net/", "body": "a"},
        {"url": "http://example.net/", "method": "HEAD", "expect": {"body_contains": "a"}},
        {"url": "http://example.net/", "expect": {"status": []}},
        {"url": "http://example.net/", "expect": {"status": [1000]}},
        {"url": "http://example.net/", "expect": {"slower_than": "0s"}},
        {"url": "http://example.net/", "redirects": 11},
        {"url": "http://example.net/", "redirects_to": "friends"},
        {"url": "http://example.net/", "method": "TRACE"},
        {"url": "http://example.net/", "method": "PUT", "body": ""},
        {"url": "http://example.net/", "method": "PUT", "body": "ä" * 20_001},
        {"url": "http://example.net/", "method": "HEAD", "expect": {"json_values": {"$.a": {}}}},
        {"url": "http://example.net/", "ip": 5},
        {"url": "http://example.net/", "max_body": 0},
        {"url": "http://example.net/", "max_body": 4 * 1024 * 1024 + 1},
        {"url": "https://example.net/", "key": __file__},
        {"url": "https://example.net/", "certificate": "/nowhere.pem"},
        {"url": "https://example.net/", "bearer": "a", "login": {"user": "ann", "password": "x"}},
        {"url": "https://example.net/", "bearer": "a\r\nb: c"},
        {"url": "http://example.net/", "expect": {"status": ["2yy"]}},
        {"url": "http://example.net/", "expect": {"status": ["299-200"]}},
        {"url": "http://example.net/", "expect": {"status": [True]}},
        {"url": "http://example.net/", "expect": {"body_matches": "("}},
        {"url": "http://example.net/", "expect": {"headers": {"a b": {}}}},
        {"url": "http://example.net/", "expect": {"headers": {"Age": {"equals": 5}}}},
        {"url": "http://example.net/", "expect": {"json_values": {"status": {}}}},
        {"url": "http://example.net/", "expect": {"json_values": {"$..a": {}}}},
        {"url": "http://example.net/", "expect": {"json_values": {"$.a": {"equals": None}}}},
        {"url": "http://example.net/", "expect": {"json_values": {"$.a": {"exists": False, "equals": 1}}}},
        {"url": "http://example.net/", "expect": {"json_values": {"$.a": {"at_least": 2, "at_most": 1}}}},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        http.Settings.model_validate(wrong)


def test_what_the_contract_says_means_what_it_says() -> None:
    given = {"url": "http://127.0.0.1:8090/webmail", "expect": {"status": [200], "body_contains": "Sign in", "slower_than": "2s"}}
    settings = http.Settings.model_validate(given)
    assert settings.expect.slower_than is not None
    assert settings.expect.slower_than.total_seconds() == 2
    assert settings.expect.status == (200,)


def test_the_query_of_a_url_is_not_shown_it_may_hold_a_token() -> None:
    assert http.target(http.Settings(url="https://example.net/a?token=x")) == "https://example.net/a"
