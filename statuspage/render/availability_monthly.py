"""The report on availability, laid out: what was promised of each service, and what was kept; as docs/service-levels.md reckons it."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from statuspage.render.monthly import NOT_YET, Figure, Monthly, Table, share, spelled
from statuspage.render.report import Reported

COLUMNS = (
    *("service", "name", "promised_percent", "promised_a", "measured_percent", "contractual_percent", "unknown_seconds"),
    *("budget_left_seconds", "credit_percent", "cost"),
)


def availability_monthly(services: Sequence[Reported], *, word: str) -> Monthly:
    """Lay it out for the period called *word*."""
    return Monthly(
        kind="availability",
        headline="Availability",
        period=word,
        figures=list(_figures(services)),
        plots=(),
        tables=[_table(services)],
        columns=COLUMNS,
        rows=[_row(one) for one in services],
    )


def _figures(services: Sequence[Reported]) -> Iterator[Figure]:
    promised = [one for one in services if one.target is not None]
    without = len(services) - len(promised)
    yield Figure(name="Services", value=str(len(services)), note=f"{without} of them without a service level" if without else "")
    left = [one.left for one in promised if one.left is not None]
    kept = sum(one >= timedelta(0) for one in left)
    untold = f"; of {len(promised) - len(left)} more nothing is known" if len(left) < len(promised) else ""
    note = f"{kept} of {len(left)}{untold}" if left else "none can be told"
    yield Figure(name="Promises kept", value=share(kept, len(left)), note=note)
    down = sum(one.ledger.measured.down for one in services if one.ledger is not None)
    yield Figure(name="Downtime", value=spelled(float(down) / 1e6), note="of all services together, as measured")
    owed = [one for one in services if one.credit]
    yield Figure(name="Credits owed", value=str(len(owed)), note=", ".join(one.name for one in owed))


def _table(services: Sequence[Reported]) -> Table:
    heads = ("Service", "Promised", "Measured", "Contractual", "Not known", "Budget left", "Runs out", "Credit", "Cost")
    return Table(
        title="Service by service",
        heads=heads,
        rows=[tuple(_cells(one)) for one in services],
        if_none="There are no services.",
        note="Instants are UTC. Figures are cut, never rounded up.",
    )


def _cells(one: Reported) -> Iterator[str]:
    figure, left = one.figure, one.left
    yield one.name
    yield f"{one.target} % a {one.terms.period}" if one.target is not None else "–"
    yield _percent(figure.measured)
    yield _percent(figure.contractual)
    yield spelled(figure.unknown.total_seconds()) if figure.unknown else "–"
    yield "–" if left is None else spelled(left.total_seconds())
    yield "–" if one.runs_out_at is None else f"{one.runs_out_at:%Y-%m-%d %H:%M}"
    yield f"{float(one.credit):g} %" if one.credit else "–"
    yield "–" if one.cost is None else f"{one.cost:,.0f}"


def _percent(figure: str | None) -> str:
    return NOT_YET if figure is None else f"{figure} %"


def _row(one: Reported) -> Sequence[str]:
    figure, left = one.figure, one.left
    return (
        *(one.service, one.name, one.target or "", one.terms.period.value if one.target is not None else ""),
        *(figure.measured or "", figure.contractual or "", f"{figure.unknown.total_seconds():.15g}"),
        *("" if left is None else f"{left.total_seconds():.15g}", f"{float(one.credit):g}", "" if one.cost is None else f"{one.cost:.15g}"),
    )
