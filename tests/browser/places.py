"""Every page that a person can open, and in which of the two demos."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from playwright.async_api import Page

from tests.browser.demos import Demo


class Which(StrEnum):
    """Which of the two demos."""

    CALM = "calm"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page: where it is, and whether one must be logged in.

    ``{incident}`` in the path stands for the outage's id, ``{window}`` for that of the work that the demo plans, ``{advisory}`` for that
    of a storm warning, ``{lately}`` for an instant that is just over, ``{month}`` for the present month.
    """

    name: str
    which: Which
    site: str
    path: str
    status: int = 200
    is_inside: bool = False

    def address(self, demo: Demo, *, incident: str, window: str, advisory: str) -> str:
        site = {"public": demo.public, "console": demo.console, "control": demo.control}[self.site]
        now = datetime.now(UTC)
        times = {"lately": f"{now:%Y-%m-%dT%H:%M:%SZ}", "month": f"{now:%Y-%m}"}
        return f"{site}{self.path.format(incident=incident, window=window, advisory=advisory, **times)}"


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A demo whose mail cannot be sent, and the incident that says so."""

    demo: Demo
    incident: str


@dataclass(frozen=True, kw_only=True)
class Visited:
    """A page that was opened, what the browser complained of, and the page's Content-Security-Policy."""

    page: Page
    complaints: list[str]
    policy: str


Visit = Callable[..., AbstractAsyncContextManager[Visited]]


PLACES = (
    Place(name="front page when all works", which=Which.CALM, site="public", path="/"),
    Place(name="front page in an outage", which=Which.BROKEN, site="public", path="/"),
    Place(name="incident page", which=Which.BROKEN, site="public", path="/incidents/{incident}"),
    Place(name="page of a service that works", which=Which.CALM, site="public", path="/services/email"),
    Place(name="page of a service in trouble", which=Which.BROKEN, site="public", path="/services/email"),
    Place(name="planned maintenance", which=Which.CALM, site="public", path="/maintenance"),
    Place(name="page of a planned window", which=Which.CALM, site="public", path="/maintenance/{window}"),
    Place(name="triage of something known", which=Which.BROKEN, site="console", path="/triage?q=mail", is_inside=True),
    Place(name="triage of nothing known", which=Which.CALM, site="console", path="/triage?q=portal", is_inside=True),
    Place(name="agents and tokens", which=Which.CALM, site="console", path="/agents", is_inside=True),
    Place(name="trying a monitor out", which=Which.CALM, site="console", path="/try?target=mail.example.org:587", is_inside=True),
    Place(name="what was done", which=Which.CALM, site="console", path="/audit", is_inside=True),
    Place(name="oneself", which=Which.CALM, site="console", path="/account", is_inside=True),
    Place(name="who is on call", which=Which.BROKEN, site="console", path="/on-call", is_inside=True),
    Place(name="services", which=Which.BROKEN, site="console", path="/services", is_inside=True),
    Place(name="charter of a service", which=Which.BROKEN, site="console", path="/services/email", is_inside=True),
    Place(name="known errors", which=Which.BROKEN, site="console", path="/known-errors", is_inside=True),
    Place(name="form for a known error", which=Which.BROKEN, site="console", path="/known-errors/write?service=email", is_inside=True),
    Place(name="texts for updates", which=Which.BROKEN, site="console", path="/templates", is_inside=True),
    Place(name="calendar", which=Which.BROKEN, site="console", path="/calendar", is_inside=True),
    Place(name="wall", which=Which.BROKEN, site="console", path="/wall", is_inside=True),
    Place(name="changes", which=Which.BROKEN, site="console", path="/changes", is_inside=True),
    Place(name="taking an incident", which=Which.BROKEN, site="console", path="/incidents/{incident}/take", is_inside=True),
    Place(name="page of an advisory", which=Which.BROKEN, site="public", path="/advisories/{advisory}"),
    Place(name="page of an advisory in German", which=Which.BROKEN, site="public", path="/de/advisories/{advisory}"),
    Place(
        name="correcting words of an advisory",
        which=Which.BROKEN,
        site="console",
        path="/advisories/{advisory}/updates/1/correct",
        is_inside=True,
    ),
    Place(name="is it just me", which=Which.CALM, site="public", path="/report"),
    Place(name="nothing known", which=Which.CALM, site="public", path="/report/email"),
    Place(name="not just you", which=Which.BROKEN, site="public", path="/report/email"),
    Place(name="history", which=Which.BROKEN, site="public", path="/history"),
    Place(name="month", which=Which.BROKEN, site="public", path="/history/{month}"),
    Place(name="month of a service", which=Which.BROKEN, site="public", path="/services/email/history/{month}"),
    Place(name="search", which=Which.BROKEN, site="public", path="/history/search/noticed%20problem"),
    Place(name="search for nothing that is there", which=Which.CALM, site="public", path="/history/search/tape"),
    Place(name="service levels", which=Which.BROKEN, site="public", path="/service-levels"),
    Place(name="how to follow where no mail is sent", which=Which.CALM, site="public", path="/subscribe"),
    Place(name="front page in German", which=Which.BROKEN, site="public", path="/de/"),
    Place(name="page of a service in German", which=Which.BROKEN, site="public", path="/de/services/email"),
    Place(name="service levels in German", which=Which.BROKEN, site="public", path="/de/service-levels"),
    Place(name="page that is not there", which=Which.CALM, site="public", path="/nothing-here", status=404),
    Place(name="login", which=Which.CALM, site="console", path="/login"),
    Place(name="queue", which=Which.BROKEN, site="console", path="/", is_inside=True),
    Place(name="empty queue", which=Which.CALM, site="console", path="/", is_inside=True),
    Place(name="card", which=Which.BROKEN, site="console", path="/incidents/{incident}", is_inside=True),
    Place(name="postmortem", which=Which.BROKEN, site="console", path="/incidents/{incident}/postmortem", is_inside=True),
    Place(name="form for a new incident", which=Which.BROKEN, site="console", path="/open", is_inside=True),
    Place(name="planned work", which=Which.CALM, site="console", path="/maintenance", is_inside=True),
    Place(name="card of a planned window", which=Which.CALM, site="console", path="/maintenance/{window}", is_inside=True),
    Place(name="form for planned work", which=Which.CALM, site="console", path="/maintenance/plan", is_inside=True),
    Place(name="advisories", which=Which.BROKEN, site="console", path="/advisories", is_inside=True),
    Place(name="card of an advisory", which=Which.BROKEN, site="console", path="/advisories/{advisory}", is_inside=True),
    Place(name="form for an advisory", which=Which.CALM, site="console", path="/advisories/publish", is_inside=True),
    Place(name="form that asks for an instant of the past", which=Which.CALM, site="console", path="/as-it-was", is_inside=True),
    Place(name="page as it was", which=Which.BROKEN, site="console", path="/as-it-was?at={lately}", is_inside=True),
    Place(name="the desk's figures", which=Which.BROKEN, site="console", path="/reports/desk", is_inside=True),
    Place(name="the report on availability", which=Which.BROKEN, site="console", path="/reports/availability", is_inside=True),
    Place(name="the review", which=Which.BROKEN, site="console", path="/reports/review", is_inside=True),
    Place(name="corrections", which=Which.CALM, site="console", path="/corrections", is_inside=True),
    Place(name="instant that lies ahead", which=Which.CALM, site="console", path="/as-it-was?at=2999-01-01", status=422, is_inside=True),
    Place(name="demo page", which=Which.BROKEN, site="control", path="/"),
)
