"""The words of the public face: what a status is called, and the sentences that answer "is something wrong now?".

No template and no markup here: every surface that speaks to customers takes its words from this one place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from incidents.rollup import TROUBLE
from incidents.times.calendars import Calendar
from statuspage.days import Day
from statuspage.figures import LevelView, decimal
from statuspage.page import Page, ServiceView

STATUS = {
    Status.OPERATIONAL: "Operational",
    Status.DEGRADED: "Degraded",
    Status.PARTIAL: "Partial outage",
    Status.MAJOR: "Major outage",
    Status.MAINTENANCE: "Under maintenance",
    Status.UNKNOWN: "Not known",
}

CAPABILITY = {
    Status.OPERATIONAL: "works",
    Status.DEGRADED: "degraded",
    Status.PARTIAL: "partly down",
    Status.MAJOR: "down",
    Status.MAINTENANCE: "under maintenance",
    Status.UNKNOWN: "not known",
}

STATE = {
    State.INVESTIGATING: "Investigating",
    State.IDENTIFIED: "Identified",
    State.MONITORING: "Recovered, being watched",
    State.RESOLVED: "Resolved",
    State.POSTMORTEM: "Review published",
}

MAINTENANCE_STATE = {
    MaintenanceState.SCHEDULED: "Planned",
    MaintenanceState.IN_PROGRESS: "In progress",
    MaintenanceState.VERIFYING: "Past its end, being verified",
    MaintenanceState.COMPLETED: "Completed",
    MaintenanceState.CANCELLED: "Cancelled",
}

MAINTENANCE_STEPS = {
    MaintenanceState.SCHEDULED: "Planned",
    MaintenanceState.IN_PROGRESS: "In progress",
    MaintenanceState.VERIFYING: "Being verified",
    MaintenanceState.COMPLETED: "Completed",
}
"""The way that planned work goes, where it is not cancelled."""

STEPS = {
    State.INVESTIGATING: "Investigating",
    State.IDENTIFIED: "Identified",
    State.MONITORING: "Recovered",
    State.RESOLVED: "Resolved",
}
"""The way that an incident goes, in words short enough to stand in one line."""

UNWATCHED = "Not monitored"

PERIODS = {
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "365d": "Last 365 days",
    "month": "This month",
    "quarter": "This quarter",
    "year": "This year",
}
"""What the periods of a service level are called, in their order."""

NO_LEVEL = "No service level is stated; we count every minute."

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OUTAGE = frozenset({Status.PARTIAL, Status.MAJOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Is something wrong now? *since* is the earliest start among the services that *headline* speaks of."""

    status: Status
    headline: str
    detail: str
    since: datetime | None = None


def answer(page: Page) -> Answer:
    """Say in words what the page's status means, naming services while they are few."""
    services = [service for group in page.groups for service in group.services if service.is_watched or service.since is not None]
    named = [service for service in services if service.status is page.status]
    since = min((service.since for service in named if service.since), default=None)
    if page.impaired_since is not None and page.status is Status.UNKNOWN:
        detail = "Our own monitoring is impaired. That does not mean that a service is down."
        what = "our services" if len(named) == len(services) else _names(named, within=True)
        return Answer(status=page.status, headline=f"We cannot see the state of {what}", detail=detail, since=page.impaired_since)
    if page.status is Status.OPERATIONAL:
        return _all_well(page, services)
    if page.status is Status.UNKNOWN and all(service.checked_at is None for service in services):
        return Answer(status=page.status, headline="Waiting for the first results", detail="Monitoring has started. Nothing is known yet.")
    headline = _headline(page.status, named)
    return Answer(status=page.status, headline=headline, detail=_others(page.status, services), since=since)


def _all_well(page: Page, services: Sequence[ServiceView]) -> Answer:
    if page.open:
        detail = "All services work again. We keep watching before we call it resolved."
        return Answer(status=page.status, headline="Recovered, being watched", detail=detail)
    return Answer(status=page.status, headline="All services are operational", detail=f"{_count(len(services), 'service')} watched.")


def _headline(status: Status, named: Sequence[ServiceView]) -> str:
    if not named:
        return "We are looking into a problem"
    who, verb = _names(named), "is" if len(named) == 1 else "are"
    match status:
        case Status.MAJOR:
            return f"{who} {verb} not working"
        case Status.PARTIAL:
            return f"Parts of {_names(named, within=True)} are not working"
        case Status.DEGRADED:
            return f"{who} {verb} degraded"
        case Status.MAINTENANCE:
            return f"{who} {verb} under maintenance"
        case Status.UNKNOWN:
            return f"The state of {_names(named, within=True)} is not known"
        case Status.OPERATIONAL:
            return f"{who} {verb} operational"


