"""The books: every service's availability as of the last whole minute, for all surfaces that show figures by themselves.

One service's ledger is read from the store once a day, and when somebody said something about its past; what the machine decides is
written on in memory. In between each minute only cuts it anew. Bars, figures, metrics and documents are cut from the same ledger as of
the same instant, so that they agree to the last digit, and a request pays for none of them.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from incidents.corrected import Corrected, CorrectionApproved
from incidents.events import Event, MaintenanceEvent, StatusChanged
from incidents.levels.availability import Change, Ledger, planned, spliced
from incidents.levels.service_level import NO_OFFER, Offer, calendar_period
from incidents.levels.terms import Period
from incidents.model import Subject
from incidents.times.spans import Span
from statuspage.ledgers import Sources, sources_of
from statuspage.picture.days import Day, Past, bars_of, continued, last_known, strip
from statuspage.picture.figures import LevelView, level_view
from statuspage.picture.levels import Level, Month, closed_months, earliest, level
from statuspage.render.finished import Finished
from statuspage.render.ledgers import addressed, document
from statuspage.store.engine import Store
from statuspage.store.ledger_rows import read_correction

MINUTE = timedelta(minutes=1)
AHEAD = timedelta(days=1)
"""How far past the present a kept ledger is told, as if nothing changed: so long it only needs cutting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a service's figures and bars are cut from. Months that are closed, and days that are over, stay for as long as it holds."""

    sources: Sources
    ledger: Ledger
    planned: tuple[Span, ...]
    since: datetime
    closed: tuple[Month, ...]
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """All that is told of a service as of one instant, cut from *kept*."""

    kept: _Kept
    level: Level
    view: LevelView
    past: Past


