"""Round-ups: when they leave, by the clock on the wall, and what they tell. Pure, like ``page``."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from incidents.advisory import AdvisoryUpdated
from incidents.events import Event, MaintenanceUpdated, Updated
from statuspage.picture.advisories import AdvisoryUpdateView, AdvisoryView
from statuspage.picture.audience import Rhythm, Wish, wants_work
from statuspage.picture.page import IncidentView, Page, UpdateView
from statuspage.picture.planned import MaintenanceUpdateView, MaintenanceView, Window

MORNING = time(8)
"""When they leave, by the clock of the site's zone; weekly ones on Mondays."""

LONGEST = timedelta(days=8)
"""No period is longer: a week, and what a clock may be put forward or back."""

_DAY = timedelta(days=1)

Coming = Callable[[datetime], Sequence[Window]]
"""Gives the planned work that begins before an instant and is not over."""


def nothing_comes(until: datetime) -> Sequence[Window]:
    """Where nobody knows of any planned work."""
    del until
    return ()


V = TypeVar("V", IncidentView, MaintenanceView, AdvisoryView)
S = TypeVar("S", UpdateView, MaintenanceUpdateView, AdvisoryUpdateView)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From one morning to another, [*since*, *until*), and when the *next* one is over. *day* is the date of its end where the site is."""

    day: date
    since: datetime
    until: datetime
    next: datetime


def period(rhythm: Rhythm, now: datetime, timezone: str) -> Period:
    """The newest period of *rhythm* that is over at *now* (aware), by the clock of *timezone* (an IANA name). All instants are in UTC.

    Errors: ValueError where somebody is written to at once.
    """
    if rhythm is Rhythm.AT_ONCE:
        raise ValueError("there are no periods where everything is told at once")
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    near = (today + number * _DAY for number in range(-16, 10))
    # A day that a zone left out has the instant of the day after: the later one has it.
    days = {_morning(day, zone): day for day in near if rhythm is Rhythm.DAILY or day.weekday() == 0}
    mornings = sorted(days)
    ahead = next(place for place, at in enumerate(mornings) if at > now)
    since, until, following = mornings[ahead - 2 : ahead + 1]
    return Period(day=days[until], since=since, until=until, next=following)


def _morning(day: date, zone: ZoneInfo) -> datetime:
    """Where the clock shows it twice, the first time; where it leaves it out, as much later as it is put forward (RFC 5545, 3.3.5)."""
    return datetime.combine(day, MORNING, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter(Generic[V, S]):
    """An incident, a window or an advisory as it is now, and what was *said* of it, oldest first."""

    about: V
    said: tuple[S, ...]

    @property
    def since(self) -> datetime:
        """When the oldest of it was said."""
        return self.said[0].at


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundUp:
    """What one letter tells of [*since*, *until*), and the planned work that is *coming* beside that."""

    since: datetime
    until: datetime
    incidents: tuple[Chapter[IncidentView, UpdateView], ...]
    work: tuple[Chapter[MaintenanceView, MaintenanceUpdateView], ...]
    advisories: tuple[Chapter[AdvisoryView, AdvisoryUpdateView], ...]
    coming: tuple[MaintenanceView, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell: all that was said is withdrawn, and nothing comes."""
        return not (self.is_news or self.coming)

    @property
    def is_news(self) -> bool:
        """Whether anything was said; else it tells alone what comes."""
        return bool(self.incidents or self.work or self.advisories)


def round_up(
    page: Page, events: Sequence[Event], wish: Wish, *, since: datetime | None, until: datetime, following: datetime | None
) -> RoundUp:
    """Tell of *events* in the words that *page* has for them now; what it does not show any more is left out.

    It begins at *since* (None: with the oldest words), or with the oldest words where those were held back until then. The planned work on
    *page* that the reader wants to hear of, and that begins before *following* (None: no other letter follows), is coming.
    """
    told = _numbers(events)
    windows = sorted((*page.planned, *page.past), key=lambda one: (one.starts, one.id))
    incidents = _chapters((*page.open, *page.recent), told, lambda one: [said for said in one.updates if not said.redacted])
    work = _chapters(windows, told, lambda one: one.updates)
    advisories = _chapters((*page.advisories, *page.past_advisories), told, lambda one: one.updates)
    oldest = [*(one.since for one in incidents), *(one.since for one in work), *(one.since for one in advisories)]
    return RoundUp(
        since=min(oldest if since is None else [*oldest, since], default=until),
        until=until,
        incidents=incidents,
        work=work,
        advisories=advisories,
        coming=tuple(one for one in windows if one in page.planned and one.id not in told and _comes(one, wish, following)),
    )


def near(coming: Coming, ended: Period) -> Sequence[Collection[str]]:
    """The services of each piece of planned work that is worth a letter by itself: it begins before the one after this.

    What comes again and again, and only those hear of who follow maintenance, is not; what nobody was told of yet is news when it is said.
    """
    known = (one.maintenance for one in coming(ended.next))
    return [one.services for one in known if ended.until <= one.starts < ended.next and one.promises and not one.is_quiet]


def _numbers(events: Sequence[Event]) -> Mapping[str, frozenset[int]]:
    """Which words are told, by what they were said of."""
    found: dict[str, set[int]] = {}
    for event in events:
        match event:
            case Updated(incident=id, update=said):
                found.setdefault(id, set()).add(said.number)
            case MaintenanceUpdated(maintenance=id, update=planned):
                found.setdefault(id, set()).add(planned.number)
            case AdvisoryUpdated(advisory=id, update=warned):
                found.setdefault(id, set()).add(warned.number)
            case _:
                pass  # nobody is told of anything else
    return {id: frozenset(numbers) for id, numbers in found.items()}


def _chapters(views: Iterable[V], told: Mapping[str, Collection[int]], updates: Callable[[V], Sequence[S]]) -> tuple[Chapter[V, S], ...]:
    """What is told of each of *views*, of which *updates* gives all words, newest first."""
    found = ((one, [said for said in updates(one) if said.number in told.get(one.id, ())]) for one in views)
    return tuple(Chapter(about=one, said=tuple(reversed(said))) for one, said in found if said)


def _comes(window: MaintenanceView, wish: Wish, following: datetime | None) -> bool:
    return following is not None and window.starts < following and wants_work(wish, [one.service for one in window.services])
