"""What the journal of the machine is told of what was decided: one line for each turn that somebody may look for there."""

import logging
from collections.abc import Sequence

from incidents.events import Called, Event, Opened, Resolved, StateChanged
from incidents.impairment import Impaired, Unimpaired

log = logging.getLogger(__name__)


def tell(events: Sequence[Event]) -> None:
    """Tell each incident that begins, moves or ends, and where our own monitoring is impaired."""
    for event in events:
        match event:
            case Opened():
                log.warning("incident %s opened: %s", event.incident, event.name)
            case StateChanged():
                log.info("incident %s: %s -> %s", event.incident, event.old, event.new)
            case Called():
                log.info("incident %s: team %s is called, tier %d: %s", event.incident, event.team, event.tier, event.reason)
            case Resolved():
                log.info("incident %s resolved", event.incident)
            case Impaired():
                log.warning("location %s could not see since %s: %s", event.location, event.since.isoformat(), event.detail)
            case Unimpaired():
                log.info("location %s can see since %s", event.location, event.until.isoformat())
            case _:
                continue
