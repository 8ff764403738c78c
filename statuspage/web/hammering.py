"""Feed readers that hammer are told to wait, and never one that asks once a minute.

An answer costs what a static file costs, so that this guards the line and not the machine. Who asks is told apart by the true address:
where a proxy that nobody declared may stand between, all its readers look like one, and none is refused.
"""

from datetime import datetime, timedelta
from functools import lru_cache, partial

from aiohttp import web

from statuspage.web.proxies import DIRECT, Proxies, address_of, place_of
from statuspage.web.throttle import Allowance, Buckets

ALLOWANCE = Allowance(burst=120, every=timedelta(milliseconds=500))
"""Of one feed, for one address: as much as 120 readers behind it that ask once a minute."""

RETRY_AFTER = 60
"""Seconds after which to ask again: as often as any reader needs."""

MOST_KNOWN = 16384
"""Addresses of which it is kept who asks from there."""

LONGEST_KNOWN = 256
"""Letters in which proxies name somebody, for it to be kept: a few hops. Whoever sends more is looked at each time."""


class Hammering:
    """Counts who asks for which feed; *proxies* are those whose word is believed. Bounded, whoever asks for whatever."""

    def __init__(self, proxies: Proxies = DIRECT) -> None:
        # Kept by what a request says alone: to tell networks apart costs as much as all the rest.
        self._proxies = proxies
        self._reader = lru_cache(maxsize=MOST_KNOWN)(partial(_reader, proxies))
        self._buckets = Buckets(ALLOWANCE)

    def is_by(self, request: web.BaseRequest, path: str, now: datetime) -> bool:
        """Whether whoever makes *request* asks for the feed at *path* far too often; else it is counted. *path* must be one there is."""
        said = self._proxies.said(request)
        find = self._reader if sum(map(len, said)) <= LONGEST_KNOWN else partial(_reader, self._proxies)
        reader = find(request.remote or "", said)
        if reader is None:
            return False
        key = f"{reader} {path}"
        if self._buckets.wait(key, now):
            return True
        self._buckets.spend(key, now)
        return False

    def __len__(self) -> int:
        return len(self._buckets)


def _reader(proxies: Proxies, peer: str, said: tuple[str, ...]) -> str | None:
    """Whom to count, or None: nobody can be told apart, or it is a program on this very machine."""
    found = proxies.caller(peer, said)
    address = address_of(found)
    if address is None:
        return None
    is_undeclared = bool(said) and address == address_of(peer) and not address.is_global
    return None if address.is_loopback or is_undeclared or proxies.trusts(address) else place_of(found)
