"""Instants and days as HTML: absolute, in the site's zone with UTC beside it, as a machine can read them too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from statuspage.render import words


def moment(at: datetime, zone: ZoneInfo) -> Markup:
    """An instant in *zone* with UTC beside it."""
    here, there = at.astimezone(zone), at.astimezone(UTC)
    text = f"{long_date(here.date())}, {here:%H:%M} {_zone_name(here)}"
    shown = f'<time datetime="{_iso(there)}Z">{escape(text)}</time>'
    if here.utcoffset() == timedelta(0):
        return Markup(shown)  # noqa: S704 - digits and a zone's abbreviation, escaped
    day = "" if here.date() == there.date() else f"{words.short_date(there.date())}, "
    return Markup(f'{shown} <span class="utc">({day}{there:%H:%M} UTC)</span>')  # noqa: S704 - as above


def clock(at: datetime) -> Markup:
    """The time of day of an instant, to the second: for what is renewed all the time."""
    there = _iso(at.astimezone(UTC))
    return Markup(f'<time datetime="{there}Z">{there.partition("T")[2]} UTC</time>')  # noqa: S704 - digits


def long_date(day: date) -> str:
    """A date with its year, whatever the process's locale is."""
    return f"{words.short_date(day)} {day.year}"


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day on which an instant falls in *zone*."""
    return at.astimezone(zone).date()


def _iso(at: datetime) -> str:
    return at.replace(microsecond=0, tzinfo=None).isoformat()


def _zone_name(at: datetime) -> str:
    name = at.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in "+-" else name
