"""What guards every answer of the internal listener, and from where somebody asks: headers, this very machine, the caller's origin."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web

from statuspage.web.proxies import address_of

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
_OF_PROXIES = (
    hdrs.X_FORWARDED_FOR, hdrs.FORWARDED, hdrs.VIA, hdrs.X_FORWARDED_HOST, hdrs.X_FORWARDED_PROTO, "X-Real-IP", "X-Forwarded-Server",
)  # fmt: skip
"""Any of these says that somebody asks for somebody else."""


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


def is_on_this_machine(request: web.BaseRequest) -> bool:
    """Whether a program on this machine asks directly: no proxy speaks for another, and no foreign name was rebound to loopback.

    A proxy that nobody told to name its clients is known by the old version of HTTP that it speaks.
    """
    is_direct = request.version >= HttpVersion11 and not any(name in request.headers for name in _OF_PROXIES)
    return is_direct and _is_loopback(request.remote or "") and _names_this_machine(request.host)


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


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


def _is_loopback(text: str) -> bool:
    address = address_of(text)
    return address is not None and address.is_loopback
