"""From the outbox to notifications: each entry gets its verdict when its time has come, and everybody who asked for it a notification.

Where it breaks off, it begins the entry again: a notification that is there is not written twice.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from incidents.advisory import AdvisoryUpdated
from incidents.events import Acknowledged, Called, MaintenanceUpdated, Resolved, StatusChanged, Updated
from incidents.model import Incident, Service, Update
from statuspage.channels import webhook
from statuspage.picture.audience import Verdict, verdict, verdict_on_advisory, wants, wants_advisory, wants_status, wants_work
from statuspage.picture.page import Story
from statuspage.picture.planned import is_loud
from statuspage.picture.scope import Scope, cut_to
from statuspage.store import queries
from statuspage.store.advisory_rows import read_advisories
from statuspage.store.engine import Store
from statuspage.store.maintenance_rows import read_maintenances
from statuspage.store.outbox import Entry, called_recipients, decide, notify, told_recipients, told_threads, undecided
from statuspage.store.outlets import Outlet
from statuspage.store.reports import answer
from statuspage.store.scope_rows import hidden
from statuspage.store.subscribers import Subscriber, subscribers_after
from statuspage.store.told_status import breaths, fold, known_before, last_told, thread_of

AT_ONCE = 200
"""Entries that are read at a time; once as many can be decided, the rest waits for the next round."""

SLICE = 500
"""Subscribers whose notifications are written in one transaction: nobody's results wait long for it."""

TURNS_AT_ONCE = 20
"""Changes of services' statuses that are told in one transaction: when all that we offer breaks at once, there are hundreds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An entry and what becomes of it; *thread* is what it is told in."""

    entry: Entry
    verdict: Verdict
    thread: str = ""


Places = Callable[[str, datetime], Sequence[str]]
"""The lines that lead to a team, and to whoever is on call in it at an instant."""


def nowhere(team: str, at: datetime) -> Sequence[str]:
    """Lead to nobody."""
    del team, at
    return ()


async def spread(
    store: Store,
    services: Mapping[str, Service],
    channels: Collection[str],
    now: datetime,
    outlets: Sequence[Outlet] = (),
    places: Places = nowhere,
) -> None:
    """Decide what can be decided at *now*, and write the notifications of what is told. Errors: StoreUnavailable."""
    ready = await store.read(lambda connection: _ready(connection, services, now))
    if ready:
        quiet = [one for one in ready if one.verdict is not Verdict.TOLD]
        await store.write(partial(_decide, quiet, places, now))
    told = [one for one in ready if one.verdict is Verdict.TOLD]
    turned = [one for one in told if isinstance(one.entry.event, StatusChanged)]
    for start in range(0, len(turned), TURNS_AT_ONCE):
        await _tell_turns(store, turned[start : start + TURNS_AT_ONCE], channels, now)
    for one in told:
        if not isinstance(one.entry.event, StatusChanged):
            await _tell(store, one, channels, now, outlets)


def _decide(decided: Sequence[Decided], places: Places, now: datetime, connection: Connection) -> None:
    for one in decided:
        _call(connection, one.entry, places, now)
        decide(connection, one.entry.id, one.verdict, now)
        if one.verdict is Verdict.OVER:
            _answer(connection, one, now)


def _call(connection: Connection, entry: Entry, places: Places, now: datetime) -> None:
    """A team is called; and who was called hears that somebody has taken it, or that it is over."""
    match entry.event:
        case Called(incident=incident, team=team):
            notify(connection, entry, incident, [(line, line) for line in places(team, now)], now)
        case Acknowledged(incident=incident) | Resolved(incident=incident):
            notify(connection, entry, incident, called_recipients(connection, incident), now)
        case _:
            return


def _answer(connection: Connection, one: Decided, now: datetime) -> None:
    """Whoever reported it is answered, however short it was and whoever else is told."""
    if isinstance(one.entry.event, Updated):
        story = queries.story(connection, one.thread)
        if story is not None:
            answer(connection, story.incident, one.entry.event.update, now)


