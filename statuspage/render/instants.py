"""Instants and days as HTML: absolute, in the site's zone with UTC beside it, as a machine can read them too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from statuspage.render.tongue import Tongue


def moment(at: datetime, zone: ZoneInfo, tongue: Tongue) -> Markup:
    """An instant in *zone* with UTC beside it."""
    here, there = at.astimezone(zone), at.astimezone(UTC)
    text = f"{tongue.long_date(here.date())}, {here:%H:%M} {tongue.zone_name(here)}"
    shown = f'<time datetime="{_iso(there)}Z">{escape(text)}</time>'
    if here.utcoffset() == timedelta(0):
        return Markup(shown)  # noqa: S704 - digits and a zone's abbreviation, escaped
    return Markup(f'{shown} <span class="utc">({_beside(here, there, tongue)} UTC)</span>')  # noqa: S704 - as above


def span(since: datetime, until: datetime, zone: ZoneInfo, tongue: Tongue) -> Markup:
    """From one instant to another in *zone* with UTC beside it, with the days of the week; what both share is said once."""
    here = since.astimezone(zone), until.astimezone(zone)
    there = since.astimezone(UTC), until.astimezone(UTC)
    ends = (f'<time datetime="{_iso(at)}Z">{escape(text)}</time>' for at, text in zip(there, _ends(*here, tongue), strict=True))
    shown = tongue.between(*ends)
    if all(at.utcoffset() == timedelta(0) for at in here):
        return Markup(shown)  # noqa: S704 - digits and a zone's abbreviation, escaped
    utc = tongue.between(*(_beside(local, at, tongue) for local, at in zip(here, there, strict=True)))
    return Markup(f'{shown} <span class="utc">({utc} UTC)</span>')  # noqa: S704 - as above


def _beside(here: datetime, there: datetime, tongue: Tongue) -> str:
    """The same instant *there*, with its day where that is another."""
    return f"{'' if here.date() == there.date() else f'{tongue.short_date(there.date())}, '}{there:%H:%M}"


def _ends(first: datetime, last: datetime, tongue: Tongue) -> tuple[str, str]:
    begins_in, ends_in = tongue.zone_name(first), tongue.zone_name(last)
    is_one_day, is_one_name = first.date() == last.date(), begins_in == ends_in
    begins = f"{tongue.full_date(first.date())}, {first:%H:%M}" + ("" if is_one_day and is_one_name else f" {begins_in}")
    return begins, ("" if is_one_day else f"{tongue.full_date(last.date())}, ") + f"{last:%H:%M} {ends_in}"


def clock(at: datetime) -> Markup:
    """The time of day of an instant, to the second: for what is renewed all the time."""
    there = _iso(at.astimezone(UTC))
    return Markup(f'<time datetime="{there}Z">{there.partition("T")[2]} UTC</time>')  # noqa: S704 - digits


def typed_as(at: datetime, zone: ZoneInfo) -> str:
    """An instant as a form's field for day and time has it, in *zone* and to the minute: the field names no zone and no seconds."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day on which an instant falls in *zone*."""
    return at.astimezone(zone).date()


def _iso(at: datetime) -> str:
    return at.replace(microsecond=0, tzinfo=None).isoformat()
