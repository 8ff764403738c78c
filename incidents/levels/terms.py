"""What is promised of a service, and how its time is counted: the terms that a ledger is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from incidents.times.calendars import Calendar


class Period(StrEnum):
    """Over what a share of time is promised."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a service level says.

    *target* is the share of time, from 0 to 1, in which the service works over a *period*; None where no level is stated, and every minute
    counts. *hours* is when it must work (None: always). *partial_counts* is how much of a partial outage is downtime, from 0 to 1. A window
    of planned work that lasts *notice_from* or longer must be announced *notice* before it begins not to count.
    """

    target: Fraction | None = None
    period: Period = Period.MONTH
    hours: Calendar | None = None
    partial_counts: Fraction = Fraction(1)
    notice: timedelta = timedelta(0)
    notice_from: timedelta = timedelta(0)


NO_LEVEL = Terms()
"""Nothing is stated: measured against all of the time, always."""


def in_force(terms: Sequence[tuple[datetime, Terms]], at: datetime) -> Terms:
    """The terms that hold at *at*, of those that hold from each instant on, ascending; no level before the first of them."""
    return next((stated for since, stated in reversed(terms) if since <= at), NO_LEVEL)
