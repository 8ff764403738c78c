"""The commands ``report desk`` and ``report review``: the monthly reports, as the console has them."""

from functools import partial
from pathlib import Path
from typing import assert_never
from zoneinfo import ZoneInfo

import typer

from incidents.levels.periods import written
from incidents.levels.terms import Period
from statuspage.bundled import templates
from statuspage.cli.config import load
from statuspage.cli.options import GOOD, fail, print_rows
from statuspage.cli.report import Format
from statuspage.clock import wall_clock
from statuspage.monthly import Company, Kind, Report, laid_out, report_of
from statuspage.readings import company_of
from statuspage.render.ledgers import table
from statuspage.render.monthly import Cell, Monthly
from statuspage.render.monthly_page import page
from statuspage.store.engine import Store
from statuspage.store.errors import StoreError, StoreUnavailable
from statuspage.web.monthlies import spelled


def monthly(kind: str, period: str | None, *, form: Format, config: Path, data_dir: Path) -> int:
    """Print a report on *period* (the present month by default)."""
    loaded, now = load(config).config, wall_clock()
    company = company_of(loaded, now)
    word = period or written(Period.MONTH, now.astimezone(ZoneInfo(company.zone)).date())
    try:
        with Store.blocking(loaded.store.url, data_dir) as database:
            found = database.read(partial(report_of, kind=Kind(kind), word=word, now=now, company=company))
    except (ValueError, StoreError, StoreUnavailable, OSError) as trouble:
        fail(str(trouble))
    _print(found, company, form, loaded.console.url)
    return GOOD


def _print(found: Report, company: Company, form: Format, console: str) -> None:
    paper = laid_out(found, company)
    match form:
        case Format.TABLE:
            _print_paper(paper)
        case Format.CSV:
            typer.echo(table(paper.columns, paper.rows), nl=False)
        case Format.JSON:
            typer.echo(spelled(found, company))
        case Format.HTML:
            typer.echo(page(templates(), paper, site=company.name, home=console).decode())
        case _:
            assert_never(form)


def _print_paper(paper: Monthly) -> None:
    print_rows((paper.headline.upper(), paper.period, ""), [(one.name, one.value, one.note) for one in paper.figures], if_none="nothing")
    for one in paper.tables:
        typer.echo(f"\n{one.title}")
        print_rows([head.upper() for head in one.heads], [[_text(cell) for cell in row] for row in one.rows], if_none=one.if_none)


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text
