"""Keeps the mirror: writes what is public to the configured directory on each change, and often enough that its age can be believed."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Self

from incidents.advisory import Advised, Advisory, AdvisoryEvent, AdvisoryReworded
from incidents.corrected import CorrectionEvent
from incidents.events import (
    Event,
    IncidentEvent,
    MaintenanceEvent,
)
from incidents.maintenance import Maintenance
from incidents.model import Incident
from incidents.rewording import MaintenanceReworded, Redacted, RewordingEvent, Struck
from statuspage.mirror.carrying import Carrying, carrying_to
from statuspage.mirror.files import leaves
from statuspage.mirror.publication import kept_beside, publish
from statuspage.mirror.target import Target
from statuspage.mirror.version import Version
from statuspage.mirror.versions import home_of, spoken
from statuspage.mirror.walk import Older, Walk
from statuspage.picture.news import ADDS
from statuspage.press import Press
from statuspage.store.errors import StoreUnavailable
from statuspage.store.rewording import newest_redaction
from statuspage.vitals import MirrorFigures

log = logging.getLogger(__name__)

GATHER = 1.0
"""Seconds that changes may gather before they are written together."""

REST, LONGEST_REST = 4.0, 10.0
"""Times as long as a publication took, it rests after it, a fifth of a core at most; but never for more seconds than that."""

RETRY, LONGEST_RETRY = 5.0, 120.0
"""Seconds after which it is tried again; twice as long each time, where it is carried elsewhere."""

_MOST_DOUBLINGS = 10

_UNSURE = timedelta(days=1)
"""How long before a start words may have been removed here of which nobody knows whether they were on the far side, too."""

_RETELLS = IncidentEvent | MaintenanceEvent | CorrectionEvent | RewordingEvent


@dataclass(slots=True, kw_only=True)
class Mirror:
    """What is written to where *to* names (None: nowhere), from what the *press* issued, by a *walk* through it all.

    What is carried elsewhere takes its time beside everything else, and nothing waits for it but the next publication.
    """

    press: Press
    walk: Walk
    to: Callable[[], Target | None]
    figures: MirrorFigures = field(default_factory=MirrorFigures)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _carrying: Carrying | None = None
    _tries: int = 0
    _planned: Mapping[str, Maintenance] = field(default_factory=dict)
    _opened: Mapping[str, Incident] = field(default_factory=dict)
    _warned: Mapping[str, Advisory] = field(default_factory=dict)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _redacted: int | None = None  # as of which turn words are to be gone from every version
    _is_begun: bool = False

    @classmethod
    def beside(cls, press: Press, *, past: Older, to: Callable[[], Target | None]) -> Self:
        """Make one that hears of what *press* issues; *past* makes the pages of months."""
        mirror = cls(press=press, walk=Walk(publisher=press.publisher, older=press.older, past=past), to=to)
        press.issued.append(mirror.wake)
        return mirror

    def hear(self, events: Sequence[Event]) -> None:
        """Note whose pages beyond the shelf are others after a committed turn."""
        self.walk.forget(f"/incidents/{event.incident}" for event in events if isinstance(event, IncidentEvent | RewordingEvent))
        self.walk.forget(f"/maintenance/{event.maintenance}" for event in events if isinstance(event, MaintenanceEvent))
        if any(isinstance(event, IncidentEvent | MaintenanceEvent | RewordingEvent) and not isinstance(event, ADDS) for event in events):
            self.walk.forget_archives()
        self._forget_months([event for event in events if isinstance(event, _RETELLS)])
        self._forget_advisories([event for event in events if isinstance(event, AdvisoryEvent)])
        if any(isinstance(event, Struck | MaintenanceReworded | AdvisoryReworded) for event in events):
            self.walk.forget_all()
        if any(isinstance(event, Redacted | Struck) for event in events):
            self._redacted = self.press.heard
            self._hurry.set()

    def _forget_months(self, events: Sequence[IncidentEvent | MaintenanceEvent | CorrectionEvent | RewordingEvent]) -> None:
        """Ask again for those in which an incident or a window stands of which more is known, and for all where something else is."""
        situation, planned = self.press.pipeline.situation, self._planned
        self._planned = situation.maintenances
        before, self._opened = self._opened, {**situation.ended, **situation.incidents}
        incidents = {**before, **self._opened}
        for event in events:
            if isinstance(event, MaintenanceEvent):
                found = [plans[event.maintenance] for plans in (planned, self._planned) if event.maintenance in plans]
                told = [at for one in found for at in (one.starts, *(promise.starts for promise in one.promises))]
            elif isinstance(event, CorrectionEvent):
                told = []
            else:
                told = [incidents[event.incident].started_at] if event.incident in incidents else []
            # A day more: whatever the zone of the site is. Months that go on, or are still to come, are not kept.
            self.walk.forget_months(min(told).date() - timedelta(days=1) if told else date.min)

    def _forget_advisories(self, events: Sequence[AdvisoryEvent]) -> None:
        """Ask again for the months from the start of those on of which more is known. Their pages are on the shelf until they end."""
        warned, self._warned = self._warned, self.press.pipeline.situation.advisories
        for event in events:
            found = [known[event.advisory] for known in (warned, self._warned) if event.advisory in known]
            began = min((one.starts for one in found), default=event.plan.starts if isinstance(event, Advised) else None)
            self.walk.forget_months(date.min if began is None else min(began, event.at).date() - timedelta(days=1))

    def forget(self) -> None:
        """Make everything anew: the configuration changed."""
        self.walk.forget_all()
        self._is_begun = False  # it may be another directory by now
        self._changed.set()

    def wake(self) -> None:
        """Write soon: there is a new shelf."""
        self._changed.set()

    async def run(self) -> None:
        """Write for ever; ended by cancelling."""
        loop = asyncio.get_running_loop()
        while True:
            target, began = self.to(), loop.time()
            if target is None:
                self.figures.trouble, self.figures.since = "", None
                await self._changed.wait()
                self._changed.clear()
                continue
            await self._attempt(target)
            rest = self._retry(target) if self.figures.trouble else max(GATHER, min(REST * (loop.time() - began), LONGEST_REST))
            await self._rest(rest)
            if not self.figures.trouble:
                await self._wait(max(began + self.press.stale_after / 2 - loop.time(), 0.0))

    def _retry(self, target: Target) -> float:
        """After how long it is tried again."""
        if target.far is None:
            return RETRY
        return min(RETRY * 2.0 ** min(self._tries - 1, _MOST_DOUBLINGS), LONGEST_RETRY)  # or days of it would be no number any more

    async def _rest(self, seconds: float) -> None:
        """Rest, unless words were removed meanwhile: nobody is to read those for a moment longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
                await asyncio.sleep(GATHER)
        self._hurry.clear()

    async def _wait(self, at_most: float) -> None:
        """Wait for news, or for the time when even old news must be written again: somebody may have taken the directory away."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._changed.wait()

    async def _attempt(self, target: Target) -> None:
        """Write once; what fails is told where it can be seen, and tried again."""
        self._changed.clear()
        try:
            is_told = await self.publish(target)
        except OSError as error:
            self._tries += 1
            self._note(spoken(error))
        else:
            if not is_told:
                return
            if self.figures.trouble:
                log.info("the mirror in %s is up to date again", target.said)
            self._tries = 0
            if not self.walk.is_whole:
                self._changed.set()
            self.figures.trouble, self.figures.since, self.figures.done_at = "", None, self.press.now()

    async def publish(self, target: Target, *, at_once: bool = False) -> bool:
        """Write what is public now, and carry it on; *at_once* with all of a long past, which else follows after the news.

        False where there is nothing to write yet: the next shelf wakes us.
        Errors: OSError, and what was there stays; TimeoutError while the store is away.
        """
        shelf, fresh, redacted = self.press.shelf, self.press.fresh(), self._redacted
        if shelf is None or fresh is None or (redacted is not None and self.press.drawn < redacted):
            return False  # what was removed still stands on this shelf; the next one is on its way
        found = await self.walk.everything(shelf, at_once=at_once)
        at, site = self.press.now(), shelf.page.site.url
        clean_since = at if redacted is not None else await self._redacted_before()
        keeps = await asyncio.to_thread(kept_beside, target.directory, clean_since)
        if keeps == 0 and redacted is None and self._redacted is None:
            self._redacted = redacted = self.press.drawn  # also of what is carried elsewhere, however often that has to be tried
        files = await asyncio.to_thread(leaves, found, shelf.missing, fresh, site)
        version = await asyncio.to_thread(publish, target.directory, files, at, keeps)
        is_unsure = clean_since is not None and at - clean_since < _UNSURE
        await self._carry(target, version, 0 if is_unsure else keeps)
        self._is_begun = True
        if self._redacted == redacted:
            self._redacted = None
        return True

    async def _redacted_before(self) -> datetime | None:
        """When words were removed for the last time, maybe just before we died; None once that was seen to. Errors: TimeoutError."""
        if self._is_begun:
            return None
        try:
            return await self.press.store.read(newest_redaction)
        except StoreUnavailable as error:
            raise TimeoutError("the store is away") from error

    async def _carry(self, target: Target, version: Version, keeps: int) -> None:
        if target.far is None:
            return
        if self._carrying is None or self._carrying.far != target.far:
            self._carrying = carrying_to(target.far)
        await self._carrying.carry(home_of(target.directory, version), version, keeps=keeps)

    def _note(self, trouble: str) -> None:
        figures = self.figures
        figures.failures += 1
        if trouble != figures.trouble:
            log.warning("the mirror stays as it is: %s", trouble)
        figures.trouble, figures.since = trouble, figures.since or self.press.now()
