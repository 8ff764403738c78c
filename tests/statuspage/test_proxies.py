"""Only trusted proxies say whose request it is, whatever anybody writes."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given
from hypothesis import strategies as st

from statuspage.config.loading import load
from statuspage.entrances import proxies_of
from statuspage.web.proxies import Proxies, address_of, place_of

TRUSTED = (ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("2001:db8:ffff::/48"))
BY_LIST, BY_RFC = Proxies(TRUSTED), Proxies(TRUSTED, "Forwarded")


@pytest.mark.parametrize(
    ("peer", "lines", "client"),
    [
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        ("127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["6.6.6.6, 203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["6.6.6.6", "203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["203.0.113.1, 127.0.0.1"], "203.0.113.1"),
        ("127.0.0.1", ["127.0.0.3, 127.0.0.2"], "127.0.0.3"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.1, unknown, 127.0.0.2"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("::ffff:127.0.0.1", ["::ffff:203.0.113.1"], "203.0.113.1"),
        ("::1", ["2001:DB8::0:5"], "2001:db8::5"),
        ("::1", ["[2001:db8::5]:4711"], "2001:db8::5"),
        ("::1", ["fe80::5%eth0"], "fe80::5"),
        ("2001:db8:ffff::1", ["203.0.113.1:50123"], "203.0.113.1"),
        ("", ["203.0.113.1"], ""),
    ],
)
def test_the_nearest_address_that_is_not_trusted_is_the_clients(peer: str, lines: list[str], client: str) -> None:
    assert BY_LIST.caller(peer, lines) == client


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["for=203.0.113.1"], "203.0.113.1"),
        (['for=6.6.6.6, For="[2001:db8::5]:4711";proto=https;by=127.0.0.1'], "2001:db8::5"),
        (["proto=https;for=203.0.113.1;host=a.example, for=127.0.0.2"], "203.0.113.1"),
        (["for=6.6.6.6", "for=203.0.113.1"], "203.0.113.1"),
        (["for=unknown"], "127.0.0.1"),
        (['for="_hidden"'], "127.0.0.1"),
        (["for=2001:db8::5"], "127.0.0.1"),
        # A client that leaves a quote open would swallow what the proxy writes behind it.
        (['for=6.6.6.6;x=", for=203.0.113.1'], "127.0.0.1"),
        (['for=6.6.6.6;x=", for="[2001:db8::5]"'], "127.0.0.1"),
        (['for="6.6.6.6\\", for=203.0.113.1'], "127.0.0.1"),
        (['for=6.6.6.6;x="', "for=203.0.113.1"], "203.0.113.1"),
    ],
)
def test_so_it_is_by_the_header_of_rfc_7239(lines: list[str], client: str) -> None:
    assert BY_RFC.caller("127.0.0.1", lines) == client


def test_the_header_that_the_proxy_does_not_write_is_not_read() -> None:
    headers = {"X-Forwarded-For": "203.0.113.1", "Forwarded": "for=203.0.113.2", "X-Real-IP": "203.0.113.3"}
    request = make_mocked_request("GET", "/", headers=headers).clone(remote="127.0.0.1")
    assert [proxies.client_of(request) for proxies in (BY_LIST, BY_RFC)] == ["203.0.113.1", "203.0.113.2"]


@given(st.text(st.sampled_from('for=;," \\[]:.127x'), max_size=60))
@example('for=6.6.6.6;x="')
def test_nothing_that_a_client_writes_names_another(written: str) -> None:
    """Whatever stands in front, what the proxy puts behind it is found, or nobody is believed."""
    for proxies, appended in ((BY_LIST, "{}"), (BY_RFC, "for={}"), (BY_RFC, 'for="{}";proto=https')):
        said = f"{written}, {appended.format('203.0.113.1')}"
        assert proxies.caller("127.0.0.1", [said]) in {"203.0.113.1", "127.0.0.1"}
    assert BY_LIST.caller("127.0.0.1", [f"{written}, 203.0.113.1"]) == "203.0.113.1"


@given(st.text(max_size=40))
@example("[203.0.113.1")
@example("[]:1")
def test_an_address_is_one_or_none(text: str) -> None:
    found = address_of(text)
    assert found is None or re.fullmatch(r"[0-9a-f.:]+", str(found))


def test_of_an_ipv6_client_its_network_is_counted() -> None:
    assert place_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert place_of("::ffff:203.0.113.1") == "203.0.113.1" == str(ip_address("203.0.113.1"))
    assert place_of("nobody") == "nobody"


def test_the_file_of_the_document_is_a_good_one(checkout: Path, tmp_path: Path) -> None:
    found = re.search(r"<!-- behind a proxy:.*?```yaml\n(.*?)```", (checkout / "docs/proxies.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    (tmp_path / "statuspage.yaml").write_text(f"{found[1]}services: {{}}\n", encoding="utf-8")
    config = load(tmp_path / "statuspage.yaml", {}).config
    assert proxies_of(config).caller("::1", ["203.0.113.1"]) == "203.0.113.1"
