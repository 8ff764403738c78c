"""The picture as HTML: one environment, built once; the same page always gives the same bytes.

Every text is hostile: the environment escapes all of them, and drops what could turn a line of text around, before any reaches a page.
No inline script and no inline style, so that the strictest content policy holds. Instants are absolute, in the site's zone and in UTC.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup

from incidents.advisory import AdvisoryTurn
from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from statuspage.picture import search
from statuspage.picture.advisories import AdvisoryView, in_force, of_services
from statuspage.picture.archive import Archive, Asked, address
from statuspage.picture.figures import decimal
from statuspage.picture.known_errors import spoken
from statuspage.picture.marking import marked
from statuspage.picture.page import IncidentView, Page, ServiceView
from statuspage.picture.planned import BACK_DAYS, MaintenanceView
from statuspage.render import pace, words
from statuspage.render.bars import NAME
from statuspage.render.front import Front, affected, capabilities, is_late, strip_of
from statuspage.render.headline import worst_first
from statuspage.render.history import Answer, excerpt, told
from statuspage.render.instants import clock, moment, span
from statuspage.render.speaking import speakable, speaking
from statuspage.render.tongue import Tongue, tongue_of

_ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
    **{f"card_{name}.png": "image/png" for name in (*NAME.values(), "plain")},
}
_SUPPORT = {"email": marked("Email"), "phone": marked("Phone"), "url": marked("Web page")}
_LINKS = {
    "imprint": marked("Imprint"),
    "privacy": marked("Privacy"),
    "terms": marked("Terms"),
    "contact": marked("Contact"),
    "accessibility": marked("Accessibility"),
}
"""What links at the foot are called, where the product knows their ids; others are called as their ids."""

_SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel"})


class Html:
    """The public pages as bytes, each in the language of its picture. *templates* holds ``public/`` and ``languages/``.

    Not safe for two threads at once where both draw front pages in one language.
    """

    def __init__(self, templates: Path) -> None:
        self._directory = templates
        self._assets = _assets(templates / "public")
        self.banner_script = (templates / "public" / "banner.js").read_bytes()
        self._fronts: dict[tuple[str, str], Front] = {}

    def tongue(self, page: Page) -> Tongue:
        """What *page* is told in."""
        return tongue_of(page.language, self._directory / "languages")

    def page(self, page: Page) -> bytes:
        """Spell the front page."""
        key = page.language, f"{page.site.base}{page.root}"
        if key not in self._fronts:
            self._fronts[key] = Front(self._environment(page), self.tongue(page))
        return self._fronts[key].page(page, self._context(page, path="/"))

    def incident(self, page: Page, incident: IncidentView) -> bytes:
        """Spell the page of one published incident; *page* gives the surroundings and how its services are now."""
        return self.drawn(
            page,
            "incident.html",
            f"/incidents/{incident.id}",
            incident=incident,
            affected=affected(incident, capabilities(page)),
            is_late=is_late(incident, page.as_of),
            advisories=in_force(page.advisories, [one.service for one in incident.services]),
            known_errors=spoken(page.site.known_errors, page.language, [one.service for one in incident.services]),
        )

    def service(self, page: Page, service: ServiceView) -> bytes:
        """Spell the page of one service: how it is, what it can do, what was and what is planned, and what is promised."""
        hit = partial(_is_about, service.id)
        able = capabilities(page)
        opened = [(view, affected(view, able), is_late(view, page.as_of)) for view in worst_first(page.open) if hit(view)]
        return self.drawn(
            page,
            "service_page.html",
            f"/services/{service.id}",
            service=service,
            strip=strip_of(service.days, self.tongue(page)),
            paces=[pace.told(view) for view in service.paces],
            spelled=pace.spelled,
            checked=clock,
            opened=opened,
            recent=[view for view in page.recent if hit(view)],
            planned=[view for view in page.planned if hit(view)],
            advisories=of_services(page.advisories, [service.id]),
            known_errors=spoken(page.site.known_errors, page.language, [service.id]),
        )

    def reports(self, page: Page) -> bytes:
        """Spell the page on which a customer says which service they mean."""
        return self.drawn(page, "reports.html", "/report")

    def report(self, page: Page, service: ServiceView, *, is_reported: bool = False, fault: str = "") -> bytes:
        """Spell what we know of a service just now, for somebody for whom it does not work, and the form by which they say so.

        *is_reported* where they just did; *fault* is why that was not taken.
        """
        hit, able = partial(_is_about, service.id), capabilities(page)
        return self.drawn(
            page,
            "report.html",
            f"/report/{service.id}",
            service=service,
            opened=[(view, affected(view, able), is_late(view, page.as_of)) for view in worst_first(page.open) if hit(view)],
            planned=[view for view in page.planned if hit(view) and view.state is MaintenanceState.IN_PROGRESS],
            advisories=of_services(page.advisories, [service.id]),
            known_errors=spoken(page.site.known_errors, page.language, [service.id]),
            is_reported=is_reported,
            fault=fault,
        )

    def service_levels(self, page: Page) -> bytes:
        """Spell what is promised of each service, and what was kept."""
        services = [service for group in page.groups for service in group.services]
        return self.drawn(page, "service_levels.html", "/service-levels", services=services)

    def maintenances(self, page: Page) -> bytes:
        """Spell what work is planned, and what was."""
        going_on = [view for view in page.planned if view.state is not MaintenanceState.SCHEDULED]
        coming = [view for view in page.planned if view.state is MaintenanceState.SCHEDULED]
        since = page.as_of - timedelta(days=BACK_DAYS)
        past = [view for view in page.past if (view.ended_at or view.ends) >= since]
        return self.drawn(page, "maintenances.html", "/maintenance", going_on=going_on, coming=coming, past=past)

    def maintenance(self, page: Page, window: MaintenanceView) -> bytes:
        """Spell the page of one window."""
        return self.drawn(page, "maintenance.html", f"/maintenance/{window.id}", window=window)

    def advisory(self, page: Page, advisory: AdvisoryView) -> bytes:
        """Spell the page of one advisory, or notice."""
        return self.drawn(page, "advisory.html", f"/advisories/{advisory.id}", advisory=advisory)

    def history(self, page: Page, asked: Asked, archives: Sequence[Archive], months: Sequence[date]) -> bytes:
        """Spell *archives*, newest first, and links to *months*; *page* gives the surroundings, as of when it holds."""
        return self.drawn(page, "history.html", address(asked.first, asked.service), **told(page, asked, archives, months))

    def search(self, page: Page, answer: Answer) -> bytes:
        """Spell what was found; *page* gives the surroundings."""
        return self.drawn(page, "search.html", search.address(answer.words), answer=answer)

    def not_found(self, page: Page) -> bytes:
        """Spell the page for an address that leads nowhere; the same for every such address."""
        return self.drawn(page, "not_found.html", "/")

    def drawn(self, page: Page, template: str, path: str, **values: object) -> bytes:
        """Draw *template* within the surroundings that *page* gives; *path* is its canonical one, without the language."""
        return self._environment(page).get_template(template).render(self._context(page, path=path), **values).encode()

    def _environment(self, page: Page) -> Environment:
        return _environment(self._directory / "public", self.tongue(page), page.site.base, page.root)

    def _context(self, page: Page, *, path: str) -> dict[str, object]:
        site, zone, tongue = page.site, ZoneInfo(page.site.timezone), self.tongue(page)
        return {
            "page": page,
            "site": site,
            "canonical": f"{site.url}{page.root}{path}",
            "moment": partial(moment, zone=zone, tongue=tongue),
            "span": partial(span, zone=zone, tongue=tongue),
            "support": [(_named(_SUPPORT, kind, tongue), text, _link(kind, text)) for kind, text in site.support.items()],
            "links": [(_named(_LINKS, kind, tongue), text, _link(kind, text)) for kind, text in site.links.items()],
            "path": path,
            "site_title": tongue.gettext("%(site)s status", site=speakable(site.name)),
            "alternates": _alternates(self._environment(page), site.name),
            "tongues": [tongue_of(code, self._directory / "languages") for code in site.languages],
        }

    def assets(self) -> Mapping[str, tuple[bytes, str]]:
        """Give path -> (body, content type) of what the pages refer to. The path holds the content's hash: keep it for ever."""
        return self._assets


