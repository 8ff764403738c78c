"""History as calendar days: what a service's status changes mean for each day in the zone where people live.

Pure, like the picture that shows them. All sums are made in UTC; the zone only says where a day begins.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import zip_longest

from incidents.levels.availability import Change
from incidents.model import Status
from incidents.rollup import worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One calendar day of one service in the site's zone.

    *worst* is None for a day before the service was first watched. *downtime* and *unknown* are seconds of that day (partial and
    major outage count as downtime). *is_mostly_unknown* tells a day without verdicts from one with a gap.
    """

    day: date
    worst: Status | None
    downtime: float
    unknown: float
    is_mostly_unknown: bool = False


def last_known(changes: Sequence[Change]) -> Status:
    """Say what was known before the present gap: the newest status that is not unknown, or unknown where there never was one."""
    return next((change.new for change in reversed(changes) if change.new is not Status.UNKNOWN), Status.UNKNOWN)


def strip(changes: Sequence[Change], *, first: date, last: date, zone: tzinfo, now: datetime, born: datetime) -> tuple[Day, ...]:
    """Cut a service's status changes into calendar days of *zone*, *first* to *last* inclusive.

    *changes* ascend by *since*; the one in force when *first* begins may stand first. Time before the first change is unknown, time
    before *born* and from *now* on is no time at all; a day without any has no *worst*. The sums are exact over days of 23 and 25 hours.
    """
    instants = [change.since for change in changes]
    days = []
    start = _midnight(first, zone)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        end = _midnight(day + timedelta(days=1), zone)
        days.append(_day(day, changes, instants, (max(start, born), min(end, now)), is_over=end <= now))
        start = end
    return tuple(days)


def continued(
    days: tuple[Day, ...], was: Sequence[Change], changes: Sequence[Change], *, zone: tzinfo, now: datetime, born: datetime
) -> tuple[Day, ...]:
    """Give what ``strip`` would for *changes* over the same days; *days* were cut from *was* earlier on the last of them.

    A day that has ended changes only when a change is dated back into it (an outage starts at its first failure), so only the last day,
    and those from the first difference on, are cut again. *zone* and *born* are what they were.
    """
    first, last = days[0].day, days[-1].day
    differing = [one.since for pair in zip_longest(was, changes) if pair[0] != pair[1] for one in pair if one is not None]
    again = max(first, min([last, *(since.astimezone(zone).date() for since in differing)]))
    return (*days[: (again - first).days], *strip(changes, first=again, last=last, zone=zone, now=now, born=born))


@lru_cache(maxsize=512)
def _midnight(day: date, zone: tzinfo) -> datetime:
    """Where the clock skips midnight, the day begins at the skip: the offset before it (``fold=0``) gives that very instant."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _day(day: date, changes: Sequence[Change], instants: Sequence[datetime], span: tuple[datetime, datetime], *, is_over: bool) -> Day:
    since, until = span
    if since > until or (since == until and is_over):
        return Day(day=day, worst=None, downtime=0.0, unknown=0.0)
    index = bisect_right(instants, since)
    status = changes[index - 1].new if index else Status.UNKNOWN
    if since == until:
        # The day's very first instant: nothing has lasted yet, and what is in force is what can be said.
        return Day(day=day, worst=status, downtime=0.0, unknown=0.0, is_mostly_unknown=status is Status.UNKNOWN)
    turns = changes[index : bisect_left(instants, until)]
    if not turns:
        return _unbroken(day, status, (until - since).total_seconds())
    lasted = dict.fromkeys(Status, timedelta(0))
    for change in turns:
        lasted[status] += change.since - since
        since, status = change.since, change.new
    lasted[status] += until - since
    return Day(
        day=day,
        worst=worst(status for status, length in lasted.items() if length),
        downtime=(lasted[Status.PARTIAL] + lasted[Status.MAJOR]).total_seconds(),
        unknown=lasted[Status.UNKNOWN].total_seconds(),
        is_mostly_unknown=lasted[Status.UNKNOWN] * 2 > sum(lasted.values(), timedelta(0)),
    )


def _unbroken(day: date, status: Status, length: float) -> Day:
    """A day of one status from end to end, as nearly all are."""
    return Day(
        day=day,
        worst=status,
        downtime=length if status in (Status.PARTIAL, Status.MAJOR) else 0.0,
        unknown=length if status is Status.UNKNOWN else 0.0,
        is_mostly_unknown=status is Status.UNKNOWN,
    )
