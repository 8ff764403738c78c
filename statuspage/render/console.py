"""The console's pages as bytes: one Jinja environment, built once. Unlike public pages they are drawn for each request."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from incidents.priority import Asks
from statuspage.picture.board import QueueRow
from statuspage.render.bars import NAME
from statuspage.render.instants import moment as dated
from statuspage.render.instants import span, typed_as
from statuspage.render.speaking import speakable
from statuspage.render.tongue import ENGLISH
from statuspage.render.words import ADVISORY_STAGE, CAPABILITY, MAINTENANCE_STATE, STATE, STATUS, UNWATCHED, history, length

_ASSETS = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}

NEAR = timedelta(minutes=10)
"""How long before a promised update is due the desk is reminded."""


class Console:
    """Draws the desk's pages. *templates* is the directory that holds ``console/``; instants are shown in *zone*."""

    def __init__(self, templates: Path, *, site_name: str, public_url: str, zone: str) -> None:
        self.assets: Mapping[str, tuple[bytes, str]] = {path: (body, kind) for path, body, kind in _assets(templates / "console").values()}
        self._environment = _environment(templates / "console", site_name, public_url, zone)

    def draw(self, template: str, **values: object) -> bytes:
        """Draw a page, or a part of one."""
        return self._environment.get_template(template).render(**values).encode(errors="replace")


INSTANTS = 4096
"""Instants that stay drawn: a full queue has a thousand, and the next look at it nearly the same ones."""

_CLOCK = {Asks.OWNER: "Somebody should own it", Asks.UPDATE: "Customers should hear of it", Asks.END: "It should be over"}


@lru_cache(maxsize=8)
def _environment(directory: Path, site_name: str, public_url: str, zone: str) -> Environment:
    """The templates, which are compiled once: that takes longer than to draw every one of them."""
    environment = Environment(
        loader=FileSystemLoader([directory, directory.parent / "report"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=speakable,
    )
    clock, moment = partial(_clock, zone=ZoneInfo(zone)), partial(_moment, zone=ZoneInfo(zone))
    environment.filters["local"] = partial(typed_as, zone=ZoneInfo(zone))
    environment.filters.update(clock=clock, moment=moment, span=_span, amount=_amount, plain=_plain, short=NAME.__getitem__, lines=_lines)
    environment.filters.update(
        dated=partial(dated, zone=ZoneInfo(zone), tongue=ENGLISH), stamp=_iso, history=partial(history, tongue=ENGLISH)
    )
    environment.globals["brief"] = _briefly(environment)
    environment.globals.update(
        site_name=site_name,
        public_url=public_url,
        zone=zone,
        asset={name: path for name, (path, _, _) in _assets(directory).items()},
        STATUS=STATUS,
        STATE=STATE,
        CAPABILITY=CAPABILITY,
        UNWATCHED=UNWATCHED,
        ADVISORY_STAGE=ADVISORY_STAGE,
        MAINTENANCE_STATE=MAINTENANCE_STATE,
        MaintenanceState=MaintenanceState,
        between=partial(span, zone=ZoneInfo(zone), tongue=ENGLISH),
        CLOCK=_CLOCK,
        NEAR=NEAR,
        Status=Status,
        State=State,
    )
    return environment


def _assets(directory: Path) -> Mapping[str, tuple[str, bytes, str]]:
    return {name: _asset(directory / name, kind) for name, kind in _ASSETS.items()}


def _asset(path: Path, kind: str) -> tuple[str, bytes, str]:
    body = path.read_bytes()
    return f"/assets/{path.stem}-{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}", body, kind


def _briefly(environment: Environment) -> Callable[[QueueRow, Collection[str]], Markup]:
    """What draws one of many incidents in a line. Hundreds of them say the same at the next look, and are not drawn again."""

    @lru_cache(maxsize=INSTANTS)
    def drawn(row: _Brief, owner: str, out_of_reach: tuple[str, ...]) -> Markup:
        told = {"row": row, "owner": owner, "out_of_reach": out_of_reach}
        return Markup(environment.get_template("brief.html").render(told))  # noqa: S704 - by a template of ours, which escapes

    def brief(row: QueueRow, out_of_reach: Collection[str]) -> Markup:
        owner = row.owner.by if row.owner else ""
        return drawn(_Brief(row.id, row.name, row.started_at), owner, (row.id,) if row.id in out_of_reach else ())

    return brief


class _Brief(NamedTuple):
    """All that a line says of an incident itself."""

    id: str
    name: str
    started_at: datetime


@lru_cache(maxsize=INSTANTS)
def _clock(at: datetime, zone: ZoneInfo) -> Markup:
    """Draw the time of day, which is enough for what is of today; the whole instant stands in its title."""
    return _time(at, zone, f"{at.astimezone(zone):%H:%M}")


@lru_cache(maxsize=INSTANTS)
def _moment(at: datetime, zone: ZoneInfo) -> Markup:
    """Draw day and time of day, in the zone, with UTC in the title."""
    here = at.astimezone(zone)
    return _time(at, zone, f"{here.day} {here:%b, %H:%M:%S}")


def _time(at: datetime, zone: ZoneInfo, shown: str) -> Markup:
    # By the percent sign: ``format`` of Markup takes ten times as long.
    return Markup('<time datetime="%s" title="%s">%s</time>') % (_iso(at), _whole(at, zone), shown)


def _whole(at: datetime, zone: ZoneInfo) -> str:
    here, there = at.astimezone(zone), at.astimezone(UTC)
    return f"{here:%Y-%m-%d %H:%M:%S} {here.tzname()} ({there:%H:%M:%S} UTC)"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _span(span: timedelta) -> str:
    """Say how long something lasts, in whole minutes past the first: a page that is open is not redrawn each second."""
    seconds = max(span.total_seconds(), 0.0)
    return "less than a minute" if seconds < 60 else length(seconds // 60 * 60, ENGLISH)


def _amount(value: float) -> str:
    """Spell a score or a sum: whole where it is large, three digits where it is small."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _plain(value: float) -> str:
    """Spell a number as it may be typed again."""
    return f"{value:.15g}"


def _lines(text: str) -> Markup:
    """Keep the line breaks that somebody typed."""
    return Markup("<br>").join(str(speakable(text)).split("\n"))
