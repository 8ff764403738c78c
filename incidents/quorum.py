"""What several locations agree on: so many of those who have a vote open, and as many close, but never the same votes both.

Pure arithmetic over votes; whose vote counts is for ``incidents.verdicts``. Source: ADR 9; tests/incidents/test_quorum.py holds it against
a slow reference.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from incidents.votes import Level

BADNESS = {Level.GOOD: 0, Level.DEGRADED: 1, Level.DOWN: 2}


def is_worse(one: Level | None, other: Level | None) -> bool:
    """Whether *one* is worse than *other*; what was never judged is as good as good."""
    return BADNESS[one or Level.GOOD] > BADNESS[other or Level.GOOD]


def to_open(voters: int, quorum: int | None) -> int:
    """How many of *voters* must see trouble: *quorum* of them, all where none is asked for or fewer have a vote."""
    return min(quorum or voters, voters)


def to_close(voters: int, quorum: int | None) -> int:
    """How many of *voters* must see it better: as many as open, and so many that too few are left to open it at the same time."""
    needed = to_open(voters, quorum)
    return max(needed, voters - needed + 1)


def agreed(votes: Mapping[str, Level], before: Level | None, quorum: int | None, fresh: Collection[str]) -> Level | None:
    """The verdict that *votes* lead to from the one *before* them; None where nobody has a vote.

    Only who was heard again (*fresh*) can turn a verdict: that others fell silent, and are no longer among the voters, turns nothing.
    """
    if not votes:
        return None
    needed = to_open(len(votes), quorum)
    for level in (Level.DOWN, Level.DEGRADED):
        seeing = {place for place, vote in votes.items() if not is_worse(level, vote)}
        if is_worse(level, before) and len(seeing) >= needed and (before is None or not seeing.isdisjoint(fresh)):
            return level
    return Level.GOOD if before is None else _fallen(votes, before, to_close(len(votes), quorum), fresh)


def _fallen(votes: Mapping[str, Level], before: Level, needed: int, fresh: Collection[str]) -> Level:
    for level in (Level.GOOD, Level.DEGRADED):
        seeing = {place for place, vote in votes.items() if not is_worse(vote, level)}
        if is_worse(before, level) and len(seeing) >= needed and not seeing.isdisjoint(fresh):
            return level
    return before


def opened_at(sinces: Iterable[datetime], needed: int, together: timedelta) -> datetime | None:
    """When the outage that *needed* of those who failed from *sinces* on agree on began: at the first failure among them.

    One that had failed alone for longer than *together* before the quorum was reached saw another trouble, which the others did not have.
    """
    order = sorted(sinces)
    if not order:
        return None
    reached = order[min(needed, len(order)) - 1]
    return min(since for since in order if since >= reached - together)


def closed_at(sinces: Iterable[datetime], needed: int) -> datetime | None:
    """When enough of those who were well from *sinces* on were well together."""
    order = sorted(sinces)
    return order[min(needed, len(order)) - 1] if order else None
