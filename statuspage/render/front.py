"""The front page. A change costs what it changed: every part is drawn from a value of its own, and kept while that stays the same."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup, escape

from incidents.model import Status
from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.capabilities import CapabilityView
from statuspage.picture.days import Day
from statuspage.picture.page import AffectedView, GroupView, IncidentView, Page, ServiceView
from statuspage.picture.planned import MaintenanceView
from statuspage.render import words
from statuspage.render.bars import NAME, bars, samples
from statuspage.render.headline import answer, worst_first
from statuspage.render.instants import clock, day_of, moment, span
from statuspage.render.kept import Kept
from statuspage.render.tongue import Tongue

RECENT_DAYS = 14

MOST_WINDOWS = 5
"""Planned windows on the front page; a page of their own has them all."""

_WHEN = Markup("\0")
"""Stands in a drawn service for when it was last looked at. No text brings one along: what is not speakable is dropped."""


class Front:
    """Draws the front page in *tongue*, with the templates of *environment*, which speak it too. Not safe for two threads at once."""

    def __init__(self, environment: Environment, tongue: Tongue) -> None:
        self._tongue = tongue
        self._front = environment.get_template("page.html")
        self._service = environment.get_template("service.html")
        self._open = environment.get_template("open.html")
        self._recent = environment.get_template("recent.html")
        self._windows = environment.get_template("coming.html")
        self._warned = environment.get_template("warned.html")
        self._samples = samples()
        self._strips = Kept[Markup]()
        self._services = Kept[tuple[str, str]]()
        self._incidents = Kept[Markup]()
        self._past = Kept[Markup]()
        self._planned = Kept[Markup]()
        self._advisories = Kept[Markup]()

    def page(self, page: Page, context: Mapping[str, object]) -> bytes:
        """Spell *page*; *context* is what every page of the site has around it."""
        for kept in (self._strips, self._services, self._incidents, self._past, self._planned, self._advisories):
            kept.turn()
        able, timezone = capabilities(page), page.site.timezone
        first = day_of(page.as_of, ZoneInfo(timezone)) - timedelta(days=RECENT_DAYS - 1)
        opened = [_Open(view, affected(view, able), is_late(view, page.as_of), timezone) for view in worst_first(page.open)]
        return self._front.render(
            context,
            answer=answer(page, self._tongue),
            going_on=[self._incidents.made(one.view.id, one, self._drawn_open) for one in opened],
            groups=[(group.name, Markup("".join(self._group(group, timezone)))) for group in page.groups],  # noqa: S704 - drawn here
            samples=self._samples,
            notices=self._drawn_advisories([one for one in page.advisories if one.is_notice], timezone, is_notices=True),
            advisories=self._drawn_advisories([one for one in page.advisories if not one.is_notice], timezone, is_notices=False),
            planned=self._planned.made("planned", _Planned(page.planned, timezone), self._drawn_windows),
            recent=self._past.made("past", _Past(page.recent, first, timezone), self._drawn_past),
            recent_since=first,
        ).encode()

    def _group(self, group: GroupView, timezone: str) -> Iterator[str]:
        """The services of a group. When each was last looked at is another time in every round: it is put in here, the rest is kept."""
        for service in group.services:
            strip = self._strips.made(service.id, service.days, partial(strip_of, tongue=self._tongue))
            source = _Service(service, strip, service.checked_at is not None, timezone)
            before, after = self._services.made(service.id, source, self._drawn_service)
            yield before
            yield clock(service.checked_at) if service.checked_at else ""
            yield after

    def _drawn_service(self, source: "_Service") -> tuple[str, str]:
        """What stands before and after the time of the last look."""
        drawn = self._service.render(moment=self._moment(source.timezone), service=source.view, strip=source.strip, checked=_WHEN)
        before, _, after = drawn.partition(_WHEN)
        return before, after

    def _drawn_open(self, source: "_Open") -> Markup:
        told = {"incident": source.view, "affected": source.affected, "is_late": source.is_late}
        return Markup(self._open.render(told, moment=self._moment(source.timezone)))  # noqa: S704 - by a template of ours, which escapes

    def _drawn_past(self, source: "_Past") -> Markup:
        days = _by_day(source.closed, source.first, ZoneInfo(source.timezone))
        return Markup(self._recent.render(moment=self._moment(source.timezone), recent=days))  # noqa: S704 - as above

    def _drawn_windows(self, source: "_Planned") -> Markup:
        """What runs, and what was announced; nothing where there is neither. What merely comes again is told when its notice is due."""
        told = [view for view in source.planned if view.is_told]
        if not told:
            return Markup()
        drawn = self._windows.render(span=partial(span, zone=ZoneInfo(source.timezone), tongue=self._tongue), windows=told[:MOST_WINDOWS])
        return Markup(drawn)  # noqa: S704 - as above

    def _drawn_advisories(self, advisories: Sequence[AdvisoryView], timezone: str, *, is_notices: bool) -> Markup:
        source = _Warned(tuple(advisories), timezone, is_notices)
        return self._advisories.made(f"notices {is_notices}", source, self._drawn_warned) if advisories else Markup()

    def _drawn_warned(self, source: "_Warned") -> Markup:
        spans = {"moment": self._moment(source.timezone), "span": partial(span, zone=ZoneInfo(source.timezone), tongue=self._tongue)}
        return Markup(self._warned.render(spans, advisories=source.advisories, is_notices=source.is_notices))  # noqa: S704 - as above

    def _moment(self, timezone: str) -> "partial[Markup]":
        return partial(moment, zone=ZoneInfo(timezone), tongue=self._tongue)


class _Service(NamedTuple):
    """What a service is drawn from: all of it but when it was last looked at."""

    view: ServiceView
    strip: Markup
    has_result: bool
    timezone: str


class _Open(NamedTuple):
    """What an incident that goes on is drawn from."""

    view: IncidentView
    affected: "Affected"
    is_late: bool
    timezone: str


class _Planned(NamedTuple):
    """What the planned windows are drawn from."""

    planned: tuple[MaintenanceView, ...]
    timezone: str


class _Warned(NamedTuple):
    """What notices, or advisories of services, are drawn from."""

    advisories: tuple[AdvisoryView, ...]
    timezone: str
    is_notices: bool


class _Past(NamedTuple):
    """What the list of what is over is drawn from: incidents that ended, and the first day that is told."""

    closed: tuple[IncidentView, ...]
    first: date
    timezone: str


Affected = tuple[tuple[AffectedView, tuple[CapabilityView, ...]], ...]
"""The services of an incident, each with what it can still do."""


def capabilities(page: Page) -> Mapping[str, tuple[CapabilityView, ...]]:
    """What each service can do, by its id."""
    return {service.id: service.capabilities for group in page.groups for service in group.services}


def affected(view: IncidentView, able: Mapping[str, tuple[CapabilityView, ...]]) -> Affected:
    """Pair the services of an incident with what they can do; nothing is known of one that is no longer on the page."""
    return tuple((one, able.get(one.service, ())) for one in view.services)


def is_late(view: IncidentView, as_of: datetime) -> bool:
    """Whether its newest words promised others that are due."""
    return any(update.next_update_by is not None and update.next_update_by < as_of for update in view.updates[:1])


def strip_of(days: Sequence[Day], tongue: Tongue) -> Markup:
    """The bars, their sentence, and the days with trouble as a list that opens without a script."""
    sentence, drawn = escape(words.history(days, tongue)), bars(days, tongue)
    rows = "".join(_row(day, tongue) for day in reversed(days))
    if not rows:
        return Markup(f'{drawn}<p class="history">{sentence}</p>')  # noqa: S704 - our own names and escaped words only
    return Markup(f'{drawn}<details class="history"><summary>{sentence}</summary><ul>{rows}</ul></details>')  # noqa: S704 - as above


def _row(day: Day, tongue: Tongue) -> str:
    """A day with trouble; nothing for one without."""
    if day.worst is None or day.worst is Status.OPERATIONAL or _is_small_gap(day):
        return ""
    return f'<li class="{NAME[day.worst]}"><b>{escape(tongue.long_date(day.day))}</b> {escape(words.day(day, tongue))}</li>'


def _is_small_gap(day: Day) -> bool:
    return day.worst is Status.UNKNOWN and not day.is_mostly_unknown and day.unknown < 60


def _by_day(closed: Sequence[IncidentView], first: date, zone: ZoneInfo) -> list[tuple[date, list[tuple[IncidentView, float]]]]:
    """Those that ended on *first* or later, by the day on which they began, newest first, each with how long it lasted."""
    found: dict[date, list[tuple[IncidentView, float]]] = {}
    for incident in closed:
        began, over = day_of(incident.started_at, zone), incident.recovered_at or incident.resolved_at
        if over is not None and incident.lasted is not None and day_of(over, zone) >= first:
            found.setdefault(began, []).append((incident, incident.lasted.total_seconds()))
    return list(found.items())
