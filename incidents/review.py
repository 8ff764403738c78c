"""Acts of a review, on incidents that are over or not: what one came from, and why the probes missed it."""

from datetime import datetime

from incidents.act import Invalid, demand
from incidents.events import Event
from incidents.model import Incident, Situation
from incidents.reviewed import Attributed, Explained


def attribute(_: Situation, now: datetime, *, incident: Incident, by: str, cause: str) -> tuple[Event, ...]:
    """Say what *incident* came from. Errors: Invalid where nothing is said, or nothing new."""
    demand(cause, "Say what it came from.")
    if cause == incident.cause:
        raise Invalid("This is its cause already.")
    return (Attributed(at=now, incident=incident.id, cause=cause, by=by),)


def explain(situation: Situation, now: datetime, *, incident: str, by: str, words: str, monitor: str | None = None) -> tuple[Event, ...]:
    """Say why the probes missed *incident*: which *monitor* was changed, and how, or why none was.

    Errors: Invalid without words, or where there is no such monitor.
    """
    demand(words, "Say what was changed, or why nothing was.")
    if monitor is not None and monitor not in situation.topology.monitors:
        raise Invalid(f"There is no monitor {monitor!r}.")
    return (Explained(at=now, incident=incident, by=by, words=words, monitor=monitor),)
