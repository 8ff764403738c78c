"""Planned work as the Statuspage v2 API tells it: *scheduled maintenances*, with the rows of their services put in last.

It knows no cancelled window: such a one is told as completed, with the words that say what became of it, so that a client which saw it
planned learns that it is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from incidents.maintenance import MaintenanceState
from incidents.model import Status
from statuspage.picture.page import Page
from statuspage.picture.planned import MaintenanceUpdateView, MaintenanceView
from statuspage.render.compat_rows import Row, instant, listed, spelled, update_id
from statuspage.render.kept import Kept

MOST = 50

_ACTIVE = frozenset({MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING})


class Scheduled:
    """Spells windows. The text of each is kept, and made again only when something of its own changed. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._told = Kept[str]()

    def lists(self, page: Page, services: Mapping[str, str]) -> Mapping[str, str]:
        """Give the arrays ``pending`` (to come or running), ``all`` (the newest first), ``upcoming`` and ``active``.

        *services* are the spelled rows of services by id.
        """
        self._told.turn()
        all_ = (*reversed(page.planned), *page.past)
        texts = {view.id: self._text(view, page, services) for view in (*page.planned, *page.past)}
        active = [view for view in page.planned if view.state in _ACTIVE]
        upcoming = [view for view in page.planned if view.state is MaintenanceState.SCHEDULED]
        chosen: Mapping[str, Sequence[MaintenanceView]] = {
            "pending": [*active, *upcoming][:MOST],
            "all": sorted(all_, key=lambda view: (view.planned_at, view.starts, view.id), reverse=True)[:MOST],
            "upcoming": upcoming[:MOST],
            "active": active[:MOST],
        }
        return {name: listed(texts[view.id] for view in views) for name, views in chosen.items()}

    def _text(self, view: MaintenanceView, page: Page, services: Mapping[str, str]) -> str:
        text = self._told.made(view.id, _Told(view, page.site.url, page.page_id), _maintenance)
        return f'{text[:-1]},"components":{listed(_rows(view, services))}}}'


class _Told(NamedTuple):
    """What a window's text is made from."""

    view: MaintenanceView
    site_url: str
    page_id: str


def _rows(view: MaintenanceView, services: Mapping[str, str]) -> Iterable[str]:
    return (services[one.service] for one in view.services if one.service in services)


def _maintenance(told: _Told) -> str:
    view = told.view
    return spelled(
        {
            "id": view.id,
            "name": view.name,
            "status": _status(view.state),
            "created_at": instant(view.planned_at),
            "updated_at": instant(max(filter(None, (view.told_at, view.began_at, view.ended_at)))),
            "monitoring_at": None,
            "resolved_at": instant(view.ended_at),
            "impact": "maintenance",
            "shortlink": f"{told.site_url}/maintenance/{view.id}",
            "started_at": instant(view.began_at),
            "page_id": told.page_id,
            "incident_updates": [_update(view, update) for update in view.updates],
            "reminder_intervals": None,
            "scheduled_for": instant(view.starts),
            "scheduled_until": instant(view.ends),
        }
    )


def _status(state: MaintenanceState) -> str:
    return (MaintenanceState.COMPLETED if state is MaintenanceState.CANCELLED else state).value


def _update(view: MaintenanceView, update: MaintenanceUpdateView) -> Row:
    works = Status.MAINTENANCE if update.state in _ACTIVE else Status.OPERATIONAL
    affected = [
        {"code": one.public_id, "name": one.name, "old_status": Status.OPERATIONAL.value, "new_status": works.value}
        for one in view.services
        if one.public_id
    ]
    return {
        "id": update_id(view.id, update.number),
        "status": _status(update.state),
        "body": update.body,
        "incident_id": view.id,
        "created_at": instant(update.at),
        "updated_at": instant(update.edited_at or update.at),
        "display_at": instant(update.at),
        "affected_components": affected or None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }
