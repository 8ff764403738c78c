"""Periods by the words that people write for them: a month, a quarter, a year of a zone, or so many hours or days of it up to now."""

import re
from datetime import date, datetime

from incidents.levels.service_level import ROLLING, calendar_period, rolling_period
from incidents.levels.terms import Period
from incidents.times.spans import Span

_SPELLED = {Period.MONTH: "{0.year:04d}-{0.month:02d}", Period.QUARTER: "{0.year:04d}-Q{1}", Period.YEAR: "{0.year:04d}"}

FORMS = f"2026-10, 2026-Q4, 2026, {', '.join(ROLLING)}"

_WRITTEN = re.compile(r"(?P<year>[1-9]\d{3})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")


def written(kind: Period, day: date) -> str:
    """The word for the month, quarter or year in which *day* lies: what ``named`` reads."""
    return _SPELLED[kind].format(day, (day.month + 2) // 3)


def named(word: str, now: datetime, zone: str) -> Span:
    """Give the period that *word* names, of *zone*'s calendar or up to *now*. Errors: ValueError, told in words, for anything else."""
    if word in ROLLING:
        return rolling_period(word, now, zone)
    found = _WRITTEN.fullmatch(word)
    if found is None:
        raise ValueError(f"not a period: {word!r}; write one such as {FORMS}")
    year, quarter, month = int(found["year"]), found["quarter"], found["month"]
    kind = Period.QUARTER if quarter else Period.MONTH if month else Period.YEAR
    first = int(quarter) * 3 - 2 if quarter else int(month or 1)
    try:
        period = calendar_period(kind, date(year, first, 1), zone)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"not a period: {word!r} lies at the end of the calendar") from error
    if period.since >= now:
        raise ValueError(f"{word} has not begun")
    return period
