"""What the API takes and gives of ledgers."""

from datetime import datetime
from typing import Literal, Self

from incidents.events import Corrected
from incidents.levels.availability import Interval, Kind, Ledger, percent
from incidents.model import Status
from statuspage.web.bodies import Given, Instant, Line, Taken

Seen = Literal[Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.UNKNOWN]


class CorrectionBody(Taken):
    """What the service was in a span of the past, and how that is known. The reason is public: it stands in the public ledger."""

    since: Instant
    until: Instant
    status: Seen
    reason: Line


class CorrectionShown(Given):
    """A correction as it stands in the record for good."""

    correction: str
    service: str
    since: datetime
    until: datetime
    status: Status
    reason: str
    by: str
    at: datetime

    @classmethod
    def of(cls, event: Corrected) -> Self:
        """Show *event*."""
        return cls.model_validate(event, from_attributes=True)


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
        measured, contractual = (
            None if ratio is None else float(percent(ratio)) for ratio in (ledger.measured.ratio, ledger.contractual.ratio)
        )
        return cls(
            since=ledger.period.since,
            until=ledger.period.until,
            measured=measured,
            contractual=contractual,
            unknown_seconds=ledger.unknown.total_seconds(),
            intervals=[IntervalShown.of(interval) for interval in ledger.intervals],
        )