async def _tell(store: Store, one: Decided, channels: Collection[str], now: datetime, outlets: Sequence[Outlet]) -> None:
    last: str | None = ""
    while last is not None:
        # Outlets are few, and written with the first slice of subscribers.
        last = await store.write(partial(_tell_some, one, channels, () if last else outlets, last, now))


def _tell_some(
    one: Decided, channels: Collection[str], outlets: Sequence[Outlet], last: str, now: datetime, connection: Connection
) -> str | None:
    """Write the notifications of *outlets* and of some subscribers.

    Return the last subscriber's id, or None where there are no more and it is decided.
    """
    found = subscribers_after(connection, last, limit=SLICE, channels=channels)
    asked: Sequence[Subscriber | Outlet] = [*outlets, *found]
    told = told_recipients(connection, one.thread, [each.recipient for each in asked])
    wishing = _Wishing.read(connection, one)
    notify(connection, one.entry, one.thread, [(each.recipient, each.channel) for each in asked if wishing.concerns(each, told)], now)
    if len(found) == SLICE:
        return found[-1].id
    decide(connection, one.entry.id, Verdict.TOLD, now)
    _answer(connection, one, now)
    return None


async def _tell_turns(store: Store, turned: Sequence[Decided], channels: Collection[str], now: datetime) -> None:
    last: str | None = ""
    while last is not None:
        last = await store.write(partial(_tell_some_turns, turned, channels, last, now))


def _tell_some_turns(turned: Sequence[Decided], channels: Collection[str], last: str, now: datetime, connection: Connection) -> str | None:
    """The same for changes of services' statuses, which programs alone are told of."""
    found = subscribers_after(connection, last, limit=SLICE, channels={webhook.CHANNEL.name}.intersection(channels))
    for one in turned:
        if found and isinstance(one.entry.event, StatusChanged):
            _tell_turn(connection, one, one.entry.event, found, now)
    if len(found) == SLICE:
        return found[-1].id
    for one in turned:
        decide(connection, one.entry.id, Verdict.TOLD, now)
    return None


def _tell_turn(connection: Connection, one: Decided, change: StatusChanged, found: Sequence[Subscriber], now: datetime) -> None:
    recipients = [each.recipient for each in found]
    out = fold(connection, one.entry.id, one.thread, recipients, now)
    last, before = last_told(connection, one.thread, recipients), known_before(connection, change)
    wishing = [each for each in found if wants_status(each.wish, change.id, last.get(each.recipient, before), change.new)]
    calm = breaths(connection, one.thread, [each.recipient for each in wishing], out, now)
    notify(connection, one.entry, one.thread, [(each.recipient, each.channel) for each in wishing], now, not_before=calm)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishing:
    """What subscribers' wishes are held against: an incident with its update, or the services of planned work or of an advisory."""

    incident: Incident | None = None
    update: Update | None = None
    services: tuple[str, ...] = ()
    is_advisory: bool = False

    @classmethod
    def read(cls, connection: Connection, one: Decided) -> "_Wishing":
        scope = Scope(hidden=hidden(connection))
        match one.entry.event:
            case Updated(update=update):
                story = queries.story(connection, one.thread)
                return cls(incident=cut_to(story.incident, scope) if story else None, update=update)
            case AdvisoryUpdated():
                advisory = read_advisories(connection, [one.thread]).get(one.thread)
                return cls(services=tuple(filter(scope.tells_of, advisory.services)) if advisory else (), is_advisory=True)
            case _:
                window = read_maintenances(connection, [one.thread]).get(one.thread)
                return cls(services=tuple(filter(scope.tells_of, window.services)) if window else ())

    def concerns(self, asked: Subscriber | Outlet, told: Collection[str]) -> bool:
        was_told = asked.recipient in told
        if self.is_advisory:
            return wants_advisory(asked.wish, self.services, was_told=was_told)
        if self.incident is None or self.update is None:
            return wants_work(asked.wish, self.services)
        return wants(asked.wish, self.incident, self.update, was_told=was_told)


