"""Where a probe must not be led: every hostile place is blocked at the door or refused before, and a trap behind them meets nobody."""

import socket

import pytest

from probes.egress import Door
from tests.rude.places import LOCATIONS, LOOPBACK, NAMED, NEVER, ZONE
from tests.rude.walk import ARRIVED, laid, nobody_was_led_astray, through_the_forbidden, typed_url

Answers = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]


def resolved(host: str, _port: object, *, type: socket.SocketKind) -> Answers:  # noqa: A002 - getaddrinfo's own word
    """Answer from the zone, as the machine's name service would."""
    name = host.lower().removesuffix(".")
    if name not in ZONE:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    (first, *more) = ZONE[name][0]
    if first.startswith("="):
        return resolved(first[1:], _port, type=type)
    return [(socket.AF_INET6 if ":" in each else socket.AF_INET, type, 6, "", (each, 0)) for each in (first, *more)]


def test_the_corpus_is_broad() -> None:
    assert len({*LOOPBACK, *NEVER, *LOCATIONS}) == len(LOOPBACK) + len(NEVER) + len(LOCATIONS) >= 190


async def test_no_redirect_and_no_typed_place_leads_to_our_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.lookup.socket.getaddrinfo", resolved)
    async with laid("127.0.0.1", "127.0.0.2", "127.8.9.10", "127.255.255.254", *(["::1"] if has_ipv6() else [])) as trap:
        nobody_was_led_astray(await through_the_forbidden(trap, Door()))
        for host in NAMED:  # what the operator's own file names is let through, and the trap is alive
            if has_ipv6() or host not in {"[::1]", "six.example"}:
                assert await typed_url(f"http://{host}:{trap.port}/", Door()) == ARRIVED
        assert len(trap.taken()) >= 5


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as tried:
        try:
            tried.bind(("::1", 0))
        except OSError:
            return False
    return True
