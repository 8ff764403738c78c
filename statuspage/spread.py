"""From the outbox to notifications: each entry gets its verdict when its time has come, and everybody who asked for it a notification.

Where it breaks off, it begins the entry again: a notification that is there is not written twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from incidents.advisory import AdvisoryUpdated
from incidents.events import Acknowledged, Called, MaintenanceUpdated, Resolved, StatusChanged, Updated
from incidents.model import Incident, Service, Update
from statuspage.channels import webhook
from statuspage.picture.audience import (
    Rhythm,
    Verdict,
    advisory_held_until,
    held_until,
    verdict,
    verdict_on_advisory,
    wants,
    wants_advisory,
    wants_status,
    wants_work,
)
from statuspage.picture.page import Story
from statuspage.picture.planned import is_loud
from statuspage.picture.scope import Scope, cut_to
from statuspage.store import queries
from statuspage.store.advisory_rows import read_advisories
from statuspage.store.engine import Store
from statuspage.store.incident_rows import read_incidents
from statuspage.store.maintenance_rows import read_maintenances
from statuspage.store.outbox import Entry, called_recipients, decide, hold, notify, told_recipients, told_threads, undecided
from statuspage.store.outlets import Outlet, fold_held
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An entry that is looked at again at *until*."""

    entry: Entry
    until: datetime


Places = Callable[[str, datetime], Sequence[str]]
"""The lines that lead to a team, and to whoever is on call in it at an instant."""


Quiet = Callable[[Connection, str, str, datetime], datetime | None]
"""Until when a line keeps quiet about an incident at an instant; None where it does not."""


