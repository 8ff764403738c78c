"""The books: every service's availability as of the last whole minute, for all surfaces that show figures by themselves.

One service's ledger is made from the store when something of its own changed, and once a day; in between each minute only cuts it anew.
So all of the page, the metrics and the desk show the same figures, and a request pays for none of them.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from sqlalchemy import Connection

from incidents.corrected import Corrected, CorrectionApproved
from incidents.events import Event, MaintenanceEvent, StatusChanged
from incidents.levels.availability import Ledger
from incidents.levels.service_level import NO_OFFER, Offer
from incidents.model import Subject
from incidents.times.spans import Span
from probes.result import Result
from statuspage.clock import Now
from statuspage.figures import LevelView, level_view
from statuspage.ledgers import ledger_of
from statuspage.levels import Level, Month, Stated, closed_months, earliest, level
from statuspage.render.finished import Finished
from statuspage.render.ledgers import addressed, document
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.ledger_rows import terms_of

log = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
AHEAD = timedelta(days=1)
"""How far past the present a kept ledger is told, as if nothing changed: so long it only needs cutting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a service's figures are cut from. The months that are closed are closed for as long as the ledger holds."""

    ledger: Ledger
    stated: Stated
    since: datetime
    closed: tuple[Month, ...]


def nobody() -> None:
    """Tell no one that there are new figures."""


@dataclass(slots=True, kw_only=True)
class Books:
    """Keeps *levels*, as of the last whole minute; a service that was never watched is not among them.

    *views* is what the public may read of them; *told* hears when that looks otherwise.
    """

    store: Store
    now: Now
    zone: str
    services: Collection[str]
    offers: Mapping[str, Offer]
    told: Callable[[], None] = nobody
    levels: Mapping[str, Level] = field(default_factory=lambda: MappingProxyType({}))
    views: Mapping[str, LevelView] = field(default_factory=lambda: MappingProxyType({}))
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _turned: set[str] = field(default_factory=set)

    def hear(self, events: Sequence[Event], _: Sequence[Result]) -> None:
        """Note whose past is another after a committed turn."""
        for event in events:
            match event:
                case StatusChanged(subject=Subject.SERVICE):
                    self._turned.add(event.id)
                case Corrected():
                    self._turned.add(event.service)
                case _ if isinstance(event, CorrectionApproved | MaintenanceEvent):
                    self._turned.update(self.services)  # rare, and it may speak of any of them
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
        self._turned.update(services)

    async def run(self) -> None:
        """Renew every minute for ever; ended by cancelling."""
        while True:
            now = self.now()
            await asyncio.sleep((_minute(now) + MINUTE - now).total_seconds())
            try:
                await self.renew()
            except StoreUnavailable as error:
                log.warning("availability is told as of an earlier minute: %s", error)

    async def renew(self) -> None:
        """Tell of every service as of the last whole minute. Errors: StoreUnavailable, and the figures stay as they are."""
        as_of, services = _minute(self.now()), tuple(self.services)
        # The marks are taken down before the reading that they ask for: what is heard meanwhile puts them up again.
        turned, self._turned = self._turned, set()
        zone, period = self.zone, Span(earliest(as_of, self.zone), as_of + AHEAD)
        wanted = [id for id in services if id in turned or not self._holds(id, as_of, period.since)]

        def read(connection: Connection) -> Mapping[str, _Kept]:
            found = ((id, _accounted(connection, id, period, zone, as_of)) for id in wanted)
            return {id: kept for id, kept in found if kept is not None}

        try:
            fresh = await self.store.read(read) if wanted else {}
        except BaseException:
            self._turned |= turned
            raise
        kept = {**self._kept, **fresh}
        self._kept = {id: kept[id] for id in services if id in kept}
        before = self.views
        self.levels, self.views = await asyncio.to_thread(self._told, self._kept, as_of)
        if before != self.views:
            self.told()

    def _holds(self, service: str, as_of: datetime, since: datetime) -> bool:
        """Whether the kept ledger of *service* still serves: no day and no month has begun since."""
        kept = self._kept.get(service)
        return kept is not None and kept.since == since and as_of <= kept.ledger.period.until

    def _told(self, kept: Mapping[str, _Kept], as_of: datetime) -> tuple[Mapping[str, Level], Mapping[str, LevelView]]:
        levels = {
            id: level(id, one.ledger, one.stated, zone=self.zone, as_of=as_of, offer=self.offers.get(id, NO_OFFER), closed=one.closed)
            for id, one in kept.items()
        }
        return MappingProxyType(levels), MappingProxyType({id: level_view(one) for id, one in levels.items()})


def _accounted(connection: Connection, service: str, period: Span, zone: str, as_of: datetime) -> _Kept | None:
    """Account for *service*; None where it was never watched."""
    try:
        ledger, stated = ledger_of(connection, service, period), terms_of(connection, service)
    except LookupError:
        return None
    return _Kept(ledger=ledger, stated=stated, since=period.since, closed=closed_months(ledger, stated, zone, as_of))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
