"""A monitor's verdict: who has a vote, what they agree on, since when, and why in words for the desk."""

from collections.abc import Collection, Mapping
from datetime import datetime

from incidents import quorum, sight, streaks
from incidents.model import Monitor, Situation, Standing, Status, Subject
from incidents.rollup import TROUBLE, standing
from incidents.votes import Level, Run, Streak

STATUS = {Level.GOOD: Status.OPERATIONAL, Level.DEGRADED: Status.DEGRADED, Level.DOWN: Status.MAJOR}
_LEVEL = {status: level for level, status in STATUS.items()}

Votes = Mapping[str, Streak]


def monitor_standing(situation: Situation, monitor: Monitor, fresh: Collection[str], now: datetime) -> Standing:
    """How the monitor stands at *now*. *fresh* are the locations that were heard in this decision: only they can turn a verdict."""
    if situation.stands_still(monitor.id):
        return Standing(since=now, cause=why_still(situation, monitor.id))
    silent = silent_since(situation, monitor, now)
    if silent is not None:
        return Standing(since=silent, cause="no result arrived in time")
    voters = _voters(situation, monitor, now)
    levels = {place: streak.judged or Level.GOOD for place, streak in voters.items()}
    turning = levels.keys() & (monitor.locations if len(monitor.locations) == 1 else fresh)
    before, is_unknown = _known_before(situation, monitor)
    verdict = quorum.agreed(levels, before, monitor.quorum, turning)
    if verdict is None or (is_unknown and not turning):
        return _unknown(situation, monitor, now)
    if verdict is Level.GOOD or (before is not None and quorum.is_worse(before, verdict)):
        began = _well_since(voters, verdict, monitor)
    else:
        began = _bad_since(voters, verdict, monitor)
    cause = _reason(voters, verdict, monitor, began)
    return Standing(status=STATUS[verdict], since=_known_since(situation, monitor, began or now, now), cause=cause)


def why_still(situation: Situation, monitor: str) -> str:
    """Who has it stand still, since when and why, for the desk."""
    held = situation.paused.get(monitor)
    if held is None:
        return "disabled in the configuration"
    return f"paused by {held.by} since {held.at:%Y-%m-%d %H:%M} UTC: {held.reason}"


def why_not_well(situation: Situation, monitor: Monitor) -> Run | Streak | None:
    """What tells why the monitor is not well: of known trouble the votes for it, else what came instead of votes; None where it is well."""
    status = standing(situation, Subject.MONITOR, monitor.id)
    places = ((monitor.id, place) for place in monitor.locations)
    memories = [found for place in places if (found := situation.streaks.get(place)) is not None and found.failure]
    if status not in TROUBLE:
        return None if status is Status.OPERATIONAL else next(iter(memories), None)
    seeing = [found for found in memories if found.judged not in {None, Level.GOOD}]
    return next((streaks.blamed(found) for found in seeing or memories), None)


def silent_since(situation: Situation, monitor: Monitor, now: datetime) -> datetime | None:
    """Since when none of its locations was heard for longer than silence may last; None where one was."""
    last = last_heard(situation, monitor)
    if last is None:
        return now
    if monitor.heartbeat is not None:
        return None  # its silence is a result of its own, once it is overdue
    limit = last + monitor.stale_after
    return limit if limit <= now else None


def last_heard(situation: Situation, monitor: Monitor) -> datetime | None:
    """When the last of its locations was heard, of those that are sure of what they see as long as there are any."""
    if len(monitor.locations) == 1:  # asked of every monitor each second
        return situation.seen.get((monitor.id, monitor.locations[0]))
    heard = {place: slot for place in monitor.locations if (slot := situation.seen.get((monitor.id, place))) is not None}
    sure = [slot for place, slot in heard.items() if _is_sure(situation.streaks.get((monitor.id, place)), monitor)]
    return max(sure or heard.values(), default=None)


def _is_sure(streak: Streak | None, monitor: Monitor) -> bool:
    return streak is not None and streak.judged is not None and streak.unknown < monitor.fails_after


def _voters(situation: Situation, monitor: Monitor, now: datetime) -> Votes:
    """The locations that have a vote: heard of lately, with open eyes, and sure of what they see."""
    found = {}
    for place in monitor.locations:
        streak, seen = situation.streaks.get((monitor.id, place)), situation.seen.get((monitor.id, place))
        if streak is not None and seen is not None and _is_sure(streak, monitor) and not _is_lost(situation, monitor, place, seen, now):
            found[place] = streak
    return found


