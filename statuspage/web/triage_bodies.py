"""What programs get of triage."""

from datetime import datetime

from incidents.model import Status
from statuspage.web.bodies import Given


class TriageIncident(Given):
    """An open incident that hits the service, and what may be told of it."""

    id: str
    name: str
    started_at: datetime
    say: str
    next_update_by: datetime | None


class TriagePlanned(Given):
    """A window of planned work, or an advisory, that concerns the service."""

    id: str
    name: str
    starts: datetime
    ends: datetime | None


class TriageChange(Given):
    """Something that was altered within a day, and may have touched the service."""

    at: datetime
    what: str
    url: str


class TriageService(Given):
    """A service that the caller may mean, likeliest first; *called* and *reported* count the last hour."""

    id: str
    name: str
    status: Status
    capabilities: dict[str, Status]
    incidents: list[TriageIncident]
    maintenances: list[TriagePlanned]
    advisories: list[TriagePlanned]
    changes: list[TriageChange]
    called: int
    reported: int


class TriageError(Given):
    """A known error whose symptom has the caller's words."""

    id: str
    symptom: str
    workaround: str
    say: str


class TriageShown(Given):
    """What is known of what a caller says, and what to *say* (null: no incident is known; record the caller, and have it tested)."""

    question: str
    is_known: bool
    say: str | None
    services: list[TriageService]
    known_errors: list[TriageError]
