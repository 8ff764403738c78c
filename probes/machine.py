"""What this machine itself has to probe with: a route, descriptors, a gateway, resolvers. Read from Linux; elsewhere nothing is known."""

import errno
import os
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from probes.addresses import Trust, literal, objection
from probes.lookup import nameservers

ROUTES = Path("/proc/net/route")
ROUTES_6 = Path("/proc/net/ipv6_route")

_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200
"""Flags of a route (linux/route.h)."""

_LINK_LOCAL = ("fe80", "ff")


def has_route() -> bool | None:
    """Whether any route leads beyond this machine; None where that cannot be known."""
    tables = [text for path in (ROUTES, ROUTES_6) if (text := _text(path)) is not None]
    return leads_out(tables) if tables else None


def leads_out(tables: Sequence[str]) -> bool:
    """Whether one of the kernel's *tables*, of IPv4 or IPv6, has a route that is up and leaves by a device."""
    return any(_leads(line.split()) for table in tables for line in table.splitlines())


def _leads(fields: Sequence[str]) -> bool:
    if len(fields) == 11 and fields[3] != "Flags":
        device, flags, is_near = fields[0], int(fields[3], 16), False
    elif len(fields) == 10:
        device, flags, is_near = fields[9], int(fields[8], 16), fields[0].startswith(_LINK_LOCAL)
    else:
        return False
    return device != "lo" and not is_near and bool(flags & _UP) and not flags & _REJECT


def gateway(table: str | None = None) -> str | None:
    """The default gateway of IPv4 in the kernel's *table* (this machine's own by default), or None."""
    text = _text(ROUTES) if table is None else table
    for fields in (line.split() for line in (text or "").splitlines()[1:]):
        if len(fields) == 11 and fields[1] == "00000000" and int(fields[3], 16) & _GATEWAY:
            address = IPv4Address(bytes.fromhex(fields[2])[::-1])
            return None if objection(address, Trust.NAMED) else str(address)
    return None


def resolvers(named: Sequence[str] | None = None) -> tuple[str, ...]:
    """The resolvers that answer from beyond this machine, at most three: one on this machine answers whatever has become of the world."""
    try:
        written = nameservers() if named is None else named
    except OSError:
        return ()
    addresses = (address for text in written if (address := literal(text)) is not None)
    return tuple(str(one) for one in addresses if not one.is_loopback and objection(one, Trust.NAMED) is None)[:3]


def has_descriptors() -> bool:
    """Whether this process may open anything at all."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
