"""Raw results as people read them: equal ones in a row as one, the newest first, no more than anybody reads."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from incidents.times.spans import Span
from probes.result import Failure, ProbeResult, Result
from statuspage.store.measured_runs import MOST_PLACES, MOST_TOLD, measured_of
from statuspage.store.results import write_results
from tests.statuspage.desks import START, housed
from tests.statuspage.test_reach import OWNED

SECOND = timedelta(seconds=1)


def result(number: int, failure: Failure | None, monitor: str = "outgoing-port") -> Result:
    at = START + number * SECOND
    return Result(monitor=monitor, location="local", slot=at, started=at, measured=ProbeResult(took=0.25, failure=failure))


async def test_equal_results_in_a_row_are_one_line_of_a_timeline(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        incident = await house.outage()
        found = [result(600 + number, Failure.TIMEOUT if number < 7 else None) for number in range(9)]
        await house.store.write(lambda connection: write_results(connection, found))
        page = await (await house.logged_in("anna")).page(f"/incidents/{incident.id}")
        assert 'outgoing-port: failure, timeout, 7 times in a row since <time datetime="2026-03-02T08:10:00Z"' in page
        assert 'outgoing-port: success, 2 times in a row since <time datetime="2026-03-02T08:10:07Z"' in page
        assert page.index("outgoing-port: success, 2 times") < page.index("outgoing-port: failure, timeout")
        assert page.index("outgoing-port: failure, timeout") < page.index("Opened; it began at")

        turning = [result(2000 + number, Failure.REFUSED if number % 2 else None) for number in range(3 * MOST_TOLD)]
        await house.store.write(lambda connection: write_results(connection, turning))
        runs = await house.store.read(partial(measured_of, monitors=["outgoing-port"], span=Span(START, START + timedelta(days=1))))
        assert [run.first_at for run in runs] == [one.slot for one in turning[: -MOST_TOLD - 1 : -1]]


async def test_of_too_many_monitors_those_that_stand_first_are_asked(tmp_path: Path) -> None:
    names = [f"m{number:02}" for number in range(MOST_PLACES + 5)][::-1]  # the root's stand first, whatever they are called
    async with housed(tmp_path) as house:
        await house.store.write(lambda connection: write_results(connection, [result(1, None, name) for name in names]))
        runs = await house.store.read(partial(measured_of, monitors=names, span=Span(START, START + timedelta(days=1))))
        assert {run.monitor for run in runs} == set(names[:MOST_PLACES])
