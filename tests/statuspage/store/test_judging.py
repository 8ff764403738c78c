"""Decisions made from random results: after each, a restart would know exactly what the running process knows."""

import random
from datetime import timedelta

import pytest

from incidents.decide import decide
from incidents.events import Event
from incidents.policy import Policy
from incidents.situation import fold
from probes.result import Failure, Result
from statuspage.store.engine import Database
from tests.statuspage.store.worlds import TOPOLOGY, after, begin, known, result, write

STEPS = 60
PLACES = [(monitor.id, location) for monitor in TOPOLOGY.monitors.values() for location in monitor.locations]


class Weather:
    """Each place is fair or foul for a while."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.foul = dict.fromkeys(PLACES, False)

    def results(self, seconds: float) -> list[Result]:
        for place in PLACES:
            self.foul[place] ^= self.chance.random() < 0.1
        return [self.one(monitor, location, seconds) for monitor, location in PLACES if self.chance.random() < 0.8]

    def one(self, monitor: str, location: str, seconds: float) -> Result:
        bad = (Failure.TIMEOUT, Failure.SLOW, Failure.CRASHED) if self.foul[monitor, location] else (None,)
        return result(monitor, seconds, location=location, failure=self.chance.choice(bad))


@pytest.mark.parametrize("seed", range(2))
def test_what_is_read_back_is_what_the_running_process_knows(database: Database, seed: int) -> None:
    weather, situation, seen = Weather(seed), begin(database), set[type[Event]]()
    for step in range(STEPS):
        now = after(30 * step)
        results = weather.results(30 * step)
        events = decide(situation, results, Policy(asks_desk_for=timedelta(minutes=1)), now)
        write(database, *events, results=results, at=now)
        situation = fold(situation, events, results)
        seen |= {type(event) for event in events}
        assert known(database) == situation
    assert {"Opened", "Resolved", "Impacted", "StateChanged", "StatusChanged", "Counted"} <= {one.__name__ for one in seen}


def test_what_ended_lately_is_known_after_a_restart_and_comes_back(database: Database) -> None:
    situation = begin(database)

    def hear(seconds: float, failure: Failure | None) -> None:
        nonlocal situation
        results = [result("storage-opens", seconds, failure=failure)]
        events = decide(situation, results, Policy(), after(seconds))
        write(database, *events, results=results, at=after(seconds))
        situation = known(database)

    for seconds, failure in ((0, None), (60, Failure.REFUSED), (63, Failure.REFUSED), (120, None), (123, None)):
        hear(seconds, failure)
    (first,) = situation.incidents
    for seconds in range(150, 600, 30):
        hear(seconds, None)
    assert (set(situation.incidents), set(situation.ended)) == (set(), {first})
    hear(600, Failure.REFUSED)
    hear(603, Failure.REFUSED)
    assert (set(situation.incidents), set(situation.ended)) == ({first}, set())
    (outage,) = situation.incidents[first].outages
    assert (outage.since, outage.until, situation.incidents[first].returned_at) == (after(60), after(120), after(600))
