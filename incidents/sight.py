"""Whether a location can see the world: what its controls say, and what that makes of its votes. Our bug is never their outage.

A location is blind by local evidence, or where more than half of its controls fail; a control counts only once it has been good, and any
answer is good. While it is blind its votes are unknown: nothing opens by them, and nothing recovers. Source: ADR 10.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.events import (
    Event,
)
from incidents.impairment import Hindrance, Impaired, Impairment, Proven, Unimpaired
from incidents.model import Situation
from incidents.policy import ANSWERS
from probes.result import Failure, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one control found. *is_local* is evidence about this machine itself: it needs no majority."""

    control: str
    failure: Failure | None
    detail: str = ""
    is_local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One round of a location's controls, begun *at*. What was measured from *since* on is in doubt where it finds nothing.

    Controls that were not waited for are left out.
    """

    location: str
    at: datetime
    since: datetime
    glances: tuple[Glance, ...]


def judge(situation: Situation, now: datetime, *, look: Look) -> Sequence[Event]:
    """What *look* says of its location: controls that answered for the first time, blindness that begins or ends."""
    events: list[Event] = []
    good = {glance.control for glance in look.glances if ANSWERS[glance.failure]}
    new = sorted(control for control in good if (look.location, control) not in situation.proven)
    events += (Proven(at=now, location=look.location, control=control) for control in new)
    why, blind = why_blind(situation, look), blindness(situation, look.location)
    if why is not None and blind is None:
        before = situation.impairments.get((look.location, Hindrance.BLIND))
        since = min(look.since, now)
        if before is not None and before.until is not None:
            since = max(since, before.until)
        events.append(Impaired(at=now, location=look.location, since=since, reason=Hindrance.BLIND, detail=why))
    elif why is None and blind is not None and _counted(situation, look.location, look.glances):
        until = max(look.at, blind.since)
        events.append(Unimpaired(at=now, location=look.location, reason=Hindrance.BLIND, until=until))
    return events


def why_blind(situation: Situation, look: Look) -> str | None:
    """Why the location cannot see, in words for the desk; None where it can, or where nothing tells."""
    counted = _counted(situation, look.location, look.glances)
    failing = [glance for glance in counted if not ANSWERS[glance.failure]]
    lacking = [glance for glance in failing if glance.is_local]
    if lacking:
        return "; ".join(f"{glance.control}: {glance.detail or glance.failure}" for glance in lacking)
    total = sum(not glance.is_local for glance in counted)
    if 2 * len(failing) <= total:
        return None
    told = "; ".join(f"{glance.control}: {glance.failure}" for glance in failing)
    return f"{len(failing)} of {total} controls fail ({told})"


def is_settled(situation: Situation, location: str, found: Sequence[Glance], awaited: Sequence[str]) -> bool:
    """Whether the location is seen to see, whatever the controls that are still *awaited* will say: then nobody need wait for them."""
    counted = [glance for glance in _counted(situation, location, found) if not glance.is_local]
    failing = sum(not ANSWERS[glance.failure] for glance in counted)
    still_open = sum((location, control) in situation.proven for control in awaited)
    is_lacking = any(glance.is_local and not ANSWERS[glance.failure] for glance in found)
    return not is_lacking and blindness(situation, location) is None and 2 * (failing + still_open) <= len(counted) + still_open


def absence(
    situation: Situation, now: datetime, *, location: str, reason: Hindrance, since: datetime, until: datetime, detail: str
) -> Sequence[Event]:
    """Record that nobody looked from *since* to *until*. Nothing where the location is known to be blind anyway.

    Where the clock was set back the span may lie in what was told already: then only its end is told.
    """
    if blindness(situation, location) is not None:
        return ()
    before = situation.impairments.get((location, reason))
    since = since if before is None or before.until is None else max(since, before.until)
    since = min(since, until)
    return (
        Impaired(at=now, location=location, since=since, reason=reason, detail=detail),
        Unimpaired(at=now, location=location, reason=reason, until=until),
    )


def blindness(situation: Situation, location: str) -> Impairment | None:
    """The blindness that the location suffers from at present."""
    newest = situation.impairments.get((location, Hindrance.BLIND))
    return newest if newest is not None and newest.is_open else None


def is_muted(situation: Situation, result: Result) -> bool:
    """Whether *result* was measured, even in part, while its location was blind: it says nothing about the target."""
    newest = situation.impairments.get((result.location, Hindrance.BLIND))
    if newest is None:
        return False
    ended = result.started + timedelta(seconds=result.measured.took)
    return ended >= newest.since and (newest.until is None or result.started < newest.until)


def has_seen(situation: Situation, location: str, slot: datetime) -> bool:
    """Whether what the location found in *slot* still stands: it is not blind, and was not since."""
    newest = situation.impairments.get((location, Hindrance.BLIND))
    return newest is None or (newest.until is not None and slot >= newest.until)


def lasting(situation: Situation) -> list[Impairment]:
    """The impairments that last, the oldest first."""
    return sorted((one for one in situation.impairments.values() if one.is_open), key=lambda one: (one.since, one.location))


def _counted(situation: Situation, location: str, glances: Iterable[Glance]) -> list[Glance]:
    """Those that tell anything: our own bug and our own door do not, nor does what was never good."""
    return [
        glance
        for glance in glances
        if ANSWERS[glance.failure] or (ANSWERS[glance.failure] is False and (location, glance.control) in situation.proven)
    ]
