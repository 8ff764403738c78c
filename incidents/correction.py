"""What a person knows better than the record: an outage that was none, one that began earlier, a gap that was none."""

from datetime import datetime, timedelta

from incidents.act import Invalid, demand
from incidents.events import Corrected, Event
from incidents.model import Situation, Status
from incidents.naming import new_id

LONGEST = timedelta(days=366)
"""More than this at once is a slip of the pen."""


def correct(
    situation: Situation, now: datetime, *, service: str, since: datetime, until: datetime, status: Status, reason: str, by: str
) -> tuple[Event, ...]:
    """Say what *service* was in [*since*, *until*), in the past, and why that is known. Errors: Invalid names what is wrong."""
    demand(reason, "A correction needs a reason.")
    if service not in situation.topology.services:
        raise Invalid(f"There is no service {service!r}.")
    if status is Status.MAINTENANCE:
        raise Invalid("Maintenance is planned and not corrected; say how the service was.")
    if not since < until <= now:
        raise Invalid("A correction is about the past: since lies before until, and until not after now.")
    if until - since > LONGEST:
        raise Invalid("A correction covers a year at most.")
    id = new_id(situation, service, by, since.isoformat(), until.isoformat(), now.isoformat())
    return (Corrected(at=now, correction=id, service=service, since=since, until=until, status=status, reason=reason, by=by),)
