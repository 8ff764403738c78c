"""The command ``report availability``: what was promised of each service, what was kept, and the ledger that it follows from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import assert_never
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from incidents.levels.periods import named
from incidents.levels.terms import NO_LEVEL
from incidents.times.spans import Span
from statuspage.bundled import templates
from statuspage.cli.config import load
from statuspage.cli.options import GOOD, fail, print_json, print_rows
from statuspage.clock import wall_clock
from statuspage.config.loading import Config, words
from statuspage.config.terms import offers, terms
from statuspage.monthly import reported
from statuspage.picture.marking import localised
from statuspage.render.ledgers import COLUMNS, cells, table
from statuspage.render.report import Reported, report
from statuspage.render.tongue import ENGLISH
from statuspage.render.words import length
from statuspage.store.engine import Store
from statuspage.store.errors import StoreError, StoreUnavailable
from statuspage.web.ledger_bodies import LedgerShown

_COLUMNS = ("service", *COLUMNS, "author")


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


def form_of(word: str) -> Format:
    """Give the format called *word*, or say which there are and leave."""
    try:
        return Format(word)
    except ValueError:
        fail(f"there is no format {word!r}; write {', '.join(Format)}")


def availability(period: str | None, *, service: str | None, form: Format, language: str | None, config: Path, data_dir: Path) -> int:
    """Print the report on *period* (the present month by default), of all services or of one, as of the last whole minute."""
    loaded = load(config).config
    now = wall_clock().replace(second=0, microsecond=0)
    word = period or f"{now.astimezone(ZoneInfo(loaded.site.timezone)):%Y-%m}"
    try:
        span = named(word, now, loaded.site.timezone)
    except ValueError as error:
        fail(str(error))
    if service is not None and service not in loaded.services:
        fail(f"there is no service {service!r} in {config}")
    spoken = language or loaded.site.language
    wanted = (service,) if service is not None else tuple(loaded.services)
    try:
        with Store.blocking(loaded.store.url, data_dir) as database:
            found = database.read(lambda connection: [_reported(connection, loaded, id, span, now, spoken) for id in wanted])
    except (StoreError, StoreUnavailable, OSError) as trouble:
        fail(str(trouble))
    match form:
        case Format.TABLE:
            _print_table(found)
        case Format.CSV:
            typer.echo(_csv(found), nl=False)
        case Format.JSON:
            print_json(
                {"period": word, "since": span.since.isoformat(), "until": span.until.isoformat(), "items": [_json(o) for o in found]}
            )
        case Format.HTML:
            site, zone = loaded.site.name, loaded.site.timezone
            as_of = min(now, span.until)
            typer.echo(report(templates(), found, site=site, word=word, period=span, as_of=as_of, zone=zone, language=spoken).decode())
        case _:
            assert_never(form)
    return GOOD


def _reported(connection: Connection, config: Config, service: str, period: Span, now: datetime, language: str) -> Reported:
    name = localised(words(config.services[service].name, config.site.language), language) or service
    found = reported(connection, service, name, period, now, offers(config)[service])
    return replace(found, terms=terms(config, now.year).get(service, NO_LEVEL)) if found.ledger is None else found


def _print_table(found: Sequence[Reported]) -> None:
    heads = ("SERVICE", "PROMISED", "MEASURED", "CONTRACTUAL", "NOT KNOWN", "BUDGET LEFT", "RUNS OUT", "CREDIT", "COST")
    print_rows(heads, [tuple(_cells(one)) for one in found], if_none="there are no services")


def _cells(one: Reported) -> Iterator[str]:
    figure, left = one.figure, one.left
    yield one.service
    yield f"{one.target} % a {one.terms.period}" if one.target else "no service level"
    yield _percent(figure.measured)
    yield _percent(figure.contractual)
    yield length(one.ledger.unknown.total_seconds(), ENGLISH) if one.ledger is not None and one.ledger.unknown else ""
    yield (
        ""
        if left is None
        else f"-{length((-left).total_seconds(), ENGLISH)}"
        if left < timedelta(0)
        else length(left.total_seconds(), ENGLISH)
    )
    yield f"{one.runs_out_at:%Y-%m-%d %H:%M} UTC" if one.runs_out_at is not None else ""
    yield f"{float(one.credit):g} %" if one.credit else ""
    yield f"{one.cost:,.0f}" if one.cost is not None else ""


def _percent(figure: str | None) -> str:
    return "not known" if figure is None else f"{figure} %"


def _csv(found: Sequence[Reported]) -> str:
    """Every interval as a row: the figures follow from them."""
    parts = ((one.service, part) for one in found if one.ledger is not None for part in one.ledger.intervals)
    return table(_COLUMNS, ((service, *cells(part), part.author or "") for service, part in parts))


def _json(one: Reported) -> dict[str, object]:
    left = one.left
    ledger = LedgerShown.of(one.ledger).model_dump(mode="json") if one.ledger is not None else None
    return {
        "service": one.service,
        "name": one.name,
        "target": None if one.target is None else float(one.target),
        "period": one.terms.period.value if one.target is not None else None,
        "budget_left_seconds": None if left is None else left.total_seconds(),
        "runs_out_at": one.runs_out_at.isoformat() if one.runs_out_at is not None else None,
        "credit_percent": float(one.credit),
        "cost": one.cost,
        **(ledger or {"since": None, "until": None, "measured": None, "contractual": None, "unknown_seconds": 0.0, "intervals": []}),
    }
