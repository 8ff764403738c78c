"""The past read back: turns as they were taken, in pages, so that a long replay holds neither memory nor a transaction."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any, TypeVar, get_type_hints

from sqlalchemy import Connection, Row, func, select

from incidents.events import Counted, Event, Moved
from incidents.maintenance import Series
from incidents.model import Situation, Subject, Topology
from incidents.policy import Policy
from incidents.replaying.past import ORDINARY, TICK, Judging, Memory, Places, Renaming, Turn
from incidents.turns import Change, Circumstances, Stay
from probes.result import Failure, ProbeResult
from statuspage.picture.site import Site
from statuspage.store.past import unpack
from statuspage.store.queries import nothing_known, situation
from statuspage.store.spelling import instant, milliseconds, understand
from statuspage.store.tables import batches, configurations, journal, memories, places
from statuspage.store.values import built

T = TypeVar("T")
Read = Callable[[Callable[[Connection], Any]], Any]
"""Runs a query in a transaction of its own: ``Database.read``."""

PAGE = 20_000

AFTER_AT_MOST = 1000
"""Events that another writer's word is looked for in: it speaks seldom, and of little."""

_MOVED = "moved"
_HINTS = {one.name: hint for one in fields(Situation) for name, hint in get_type_hints(Situation).items() if name == one.name}


def memory_before(connection: Connection, at: datetime | None) -> tuple[int, Memory] | None:
    """The newest memory by *at* with its batch; the oldest there is, where none is so old or no *at* is given. None where there is none."""
    known = select(memories.c.batch, memories.c.body, batches.c.at).join(batches, batches.c.sequence == memories.c.batch)
    oldest = known.order_by(memories.c.batch).limit(1)
    newest = oldest if at is None else known.where(batches.c.at <= milliseconds(at)).order_by(memories.c.batch.desc()).limit(1)
    row = connection.execute(newest).first() or connection.execute(oldest).first()
    return None if row is None else (row.batch, _memory(row.body, instant(row.at), nothing_known(connection)))


def _memory(body: Mapping[str, Any], at: datetime, nothing: Situation) -> Memory:
    kept = {name: built(_HINTS[name], value) for name, value in body["known"].items() if name in _HINTS}
    return Memory(
        version=body["version"],
        at=at,
        known=Situation(topology=nothing.topology, seed=nothing.seed, **kept),
        is_start=body["is_start"],
        present_since=built(datetime, body["present_since"]),
        promised_since=built(Mapping[str, datetime], body["promised_since"]),
    )


def judgings(connection: Connection) -> Mapping[int, Judging]:
    """What each version of the configuration meant to judgement, as far as that was kept."""
    return {
        row.version: Judging(topology=built(Topology, row.compiled["topology"]), policy=built(Policy, row.compiled["policy"]))
        for row in connection.execute(select(configurations.c.version, configurations.c.compiled))
        if row.compiled is not None
    }


def place_names(connection: Connection, after: int) -> tuple[Places, tuple[Renaming, ...]]:
    """The monitor and the location of each place as they were called right *after* that batch, and what was called otherwise since."""
    names = {row.num: (row.monitor, row.location) for row in connection.execute(select(places))}
    moved = select(journal).where(journal.c.batch > after, journal.c.kind == _MOVED).order_by(journal.c.sequence.desc())
    renamings: deque[Renaming] = deque()
    for event in (understand(row.kind, row.body) for row in connection.execute(moved)):
        if isinstance(event, Moved):
            is_monitor = event.subject is Subject.MONITOR
            numbers = frozenset(number for number, (monitor, _) in names.items() if is_monitor and monitor == event.new)
            names |= {number: (event.old, names[number][1]) for number in numbers}
            renamings.appendleft(Renaming(event=event, places=numbers))
    return names, tuple(renamings)


def newest_batch(connection: Connection) -> int:
    """The sequence number of the newest batch; 0 where there is none."""
    return connection.execute(select(func.max(batches.c.sequence))).scalar() or 0


def known_after(connection: Connection, topology: Topology, batch: int | None) -> tuple[Situation, int, tuple[Event, ...]]:
    """All that a decision needs to know, the newest batch, and what was said after *batch* (None: nobody asks), oldest first.

    Of what was said no more than the newest AFTER_AT_MOST.
    """
    newest_first = select(journal).order_by(journal.c.sequence.desc()).limit(AFTER_AT_MOST)  # it has no index of batches
    rows = connection.execute(newest_first).all() if batch is not None and newest_batch(connection) > batch else ()
    told = tuple(understand(row.kind, row.body) for row in takewhile(lambda row: row.batch > batch, rows))
    return situation(connection, topology), newest_batch(connection), told[::-1]


def turns(read: Read, first: int, last: int) -> Iterator[Turn]:
    """The turns of the batches *first* to *last*, with what the journal says of each."""
    history = _Journal(read, first, last)
    while first <= last:
        rows, found = read(partial(_page, first=first, last=last))
        for row in rows:
            yield _turn(row, history.of(row.sequence), found.get(row.sequence))
        if len(rows) < PAGE:
            return
        first = rows[-1].sequence + 1