def never_quiet(connection: Connection, line: str, incident: str, at: datetime) -> datetime | None:
    """Tell everybody at once."""
    del connection, line, incident, at
    return None


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
    quiet: Quiet = never_quiet,
) -> None:
    """Decide what can be decided at *now*, and write the notifications of what is told. Errors: StoreUnavailable.

    What is held back costs a look once, and then nothing before its time has come or something may have brought it forward.
    """
    found = await store.read(lambda connection: _looked_at(connection, services, now))
    ready = [one for one in found if isinstance(one, Decided)]
    if found:
        decided = [one for one in ready if one.verdict is not Verdict.TOLD]
        held = [one for one in found if isinstance(one, Held)]
        await store.write(partial(_decide, decided, held, Calling(places=places, quiet=quiet), now))
    told = [one for one in ready if one.verdict is Verdict.TOLD]
    turned = [one for one in told if isinstance(one.entry.event, StatusChanged)]
    for start in range(0, len(turned), TURNS_AT_ONCE):
        await _tell_turns(store, turned[start : start + TURNS_AT_ONCE], channels, now)
    for one in told:
        if not isinstance(one.entry.event, StatusChanged):
            await _tell(store, one, channels, now, outlets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """Where teams are told, and who of them keeps quiet hours."""

    places: Places
    quiet: Quiet


def _decide(decided: Sequence[Decided], held: Sequence[Held], calling: Calling, now: datetime, connection: Connection) -> None:
    for until in {one.until for one in held}:
        hold(connection, [one.entry.id for one in held if one.until == until], until)
    for one in decided:
        _call(connection, one.entry, calling, now)
        decide(connection, one.entry.id, one.verdict, now)
        if one.verdict is Verdict.OVER:
            _answer(connection, one, now)


def _call(connection: Connection, entry: Entry, calling: Calling, now: datetime) -> None:
    """A team is called; and who was called hears that somebody has taken it, or that it is over.

    Who keeps quiet hours hears it at their end, or with the first word that is told all the same.
    """
    match entry.event:
        case Called(incident=incident, team=team):
            whom: Sequence[tuple[str, str]] = [(line, line) for line in calling.places(team, now)]
        case Acknowledged(incident=incident) | Resolved(incident=incident):
            whom = called_recipients(connection, incident)
        case _:
            return
    asleep = {line: until for line, _ in whom if (until := calling.quiet(connection, line, incident, now)) is not None}
    fold_held(connection, [line for line, _ in whom if line not in asleep], incident, now)
    notify(connection, entry, incident, whom, now, quiet=asleep)


def _answer(connection: Connection, one: Decided, now: datetime) -> None:
    """Whoever reported it is answered, however short it was and whoever else is told."""
    if isinstance(one.entry.event, Updated):
        incident = read_incidents(connection, [one.thread]).get(one.thread)
        if incident is not None:
            answer(connection, incident, one.entry.event.update, now)


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
    asking = [(each.recipient, each.channel) for each in asked if wishing.concerns(each, told)]
    later = {each.recipient for each in found if each.wish.rhythm is not Rhythm.AT_ONCE}
    notify(connection, one.entry, one.thread, asking, now, gathered=later)
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
                incident = read_incidents(connection, [one.thread]).get(one.thread)
                return cls(incident=cut_to(incident, scope) if incident else None, update=update)
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


def _looked_at(connection: Connection, services: Mapping[str, Service], now: datetime) -> list[Decided | Held]:
    """Entries that are to be looked at, oldest first, each with what becomes of it; those that are held back keep nobody else waiting."""
    look = _Look(connection=connection, services=services, now=now, scope=Scope(hidden=hidden(connection)))
    found: list[Decided | Held] = []
    ready = last = 0
    while ready < AT_ONCE and (entries := undecided(connection, now, limit=AT_ONCE, after=last)):
        some = look.at(entries)
        found += some
        ready += sum(isinstance(one, Decided) for one in some)
        last = entries[-1].id
    return found


@dataclass(slots=True, kw_only=True)
class _Look:
    """One look at the outbox: *told* are the threads that anything was told of, be it in this look; *stories* what was read in it."""

    connection: Connection
    services: Mapping[str, Service]
    now: datetime
    scope: Scope
    told: set[str] = field(default_factory=set)
    stories: dict[str, Story] = field(default_factory=dict)

    def at(self, entries: Sequence[Entry]) -> Sequence[Decided | Held]:
        """What becomes of each of *entries*."""
        incidents = {one.event.incident for one in entries if isinstance(one.event, Updated)}
        new = incidents - self.stories.keys()
        self.stories |= {story.incident.id: story for story in queries.stories_of(self.connection, new)}
        warned = {one.event.advisory for one in entries if isinstance(one.event, AdvisoryUpdated)}
        self.told |= told_threads(self.connection, incidents=incidents, advisories=warned)
        return [self._at(entry) for entry in entries]

    def _at(self, entry: Entry) -> Decided | Held:
        match entry.event:
            case Updated() as event:
                found = self._of_incident(entry, event)
            case MaintenanceUpdated() as event:
                found = self._of_work(entry, event)
            case AdvisoryUpdated() as event:
                found = self._of_advisory(entry, event)
            case StatusChanged() as event:
                found = self._of_status(entry, event)
            case Called(incident=incident):
                found = Decided(entry=entry, verdict=Verdict.CALLED, thread=incident)
            case _:
                found = Decided(entry=entry, verdict=Verdict.INSIDE)
        if isinstance(found, Decided) and found.verdict is Verdict.TOLD:
            self.told.add(found.thread)
        return found

    def _of_incident(self, entry: Entry, event: Updated) -> Decided | Held:
        incident, story = event.incident, self.stories.get(event.incident)
        update = next((one for one in story.updates if one.number == event.update.number), None) if story else None
        if story is None or update is None:
            return Decided(entry=entry, verdict=Verdict.WITHDRAWN)
        cut = cut_to(story.incident, self.scope)
        if cut is None or not self.scope.hits(story.hit.get(update.number) or {*story.incident.worst, *story.incident.services}):
            return Decided(entry=entry, verdict=Verdict.INSIDE, thread=incident)
        found = verdict(cut, update, self.services, self.now, was_told=incident in self.told)
        if found is None:
            return Held(entry=entry, until=held_until(cut, self.services))
        return Decided(entry=entry, verdict=found, thread=incident)

    def _of_work(self, entry: Entry, event: MaintenanceUpdated) -> Decided:
        window = read_maintenances(self.connection, [event.maintenance]).get(event.maintenance)
        if window is None or not window.is_public:
            return Decided(entry=entry, verdict=Verdict.WITHDRAWN)
        if not self.scope.hits(window.services):
            return Decided(entry=entry, verdict=Verdict.INSIDE, thread=event.maintenance)
        return Decided(entry=entry, verdict=Verdict.TOLD if is_loud(window, event.update) else Verdict.QUIET, thread=event.maintenance)

    def _of_advisory(self, entry: Entry, event: AdvisoryUpdated) -> Decided | Held:
        advisory = read_advisories(self.connection, [event.advisory]).get(event.advisory)
        if advisory is None or not self.scope.hits(advisory.services):
            return Decided(entry=entry, verdict=Verdict.INSIDE, thread=event.advisory)
        found = verdict_on_advisory(advisory, self.services, self.now, was_told=event.advisory in self.told)
        if found is None:
            return Held(entry=entry, until=advisory_held_until(advisory, self.services))
        return Decided(entry=entry, verdict=found, thread=event.advisory)

    def _of_status(self, entry: Entry, change: StatusChanged) -> Decided:
        thread = thread_of(self.connection, change.id)
        is_news = thread is not None and self.scope.tells_of(change.id) and known_before(self.connection, change) is not change.new
        return Decided(entry=entry, verdict=Verdict.TOLD if is_news else Verdict.INSIDE, thread=thread or "")
