"""The command ``replay``: the recorded past once more, as it was configured then or as it might have been."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Connection

from incidents.events import Counted, Event, Updated
from incidents.replaying.differences import Differences, Told, differences
from incidents.replaying.past import Judging, Memory, Places, Renaming, Turn
from incidents.replaying.replay import Rerun, once_more, otherwise
from statuspage.cli.config import load, store_beside, store_of
from statuspage.cli.instants import instant, spoken
from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.clock import wall_clock
from statuspage.config.loading import topology
from statuspage.readings import policy_of
from statuspage.render.replayed import picture
from statuspage.store import recall
from statuspage.store.engine import Database
from statuspage.store.spelling import kind, spell

_STRIDE = 5_000
"""Turns between two looks at the progress bar."""


@dataclass(slots=True, kw_only=True)
class Telling:
    """What was recorded of a span, and what it came to again."""

    since: datetime
    until: datetime
    turns: int = 0
    results: int = 0
    recorded: list[Event] = field(default_factory=list)
    again: list[Event] = field(default_factory=list)
    differs: tuple[Turn, Sequence[Event]] | None = None
    lost_acts: int = 0


def replay(*, since: str | None, until: str | None, config: Path | None, data_dir: Path, chart: Path | None, wants_json: bool) -> int:
    """Run the recorded turns of [since, until) again and say what they came to; 1 where the record does not give the log that was kept."""
    ends = wall_clock() if until is None else instant(until, "--until")
    instead = None if config is None else _judging(config)
    with store_of(config, data_dir) if config is not None else store_beside(data_dir) as database:
        past = _Past.read(database, None if since is None else instant(since, "--since"))
        begins = past.memory.at if since is None else instant(since, "--since")
        if begins < past.memory.at:
            fail(f"the record begins at {spoken(past.memory.at)} UTC: nothing older can be replayed")
        if ends <= begins:
            fail("--until must be later than --since")
        telling = Telling(since=begins, until=ends)
        with _progress(past) as turns:
            _tell(telling, past, turns, instead)
    if instead is None:
        return _say_again(telling, wants_json=wants_json)
    return _say_differences(telling, chart, wants_json=wants_json)


def _judging(config: Path) -> Judging:
    loaded = load(config)
    return Judging(topology=topology(loaded.config), policy=policy_of(loaded.config))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What the store recalls, from a memory on."""

    database: Database
    first: int
    last: int
    memory: Memory
    judgings: dict[int, Judging]
    places: Places
    renamings: tuple[Renaming, ...]

    @classmethod
    def read(cls, database: Database, since: datetime | None) -> "_Past":
        """Find where to begin for *since*, or at the beginning."""

        def read(connection: Connection) -> "_Past":
            found = recall.memory_before(connection, since)
            if found is None:
                fail("nothing is recorded yet that could be replayed: the service has not run since it was brought up to date", BAD)
            first, memory = found
            last, known = recall.newest_batch(connection), dict(recall.judgings(connection))
            places, renamings = recall.place_names(connection, first)
            return cls(database=database, first=first, last=last, memory=memory, judgings=known, places=places, renamings=renamings)

        return database.read(read)

    def turns(self) -> Iterator[Turn]:
        return recall.turns(self.database.read, self.first + 1, self.last)


@contextmanager
def _progress(past: _Past) -> Iterator[Iterable[Turn]]:
    """The turns of *past*, with a bar on standard error while they are gone through."""
    columns = (TextColumn("replaying"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f} turns"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replay", total=max(past.last - past.first, 1))

        def watched() -> Iterator[Turn]:
            for number, turn in enumerate(past.turns()):
                if number % _STRIDE == 0:
                    progress.update(task, completed=number)
                yield turn

        yield watched()


def _tell(telling: Telling, past: _Past, turns: Iterable[Turn], instead: Judging | None) -> None:
    rerun = Rerun(past.memory, past.judgings, past.places, renamings=past.renamings)
    ordered = iter(turns)
    inside = _warmed_up(rerun, ordered, telling)
    if instead is None:
        for turn, made in once_more(rerun, inside):
            events = _as_kept(made, turn.events)
            _note(telling, turn, events)
            if telling.differs is None and _spelled(events) != _spelled(turn.events):
                telling.differs = (turn, events)
        return
    other = rerun.fork(telling.since, instead)
    telling.again.extend(other.begin_instead(telling.since))
    for turn, events in otherwise(other, inside):
        _note(telling, turn, events)
    telling.lost_acts = other.lost_acts


def _warmed_up(rerun: Rerun, turns: Iterator[Turn], telling: Telling) -> Iterator[Turn]:
    """Go through what came before the span, and return what is in it."""
    since, until = _micros(telling.since), _micros(telling.until)
    first = None
    for turn in turns:
        if turn.micros >= since:
            first = turn
            break
        rerun.take(turn)
    return _inside(first, turns, until)


