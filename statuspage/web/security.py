"""What guards every answer of the internal listener, and who is asking: headers, the caller's address, the caller's origin."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

from aiohttp import hdrs, web

Network = IPv4Network | IPv6Network

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
)
PRIVATE = "private, no-store"
_YEAR = 31_536_000
_LONGEST_TARGET = 512


def hardened(*, is_tls: bool) -> Mapping[str, str]:
    """The headers that are on every answer."""
    return {**HEADERS, "Strict-Transport-Security": f"max-age={_YEAR}"} if is_tls else HEADERS


def hardening(*, is_tls: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the signal receiver that puts the headers on every answer, errors and redirects included, and takes ``Server`` off."""

    async def harden(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(hardened(is_tls=is_tls))
        response.headers.setdefault(hdrs.CACHE_CONTROL, PRIVATE)
        response.headers.popall(hdrs.SERVER, None)

    return harden


def client_address(request: web.BaseRequest, trusted: Sequence[Network]) -> str:
    """Return whose request it is: see ``caller``."""
    return caller(request.remote or "", request.headers.getall(hdrs.X_FORWARDED_FOR, ()), trusted)


def caller(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return who asks: the *peer*, or, where proxies are *trusted*, the nearest address that none of them vouches away.

    *forwarded* are the lines of ``X-Forwarded-For``.
    """
    if not is_within(peer, trusted):
        return peer
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    for hop in reversed(hops):
        if not is_within(hop, trusted):
            return hop if _is_address(hop) else peer
    return peer


def is_on_this_machine(request: web.BaseRequest) -> bool:
    """Whether a program on this machine asks directly: no proxy speaks for another, and no foreign name was rebound to loopback."""
    forwarded = hdrs.X_FORWARDED_FOR in request.headers or hdrs.FORWARDED in request.headers
    host = urlsplit(f"//{request.host}").hostname or ""
    return not forwarded and _is_loopback(request.remote or "") and (host == "localhost" or _is_loopback(host))


def is_same_origin(request: web.BaseRequest, own: str) -> bool:
    """Whether a browser says that the request comes from our own pages; True too where it says nothing (the form token decides).

    *own* is the console's configured URL: a proxy may change ``Host``, and never the origin that the browser sees.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return True
    parts = urlsplit(own)
    return origin in {f"{parts.scheme}://{parts.netloc}", f"{request.scheme}://{request.host}"}


def local_target(raw: str | None) -> str:
    """Return *raw* if it is a path on this very site, else ``/``: nobody is sent elsewhere after a login."""
    if not raw or len(raw) > _LONGEST_TARGET or not raw.startswith("/") or raw.startswith("//"):
        return "/"
    if "\\" in raw or not raw.isascii() or not raw.isprintable() or " " in raw:
        return "/"
    return raw


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_within(text: str, networks: Sequence[Network]) -> bool:
    """Whether *text* is an address in one of *networks*."""
    if not _is_address(text):
        return False
    address = ip_address(text)
    return any(address in network for network in networks)


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ip_address(text).is_loopback
