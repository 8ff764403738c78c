"""All figures, each beside its yardstick: ``python -m tests.bench [--quick]``. The table goes to stdout, progress to stderr."""

import os
import sys
import time
from collections.abc import Callable, Iterator

from statuspage.clock import wall_clock
from tests.bench import detection, memory, pages, report, turns
from tests.bench.table import Row, bounded, compared, spelled

PAIRS = 5
BREAKS = 6


def probes(pairs: int) -> Iterator[Row]:
    """What a probe costs."""
    with turns.server("target") as (port, _):
        both = [(turns.figure("probing", "engine", port) * 1e6, turns.figure("probing", "bare", port) * 1e6) for _ in range(pairs)]
        yield compared("http probe through the whole engine: CPU", both, unit="µs", goal=1.5)
        paced = [turns.figure("probing", "paced", port) * 1e6 for _ in range((pairs + 1) // 2)]
        yield bounded("http probe paced by the schedule, 1,000 a second: CPU", paced, unit="µs")


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


PARTS: tuple[Callable[[int], Iterator[Row]], ...] = (probes, pages.rows, making, resident, detecting, keeping, judging)


def main(arguments: list[str]) -> int:
    """Run all parts, or those named; the report is written by a whole run only. Exit code 1 where a goal is missed."""
    is_quick, busy = "--quick" in arguments, os.getloadavg()[1]
    wanted = [part for part in PARTS if not {*arguments} - {"--quick"} or _name(part) in arguments]
    rows: list[Row] = []
    for part in wanted:
        began = time.monotonic()
        print(f"{_name(part)} …", file=sys.stderr, end=" ", flush=True)
        rows.extend(part(1 if is_quick else PAIRS))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(spelled(rows))
    if len(wanted) == len(PARTS) and not is_quick:
        report.write(rows, wall_clock(), busy)
    return int(any(row.is_met is False for row in rows))


def _name(part: Callable[[int], Iterator[Row]]) -> str:
    return part.__module__.rpartition(".")[2] if part.__name__ == "rows" else part.__name__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
