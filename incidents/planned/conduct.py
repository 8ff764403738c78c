"""What a company asks of planned work before it may be planned: notice in good time, and not while customers work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.model import Situation
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from incidents.words import clock, said, spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What planned work on a service must keep: work of *notice_from* or longer is announced *notice* ahead, and outside the *hours*."""

    notice: timedelta = timedelta(hours=72)
    notice_from: timedelta = timedelta(hours=1)
    hours: Calendar | None = None


ORDINARY = Conduct()
"""What holds for a service of which nothing is said."""


def objections(
    situation: Situation, conducts: Mapping[str, Conduct], services: tuple[str, ...], span: Span, now: datetime, *, is_new: bool = True
) -> tuple[str, ...]:
    """Every reason why work on *services* may not be done in *span* without a manager's word, each a sentence.

    Notice is asked for what is planned anew; what is already under way and takes longer is judged by the hours alone.
    """
    found = []
    for id in services:
        conduct = conducts.get(id, ORDINARY)
        name = said(situation.topology.services[id].name, "en")
        if is_new and span.until - span.since >= conduct.notice_from and span.since - now < conduct.notice:
            ahead = spoken(max(span.since - now, timedelta(0)))
            rule = f"work of {spoken(conduct.notice_from)} or longer is announced {spoken(conduct.notice)} ahead"
            found.append(f"{name}: {rule}; this is {ahead} ahead.")
        if conduct.hours is not None and (met := conduct.hours.open_spans(span)):
            first = met[0]
            found.append(f"{name}: meets its business hours on {first.since:%Y-%m-%d}, {clock(first.since)} to {clock(first.until)}.")
    return tuple(found)
