"""Which parts of planned work were announced early enough for a service level to leave their trouble out."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from incidents.levels.availability import Exclusion
from incidents.levels.terms import Terms, in_force
from incidents.maintenance import Maintenance, Promise
from incidents.times.spans import Span
from incidents.words import spoken


def exclusions(windows: Iterable[Maintenance], terms: Sequence[tuple[datetime, Terms]]) -> tuple[Exclusion, ...]:
    """What each of the promises about *windows* that really began makes of its time, by the terms in force when it was to begin.

    A window that was moved or made longer has made several: each part of the time is judged by the promises that named it, and one that
    was made in time suffices.
    """
    return tuple(one for window in windows if window.began_at is not None for one in _promised(window, terms))


def _promised(window: Maintenance, terms: Sequence[tuple[datetime, Terms]]) -> Iterator[Exclusion]:
    author = window.approved_by or window.planned_by
    for promise in window.promises:
        kept, reason = _kept(promise, in_force(terms, promise.starts))
        yield Exclusion(span=Span(promise.starts, max(promise.starts, promise.ends)), counts=not kept, reason=reason, author=author)


def _kept(promise: Promise, terms: Terms) -> tuple[bool, str]:
    """Whether it was told early enough, and the reason in words for customers."""
    ahead = promise.starts - promise.announced_at
    needed = terms.notice if promise.ends - promise.starts >= terms.notice_from else timedelta(0)
    told = f"planned work, announced {spoken(ahead)} before" if ahead >= timedelta(0) else "planned work, announced after it began"
    if ahead >= needed:
        return True, told
    return False, f"{told}; {spoken(needed)} are promised" if needed else told