@dataclass(slots=True)
class _Heard:
    """What was heard since the last renewal: what the machine decided, whose past somebody spoke of, and whether all are to be read."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    turned: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    is_replanned: bool = False

    def before(self, later: "_Heard") -> "_Heard":
        """All of it, and then *later*."""
        changes = {id: [*self.changes.get(id, ()), *later.changes.get(id, ())] for id in {**self.changes, **later.changes}}
        return _Heard(changes, self.turned | later.turned, self.approved | later.approved, self.is_replanned or later.is_replanned)


@dataclass(slots=True, kw_only=True)
class Books:
    """Keeps *levels*, as of the last whole minute *as_of*; a service that was never watched is not among them.

    *views* is what the public may read of them, *pasts* what the bars show.
    """

    store: Store
    zone: str
    services: Collection[str]
    offers: Mapping[str, Offer]
    as_of: datetime | None = None
    levels: Mapping[str, Level] = field(default_factory=lambda: MappingProxyType({}))
    views: Mapping[str, LevelView] = field(default_factory=lambda: MappingProxyType({}))
    pasts: Mapping[str, Past] = field(default_factory=lambda: MappingProxyType({}))
    _told: Mapping[str, _Told | None] = field(default_factory=dict)
    _heard: _Heard = field(default_factory=_Heard)

    def hear(self, events: Sequence[Event]) -> None:
        """Note whose past is another after a committed turn."""
        for event in events:
            match event:
                case StatusChanged(subject=Subject.SERVICE):
                    change = Change(since=event.since, new=event.new, covered=event.covered)
                    self._heard.changes.setdefault(event.id, []).append(change)
                case Corrected():
                    self._heard.turned.add(event.service)
                case CorrectionApproved():
                    self._heard.approved.add(event.correction)
                case _ if isinstance(event, MaintenanceEvent):
                    self._heard.is_replanned = True
                case _:
                    continue

    def document(self, path: str) -> Callable[[], Finished] | None:
        """What makes the public document at *path*: the ledger of one of the periods that are told; None where there is none."""
        asked = addressed(path)
        level = None if asked is None else self.levels.get(asked.service)
        ledger = None if asked is None or level is None else level.ledgers.get(asked.word)
        return None if asked is None or ledger is None else partial(document, asked.form, ledger, service=asked.service, word=asked.word)

    def forget(self, zone: str, services: Collection[str], offers: Mapping[str, Offer]) -> None:
        """Read everything anew: the configuration changed."""
        self.zone, self.services, self.offers = zone, services, offers
        self._heard.turned.update(services, self._told)

    async def renew(self, now: datetime) -> None:
        """Tell of every service as of the last whole minute before *now*. Errors: StoreUnavailable, and the figures stay as they are."""
        as_of, services = now.replace(second=0, microsecond=0), tuple(self.services)
        moment = _Moment(zone=self.zone, as_of=as_of, offers=self.offers, period=Span(earliest(as_of, self.zone), as_of + AHEAD))
        # What was heard is taken before the reading that it asks for: what is heard meanwhile is for the next time.
        heard, self._heard = self._heard, _Heard()
        # What is planned moves no bar and no measured figure: it may bear on the contract of every service, and is read with the minute.
        is_late = heard.is_replanned and as_of == self.as_of
        wanted = {id for id in services if (heard.is_replanned and not is_late) or not self._holds(id, heard, moment)}
        try:
            fresh = await self.store.read(partial(_read, wanted, heard.approved, moment.period)) if wanted or heard.approved else {}
        except BaseException:
            self._heard = heard.before(self._heard)
            raise
        self._heard.is_replanned |= is_late
        self._told = await asyncio.to_thread(moment.told, {id: self._told.get(id) for id in services}, fresh, heard.changes)
        told = {id: one for id, one in self._told.items() if one is not None}
        self.as_of = as_of
        self.levels = MappingProxyType({id: one.level for id, one in told.items()})
        self.views = MappingProxyType({id: one.view for id, one in told.items()})
        self.pasts = MappingProxyType({id: one.past for id, one in told.items()})

    def _holds(self, service: str, heard: _Heard, moment: "_Moment") -> bool:
        """Whether what is kept of *service* still serves: nobody spoke of its past, and no day and no month has begun since."""
        if service in heard.turned or service not in self._told:
            return False
        told = self._told[service]
        if told is None:
            return service not in heard.changes  # it is watched from now on
        return told.kept.since == moment.period.since and moment.as_of <= told.kept.ledger.period.until


def _read(services: Collection[str], approved: Collection[str], period: Span, connection: Connection) -> Mapping[str, Sources | None]:
    """What is known of *services*, and of those whose corrections were *approved*; None of one that was never watched."""
    wanted = {*services, *(read_correction(connection, id).service for id in approved)}
    return {id: _known(connection, id, period) for id in wanted}


def _known(connection: Connection, service: str, period: Span) -> Sources | None:
    try:
        return sources_of(connection, service, period)
    except LookupError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """When, and in which zone, all is told; *period* is what a ledger that is read now covers."""

    zone: str
    as_of: datetime
    offers: Mapping[str, Offer]
    period: Span

    def told(
        self, before: Mapping[str, _Told | None], fresh: Mapping[str, Sources | None], heard: Mapping[str, Sequence[Change]]
    ) -> Mapping[str, _Told | None]:
        """Tell of each service in *before* anew, as far as anything of it is another: the minute, what was read, what was *heard*."""
        return {id: self._one(id, was, fresh, heard.get(id, ())) for id, was in before.items()}

    def _one(self, id: str, was: _Told | None, fresh: Mapping[str, Sources | None], changes: Sequence[Change]) -> _Told | None:
        if id in fresh:
            sources = fresh[id]
            return None if sources is None else self._cut(id, self._begun(sources, self.period.until))
        if was is None or (was.level.as_of == self.as_of and not changes):
            return was
        kept = self._followed(was.kept, changes) if changes else self._gone_on(was.kept)
        if was.level.as_of == self.as_of and all(change.since >= self.as_of for change in changes):
            # It began after the minute of which all is told: no sum is another yet.
            return _Told(kept, was.level, was.view, self._past(kept))
        return self._cut(id, kept)

    def _cut(self, id: str, kept: _Kept) -> _Told:
        stated, offer = kept.sources.stated, self.offers.get(id, NO_OFFER)
        told = level(id, kept.ledger, stated, zone=self.zone, as_of=self.as_of, offer=offer, closed=kept.closed)
        return _Told(kept, told, level_view(told), self._past(kept))

    def _past(self, kept: _Kept) -> Past:
        return Past(days=kept.days, created=kept.sources.born, last_known=last_known(kept.sources.changes))

    def _begun(self, sources: Sources, until: datetime) -> _Kept:
        ledger = sources.ledger(Span(self.period.since, until))
        shown = planned(sources.changes, sources.corrections, until)
        first, _ = self._bars
        return _Kept(
            sources=sources,
            ledger=ledger,
            planned=shown,
            since=self.period.since,
            closed=closed_months(ledger, sources.stated, self.zone, self.as_of),
            days=self._days(ledger, shown, first),
        )

    def _followed(self, kept: _Kept, changes: Sequence[Change]) -> _Kept:
        """*kept* with what was decided since: the ledger is told again from the first of *changes* on."""
        sources, since = kept.sources.followed(changes), min(change.since for change in changes)
        until = kept.ledger.period.until
        if not kept.ledger.period.since < since < until:
            return self._begun(sources, until)
        ledger = spliced(kept.ledger, sources.ledger(Span(since, until)))
        shown = planned(sources.changes, sources.corrections, until)
        is_closed = since < calendar_period(Period.MONTH, self._bars[1], self.zone).since
        again = min(kept.days[-1].day, since.astimezone(ZoneInfo(self.zone)).date())
        return replace(
            kept,
            sources=sources,
            ledger=ledger,
            planned=shown,
            closed=closed_months(ledger, sources.stated, self.zone, self.as_of) if is_closed else kept.closed,
            days=continued(kept.days, self._days(ledger, shown, again)),
        )

    def _gone_on(self, kept: _Kept) -> _Kept:
        """*kept* as time goes on: of the days only the last ones are others."""
        return replace(kept, days=continued(kept.days, self._days(kept.ledger, kept.planned, kept.days[-1].day)))

    @property
    def _bars(self) -> tuple[date, date]:
        return bars_of(self.as_of.astimezone(ZoneInfo(self.zone)).date())

    def _days(self, ledger: Ledger, planned: Sequence[Span], again: date) -> tuple[Day, ...]:
        """The days from *again* on; all of them where the clock went back to before it."""
        first, last = self._bars
        since = max(first, again) if again <= last else first
        return strip(ledger, planned, first=since, last=last, until=self.as_of, zone=ZoneInfo(self.zone))
