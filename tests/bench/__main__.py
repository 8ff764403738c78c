"""All figures, each beside its yardstick: ``python -m tests.bench [--quick]``. The table goes to stdout, progress to stderr."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from statuspage.clock import wall_clock
from tests.bench import blackbox, crowd, detection, living, memory, pacing, pages, report, turns
from tests.bench.table import Row, bounded, compared, spelled

PAIRS = 3
AGAINST_BLACKBOX = {"http": 0.6, "https": 1.1, "tcp": 0.5, "dns": 0.5, "smtp": 0.5, "imap": 0.5}
KINDS = tuple(AGAINST_BLACKBOX)
REQUESTS = {"http": 1.5, "https": 1.25}
"""Kinds whose yardstick is aiohttp's client; the others' is a dialogue by hand."""

BREAKS = 6


def probes(pairs: int) -> Iterator[Row]:
    """What a probe costs."""
    with turns.targets() as there:
        for kind in KINDS:
            yield from _probes(kind, there, pairs)
        paced = [turns.figure("probing", "paced", "http", there.ports["http"]) * 1e6 for _ in range((pairs + 1) // 2)]
        yield bounded("http probe paced by the schedule, 1,000 a second: CPU", paced, unit="µs")


def _probes(kind: str, there: turns.Targets, pairs: int) -> Iterator[Row]:
    port, figure = there.ports[kind], f"{kind} probe through the whole engine"
    with blackbox.exporter(there.directory, there.ca) as (peer, pid):
        taken = [
            (
                turns.figure("probing", "engine", kind, port, there.ca) * 1e6,
                turns.figure("floors", kind, port, there.ca) * 1e6,
                turns.figure("blackbox", kind, peer, pid, blackbox.target(kind, port)) * 1e6,
            )
            for _ in range(pairs)
        ]
    if kind in REQUESTS:
        yield compared(f"{figure}: CPU, against aiohttp", [(ours, bare) for ours, bare, _ in taken], unit="µs", goal=REQUESTS[kind])
    else:
        beyond = [ours - floor for ours, floor, _ in taken]
        yield compared(f"{figure}: CPU, against the dialogue by hand", [(ours, floor) for ours, floor, _ in taken], unit="µs")
        yield bounded(f"{figure}: CPU beyond the dialogue by hand", beyond, unit="µs", goal=100)
    against = [(ours, theirs) for ours, _, theirs in taken]
    yield compared(f"{figure}: CPU, against blackbox_exporter", against, unit="µs", goal=AGAINST_BLACKBOX[kind])


def making(pairs: int) -> Iterator[Row]:
    """What a change costs the press."""
    runs = [turns.figure("making") for _ in range((pairs + 1) // 2)]
    taken = {name: [value for run in runs for value in run[name]] for name in runs[0]}
    yield bounded("made anew after a change, 50 services × 90 days", taken["wall"], unit="ms", goal=10)
    yield bounded("made anew after a change: CPU", taken["cpu"], unit="ms", goal=10)
    yield bounded("made anew while all 50 services are down", taken["all_wall"], unit="ms")
    yield bounded("made anew while all are down: CPU", taken["all_cpu"], unit="ms")


def resident(_: int) -> Iterator[Row]:
    """What the whole service holds."""
    held, most = memory.resident()
    yield bounded("resident memory of `serve`, 100 http monitors every 10 s", [held], unit="MB", goal=150)
    yield bounded("resident memory, at most so far", [most], unit="MB")


def detecting(pairs: int) -> Iterator[Row]:
    """How long a broken server stays unseen."""
    took = detection.measured(BREAKS if pairs > 1 else 2)
    yield bounded("broken server to incident on all surfaces: the worst", took, unit="s", goal=detection.BOUND, worst=max)
    yield bounded("broken server to incident on all surfaces: the median", took, unit="s")


def keeping(pairs: int) -> Iterator[Row]:
    """What a result costs the store."""
    runs = [turns.figure("keeping") for _ in range(pairs)]
    yield bounded("a stored result, batches of 100, SQLite: CPU", [run["cpu"] * 1e6 for run in runs], unit="µs", goal=20)
    both = [(run["cpu"] * 1e6, run["raw"] * 1e6) for run in runs]
    yield compared("a stored result against bare `executemany` of its raw row alone: CPU", both, unit="µs")
    yield bounded("a stored result on disk", [run["bytes"] for run in runs], unit="bytes", goal=20)


def judging(pairs: int) -> Iterator[Row]:
    """How fast steady results are judged."""
    yield bounded("decisions, 1,000 steady monitors, batches of 100", [turns.figure("judging") for _ in range(pairs)], unit="/s")


def replaying(pairs: int) -> Iterator[Row]:
    """What it costs to go through a quarter of a year again: measured over a tenth of it, or a day, since each day costs the same."""
    run = turns.figure("replaying", 9 if pairs > 1 else 1)
    yield bounded("90 days of 200 monitors replayed", [run["took"] * 90], unit="s", goal=600)
    yield bounded("90 days of 200 monitors replayed: CPU", [run["cpu"] * 90], unit="s")
    yield bounded("what a replay needs, for each result on disk", [run["bytes"]], unit="bytes")


def accounting(pairs: int) -> Iterator[Row]:
    """What a year's ledger costs, and how that grows."""
    for count, goal in ((1_000, None), (10_000, 50), (40_000, None)):
        taken = [turns.figure("accounting", count) for _ in range(pairs)]
        yield bounded(f"a year's ledger of one service with {count:,} status changes: CPU", taken, unit="ms", goal=goal)


