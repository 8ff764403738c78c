"""The words of the public face: what a status is called, how long something was, how days went, what is promised.

No template and no markup here: every surface that speaks to customers takes its words from this one place. They stand here in English;
a ``Tongue`` says them in the reader's language.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import TypeVar

from incidents.advisory import AdvisoryStage, AdvisoryTurn
from incidents.levels.terms import Period, Terms
from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from incidents.times.calendars import Calendar
from statuspage.picture.days import Day
from statuspage.picture.figures import decimal
from statuspage.picture.marking import marked, marked_in
from statuspage.render.tongue import Tongue

Named = TypeVar("Named")

STATUS = {
    Status.OPERATIONAL: marked("Operational"),
    Status.DEGRADED: marked("Degraded"),
    Status.PARTIAL: marked("Partial outage"),
    Status.MAJOR: marked("Major outage"),
    Status.MAINTENANCE: marked("Under maintenance"),
    Status.UNKNOWN: marked("Not known"),
}

WITHIN = {
    Status.OPERATIONAL: marked_in("in a sentence", "operational"),
    Status.DEGRADED: marked_in("in a sentence", "degraded"),
    Status.PARTIAL: marked_in("in a sentence", "partial outage"),
    Status.MAJOR: marked_in("in a sentence", "major outage"),
    Status.MAINTENANCE: marked_in("in a sentence", "under maintenance"),
    Status.UNKNOWN: marked_in("in a sentence", "not known"),
}
"""A status inside a sentence, or after a colon: not every language writes it small there."""

CAPABILITY = {
    Status.OPERATIONAL: marked_in("capability", "works"),
    Status.DEGRADED: marked_in("capability", "degraded"),
    Status.PARTIAL: marked_in("capability", "partly down"),
    Status.MAJOR: marked_in("capability", "down"),
    Status.MAINTENANCE: marked_in("capability", "under maintenance"),
    Status.UNKNOWN: marked_in("capability", "not known"),
}

STATE = {
    State.INVESTIGATING: marked("Investigating"),
    State.IDENTIFIED: marked("Identified"),
    State.MONITORING: marked("Recovered, being watched"),
    State.RESOLVED: marked("Resolved"),
    State.POSTMORTEM: marked("Review published"),
}

MAINTENANCE_STATE = {
    MaintenanceState.SCHEDULED: marked("Planned"),
    MaintenanceState.IN_PROGRESS: marked("In progress"),
    MaintenanceState.VERIFYING: marked("Past its end, being verified"),
    MaintenanceState.COMPLETED: marked("Completed"),
    MaintenanceState.CANCELLED: marked("Cancelled"),
}

MAINTENANCE_STEPS = {
    MaintenanceState.SCHEDULED: marked("Planned"),
    MaintenanceState.IN_PROGRESS: marked("In progress"),
    MaintenanceState.VERIFYING: marked("Being verified"),
    MaintenanceState.COMPLETED: marked("Completed"),
}
"""The way that planned work goes, where it is not cancelled."""

ADVISORY_STAGE = {
    AdvisoryStage.COMING: marked_in("advisory", "Expected"),
    AdvisoryStage.IN_FORCE: marked_in("advisory", "In force"),
    AdvisoryStage.OVER: marked_in("advisory", "Over"),
    AdvisoryStage.WITHDRAWN: marked_in("advisory", "Withdrawn"),
}

ADVISORY_TURN = {
    AdvisoryTurn.PUBLISHED: marked_in("advisory", "Published"),
    AdvisoryTurn.UPDATED: marked_in("advisory", "Updated"),
    AdvisoryTurn.MOVED: marked_in("advisory", "Other times"),
    AdvisoryTurn.WITHDRAWN: marked_in("advisory", "Withdrawn"),
}

STEPS = {
    State.INVESTIGATING: marked("Investigating"),
    State.IDENTIFIED: marked("Identified"),
    State.MONITORING: marked("Recovered"),
    State.RESOLVED: marked("Resolved"),
}
"""The way that an incident goes, in words short enough to stand in one line."""

UNWATCHED = marked("Not monitored")
UNWATCHED_WITHIN = marked_in("in a sentence", "not monitored")

PERIODS = {
    "24h": marked("Last 24 hours"),
    "7d": marked("Last 7 days"),
    "30d": marked("Last 30 days"),
    "90d": marked("Last 90 days"),
    "365d": marked("Last 365 days"),
    "month": marked("This month"),
    "quarter": marked("This quarter"),
    "year": marked("This year"),
}
"""What the periods of a service level are called, in their order."""

NO_LEVEL = marked("No service level is stated; we count every minute.")

_PROMISED = {
    Period.MONTH: marked("%(target)s %% are promised for each month, %(hours)s."),
    Period.QUARTER: marked("%(target)s %% are promised for each quarter, %(hours)s."),
    Period.YEAR: marked("%(target)s %% are promised for each year, %(hours)s."),
}

_OUTAGE = frozenset({Status.PARTIAL, Status.MAJOR})


def spoken(table: Mapping[Named, str], tongue: Tongue, context: str | None = None) -> Mapping[Named, str]:
    """One of the tables above in *tongue*."""
    return MappingProxyType({one: tongue.said(word) if context is None else tongue.said_in(context, word) for one, word in table.items()})


def within(status: Status, tongue: Tongue) -> str:
    """What *status* is called inside a sentence."""
    return tongue.said_in("in a sentence", WITHIN[status])


def history(days: Sequence[Day], tongue: Tongue) -> str:
    """A strip of days as one sentence, for those who cannot see the bars: days with an outage, time down, time not known."""
    seen = [day for day in days if day.worst is not None]
    if not seen:
        return tongue.gettext("No history yet")
    if len(seen) == len(days):
        span = tongue.ngettext("Last %(number)s day", "Last %(number)s days", len(days))
    else:
        span = tongue.ngettext("Watched for %(number)s day", "Watched for %(number)s days", len(seen))
    return tongue.gettext("%(span)s: %(told)s", span=span, told=", ".join(_told(seen, tongue)))


def _told(seen: Sequence[Day], tongue: Tongue) -> Iterator[str]:
    """What is said of days. No outage is one that was seen: not time that was down, and not time of which nothing is known."""
    bad = sum(day.worst in _OUTAGE for day in seen)
    weak = sum(day.worst is Status.DEGRADED for day in seen)
    work = sum(day.worst is Status.MAINTENANCE for day in seen)
    down, during = sum(day.downtime for day in seen), sum(day.planned for day in seen)
    if bad:
        yield tongue.ngettext("%(number)s day with an outage", "%(number)s days with an outage", bad)
    elif not down and not all(day.is_mostly_unknown for day in seen):
        yield tongue.gettext("no outage")
    yield from _down(down, sum(day.lessened for day in seen), during, is_outage=bad > 0, tongue=tongue)
    if weak:
        yield tongue.ngettext("%(number)s day degraded", "%(number)s days degraded", weak)
    if work:
        yield tongue.ngettext("%(number)s day with maintenance", "%(number)s days with maintenance", work)
    if unknown := sum(day.unknown for day in seen):
        yield _unknown(unknown, tongue)


def _down(down: float, lessened: float, during: float, *, is_outage: bool, tongue: Tongue) -> Iterator[str]:
    """How long it was down, as the measured figure counts it; an outage is never told without a length."""
    if lessened:
        yield tongue.gettext("partly out for %(length)s", length=length(lessened, tongue))
    if down:
        told = length(down, tongue)
        yield tongue.gettext("%(length)s counted as down", length=told) if lessened else tongue.gettext("%(length)s down", length=told)
    elif lessened:
        yield tongue.gettext("not counted as down")
    elif is_outage:
        yield tongue.gettext("begun this minute")
    if during and during == down:
        yield tongue.gettext("all of it during planned work")
    elif during:
        yield tongue.gettext("%(length)s of it during planned work", length=length(during, tongue))


def _unknown(seconds: float, tongue: Tongue) -> str:
    return tongue.gettext("not known for %(length)s", length=length(seconds, tongue))


def day(one: Day, tongue: Tongue) -> str:
    """What happened on one day, without its date."""
    if one.worst is None:
        return tongue.gettext("not watched yet")
    is_quiet = one.worst in (Status.OPERATIONAL, Status.UNKNOWN)
    parts = [tongue.gettext("no outage") if is_quiet else within(one.worst, tongue)]
    parts += _down(one.downtime, one.lessened, one.planned, is_outage=one.worst in _OUTAGE, tongue=tongue)
    if one.unknown:
        parts.append(_unknown(one.unknown, tongue))
    elif one.is_mostly_unknown:
        parts.append(within(Status.UNKNOWN, tongue))
    return ", ".join(parts[1:] if is_quiet and one.is_mostly_unknown else parts)


def length(seconds: float, tongue: Tongue) -> str:
    """A length of time in the two largest units that matter. Rounded up at the last one: downtime is never made to look shorter."""
    whole = math.ceil(seconds)
    if whole < 60:
        return _seconds(whole, tongue)
    minutes = math.ceil(whole / 60)
    if minutes < 60:
        return _minutes(minutes, tongue)
    if minutes < 24 * 60:
        large, small = divmod(minutes, 60)
        return " ".join([_hours(large, tongue), *([_minutes(small, tongue)] if small else [])])
    large, small = divmod(math.ceil(minutes / 60), 24)
    return " ".join([_days(large, tongue), *([_hours(small, tongue)] if small else [])])


def _seconds(number: int, tongue: Tongue) -> str:
    return tongue.ngettext("%(number)s s", "%(number)s s", number)


def _minutes(number: int, tongue: Tongue) -> str:
    return tongue.ngettext("%(number)s min", "%(number)s min", number)


def _hours(number: int, tongue: Tongue) -> str:
    return tongue.ngettext("%(number)s h", "%(number)s h", number)


def _days(number: int, tongue: Tongue) -> str:
    return tongue.ngettext("%(number)s d", "%(number)s d", number)


def promise(terms: Terms, tongue: Tongue) -> str:
    """What is promised of a service, in a sentence or two."""
    _, target = tongue.gettext, decimal(terms.target)
    if target is None:
        return tongue.said(NO_LEVEL)
    when = _("around the clock") if terms.hours is None else hours(terms.hours, tongue)
    told = [tongue.said(_PROMISED[terms.period]) % {"target": tongue.number(target), "hours": when}]
    if terms.notice:
        notice = length(terms.notice.total_seconds(), tongue)
        if terms.notice_from:
            least = length(terms.notice_from.total_seconds(), tongue)
            told.append(
                _(
                    "Planned work that lasts %(least)s or longer is left out where it was announced %(notice)s before.",
                    least=least,
                    notice=notice,
                )
            )
        else:
            told.append(_("Planned work is left out where it was announced %(notice)s before.", notice=notice))
    if terms.partial_counts != 1:
        share = tongue.number(decimal(terms.partial_counts) or "")
        told.append(_("Of a partial outage %(share)s %% count as downtime.", share=share))
    return " ".join(told)


def hours(calendar: Calendar, tongue: Tongue) -> str:
    """Hours of the week: ``Mon to Fri 08:00 to 18:00 (Europe/Berlin), but for public holidays and other closed days``."""
    parts = []
    for spans, run in groupby(range(7), key=lambda day: calendar.weekly.get(day, ())):
        days = [tongue.weekday(_MONDAY + timedelta(days=number)) for number in run]
        if spans:
            which = days[0] if len(days) == 1 else tongue.between(days[0], days[-1])
            open_ = tongue.listed([tongue.between(_clock(opens), _clock(closes)) for opens, closes in spans])
            parts.append(f"{which} {open_}")
    open_ = ", ".join(parts) if parts else tongue.gettext("at no hour")
    told = f"{open_} ({calendar.timezone})"
    return tongue.gettext("%(hours)s, but for public holidays and other closed days", hours=told) if calendar.closed else told


_MONDAY = date(2026, 1, 5)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
