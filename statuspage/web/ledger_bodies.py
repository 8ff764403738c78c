"""What the API takes and gives of ledgers."""

from datetime import datetime
from fractions import Fraction
from typing import Literal, Self

from incidents.levels.availability import Interval, Kind, Ledger, percent
from incidents.levels.service_level import Budget, Offer, cost, credit
from incidents.levels.terms import Period
from incidents.model import Status
from statuspage.ledgers import Account
from statuspage.picture.figures import cut_share
from statuspage.store.ledger_rows import CorrectionRow, CorrectionState
from statuspage.web.bodies import Given, Instant, Taken
from statuspage.web.typed import Line

Seen = Literal[Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.UNKNOWN]


_SECOND = 1_000_000


class CorrectionBody(Taken):
    """What the service was in a span of the past, and how that is known. The reason is public: it stands in the public ledger."""

    since: Instant
    until: Instant
    status: Seen
    reason: Line


class DropBody(Taken):
    """Why a correction is not to count."""

    reason: Line


class CorrectionShown(Given):
    """A correction as it stands in the record for good.

    *state* is ``counts`` where it is in the ledger, ``waiting`` for a second person, or ``dropped``. *decided_by* is who approved or
    dropped it, with *decision* as the reason; null where nobody had to, or has yet.
    """

    correction: str
    service: str
    since: datetime
    until: datetime
    status: Status
    reason: str
    by: str
    at: datetime
    state: CorrectionState
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None

    @classmethod
    def of(cls, row: CorrectionRow) -> Self:
        """Show *row*."""
        return cls.model_validate(row, from_attributes=True)


class CorrectionList(Given):
    """Corrections of a service, newest first."""

    items: list[CorrectionShown]
    next: str | None


class IntervalShown(Given):
    """A stretch of one kind; *measured* is what was seen, *counts* whether its downtime is in the contractual figure."""

    since: datetime
    until: datetime
    kind: Kind
    counts: bool
    reason: str
    measured: Kind
    author: str | None

    @classmethod
    def of(cls, interval: Interval) -> Self:
        """Show *interval*."""
        return cls.model_validate(interval, from_attributes=True)


class BudgetShown(Given):
    """The downtime that the promise allows in the period; *left* falls below zero where it is overdrawn.

    *left_ratio* is null where no downtime is allowed at all. *runs_out_at* is when the budget is used up if downtime goes on as in the
    last week; null where it lasts, or the period is over.
    """

    allowed_seconds: float
    spent_seconds: float
    left_seconds: float
    left_ratio: float | None
    is_spent: bool
    runs_out_at: datetime | None

    @classmethod
    def of(cls, budget: Budget, runs_out_at: datetime | None) -> Self:
        """Show *budget*."""
        left = budget.remaining_ratio
        return cls(
            allowed_seconds=float(budget.allowed / _SECOND),
            spent_seconds=float(budget.used / _SECOND),
            left_seconds=float((budget.allowed - budget.used) / _SECOND),
            left_ratio=None if left is None else float(cut_share(left)),
            is_spent=budget.is_spent,
            runs_out_at=runs_out_at,
        )


class BurnShown(Given):
    """How many times faster than allowed downtime came over *window*; at 1 the budget lasts exactly. Null: nothing is known."""

    window: str
    rate: float | None
    is_fast: bool


class CreditShown(Given):
    """What customers get back, in percent of what they paid, below an availability in percent."""

    below: float
    percent: float


class ServiceLevelShown(Given):
    """What is promised of a service, what of a period was kept, and what that costs. *target* is null where no level is stated.

    *credit_percent* is what would be due if the period ended so; *cost* is in the operator's currency, null where the file says nothing
    of customers and what an hour costs them. *burn_rates* are there while the period goes on.
    """

    service: str
    since: datetime
    until: datetime
    as_of: datetime
    target: float | None
    promised_for: Period | None
    measured: float | None
    contractual: float | None
    unknown_seconds: float
    budget: BudgetShown | None
    burn_rates: list[BurnShown]
    credits: list[CreditShown]
    credit_percent: float
    cost: float | None

    @classmethod
    def of(cls, account: Account, offer: Offer) -> Self:
        """Show *account*, and what *offer* makes of it."""
        ledger, terms = account.ledger, account.terms
        is_priced = offer.customers and offer.cost_of_quality
        return cls(
            service=account.service,
            since=account.period.since,
            until=account.period.until,
            as_of=ledger.period.until,
            target=None if terms.target is None else float(terms.target * 100),
            promised_for=None if terms.target is None else terms.period,
            measured=_percent(ledger.measured.ratio),
            contractual=_percent(ledger.contractual.ratio),
            unknown_seconds=ledger.unknown.total_seconds(),
            budget=None if account.budget is None else BudgetShown.of(account.budget, account.runs_out_at),
            burn_rates=[
                BurnShown(window=one.window, rate=None if one.long is None else float(one.long), is_fast=one.is_fast)
                for one in account.burns
            ],
            credits=[CreditShown(below=float(step.below * 100), percent=float(step.percent)) for step in offer.credits],
            credit_percent=float(credit(ledger.contractual.ratio, offer.credits)),
            cost=cost(ledger, customers=offer.customers, cost_of_quality=offer.cost_of_quality) if is_priced else None,
        )


class LedgerShown(Given):
    """A service's time, accounted for: both figures in percent, cut to three places (null where nothing is known)."""

    since: datetime
    until: datetime
    measured: float | None
    contractual: float | None
    unknown_seconds: float
    intervals: list[IntervalShown]

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Show *ledger*."""
        return cls(
            since=ledger.period.since,
            until=ledger.period.until,
            measured=_percent(ledger.measured.ratio),
            contractual=_percent(ledger.contractual.ratio),
            unknown_seconds=ledger.unknown.total_seconds(),
            intervals=[IntervalShown.of(interval) for interval in ledger.intervals],
        )


def _percent(ratio: Fraction | None) -> float | None:
    return None if ratio is None else float(percent(ratio))
