"""The Atlassian Statuspage v2 read API, shape by shape, so that what people already run against such pages runs against ours.

Its *components* are our services, and groups are rows of the same list. It has no word for "unknown": such a service keeps the last
status that was known and carries ``unknown_since``, which no client minds.
Source: the page at ``/api/v2`` of any public Statuspage, and the answers of those pages.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from incidents.model import State, Status
from incidents.rollup import TROUBLE
from statuspage.picture.page import AffectedView, GroupView, IncidentView, Page, ServiceView, UpdateView
from statuspage.render.compat_rows import Row, instant, listed, spelled, update_id
from statuspage.render.kept import Kept
from statuspage.render.said import body
from statuspage.render.scheduled import Scheduled
from statuspage.render.tongue import ENGLISH

MOST_INCIDENTS = 50

IMPACT: Mapping[Status, str] = MappingProxyType(
    {
        Status.OPERATIONAL: "none",
        Status.DEGRADED: "minor",
        Status.PARTIAL: "major",
        Status.MAJOR: "critical",
        Status.MAINTENANCE: "none",
        Status.UNKNOWN: "none",
    }
)

DESCRIPTION: Mapping[Status, str] = MappingProxyType(
    {
        Status.OPERATIONAL: "All Systems Operational",
        Status.DEGRADED: "Partially Degraded Service",
        Status.PARTIAL: "Partial System Outage",
        Status.MAJOR: "Major Service Outage",
        Status.MAINTENANCE: "Service Under Maintenance",
        Status.UNKNOWN: "Monitoring impaired",
    }
)

_OVER = frozenset({State.MONITORING, State.RESOLVED, State.POSTMORTEM})


class Compat:
    """Spells the API. The text of each incident and of each service is kept, and made again only when something of its own changed."""

    def __init__(self) -> None:
        self._told = Kept[str]()
        self._rows = Kept[str]()
        self._scheduled = Scheduled()

    def bodies(self, page: Page) -> Mapping[str, bytes]:
        """Return the JSON of each path of the API. Nothing in it moves with the clock alone."""
        placed = list(self._placed(page))
        rows = listed(text for _, text in placed)
        views = sorted((*page.open, *page.recent), key=lambda view: (view.published_at, view.id), reverse=True)
        services = {service: text for service, text in placed if service is not None}
        incidents = self._incidents(page, views, services)
        newest = listed(incidents[view.id] for view in views[:MOST_INCIDENTS])
        unresolved = listed(incidents[view.id] for view in views if view.resolved_at is None)
        top = f'{{"page":{spelled(_page(page))}'
        status = f'"status":{spelled(status_of(page))}}}'
        planned = {name: f'"scheduled_maintenances":{texts}' for name, texts in self._scheduled.lists(page, services).items()}
        bodies = {
            "summary": f'{top},"components":{rows},"incidents":{unresolved},{planned["pending"]},{status}',
            "status": f"{top},{status}",
            "components": f'{top},"components":{rows}}}',
            "incidents": f'{top},"incidents":{newest}}}',
            "incidents/unresolved": f'{top},"incidents":{unresolved}}}',
            "scheduled-maintenances": f"{top},{planned['all']}}}",
            "scheduled-maintenances/upcoming": f"{top},{planned['upcoming']}}}",
            "scheduled-maintenances/active": f"{top},{planned['active']}}}",
        }
        return {f"/api/v2/{name}.json": body.encode() for name, body in bodies.items()}

    def _placed(self, page: Page) -> Iterable[tuple[str | None, str]]:
        """Each row in its order, with its service's id (None: a group's row)."""
        self._rows.turn()
        for group, service, position in _places(page):
            if service is None:
                yield None, spelled(_group(page, group, position))
            else:
                row = self._rows.made(service.id, _Placed(service, group.public_id, position, page.page_id), _component)
                yield service.id, row

    def _incidents(self, page: Page, views: Iterable[IncidentView], services: Mapping[str, str]) -> Mapping[str, str]:
        self._told.turn()
        told = [(view, self._told.made(view.id, _Spoken(view, page.site.url, page.page_id), _incident)) for view in views]
        return {
            view.id: f'{text[:-1]},"components":{listed(services[one.service] for one in view.services if one.service in services)}}}'
            for view, text in told
        }


def status_of(page: Page) -> Row:
    """How the page as a whole is."""
    return {"indicator": IMPACT[page.status], "description": _description(page)}


def component_of(page: Page, public_id: str) -> Row | None:
    """The row of one service; None where the page has none of that id."""
    placed = ((group, service, position) for group, service, position in _places(page) if service is not None)
    found = (_Placed(one, group.public_id, position, page.page_id) for group, one, position in placed if one.public_id == public_id)
    return next(map(_row, found), None)


def _description(page: Page) -> str:
    """Say that something is hidden from us unless something worse is known."""
    is_hidden = page.impaired_since is not None and page.status not in TROUBLE
    return DESCRIPTION[Status.UNKNOWN if is_hidden else page.status]


class _Spoken(NamedTuple):
    """What an incident's text is made from."""

    view: IncidentView
    site_url: str
    page_id: str


