"""Raw results in narrow rows, and the roll-ups that are kept as they arrive.

A result that is already there is left out: its identity is (monitor, location, slot), and a bus may bring it twice.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, tuple_

from probes.result import Failure, Result
from statuspage.store.spelling import milliseconds
from statuspage.store.tables import batches, memories, places, results, rollups_daily, rollups_hourly
from statuspage.store.upsert import put_many, put_missing

FAILURE_CODES: Mapping[Failure | None, int] = {
    None: 0,
    Failure.TIMEOUT: 1,
    Failure.DNS: 2,
    Failure.REFUSED: 3,
    Failure.UNREACHABLE: 4,
    Failure.RESET: 5,
    Failure.CLOSED: 6,
    Failure.TLS: 7,
    Failure.TLS_EXPIRED: 8,
    Failure.TLS_WRONG_HOST: 9,
    Failure.TLS_UNTRUSTED: 10,
    Failure.TLS_MISSING: 11,
    Failure.PROTOCOL: 12,
    Failure.TOO_LARGE: 13,
    Failure.STATUS: 14,
    Failure.CONTENT: 15,
    Failure.REDIRECT: 16,
    Failure.REJECTED: 17,
    Failure.DEFERRED: 18,
    Failure.AUTH_REJECTED: 19,
    Failure.AUTH_UNAVAILABLE: 20,
    Failure.LOST: 21,
    Failure.JUNKED: 22,
    Failure.DELAYED: 23,
    Failure.SLOW: 24,
    Failure.OVERDUE: 25,
    Failure.BLOCKED: 26,
    Failure.IMPAIRED: 27,
    Failure.CRASHED: 28,
    Failure.MISSED: 29,
    Failure.TLS_WEAK: 30,
    Failure.DEGRADED: 31,
    Failure.SOURCE_FAILED: 32,
}
"""What stands in the rows for each failure. A code once given is never given again."""

_HOUR = 3_600_000
_DAY = 24 * _HOUR
_LONGEST = 2**31 - 1
_AT_ONCE = 1000
_KEY = tuple_(results.c.place, results.c.slot)


class Row(NamedTuple):
    """A result as the table has it: the number of its place, milliseconds, a code, microseconds."""

    place: int
    slot: int
    failure: int
    took: int


def write_results(connection: Connection, measured: Sequence[Result]) -> Sequence[Row]:
    """Write what is new among *measured*, and add it to the roll-ups of its hour and day (UTC); return all as rows."""
    numbers = _numbers(connection, {(one.monitor, one.location) for one in measured})
    rows = [_row(one, numbers[one.monitor, one.location]) for one in measured]
    written = _write_new(connection, {(row.place, row.slot): row for row in rows})
    for table, span in ((rollups_hourly, _HOUR), (rollups_daily, _DAY)):
        put_many(connection, table, _rolled_up(written, span), sums=("results", "failed", "took_sum"), maxima=("took_max",))
    return rows


def _row(result: Result, place: int) -> Row:
    measured = result.measured
    took = min(int(measured.took * 1_000_000), _LONGEST)
    return Row(place, milliseconds(result.slot), FAILURE_CODES[measured.failure], took)


def _numbers(connection: Connection, wanted: set[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    """The number of each monitor and location, given out at their first result.

    Those once read are kept beside the connection, since asking for them costs as much as writing the rows; a rollback forgets them
    (``statuspage.store.connect``), or a number might be remembered that was never given out.
    """
    numbers: dict[tuple[str, str], int] = connection.info.setdefault("places", {})
    if wanted - numbers.keys():
        put_missing(connection, places, [{"monitor": monitor, "location": location} for monitor, location in sorted(wanted)])
        theirs = select(places).where(places.c.monitor.in_({monitor for monitor, _ in wanted}))
        numbers.update({(row.monitor, row.location): row.num for row in connection.execute(theirs)})
    return numbers


def _write_new(connection: Connection, rows: Mapping[tuple[int, int], Row]) -> Collection[Row]:
    # Not as a context: where the disk is full, SQLite has ended the whole transaction, and going back to a savepoint that is no more
    # would hide the reason.
    savepoint = connection.begin_nested()
    if put_many(connection, results, rows.values()) == len(rows):
        savepoint.commit()
        return rows.values()
    savepoint.rollback()
    # Something came twice. Which, must be known, or the roll-ups would count it twice.
    known = _known(connection, list(rows))
    new = [row for key, row in rows.items() if key not in known]
    put_many(connection, results, new)
    return new


def _known(connection: Connection, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for start in range(0, len(keys), _AT_ONCE):
        some = select(results.c.place, results.c.slot).where(_KEY.in_(keys[start : start + _AT_ONCE]))
        found.update((place, slot) for place, slot in connection.execute(some))
    return found


def _rolled_up(rows: Iterable[Row], span: int) -> Collection[tuple[int, ...]]:
    """One row for each place and span: results, failed ones, the sum and the longest of what they took."""
    totals: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    for place, slot, failure, took in rows:
        key = (place, slot // span)
        count, failed, whole, longest = totals.get(key, (0, 0, 0, 0))
        totals[key] = (count + 1, failed + (failure != 0), whole + took, max(longest, took))
    return [(*key, *total) for key, total in totals.items()]


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Forget at most *limit* raw results, and numbers of batches, older than *before*; return how many.

    Fewer than *limit* means that all are gone. Roll-ups and everything that was judged stay, and the newest result of every place: when
    a monitor was last heard of is known from it alone, and some report once a month. Call it in slices, so that the writer is never held
    for long.
    """
    end, gone = milliseconds(before), 0
    for place in connection.execute(select(places.c.num).order_by(places.c.num)).scalars().all():
        gone += _prune_place(connection, place, end, limit - gone)
        if gone >= limit:
            return gone
    oldest = select(batches.c.sequence).where(batches.c.at < end).order_by(batches.c.sequence).limit(limit - gone)
    gone += connection.execute(delete(batches).where(batches.c.sequence.in_(oldest))).rowcount
    first = select(func.min(batches.c.sequence)).scalar_subquery()
    connection.execute(delete(memories).where(memories.c.batch < first))
    return gone


def _prune_place(connection: Connection, place: int, end: int, limit: int) -> int:
    newest = connection.execute(select(func.max(results.c.slot)).where(results.c.place == place)).scalar()
    if newest is None:
        return 0
    old = (results.c.place == place, results.c.slot < min(end, newest))
    beyond = connection.execute(select(results.c.slot).where(*old).order_by(results.c.slot).offset(limit).limit(1)).scalar()
    return connection.execute(delete(results).where(*old, *([] if beyond is None else [results.c.slot < beyond]))).rowcount


def prune_hours(connection: Connection, before: datetime) -> int:
    """Forget the hourly roll-ups of hours that ended before *before*; return how many. Daily ones stay for ever."""
    end, gone = milliseconds(before) // _HOUR, 0
    for place in connection.execute(select(places.c.num)).scalars().all():
        old = delete(rollups_hourly).where(rollups_hourly.c.place == place, rollups_hourly.c.hour < end)
        gone += connection.execute(old).rowcount
    return gone
