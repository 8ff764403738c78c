"""When the mere passing of time may next change something: until then, ticks need not be asked.

A lower bound, never a promise: to wake too early costs a look, to wake too late would lose an event. Whatever in ``decide`` waits for an
instant has its line here; tests/incidents/test_waking.py holds the two against each other.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from incidents import flapping, folding, pings, streaks, telling
from incidents.model import Incident, Situation, Status, Subject
from incidents.planned import windows
from incidents.policy import Policy
from incidents.rollup import hit_services, standing
from incidents.verdicts import last_heard
from incidents.votes import Streak

AT_ONCE = datetime(1, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def wakes_at(situation: Situation, policy: Policy, since: datetime) -> datetime:
    """The earliest instant at which a tick may say something of *situation*, which was looked at *since*, had nothing more been heard."""
    return min((*_silences(situation), clocks_wake_at(situation, policy, since)), default=NEVER)


def clocks_wake_at(situation: Situation, policy: Policy, since: datetime) -> datetime:
    """The same without the silence of monitors that are probed: it moves with every result."""
    clocks = (
        _incidents(situation, policy),
        _causes(situation, policy),
        _pings(situation),
        _windows(situation, policy, since),
        _advisories(situation),
    )
    return min((at for some in clocks for at in some), default=NEVER)


def _silences(situation: Situation) -> Iterator[datetime]:
    for monitor in situation.topology.monitors.values():
        if monitor.heartbeat is None and standing(situation, Subject.MONITOR, monitor.id) is not Status.UNKNOWN:
            last = last_heard(situation, monitor)
            yield AT_ONCE if last is None else last + monitor.stale_after


def _pings(situation: Situation) -> Iterator[datetime]:
    for monitor, heartbeat in situation.topology.heartbeats:
        key = (monitor, pings.LOCATION)
        ends = pings.limit(heartbeat, situation.streaks.get(key, Streak()), situation.seen.get(key))
        if ends is not None:
            yield ends
        elif standing(situation, Subject.MONITOR, monitor) is not Status.UNKNOWN:
            yield AT_ONCE  # it is known and was never heard of: the next look says that nothing is known


def _incidents(situation: Situation, policy: Policy) -> Iterator[datetime]:
    for incident in situation.incidents.values():
        if telling.waits_for_words(incident) and incident.publish_at is not None:
            yield incident.publish_at
        if incident.resolves_at is not None:
            yield incident.resolves_at
        if incident.published_at is not None and telling.has_grown(situation, incident):
            yield AT_ONCE if incident.told_at is None else incident.told_at + policy.says_more_after
        if (calms_at := flapping.calms_at(situation, incident, policy)) is not None:
            yield calms_at
        yield from _victims(situation, incident)
    for incident in situation.ended.values():
        yield incident.reopens_until or AT_ONCE


def _victims(situation: Situation, incident: Incident) -> Iterator[datetime]:
    """When what is still broken although the root is back leaves the incident."""
    if incident.root is None or standing(situation, Subject.COMPONENT, incident.root) is not Status.OPERATIONAL:
        return
    back, topology = situation.standings[Subject.COMPONENT, incident.root].since, situation.topology
    for id in incident.components:
        if id != incident.root and folding.is_broken(situation, id):
            yield back + max((topology.monitors[monitor].stale_after for monitor in topology.monitors_of[id]), default=timedelta(0))


def _causes(situation: Situation, policy: Policy) -> Iterator[datetime]:
    """When a broken component has waited long enough for the verdict on a parent that began to fail."""
    for component in folding.unexplained(situation):
        if hit_services(situation, component):
            ancestors = situation.topology.ancestors[component]
            doubts = [run.since for ancestor in ancestors for run in streaks.doubts(situation, ancestor)]
            yield min((since + policy.waits_for_cause for since in doubts), default=AT_ONCE)


def _windows(situation: Situation, policy: Policy, since: datetime) -> Iterator[datetime]:
    for window in situation.maintenances.values():
        if (at := windows.due_at(situation, policy, window)) is not None:
            yield at
    for series in situation.topology.series.values():
        yield windows.follows_at(situation, policy, series, since)


def _advisories(situation: Situation) -> Iterator[datetime]:
    return (advisory.ends for advisory in situation.advisories.values() if advisory.ends is not None)
