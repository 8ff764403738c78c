"""Customers who call: where enough of them name one service and no open incident hits it, one waits at the desk for a person.

What callers say publishes nothing, and changes no status: a draft is the desk's alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents import act
from incidents.events import Event
from incidents.model import Situation, Status
from incidents.voices import IN_ENGLISH, Speech, Voice, Voices, in_each
from incidents.words import trouble

AHEAD = timedelta(hours=2)
"""How long before the start of an outage, as the probes saw it, a caller may have been right already."""

CALLERS = "callers"
"""Who opens an incident where the callers did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """How many callers of one service, that no incident explains, *within* what time make one that waits for a person."""

    threshold: int = 3
    within: timedelta = timedelta(minutes=30)


def suspected(
    situation: Situation, now: datetime, *, service: str, count: int, calling: Calling, voices: Voices = IN_ENGLISH
) -> tuple[Event, ...]:
    """The draft that *count* callers of *service* make, if they do: no open incident may hit it. Errors: act.Invalid: no such service."""
    if service not in situation.topology.services:
        raise act.Invalid(f"There is no service {service!r}.")
    if count < calling.threshold or any(service in one.worst for one in situation.incidents.values() if one.is_open):
        return ()
    name = in_each(voices, lambda voice: trouble(situation, service, voice))
    return act.open_incident(
        situation,
        now,
        by=CALLERS,
        name=name.own,
        services={service: Status.PARTIAL},
        body=f"{count} customers called within {minutes(calling.within)}, and no open incident explains it. Nothing of this is public.",
        is_draft=True,
        speech=Speech(voices=voices, names=name.others),
    )


def minutes(span: timedelta) -> str:
    """Say how long, in minutes."""
    whole = round(span / timedelta(minutes=1))
    return f"{whole} minute{'' if whole == 1 else 's'}"


def nothing_known(voice: Voice) -> str:
    """What is said to a caller where nothing is known yet: never that there is no problem."""
    return voice.says("I see nothing on our side yet. I have recorded your report and am testing from all locations now.")