class _Placed(NamedTuple):
    """What a service's row is made from."""

    service: ServiceView
    group_id: str | None
    position: int
    page_id: str


def _page(page: Page) -> Row:
    moved = [service.since for group in page.groups for service in group.services if service.since is not None]
    return {
        "id": page.page_id,
        "name": page.site.name,
        "url": page.site.url,
        "time_zone": page.site.timezone,
        "updated_at": instant(max([*moved, page.feed_updated])),
    }


def _places(page: Page) -> Iterable[tuple[GroupView, ServiceView | None, int]]:
    """Each row's group, service (None: the group's own row) and position. Positions count within a group, else over the page."""
    top = 0
    for group in page.groups:
        if group.public_id:
            top += 1
            yield group, None, top
        start = 1 if group.public_id else top + 1
        for position, service in enumerate(group.services, start=start):
            yield group, service, position
        top += 0 if group.public_id else len(group.services)


def _group(page: Page, group: GroupView, position: int) -> Row:
    born = min(service.created_at for service in group.services)
    return {
        "id": group.public_id,
        "name": group.name,
        "status": _worst(_status(service) for service in group.services),
        "created_at": instant(born),
        "updated_at": instant(max(service.since or service.created_at for service in group.services)),
        "position": position,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": page.page_id,
        "group": True,
        "only_show_if_degraded": False,
        "components": [service.public_id for service in group.services],
    }


def _component(placed: _Placed) -> str:
    return spelled(_row(placed))


def _row(placed: _Placed) -> Row:
    service = placed.service
    row: Row = {
        "id": service.public_id,
        "name": service.name,
        "status": _status(service),
        "created_at": instant(service.created_at),
        "updated_at": instant(service.since or service.created_at),
        "position": placed.position,
        "description": service.description or None,
        "showcase": True,
        "start_date": service.created_at.astimezone(UTC).date().isoformat(),
        "group_id": placed.group_id,
        "page_id": placed.page_id,
        "group": False,
        "only_show_if_degraded": False,
    }
    if service.status is Status.UNKNOWN:
        row["unknown_since"] = instant(service.unknown_since or service.created_at)
    return row


def _status(service: ServiceView) -> str:
    known = service.last_known if service.status is Status.UNKNOWN else service.status
    return Status.OPERATIONAL.value if known is Status.UNKNOWN else known.value


def _worst(statuses: Iterable[str]) -> str:
    badness = (Status.OPERATIONAL, Status.MAINTENANCE, Status.DEGRADED, Status.PARTIAL, Status.MAJOR)
    return max(statuses, key=lambda status: badness.index(Status(status)))


def _incident(spoken: _Spoken) -> str:
    """An incident without the rows of its services, which move by themselves."""
    view = spoken.view
    oldest_first = tuple(reversed(view.updates))
    # Where a service stands is told by the update that said so; the one before it tells where it stood.
    befores = [None, *oldest_first][: len(oldest_first)]
    updates = [_update(view, update, before) for before, update in zip(befores, oldest_first, strict=True)]
    row: Row = {
        "id": view.id,
        "name": view.name,
        "status": view.state.value,
        "created_at": instant(view.published_at),
        "updated_at": instant(_updated(view)),
        "monitoring_at": instant(_monitoring(view)),
        "resolved_at": instant(view.resolved_at),
        "impact": IMPACT[view.worst],
        "shortlink": f"{spoken.site_url}/incidents/{view.id}",
        "started_at": instant(view.started_at),
        "page_id": spoken.page_id,
        "incident_updates": updates[::-1],
        "reminder_intervals": None,
    }
    return spelled(row)


def _updated(view: IncidentView) -> datetime:
    told = (at for update in view.updates for at in (update.at, update.edited_at) if at is not None)
    return max([view.published_at, *told, *([view.resolved_at] if view.resolved_at else [])])


def _monitoring(view: IncidentView) -> datetime | None:
    if view.state not in _OVER:
        return None
    return next((update.at for update in view.updates if update.state is State.MONITORING), view.recovered_at)


def _update(view: IncidentView, update: UpdateView, before: UpdateView | None) -> Row:
    affected = [
        {
            "code": service.public_id,
            "name": service.name,
            "old_status": Status.OPERATIONAL.value if before is None else _told(view, before, service),
            "new_status": _told(view, update, service),
        }
        for service in view.services
        if service.public_id
    ]
    return {
        "id": update_id(view.id, update.number),
        "status": update.state.value,
        "body": body(update, ENGLISH),
        "incident_id": view.id,
        "created_at": instant(update.at),
        "updated_at": instant(update.edited_at or update.at),
        "display_at": instant(update.at),
        "affected_components": affected or None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _told(view: IncidentView, update: UpdateView, service: AffectedView) -> str:
    """A service in an update: as bad as it got, until the words that say that it works again."""
    ended = view.recovered_at or view.resolved_at
    works = update.state in _OVER and ended is not None and update.at >= ended
    status = Status.OPERATIONAL if works else service.worst
    return Status.OPERATIONAL.value if status is Status.UNKNOWN else status.value
