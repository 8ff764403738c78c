"""Planned work in the one picture: the windows that run, that come and that are over, as the public may see them. Pure, like ``page``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.model import Situation
from incidents.planned.windows import horizon
from statuspage.picture.marking import Reader

AHEAD_DAYS = 90
"""How far ahead windows that come again are shown. Those that were planned or announced are shown however far ahead they are."""

BACK_DAYS = 30
"""How long windows that are over are listed. Their pages stay, and feeds and calendars go further back."""

MOST_PLANNED = 200
MOST_OVER = 100

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A planned window with its public words, oldest first; without any it has been announced to nobody yet.

    *turns* is how often its series planned it otherwise before anybody was told of it, and *turned_at* when for the last time.
    """

    maintenance: Maintenance
    updates: tuple[MaintenanceUpdate, ...] = ()
    turns: int = 0
    turned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTold:
    """A service that a window is announced for. *public_id* is empty where the service is no longer on the page."""

    service: str
    public_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceUpdateView:
    """Public words about a window, ready to be spelled. *title* stands alone in a feed reader.

    What *is_loud* is news for everybody; the ordinary course of what comes again and again is for those who follow maintenance.
    *title_in* and *body_in* are the languages that they are in, as in the picture of an incident.
    """

    number: int
    state: MaintenanceState
    title: str
    body: str
    at: datetime
    automatic: bool
    is_loud: bool
    edited_at: datetime | None = None
    title_in: str = ""
    body_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceView:
    """A window as its readers see it, from *starts* to *ends* as it is planned now; *updates* newest first.

    *planned_at* is when it was first told of, or the store's birth where it is still far ahead and nobody was told. *changes* counts
    what a calendar must take over. *told_at* is the newest instant at which anything about it was said or changed.
    *imported_from* is the address of the page that told of it before us. *name_in* and *description_in* are their languages.
    """

    id: str
    name: str
    description: str
    state: MaintenanceState
    starts: datetime
    ends: datetime
    planned_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    services: tuple[ServiceTold, ...]
    updates: tuple[MaintenanceUpdateView, ...]
    changes: int
    imported_from: str | None = None
    turned_at: datetime | None = None
    name_in: str = ""
    description_in: str = ""

    @property
    def told_at(self) -> datetime:
        """When it was last spoken of, or planned otherwise without a word."""
        told = [self.planned_at, *(update.edited_at or update.at for update in self.updates)]
        return max(told if self.turned_at is None else [*told, self.turned_at])

    @property
    def is_told(self) -> bool:
        """Whether a reader of the present page hears of it: it runs, or was announced. What merely comes again is told when it is due."""
        return self.is_announced or self.state is not MaintenanceState.SCHEDULED

    @property
    def is_announced(self) -> bool:
        """Whether anybody was told of it in words of its own."""
        return bool(self.updates)


def shown(
    situation: Situation, over: Iterable[Maintenance], words: Mapping[str, tuple[MaintenanceUpdate, ...]], now: datetime
) -> tuple[Window, ...]:
    """Choose what the public is shown of planned work: what runs or is announced, what comes within AHEAD_DAYS, the last that were over.

    *over* are windows that ended, newest first, *words* what was said of each window by its id. By their start; moves with *now* from
    day to day only, so that a quiet page stays the same.
    """
    today = datetime.combine(now.astimezone(UTC).date(), time.min, tzinfo=UTC)
    past = {window.id: window for window in over if window.is_public}
    known = {window.id: window for window in situation.maintenances.values() if window.is_public and window.id not in past}
    far = (
        window
        for window in horizon(situation, now, today + (AHEAD_DAYS + 1) * _DAY)
        if window.id not in past and window.id not in situation.maintenances
    )
    # What was announced is never pushed out by what merely comes again.
    told = sorted(known.values(), key=_by_start)[:MOST_PLANNED]
    ahead = sorted(far, key=_by_start)[: MOST_PLANNED - len(told)]
    chosen = sorted((*list(past.values())[:MOST_OVER], *told, *ahead), key=_by_start)
    return tuple(Window(maintenance=window, updates=words.get(window.id, ())) for window in chosen)


def _by_start(window: Maintenance) -> tuple[datetime, str]:
    return window.starts, window.id


def view(window: Window, services: Sequence[ServiceTold], born: datetime, reader: Reader) -> MaintenanceView:
    """What *reader* sees of *window*; nothing in it tells who planned it, why a rule was passed over, or what is worked on."""
    one = window.maintenance
    name, name_in = reader.chooses(one.name)
    description, description_in = reader.chooses(one.description)
    return MaintenanceView(
        id=one.id,
        name=name or one.series or "Maintenance",
        name_in=name_in,
        description=description,
        description_in=description_in,
        state=one.state,
        starts=one.starts,
        ends=one.ends,
        planned_at=_first_told(one, born),
        began_at=one.began_at,
        ended_at=one.ended_at,
        services=tuple(services),
        updates=tuple(_told(one, said, reader) for said in reversed(window.updates)),
        changes=one.changes + window.turns,
        turned_at=window.turned_at,
        imported_from=one.imported_from,
    )


def _told(window: Maintenance, said: MaintenanceUpdate, reader: Reader) -> MaintenanceUpdateView:
    title, title_in = reader.gets(said.title, said.titles, said.language, is_automatic=said.automatic)
    body, body_in = reader.gets(said.body, said.bodies, said.language, is_automatic=said.automatic)
    return MaintenanceUpdateView(
        number=said.number,
        state=said.state,
        title=title,
        title_in=title_in,
        body=body,
        body_in=body_in,
        at=said.at,
        automatic=said.automatic,
        edited_at=said.edited_at,
        is_loud=is_loud(window, said),
    )


def _first_told(one: Maintenance, born: datetime) -> datetime:
    if one.imported_from is not None:
        return one.planned_at
    return one.promises[0].announced_at if one.promises else born


def is_loud(window: Maintenance, said: MaintenanceUpdate) -> bool:
    """Whether what was *said* of *window* is news for everybody, and not for those alone who follow maintenance."""
    return not window.is_quiet or _is_out_of_course(said)


def _is_out_of_course(said: MaintenanceUpdate) -> bool:
    """Whether it was changed, called off, or spoken of by a person."""
    is_changed = said.state is MaintenanceState.SCHEDULED and said.number > 1
    return said.by is not None or said.state is MaintenanceState.CANCELLED or is_changed


def newest_end_first(window: MaintenanceView) -> tuple[float, str]:
    """The order of what is over."""
    return (-(window.ended_at or window.ends).timestamp(), window.id)
