"""What the pages of a publication are drawn from: each is drawn anew only where that is another."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.capabilities import CapabilityView
from statuspage.picture.page import IncidentView, Page
from statuspage.picture.planned import MaintenanceView, Window
from statuspage.picture.site import Site
from statuspage.render.calendar import Calendar, Calendars


@dataclass(frozen=True, slots=True)
class OpenSource:
    """What the page of an incident that goes on is made from.

    *affected* is what its services can still do, in their order, *advisories* what is warned of for any of them.
    """

    site: Site
    view: IncidentView
    as_of: datetime
    affected: tuple[tuple[CapabilityView, ...], ...]
    advisories: tuple[AdvisoryView, ...]


@dataclass(frozen=True, slots=True)
class ClosedSource:
    """What the page of an incident that is over is made from. It holds as of its last word, so nothing later makes it anew."""

    site: Site
    view: IncidentView

    @property
    def as_of(self) -> datetime:
        view = self.view
        told = [at for update in view.updates for at in (update.at, update.edited_at) if at is not None]
        return max([view.published_at, *told, *([view.resolved_at] if view.resolved_at else [])])


@dataclass(frozen=True, slots=True)
class WindowsSource:
    """What the list of planned work is made from."""

    site: Site
    planned: tuple[MaintenanceView, ...]
    past: tuple[MaintenanceView, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class WindowSource:
    """What the page of a window is made from."""

    site: Site
    view: MaintenanceView
    as_of: datetime


@dataclass(frozen=True, slots=True)
class WarnedSource:
    """What the page of an advisory is made from. It holds as of its last word or, while it lasts, of the day."""

    site: Site
    view: AdvisoryView
    as_of: datetime

    @classmethod
    def of(cls, page: Page, view: AdvisoryView) -> "WarnedSource":
        return cls(page.site, view, view.told_at if view.is_over else max(view.told_at, page.as_of.replace(hour=0, minute=0)))


@dataclass(frozen=True, slots=True)
class DatesSource:
    """What calendars are made from; *names* are those of services, by id."""

    site: Site
    authority: str
    names: tuple[tuple[str, str], ...]
    windows: tuple[Window, ...]


@dataclass(slots=True)
class SpelledSource:
    """What calendars in one language tell, and what it was made from."""

    calendars: Calendars = field(default_factory=Calendars)
    source: DatesSource | None = None
    calendar: Calendar = field(default_factory=partial(Calendar, "", ()))
