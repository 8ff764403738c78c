"""Tells Alertmanagers which incidents go on: all of them again and again, so that nothing that got lost stays lost.

What is told is how things stand and not what happened, so it needs no outbox: ADR 43.
"""

import asyncio
import base64
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incidents.events import Event
from incidents.model import Incident
from probes.egress import Door, Trust
from probes.wire.http1 import Request, place
from statuspage.channels.channel import Failed
from statuspage.channels.posting import posted
from statuspage.clock import Now
from statuspage.pipeline import Pipeline
from statuspage.render.alertmanager import Alert, Alertbook, going_on, spelled
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.signals import opened_by_signals

log = logging.getLogger(__name__)

LEAST_PAUSE = 1.0
"""Seconds between two rounds, however much happens."""

AGAIN_AFTER = 10.0
"""Seconds after which one that could not be told is tried again."""

SILENT_FOR = 4
"""After how many rounds in which it is not told again an alert is over by itself."""

MOST_AT_ONCE = 200
"""Alerts in one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whom we tell, how often, and what has to be known for it. *authorization* is the header's value, or empty."""

    urls: tuple[str, ...] = ()
    every: timedelta = timedelta(minutes=1)
    book: Alertbook = field(default_factory=Alertbook)
    authorization: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class _Listener:
    """One Alertmanager: what it believes to go on, each alert with when it was last told; whether it answers."""

    believed: dict[frozenset[tuple[str, str]], tuple[Alert, datetime]] = field(default_factory=dict)
    is_away: bool = False


@dataclass(slots=True, kw_only=True)
class Alerting:
    """Keeps Alertmanagers up to date; *told* and *door* are as the configuration in use says."""

    pipeline: Pipeline
    store: Store
    now: Now
    told: Callable[[], Told]
    door: Callable[[], Door]
    _listeners: dict[str, _Listener] = field(default_factory=dict)
    _from_elsewhere: frozenset[str] = frozenset()
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, events: Sequence[Event]) -> None:
        """Tell at once where anything about an incident changed."""
        if any(getattr(event, "incident", None) for event in events):
            self._woken.set()

    @property
    def away(self) -> int | None:
        """How many of them do not answer; None where there is none to tell."""
        return sum(one.is_away for one in self._listeners.values()) if self.told().urls else None

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            self._woken.clear()
            is_heard = await self.look()
            await asyncio.sleep(LEAST_PAUSE)
            usual = self.told().every.total_seconds()
            try:
                async with asyncio.timeout(usual if is_heard else min(usual, AGAIN_AFTER)):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def look(self) -> bool:
        """Tell each of them what goes on, and what they believe to go on and is over; whether all have heard."""
        told, now = self.told(), self.now()
        self._listeners = {url: self._listeners.get(url, _Listener()) for url in told.urls}
        if not told.urls:
            return True
        alerts = going_on(await self._ours(), told.book, now)
        return all(await asyncio.gather(*(self._tell(url, told, alerts, now) for url in told.urls)))

    async def _ours(self) -> Sequence[Incident]:
        """The open incidents without those that another system's signals opened: that system has told of them already."""
        incidents = self.pipeline.situation.incidents
        try:
            self._from_elsewhere = await self.store.read(lambda connection: opened_by_signals(connection, incidents.keys()))
        except StoreUnavailable as error:
            log.debug("where incidents come from is as was known before: %s", error)
        return [one for one in incidents.values() if one.id not in self._from_elsewhere]

    async def _tell(self, url: str, told: Told, alerts: Sequence[Alert], now: datetime) -> bool:
        listener, lasts = self._listeners[url], SILENT_FOR * told.every
        current = {alert.key: (alert, now) for alert in alerts}
        still = {key: one for key, one in listener.believed.items() if now - one[1] < lasts}
        over = [alert for key, (alert, _) in still.items() if key not in current]
        listener.believed = {**still, **current}  # whatever becomes of it: it may have been heard although we never learn of that
        sent = [*((alert, now + lasts) for alert in alerts), *((alert, now) for alert in over)]
        fault = None
        for start in range(0, len(sent), MOST_AT_ONCE):
            fault = fault or await self._post(url, told, spelled(sent[start : start + MOST_AT_ONCE]))
        if fault is None:
            listener.believed = current
        self._tell_of(listener, fault)
        return fault is None

    async def _post(self, url: str, told: Told, body: bytes) -> str | None:
        """Why it was not taken; None where it was."""
        headers = {"content-type": "application/json", "user-agent": "statuspage"}
        if told.authorization:
            headers["authorization"] = told.authorization
        request = Request(method="POST", place=place(f"{url.rstrip('/')}/api/v2/alerts"), headers=headers, body=body)
        answer = await posted(self.door(), request, Trust.NAMED)
        if isinstance(answer, Failed):
            return answer.reason
        return None if answer.status == 200 else f"status {answer.status}"

    def _tell_of(self, listener: _Listener, fault: str | None) -> None:
        if fault is not None and not listener.is_away:
            log.warning("an Alertmanager is not told of our incidents: %s", fault)
        elif fault is None and listener.is_away:
            log.info("an Alertmanager is told of our incidents again")
        listener.is_away = fault is not None


def basic(user: str, password: str) -> str:
    """The header's value for a name and a password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
