"""What a webhook is told: the incident, the planned work or a service's new status, as Atlassian Statuspage tells its subscribers.

Made of the very rows of the v2 API, so that whoever reads that understands this. Work is told as an incident there, too. That format has
no word for an advisory, and nothing is broken: it comes as one, beside the same ``meta`` and ``page``, and never as an incident.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.model import Status
from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.page import Page
from statuspage.render.compat import Compat, component_of, status_of
from statuspage.render.compat_rows import instant, update_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A service's change of status as one recipient is told of it: *old* is what they were told before. *service* is its public id."""

    service: str
    number: int
    old: Status
    new: Status
    at: datetime


def status_told(page: Page, turn: Turn, end: str) -> bytes:
    """Spell a change of a service's status; its row says what *turn* says, so that a repetition reads as the first.

    Errors: LookupError for a service that is not on *page*.
    """
    row = component_of(page, turn.service)
    if row is None:
        raise LookupError(f"{turn.service} is not on the page")
    change = {
        "created_at": instant(turn.at),
        "new_status": turn.new.value,
        "old_status": turn.old.value,
        "id": update_id(turn.service, turn.number),
        "component_id": turn.service,
    }
    row = {**row, "status": turn.new.value, "updated_at": instant(turn.at)}
    row.pop("unknown_since", None)
    return _spelled(page, end, {"component_update": change, "component": row})


def incident_told(page: Page, incident: str, whole: Page, end: str) -> bytes:
    """Spell an incident of *page*. Errors: LookupError for one that is not there.

    *whole* is the picture with all that is open, which makes the page's status; *end* is where the subscription is ended.
    """
    return _told(page, "/api/v2/incidents.json", "incidents", incident, whole, end)


def work_told(page: Page, maintenance: str, whole: Page, end: str) -> bytes:
    """Spell a window of *page*. Errors: as above."""
    return _told(page, "/api/v2/scheduled-maintenances.json", "scheduled_maintenances", maintenance, whole, end)


def advisory_told(page: Page, advisory: AdvisoryView, whole: Page, end: str) -> bytes:
    """Spell an advisory of *page*, with all its words."""
    row: dict[str, Any] = {
        "id": advisory.id,
        "name": advisory.name.text,
        "status": advisory.stage.value,
        "starts": instant(advisory.starts),
        "ends": instant(advisory.ends),
        "created_at": instant(advisory.published_at),
        "updated_at": instant(advisory.told_at),
        "shortlink": f"{page.site.url}{page.root}/advisories/{advisory.id}",
        "components": [{"id": one.public_id, "name": one.name} for one in advisory.services],
        "updates": [
            {"number": one.number, "turn": one.turn.value, "body": one.body.text, "created_at": instant(one.at)} for one in advisory.updates
        ],
    }
    return _spelled(whole, end, {"advisory": row})


def _told(page: Page, path: str, rows: str, id: str, whole: Page, end: str) -> bytes:
    found: list[dict[str, Any]] = [one for one in json.loads(Compat().bodies(page)[path])[rows] if one["id"] == id]
    if not found:
        raise LookupError(f"{id} is not on the page")
    return _spelled(whole, end, {"incident": found[0]})


def _spelled(page: Page, end: str, told: Mapping[str, Any]) -> bytes:
    status = status_of(page)
    around = {
        "meta": {"unsubscribe": end, "documentation": "https://www.standardwebhooks.com"},
        "page": {"id": page.page_id, "status_indicator": status["indicator"], "status_description": status["description"]},
    }
    return json.dumps({**around, **told}, ensure_ascii=False).encode()
