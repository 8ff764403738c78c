"""Feed readers that hammer are told to wait; whoever asks once a minute never is."""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from statuspage.web.hammering import ALLOWANCE, Hammering
from statuspage.web.proxies import Proxies
from tests.statuspage.pictures import NOW, service, snapshot
from tests.statuspage.serving import Served, serving

PROXY = Proxies((ip_network("127.0.0.0/8"),))
OFTEN = ALLOWANCE.burst


class Asking:
    """A request as far as it matters here."""

    def __init__(self, peer: str, *forwarded: str) -> None:
        self.remote, self.headers = peer, CIMultiDict([("X-Forwarded-For", line) for line in forwarded])


def refused(hammering: Hammering, asking: Any, at: datetime = NOW, path: str = "/history.rss") -> bool:  # noqa: ANN401 - stands for a request
    return hammering.is_by(asking, path, at)


def hammered(hammering: Hammering, asking: Asking, times: int = OFTEN + 1) -> list[bool]:
    return [refused(hammering, asking) for _ in range(times)]


def test_a_reader_that_asks_once_a_minute_is_never_refused() -> None:
    hammering = Hammering()
    assert not any(refused(hammering, Asking("203.0.113.5"), NOW + minute * timedelta(minutes=1)) for minute in range(5000))


def test_nor_are_a_hundred_of_them_behind_one_address() -> None:
    hammering = Hammering()
    moments = (NOW + minute * timedelta(minutes=1) + reader * timedelta(seconds=0.55) for minute in range(60) for reader in range(100))
    assert not any(refused(hammering, Asking("203.0.113.5"), at) for at in moments)


def test_one_that_hammers_is_refused_until_it_has_waited() -> None:
    hammering = Hammering()
    assert hammered(hammering, Asking("203.0.113.5")) == [False] * OFTEN + [True]
    assert refused(hammering, Asking("203.0.113.5"), NOW + timedelta(seconds=0.4))
    assert not refused(hammering, Asking("203.0.113.5"), NOW + timedelta(seconds=61))


def test_others_and_other_feeds_are_not_its_affair() -> None:
    hammering = Hammering()
    assert hammered(hammering, Asking("203.0.113.5"))[-1]
    assert not refused(hammering, Asking("203.0.113.6"))
    assert not refused(hammering, Asking("203.0.113.5"), path="/history.atom")


def test_behind_a_trusted_proxy_it_is_known_by_its_own_address_whatever_it_says_itself() -> None:
    hammering = Hammering(PROXY)
    assert hammered(hammering, Asking("127.0.0.1", "203.0.113.5"))[-1]
    assert refused(hammering, Asking("127.0.0.1", "198.51.100.9, 203.0.113.5"))
    assert refused(hammering, Asking("127.0.0.1", "198.51.100.9", "203.0.113.5, 127.0.0.2"))
    assert not refused(hammering, Asking("127.0.0.1", "203.0.113.5, 198.51.100.9"))


def test_a_stranger_gains_nothing_by_naming_another() -> None:
    hammering = Hammering(PROXY)
    made_up = [refused(hammering, Asking("8.8.8.8", f"203.0.113.{number % 250}")) for number in range(OFTEN + 1)]
    assert made_up[-1]


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        pytest.param("172.17.0.2", ("203.0.113.5",), id="a proxy that nobody declared"),
        pytest.param("127.0.0.1", (), id="this machine itself"),
        pytest.param("::1", (), id="this machine itself, by IPv6"),
        pytest.param("", (), id="nobody knows who"),
    ],
)
def test_where_readers_cannot_be_told_apart_none_is_refused(peer: str, forwarded: tuple[str, ...]) -> None:
    assert not any(hammered(Hammering(), Asking(peer, *forwarded), 1000))


def test_an_address_that_ipv6_carries_is_counted_as_itself() -> None:
    hammering = Hammering(PROXY)
    assert hammered(hammering, Asking("127.0.0.1", "203.0.113.5"))[-1]
    assert refused(hammering, Asking("::ffff:127.0.0.1", "::ffff:203.0.113.5"))


def test_a_trusted_proxy_that_names_nobody_speaks_for_all() -> None:
    assert not any(hammered(Hammering(Proxies((ip_network("10.0.0.0/8"),))), Asking("10.1.2.3"), 1000))


def test_an_intranet_reader_is_counted_like_any_other() -> None:
    assert hammered(Hammering(), Asking("192.168.7.9"))[-1]


def test_one_subscriber_has_one_allowance_however_many_addresses_of_its_network_it_takes() -> None:
    hammering = Hammering()
    assert [refused(hammering, Asking(f"2001:db8:1:2::{number:x}")) for number in range(OFTEN + 1)][-1]
    assert not refused(hammering, Asking("2001:db8:1:3::1"))


def test_memory_is_bounded_whoever_asks() -> None:
    hammering = Hammering()
    for number in range(10_000):
        refused(hammering, Asking(f"203.{number // 65536}.{number // 256 % 256}.{number % 256}"))
    assert len(hammering) == 4096


def test_what_a_long_row_of_hops_says_is_understood_and_not_kept() -> None:
    hammering = Hammering(PROXY)
    hops = ["198.51.100.9"] * 600
    assert hammered(hammering, Asking("127.0.0.1", ", ".join([*hops, "203.0.113.5"])))[-1]
    assert not refused(hammering, Asking("127.0.0.1", *hops))
    assert hammering._reader.cache_info().currsize == 0


@settings(max_examples=100, deadline=None)
@given(peer=st.text(max_size=30), forwarded=st.lists(st.text(max_size=30), max_size=3))
def test_whatever_a_proxy_says_is_no_reason_to_break(peer: str, forwarded: list[str]) -> None:
    hammering = Hammering(PROXY)
    for asking in (Asking(peer, *forwarded), Asking("127.0.0.1", *forwarded)):
        assert refused(hammering, asking) is False


async def test_over_a_socket_it_is_told_when_to_come_again_and_pages_are_not_counted() -> None:
    served = Served(hammering=Hammering(PROXY), now=lambda: NOW)
    async with serving(served) as session:
        tag = served.publish(snapshot(service("email"))).files["/history.rss"].etag
        headers = {"X-Forwarded-For": "203.0.113.5", "If-None-Match": tag}
        for _ in range(OFTEN):
            async with session.get("/history.rss", headers=headers) as answer:
                assert answer.status == 304
        async with session.get("/history.rss", headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (429, "60", "no-store")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        async with session.head("/history.rss", headers=headers) as answer:
            assert (answer.status, await answer.read()) == (429, b"")
        for other in ("/", "/api/v2/summary.json", "/history.atom"):
            async with session.get(other, headers=headers) as answer:
                assert answer.status == 200
        for _ in range(OFTEN + 1):
            async with session.get("/nothing.rss", headers=headers) as answer:
                assert answer.status == 404
        async with session.get("/services/email/history.rss", headers={"X-Forwarded-For": "203.0.113.5"}) as answer:
            assert answer.status == 200
