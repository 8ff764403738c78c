"""Ledgers of services, read from what the store keeps: the one place from which every surface takes its figures."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from incidents.levels.availability import Change, Correction, Exclusion, Ledger, availability, superseding
from incidents.levels.notice import exclusions
from incidents.levels.service_level import Budget, budget, calendar_period, runs_out
from incidents.levels.terms import Terms, in_force
from incidents.times.spans import Span
from statuspage.picture.levels import RECENT, Burn, burns
from statuspage.store import queries
from statuspage.store.ledger_rows import corrections_of, terms_of, windows_of
from statuspage.store.months import changes_in

TICK = timedelta(microseconds=1)
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A service's ledger over *period*, of which the ledger holds what has passed, by the *terms* in force at its end.

    *budget* is None where no level is stated. *runs_out_at* is when it is spent if downtime goes on as in the last week, *burns* how fast
    it goes of late: None and empty where the period is over.
    """

    service: str
    period: Span
    ledger: Ledger
    terms: Terms
    budget: Budget | None
    runs_out_at: datetime | None
    burns: tuple[Burn, ...] = ()

    @property
    def is_missed(self) -> bool:
        """Whether the promise can no longer be kept; never where nothing is promised."""
        return self.budget is not None and self.budget.is_spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a service's ledgers over one period are made from: all that the store keeps of it for that time."""

    born: datetime
    changes: tuple[Change, ...]
    stated: Sequence[tuple[datetime, Terms]]
    exclusions: Sequence[Exclusion]
    corrections: Sequence[Correction]

    def ledger(self, period: Span) -> Ledger:
        """Account for *period*. Errors: ValueError where it is empty."""
        first = bisect_right(self.changes, period.since, key=lambda one: one.since)
        after = bisect_left(self.changes, period.until, key=lambda one: one.since)
        return availability(
            self.changes[max(first - 1, 0) : after],
            period,
            born=self.born,
            terms=self.stated,
            exclusions=self.exclusions,
            corrections=self.corrections,
        )

    def followed(self, changes: Iterable[Change]) -> "Sources":
        """With what was decided since, each of which holds from its own start on."""
        told = list(self.changes)
        for change in changes:
            superseding(told, change)
        return replace(self, changes=tuple(told))


def sources_of(connection: Connection, service: str, period: Span) -> Sources:
    """Read what ledgers of *service* within *period* are made from. Errors: LookupError where the service was never watched."""
    born = queries.first_changes(connection, [service]).get(service)
    if born is None:
        raise LookupError(f"nothing is known of the service {service!r} yet")
    stated = terms_of(connection, service)
    return Sources(
        born=born,
        changes=tuple(changes_in(connection, [service], period)[service]),
        stated=stated,
        exclusions=tuple(exclusions(windows_of(connection, service, period), stated)),
        corrections=corrections_of(connection, service, period),
    )


def ledger_of(connection: Connection, service: str, period: Span) -> Ledger:
    """Account for *service* over *period*. Errors: ValueError where it is empty; LookupError where the service was never watched."""
    return sources_of(connection, service, period).ledger(period)


def account_of(connection: Connection, service: str, period: Span, now: datetime) -> Account:
    """Account for what of *period* has passed by *now*, against what is promised for the whole of it. Errors: as ``ledger_of``."""
    passed = Span(period.since, min(period.until, now))
    ledger, stated = ledger_of(connection, service, passed), terms_of(connection, service)
    # Those at the end of the period; of one that goes on the newest, though they may have been taken up after the last whole minute.
    terms = in_force(stated, period.until - TICK if passed == period else FOR_EVER)
    left = budget(ledger, terms, period)
    goes_on = left is not None and passed.until < period.until
    recent = ledger_of(connection, service, Span(now - RECENT, now)) if goes_on else None
    out = runs_out(left, recent, now, period.until) if left is not None and recent is not None else None
    fast = burns(recent, terms, now) if recent is not None else ()
    return Account(service=service, period=period, ledger=ledger, terms=terms, budget=left, runs_out_at=out, burns=fast)


def present_account(connection: Connection, service: str, zone: str, now: datetime) -> Account:
    """Account for the month, quarter or year that the service's terms speak of, in which *now* lies or ends. Errors: as ``ledger_of``."""
    terms, today = in_force(terms_of(connection, service), FOR_EVER), (now - TICK).astimezone(ZoneInfo(zone)).date()
    return account_of(connection, service, calendar_period(terms.period, today, zone), now)
