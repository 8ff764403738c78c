"""Planned work that comes again, as our files say it."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from statuspage.cli.importing.drafting import Values, duration
from statuspage.cli.importing.drafts import Entry

DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_BYDAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONGEST = 31 * 86_400.0


def recurring(  # noqa: PLR0913 - one for each of its keys
    first: date,
    at: str,
    lasts: float,
    *,
    services: Sequence[str],
    days: Sequence[int] = (),
    of_month: Sequence[int] = (),
    each: int = 1,
    zone: str = "",
    until: date | None = None,
) -> Entry:
    """A window from *first* on, at the local time *at*: on weekdays (Monday 0), on days of the month, or *each* n days.

    Days of the month count from its end where they are negative, -1 to -4.
    """
    while days and first.weekday() not in days:
        first += timedelta(days=1)
    while of_month and first.day not in of_month and _from_the_end(first) not in of_month:
        first += timedelta(days=1)
    rule = f"FREQ=DAILY;INTERVAL={each}" if each > 1 else "FREQ=DAILY"
    if days:
        rule = f"FREQ=WEEKLY;BYDAY={','.join(_BYDAY[day] for day in days)}"
    elif of_month:
        rule = f"FREQ=MONTHLY;BYMONTHDAY={','.join(map(str, of_month))}"
    if until is not None:
        rule += f";UNTIL={until:%Y%m%d}T235959"
    values: Values = {
        "services": list(services),
        "starts": f"{first:%Y-%m-%d} {at}",
        "lasts": duration(max(60.0, min(lasts, LONGEST))),
        "repeats": rule,
    }
    return Entry(values={**values, **({"timezone": zone} if zone else {})})


def _from_the_end(day: date) -> int:
    """-1 for the last day of a month, -2 for the one before it."""
    return day.day - monthrange(day.year, day.month)[1] - 1
