"""Webmail as its customers use it: log in by the form, see the inbox, log out."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Annotated, Self
from urllib.parse import quote, quote_plus

from lxml import html
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from probes import http
from probes.attempt import Attempt, ProbeFailed
from probes.browsing import Page, Site, Visit
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, Line, Login, Secret, refuse_controls
from probes.wire.htmltext import text
from probes.wire.http1 import place
from probes.wire.selectors import CssSelector, select

_MOST_FIELDS = 200
_MOST_WAYS = 50
"""How many links and forms that speak of logging out are followed up to where they lead."""
_NAMES = frozenset({"text", "email", "username", ""})
"""Types of the fields into which a name is typed."""
_LEAVES = re.compile(r"log-?_?(out|off)|sign-?_?(out|off)", re.IGNORECASE)
_UNAVAILABLE = ("connection to storage server failed", "temporarily unavailable", "service unavailable", "could not connect")
"""What login pages say, beside the form that comes back, where it is not about name and password."""
_ROUNDCUBE = re.compile(rb'"request_token":"([0-9A-Za-z]{1,100})"')
"""What Roundcube's own script adds to its link: without it the session goes on."""


def _reference(reference: str) -> str:
    refuse_controls(reference)
    return reference


class Fields(BaseModel):
    """The login form: which it is, what its fields are called, and what else goes into it. What is not said is found out."""

    model_config = CLOSED

    form: CssSelector | None = None
    user: Line | None = None
    password: Line | None = None
    others: Annotated[Mapping[Line, str], Field(max_length=20)] = Field(default_factory=dict)
    unavailable: Line | None = None


class Inbox(BaseModel):
    """Where the inbox is, if not where the login leads, and what must be seen there."""

    model_config = CLOSED

    url: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_reference)] | None = None
    selector: CssSelector | None = None
    contains: Line | None = None

    @model_validator(mode="after")
    def _sees_something(self) -> Self:
        if self.selector is None and self.contains is None:
            raise ValueError("say selector or contains: what tells the inbox from any other page")
        return self


