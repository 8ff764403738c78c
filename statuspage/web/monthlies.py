"""The monthly reports at the console, and as CSV and JSON: of any month, the present one by default."""

import asyncio
from datetime import date, timedelta
from functools import partial
from typing import assert_never
from zoneinfo import ZoneInfo

from aiohttp import web

from incidents.levels.periods import written
from incidents.levels.terms import Period
from statuspage.monthly import AvailabilityReport, Company, DeskReport, Kind, Report, ReviewReport, laid_out, report_of
from statuspage.render.ledgers import table
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.reach import reach_of
from statuspage.web.report_bodies import AvailabilityShown, DeskReportShown, ReviewShown
from statuspage.web.route import Handler
from statuspage.web.screens import screen

TITLES = {Kind.AVAILABILITY: "Availability", Kind.DESK: "The desk's figures", Kind.REVIEW: "The review"}


def show_page(kind: Kind) -> Handler:
    """Give what draws the page of a report."""

    async def show(request: web.Request) -> web.Response:
        report, company = await _report(request, kind)
        paper = await asyncio.to_thread(laid_out, report, company)
        first = report.period.since.astimezone(ZoneInfo(company.zone)).date()
        return screen(
            request,
            "monthly.html",
            kind=kind,
            titles=TITLES,
            report=report,
            paper=paper,
            month=written(Period.MONTH, first),
            before=written(Period.MONTH, first - timedelta(days=1)),
            after=_after(report),
        )

    return show


def _after(report: Report) -> str:
    """The month after the report's, once it has begun; else nothing."""
    return "" if report.period.until > report.as_of else written(Period.MONTH, report.period.until.date() + timedelta(days=1))


def show_csv(kind: Kind) -> Handler:
    """Give what spells a report as CSV."""

    async def show(request: web.Request) -> web.Response:
        report, company = await _report(request, kind)
        spelled = await asyncio.to_thread(_as_table, report, company)
        named = {"Content-Disposition": f'attachment; filename="{kind}-{report.word}.csv"'}
        return web.Response(text=spelled, content_type="text/csv", charset="utf-8", headers=named)

    return show


def _as_table(report: Report, company: Company) -> str:
    paper = laid_out(report, company)
    return table(paper.columns, paper.rows)


async def show_kept(request: web.Request) -> web.Response:
    """Give what was promised and kept of each service in a ``period``, by default in this month so far."""
    return await _json(request, Kind.AVAILABILITY)


async def show_desk_report(request: web.Request) -> web.Response:
    """Give the desk's figures of a ``period``, by default of this month so far."""
    return await _json(request, Kind.DESK)


async def show_review(request: web.Request) -> web.Response:
    """Give the review of a ``period``, by default of this month so far."""
    return await _json(request, Kind.REVIEW)


async def _json(request: web.Request, kind: Kind) -> web.Response:
    report, company = await _report(request, kind)
    return web.Response(text=await asyncio.to_thread(spelled, report, company), content_type="application/json")


def spelled(report: Report, company: Company) -> str:
    """A report as JSON."""
    match report:
        case AvailabilityReport():
            return AvailabilityShown.of(report).model_dump_json()
        case DeskReport():
            return DeskReportShown.of(report).model_dump_json()
        case ReviewReport():
            return ReviewShown.of(report, company).model_dump_json()
        case _:
            assert_never(report)


async def _report(request: web.Request, kind: Kind) -> tuple[Report, Company]:
    """The report of the period that the address names. Errors: Rejected 403 for whom teams bind, 422 for another word."""
    if not reach_of(request).is_whole:
        raise Rejected(403, "A report is of all teams together: it is for those whom no team binds.")
    desk = request.app[DESK]
    now, company = desk.now(), company_of(desk)
    today: date = now.astimezone(ZoneInfo(company.zone)).date()
    word = request.query.get("period") or written(Period.MONTH, today)
    try:
        return await desk.store.read(partial(report_of, kind=kind, word=word, now=now, company=company)), company
    except ValueError as error:
        raise Rejected(422, f"{error}.") from error


def company_of(desk: Desk) -> Company:
    """What reports need to know, by the configuration in use."""
    return Company(
        name=desk.site_name,
        zone=desk.timezone,
        language=desk.language,
        topology=desk.pipeline.situation.topology,
        impacts=desk.scale().impacts,
        causes=desk.causes(),
        offers=desk.offers(),
    )
