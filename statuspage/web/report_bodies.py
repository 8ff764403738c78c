"""The monthly reports as programs read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from statuspage.monthly import AvailabilityReport, Company, DeskReport, ReviewReport
from statuspage.picture.desk_report import BOUNDS, Spread
from statuspage.picture.review import Came
from statuspage.render.report import Reported
from statuspage.web.bodies import Given, MissedShown


class KeptShown(Given):
    """A service in a period: the promise and the figures in percent, cut (null: none, or not known), and what is left of the budget."""

    service: str
    name: str
    target: float | None
    promised_a: str | None
    measured: float | None
    contractual: float | None
    unknown_seconds: float
    budget_left_seconds: float | None
    runs_out_at: datetime | None
    credit_percent: float
    cost: float | None

    @classmethod
    def of(cls, one: Reported) -> Self:
        """Show *one*."""
        return cls(
            service=one.service,
            name=one.name,
            target=_number(one.target),
            promised_a=None if one.target is None else one.terms.period.value,
            measured=_number(one.figure.measured),
            contractual=_number(one.figure.contractual),
            unknown_seconds=one.figure.unknown.total_seconds(),
            budget_left_seconds=None if one.left is None else one.left.total_seconds(),
            runs_out_at=one.runs_out_at,
            credit_percent=float(one.credit),
            cost=one.cost,
        )


def _number(percent: str | None) -> float | None:
    return None if percent is None else float(percent)


class AvailabilityShown(Given):
    """What was promised and kept of each service in a period, as of the last whole minute."""

    period: str
    since: datetime
    until: datetime
    as_of: datetime
    items: list[KeptShown]

    @classmethod
    def of(cls, report: AvailabilityReport) -> Self:
        """Show *report*."""
        return cls(
            period=report.word,
            since=report.period.since,
            until=report.period.until,
            as_of=report.as_of,
            items=[KeptShown.of(one) for one in report.services],
        )


class TimesShown(Given):
    """Times in seconds: how many incidents have one and how many have *none*, in the middle, nine of ten, the longest (null: no data).

    *up_to* counts them by bounds in seconds, as "60", each without those below; "+" are the rest.
    """

    count: int
    none: int
    median: float | None
    nine_of_ten: float | None
    longest: float | None
    up_to: dict[str, int]

    @classmethod
    def of(cls, spread: Spread, bounds: Sequence[float] = BOUNDS) -> Self:
        """Show *spread*."""
        names = [*(f"{bound:.0f}" for bound in bounds), "+"]
        return cls(
            count=len(spread.seconds),
            none=spread.none,
            median=spread.median,
            nine_of_ten=spread.ninth,
            longest=spread.longest,
            up_to=dict(zip(names, spread.sorted_by(bounds), strict=True)),
        )


class PromisesShown(Given):
    """Promised updates that fell due: kept, missed, and those whose time is not over."""

    kept: int
    missed: int
    waiting: int


class DeskReportShown(Given):
    """The desk's figures of a period; a *share* is from 0 to 1, null where there is nothing to share."""

    period: str
    since: datetime
    until: datetime
    as_of: datetime
    incidents: int
    left_out: int
    called: int
    known_first: int
    known_first_share: float | None
    lead: TimesShown
    acknowledge: TimesShown
    first_word: TimesShown
    resolve: TimesShown
    promises: PromisesShown
    callers: int
    most_callers: int
    alarms: int
    false_alarms: int
    false_alarm_share: float | None

    @classmethod
    def of(cls, report: DeskReport) -> Self:
        """Show *report*."""
        found = report.figures
        return cls(
            period=report.word,
            since=report.period.since,
            until=report.period.until,
            as_of=report.as_of,
            incidents=found.incidents,
            left_out=found.left_out,
            called=found.called,
            known_first=found.known_first,
            known_first_share=_share(found.known_first, found.called),
            lead=TimesShown.of(found.lead, (0.0, *BOUNDS)),
            acknowledge=TimesShown.of(found.acknowledge),
            first_word=TimesShown.of(found.first_word),
            resolve=TimesShown.of(found.resolve),
            promises=PromisesShown.model_validate(found.promises, from_attributes=True),
            callers=found.callers,
            most_callers=found.most_callers,
            alarms=found.alarms,
            false_alarms=found.false_alarms,
            false_alarm_share=_share(found.false_alarms, found.alarms),
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


class CameShown(Given):
    """What incidents came from (an empty *id*: nobody said), or came in, and what they cost customers."""

    id: str
    name: str
    incidents: int
    downtime_seconds: float
    customer_hours: float
    cost: float


class NoiseShown(Given):
    """A monitor that went bad more often than incidents explain."""

    monitor: str
    turns: int
    incidents: int


class PrecededShown(Given):
    """What was altered, and the ids of the incidents that began within a day after it."""

    at: datetime
    by: str
    what: str
    incidents: list[str]


class ReviewShown(Given):
    """The review of a period; lists have the worst first."""

    period: str
    since: datetime
    until: datetime
    as_of: datetime
    incidents: int
    downtime_seconds: float
    customer_hours: float
    cost: float
    causes: list[CameShown]
    offenders: list[CameShown]
    missed: list[MissedShown]
    noisy: list[NoiseShown]
    changes: list[PrecededShown]

    @classmethod
    def of(cls, report: ReviewReport, company: Company) -> Self:
        """Show *report*, with the names that *company* has."""
        found, whole = report.review, report.review.whole
        return cls(
            period=report.word,
            since=report.period.since,
            until=report.period.until,
            as_of=report.as_of,
            incidents=whole.incidents,
            downtime_seconds=whole.downtime.total_seconds(),
            customer_hours=whole.customer_hours,
            cost=whole.cost,
            causes=[_came(one, company.causes.named(one.id)) for one in found.causes],
            offenders=[_came(one, company.named(one.id)) for one in found.offenders],
            missed=[MissedShown.model_validate(one, from_attributes=True) for one, _ in report.missed],
            noisy=[NoiseShown.model_validate(one, from_attributes=True) for one in found.noisy],
            changes=[
                PrecededShown(at=one.at, by=one.by, what=one.what, incidents=[incident.id for incident in one.incidents])
                for one in found.changes
            ],
        )


def _came(one: Came, name: str) -> CameShown:
    toll = one.toll
    return CameShown(
        id=one.id,
        name=name,
        incidents=toll.incidents,
        downtime_seconds=toll.downtime.total_seconds(),
        customer_hours=toll.customer_hours,
        cost=toll.cost,
    )
