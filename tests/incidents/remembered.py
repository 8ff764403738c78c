"""A world that remembers the turns that it took, to be gone through once more."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from incidents import pings, turns
from incidents.events import Counted, Event
from incidents.model import Situation, Topology
from incidents.policy import Policy
from incidents.replaying.narrowing import narrowed
from incidents.replaying.past import EPOCH, MICROSECOND, MILLISECOND, ORDINARY, TICK, Judging, Memory, Turn
from incidents.replaying.replay import Rerun, otherwise
from incidents.situation import fold
from incidents.turns import Change, Circumstances, Command, Judged, Stay
from probes.result import Failure, ProbeResult, Result
from tests.incidents.world import START, World


class Remembered(World):
    """Takes the turns that the running service takes: each result, act and second by itself."""

    def __init__(self, topology: Topology, policy: Policy | None = None) -> None:
        """Begin at START with nothing known, and with the places of *topology*."""
        super().__init__(topology, policy)
        self.known = self.situation
        self.promised: Mapping[str, datetime] = {}
        self.judgings = {1: Judging(topology=topology, policy=self.policy)}
        self.names = [(one.id, place) for one in topology.monitors.values() for place in one.locations]
        self.turns: list[Turn] = []
        self._remember(Circumstances(stay=Stay(since=START)), ())

    @property
    def memory(self) -> Memory:
        """All that was known before the first turn."""
        return Memory(version=1, at=START, known=Situation(topology=self.judgings[1].topology, seed="seed"))

    def hear(self, *results: Result) -> Sequence[Event]:
        found = self._judge(results)
        self._keep(found, ORDINARY, found.events, results)
        self.wait(3)
        return found.events

    def tick(self, seconds: float = 0) -> Sequence[Event]:
        self.wait(seconds)
        found = self._judge((), is_tick=True)
        missed = len(found.results)
        self._keep(found, replace(TICK, missed=missed) if missed else TICK, found.events)
        return found.events

    def leave(self, seconds: float) -> Sequence[Event]:
        """Nobody is here for so long; then somebody is, and looks."""
        until = self.now
        self.wait(seconds)
        self.present_since = self.now
        found = self._judge((), is_tick=True)
        told = Circumstances(is_tick=True, missed=len(found.results), stay=Stay(since=self.now, until=until))
        self._keep(found, told, found.events)
        return found.events

    def act(self, act: object, **arguments: object) -> Sequence[Event]:
        return self._deed(tuple(act(self.situation, self.now, **arguments)))  # type: ignore[operator]  # any function of incidents.act

    def begin(self, monitor: str) -> None:
        self._deed(tuple(pings.begin(self.situation, self.now, monitor=monitor)))

    def ping(self, monitor: str, failure: Failure | None = None) -> Result:
        slot = pings.slot_after(self.situation.seen.get((monitor, pings.LOCATION)), self.now)
        measured = ProbeResult(took=0.0, failure=failure, stage="report" if failure else None)
        result = pings.heard(self.situation, monitor, measured, slot)
        found = self._judge([result])
        self._keep(found, ORDINARY, found.events, [result])
        return result

    def notice(self, command: Command) -> None:
        """Something is found out about ourselves."""
        told, after = turns.noticed([command], self.situation, self.now)
        timed = turns.timed(after, ())
        self.situation = after
        found = self._judge(())
        settled = turns.settle(found.situation, told, self.policy, self.now)
        judged = replace(found, situation=fold(found.situation, settled))
        self._keep(judged, Circumstances(noticed=told, timed=timed), (*told, *found.events, *settled))

    def configure(self, topology: Topology) -> None:
        version = len(self.judgings) + 1
        self.judgings[version] = Judging(topology=topology, policy=self.policy)
        self.promised = turns.promised(self.situation.topology, topology, self.promised, self.now)
        self.known = replace(self.known, seen={**self.known.seen, **self.situation.seen})
        self.situation = narrowed(self.known, topology)
        found = self._judge((), is_rejudged=True)
        self._keep(found, Circumstances(is_rejudged=True, change=Change(version=version, at=self.now)), found.events)

    def _judge(self, results: Sequence[Result], *, is_tick: bool = False, is_rejudged: bool = False) -> Judged:
        return turns.judge(
            self.situation,
            results,
            self.policy,
            self.now,
            is_tick=is_tick,
            is_rejudged=is_rejudged,
            present_since=self.present_since,
            promised_since=self.promised,
        )

    def _deed(self, acted: tuple[Event, ...]) -> Sequence[Event]:
        """The service judges before it acts; nothing is left to say here, since every second was ticked."""
        after = fold(self.situation, acted)
        settled = turns.settle(after, acted, self.policy, self.now)
        found = Judged(events=(), results=(), situation=fold(after, settled))
        self._keep(found, Circumstances(acted=acted), (*acted, *settled))
        return acted

    def _keep(self, found: Judged, told: Circumstances, events: Sequence[Event], results: Sequence[Result] = ()) -> None:
        self.situation = found.situation
        self.known = fold(self.known, events, found.results)
        self.promised = turns.resumed(events, self.promised)
        self.events.extend(events)
        self._remember(told, events, results)

    def _remember(self, told: Circumstances, events: Sequence[Event], results: Sequence[Result] = ()) -> None:
        turn = Turn(
            sequence=len(self.turns),
            micros=(self.now - EPOCH) // MICROSECOND,
            places=[self.names.index((one.monitor, one.location)) for one in results],
            slots=[(one.slot - EPOCH) // MILLISECOND for one in results],
            bad={place: one.measured for place, one in enumerate(results) if one.measured.failure is not None},
            circumstances=told,
            events=journal(events),
        )
        self.turns.append(turn)


def journal(events: Sequence[Event]) -> list[Event]:
    """As the journal has them: what is only counted is in none."""
    return [event for event in events if not isinstance(event, Counted)]


def rerun_of(world: Remembered, instead: Judging | None = None) -> Rerun:
    """A replay of *world* from its beginning."""
    return Rerun(world.memory, world.judgings, dict(enumerate(world.names)), instead)


def under(world: Remembered, judging: Judging) -> tuple[Rerun, list[Event]]:
    """What would have happened under *judging*."""
    rerun = rerun_of(world, judging)
    events = list(rerun.begin_instead(world.memory.at))
    for _, said in otherwise(rerun, world.turns):
        events.extend(said)
    return rerun, events
