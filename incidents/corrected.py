"""What happens to a correction: somebody makes it, and where duties are separated another person agrees or it is dropped."""

from dataclasses import dataclass
from datetime import datetime

from incidents.model import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """*by* knows better than the record what *service* was in [*since*, *until*). The record stays; the ledger tells both.

    One that *needs_approval* counts only from ``CorrectionApproved`` on.
    """

    at: datetime
    correction: str
    service: str
    since: datetime
    until: datetime
    status: Status
    reason: str
    by: str
    needs_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionApproved:
    """A second person agreed: it counts from now on."""

    at: datetime
    correction: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionDropped:
    """It is declined, or taken back by who made it: it never counted and never will."""

    at: datetime
    correction: str
    by: str
    reason: str


CorrectionEvent = Corrected | CorrectionApproved | CorrectionDropped
