"""The picture as HTML: one environment, built once; the same page always gives the same bytes.

Every text is hostile: the environment escapes all of them, and drops what could turn a line of text around, before any reaches a page.
No inline script and no inline style, so that the strictest content policy holds. Instants are absolute, in the site's zone and in UTC.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from incidents.model import State, Status
from statuspage.days import Day
from statuspage.figures import decimal
from statuspage.page import IncidentView, Page, ServiceView
from statuspage.render import words
from statuspage.render.bars import NAME, bars, samples

RECENT_DAYS = 14

_ASSETS = {"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "favicon.svg": "image/svg+xml"}
# C0 and C1 controls, marks that turn or hide the direction of text, lone surrogates (no UTF-8 has them) and noncharacters.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel"})


class Html:
    """The public pages as bytes. *templates* is the directory that holds ``public/``.

    Finished strips and articles are kept by service, and the list of what is over as a whole: each is drawn again only when something
    of its own changed.
    """

    def __init__(self, templates: Path) -> None:
        directory = templates / "public"
        self._assets = dict(_asset(directory / name, kind) for name, kind in _ASSETS.items())
        self._strips: dict[str, tuple[tuple[Day, ...], Markup]] = {}
        self._articles: dict[str, tuple[_Source, Markup]] = {}
        self._past: tuple[_Past, Markup] | None = None
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
        environment.filters.update(promise=words.promise, month=words.month, decimal=decimal)
        environment.globals.update(
            asset={name.partition("-")[0].rpartition("/")[2]: name for name in self._assets},
            STATUS=words.STATUS,
            STATE=words.STATE,
            UNWATCHED=words.UNWATCHED,
            STEPS=words.STEPS,
            State=State,
            Status=Status,
            length=words.length,
            PERIODS=words.PERIODS,
        )
        self._front = environment.get_template("page.html")
        self._article_of = environment.get_template("service.html")
        self._recent = environment.get_template("recent.html")
        self._single = environment.get_template("incident.html")
        self._levels = environment.get_template("service_levels.html")
        self._missing = environment.get_template("not_found.html")

    def page(self, page: Page) -> bytes:
        """Spell the front page."""
        services = [service for group in page.groups for service in group.services]
        self._strips = {service.id: self._strip(service) for service in services}
        zone, context = ZoneInfo(page.site.timezone), _context(page, path="/")
        self._articles = {service.id: self._article(service, context, page.site.timezone) for service in services}
        self._past = self._drawn_past(page, context, zone)
        return self._front.render(
            context,
            articles={service.id: _looked_at(self._articles[service.id][1], service) for service in services},
            answer=words.answer(page),
            services={service.id: service for service in services},
            recent=self._past[1],
            recent_since=self._past[0][1],
            samples=samples(),
        ).encode()

    def incident(self, page: Page, incident: IncidentView) -> bytes:
        """Spell the page of one published incident; *page* gives the surroundings and how its services are now."""
        services = {service.id: service for group in page.groups for service in group.services}
        context = _context(page, path=f"/incidents/{incident.id}")
        return self._single.render(context, incident=incident, services=services, ended=_ended(incident)).encode()

    def service_levels(self, page: Page) -> bytes:
        """Spell what is promised of each service, and what was kept."""
        services = [service for group in page.groups for service in group.services]
        return self._levels.render(_context(page, path="/service-levels"), services=services).encode()

    def not_found(self, page: Page) -> bytes:
        """Spell the page for an address that leads nowhere; the same for every such address."""
        return self._missing.render(_context(page, path="/")).encode()

    def assets(self) -> Mapping[str, tuple[bytes, str]]:
        """Give path -> (body, content type) of what the pages refer to. The path holds the content's hash: keep it for ever."""
        return dict(self._assets)

    def _strip(self, service: ServiceView) -> tuple[tuple[Day, ...], Markup]:
        kept = self._strips.get(service.id)
        return kept if kept and kept[0] == service.days else (service.days, _strip(service.days))

    def _article(self, service: ServiceView, context: Mapping[str, object], timezone: str) -> tuple["_Source", Markup]:
        source = (service, service.checked_at is None, timezone)
        kept = self._articles.get(service.id)
        if kept is not None and kept[0] == source:
            return kept
        drawn = self._article_of.render(context, service=service, strip=self._strips[service.id][1], checked=_WHEN)
        return source, Markup(drawn)  # noqa: S704 - by a template of ours, which escapes

    def _drawn_past(self, page: Page, context: Mapping[str, object], zone: ZoneInfo) -> tuple["_Past", Markup]:
        first = _day_of(page.as_of, zone) - timedelta(days=RECENT_DAYS - 1)
        source = (page.recent, first, page.site.timezone)
        if self._past is not None and self._past[0] == source:
            return self._past
        return source, Markup(self._recent.render(context, recent=_by_day(page.recent, first, zone)))  # noqa: S704 - as above


