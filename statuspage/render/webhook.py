"""What a webhook is told: the incident, or the planned work, in the format in which Atlassian Statuspage tells its subscribers.

Made of the very rows of the v2 API, so that whoever reads that understands this. Work is told as an incident there, too. That format has
no word for an advisory, and nothing is broken: it comes as one, beside the same ``meta`` and ``page``, and never as an incident.
"""

import json
from collections.abc import Mapping
from typing import Any

from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.page import Page
from statuspage.render.compat import Compat
from statuspage.render.compat_rows import instant


def incident_told(page: Page, incident: str, end: str) -> bytes:
    """Spell an incident of *page*; *end* is where the subscription is ended. Errors: LookupError for one that is not there."""
    return _told(page, "/api/v2/incidents.json", "incidents", incident, end)


def work_told(page: Page, maintenance: str, end: str) -> bytes:
    """Spell a window of *page*. Errors: as above."""
    return _told(page, "/api/v2/scheduled-maintenances.json", "scheduled_maintenances", maintenance, end)


def advisory_told(page: Page, advisory: AdvisoryView, end: str) -> bytes:
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
    return _spelled(page, Compat().bodies(page), end, {"advisory": row})


def _told(page: Page, path: str, rows: str, id: str, end: str) -> bytes:
    bodies = Compat().bodies(page)
    found: list[dict[str, Any]] = [one for one in json.loads(bodies[path])[rows] if one["id"] == id]
    if not found:
        raise LookupError(f"{id} is not on the page")
    return _spelled(page, bodies, end, {"incident": found[0]})


def _spelled(page: Page, bodies: Mapping[str, bytes], end: str, told: Mapping[str, Any]) -> bytes:
    status = json.loads(bodies["/api/v2/status.json"])["status"]
    around = {
        "meta": {"unsubscribe": end, "documentation": "https://www.standardwebhooks.com"},
        "page": {"id": page.page_id, "status_indicator": status["indicator"], "status_description": status["description"]},
    }
    return json.dumps({**around, **told}, ensure_ascii=False).encode()
