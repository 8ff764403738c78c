"""What a person knows better than the record: an outage that was none, one that began earlier, a gap that was none."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from incidents.act import Invalid, NotFound, demand
from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped
from incidents.events import Event
from incidents.model import Situation, Status
from incidents.naming import new_id

LONGEST = timedelta(days=366)
"""More than this at once is a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What *service* was in [*since*, *until*), in the past, and why that is known, in words for customers."""

    service: str
    since: datetime
    until: datetime
    status: Status
    reason: str


def correct(situation: Situation, now: datetime, *, claim: Claim, by: str, needs_approval: bool = False) -> tuple[Event, ...]:
    """Put *claim* beside the record; with *needs_approval* it counts once another person agrees. Errors: Invalid names what is wrong."""
    demand(claim.reason, "A correction needs a reason.")
    if claim.service not in situation.topology.services:
        raise Invalid(f"There is no service {claim.service!r}.")
    if claim.status is Status.MAINTENANCE:
        raise Invalid("Maintenance is planned and not corrected; say how the service was.")
    if not claim.since < claim.until <= now:
        raise Invalid("A correction is about the past: since lies before until, and until not after now.")
    if claim.until - claim.since > LONGEST:
        raise Invalid("A correction covers a year at most.")
    told = {one.name: getattr(claim, one.name) for one in fields(claim)}
    id = new_id(situation, by, now.isoformat(), *(str(part) for part in told.values()))
    return (Corrected(at=now, correction=id, by=by, needs_approval=needs_approval, **told),)


def approve(situation: Situation, now: datetime, *, correction: str, by: str) -> tuple[Event, ...]:
    """Another person than the one who made it agrees. Errors: NotFound, Invalid."""
    if _waiting(situation, correction) == by:
        raise Invalid("Another person than the one who made it must approve.")
    return (CorrectionApproved(at=now, correction=correction, by=by),)


def drop(situation: Situation, now: datetime, *, correction: str, by: str, reason: str) -> tuple[Event, ...]:
    """Decline it, or take it back, and say why. Errors: NotFound, Invalid."""
    _waiting(situation, correction)
    demand(reason, "Say why it is dropped.")
    return (CorrectionDropped(at=now, correction=correction, by=by, reason=reason),)


def _waiting(situation: Situation, correction: str) -> str:
    """Who made it. Errors: NotFound where none of this id waits: it counts, was dropped, or never was."""
    if correction not in situation.proposals:
        raise NotFound("No correction with this id waits for a second person.")
    return situation.proposals[correction]
