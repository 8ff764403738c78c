"""A few pages of one origin, visited in turn as a browser would: cookies and redirects, and nothing else of a browser."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import islice
from urllib.parse import urlencode, urljoin

from lxml import html
from pydantic import BaseModel, ValidationError

from probes import http
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Secret
from probes.text import plain
from probes.wire import htmltext
from probes.wire.http1 import Response, place

_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_FORM = frozenset({307, 308})
_SHOWN = frozenset({*range(200, 400), 401, 403})
"""Statuses whose page is read: what a refusal says matters, what an error looks like does not."""
_MOST_COOKIES = 30
_LONGEST_COOKIE = 4096
_TELLING = 8
"""A cookie's value of fewer letters is no secret, and masking it would blank out ordinary words."""


class Site(BaseModel):
    """Where pages are, and how they are reached. Everything stays with the origin of *url*."""

    model_config = CLOSED

    url: http.Url
    allow_plaintext: bool = False
    verify: bool = True
    ca: CaFile | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was read. *source* is all of it, its scripts too; *base* is where its links start: its URL or another."""

    base: str
    status: int
    root: html.HtmlElement
    source: bytes

    def link(self, reference: str) -> str:
        """Return where a link or a form of this page leads."""
        return _joined(self.base, reference.strip())


def page_of(url: str, status: int, source: bytes, content_type: str | None = None) -> Page:
    """Read the page that came from *url* in the end, within the bounds of ``htmltext.read``, and on a thread like that. Errors: its own."""
    root = htmltext.read(source, content_type)
    base = root.find(".//base[@href]")
    return Page(url if base is None else _joined(url, base.get("href", "")), status, root, source)


@dataclass(slots=True, kw_only=True)
class Visit:
    """One visit. Its cookies end with it, and go to no other origin."""

    site: Site
    door: Door
    attempt: Attempt
    cookies: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Put what happens now under *name*, which is also the stage of what fails between two requests."""
        with self.attempt.part(name):
            self.attempt.stage = name
            yield
        self.attempt.stage = None

    async def get(self, url: str) -> Page:
        """Ask for a page. Errors: ProbeFailed."""
        return await self._go(url, None)

    async def send(self, url: str, fields: Iterable[tuple[str, str]]) -> Page:
        """Send a form, and return where that leads. Errors: ProbeFailed, with TOO_LARGE where it is more than a body may be."""
        form = urlencode(list(fields))
        if len(form) > http.MOST_SENT:
            raise ProbeFailed(Failure.TOO_LARGE, f"a form of {len(form)} bytes, more than {http.MOST_SENT}")
        return await self._go(url, form)

    async def _go(self, url: str, form: str | None) -> Page:
        origin = place(self.site.url).origin
        for hop in range(_MOST_REDIRECTS + 1):
            try:
                is_home = place(url).origin == origin
            except ValueError as error:
                raise ProbeFailed(Failure.REDIRECT, f"the way leads to {plain(url, 100)!r}: {error}") from error
            if not is_home:
                raise ProbeFailed(Failure.REDIRECT, f"the way leads to another origin, {place(url).authority}: nothing was sent there")
            response = await http.answer(self._question(url, form), self.door, self.attempt)
            self._keep(response)
            self.attempt.fact("redirects", hop)
            location = response.header("location")
            if response.status not in _REDIRECTS or location is None:
                source = response.body if response.status in _SHOWN else b""
                return await asyncio.to_thread(page_of, url, response.status, source, response.header("content-type"))
            url = _joined(url, location)
            form = form if response.status in _KEEP_FORM else None
        raise ProbeFailed(Failure.REDIRECT, f"more than {_MOST_REDIRECTS} redirects")

    def _question(self, url: str, form: str | None) -> http.Settings:
        headers: Mapping[str, str | Secret] = {"accept": "text/html, application/xhtml+xml"}
        if self.cookies:
            headers = {**headers, "cookie": Secret("; ".join(f"{name}={value}" for name, value in self.cookies.items()))}
        if form is not None:
            headers = {**headers, "content-type": "application/x-www-form-urlencoded"}
        try:
            question = http.Settings(
                url=url.partition("#")[0],
                method="GET" if form is None else "POST",
                headers=headers,
                body=None if form is None else Secret(form),
                redirects=0,
                allow_plaintext=self.site.allow_plaintext,
                verify=self.site.verify,
            )
        except ValidationError as error:
            raise ProbeFailed(Failure.PROTOCOL, f"what the page wants cannot be sent: {error.errors()[0]['msg']}") from error
        return http.trusting(question, self.site.ca)

    def _keep(self, response: Response) -> None:
        """Take the cookies of an answer, as RFC 6265 section 5.2 reads them; paths and domains do not matter within one origin."""
        stated = (value for name, value in response.headers if name == "set-cookie")
        for cookie in islice(stated, _MOST_COOKIES):
            pair, _, rest = cookie.partition(";")
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not (name and equals) or len(pair) > _LONGEST_COOKIE or not pair.isprintable():
                continue
            if _is_over(rest, self.attempt):
                self.cookies.pop(name, None)
            elif name in self.cookies or len(self.cookies) < _MOST_COOKIES:
                self.cookies[name] = value
                self.attempt.conceal(*([value] if len(value) >= _TELLING else []))


def _joined(url: str, reference: str) -> str:
    """Resolve *reference*. One that cannot be is left as it is: it is no URL, and nothing will be sent there."""
    try:
        return urljoin(url, reference)
    except ValueError:
        return reference


def _is_over(attributes: str, attempt: Attempt) -> bool:
    """Say whether a cookie's attributes take it back: how a server says that a session has ended."""
    for attribute in attributes.split(";"):
        name, _, value = (part.strip().lower() for part in attribute.partition("="))
        if name == "max-age":
            return value.startswith("-") or value == "0"
        if name == "expires" and len(value) < 50:
            with suppress(ValueError, OverflowError):
                until = parsedate_to_datetime(value)
                return (until if until.tzinfo is not None else until.replace(tzinfo=UTC)) <= attempt.now()
    return False