class Settings(Site):
    """The login page, who logs in, and what is seen then. *logout* selects the link or form that ends the session."""

    login: Login
    fields: Fields = Fields()
    inbox: Inbox
    logout: CssSelector | None = None

    @model_validator(mode="after")
    def _keeps_the_password(self) -> Self:
        if not self.url.lower().startswith("https:"):
            try:
                http.Settings(url=self.url, method="POST", body=Secret("x"), allow_plaintext=self.allow_plaintext)
            except ValidationError as error:
                raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Go the whole way. Where the inbox is not seen, the session is ended all the same."""
    password = settings.login.password.reveal()
    attempt.conceal(password, quote(password), quote_plus(password))
    visit = Visit(site=settings, door=door, attempt=attempt)
    with visit.step("login_page"):
        page = _fine(await visit.get(settings.url))
        form = await asyncio.to_thread(_login_form, settings.fields, page)
        filled = tuple(_filled(settings, form))
        if form.method.upper() != "POST":
            raise ProbeFailed(Failure.CONTENT, "the login form would put the password into a URL", stage="login_page")
    with visit.step("login"):
        before, page = page, await visit.send(page.link(form.get("action", "")), filled)
        await asyncio.to_thread(_judge_login, settings, before, page)
    try:
        with visit.step("inbox"):
            if settings.inbox.url is not None:
                page = _fine(await visit.get(page.link(settings.inbox.url)))
            await _judge_inbox(settings.inbox, page, attempt)
    except (ProbeFailed, OSError):
        stage = attempt.stage
        with suppress(ProbeFailed, OSError):
            await _leave(settings, visit, page)
        attempt.stage = stage
        raise
    await _leave(settings, visit, page)


def _fine(page: Page) -> Page:
    if page.status >= 300:
        raise ProbeFailed(Failure.STATUS, f"status {page.status}")
    return page


# --- the login form -----------------------------------------------------------------------------------------------------------


def _login_form(fields: Fields, page: Page) -> html.FormElement:
    """Return the form that asks for a password. Errors: ProbeFailed."""
    forms = select(page.root, fields.form) if fields.form is not None else select(page.root, "form")
    for form in forms:
        if isinstance(form, html.FormElement) and _password_field(fields, form) is not None:
            return form
    raise ProbeFailed(Failure.CONTENT, "the page has no form that asks for a password")


def _password_field(fields: Fields, form: html.FormElement) -> str | None:
    named = [box.get("name", "") for box in form.iter("input") if _type(box) == "password" and box.get("name")]
    if fields.password is not None:
        return fields.password if fields.password in named else None
    return named[0] if named else None


def _user_field(fields: Fields, form: html.FormElement, password: str) -> str:
    """Return the field for the name: the last one before the password into which one can be typed."""
    if fields.user is not None:
        return fields.user
    before = ""
    for box in form.iter("input"):
        if box.get("name") == password:
            break
        if _type(box) in _NAMES and box.get("name"):
            before = box.get("name", "")
    if not before:
        raise ProbeFailed(Failure.CONTENT, "the login form has no field for a name")
    return before


def _type(box: html.HtmlElement) -> str:
    return box.get("type", "").strip().lower()


def _filled(settings: Settings, form: html.FormElement) -> Iterator[tuple[str, str]]:
    """Fill the form: what it holds already (a token against forgery), then what is ours."""
    password = _password_field(settings.fields, form) or ""
    ours = {
        **settings.fields.others,
        _user_field(settings.fields, form, password): settings.login.user,
        password: settings.login.password.reveal(),
    }
    yield from ((name, value) for name, value in _held(form) if name not in ours)
    yield from ours.items()


def _held(form: html.FormElement) -> Sequence[tuple[str, str]]:
    """Return what a form sends by itself, and the first button with a name, as if it were pressed. Errors: ProbeFailed."""
    held = [(name, value or "") for name, value in form.form_values()]
    buttons = (box for box in form.iter("input", "button") if _type(box) in ("submit", "") or box.tag == "button")
    pressed = next((box for box in buttons if box.get("name") and (box.tag == "button" or _type(box) == "submit")), None)
    if pressed is not None:
        held.append((pressed.get("name", ""), pressed.get("value", "")))
    if len(held) > _MOST_FIELDS:
        raise ProbeFailed(Failure.TOO_LARGE, f"a form of more than {_MOST_FIELDS} fields")
    return held


def _judge_login(settings: Settings, before: Page, page: Page) -> None:
    """Tell our password from the service: the form comes back where they are refused, also where the mail store is away."""
    if page.status not in (401, 403):
        _fine(page)
        try:
            _login_form(settings.fields, page)
        except ProbeFailed:
            return
    excuses = (*_UNAVAILABLE, *([settings.fields.unavailable.lower()] if settings.fields.unavailable is not None else []))
    said, known = _said(page), _said(before)
    if (excuse := next((each for each in excuses if each in said and each not in known), None)) is not None:
        raise ProbeFailed(Failure.AUTH_UNAVAILABLE, f"the login is refused, and the page says {excuse!r}")
    raise ProbeFailed(Failure.AUTH_REJECTED, f"the login form comes back, with status {page.status}")


def _said(page: Page) -> str:
    """Return all that a page says, in small letters: many hand their messages to a script to show."""
    return (text(page.root) + " " + page.source.decode("utf-8", "replace")).lower()


# --- the inbox, and out -------------------------------------------------------------------------------------------------------


async def _judge_inbox(inbox: Inbox, page: Page, attempt: Attempt) -> None:
    if inbox.selector is not None:
        listed = await asyncio.to_thread(select, page.root, inbox.selector)
        attempt.fact("listed", len(listed))
        if not listed:
            raise ProbeFailed(Failure.CONTENT, f"nothing on the page is {inbox.selector!r}")
    if inbox.contains is not None and inbox.contains not in await asyncio.to_thread(text, page.root):
        raise ProbeFailed(Failure.CONTENT, f"the page does not say {inbox.contains!r}")


async def _leave(settings: Settings, visit: Visit, page: Page) -> None:
    """End the session by the link or the form that is there for it."""
    with visit.step("logout"):
        way = await asyncio.to_thread(_way_out, settings, page)
        if way is None:
            if settings.logout is not None:
                raise ProbeFailed(Failure.CONTENT, f"nothing on the page is {settings.logout!r}")
            visit.attempt.warn("still_logged_in", "the page has no link and no form that logs out: the session was left to end by itself")
            return
        if isinstance(way, html.FormElement) and way.method.upper() == "POST":
            gone = await visit.send(page.link(way.get("action", "")), _held(way))
        else:
            gone = await visit.get(_signed(page.link(_reference_of(way)), page))
        if await asyncio.to_thread(_way_out, settings, _fine(gone)) is not None:
            visit.attempt.warn("still_logged_in", "after the logout the page still offers to log out: the session may go on")


def _signed(url: str, page: Page) -> str:
    token = _ROUNDCUBE.search(page.source)
    return f"{url}&_token={token[1].decode()}" if token is not None and "_task=logout" in url and "_token=" not in url else url


def _way_out(settings: Settings, page: Page) -> html.HtmlElement | None:
    """Return the link or form that is named, or the first that speaks of logging out and leads to a page of this site."""
    ways = select(page.root, settings.logout or "a[href], form[action]")
    named = next((way for way in ways if way.tag in ("a", "form")), None)
    if settings.logout is not None and named is not None:
        return named
    speaking = (way for way in ways if _LEAVES.search(_reference_of(way)))
    return next((way for way in islice(speaking, _MOST_WAYS) if _leads_home(settings, page, _reference_of(way))), None)


def _reference_of(way: html.HtmlElement) -> str:
    return (way.get("href") or way.get("action") or "").strip()


def _leads_home(settings: Settings, page: Page, reference: str) -> bool:
    try:
        return not reference.startswith("#") and place(page.link(reference)).origin == place(settings.url).origin
    except ValueError:
        return False


def target(settings: Settings) -> str:
    """The login page, without a query."""
    return settings.url.partition("?")[0]


KIND = ProbeKind(name="webmail", summary="Webmail lets somebody in, and shows the inbox", settings=Settings, measure=measure, target=target)
