"""How quickly services answer, kept for their pages: read from the hourly roll-ups once an hour, so that no reader waits for the store."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from incidents.levels.service_level import midnight
from statuspage.clock import Now
from statuspage.picture.pace import DAYS, HOURS, Amount, Pace, mean, total
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.pace_rows import good_hours, hour_of
from statuspage.store.trends import place_numbers

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Places that one read looks at, so that nobody waits long for their turn."""

RETRY = 60.0
SETTLED = timedelta(seconds=10)
"""How long after an hour its last results may still come in."""

Place = tuple[str, str]
Watched = Mapping[str, Mapping[int, Sequence[Place]]]
"""By service and by need: the monitors and locations whose pace a customer would feel."""


@dataclass(slots=True)
class _Track:
    """What is kept of a place: the last hours by their number, and the last days."""

    hours: Mapping[int, Amount] = field(default_factory=dict)
    days: dict[date, Amount] = field(default_factory=dict)


def nobody() -> None:
    """Tell no one that there are new figures."""


@dataclass(slots=True, kw_only=True)
class Paces:
    """Keeps *paces* by service. *watched* says what is looked at, *zone* whose days are meant; *told* hears when there is news."""

    store: Store
    now: Now
    zone: Callable[[], str]
    watched: Callable[[], Watched]
    told: Callable[[], None] = nobody
    paces: Mapping[str, tuple[Pace, ...]] = field(default_factory=lambda: MappingProxyType({}))
    _tracks: dict[Place, _Track] = field(default_factory=dict)
    _zone: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Renew every hour for ever; ended by cancelling."""
        while True:
            self._changed.clear()
            try:
                await self.renew()
                wait = _next(self.now()).total_seconds()
            except StoreUnavailable as error:
                log.warning("response times are told as of an earlier hour: %s", error)
                wait = RETRY
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def forget(self) -> None:
        """Look again soon: the configuration changed."""
        self._changed.set()

    async def renew(self) -> None:
        """Tell of all hours that are over. Errors: StoreUnavailable, and the figures stay as they are."""
        now, watched, zone = self.now(), self.watched(), self.zone()
        wanted = {place for needs in watched.values() for places in needs.values() for place in places}
        if zone != self._zone:
            self._tracks, self._zone = {}, zone
        self._tracks = {place: track for place, track in self._tracks.items() if place in wanted}
        known = await self.store.read(place_numbers)
        numbers = {number: place for number, place in known.items() if place in wanted}
        today = now.astimezone(ZoneInfo(zone)).date()
        for is_new in (True, False):
            since = today - timedelta(days=DAYS - 1 if is_new else 1)
            mine = [number for number, place in numbers.items() if (place not in self._tracks) is is_new]
            for start in range(0, len(mine), AT_ONCE):
                await self._read(mine[start : start + AT_ONCE], numbers, since, hour_of(now))
        before, self.paces = self.paces, self._told(watched, now, today)
        if before != self.paces:
            self.told()

    async def _read(self, numbers: Sequence[int], places: Mapping[int, Place], since: date, until: int) -> None:
        """Read the hours from the beginning of the day *since* on, and keep of them what is shown."""
        zone = ZoneInfo(self._zone)
        first = min(hour_of(midnight(since, zone)), until - HOURS)
        found = await self.store.read(partial(good_hours, places=numbers, since=first, until=until))
        for number in numbers:
            hours, track = found.get(number, {}), self._tracks.setdefault(places[number], _Track())
            track.hours = {hour: amount for hour, amount in hours.items() if hour >= until - HOURS}
            by_day: dict[date, list[Amount]] = {}
            for hour, amount in hours.items():
                by_day.setdefault(_day(hour, zone), []).append(amount)
            track.days |= {day: total(amounts) for day, amounts in by_day.items() if day >= since}

    def _told(self, watched: Watched, now: datetime, today: date) -> Mapping[str, tuple[Pace, ...]]:
        found = {
            service: tuple(self._pace(need, places, now, today) for need, places in needs.items()) for service, needs in watched.items()
        }
        told = {service: tuple(one for one in paces if any(one.days)) for service, paces in found.items()}
        return MappingProxyType({service: paces for service, paces in told.items() if paces})

    def _pace(self, need: int, places: Sequence[Place], now: datetime, today: date) -> Pace:
        tracks, until = [self._tracks[place] for place in places if place in self._tracks], hour_of(now)
        days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
        return Pace(
            need=need,
            hours=tuple(mean(total(track.hours.get(hour, (0, 0)) for track in tracks)) for hour in range(until - HOURS, until)),
            days=tuple(mean(total(track.days.get(day, (0, 0)) for track in tracks)) for day in days),
            until=datetime.fromtimestamp(until * 3600, UTC),
            today=today,
        )


def _day(hour: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(hour * 3600, zone).date()


def _next(now: datetime) -> timedelta:
    """How long until the next hour is over and has settled."""
    after = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) + SETTLED
    return after - now
