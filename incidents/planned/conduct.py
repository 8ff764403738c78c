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
    late = lateness(situation, conducts, services, span, now) if is_new else {}
    found = []
    for id in services:
        found += [late[id]] if id in late else []
        conduct = conducts.get(id, ORDINARY)
        if conduct.hours is not None and (met := conduct.hours.open_spans(span)):
            day, hours = f"{met[0].since:%Y-%m-%d}", f"{clock(met[0].since)} to {clock(met[0].until)}"
            found.append(f"{_name(situation, id)}: meets its business hours on {day}, {hours}.")
    return tuple(found)


def lateness(
    situation: Situation, conducts: Mapping[str, Conduct], services: tuple[str, ...], span: Span, now: datetime
) -> Mapping[str, str]:
    """The services whose notice is not kept where work in *span* is announced *now*, each with a sentence."""
    found = {}
    for id in services:
        conduct = conducts.get(id, ORDINARY)
        if span.until - span.since >= conduct.notice_from and span.since - now < conduct.notice:
            ahead = spoken(max(span.since - now, timedelta(0)))
            rule = f"work of {spoken(conduct.notice_from)} or longer is announced {spoken(conduct.notice)} ahead"
            found[id] = f"{_name(situation, id)}: {rule}; this is {ahead} ahead."
    return found


def _name(situation: Situation, service: str) -> str:
    return said(situation.topology.services[service].name, "en")
