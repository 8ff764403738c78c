"""Raw results read back for people: what each place measured of late, equal ones in a row as one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, Row, select

from incidents.times.spans import Span
from probes.result import Failure
from statuspage.store.results import FAILURE_CODES
from statuspage.store.spelling import instant, milliseconds
from statuspage.store.tables import places, results

MOST_READ = 300
"""Results of one place that are read: the newest."""

MOST_PLACES = 20
MOST_TOLD = 20
"""Runs that are told altogether: the newest."""

_FAILURES = {code: failure for failure, code in FAILURE_CODES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """*count* results in a row of a *monitor* from a *location* that say the same, from *first_at* to *last_at*.

    *failure* is None where it succeeded; *longest* is the most seconds that one took.
    """

    monitor: str
    location: str
    failure: Failure | None
    first_at: datetime
    last_at: datetime
    count: int
    longest: float


def measured_of(connection: Connection, monitors: Sequence[str], span: Span) -> tuple[Measured, ...]:
    """What *monitors* measured in *span*, the newest first, as far as raw results are kept and as many as anybody reads.

    Where there are too many, those that stand first in *monitors* are asked.
    """
    turn = {monitor: number for number, monitor in enumerate(monitors)}
    known = connection.execute(select(places).where(places.c.monitor.in_(turn))).all()
    chosen = sorted(known, key=lambda place: (turn[place.monitor], place.location))[:MOST_PLACES]
    runs = [run for place in chosen for run in _runs(place.monitor, place.location, _newest(connection, place.num, span))]
    return tuple(sorted(runs, key=lambda run: run.last_at, reverse=True)[:MOST_TOLD])


def _newest(connection: Connection, place: int, span: Span) -> Sequence[Row[int, int, int]]:
    within = (results.c.place == place, results.c.slot >= milliseconds(span.since), results.c.slot < milliseconds(span.until))
    columns = (results.c.slot, results.c.failure, results.c.took)
    return connection.execute(select(*columns).where(*within).order_by(results.c.slot.desc()).limit(MOST_READ)).all()


def _runs(monitor: str, location: str, newest_first: Iterable[Row[int, int, int]]) -> Iterator[Measured]:
    for code, equal in groupby(newest_first, key=lambda row: row.failure):
        rows = list(equal)
        yield Measured(
            monitor=monitor,
            location=location,
            failure=_FAILURES[code],
            first_at=instant(rows[-1].slot),
            last_at=instant(rows[0].slot),
            count=len(rows),
            longest=max(row.took for row in rows) / 1_000_000,
        )