def _inside(first: Turn | None, turns: Iterator[Turn], until: int) -> Iterator[Turn]:
    turn = first
    while turn is not None and turn.micros < until:
        yield turn
        turn = next(turns, None)


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def _note(telling: Telling, turn: Turn, events: Sequence[Event]) -> None:
    telling.turns += 1
    telling.results += len(turn.places)
    telling.recorded.extend(turn.events)
    telling.again.extend(event for event in events if not isinstance(event, Counted))


def _as_kept(made: Sequence[Event], recorded: Sequence[Event]) -> tuple[Event, ...]:
    """What was *made* again, without the words that were removed from the record since: that they are made again is no other judgement."""
    gone = {(one.incident, one.update.number): one for one in recorded if isinstance(one, Updated) and one.update.redacted_at is not None}
    return tuple(_silent(one, gone.get((one.incident, one.update.number))) if isinstance(one, Updated) else one for one in made)


def _silent(made: Updated, kept: Updated | None) -> Updated:
    return made if kept is None else replace(made, update=replace(made.update, body="", bodies={}, redacted_at=kept.update.redacted_at))


def _spelled(events: Iterable[Event]) -> list[tuple[str, object]]:
    return [(kind(event), spell(event)) for event in events if not isinstance(event, Counted)]


def _say_again(telling: Telling, *, wants_json: bool) -> int:
    """Whether the record gives the log."""
    differs = telling.differs
    if wants_json:
        first = differs and {"at": differs[0].at, "recorded": _spelled(differs[0].events), "again": _spelled(differs[1])}
        print_json({**_counts(telling), "is_identical": differs is None, "first_difference": first})
    else:
        counted = f"{telling.turns:,} turns with {telling.results:,} results gave {len(telling.again):,} events"
        typer.echo(f"{spoken(telling.since)} to {spoken(telling.until)} UTC: {counted}")
        if differs is None:
            typer.secho("identical to what was recorded", fg="green")
        else:
            recorded, again = (", ".join(word for word, _ in _spelled(some)) or "nothing" for some in (differs[0].events, differs[1]))
            typer.secho(f"differs first at {spoken(differs[0].at)} UTC: recorded {recorded}; again {again}", fg="red")
    return GOOD if differs is None else BAD


def _counts(telling: Telling) -> dict[str, Any]:
    return {
        "since": telling.since,
        "until": telling.until,
        "turns": telling.turns,
        "results": telling.results,
        "events": len(telling.again),
    }


def _say_differences(telling: Telling, chart: Path | None, *, wants_json: bool) -> int:
    found = differences(telling.recorded, telling.again)
    if chart is not None:
        chart.write_text(picture(found, telling.since, telling.until), encoding="utf-8")
    if wants_json:
        print_json(_as_json(telling, found))
        return GOOD
    rows = [_row("", pair.recorded, pair.otherwise) for pair in found.both]
    rows += [_row("fewer", one, None) for one in found.fewer]
    rows += [_row("more", None, one) for one in found.more]
    heads = ("", "STARTED (UTC)", "INCIDENT", "KNOWN", "WOULD BE", "GAINED", "NOTICES")
    print_rows(heads, sorted(rows, key=lambda row: row[1]), if_none="no incident began, either way")
    typer.echo(
        f"{len(found.both) + len(found.fewer)} incidents recorded, {len(found.both) + len(found.more)} otherwise: "
        f"{len(found.fewer)} fewer, {len(found.more)} more; "
        f"detection {_signed(found.gained.total_seconds())} in sum; notices {found.notices_recorded} → {found.notices_otherwise}"
    )
    if telling.lost_acts:
        typer.echo(f"{telling.lost_acts} acts of agents found no incident to act on")
    return GOOD


def _row(what: str, recorded: Told | None, other: Told | None) -> tuple[str, ...]:
    one = recorded or other
    if one is None:
        raise ValueError("a row is about an incident")
    gained = "" if recorded is None or other is None else _signed((recorded.opened_at - other.opened_at).total_seconds())
    known = ["–" if found is None else f"{found.opened_at:%H:%M:%S}" for found in (recorded, other)]
    notices = " → ".join(str(0 if found is None else found.notices) for found in (recorded, other))
    return (what, spoken(one.started_at), one.name, *known, gained, notices)


def _signed(seconds: float) -> str:
    return f"{seconds:+.0f} s" if round(seconds) else "0 s"


def _as_json(telling: Telling, found: Differences) -> dict[str, Any]:
    return {
        **_counts(telling),
        "lost_acts": telling.lost_acts,
        "both": [
            {"recorded": _told(pair.recorded), "otherwise": _told(pair.otherwise), "gained": pair.gained.total_seconds()}
            for pair in found.both
        ],
        "fewer": [_told(one) for one in found.fewer],
        "more": [_told(one) for one in found.more],
        "gained": found.gained.total_seconds(),
        "notices": {"recorded": found.notices_recorded, "otherwise": found.notices_otherwise},
    }


def _told(one: Told) -> dict[str, Any]:
    return {**asdict(one), "components": sorted(one.components)}
