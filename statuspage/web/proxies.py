"""Whose request it is, where proxies stand between: what those that are trusted say, and nobody else. Source: ADR 47.

Only the address of a client is ever taken from a header. By which address readers and agents know us says the configuration, so that
``X-Forwarded-Host``, ``X-Forwarded-Proto`` and ``Host`` lead nobody anywhere, whoever sends them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import hdrs, web

Network = IPv4Network | IPv6Network
Header = str

SITE_OF_ONE = 64
"""Bits of an IPv6 address that tell one subscriber from another: the rest is theirs to choose."""

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\x20-\x7e])*"'
_PAIR = re.compile(rf"[ \t]*(?:({_WORD})=({_WORD}|{_QUOTED}))?[ \t]*")
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\w{1,6})?|([^:\[\]]+):\w{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proxies:
    """The *networks* whose word is believed, and the one *header* in which they name the client: the other is anybody's to write."""

    networks: tuple[Network, ...] = ()
    header: Header = hdrs.X_FORWARDED_FOR

    def client_of(self, request: web.BaseRequest) -> str:
        """Return the address of whoever makes *request*; empty where there is none, as by a socket in the file system."""
        return self.caller(request.remote or "", self.said(request))

    def said(self, request: web.BaseRequest) -> tuple[str, ...]:
        """Return the lines in which proxies may have named the client."""
        return tuple(request.headers.getall(self.header)) if self.header in request.headers else ()

    def caller(self, peer: str, lines: Sequence[str]) -> str:
        """Return who asks: the *peer*, or, where it is trusted, the nearest address in *lines* that is not; the furthest where all are.

        A hop that is no address ends it: who stands behind it nobody vouches for, and the peer itself is counted.
        """
        found = address_of(peer)
        if found is None:
            return peer
        if not self.trusts(found):
            return str(found)
        for hop in self._hops(lines):
            near = address_of(hop)
            if near is None:
                return str(address_of(peer))
            found = near
            if not self.trusts(found):
                break
        return str(found)

    def trusts(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether *address* is one of these."""
        return any(address in network for network in self.networks)

    def _hops(self, lines: Sequence[str]) -> Iterator[str]:
        """What each hop is called, the nearest first."""
        for line in reversed(lines):
            yield from reversed(_forwarded(line) if self.header == hdrs.FORWARDED else line.split(","))


DIRECT = Proxies()
"""Nobody speaks for anybody else."""


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Understand ``203.0.113.5``, ``203.0.113.5:4711``, ``2001:db8::5`` and ``[2001:db8::5]:4711``; None for all else.

    An IPv4 address that IPv6 carries is the address itself, and an interface's name behind ``%`` is of no account.
    """
    text = text.strip()
    named = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((named[1] or named[2] or "") if named else text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def place_of(client: str) -> str:
    """The client as it is counted: of an IPv6 address the network, since whoever has one has all of it."""
    address = address_of(client)
    if address is None:
        return client
    return str(ip_network((address, SITE_OF_ONE), strict=False)) if isinstance(address, IPv6Address) else str(address)


def _forwarded(line: str) -> Sequence[str]:
    """What each element of a line of ``Forwarded`` (RFC 7239) calls the client, empty where it does not.

    One empty name where anything in it is not to the letter: what a client wrote must not swallow what a proxy wrote behind it.
    """
    names, name, at = [], "", 0
    while True:
        pair = _PAIR.match(line, at)
        at = pair.end() if pair else at
        if pair and (pair[1] or "").lower() == "for":
            name = _unquoted(pair[2])
        if at == len(line) or line[at] == ",":
            names.append(name)
            name = ""
        elif line[at] != ";":
            return ("",)
        if at == len(line):
            return names
        at += 1


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
