"""A life lived through the real road and a real store, to be looked back on: made by chance, or told by a test."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from incidents import act, advising, pausing, pings, regroup
from incidents.events import Counted, Event
from incidents.model import State, Status, Topology
from incidents.moving import Move
from incidents.planned import planning
from incidents.policy import Policy
from incidents.replaying.past import Judging, Memory, Places, Renaming, Turn
from incidents.sight import Glance, Look
from probes.result import Failure, ProbeResult, Result
from statuspage.picture.site import Site
from statuspage.pipeline import Pipeline
from statuspage.store import past, queries, recall
from statuspage.store.carrying import Carried, carry_over
from statuspage.store.engine import Database, Store
from statuspage.store.spelling import kind, spell
from tests.incidents.world import START
from tests.stores import Place, Postgresql

SITE = Site(name="Example", url="https://status.example.org", support=MappingProxyType({}), links=MappingProxyType({}))
LEASE = timedelta(minutes=30)
NOTHING: Mapping[str, str] = MappingProxyType({})
ANYTIME = planning.Terms(override="It must be.")


@cache
def _empty() -> Path:
    """A store with today's schema and nothing in it: to copy it is a hundred times cheaper than to make it."""
    directory = Path(mkdtemp(prefix="past"))
    Database.open("sqlite:///past.db", directory).close()
    return directory / "past.db"


def new_store(directory: Path) -> None:
    """Put an empty store into *directory*."""
    shutil.copy(_empty(), directory / "past.db")


Shelf = Callable[[], AbstractContextManager[Place]]
"""Gives an empty store, and takes it away again."""


@contextmanager
def on_sqlite() -> Iterator[Place]:
    """An empty store in a file."""
    with TemporaryDirectory() as name:
        new_store(Path(name))
        yield Place(url="sqlite:///past.db", data_dir=Path(name))


@contextmanager
def on_postgresql(server: Postgresql) -> Iterator[Place]:
    """An empty store on *server*, which is dropped afterwards: thousands of lives would fill a disk."""
    url = server.migrated()
    try:
        with TemporaryDirectory() as name:
            yield Place(url=url, data_dir=Path(name))
    finally:
        server.drop(url)