_Source = tuple[ServiceView, bool, str]
"""What an article is drawn from: all of a service but when it was last looked at, whether it ever was, and the zone of its instants."""

_WHEN = Markup("\0")
"""Stands in a kept article for when the service was last looked at. No text brings one along: what is not speakable is dropped."""

_Past = tuple[tuple[IncidentView, ...], date, str]
"""What the list of what is over is drawn from: closed incidents, its first day, and the zone."""


def _looked_at(article: Markup, service: ServiceView) -> Markup:
    return article if service.checked_at is None else Markup(str(article).replace(_WHEN, _clock(service.checked_at)))  # noqa: S704 - ours


def speakable(value: object) -> object:
    """Drop from a text what has no business in one: controls, direction overrides, broken characters. Markup and others pass."""
    return _UNSPEAKABLE.sub("", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset(path: Path, kind: str) -> tuple[str, tuple[bytes, str]]:
    body = path.read_bytes()
    return f"/assets/{path.stem}-{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}", (body, kind)


def _context(page: Page, *, path: str) -> dict[str, object]:
    zone = ZoneInfo(page.site.timezone)
    return {
        "page": page,
        "site": page.site,
        "canonical": page.site.url + path,
        "moment": partial(_moment, zone=zone),
        "day_words": _long_date,
        "support": [(kind, text, _link(kind, text)) for kind, text in page.site.support.items()],
        "links": [(kind, text, _link(kind, text)) for kind, text in page.site.links.items()],
    }


# --- instants -----------------------------------------------------------------------------------------------------------------


def _moment(at: datetime, zone: ZoneInfo) -> Markup:
    """An instant in the site's zone with UTC beside it, as a machine can read it too."""
    here, there = at.astimezone(zone), at.astimezone(UTC)
    text = f"{_long_date(here.date())}, {here:%H:%M} {_zone_name(here)}"
    shown = f'<time datetime="{_iso(there)}">{escape(text)}</time>'
    if here.utcoffset() == timedelta(0):
        return Markup(shown)  # noqa: S704 - digits and a zone's abbreviation, escaped
    day = "" if here.date() == there.date() else f"{words.short_date(there.date())}, "
    return Markup(f'{shown} <span class="utc">({day}{there:%H:%M} UTC)</span>')  # noqa: S704 - as above


def _clock(at: datetime) -> Markup:
    """The time of day of an instant, to the second: for what is renewed all the time."""
    there = at.astimezone(UTC)
    return Markup(f'<time datetime="{_iso(there)}">{there:%H:%M:%S} UTC</time>')  # noqa: S704 - digits


def _iso(at: datetime) -> str:
    return at.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _zone_name(at: datetime) -> str:
    name = at.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in "+-" else name


def _long_date(day: date) -> str:
    return f"{words.short_date(day)} {day.year}"


def _day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


# --- parts --------------------------------------------------------------------------------------------------------------------


def _strip(days: Sequence[Day]) -> Markup:
    """The bars, their sentence, and the days with trouble as a list that opens without a script."""
    troubled = [day for day in reversed(days) if day.worst not in (None, Status.OPERATIONAL) and _matters(day)]
    sentence = escape(words.history(days))
    if not troubled:
        return bars(days) + Markup('<p class="history">') + sentence + Markup("</p>")
    rows = Markup().join(
        Markup('<li class="{}"><b>{}</b> {}</li>').format(NAME[day.worst], _long_date(day.day), words.day(day))
        for day in troubled
        if day.worst is not None
    )
    return bars(days) + Markup('<details class="history"><summary>{}</summary><ul>{}</ul></details>').format(sentence, rows)


def _matters(day: Day) -> bool:
    return day.worst is not Status.UNKNOWN or day.is_mostly_unknown or day.unknown >= 60


def _by_day(closed: Sequence[IncidentView], first: date, zone: ZoneInfo) -> list[tuple[date, list[tuple[IncidentView, float]]]]:
    """Those that ended on *first* or later, by the day on which they began, newest first, each with how long it lasted."""
    found: dict[date, list[tuple[IncidentView, float]]] = {}
    for incident in closed:
        began = _day_of(incident.started_at, zone)
        ended = _ended(incident)
        if ended is not None and incident.lasted is not None and _day_of(ended, zone) >= first:
            found.setdefault(began, []).append((incident, incident.lasted.total_seconds()))
    return list(found.items())


def _ended(incident: IncidentView) -> datetime | None:
    """When the outage ended: when the service came back, not when somebody said so."""
    return incident.recovered_at or incident.resolved_at


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
