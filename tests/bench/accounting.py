"""Milliseconds that the ledger of a year costs: one service with so many status changes, office hours, a window of planned work a week.

``python -m tests.bench.accounting CHANGES`` prints the best of some rounds, of CPU.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from incidents.levels.availability import Change, Exclusion, availability
from incidents.levels.terms import Terms
from incidents.model import Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span

YEAR = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
WEEK = timedelta(days=7)
ROUNDS = 5
TURNS = (Status.OPERATIONAL, Status.MAJOR, Status.OPERATIONAL, Status.PARTIAL, Status.OPERATIONAL, Status.UNKNOWN)


def changes(count: int) -> list[Change]:
    """Evenly over the year; nine in ten turns lie between working and some trouble."""
    apart = YEAR.length / count
    return [Change(since=YEAR.since + number * apart, new=TURNS[number % len(TURNS)]) for number in range(count)]


def main(count: int) -> None:
    """Account for the year; print milliseconds."""
    office = Calendar(timezone="Europe/Berlin", weekly=dict.fromkeys(range(5), ((480, 1080),)))
    terms = [(YEAR.since, Terms(target=Fraction(999, 1000), hours=office, partial_counts=Fraction(1, 2)))]
    starts = [YEAR.since + number * WEEK for number in range(52)]
    planned = [Exclusion(span=Span(at, at + timedelta(hours=2)), counts=False, reason="planned", author="anna") for at in starts]
    told, took = changes(count), []
    for _ in range(ROUNDS):
        began = time.process_time()
        ledger = availability(told, YEAR, born=YEAR.since, terms=terms, exclusions=planned)
        took.append((time.process_time() - began) * 1000)
        if sum((one.until - one.since for one in ledger.intervals), timedelta(0)) != YEAR.length:
            raise RuntimeError("a ledger adds up to its period")
    print(json.dumps(min(took)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
