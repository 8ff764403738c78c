"""Feed readers that hammer are told to wait, and never one that asks once a minute.

An answer costs what a static file costs, so that this guards the line and not the machine. Who asks is told apart by the true address:
where a proxy that nobody declared may stand between, all its readers look like one, and none is refused.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import hdrs, web

from statuspage.web.security import Network, caller, is_within
from statuspage.web.throttle import Allowance, Buckets

ALLOWANCE = Allowance(burst=120, every=timedelta(milliseconds=500))
"""Of one feed, for one address: as much as 120 readers behind it that ask once a minute."""

RETRY_AFTER = 60
"""Seconds after which to ask again: as often as any reader needs."""

MOST_KNOWN = 16384
"""Addresses of which it is kept who asks from there."""

SITE_OF_ONE = 64
"""Bits of an IPv6 address that tell one subscriber from another: the rest is theirs to choose."""


class Hammering:
    """Counts who asks for which feed; *trusted* are the proxies whose word is believed. Bounded, whoever asks for whatever."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        # Kept by what a request says alone: to tell networks apart costs as much as all the rest.
        self._reader = lru_cache(maxsize=MOST_KNOWN)(partial(_reader, tuple(trusted)))
        self._buckets = Buckets(ALLOWANCE)

    def is_by(self, request: web.BaseRequest, path: str, now: datetime) -> bool:
        """Whether whoever makes *request* asks for the feed at *path* far too often; else it is counted. *path* must be one there is."""
        headers = request.headers
        forwarded = tuple(headers.getall(hdrs.X_FORWARDED_FOR)) if hdrs.X_FORWARDED_FOR in headers else ()
        reader = self._reader(request.remote or "", forwarded)
        if reader is None:
            return False
        key = f"{reader} {path}"
        if self._buckets.wait(key, now):
            return True
        self._buckets.spend(key, now)
        return False

    def __len__(self) -> int:
        return len(self._buckets)


def _reader(trusted: tuple[Network, ...], peer: str, forwarded: tuple[str, ...]) -> str | None:
    """Whom to count, or None: nobody can be told apart, or it is a program on this very machine."""
    found = caller(peer, forwarded, trusted)
    try:
        address = ip_address(found)
    except ValueError:
        return None
    is_undeclared = bool(forwarded) and found == peer and not address.is_global
    if address.is_loopback or is_undeclared or is_within(found, trusted):
        return None
    return str(ip_network((address, SITE_OF_ONE), strict=False)) if isinstance(address, IPv6Address) else found
