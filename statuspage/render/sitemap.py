"""What search engines are told: which pages there are, and which are not for them."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

XML = "application/xml; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

MOST = 50_000
"""Addresses that a sitemap may hold. Source: sitemaps.org, protocol 0.9."""

_CLOSED = ("/history/search/", "/subscribe/confirm/", "/subscribe/manage/", "/unsubscribe/")
"""What nobody should come upon by a search: answers to other readers' questions, and what belongs to one reader alone."""


def sitemap(url: str, paths: Iterable[str]) -> bytes:
    """Spell the addresses of *paths* on the site at *url*, each once, in their order."""
    rows = "".join(f"<url><loc>{escape(url + path)}</loc></url>\n" for path in tuple(dict.fromkeys(paths))[:MOST])
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return f"{head}{rows}</urlset>\n".encode()


def robots(url: str, languages: Iterable[str]) -> bytes:
    """Spell what robots may not read, also under the paths of *languages*, and where the sitemap of the site at *url* is."""
    closed = [f"Disallow: {root}{path}" for root in ("", *(f"/{language}" for language in languages)) for path in _CLOSED]
    return "\n".join(("User-agent: *", *closed, f"Sitemap: {url}/sitemap.xml", "")).encode()
