"""The monthly reports: which promises were kept, what the desk did, what a period teaches. Reckoned and laid out for everybody alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sqlalchemy import Connection

from incidents.levels.periods import named
from incidents.levels.service_level import NO_OFFER, Offer, cost, credit
from incidents.levels.terms import NO_LEVEL
from incidents.model import Incident, Topology
from incidents.priority import Impact
from incidents.reviewed import Causes
from incidents.times.spans import Span
from incidents.words import said
from statuspage.ledgers import Account, account_of
from statuspage.picture.desk_report import DeskFigures, Lived, desk_figures
from statuspage.picture.review import Altered, Missed, Review, review
from statuspage.render.availability_monthly import availability_monthly
from statuspage.render.desk_monthly import desk_monthly
from statuspage.render.monthly import Monthly
from statuspage.render.report import Reported
from statuspage.render.review_monthly import review_monthly
from statuspage.store.changes import JUST_BEFORE, changes_between
from statuspage.store.reviewed import lived_in, missed_with_incidents, promises_in, turns_in


class Kind(StrEnum):
    """Which report."""

    AVAILABILITY = "availability"
    DESK = "desk"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What the configuration says that reports need: how things hang together, what trouble costs, and what it may come from.

    *name* is the site's, *zone* that of its months, *language* that of its names, *offers* what stands beside each service's promise.
    """

    name: str
    zone: str
    language: str
    topology: Topology
    impacts: Mapping[str, Impact]
    causes: Causes
    offers: Mapping[str, Offer] = field(default_factory=dict)

    def named(self, id: str) -> str:
        """What people call a component or a service; its id where it is there no more."""
        component = self.topology.components.get(id)
        return self.service(id) if component is None else component.name

    def service(self, id: str) -> str:
        """The same of a service, whatever component has its id, too."""
        service = self.topology.services.get(id)
        return id if service is None else said(service.name, self.language) or id


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityReport:
    """What was promised of each of the *services* and what was kept, in a *period* called *word*, as of the last whole minute."""

    word: str
    period: Span
    as_of: datetime
    services: Sequence[Reported]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskReport:
    """The desk's figures of a *period*, called *word*, as of an instant, with the incidents that they follow from."""

    word: str
    period: Span
    as_of: datetime
    figures: DeskFigures
    lived: Sequence[Lived]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReport:
    """The review of a *period*, called *word*, as of an instant; *missed* is what customers saw before the probes did."""

    word: str
    period: Span
    as_of: datetime
    review: Review
    missed: Sequence[tuple[Missed, Incident]]


Report = AvailabilityReport | DeskReport | ReviewReport


def report_of(connection: Connection, kind: Kind, word: str, now: datetime, company: Company) -> Report:
    """Make the report of the period that *word* names (2026-10, 2026-Q4, 90d). Errors: ValueError, told in words, for another word."""
    period = named(word, now, company.zone)
    match kind:
        case Kind.AVAILABILITY:
            as_of = now.replace(second=0, microsecond=0)
            offered = [(id, company.offers.get(id, NO_OFFER)) for id in company.topology.services]
            services = [reported(connection, id, company.service(id), period, as_of, offer) for id, offer in offered]
            return AvailabilityReport(word=word, period=period, as_of=as_of, services=services)
        case Kind.DESK:
            lived = lived_in(connection, period)
            figures = desk_figures(lived, promises_in(connection, period), now)
            return DeskReport(word=word, period=period, as_of=now, figures=figures, lived=lived)
        case Kind.REVIEW:
            lived = lived_in(connection, period)
            # What began before the period, and was opened in it, was preceded by what lies further back.
            began = min([period.since, *(one.incident.started_at for one in lived)])
            altered = changes_between(connection, began - JUST_BEFORE, period.until)
            found = review(
                lived,
                turns_in(connection, period),
                [Altered(at=one.at, by=one.by, what=one.what, services=one.services) for one in altered],
                topology=company.topology,
                impacts=company.impacts,
                before=JUST_BEFORE,
                now=now,
            )
            missed = missed_with_incidents(connection, period)
            return ReviewReport(word=word, period=period, as_of=now, review=found, missed=missed)
        case _:
            assert_never(kind)


def laid_out(report: Report, company: Company) -> Monthly:
    """The report in words, for page, print, mail and CSV."""
    match report:
        case AvailabilityReport():
            return availability_monthly(report.services, word=report.word)
        case DeskReport():
            return desk_monthly(report.figures, report.lived, word=report.word, zone=company.zone)
        case ReviewReport():
            return review_monthly(
                report.review, report.missed, causes=company.causes, named=company.named, word=report.word, zone=company.zone
            )
        case _:
            assert_never(report)


def reported(connection: Connection, service: str, name: str, period: Span, now: datetime, offer: Offer) -> Reported:
    """Account for one service in *period* as of *now*, a whole minute. Where it was never watched nothing is known, and nothing is owed."""
    account = _account(connection, service, period, now)
    if account is None:
        return Reported(
            service=service, name=name, terms=NO_LEVEL, ledger=None, budget=None, runs_out_at=None, credit=credit(None, ()), cost=None
        )
    return Reported(
        service=service,
        name=name,
        terms=account.terms,
        ledger=account.ledger,
        budget=account.budget,
        runs_out_at=account.runs_out_at,
        credit=credit(account.ledger.contractual.ratio, offer.credits),
        cost=cost(account.ledger, customers=offer.customers, cost_of_quality=offer.cost_of_quality) or None,
    )


def _account(connection: Connection, service: str, period: Span, now: datetime) -> Account | None:
    """None for a service that was never watched, and before a minute of *period* has passed."""
    try:
        return account_of(connection, service, period, now) if period.since < now else None
    except LookupError:
        return None
