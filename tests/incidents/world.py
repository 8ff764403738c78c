"""A small world for judging: a topology, a clock that only the test moves, and a road without a store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from incidents import pings
from incidents.decide import decide, rejudge
from incidents.events import Event, Updated
from incidents.model import Component, Incident, Monitor, Need, Service, Situation, State, Status, Subject, Topology, Update
from incidents.policy import Policy
from incidents.rollup import standing
from incidents.situation import fold
from probes.result import Failure, ProbeResult, Result

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def need(*of: str, at_least: int | None = None, label: str = "", critical: bool = False) -> Need:
    """A need of all of one, or of *at_least* of several components."""
    texts = {"en": label} if label else {}
    return Need(of=of, at_least=1 if at_least is None else at_least, label=MappingProxyType(texts), critical=critical)


def service(id: str, *needs: Need, **more: object) -> Service:
    """A service whose name is its id with a capital letter."""
    return Service(id=id, name=MappingProxyType({"en": id.capitalize()}), needs=needs, **more)  # type: ignore[arg-type]  # the test's own keywords


def topology(services: Sequence[Service], depends_on: Mapping[str, tuple[str, ...]] | None = None, **monitor: object) -> Topology:
    """One monitor for every component that a service needs or that is depended on; each monitor bears its component's id."""
    parents = depends_on or {}
    ids = dict.fromkeys([id for s in services for n in s.needs for id in n.of])
    ids.update(dict.fromkeys([id for pair in parents.items() for id in (pair[0], *pair[1])]))
    return Topology(
        services={s.id: s for s in services},
        components={id: Component(id=id, name=id.capitalize(), depends_on=parents.get(id, ())) for id in ids},
        monitors={id: Monitor(id=id, component=id, **monitor) for id in ids},  # type: ignore[arg-type]  # the test's own keywords
    )


class World:
    """Feeds results in, moves the clock, remembers every event."""

    def __init__(self, topology: Topology, policy: Policy | None = None) -> None:
        """Begin at START with nothing known."""
        self.now = START
        self.present_since = START
        self.policy = policy or Policy()
        self.situation = Situation(topology=topology, seed="seed")
        self.events: list[Event] = []

    def good(self, *monitors: str) -> Sequence[Event]:
        """Every one of *monitors* succeeds now."""
        return self.hear(*(self.result(id, None) for id in monitors))

    def bad(self, *monitors: str, failure: Failure = Failure.REFUSED) -> Sequence[Event]:
        """Every one of *monitors* fails now."""
        return self.hear(*(self.result(id, failure) for id in monitors))

    def result(self, monitor: str, failure: Failure | None) -> Result:
        """A result in the slot of now."""
        measured = ProbeResult(took=0.01, failure=failure, stage="connect" if failure else None)
        return Result(monitor=monitor, location="local", slot=self.now, started=self.now, measured=measured)

    def hear(self, *results: Result) -> Sequence[Event]:
        """Judge *results* now, then let three seconds pass."""
        said = decide(self.situation, results, self.policy, self.now)
        self._take(said, results)
        self.wait(3)
        return said

    def wait(self, seconds: float) -> None:
        """Move the clock without a tick."""
        self.now += timedelta(seconds=seconds)

    def tick(self, seconds: float = 0) -> Sequence[Event]:
        """Move the clock, then let the machine notice."""
        self.wait(seconds)
        missed = pings.overdue(self.situation, self.now, self.present_since)
        late = decide(self.situation, missed, self.policy, self.now) if missed else ()
        self._take(late, missed)
        said = decide(self.situation, (), self.policy, self.now)
        self._take(said)
        return (*late, *said)

    def ping(self, monitor: str, failure: Failure | None = None) -> Result:
        """The monitor says of itself that it is well, or that it failed."""
        slot = pings.slot_after(self.situation.seen.get((monitor, pings.LOCATION)), self.now)
        result = pings.heard(self.situation, monitor, ProbeResult(took=0.0, failure=failure, stage="report" if failure else None), slot)
        self._take(decide(self.situation, [result], self.policy, self.now), [result])
        return result

    def begin(self, monitor: str) -> None:
        """The monitor says that its work begins."""
        self._take(pings.begin(self.situation, self.now, monitor=monitor))

    def act(self, act: object, **arguments: object) -> Sequence[Event]:
        """Do what an agent does, and judge what follows from it."""
        said = act(self.situation, self.now, **arguments)  # type: ignore[operator]  # any function of incidents.act
        self._take(said)
        self._take(rejudge(self.situation, self.policy, self.now))
        return said  # type: ignore[no-any-return]  # as above

    def configure(self, topology: Topology) -> None:
        """Go on with another topology, as a reload does."""
        self.situation = replace(self.situation, topology=topology)
        self._take(rejudge(self.situation, self.policy, self.now))

    def _take(self, events: Sequence[Event], results: Sequence[Result] = ()) -> None:
        self.events.extend(events)
        self.situation = fold(self.situation, events, results)

    def fail(self, monitor: str) -> None:
        """As many failures as it takes."""
        for _ in range(self.situation.topology.monitors[monitor].fails_after):
            self.bad(monitor)

    def mend(self, monitor: str) -> None:
        """As many successes as it takes."""
        for _ in range(self.situation.topology.monitors[monitor].recovers_after):
            self.good(monitor)

    def state(self) -> State:
        """The state of the only open incident."""
        return self.incident.state

    def service(self, id: str) -> Status:
        """The service's status now."""
        return standing(self.situation, Subject.SERVICE, id)

    def component(self, id: str) -> Status:
        """The component's status now."""
        return standing(self.situation, Subject.COMPONENT, id)

    @property
    def incident(self) -> Incident:
        """The only open incident."""
        (found,) = self.situation.incidents.values()
        return found

    def updates(self, incident: str) -> list[Update]:
        """All public words of an incident."""
        return [event.update for event in self.events if isinstance(event, Updated) and event.incident == incident]
