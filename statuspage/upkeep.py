"""What is done once an hour: forgetting what need not be kept, and looking at what a single turn cannot see."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.drift import Trend
from statuspage.clock import Now
from statuspage.config.models import Config
from statuspage.config.terms import terms
from statuspage.pipeline import Pipeline
from statuspage.store.acts import forget_audit, head_of_audit
from statuspage.store.callers import prune_callers
from statuspage.store.changes import prune_changes
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.ledger_rows import state_terms
from statuspage.store.outbox import prune_told
from statuspage.store.reports import prune_reports
from statuspage.store.results import prune, prune_hours
from statuspage.store.signals import prune_signals
from statuspage.store.trends import trends
from statuspage.store.usefulness import prune_usefulness
from statuspage.store.words import bring_words_up_to_date

log = logging.getLogger(__name__)

HOUSE_EVERY = 3600.0
SLACK = 60.0
"""Seconds that the wall clock may be ahead of the monotonic one between two rounds of housekeeping."""

SLICE = 5000
"""Rows that one transaction of housekeeping deletes at most."""

REMEMBER_EVERY = timedelta(days=1)
"""How much a replay has to go through at most before the instant that is asked for."""


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """Keeps the house. *config* gives the configuration in use; *trends* is what probes take lately and usually."""

    store: Store
    pipeline: Pipeline
    config: Callable[[], Config]
    now: Now
    remembered_at: datetime
    trends: Mapping[tuple[str, str], Trend] = field(default_factory=dict)

    async def run(self) -> None:
        """Forget, once an hour, what need not be kept any longer; in slices, so that nobody waits for it."""
        loop = asyncio.get_running_loop()
        trusted, asked = self.now(), loop.time()
        while True:
            # A wall clock that jumps ahead must not make everything old at once: time passes only as fast as it really does.
            trusted = min(self.now(), trusted + timedelta(seconds=loop.time() - asked + SLACK))
            asked = loop.time()
            await self.index()
            await self.clear()
            await self.forget(trusted)
            await self.restate(trusted)
            await self.remember(trusted)
            await self.compare(trusted)
            await self.seal()
            await asyncio.sleep(HOUSE_EVERY)

    async def clear(self) -> None:
        """Clear the file of removed words where we died before that was done. Errors: none while the store is away."""
        try:
            await self.store.purge()
        except StoreUnavailable as error:
            log.warning("traces of what was removed are cleared an hour later: %s", error)

    async def forget(self, now: datetime) -> None:
        """Drop what is past its retention at *now*. Errors: none while the store is away."""
        keeps = self.config().store.retention
        try:
            gone = SLICE
            while gone >= SLICE:
                gone = await self.store.write(lambda connection: prune(connection, now - keeps.results, SLICE))
            await self.store.write(lambda connection: prune_hours(connection, now - keeps.hourly))
            while await self.store.write(lambda connection: prune_reports(connection, now, now - keeps.callers, SLICE)) >= SLICE:
                continue
            while await self.store.write(lambda connection: prune_told(connection, now, now - keeps.notifications, SLICE)) >= SLICE:
                continue
            while await self.store.write(lambda connection: prune_usefulness(connection, now - keeps.callers, SLICE)) >= SLICE:
                continue
            while await self.store.write(lambda connection: prune_callers(connection, now - keeps.callers, SLICE)) >= SLICE:
                continue
            while await self.store.write(lambda connection: prune_signals(connection, now - keeps.callers, now, SLICE)) >= SLICE:
                continue
            while await self.store.write(lambda connection: prune_changes(connection, now - keeps.changes, SLICE)) >= SLICE:
                continue
            while await self.store.write(lambda connection: forget_audit(connection, now - keeps.audit, now, SLICE)) >= SLICE:
                continue
        except StoreUnavailable as error:
            log.warning("nothing is forgotten this time: %s", error)

    async def index(self) -> None:
        """Have all that was ever public in the search, where an older release did not keep it. Errors: none while the store is away."""
        try:
            while await self.store.write(bring_words_up_to_date):
                continue
        except StoreUnavailable as error:
            log.warning("older words are searched an hour later: %s", error)

    async def seal(self) -> None:
        """Tell the journal how far the audit has come: kept elsewhere, it proves what stood there. Errors: none while the store is away."""
        try:
            head = await self.store.read(head_of_audit)
        except StoreUnavailable as error:
            log.warning("the audit is sealed an hour later: %s", error)
        else:
            log.info("audit head %s", head)

    async def compare(self, now: datetime) -> None:
        """Find out what is slower than it used to be, monitor by monitor. Errors: none while the store is away."""
        watched = {(monitor.id, place) for monitor in self.pipeline.situation.topology.monitors.values() for place in monitor.locations}
        try:
            self.trends = await trends(self.store, watched, now)
        except StoreUnavailable as error:
            log.warning("paces are compared an hour later: %s", error)

    async def restate(self, now: datetime) -> None:
        """Write down what is promised, where a new year brought other holidays. Errors: none while the store is away."""
        stated = terms(self.config(), now.year)
        try:
            await self.store.write(lambda connection: state_terms(connection, stated, now))
        except StoreUnavailable as error:
            log.warning("service levels are written down an hour later: %s", error)

    async def remember(self, now: datetime) -> None:
        """Keep once a day all that is known, so that a replay need not begin at the birth. Errors: none while the store is away."""
        if now - self.remembered_at < REMEMBER_EVERY:
            return
        try:
            if await self.pipeline.remember():
                self.remembered_at = now
        except StoreUnavailable as error:
            log.warning("nothing is remembered this time: %s", error)