def _is_about(service: str, view: IncidentView | MaintenanceView) -> bool:
    return any(one.service == service for one in view.services)


@lru_cache(maxsize=64)
def _alternates(environment: Environment, site_name: str) -> Markup:
    """What every page of a site says about its feeds: drawn once."""
    return Markup(environment.get_template("alternates.html").render(site_name=site_name))  # noqa: S704 - by a template of ours, which escapes


@cache
def _environment(directory: Path, tongue: Tongue, base: str, root: str) -> Environment:
    """The templates, which are compiled once for each language and base: that takes longer than to draw every one of them."""
    environment = speaking(directory, tongue)
    environment.filters.update(
        paragraphs=_paragraphs, short=NAME.__getitem__, promise=partial(words.promise, tongue=tongue), decimal=decimal, excerpt=excerpt
    )
    environment.globals.update(
        base=base,
        root=f"{base}{root}",
        asset={name.partition("-")[0].rpartition("/")[2]: name for name in _assets(directory)},
        AdvisoryTurn=AdvisoryTurn,
        MaintenanceState=MaintenanceState,
        State=State,
        Status=Status,
        day_words=tongue.long_date,
    )
    return environment


@cache
def _assets(directory: Path) -> Mapping[str, tuple[bytes, str]]:
    return MappingProxyType(dict(_asset(directory / name, kind) for name, kind in _ASSETS.items()))


def _asset(path: Path, kind: str) -> tuple[str, tuple[bytes, str]]:
    body = path.read_bytes()
    return f"/assets/{path.stem}-{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}", (body, kind)


def _named(names: Mapping[str, str], kind: str, tongue: Tongue) -> str:
    return tongue.said(names[kind]) if kind in names else kind.capitalize()


def _paragraphs(text: str) -> list[list[str]]:
    """Split words into paragraphs, and those into lines."""
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return [block.split("\n") for block in blocks if block]


def _link(kind: str, text: str) -> str | None:
    """Where a contact leads, or None where it is words: only schemes that cannot run anything."""
    text = str(speakable(text)).strip()
    match kind:
        case "email":
            return f"mailto:{quote(text, safe='@+')}"
        case "phone":
            return f"tel:{re.sub(r'[^0-9+]', '', text)}"
        case _:
            scheme, colon, _ = text.partition(":")
            return text if colon and scheme.lower() in _SAFE_SCHEMES else None