# --- verdicts -------------------------------------------------------------------------------------------------------------------


def _ready(connection: Connection, services: Mapping[str, Service], now: datetime) -> list[Decided]:
    """Entries whose time has come, oldest first, each with what becomes of it; those that are held back keep nobody else waiting."""
    ready: list[Decided] = []
    told: set[str] = set()
    last = 0
    while len(ready) < AT_ONCE and (entries := undecided(connection, limit=AT_ONCE, after=last)):
        ready += _ready_of(connection, entries, services, told, now)
        last = entries[-1].id
    return ready


def _ready_of(
    connection: Connection, entries: Sequence[Entry], services: Mapping[str, Service], told: set[str], now: datetime
) -> Iterator[Decided]:
    """Those of *entries* whose time has come; *told* learns which threads are told of."""
    scope = Scope(hidden=hidden(connection))
    incidents = {one.event.incident for one in entries if isinstance(one.event, Updated)}
    stories = {story.incident.id: story for story in queries.stories_of(connection, incidents)}
    told |= told_threads(connection, incidents=incidents, advisories=_warned_of(entries))
    for entry in entries:
        decided = _decided(connection, entry, stories, services, told, now, scope)
        if decided is not None:
            if decided.verdict is Verdict.TOLD:
                told.add(decided.thread)
            yield decided


def _warned_of(entries: Sequence[Entry]) -> set[str]:
    return {one.event.advisory for one in entries if isinstance(one.event, AdvisoryUpdated)}


def _decided(
    connection: Connection,
    entry: Entry,
    stories: Mapping[str, Story],
    services: Mapping[str, Service],
    told: Collection[str],
    now: datetime,
    scope: Scope,
) -> Decided | None:
    match entry.event:
        case Updated(incident=incident):
            story = stories.get(incident)
            update = next((one for one in story.updates if one.number == entry.event.update.number), None) if story else None
            if story is None or update is None:
                return Decided(entry=entry, verdict=Verdict.WITHDRAWN)
            cut = cut_to(story.incident, scope)
            if cut is None or not scope.hits(story.hit.get(update.number) or {*story.incident.worst, *story.incident.services}):
                return Decided(entry=entry, verdict=Verdict.INSIDE, thread=incident)
            found = verdict(cut, update, services, now, was_told=incident in told)
            return None if found is None else Decided(entry=entry, verdict=found, thread=incident)
        case MaintenanceUpdated(maintenance=maintenance, update=said):
            window = read_maintenances(connection, [maintenance]).get(maintenance)
            if window is None or not window.is_public:
                return Decided(entry=entry, verdict=Verdict.WITHDRAWN)
            if not scope.hits(window.services):
                return Decided(entry=entry, verdict=Verdict.INSIDE, thread=maintenance)
            return Decided(entry=entry, verdict=Verdict.TOLD if is_loud(window, said) else Verdict.QUIET, thread=maintenance)
        case AdvisoryUpdated(advisory=id_):
            advisory = read_advisories(connection, [id_]).get(id_)
            if advisory is None or not scope.hits(advisory.services):
                return Decided(entry=entry, verdict=Verdict.INSIDE, thread=id_)
            found = verdict_on_advisory(advisory, services, now, was_told=id_ in told)
            return None if found is None else Decided(entry=entry, verdict=found, thread=id_)
        case StatusChanged(id=service):
            thread = thread_of(connection, service)
            is_news = thread is not None and scope.tells_of(service) and known_before(connection, entry.event) is not entry.event.new
            return Decided(entry=entry, verdict=Verdict.TOLD if is_news else Verdict.INSIDE, thread=thread or "")
        case Called(incident=incident):
            return Decided(entry=entry, verdict=Verdict.CALLED, thread=incident)
        case _:
            return Decided(entry=entry, verdict=Verdict.INSIDE)
