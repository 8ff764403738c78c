"""The past once more: recorded turns through the same pure functions that took them when they happened.

With the configurations of then the events are those of then. With another one they are what it would have led to: what was measured and
what people did stays, what the machine made of it is decided anew. Runs of results that change nothing are stepped over.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from incidents import pings
from incidents.events import Event, Moved
from incidents.reacting import Acts
from incidents.replaying.narrowing import narrowed
from incidents.replaying.past import EPOCH, MICROSECOND, TICK, Judging, Memory, Places, Renaming, Turn
from incidents.replaying.stepping import Steps
from incidents.situation import fold
from incidents.turns import Change, Circumstances, judge, promised, resumed, settle
from incidents.waking import clocks_wake_at
from probes.result import Result

_SECOND = 1_000_000
_SOON = 2 * _SECOND
"""How late a tick may come."""

_ALWAYS = -1
"""When it is to be found out what the clock waits for."""


class Rerun:
    """Takes recorded turns, one after the other. Where one configuration is given *instead*, it holds whatever was applied then."""

    def __init__(
        self,
        memory: Memory,
        judgings: Mapping[int, Judging],
        places: Places,
        instead: Judging | None = None,
        *,
        renamings: Iterable[Renaming] = (),
    ) -> None:
        """Begin from *memory*, with the names that *places* had then; *renamings* are those to come, in order.

        What holds instead knows nothing of old ids: all have their last ones from the beginning.
        Errors, here and later: KeyError where *judgings* lacks a version.
        """
        self._judgings, self._instead = judgings, instead
        self._renamings = deque(renamings)
        self._version, self._judging = memory.version, instead or judgings[memory.version]
        self._known = memory.known
        self._present_since, self._promised_since = memory.present_since, memory.promised_since
        self.situation = narrowed(memory.known, self._judging.topology)
        self._acts = Acts()
        self._steps = Steps(places)
        self._wakes, self._looked_at = _ALWAYS, memory.at
        if instead is not None:
            self._known = fold(self._known, tuple(one.event for one in self._renamings))
            self.situation = narrowed(self._known, instead.topology)
            self._rename(len(self._renamings))
        self._steps.measure_all(self.situation)

    @property
    def lost_acts(self) -> int:
        """How many acts found no incident to act on."""
        return self._acts.lost

    def fork(self, at: datetime, instead: Judging) -> "Rerun":
        """Another one, which goes on from what is known *at* this instant by *instead*."""
        self._gather()
        memory = Memory(
            version=self._version,
            at=at,
            known=self._known,
            present_since=self._present_since,
            promised_since=self._promised_since,
        )
        return Rerun(memory, self._judgings, self._steps.places, instead, renamings=self._renamings)

    def take(self, turn: Turn) -> tuple[Event, ...]:
        """The events of *turn*; what changes nothing is stepped over."""
        if self._instead is not None and turn.events:
            self._acts.follow(turn.events)
        return () if turn.is_plain and not self.may_wake(turn.micros) and self._steps.step(turn) else self._judge(turn)

    def may_wake(self, micros: int) -> bool:
        """Whether the clock alone may have something to say by *micros*."""
        return micros >= self._wakes and micros >= self.wakes()

    def wakes(self) -> int:
        """The earliest instant, in microseconds, at which a tick may say something."""
        if self._wakes == _ALWAYS or self._steps.has_moved:
            self._catch_up()
            clocks = (clocks_wake_at(self.situation, self._judging.policy, self._looked_at) - EPOCH) // MICROSECOND
            self._wakes = min(clocks, self._steps.silence(self.situation) * 1000)
        return self._wakes

    def begin_instead(self, at: datetime) -> tuple[Event, ...]:
        """What the other configuration makes of what is known *at* its beginning, as a reload would."""
        before = self._judgings[self._version].topology
        self._promised_since = promised(before, self._judging.topology, self._promised_since, at)
        return self._judge(Turn(sequence=0, micros=(at - EPOCH) // MICROSECOND, circumstances=Circumstances(is_rejudged=True)))

    def pass_time(self, micros: int) -> tuple[Event, ...]:
        """The events of a tick at *micros* that nobody recorded, since it said nothing then."""
        return self._judge(Turn(sequence=0, micros=micros, circumstances=TICK))

    def _judge(self, turn: Turn) -> tuple[Event, ...]:
        self._catch_up()
        self._wakes, self._looked_at = _ALWAYS, turn.at
        told = turn.circumstances
        if turn.memory is not None:
            return self._begin_again(turn.memory)
        if told.change is not None:
            self._change(told.change)
        if told.stay is not None:
            self._present_since = told.stay.since
        if turn.is_foreign:
            moved = [event for event in turn.events if isinstance(event, Moved)]
            if self._instead is None:
                self._rename(len(moved))
            told_then = turn.events if self._instead is None else [event for event in turn.events if not isinstance(event, Moved)]
            return self._keep(turn, self._acted(told_then), ())
        policy, at = self._judging.policy, turn.at
        noticed = self._acted(told.noticed)
        judged = judge(
            fold(self.situation, noticed),
            self._steps.results(turn),
            policy,
            at,
            is_tick=told.is_tick,
            is_rejudged=told.is_rejudged,
            present_since=self._present_since,
            promised_since=self._promised_since,
        )
        self.situation = judged.situation
        acted = self._acted(told.acted)
        after = fold(self.situation, acted)
        settled = settle(after, (*noticed, *acted), policy, at)
        self.situation = fold(after, settled)
        return self._keep(turn, (*noticed, *judged.events, *acted, *settled), judged.results)

    def _keep(self, turn: Turn, events: tuple[Event, ...], results: Sequence[Result]) -> tuple[Event, ...]:
        """Take *events* over into what is known by no topology, and measure again what can be stepped over."""
        if turn.is_foreign:
            self.situation = fold(self.situation, events)
        self._known = fold(self._known, events, results)
        self._promised_since = resumed(events, self._promised_since)
        if turn.is_plain:
            self._steps.measure(self.situation, turn.places, events)
        else:
            self._steps.measure_all(self.situation)
        return events

    def _rename(self, count: int) -> None:
        for _ in range(min(count, len(self._renamings))):
            renaming = self._renamings.popleft()
            self._steps.rename(renaming.places, renaming.event.new)

    def _acted(self, acted: Sequence[Event]) -> tuple[Event, ...]:
        return tuple(acted) if self._instead is None else self._acts.adapted(self.situation, acted)

    def _begin_again(self, memory: Memory) -> tuple[Event, ...]:
        """A process that begins knows what was stored, and nobody was here before it."""
        if memory.is_start:
            self._present_since, self._promised_since = None, pings.NO_NEWS
            self._judge_by(memory.version)
        return ()

    def _change(self, change: Change) -> None:
        before = self._judging.topology
        self._judge_by(change.version)
        self._promised_since = promised(before, self._judging.topology, self._promised_since, change.at)

    def _judge_by(self, version: int) -> None:
        self._gather()
        self._version, self._judging = version, self._instead or self._judgings[version]
        self.situation = narrowed(self._known, self._judging.topology)
        self._steps.measure_all(self.situation)

    def _gather(self) -> None:
        """What was heard belongs to what is known, whoever it was heard of."""
        self._catch_up()
        seen = MappingProxyType({**self._known.seen, **self.situation.seen})
        self._known = replace(self._known, seen=seen)

    def _catch_up(self) -> None:
        if self._steps.has_moved:
            self.situation = fold(self.situation, (), self._steps.newest())


def once_more(rerun: Rerun, turns: Iterable[Turn]) -> Iterator[tuple[Turn, tuple[Event, ...]]]:
    """Each turn with its events, at the instants at which it was taken."""
    for turn in turns:
        yield turn, rerun.take(turn)


def otherwise(rerun: Rerun, turns: Iterable[Turn]) -> Iterator[tuple[Turn, tuple[Event, ...]]]:
    """Each turn with the events that it and the seconds before it would have led to.

    A tick that said nothing was not recorded, and might have said something now: where one is due, the recorded tick that follows soon is
    it, or one is made up; none while nobody was here.
    """
    ahead = _Ahead(turns)
    ticked = 0
    for turn in ahead:
        ends = _present_until(turn)
        passed: list[Event] = []
        while rerun.may_wake(ends):
            due = max(rerun.wakes(), ticked + _SECOND)
            if due >= ends or ahead.has_tick(turn, due + _SOON):
                break
            passed.extend(rerun.pass_time(due))
            ticked = due
        ticked = max(ticked, turn.micros - _SECOND)
        yield turn, (*passed, *rerun.take(turn))


def _present_until(turn: Turn) -> int:
    """Until when before *turn* there were ticks."""
    stay = turn.circumstances.stay
    if turn.memory is not None and turn.memory.is_start:
        return 0
    if stay is None:
        return turn.micros
    return 0 if stay.until is None else (stay.until - EPOCH) // MICROSECOND


class _Ahead:
    """Turns in order, and a look at those that are still to come."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._turns, self._waiting = iter(turns), deque[Turn]()

    def __iter__(self) -> Iterator[Turn]:
        return self

    def __next__(self) -> Turn:
        return self._waiting.popleft() if self._waiting else next(self._turns)

    def has_tick(self, turn: Turn, by: int) -> bool:
        """Whether *turn*, or one that follows it, is a tick and comes no later than *by*."""
        while turn.micros <= by and (not self._waiting or self._waiting[-1].micros <= by):
            following = next(self._turns, None)
            if following is None:
                break
            self._waiting.append(following)
        return any(one.circumstances.is_tick and one.micros <= by for one in (turn, *self._waiting))
