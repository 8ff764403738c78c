"""What a period teaches: what trouble came from and cost customers, what came again, what was noise, what the probes missed.

docs/reports.md defines each figure.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.model import Incident, Topology
from incidents.priority import HOUR, NO_IMPACT, Impact, share_hit
from statuspage.picture.desk_report import Lived

LEAST = 2
"""How often something comes before it is said to come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What *incidents* cost customers: time down, hours of customers who were hit, and money in the company's currency."""

    incidents: int = 0
    downtime: timedelta = timedelta(0)
    customer_hours: float = 0.0
    cost: float = 0.0

    def __add__(self, other: "Toll") -> "Toll":
        """Both together."""
        return Toll(
            incidents=self.incidents + other.incidents,
            downtime=self.downtime + other.downtime,
            customer_hours=self.customer_hours + other.customer_hours,
            cost=self.cost + other.cost,
        )

    @property
    def rank(self) -> tuple[float, float, timedelta, int]:
        """By what the dearest is found: money, then customers, then time, then how often."""
        return (self.cost, self.customer_hours, self.downtime, self.incidents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What incidents came from, or came in: a cause (empty: nobody said), a component, a service; and their toll."""

    id: str
    toll: Toll


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A monitor that went bad *turns* times, of which confirmed *incidents* explain one each."""

    monitor: str
    turns: int
    incidents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preceded:
    """What was altered *at* an instant by somebody (empty: our own configuration), and the incidents that began within a day after it."""

    at: datetime
    by: str
    what: str
    incidents: Sequence[Incident]


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """Something that was altered; *services* that it touches (none: maybe all)."""

    at: datetime
    by: str
    what: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """An incident, confirmed *at*, about which so many *callers* called before it was detected; *answered_at* is None: nobody said why.

    *monitor* was changed for it, or *words* explain why none was.
    """

    incident: str
    at: datetime
    first_called_at: datetime
    callers: int
    answered_at: datetime | None = None
    answered_by: str | None = None
    monitor: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A period's review. *whole* is the toll of all its confirmed incidents; the rest are lists, the worst first."""

    whole: Toll
    causes: Sequence[Came]
    offenders: Sequence[Came]
    noisy: Sequence[Noise]
    changes: Sequence[Preceded]


def review(
    lived: Iterable[Lived],
    turns: Mapping[str, int],
    altered: Iterable[Altered],
    *,
    topology: Topology,
    impacts: Mapping[str, Impact],
    before: timedelta,
    now: datetime,
) -> Review:
    """What incidents that were opened in a period come to.

    *turns* is how often each monitor went bad in it, *before* how near before a change counts.
    """
    confirmed = [one.incident for one in lived if one.is_confirmed]
    tolls = {one.id: toll(one, impacts, now) for one in confirmed}
    offenders = _summed(confirmed, tolls, lambda one: (one.root,) if one.root else tuple(one.worst))
    return Review(
        whole=sum(tolls.values(), Toll()),
        causes=_summed(confirmed, tolls, lambda one: (one.cause or "",)),
        offenders=[one for one in offenders if one.toll.incidents >= LEAST],
        noisy=_noisy(confirmed, turns, topology),
        changes=_preceded(confirmed, altered, before),
    )


def toll(incident: Incident, impacts: Mapping[str, Impact], now: datetime) -> Toll:
    """What it costs customers by *now*: how long it hit them, as badly as it ever hit each service."""
    lasted = incident.downtime(now)
    hit = [(impacts.get(service, NO_IMPACT), share_hit(incident, status)) for service, status in incident.worst.items()]
    hours = [(lasted / HOUR * share * impact.customers, impact.cost_of_quality) for impact, share in hit]
    return Toll(incidents=1, downtime=lasted, customer_hours=sum(of for of, _ in hours), cost=sum(of * dear for of, dear in hours))


def _summed(confirmed: Iterable[Incident], tolls: Mapping[str, Toll], by: Callable[[Incident], Sequence[str]]) -> Sequence[Came]:
    """Tolls added up by what incidents have in common, the dearest first."""
    found: dict[str, Toll] = {}
    for one in confirmed:
        for id in by(one):
            found[id] = found.get(id, Toll()) + tolls[one.id]
    ranked = sorted(found.items(), key=lambda entry: entry[0])
    return [Came(id=id, toll=toll) for id, toll in sorted(ranked, key=lambda entry: entry[1].rank, reverse=True)]


def _noisy(confirmed: Iterable[Incident], turns: Mapping[str, int], topology: Topology) -> Sequence[Noise]:
    explained = Counter(component for one in confirmed for component in one.components)
    found = [
        Noise(monitor=monitor, turns=count, incidents=explained[topology.monitors[monitor].component])
        for monitor, count in turns.items()
        if monitor in topology.monitors
    ]
    return sorted((one for one in found if one.turns > one.incidents), key=lambda one: (one.incidents - one.turns, one.monitor))


def _preceded(confirmed: Sequence[Incident], altered: Iterable[Altered], before: timedelta) -> Sequence[Preceded]:
    opened = sorted(confirmed, key=lambda one: one.opened_at)
    instants = [one.opened_at for one in opened]
    slowest = max((one.opened_at - one.started_at for one in opened), default=timedelta(0))

    def after(change: Altered) -> Sequence[Incident]:
        """Found by when they were opened: there may be thousands of both."""
        first, last = bisect_right(instants, change.at), bisect_right(instants, change.at + before + slowest)
        return [one for one in opened[first:last] if _is_near(change, one, before)]

    found = [(change, after(change)) for change in altered]
    told = [Preceded(at=change.at, by=change.by, what=change.what, incidents=near) for change, near in found if near]
    return sorted(sorted(told, key=lambda one: one.at, reverse=True), key=lambda one: len(one.incidents), reverse=True)


def _is_near(change: Altered, incident: Incident, before: timedelta) -> bool:
    touches = not change.services or any(service in incident.worst for service in change.services)
    return touches and incident.started_at - before <= change.at < incident.opened_at
