"""What the store alone knows of planned work, kept between two shelves: the windows that are over, and what was said of each.

It is read whole once, and then window by window as something is told of them, so that a long past costs nothing at each turn.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection

from incidents.maintenance import Maintenance, MaintenanceUpdate
from statuspage.picture.agenda import BACK, MOST_PAST
from statuspage.picture.planned import MOST_OVER
from statuspage.store.maintenance_rows import maintenance_words, newest_maintenances, past_maintenances, read_maintenances

Words = Mapping[str, tuple[MaintenanceUpdate, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """*over* are public windows that ended, newest first; *words* what was said of these and of those that are not over."""

    over: Sequence[Maintenance] = ()
    words: Words = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, connection: Connection, pending: Collection[str], now: datetime) -> "Diary":
        """Read it whole; *pending* are the windows that are not over."""
        newest = newest_maintenances(connection, MOST_OVER, is_for_all=True)
        past = past_maintenances(connection, now - BACK, MOST_PAST)
        over = {window.id: window for window in (*newest, *past)}
        return cls(over=_newest_first(over.values()), words=maintenance_words(connection, {*pending, *over}))

    def reread(self, connection: Connection, told: Collection[str], now: datetime) -> "Diary":
        """Read anew what is *told* of, and leave out what is too old by *now*."""
        found = {id: window for id, window in read_maintenances(connection, told).items() if window.is_over}
        over = {window.id: window for window in self.over} | {id: window for id, window in found.items() if window.is_public}
        newest = _newest_first(over.values())
        kept = [window for place, window in enumerate(newest) if place < MOST_OVER or _ended(window) >= now - BACK]
        gone = {*over, *found} - {window.id for window in kept}
        words = {**self.words, **maintenance_words(connection, told)}
        return Diary(over=kept, words={id: said for id, said in words.items() if id not in gone})


def _newest_first(windows: Collection[Maintenance]) -> list[Maintenance]:
    return sorted(windows, key=lambda window: (window.ended_at or window.ends, window.id), reverse=True)


def _ended(window: Maintenance) -> datetime:
    return max(window.ends, window.ended_at or window.ends)
