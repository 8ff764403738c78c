"""What fails and recovers too often is one trouble: it is said once, and the incident stays open until it has been quiet for a while.

Detection stays as fast as ever, and statuses show each turn; only the incident's own turns are damped. It begins to flap at the
``flaps_at``th outage within ``flaps_within``, and calms once everything has worked for ``calms_after``: far longer than the gaps that
made it flap. Within ``flaps_within`` of its calming one more outage is enough.
"""

from datetime import datetime

from incidents.model import Incident, Situation, Status, Subject
from incidents.policy import Policy
from incidents.rollup import TROUBLE, is_known_by, well_since


def begins(incident: Incident, policy: Policy, now: datetime, returned_at: datetime | None = None) -> bool:
    """Whether the outage that hits now is one too many; *returned_at* is its start where the incident does not know of it yet."""
    earliest = now - policy.flaps_within
    known = [*(outage.since for outage in incident.outages), incident.returned_at or incident.started_at]
    begun = known if returned_at is None else [*known, returned_at]
    is_again = incident.calmed_at is not None and max(incident.calmed_at, earliest) <= begun[-1]
    return not incident.is_flapping and (is_again or sum(since >= earliest for since in begun) >= policy.flaps_at)


def is_over(situation: Situation, incident: Incident, policy: Policy, now: datetime) -> bool:
    """Whether everything that it hit has worked for long enough."""
    ends = calms_at(situation, incident, policy)
    return ends is not None and ends <= now


def calms_at(situation: Situation, incident: Incident, policy: Policy) -> datetime | None:
    """When a flapping incident has calmed if nothing fails until then; None while something does, or is not known: that is not quiet."""
    known = [situation.standings.get((Subject.SERVICE, id)) for id in incident.services]
    quiet = [well_since(one) for one in known if one is not None and one.status not in TROUBLE | {Status.UNKNOWN}]
    if not incident.is_flapping or len(quiet) < len(known):
        return None
    if not all(is_known_by(situation, id, incident.components) for id in incident.services):
        return None
    return max(quiet, default=incident.opened_at) + policy.calms_after