@dataclass(slots=True, kw_only=True)
class Life:
    """A service that lives on a clock of its own. *live* is everything that its audience heard."""

    store: Store
    now: datetime = START
    live: list[Event] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    _pipeline: Pipeline | None = None

    @property
    def road(self) -> Pipeline:
        """The road of the process that runs at present."""
        assert self._pipeline is not None
        return self._pipeline

    async def start(self, topology: Topology, policy: Policy | None = None) -> None:
        """A process begins, as the hub's does."""
        judged_by, at = policy or Policy(), self.now

        def prepare(connection: Connection) -> int:
            queries.installation(connection, url=SITE.url, now=at)
            version = self._apply(connection, topology, judged_by)
            past.begin(connection, version=version, at=at)
            return version

        version = await self.store.write(prepare)
        situation = await self.store.read(lambda connection: queries.situation(connection, topology))
        self._pipeline = Pipeline(
            store=self.store, situation=situation, policy=judged_by, now=lambda: self.now, audience=self._hear, version=version
        )

    def _apply(self, connection: Connection, topology: Topology, policy: Policy) -> int:
        compiled = past.compiled(topology, policy, SITE)
        return queries.apply_configuration(connection, text="", digest=str(compiled), at=self.now, compiled=compiled)

    def _hear(self, events: Sequence[Event], _: Sequence[Result]) -> None:
        self.live.extend(events)

    async def restart(self, topology: Topology | None = None) -> None:
        """The process ends in good order, and another begins; with *topology*, by a file that was changed meanwhile."""
        known, policy = self.road.situation.topology, self.road.policy
        await self.road.close()
        await self.start(topology or known, policy)

    async def configure(
        self, topology: Topology, policy: Policy | None = None, moves: Sequence[Move] = (), measures: Mapping[str, str] = NOTHING
    ) -> None:
        """Go on by another configuration, as a reload does; *moves* are ids that it calls otherwise, *measures* as in ``carry_over``."""
        judged_by = policy or self.road.policy

        def write(connection: Connection) -> Carried:
            moved = carry_over(connection, moves, measures, self.now)
            version = self._apply(connection, topology, judged_by)
            return Carried(version=version, moved=moved, situation=queries.situation(connection, topology))

        await self.road.replace(topology, judged_by, lambda: self.store.write(write))

    def wait(self, seconds: float) -> None:
        """Let time pass in which nobody looks."""
        self.now += timedelta(seconds=seconds)

    async def tick(self, seconds: float = 0) -> None:
        """Let time pass, then look."""
        self.wait(seconds)
        await self.road.tick()

    async def hear(self, *results: tuple[str, str, Failure | None], late: float = 0.0, took: float = 0.01, detail: str = "") -> None:
        """Results of monitors at locations, *late* seconds after their slots."""
        slot = self.now - timedelta(seconds=late)
        slot = slot.replace(microsecond=slot.microsecond // 1000 * 1000)
        for monitor, location, failure in results:
            measured = ProbeResult(took=took, failure=failure, stage="connect" if failure else None, detail=detail if failure else "")
            await self.road.observe(Result(monitor=monitor, location=location, slot=slot, started=slot, measured=measured))

    async def everywhere(self, failure: Failure | None = None) -> None:
        """One result of every monitor at each of its locations."""
        monitors = [one for one in self.road.situation.topology.monitors.values() if one.heartbeat is None]
        await self.hear(*((one.id, place, failure) for one in monitors for place in one.locations))

    async def steadily(self, rounds: int, every: float = 20.0) -> None:
        """Everything works, for so many rounds, with a tick in between."""
        for _ in range(rounds):
            await self.everywhere()
            await self.road.flush()
            await self.tick(every / 2)
            self.wait(every / 2)

    async def ping(self, monitor: str, failure: Failure | None = None) -> None:
        """The monitor says of itself that it is well, or that it failed."""
        await self.road.report(monitor, ProbeResult(took=0.0, failure=failure, stage="report" if failure else None))

    async def begin(self, monitor: str) -> None:
        """The monitor says that its work begins."""
        await self.road.act(lambda situation, now: pings.begin(situation, now, monitor=monitor))

    async def looks(self, failure: Failure | None, doubts: float) -> None:
        """The controls answer, or do not; what was measured for *doubts* seconds is in doubt where they do not."""
        glances = tuple(Glance(control=name, failure=failure) for name in ("gateway", "resolver"))
        await self.road.notice(Look(location="local", at=self.now, since=self.now - timedelta(seconds=doubts), glances=glances))

    async def pauses(self, monitor: str) -> None:
        """Somebody has it stand still, or go on."""
        if monitor in self.road.situation.paused:
            await self.act(pausing.resume, monitor=monitor, by="ada")
        else:
            await self.act(pausing.pause, monitor=monitor, by="ada", reason="is moved")

    async def act(self, deed: Callable[..., Sequence[Event]], **arguments: Any) -> None:  # noqa: ANN401 - the act's own
        """Do what an agent does; what is refused changes nothing."""
        try:
            await self.road.act(lambda situation, now: deed(situation, now, **arguments))
        except act.Refused:
            return

    def incident(self, number: int) -> str | None:
        """One of the open incidents."""
        known = sorted(self.road.situation.incidents)
        return known[number % len(known)] if known else None

    async def says(self, number: int, word: str) -> None:
        """Somebody does something to an open incident, or opens one."""
        incident = self.incident(number)
        if word == "open":
            services = sorted(self.road.situation.topology.services)
            said = {services[number % len(services)]: Status.MAJOR}
            await self.act(act.open_incident, by="bob", name="Customers call", services=said, body="Customers call us.")
        elif incident is not None:
            deed, more = _DEEDS[word]
            await self.act(deed, incident=incident, by="ada", **more)

    async def merges(self, number: int, other: int) -> None:
        """Somebody puts one open incident into another."""
        source, target = self.incident(number), self.incident(other)
        if source is not None and target is not None:
            await self.act(regroup.merge, incident=source, into=target, by="ada", body="It is one.")

    async def splits(self, number: int, place: int) -> None:
        """Somebody takes one part, or one service, out of an open incident."""
        if (incident := self.incident(number)) is not None:
            found = self.road.situation.incidents[incident]
            parts = found.components or tuple(sorted(found.services))
            taken = {"components" if found.components else "services": (parts[place % len(parts)],)} if parts else {}
            await self.act(regroup.split, incident=incident, by="bob", name="A part by itself", body="It has another cause.", **taken)

    async def plans(self, number: int, starts: float, lasts: float, *, waits: bool = False) -> None:
        """Somebody plans work on a service, or on one of its parts; where it *waits*, another must agree."""
        topology, begins = self.road.situation.topology, self.now + timedelta(seconds=starts)
        services, components = sorted(topology.services), sorted(topology.components)
        wish = planning.Wish(
            name="Patches",
            services=(services[number % len(services)],),
            components=(components[number % len(components)],) if number % 2 else (),
            starts=begins,
            ends=begins + timedelta(seconds=lasts),
            body="We patch.",
        )
        await self.act(planning.plan, by="ada", wish=wish, terms=replace(ANYTIME, needs_approval=waits))

    async def turns_window(self, number: int, word: str) -> None:
        """Somebody does something about a window that is not over."""
        known = sorted(self.road.situation.maintenances.values(), key=lambda window: window.id)
        if known:
            window = known[number % len(known)]
            match word:
                case "extend":
                    later = {"ends": max(window.ends, self.now) + timedelta(minutes=5), "terms": ANYTIME}
                    await self.act(planning.extend, maintenance=window.id, by="meg", **later)
                case "reschedule":
                    later = {"starts": max(window.starts, self.now) + timedelta(seconds=50), "terms": ANYTIME}
                    await self.act(planning.reschedule, maintenance=window.id, by="meg", **later)
                case _:
                    await self.act(getattr(planning, word), maintenance=window.id, by="meg")

    async def advises(self, number: int, lasts: float | None) -> None:
        """Somebody warns of something on a service, or changes or withdraws what somebody warned of."""
        known = sorted(self.road.situation.advisories)
        services = sorted(self.road.situation.topology.services)
        match number % 4:
            case 1 if known:
                await self.act(advising.update, advisory=known[0], by="ada", body={"en": "It comes nearer."})
            case 2 if known and self.road.situation.advisories[known[0]].ends is not None:
                await self.act(advising.move, advisory=known[0], by="ada", ends=None)
            case 3 if known:
                await self.act(advising.withdraw, advisory=known[0], by="ada")
            case _:
                ends = None if lasts is None else self.now + timedelta(seconds=lasts)
                wish = advising.Wish(
                    name={"en": "Storm"},
                    services=(services[number % len(services)],),
                    starts=self.now,
                    ends=ends,
                    body={"en": "It may blow."},
                )
                await self.act(advising.publish, by="ada", wish=wish)


WINDOW_WORDS = ("extend", "reschedule", "finish", "cancel", "approve")
_DEEDS: Mapping[str, tuple[Callable[..., Sequence[Event]], Mapping[str, Any]]] = {
    "acknowledge": (act.acknowledge, {"lasts": LEASE}),
    "update": (act.update, {"body": "We are on it.", "state": State.IDENTIFIED}),
    "watch": (act.update, {"body": "It is mended.", "state": State.MONITORING}),
    "note": (act.note, {"body": "was rebooted"}),
    "resolve": (act.resolve, {"body": "It is over."}),
    "override": (act.resolve, {"body": "It is over.", "override": "replaced tomorrow"}),
}
WORDS = ("open", *_DEEDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a store recalls."""

    memory: Memory
    turns: Sequence[Turn]
    judgings: Mapping[int, Judging]
    places: Places
    renamings: Sequence[Renaming]


async def recalled(store: Store, at: datetime = START) -> Recorded:
    """Everything from the memory before *at* on."""

    def read(connection: Connection) -> Recorded:
        found = recall.memory_before(connection, at)
        assert found is not None
        first, memory = found
        last = recall.newest_batch(connection)
        turns = list(recall.turns(lambda query: query(connection), first + 1, last))
        names, renamings = recall.place_names(connection, first)
        return Recorded(memory=memory, turns=turns, judgings=recall.judgings(connection), places=names, renamings=renamings)

    return await store.read(read)


def spelled(events: Sequence[Event]) -> list[object]:
    """As the journal has them; what is only counted is in no journal."""
    return [[kind(event), spell(event)] for event in events if not isinstance(event, Counted)]
