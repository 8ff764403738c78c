"""The picture as HTML: one environment, built once; the same page always gives the same bytes.

Every text is hostile: the environment escapes all of them, and drops what could turn a line of text around, before any reaches a page.
No inline script and no inline style, so that the strictest content policy holds. Instants are absolute, in the site's zone and in UTC.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from statuspage.archive import Archive, Asked, address
from statuspage.figures import decimal
from statuspage.page import IncidentView, Page, ServiceView
from statuspage.planned import BACK_DAYS, MaintenanceView
from statuspage.render import words
from statuspage.render.bars import NAME
from statuspage.render.front import Front, affected, capabilities, is_late, strip_of
from statuspage.render.history import excerpt, told
from statuspage.render.instants import clock, long_date, moment, span

_ASSETS = {"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "favicon.svg": "image/svg+xml"}
# C0 and C1 controls, marks that turn or hide the direction of text, lone surrogates (no UTF-8 has them) and noncharacters.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel"})


class Html:
    """The public pages as bytes. *templates* is the directory that holds ``public/``."""

    def __init__(self, templates: Path) -> None:
        self._assets = _assets(templates / "public")
        self.banner_script = (templates / "public" / "banner.js").read_bytes()
        environment = self._environment = _environment(templates / "public")
        self._front = Front(environment)
        self._single = environment.get_template("incident.html")
        self._levels = environment.get_template("service_levels.html")
        self._windows = environment.get_template("maintenances.html")
        self._window = environment.get_template("maintenance.html")
        self._service = environment.get_template("service_page.html")
        self._history = environment.get_template("history.html")
        self._missing = environment.get_template("not_found.html")

    def page(self, page: Page) -> bytes:
        """Spell the front page."""
        return self._front.page(page, _context(page, path="/"))

    def incident(self, page: Page, incident: IncidentView) -> bytes:
        """Spell the page of one published incident; *page* gives the surroundings and how its services are now."""
        return self._single.render(
            _context(page, path=f"/incidents/{incident.id}"),
            incident=incident,
            affected=affected(incident, capabilities(page)),
            is_late=is_late(incident, page.as_of),
        ).encode()

    def service(self, page: Page, service: ServiceView) -> bytes:
        """Spell the page of one service: how it is, what it can do, what was and what is planned, and what is promised."""
        hit = partial(_is_about, service.id)
        able = capabilities(page)
        opened = [(view, affected(view, able), is_late(view, page.as_of)) for view in page.open if hit(view)]
        return self._service.render(
            _context(page, path=f"/services/{service.id}"),
            service=service,
            strip=strip_of(service.days),
            checked=clock,
            opened=opened,
            recent=[view for view in page.recent if hit(view)],
            planned=[view for view in page.planned if hit(view)],
        ).encode()

    def service_levels(self, page: Page) -> bytes:
        """Spell what is promised of each service, and what was kept."""
        services = [service for group in page.groups for service in group.services]
        return self._levels.render(_context(page, path="/service-levels"), services=services).encode()

    def maintenances(self, page: Page) -> bytes:
        """Spell what work is planned, and what was."""
        going_on = [view for view in page.planned if view.state is not MaintenanceState.SCHEDULED]
        coming = [view for view in page.planned if view.state is MaintenanceState.SCHEDULED]
        since = page.as_of - timedelta(days=BACK_DAYS)
        past = [view for view in page.past if (view.ended_at or view.ends) >= since]
        return self._windows.render(_context(page, path="/maintenance"), going_on=going_on, coming=coming, past=past).encode()

    def maintenance(self, page: Page, window: MaintenanceView) -> bytes:
        """Spell the page of one window."""
        return self._window.render(_context(page, path=f"/maintenance/{window.id}"), window=window).encode()

    def history(self, page: Page, asked: Asked, archives: Sequence[Archive], months: Sequence[date]) -> bytes:
        """Spell *archives*, newest first, and links to *months*; *page* gives the surroundings, as of when it holds."""
        around = _context(page, path=address(asked.first, asked.service))
        return self._history.render(around, **told(page, asked, archives, months)).encode()

    def drawn(self, page: Page, template: str, path: str, **values: object) -> bytes:
        """Draw *template* within the surroundings that *page* gives; *path* is its canonical one."""
        return self._environment.get_template(template).render(_context(page, path=path), **values).encode()

    def not_found(self, page: Page) -> bytes:
        """Spell the page for an address that leads nowhere; the same for every such address."""
        return self._missing.render(_context(page, path="/")).encode()

    def assets(self) -> Mapping[str, tuple[bytes, str]]:
        """Give path -> (body, content type) of what the pages refer to. The path holds the content's hash: keep it for ever."""
        return self._assets


def _is_about(service: str, view: IncidentView | MaintenanceView) -> bool:
    return any(one.service == service for one in view.services)


def speakable(value: object) -> object:
    """Drop from a text what has no business in one: controls, direction overrides, broken characters. Markup and others pass."""
    return _UNSPEAKABLE.sub("", value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment(directory: Path) -> Environment:
    """The templates, which are compiled once: that takes longer than to draw every one of them."""
    environment = Environment(
        loader=FileSystemLoader(directory),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=speakable,
    )
    environment.filters.update(paragraphs=_paragraphs, capability=words.CAPABILITY.__getitem__, short=NAME.__getitem__)
    environment.filters.update(promise=words.promise, month=words.month, decimal=decimal, excerpt=excerpt)
    environment.globals.update(
        asset={name.partition("-")[0].rpartition("/")[2]: name for name in _assets(directory)},
        STATUS=words.STATUS,
        STATE=words.STATE,
        MAINTENANCE_STATE=words.MAINTENANCE_STATE,
        MAINTENANCE_STEPS=words.MAINTENANCE_STEPS,
        MaintenanceState=MaintenanceState,
        UNWATCHED=words.UNWATCHED,
        STEPS=words.STEPS,
        State=State,
        Status=Status,
        length=words.length,
        day_words=long_date,
        PERIODS=words.PERIODS,
    )
    return environment


@cache
def _assets(directory: Path) -> Mapping[str, tuple[bytes, str]]:
    return MappingProxyType(dict(_asset(directory / name, kind) for name, kind in _ASSETS.items()))


def _asset(path: Path, kind: str) -> tuple[str, tuple[bytes, str]]:
    body = path.read_bytes()
    return f"/assets/{path.stem}-{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}", (body, kind)


def _context(page: Page, *, path: str) -> dict[str, object]:
    return {
        "page": page,
        "site": page.site,
        "canonical": page.site.url + path,
        "moment": partial(moment, zone=ZoneInfo(page.site.timezone)),
        "span": partial(span, zone=ZoneInfo(page.site.timezone)),
        "support": [(kind, text, _link(kind, text)) for kind, text in page.site.support.items()],
        "links": [(kind, text, _link(kind, text)) for kind, text in page.site.links.items()],
    }


def _paragraphs(text: str) -> list[list[str]]:
    """Split words into paragraphs, and those into lines."""
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return [block.split("\n") for block in blocks if block]


def _link(kind: str, text: str) -> str | None:
    """Where a contact leads, or None where it is words: only schemes that cannot run anything."""
    text = _UNSPEAKABLE.sub("", text).strip()
    match kind:
        case "email":
            return f"mailto:{quote(text, safe='@+')}"
        case "phone":
            return f"tel:{re.sub(r'[^0-9+]', '', text)}"
        case _:
            scheme, colon, _ = text.partition(":")
            return text if colon and scheme.lower() in _SAFE_SCHEMES else None
