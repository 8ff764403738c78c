"""The monthly reports: what the desk did, and what a period teaches. Read, reckoned and laid out for console, command line and mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sqlalchemy import Connection

from incidents.levels.periods import named
from incidents.model import Incident, Topology
from incidents.priority import Impact
from incidents.reviewed import Causes
from incidents.times.spans import Span
from incidents.words import said
from statuspage.picture.desk_report import DeskFigures, Lived, desk_figures
from statuspage.picture.review import Altered, Missed, Review, review
from statuspage.render.desk_monthly import desk_monthly
from statuspage.render.monthly import Monthly
from statuspage.render.review_monthly import review_monthly
from statuspage.store.changes import JUST_BEFORE, changes_between
from statuspage.store.reviewed import lived_in, missed_with_incidents, promises_in, turns_in


class Kind(StrEnum):
    """Which report."""

    DESK = "desk"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What the configuration says that reports need: how things hang together, what trouble costs, and what it may come from.

    *name* is the site's, *zone* that of its months, *language* that of its names.
    """

    name: str
    zone: str
    language: str
    topology: Topology
    impacts: Mapping[str, Impact]
    causes: Causes

    def named(self, id: str) -> str:
        """What people call a component or a service; its id where it is there no more."""
        component, service = self.topology.components.get(id), self.topology.services.get(id)
        if component is not None:
            return component.name
        return id if service is None else said(service.name, self.language) or id


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


Report = DeskReport | ReviewReport


def report_of(connection: Connection, kind: Kind, word: str, now: datetime, company: Company) -> Report:
    """Make the report of the period that *word* names (2026-10, 2026-Q4, 90d). Errors: ValueError, told in words, for another word."""
    period = named(word, now, company.zone)
    lived = lived_in(connection, period)
    match kind:
        case Kind.DESK:
            figures = desk_figures(lived, promises_in(connection, period), now)
            return DeskReport(word=word, period=period, as_of=now, figures=figures, lived=lived)
        case Kind.REVIEW:
            altered = changes_between(connection, period.since - JUST_BEFORE, period.until)
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
        case DeskReport():
            return desk_monthly(report.figures, report.lived, word=report.word, zone=company.zone)
        case ReviewReport():
            return review_monthly(
                report.review, report.missed, causes=company.causes, named=company.named, word=report.word, zone=company.zone
            )
        case _:
            assert_never(report)
