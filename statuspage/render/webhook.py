"""What a webhook is told: the incident, or the planned work, in the format in which Atlassian Statuspage tells its subscribers.

Made of the very rows of the v2 API, so that whoever reads that understands this. Work is told as an incident there, too.
"""

import json
from typing import Any

from statuspage.picture.page import Page
from statuspage.render.compat import Compat


def incident_told(page: Page, incident: str, end: str) -> bytes:
    """Spell an incident of *page*; *end* is where the subscription is ended. Errors: LookupError for one that is not there."""
    return _told(page, "/api/v2/incidents.json", "incidents", incident, end)


def work_told(page: Page, maintenance: str, end: str) -> bytes:
    """Spell a window of *page*. Errors: as above."""
    return _told(page, "/api/v2/scheduled-maintenances.json", "scheduled_maintenances", maintenance, end)


def _told(page: Page, path: str, rows: str, id: str, end: str) -> bytes:
    bodies = Compat().bodies(page)
    status = json.loads(bodies["/api/v2/status.json"])["status"]
    found: list[dict[str, Any]] = [one for one in json.loads(bodies[path])[rows] if one["id"] == id]
    if not found:
        raise LookupError(f"{id} is not on the page")
    return json.dumps(
        {
            "meta": {"unsubscribe": end, "documentation": "https://www.standardwebhooks.com"},
            "page": {"id": page.page_id, "status_indicator": status["indicator"], "status_description": status["description"]},
            "incident": found[0],
        },
        ensure_ascii=False,
    ).encode()