def _page(connection: Connection, first: int, last: int) -> tuple[Sequence[Row[Any]], Mapping[int, Memory]]:
    chosen = select(batches).where(batches.c.sequence.between(first, last)).order_by(batches.c.sequence).limit(PAGE)
    rows = connection.execute(chosen).all()
    if not rows:
        return rows, {}
    kept = select(memories.c.batch, memories.c.body, batches.c.at).join(batches, batches.c.sequence == memories.c.batch)
    kept = kept.where(memories.c.batch.between(rows[0].sequence, rows[-1].sequence))
    found = connection.execute(kept).all()
    return rows, {row.batch: _memory(row.body, instant(row.at), nothing_known(connection)) for row in found}


class _Journal:
    """The journal beside the batches, read on as they go."""

    def __init__(self, read: Read, first: int, last: int) -> None:
        self._read, self._last = read, last
        self._next = read(
            lambda connection: connection.execute(select(func.min(journal.c.sequence)).where(journal.c.batch >= first)).scalar()
        )
        self._rows: list[Row[Any]] = []

    def of(self, batch: int) -> Sequence[Event]:
        """The events of *batch*, in order; batches are to be asked for in order too."""
        events: list[Event] = []
        while (row := self._first()) is not None and row.batch <= batch:
            self._rows.pop()
            if row.batch == batch:
                events.append(understand(row.kind, row.body))
        return events

    def _first(self) -> Row[Any] | None:
        if not self._rows and self._next is not None:
            chosen = select(journal).where(journal.c.sequence >= self._next, journal.c.batch <= self._last)
            page = chosen.order_by(journal.c.sequence).limit(PAGE)
            rows = self._read(lambda connection: connection.execute(page).all())
            self._next = rows[-1].sequence + 1 if len(rows) == PAGE else None
            self._rows = list(reversed(rows))
        return self._rows[-1] if self._rows else None


def _turn(row: Row[Any], events: Sequence[Event], memory: Memory | None) -> Turn:
    if row.heard is None:
        counted = tuple(built(Counted, one) for one in (row.more or {}).get("counted", ()))
        return Turn(sequence=row.sequence, micros=row.at * 1000, events=(*counted, *events), is_foreign=True)
    is_tick, micros, numbers, slots = unpack(row.at, row.heard)
    turn = Turn(
        sequence=row.sequence,
        micros=micros,
        places=numbers,
        slots=slots,
        circumstances=TICK if is_tick else ORDINARY,
        memory=memory,
        events=events,
    )
    if row.more is not None:
        turn.bad = {place: _measured(*words) for place, *words in row.more.get("bad", ())}
        if row.more.keys() - {"bad"}:
            turn.circumstances = _circumstances(row.more, events, is_tick=is_tick)
    return turn


def _measured(failure: str, stage: str | None, detail: str) -> ProbeResult:
    return ProbeResult(took=0.0, failure=Failure(failure), stage=stage, detail=detail)


def _circumstances(more: Mapping[str, Any], events: Sequence[Event], *, is_tick: bool) -> Circumstances:
    noticed, judged, acted = more.get("parts", (0, 0, 0))
    counted = tuple(built(Counted, one) for one in more.get("counted", ()))
    return Circumstances(
        is_tick=is_tick,
        is_rejudged=more.get("rejudged", False),
        noticed=tuple(events[:noticed]),
        acted=(*counted, *events[noticed + judged : noticed + judged + acted]),
        timed={number: (datetime.fromisoformat(started), took) for number, started, took in more.get("timed", ())},
        change=built(Change, more.get("change")),
        stay=built(Stay, more.get("stay")),
    )


def site(connection: Connection, at: datetime) -> tuple[Topology, Site] | None:
    """What the configuration in force *at* an instant meant to the page; None where that was not kept."""
    newest = select(configurations.c.compiled).where(configurations.c.applied_at <= at).order_by(configurations.c.version.desc()).limit(1)
    compiled = connection.execute(newest).scalar()
    return None if compiled is None else (built(Topology, compiled["topology"]), built(Site, compiled["site"]))


def series_in_force(connection: Connection, since: datetime) -> tuple[tuple[datetime, Mapping[str, Series]], ...]:
    """From when on which series were in force, since then and just before: ascending, and only where it changed.

    A configuration of which an older release kept no meaning is left out.
    """
    rows = select(configurations.c.applied_at, configurations.c.compiled[("topology", "series")].label("series"))
    first = select(func.max(configurations.c.version)).where(configurations.c.applied_at <= since).scalar_subquery()
    chosen = rows.where(configurations.c.version >= func.coalesce(first, 0)).order_by(configurations.c.version)
    told: list[tuple[datetime, Any]] = []
    for row in connection.execute(chosen):
        if row.series is not None and (not told or told[-1][1] != row.series):
            told.append((row.applied_at, row.series))
    return tuple((at, built(Mapping[str, Series], series)) for at, series in told)
