"""Results that say nothing new, stepped over: of each place it is known how far its good results change nothing but when it was last heard.

What is true of one such result is true of a run of them, so that a quarter of a year costs little more than what happened in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from incidents import sight, streaks
from incidents.decide import is_open
from incidents.events import Counted, Event, StatusChanged
from incidents.model import Monitor, Situation, Status, Subject
from incidents.replaying.past import EPOCH, MILLISECOND, Places, Turn
from incidents.rollup import standing
from incidents.verdicts import last_heard
from probes.result import ProbeResult, Result

NEVER = 2**62
_GOOD = ProbeResult(took=0.0)


class Steps:
    """How far each place can be stepped over, in milliseconds since 1970: a good result up to there is no news."""

    def __init__(self, places: Places) -> None:
        """Know the names of *places*; nothing can be stepped over until it is measured."""
        self._places = places
        self._numbers = _by_monitor(places)
        self._limits = dict.fromkeys(places, -1)
        self._patience = dict.fromkeys(places, 0)
        self._newest: dict[int, int] = {}
        self._steady: dict[str, list[int]] = {}

    @property
    def places(self) -> Places:
        """The names of the places at present."""
        return self._places

    @property
    def has_moved(self) -> bool:
        """Whether the situation has not heard of all that was stepped over."""
        return bool(self._newest)

    def step(self, turn: Turn) -> bool:
        """Step over the results of *turn*, if all of them are no news; nothing is done otherwise."""
        if turn.bad:
            return False
        limits, patience, newest = self._limits, self._patience, self._newest
        for place, slot in zip(turn.places, turn.slots, strict=True):
            if slot > limits[place]:
                return False
        for place, slot in zip(turn.places, turn.slots, strict=True):
            reach = slot + patience[place]
            if reach > limits[place]:
                limits[place], newest[place] = reach, slot
        return True

    def newest(self) -> list[Result]:
        """The newest result of each place that was stepped over since the last call."""
        newest, self._newest = self._newest, {}
        return [self._result(place, slot, _GOOD) for place, slot in newest.items()]

    def results(self, turn: Turn) -> list[Result]:
        """The results of *turn* as values."""
        heard = enumerate(zip(turn.places, turn.slots, strict=True))
        timed = turn.circumstances.timed
        return [self._result(place, slot, turn.bad.get(number, _GOOD), timed.get(number)) for number, (place, slot) in heard]

    def rename(self, numbers: Iterable[int], monitor: str) -> None:
        """The places of these numbers belong to *monitor* from now on; they are to be measured again."""
        self._places = {**self._places, **{number: (monitor, self._places[number][1]) for number in numbers}}
        self._numbers = _by_monitor(self._places)

    def measure_all(self, situation: Situation) -> None:
        """Find out anew how far each place can be stepped over."""
        for number in self._places:
            self._measure(situation, number)
        self._note_steady(situation)

    def measure(self, situation: Situation, places: Iterable[int], events: Sequence[Event]) -> None:
        """The same for *places* and those that *events* are about."""
        numbers = set(places)
        for event in events:
            if isinstance(event, Counted):
                numbers.update(self._numbers.get(event.monitor, ()))
            elif isinstance(event, StatusChanged) and event.subject is Subject.MONITOR:
                numbers.update(self._numbers.get(event.id, ()))
        for number in numbers:
            self._measure(situation, number)
        self._note_steady(situation)

    def silence(self, situation: Situation) -> int:
        """Before when, in milliseconds, no monitor that is probed can have been silent for too long."""
        return min((self._ends(situation, monitor) for monitor in situation.topology.monitors.values()), default=NEVER)

    def _ends(self, situation: Situation, monitor: Monitor) -> int:
        if monitor.heartbeat is not None or standing(situation, Subject.MONITOR, monitor.id) is Status.UNKNOWN:
            return NEVER
        steady = self._steady.get(monitor.id)
        if steady:
            return max(self._limits[number] for number in steady)
        last = last_heard(situation, monitor)
        return 0 if last is None else _milliseconds(last + monitor.stale_after)

    def _measure(self, situation: Situation, number: int) -> None:
        key = self._places[number]
        monitor, seen = situation.topology.monitors.get(key[0]), situation.seen.get(key)
        self._limits[number] = -1
        if monitor is None or situation.stands_still(monitor.id):  # nobody asks; when it was heard is kept all the same
            self._patience[number] = NEVER
            self._limits[number] = NEVER + (-1 if seen is None else _milliseconds(seen))
        elif seen is not None and _is_steady(situation, key, monitor, seen):
            self._patience[number] = monitor.stale_after // MILLISECOND
            self._limits[number] = _milliseconds(seen) + self._patience[number]

    def _note_steady(self, situation: Situation) -> None:
        monitors = situation.topology.monitors
        self._steady = {id: [n for n in numbers if self._limits[n] >= 0] for id, numbers in self._numbers.items() if id in monitors}

    def _result(self, number: int, slot: int, measured: ProbeResult, timed: tuple[datetime, float] | None = None) -> Result:
        monitor, location = self._places[number]
        instant = EPOCH + slot * MILLISECOND
        started, took = timed or (instant, 0.0)
        measured = replace(measured, took=took) if took else measured
        return Result(monitor=monitor, location=location, slot=instant, started=started, measured=measured)


def _by_monitor(places: Places) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, (monitor, _) in places.items():
        numbers.setdefault(monitor, []).append(number)
    return numbers


def _is_steady(situation: Situation, key: tuple[str, str], monitor: Monitor, seen: datetime) -> bool:
    """Whether another good result of a place would change nothing: it is settled, sees, and no verdict waits for it."""
    is_settled = streaks.is_settled(situation.streaks.get(key), monitor)
    return is_settled and not is_open(situation, monitor.id) and sight.has_seen(situation, key[1], seen)


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // MILLISECOND
