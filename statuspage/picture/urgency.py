"""How much what is open matters, as the desk sees it: given who holds it, what was said of it, and how many called."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from incidents.model import Acknowledgement, Incident
from incidents.priority import ORDINARY_LEVELS, Priority, Scale, ordinary, priority
from statuspage.picture.page import Story

ORDINARY = Scale(formula=ordinary, levels=ORDINARY_LEVELS)
NO_CALLERS: Mapping[str, int] = MappingProxyType({})


def holder(incident: Incident, now: datetime) -> Acknowledgement | None:
    """Return the acknowledgement in force at *now*, if any."""
    held = incident.acknowledgement
    return held if held is not None and incident.is_open and held.holds(now) else None


def priority_of(story: Story, scale: Scale, now: datetime, callers: int = 0) -> Priority:
    """How much an incident matters; as of the last whole minute, so that what is drawn of it stands still meanwhile."""
    incident = story.incident
    told_at = max((update.at for update in story.updates), default=None) if incident.published_at is not None else None
    minute, is_owned = now.replace(second=0, microsecond=0), holder(incident, now) is not None
    return priority(incident, scale, minute, told_at=told_at, is_owned=is_owned, callers=callers)