def _is_lost(situation: Situation, monitor: Monitor, place: str, seen: datetime, now: datetime) -> bool:
    """Whether what *place* said last has expired. A heartbeat's silence is judged by its promise, and a ping that came did come."""
    if monitor.heartbeat is not None:
        return False
    return seen + monitor.stale_after <= now or not sight.has_seen(situation, place, seen)


def _known_before(situation: Situation, monitor: Monitor) -> tuple[Level | None, bool]:
    """The verdict that stood, or stood before nothing was known (a gap changes none), and whether nothing is known."""
    found = situation.standings.get((Subject.MONITOR, monitor.id))
    if found is None:
        return None, True
    is_unknown = found.status is Status.UNKNOWN
    return _LEVEL.get(found.old if is_unknown else found.status), is_unknown


def _bad_since(voters: Votes, verdict: Level, monitor: Monitor) -> datetime | None:
    seeing = [streak for streak in voters.values() if not quorum.is_worse(verdict, streak.judged)]
    sinces = [began for streak in seeing if (began := streaks.since(streak, verdict)) is not None]
    return quorum.opened_at(sinces, quorum.to_open(len(voters), monitor.quorum), monitor.stale_after)


def _well_since(voters: Votes, verdict: Level, monitor: Monitor) -> datetime | None:
    seeing = [streak for streak in voters.values() if not quorum.is_worse(streak.judged, verdict)]
    sinces = [began for streak in seeing if (began := streaks.well_since(streak, verdict)) is not None]
    return quorum.closed_at(sinces, quorum.to_close(len(voters), monitor.quorum))


def _known_since(situation: Situation, monitor: Monitor, began: datetime, now: datetime) -> datetime:
    """When the verdict's stretch began; what was unknown in between is known only from the newest result on."""
    before = situation.standings.get((Subject.MONITOR, monitor.id))
    if before is None or before.status is not Status.UNKNOWN or began > before.since:
        return began
    seen = situation.seen
    return max((seen[monitor.id, place] for place in monitor.locations if (monitor.id, place) in seen), default=now)


def _unknown(situation: Situation, monitor: Monitor, now: datetime) -> Standing:
    blind = [found for place in monitor.locations if (found := sight.blindness(situation, place)) is not None]
    if blind and monitor.heartbeat is None:
        longest = min(blind, key=lambda found: found.since)
        return Standing(since=longest.since, cause=f"location {longest.location} is blind: {longest.detail}")
    memories = [m for place in monitor.locations if (m := situation.streaks.get((monitor.id, place))) is not None]
    unsure = [m for m in memories if m.unknown_since is not None]
    if not unsure:
        return Standing(since=now, cause="not yet judged")
    first = min(unsure, key=lambda m: m.unknown_since or now)
    return Standing(since=first.unknown_since or now, cause=_failure_words(first))


def _reason(voters: Votes, verdict: Level, monitor: Monitor, began: datetime | None) -> str:
    """Such as "2 of 2 locations failed 2 times since 14:02:10: tls expired at tls"; one location alone is not counted."""
    when = f" since {began:%H:%M:%S}" if began else ""
    bad = {place: streak for place, streak in voters.items() if not quorum.is_worse(verdict, streak.judged)}
    if verdict is Level.GOOD:
        bad = {place: streak for place, streak in voters.items() if streak.judged is Level.GOOD}
    who = f"{len(bad)} of {len(voters)} locations " if len(monitor.locations) > 1 else ""
    if verdict is Level.GOOD or not bad:
        return f"{who}succeeded{when}"
    return f"{who}failed {_spoken(min(_failures(streak, monitor) for streak in bad.values()))}{when}: {_causes(bad)}"


def _failures(streak: Streak, monitor: Monitor) -> int:
    return max(sum(run.count for run in streak.runs if run.level is not Level.GOOD), monitor.fails_after)


def _spoken(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _causes(bearing: Votes) -> str:
    """Why they failed, each reason once; where they differ, each with its location."""
    words = {place: _failure_words(streaks.blamed(streak)) for place, streak in sorted(bearing.items())}
    different = list(dict.fromkeys(words.values()))
    return different[0] if len(different) == 1 else "; ".join(f"{place}: {said}" for place, said in words.items())


def _failure_words(bad: Run | Streak) -> str:
    stage = f" at {bad.stage}" if bad.stage else ""
    detail = f" ({bad.detail})" if bad.detail else ""
    failure = bad.failure.replace("_", " ") if bad.failure else "no result"
    return f"{failure}{stage}{detail}"
