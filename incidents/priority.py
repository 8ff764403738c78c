"""How much an incident matters, and which clocks run for it. The formula is handed in; here is what it is given, and what follows.

Levels order and remind. None of them calls anybody: that is for escalation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from incidents.model import Incident, Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span

HOUR = timedelta(hours=1)
LOOK_AHEAD = timedelta(days=7)
LONGEST_WAIT = 60
"""How many weeks ahead a clock is followed; hours that open less often than that open never, for our purposes."""

SHARES: Mapping[Status, float] = MappingProxyType({Status.DEGRADED: 0.1, Status.PARTIAL: 0.4, Status.MAJOR: 1.0})
"""What share of a service's customers a status hits, unless a person knows better. Any other status hits nobody."""

Formula = Callable[[Mapping[str, float]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What trouble with a service costs, as the configuration says: money in whatever currency, an hour where it is by the hour."""

    customers: float = 0.0
    customer_lifetime_value: float = 0.0
    customer_referral_value: float = 0.0
    cost_of_quality: float = 0.0
    cost_to_resolve: float = 0.0


NO_IMPACT = Impact()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A class of the score, from *least* on (None: whatever is left), and how soon somebody should own, tell and mend."""

    name: str
    least: float | None = None
    acknowledge_in: timedelta | None = None
    update_in: timedelta | None = None
    resolve_in: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What priority is reckoned by: the company's *formula*, what services cost, their hours (None: always), *levels* highest first."""

    formula: Formula
    impacts: Mapping[str, Impact] = field(default_factory=lambda: MappingProxyType({}))
    hours: Mapping[str, Calendar | None] = field(default_factory=lambda: MappingProxyType({}))
    levels: Sequence[Level] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What one service adds to the score, and the formula's inputs that it comes from; *trouble* says why it adds nothing."""

    service: str
    inputs: Mapping[str, float]
    score: float
    trouble: str = ""


class Asks(StrEnum):
    """What a clock waits for."""

    OWNER = "owner"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Something that should happen by *due*."""

    asks: Asks
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """How much an incident matters: the sum of *terms*. *clocks* are those that run, soonest first; *level* is None where there are none.

    *waiting* is what another hour costs, *mending* what it usually costs to mend.
    """

    score: float
    level: Level | None
    terms: tuple[Term, ...]
    clocks: tuple[Clock, ...]
    waiting: float
    mending: float


def ordinary(inputs: Mapping[str, float]) -> float:
    """The formula where the company gave none: those who are hit, by what it costs each, more with every hour and with every caller.

    A service whose impact nobody stated counts as one customer whom it costs one.
    """
    cost = inputs["impact.cost_of_quality"] + (inputs["impact.customer_lifetime_value"] + inputs["impact.customer_referral_value"]) / 1000
    urgent = (inputs["hours_down"] + 1.0) * (inputs["callers"] / 10 + 1.0)
    return max(inputs["impact.customers"], 1.0) * inputs["affected_share"] * (cost or 1.0) * urgent


ORDINARY_LEVELS = (
    Level(name="P1", least=40000.0, acknowledge_in=timedelta(minutes=5), update_in=timedelta(minutes=30), resolve_in=4 * HOUR),
    Level(name="P2", least=4000.0, acknowledge_in=timedelta(minutes=15), update_in=HOUR, resolve_in=8 * HOUR),
    Level(name="P3", acknowledge_in=HOUR),
)


def priority(
    incident: Incident, scale: Scale, now: datetime, *, told_at: datetime | None = None, is_owned: bool = False, callers: int = 0
) -> Priority:
    """Reckon how much *incident* matters at *now*, and what should happen by when.

    *told_at* is when customers last heard of it, *is_owned* whether somebody holds it, *callers* how many called.
    """
    terms = tuple(_term(incident, service, status, scale, now, callers) for service, status in incident.services.items())
    score = sum(term.score for term in terms)
    level = level_of(score, scale.levels)
    impacts = [(_impact(incident, term.service, scale), term) for term in terms]
    return Priority(
        score=score,
        level=level,
        terms=terms,
        clocks=() if level is None or not incident.is_open else tuple(_clocks(incident, level, scale, told_at, is_owned=is_owned)),
        waiting=sum(impact.customers * term.inputs["affected_share"] * impact.cost_of_quality for impact, term in impacts),
        mending=max((impact.cost_to_resolve for impact, _ in impacts), default=0.0),
    )


def level_of(score: float, levels: Sequence[Level]) -> Level | None:
    """The highest level that *score* reaches."""
    return next((level for level in levels if level.least is None or score >= level.least), None)


def due(since: datetime, within: timedelta, hours: Calendar | None) -> datetime | None:
    """When *within* of open *hours* have passed since *since*; None where they do not open often enough."""
    if hours is None:
        return since + within
    left, at = within, since
    for _ in range(LONGEST_WAIT):
        for span in hours.open_spans(Span(at, at + LOOK_AHEAD)):
            if span.length >= left:
                return span.since + left
            left -= span.length
        at += LOOK_AHEAD
    return None


def _impact(incident: Incident, service: str, scale: Scale) -> Impact:
    """What the file says of *service*, unless somebody knows what mending costs this time."""
    impact = scale.impacts.get(service, NO_IMPACT)
    return impact if incident.cost_to_resolve is None else replace(impact, cost_to_resolve=incident.cost_to_resolve)


def share_hit(incident: Incident, status: Status) -> float:
    """The share of customers that *status* hits; what hits nobody any more hits none, whatever somebody said."""
    usual = SHARES.get(status, 0.0)
    return usual if incident.affected_share is None or not usual else incident.affected_share


def _term(incident: Incident, service: str, status: Status, scale: Scale, now: datetime, callers: int) -> Term:
    impact = _impact(incident, service, scale)
    until, share = incident.resolved_at or now, share_hit(incident, status)
    inputs = {
        **{f"impact.{name}": getattr(impact, name) for name in Impact.__dataclass_fields__},
        "affected_share": share,
        "hours_down": max(0.0, (until - incident.started_at) / HOUR),
        "callers": float(callers),
        "tier": float(incident.climb.tier) if incident.climb is not None else 1.0,
    }
    if not share:
        return Term(service=service, inputs=inputs, score=0.0)  # whatever the formula would make of a service that hits nobody
    try:
        return Term(service=service, inputs=inputs, score=scale.formula(inputs))
    except ValueError as error:  # the company's formula, on inputs that nobody thought of
        return Term(service=service, inputs=inputs, score=0.0, trouble=str(error))


def _clocks(incident: Incident, level: Level, scale: Scale, told_at: datetime | None, *, is_owned: bool) -> Iterator[Clock]:
    """The clocks that run, soonest first. Of several services' hours those count in which it is due first."""
    begun = incident.returned_at or incident.opened_at
    asked = (
        (Asks.OWNER, None if is_owned else level.acknowledge_in, begun),
        (Asks.UPDATE, level.update_in, max(begun, told_at) if told_at else begun),
        (Asks.END, level.resolve_in, begun),
    )
    hours = [scale.hours.get(service) for service in incident.services] or [None]
    clocks = []
    for asks, within, since in asked:
        instants = [at for one in hours if within is not None and (at := due(since, within, one)) is not None]
        if instants:
            clocks.append(Clock(asks=asks, due=min(instants)))
    yield from sorted(clocks, key=lambda clock: clock.due)