def drawing(pairs: int) -> Iterator[Row]:
    """What the bars cost, whatever the length of the history."""
    for days in (90, 1095):
        runs = [turns.figure("bars", days) for _ in range(pairs)]
        told = f"90-day bars of 50 services, {days:,} days of history"
        yield compared(f"{told}: as the minute turns, against the daily roll-ups", _both(runs, "kept", "query"), unit="ms", goal=3)
        yield compared(f"{told}: from the store, as at a start", _both(runs, "anew", "query"), unit="ms")


def scraping(pairs: int) -> Iterator[Row]:
    """What Prometheus costs."""
    runs = [turns.figure("scraping") for _ in range(pairs)]
    yield compared("`/metrics` of 10,000 monitors, against joined text", _both(runs, "text", "joined"), unit="ms", goal=3)
    yield bounded("the loop behind its time at worst while they are spelled", [run["stall"] for run in runs], unit="ms", goal=50, worst=max)


def tending(_: int) -> Iterator[Row]:
    """What the desk waits for."""
    run = turns.figure("desk")
    told = "500 services, 5,000 known errors, 3 years of history"
    yield bounded(f"triage, {told}: its page, slowest hundredth", run["triage"], unit="ms", goal=100, worst=slowest_hundredth)
    yield bounded(f"triage, {told}: by the API, slowest hundredth", run["answer"], unit="ms", goal=100, worst=slowest_hundredth)
    yield bounded("the queue with 500 open incidents: the median", run["queue"], unit="ms", goal=50)


def slowest_hundredth(values: Sequence[float]) -> float:
    """The value that ninety-nine of a hundred do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * 0.99) - 1)]


def _both(runs: Sequence[Mapping[str, float]], ours: str, theirs: str) -> list[tuple[float, float]]:
    return [(run[ours], run[theirs]) for run in runs]


PARTS: tuple[Callable[[int], Iterator[Row]], ...] = (
    probes,
    pacing.rows,
    pages.rows,
    crowd.rows,
    making,
    resident,
    living.rows,
    detecting,
    keeping,
    judging,
    replaying,
    accounting,
    drawing,
    scraping,
    tending,
)


def main(arguments: list[str]) -> int:
    """Run all parts, or those named, and write the report of them. Exit code 1 where a goal is missed."""
    is_quick, busy = "--quick" in arguments, os.getloadavg()[1]
    wanted = [part for part in PARTS if not {*arguments} - {"--quick"} or _name(part) in arguments]
    measured: dict[str, list[Row]] = {}
    for part in wanted:
        began = time.monotonic()
        print(f"{_name(part)} …", file=sys.stderr, end=" ", flush=True)
        measured[_name(part)] = list(part(1 if is_quick else PAIRS))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    rows = [row for found in measured.values() for row in found]
    print(spelled(rows))
    if not is_quick:
        report.write(measured, [_name(part) for part in PARTS], wall_clock(), busy)
    return int(any(row.is_met is False for row in rows))


def _name(part: Callable[[int], Iterator[Row]]) -> str:
    return part.__module__.rpartition(".")[2] if part.__name__ == "rows" else part.__name__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
