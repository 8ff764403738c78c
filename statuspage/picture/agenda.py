"""Which windows of planned work a calendar tells of: far back and far ahead, and never more than so many. Pure, like ``page``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from types import MappingProxyType

from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate, Series
from incidents.model import Situation
from incidents.planned.windows import MOST_AHEAD as MOST_OF_SERIES
from incidents.planned.windows import occurrence, occurrence_id
from statuspage.picture.planned import Window
from statuspage.picture.withdrawn import InForce, Turn, turns

BACK = timedelta(days=92)
AHEAD = timedelta(days=366)

MOST_PAST = 500
"""Windows that are over: the newest. One that comes every hour is told of for three weeks."""

MOST_AHEAD = 1000
"""Windows that run or come: what is planned by itself, then the nearest of what comes again, MOST_OF_SERIES of each series."""


MOST_WITHDRAWN = 500
"""Occurrences that were given out and are not planned any more: the nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """Every occurrence of every series from *day* on, were none planned by itself yet: worked out once a day.

    *turned* are those that were given out and are planned otherwise since, by their ids; *withdrawn* those of them that are gone.
    """

    day: date
    series: Mapping[str, Series]
    windows: tuple[Maintenance, ...]
    turned: Mapping[str, Turn] = field(default_factory=lambda: MappingProxyType({}))
    withdrawn: tuple[Maintenance, ...] = ()

    @classmethod
    def of(cls, situation: Situation, day: date, in_force: Sequence[InForce] = ()) -> "Far":
        """Work it out; *in_force* is what the file said since the calendar began, or as long as it reaches.

        Ids hang on the installation's seed, so that they are those of the windows to come.
        """
        since = _midnight(day)
        found = (
            occurrence(one, starts, ends, occurrence_id(situation, one.key, starts), starts)
            for one in situation.topology.series.values()
            for starts, ends in one.spans(since, since + AHEAD)[:MOST_OF_SERIES]
        )
        turned = {occurrence_id(situation, turn.series.key, turn.starts): turn for turn in turns(in_force, AHEAD)}
        withdrawn = sorted((_withdrawn(turn, id) for id, turn in turned.items() if turn.is_gone), key=_by_start)
        return cls(
            day=day,
            series=situation.topology.series,
            windows=tuple(sorted(found, key=_by_start)),
            turned=turned,
            withdrawn=tuple(withdrawn),
        )

    def holds(self, situation: Situation, day: date) -> bool:
        """Whether it is still what ``of`` would give."""
        return self.day == day and self.series == situation.topology.series


def agenda(
    situation: Situation, over: Iterable[Maintenance], words: Mapping[str, tuple[MaintenanceUpdate, ...]], far: Far, now: datetime
) -> tuple[Window, ...]:
    """Choose the windows, by their start: three months back, twelve ahead, each once and as it is by now.

    *over* are windows that ended, *words* what was said of each window by its id. Moves from day to day and with a change of plans only:
    what comes again is a window before it begins, unless the hub was away then.
    """
    since = _midnight(far.day) - BACK
    ours = (window for window in over if window.is_public and window.imported_from is None)  # a calendar is told what we planned
    past = [window for window in ours if max(window.ends, window.ended_at or window.ends) >= since]
    known = sorted((window for window in situation.maintenances.values() if window.is_public), key=_by_start)[:MOST_AHEAD]
    gone = {*situation.maintenances, *situation.spent, *(window.id for window in past)}
    ahead = islice((window for window in far.windows if window.id not in gone and window.ends > now), MOST_AHEAD - len(known))
    newest = sorted(past, key=_by_start)[-MOST_PAST:]
    planned = gone | {window.id for window in far.windows}
    struck = islice((window for window in far.withdrawn if window.id not in planned and window.ends >= since), MOST_WITHDRAWN)
    chosen = sorted((*newest, *known, *ahead, *struck), key=_by_start)
    return tuple(_told(window, words.get(window.id, ()), far.turned.get(window.id)) for window in chosen)


def _told(window: Maintenance, words: tuple[MaintenanceUpdate, ...], turn: Turn | None) -> Window:
    if turn is None:
        return Window(maintenance=window, updates=words)
    return Window(maintenance=window, updates=words, turns=turn.times, turned_at=turn.at)


def _withdrawn(turn: Turn, id: str) -> Maintenance:
    window = occurrence(turn.series, turn.starts, turn.ends, id, turn.starts)
    return replace(window, state=MaintenanceState.CANCELLED, ended_at=turn.at)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _by_start(window: Maintenance) -> tuple[datetime, str]:
    return window.starts, window.id