def _names(services: Sequence[ServiceView], *, within: bool = False) -> str:
    if len(services) > 3:
        return f"{len(services)} services"
    names = [service.name for service in services]
    if not within:
        names[0] = names[0][:1].upper() + names[0][1:]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _others(status: Status, services: Sequence[ServiceView]) -> str:
    """How those are doing that are not of *status*, which the headline tells: those in trouble by name, the others by number."""
    rest = [service for service in services if service.status is not status]
    said = [f"{service.name}: {STATUS[service.status].lower()}" for service in rest if service.status in TROUBLE]
    shown, more = said[:3], len(said) - 3
    well = sum(service.status is Status.OPERATIONAL for service in rest)
    parts = [f"{part}." for part in shown]
    if more > 0:
        parts.append(f"{more} more with problems.")
    if well and well == len(rest):
        parts.append("All other services are operational.")
    elif services:
        parts.append(f"{well} of {_count(len(services), 'service')} {'is' if well == 1 else 'are'} operational.")
    return " ".join(parts)


def history(days: Sequence[Day]) -> str:
    """A strip of days as one sentence, for those who cannot see the bars: days with an outage, time down, time not known."""
    seen = [day for day in days if day.worst is not None]
    if not seen:
        return "No history yet"
    span = f"Last {_count(len(days), 'day')}" if len(seen) == len(days) else f"Watched for {_count(len(seen), 'day')}"
    bad = sum(day.worst in _OUTAGE for day in seen)
    weak = sum(day.worst is Status.DEGRADED for day in seen)
    planned = sum(day.worst is Status.MAINTENANCE for day in seen)
    parts = [f"{_count(bad, 'day')} with an outage" if bad else "no outage"]
    if bad:
        parts.append(f"{length(sum(day.downtime for day in seen))} down")
    if weak:
        parts.append(f"{_count(weak, 'day')} degraded")
    if planned:
        parts.append(f"{_count(planned, 'day')} with maintenance")
    if unknown := sum(day.unknown for day in seen):
        parts.append(f"not known for {length(unknown)}")
    return f"{span}: {', '.join(parts)}"


def day(one: Day) -> str:
    """What happened on one day, without its date."""
    if one.worst is None:
        return "not watched yet"
    parts = ["no outage" if one.worst in (Status.OPERATIONAL, Status.UNKNOWN) else STATUS[one.worst].lower()]
    if one.downtime:
        parts.append(f"{length(one.downtime)} down")
    if one.unknown:
        parts.append(f"not known for {length(one.unknown)}")
    return ", ".join(parts[1:] if one.is_mostly_unknown and len(parts) > 1 and one.worst is Status.UNKNOWN else parts)


def length(seconds: float) -> str:
    """A length of time in the two largest units that matter. Rounded up at the last one: downtime is never made to look shorter."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = math.ceil(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _pair(minutes, 60, "h", "min")
    return _pair(math.ceil(minutes / 60), 24, "d", "h")


def short_date(date_: date) -> str:
    """A date without its year, whatever the process's locale is."""
    return f"{date_.day} {_MONTHS[date_.month - 1]}"


def weekday(date_: date) -> str:
    """The day of the week, in three letters."""
    return _DAYS[date_.weekday()]


def _pair(amount: int, size: int, large: str, small: str) -> str:
    whole, rest = divmod(amount, size)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def promise(level: LevelView) -> str:
    """What is promised of a service, in a sentence or two."""
    terms = level.terms
    if level.target is None:
        return NO_LEVEL
    told = [f"{level.target} % are promised for each {terms.period}, {'around the clock' if terms.hours is None else hours(terms.hours)}."]
    if terms.notice:
        long = f" that lasts {length(terms.notice_from.total_seconds())} or longer" if terms.notice_from else ""
        told.append(f"Planned work{long} is left out where it was announced {length(terms.notice.total_seconds())} before.")
    if terms.partial_counts != 1:
        told.append(f"Of a partial outage {decimal(terms.partial_counts)} % count as downtime.")
    return " ".join(told)


def hours(calendar: Calendar) -> str:
    """Hours of the week: ``Mon to Fri 08:00 to 18:00 (Europe/Berlin), but for public holidays and other closed days``."""
    parts = []
    for spans, run in groupby(range(7), key=lambda day: calendar.weekly.get(day, ())):
        days = list(run)
        if spans:
            which = _DAYS[days[0]] if len(days) == 1 else f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}"
            parts.append(f"{which} {' and '.join(f'{_clock(opens)} to {_clock(closes)}' for opens, closes in spans)}")
    closed = ", but for public holidays and other closed days" if calendar.closed else ""
    return f"{', '.join(parts) or 'at no hour'} ({calendar.timezone}){closed}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def month(first: date) -> str:
    """A month with its year, whatever the process's locale is."""
    return f"{short_date(first).partition(' ')[2]} {first.year}"
