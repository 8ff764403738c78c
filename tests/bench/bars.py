"""Milliseconds that the 90-day bars of 50 services cost, against the daily roll-ups of 50 monitors, over so many days of history.

``python -m tests.bench.bars DAYS`` prints the best of some rounds: ``kept`` as the minute turns, ``anew`` where the store is read as at a
start, and ``query`` for the bare query, on the driver, of as many rows of the same store.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from incidents.levels.availability import Ledger, planned
from incidents.times.spans import Span
from statuspage.ledgers import sources_of
from statuspage.picture.days import Day, bars_of, continued, strip
from statuspage.store.engine import Store
from tests.bench import installation

ZONE = ZoneInfo("Europe/Berlin")
ROUNDS = 9
EPOCH = date(1970, 1, 1)
ROLLED_UP = "SELECT place, day, results, failed, took_sum, took_max FROM rollups_daily WHERE place = ? AND day >= ?"


class Bars:
    """The bars of every service as of an instant, and what they are cut from."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.first, self.last = bars_of(now.astimezone(ZONE).date())
        period = Span(datetime.combine(self.first, datetime.min.time(), ZONE), now)
        services = [f"s{number}" for number in range(installation.SERVICES)]
        sources = [sources_of(connection, service, period) for service in services]
        self._cut: Sequence[tuple[Ledger, Sequence[Span]]] = [
            (one.ledger(period), planned(one.changes, one.corrections, now)) for one in sources
        ]
        self._until = now
        self.days = self._strips(self.first)

    def _strips(self, first: date) -> Sequence[tuple[Day, ...]]:
        return [strip(ledger, spans, first=first, last=self.last, until=self._until, zone=ZONE) for ledger, spans in self._cut]

    def go_on(self) -> None:
        """As ``statuspage.books`` does when a minute is over: of the days only the last one shown before is another."""
        again = self.days[0][-1].day
        self.days = [continued(kept, cut) for kept, cut in zip(self.days, self._strips(again), strict=True)]


def main(days: int) -> None:
    """Write the history, and read it in the three ways; print milliseconds."""
    now = installation.now()
    monitors: Mapping[str, Mapping[str, object]] = {f"m{number}": {} for number in range(installation.SERVICES)}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        installation.give_history(directory, monitors, now, installation.Size(days=days))
        with Store.blocking("sqlite:///statuspage.db", directory) as store:
            anew = best(lambda: store.read(lambda connection: Bars(connection, now)))
            bars = store.read(lambda connection: Bars(connection, now))
        kept = best(bars.go_on)
        if any(len(one) != (bars.last - bars.first).days + 1 for one in bars.days):
            raise RuntimeError("a bar stands for each day")
        print(json.dumps({"kept": kept, "anew": anew, "query": rolled_up(directory / "statuspage.db", now, days)}))


def rolled_up(database: Path, now: datetime, days: int) -> float:
    """The yardstick: as many roll-ups as there are days, and ninety of them read for each monitor."""
    today = (now.date() - EPOCH) // timedelta(days=1)
    connection = sqlite3.connect(database)
    rows = ((place, today - back, 2880, 3, 30_000_000, 90_000) for place in range(1, installation.SERVICES + 1) for back in range(days))
    connection.executemany("INSERT INTO rollups_daily VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    took = best(lambda: [connection.execute(ROLLED_UP, (place, today - 89)).fetchall() for place in range(1, installation.SERVICES + 1)])
    connection.close()
    return took


def best(turn: Callable[[], object]) -> float:
    """The quickest of some rounds, by the clock."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        turn()
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


if __name__ == "__main__":
    main(int(sys.argv[1]))
