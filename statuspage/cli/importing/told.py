"""What another page tells by the Statuspage v2 API, as values: its parts, what went wrong there and what was planned.

Every row is a stranger's. One that cannot be understood is left out and named; the others are none the worse for it.
Source: the page at ``/api/v2`` of any public Statuspage, and the answers of those pages.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from incidents.importing import MaintenanceQuote, PastIncident, PastWindow, Quote
from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from incidents.rollup import TROUBLE, worst
from probes.text import plain
from statuspage.cli.importing.documents import Row, instant, rows, text
from statuspage.cli.importing.findings import CannotImport, Left
from statuspage.cli.importing.texts import line, words

MOST_QUOTES = 500
"""Public words of one incident; nobody writes more."""

MEND = "Give the address of the page itself: its /api/v2/summary.json is what is read."

_LONGEST_ID = 100
_IMPACT = {"none": Status.OPERATIONAL, "minor": Status.DEGRADED, "major": Status.PARTIAL, "critical": Status.MAJOR}
_CLOCK = "see whether the clock here is right"
_AGAIN = "import again once it is over: nothing is imported twice"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of their components, which are services in our words. *group* is the name of what it stands under."""

    id: str
    name: str
    description: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Planned work that is not over there."""

    name: str
    starts: datetime
    ends: datetime
    parts: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a page tells. Incidents and windows name parts by their id; *names* are those of all, also of some that are gone.

    *left* is what could not be understood, or is not over.
    """

    id: str
    name: str
    url: str
    parts: tuple[Part, ...]
    names: Mapping[str, str]
    incidents: tuple[PastIncident, ...] = ()
    windows: tuple[PastWindow, ...] = ()
    coming: tuple[Coming, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What is read so far, and the present instant: what ends after it is not over. *names* are those of parts by their id."""

    now: datetime
    names: dict[str, str]
    left: list[Left] = field(default_factory=list)

    def understood(self, kind: str, every: Sequence[Row], read: Callable[[Row, "_Reading"], T]) -> Iterator[T]:
        """What *read* makes of each row; what it cannot understand is left out and named."""
        for row in every:
            what = f"{kind} {plain(text(row.get('id')), 40)} “{plain(line(row.get('name')), 80)}”"
            try:
                _demand_a_name(row)
                yield read(row, self)
                _leave_words(row, what, self)
            except _Unfit as unfit:
                self.left.append(Left(what=what, why=unfit.why, mend=unfit.mend))


class _Unfit(Exception):
    """A row that cannot be taken over."""

    def __init__(self, why: str, mend: str = "") -> None:
        super().__init__(why)
        self.why, self.mend = why, mend


def _demand_a_name(row: Row) -> None:
    if not _id(row.get("id")) or not line(row.get("name")):
        raise _Unfit("it has no id or no name", f"an id is printable, and at most {_LONGEST_ID} letters long")


def _id(value: object) -> str:
    """*value* where it is fit to know something by for good; empty otherwise. To cut one would make one of two."""
    found = text(value)
    return found if len(found) <= _LONGEST_ID and found.isprintable() else ""


@dataclass(frozen=True, slots=True)
class _Said:
    """Public words, of whatever they are; *state* is one of those that were asked for."""

    id: str
    state: str
    title: str
    body: str
    at: datetime


def page_of(summary: object, place: str) -> tuple[str, str, str]:
    """The page's own id, name and address. Errors: CannotImport where *summary* is no Statuspage's."""
    page = summary.get("page") if isinstance(summary, dict) else None
    id = _id(page.get("id")) if isinstance(page, dict) else ""
    if not isinstance(page, dict) or not id:
        raise CannotImport(f"{place}: JSON, but not that of a Statuspage: it names no page. {MEND}")
    return id, line(page.get("name")), text(page.get("url"))


def told(page: tuple[str, str, str], components: object, incidents: Sequence[Row], windows: Sequence[Row], now: datetime) -> Told:
    """Understand what was read; *page* as ``page_of`` gives it."""
    id, name, url = page
    parts = tuple(_parts(components))
    reading = _Reading(now=now, names={part.id: part.name for part in parts})
    past = list(reading.understood("incident", incidents, _incident))
    planned = list(reading.understood("planned work", windows, _window))
    return Told(
        id=id,
        name=name,
        url=url,
        parts=parts,
        names=reading.names,
        incidents=tuple(sorted(past, key=lambda one: (one.published_at, one.id))),
        windows=tuple(sorted((one for one in planned if isinstance(one, PastWindow)), key=lambda one: (one.starts, one.id))),
        coming=tuple(one for one in planned if isinstance(one, Coming)),
        left=tuple(reading.left),
    )


def _parts(components: object) -> Iterator[Part]:
    every = [row for row in rows(components.get("components") if isinstance(components, dict) else None) if _id(row.get("id"))]
    groups = {text(row["id"]): line(row.get("name")) for row in every if row.get("group") is True}
    known = set(groups)
    for row in every:
        id = _id(row["id"])
        if id not in known and line(row.get("name")):
            known.add(id)
            group = groups.get(text(row.get("group_id")), "")
            yield Part(id=id, name=line(row["name"]), description=words(row.get("description"), 1000), group=group)


def _leave_words(row: Row, what: str, reading: _Reading) -> None:
    """Name the words of *row* that ``_said`` passes over."""
    every = list(rows(row.get("incident_updates")))
    timeless = sum(_at(one) is None for one in every)
    if timeless:
        reading.left.append(Left(what=what, why=f"{timeless} of its updates do not say when, as ISO 8601 with a zone"))
    if len(every) - timeless > MOST_QUOTES:
        reading.left.append(Left(what=what, why=f"it has {len(every) - timeless} updates; its first {MOST_QUOTES} are taken over"))


def _at(update: Row) -> datetime | None:
    return instant(update.get("display_at") or update.get("created_at"))


def _said(row: Row, states: Collection[str], state: str) -> Iterator[_Said]:
    """The public words of *row*, oldest first, each once. One in an unknown *state* is in that of the words before it."""
    known: set[str] = set()
    found = [(at, one) for one in rows(row.get("incident_updates")) if (at := _at(one))]
    for at, one in sorted(found, key=lambda pair: pair[0])[:MOST_QUOTES]:
        told, body = text(one.get("status")), words(one.get("body"))
        state = told if told in states else state
        id = _id(one.get("id")) or at.isoformat()
        if body and id not in known:
            known.add(id)
            title = line(f"{line(row.get('name'), 150)} – {state.replace('_', ' ').capitalize()}")
            yield _Said(id=id, state=state, title=title, body=body, at=at)


# --- what went wrong ------------------------------------------------------------------------------------------------------------


def _incident(row: Row, reading: _Reading) -> PastIncident:
    state = text(row.get("status"))
    if state not in {State.RESOLVED, State.POSTMORTEM}:
        raise _Unfit(f"it is not over there ({plain(state, 40) or 'it has no status'})", _AGAIN)
    quotes = tuple(
        Quote(id=one.id, state=State(one.state), title=one.title, body=one.body, at=one.at)
        for one in _said(row, set(State), State.INVESTIGATING)
    )
    started, published, ended = _life(row, quotes)
    if max([ended, published, *(one.at for one in quotes)]) > reading.now:
        raise _Unfit("it ends, or is spoken of, in the future", _CLOCK)
    impact = _IMPACT.get(text(row.get("impact")), Status.OPERATIONAL)
    return PastIncident(
        id=_id(row["id"]),
        name=line(row["name"]),
        started_at=started,
        published_at=published,
        resolved_at=ended,
        services={part: status if status in TROUBLE else impact for part, status in _hit(row, reading).items()},
        impact=impact,
        quotes=quotes,
    )


def _life(row: Row, quotes: Sequence[Quote]) -> tuple[datetime, datetime, datetime]:
    """When it began, when the public heard of it, and when it was over."""
    first = instant(row.get("created_at")) or instant(row.get("started_at"))
    told = [one.at for one in quotes if one.state is State.RESOLVED] or [one.at for one in quotes[-1:]]
    ended = instant(row.get("resolved_at")) or (told[0] if told else instant(row.get("updated_at")))
    if first is None or ended is None:
        raise _Unfit("it does not say when it began or ended, as ISO 8601 with a zone")
    published = min([first, *(one.at for one in quotes)])
    began = min(instant(row.get("started_at")) or published, published)
    return min(began, ended), published, ended


def _hit(row: Row, reading: _Reading) -> Mapping[str, Status]:
    """The worst that was told of each part that it names, by the part's id."""
    found: dict[str, Status] = {}
    named = [(one.get("id"), one, Status.OPERATIONAL) for one in rows(row.get("components"))]
    for update in rows(row.get("incident_updates")):
        named += [(one.get("code"), one, _status(one.get("new_status"))) for one in rows(update.get("affected_components"))]
    for code, one, status in named:
        id, name = _id(code), line(one.get("name"))
        if id and (id in reading.names or name):
            reading.names.setdefault(id, name)  # one that the page has no more
            found[id] = worst((found.get(id, Status.OPERATIONAL), status))
    return found


def _status(value: object) -> Status:
    return Status(value) if isinstance(value, str) and value in set(Status) else Status.OPERATIONAL


# --- what was planned -----------------------------------------------------------------------------------------------------------


def _window(row: Row, reading: _Reading) -> PastWindow | Coming:
    starts, ends = instant(row.get("scheduled_for")), instant(row.get("scheduled_until"))
    if starts is None or ends is None or not starts < ends:
        raise _Unfit("it does not say from when until when it was planned")
    parts, said = tuple(_hit(row, reading)), tuple(_said(row, set(MaintenanceState), MaintenanceState.SCHEDULED))
    if text(row.get("status")) != MaintenanceState.COMPLETED:
        name = line(row["name"])
        return Coming(name=name, starts=starts, ends=ends, parts=parts, body=said[0].body if said else name)
    began = _first(said, MaintenanceState.IN_PROGRESS) or starts
    ended = _first(said, MaintenanceState.COMPLETED) or instant(row.get("resolved_at")) or ends
    planned = min([instant(row.get("created_at")) or starts, *(one.at for one in said)])
    if max([ended, planned, *(one.at for one in said)]) > reading.now:
        raise _Unfit("it ends, or is spoken of, in the future", _CLOCK)
    return PastWindow(
        id=_id(row["id"]),
        name=line(row["name"]),
        planned_at=planned,
        starts=starts,
        ends=ends,
        began_at=min(began, ended),
        ended_at=ended,
        services=parts,
        quotes=tuple(
            MaintenanceQuote(id=one.id, state=MaintenanceState(one.state), title=one.title, body=one.body, at=one.at) for one in said
        ),
    )


def _first(said: Sequence[_Said], state: MaintenanceState) -> datetime | None:
    return next((one.at for one in said if one.state == state), None)
