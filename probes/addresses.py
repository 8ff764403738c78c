"""Where a probe may go: every address is judged here, after resolution and before the connection.

Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890), and the addresses at which clouds serve credentials.
The standard library's ``is_global`` alone lets several of these pass.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias, assert_never

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Trust(StrEnum):
    """Who named a target."""

    NAMED = "named"
    """The operator, in the file or on the command line: private and loopback addresses are fine."""
    FOUND = "found"
    """Somebody else: a redirect, a form. Public addresses only, and what ``egress.allow`` names."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


NEVER = _networks(
    "0.0.0.0/8",  # "this" network; Linux connects 0.0.0.0 to itself
    "169.254.0.0/16",  # link-local, and with it most clouds' metadata
    "100.100.100.200/32",  # metadata, Alibaba
    "168.63.129.16/32",  # wire server, Azure
    "192.0.0.192/32",  # metadata, Oracle
    "224.0.0.0/4",
    "240.0.0.0/4",  # reserved, and the broadcast address
    "::/128",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::/32",  # metadata and time, AWS
    "fd20:ce::254/128",  # metadata, Google
    "fd00:42::42/128",  # metadata, Scaleway
)
"""No address that anybody may name."""

SPECIAL = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::/96",  # loopback and IPv4-compatible
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",  # Teredo, benchmarking, ORCHID and other protocol assignments
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fec0::/10",
)
"""Addresses that are not a public place, whatever the standard library says of them."""

_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")
_COMPATIBLE = ip_network("::/96")
_TRANSLATED = ip_network("::ffff:0:0:0/96")


@lru_cache(maxsize=4096)
def literal(host: str) -> Address | None:
    """Return *host* as an address where it is one; a zone index (``%eth0``) makes it none."""
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def is_this_machine(name: str) -> bool:
    """Say whether a name or an address leads nowhere but to this machine, as far as it tells by itself."""
    address = literal(name)
    return address.is_loopback if address is not None else name.lower().rstrip(".") == "localhost"


@lru_cache(maxsize=4096)
def objection(address: Address, trust: Trust, allow: tuple[Network, ...] = ()) -> str | None:
    """Say in a few words why *address* is no place to go, or None where it is one. *allow* widens FOUND, never what nobody may name."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(_within(each, NEVER) for each in (address, *_embedded(address))):
        return f"{address} is a link-local, metadata, multicast or reserved address"
    match trust:
        case Trust.NAMED:
            return None
        case Trust.FOUND:
            is_public = address.is_global and not _within(address, SPECIAL)
            return None if is_public or _within(address, allow) else f"{address} is not a public address and not in egress.allow"
    assert_never(trust)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """Give the IPv4 addresses to which a translator may carry this one: it must not smuggle in what is refused in the open."""
    if isinstance(address, IPv4Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in (_NAT64, _NAT64_LOCAL, _TRANSLATED)) or (address in _COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
