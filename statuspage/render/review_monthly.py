"""The review, laid out: docs/reports.md says of each figure what counts."""

from collections.abc import Callable, Sequence

from incidents.model import Incident
from incidents.reviewed import Causes
from statuspage.picture.review import Came, Missed, Review, Toll
from statuspage.render.monthly import Cell, Figure, Link, Monthly, Table, dated, spelled, stamp

COLUMNS = ("part", "id", "name", "incidents", "downtime_seconds", "customer_hours", "cost", "turns", "at", "words")
UNSAID = "nobody has said"
MOST = 100
"""Changes that the page names, those before the most incidents; the CSV has all."""

Missing = Sequence[tuple[Missed, Incident]]


def review_monthly(found: Review, missed: Missing, *, causes: Causes, named: Callable[[str], str], word: str, zone: str) -> Monthly:
    """Lay it out for the period called *word*; *named* gives a component's or service's name."""
    return Monthly(
        kind="review",
        headline="The review",
        period=word,
        figures=_figures(found, missed),
        plots=(),
        tables=(
            _causes(found.causes, causes),
            _offenders(found.offenders, named),
            _missed(missed, zone),
            _noisy(found),
            _changes(found, zone),
        ),
        columns=COLUMNS,
        rows=_rows(found, missed, causes, named),
    )


def _figures(found: Review, missed: Missing) -> Sequence[Figure]:
    whole, unsaid = found.whole, next((one.toll.incidents for one in found.causes if not one.id), 0)
    waiting = sum(one.answered_at is None for one, _ in missed)
    return (
        Figure(name="Incidents", value=str(whole.incidents), note="confirmed"),
        Figure(name="Time down", value=spelled(whole.downtime.total_seconds()), note="of all of them together"),
        Figure(name="Cost to customers", value=_amount(whole.cost), note=f"{_amount(whole.customer_hours)} customer hours"),
        Figure(name="Without a cause", value=str(unsaid), note="a manager may say it on the card"),
        Figure(name="Missed by the probes", value=str(len(missed)), note=f"{waiting} to be answered for" if waiting else ""),
    )


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:,.1f}"


def _tolled(toll: Toll) -> Sequence[str]:
    return (str(toll.incidents), spelled(toll.downtime.total_seconds()), _amount(toll.customer_hours), _amount(toll.cost))


_TOLL = ("Incidents", "Time down", "Customer hours", "Cost")


def _causes(found: Sequence[Came], causes: Causes) -> Table:
    suppliers = {one.id: one.supplier for one in causes.listed}
    rows = [(causes.named(one.id) if one.id else UNSAID, suppliers.get(one.id, ""), *_tolled(one.toll)) for one in found]
    note = "By what they cost customers."
    return Table(title="What it came from", heads=("Cause", "Supplier", *_TOLL), rows=rows, if_none="There were no incidents.", note=note)


def _offenders(found: Sequence[Came], named: Callable[[str], str]) -> Table:
    rows = [(named(one.id), *_tolled(one.toll)) for one in found]
    return Table(title="What came again", heads=("Component or service", *_TOLL), rows=rows, if_none="Nothing came twice.")


def _missed(found: Missing, zone: str) -> Table:
    rows = [_answered(one, incident, zone) for one, incident in sorted(found, key=lambda both: both[0].answered_at is not None)]
    heads = ("Incident", "Opened", "First caller before that", "Callers before that", "What was done")
    none = "No customer was faster than the probes."
    return Table(title="Missed by the probes", heads=heads, rows=rows, if_none=none, note="Those to be answered for come first.")


def _answered(one: Missed, incident: Incident, zone: str) -> Sequence[Cell]:
    before = spelled((incident.opened_at - one.first_called_at).total_seconds())
    told = Link(text="to be answered for", path=f"/incidents/{one.incident}#missed")
    done: Cell = told if one.answered_at is None else f"{f'{one.monitor} was changed: ' if one.monitor else ''}{one.words}"
    name = Link(text=incident.name, path=f"/incidents/{one.incident}")
    return (name, dated(incident.opened_at, zone), before, str(one.callers), done)


def _noisy(found: Review) -> Table:
    rows = [(Link(text=one.monitor, path=f"/monitors/{one.monitor}"), str(one.turns), str(one.incidents)) for one in found.noisy]
    heads = ("Monitor", "Went bad", "Incidents that explain it")
    return Table(title="Noisy monitors", heads=heads, rows=rows, if_none="Every turn to the bad belongs to an incident.")


def _changes(found: Review, zone: str) -> Table:
    rows = [
        (dated(one.at, zone), one.by or "our own configuration", one.what, ", ".join(incident.name for incident in one.incidents))
        for one in found.changes[:MOST]
    ]
    none = "No incident began within a day after a change."
    note = "That something was altered just before does not say that it was to blame."
    return Table(title="Changes just before incidents", heads=("When", "By", "What", "Incidents"), rows=rows, if_none=none, note=note)


def _rows(found: Review, missed: Missing, causes: Causes, named: Callable[[str], str]) -> Sequence[Sequence[str]]:
    return [
        *(_came("cause", one, causes.named(one.id) if one.id else UNSAID) for one in found.causes),
        *(_came("again", one, named(one.id)) for one in found.offenders),
        *(_line("missed", one.incident, incident.name, at=stamp(one.first_called_at), words=one.words or "") for one, incident in missed),
        *(_line("noisy", one.monitor, one.monitor, incidents=str(one.incidents), turns=str(one.turns)) for one in found.noisy),
        *(_line("change", one.by, one.what, incidents=str(len(one.incidents)), at=stamp(one.at)) for one in found.changes),
    ]


def _came(part: str, one: Came, name: str) -> Sequence[str]:
    toll = one.toll
    down, hours, cost = f"{toll.downtime.total_seconds():f}", f"{toll.customer_hours:.3f}", f"{toll.cost:.2f}"
    return _line(part, one.id, name, incidents=str(toll.incidents), downtime_seconds=down, customer_hours=hours, cost=cost)


def _line(part: str, id: str, name: str, **given: str) -> Sequence[str]:
    told = {"part": part, "id": id, "name": name, **given}
    return [told.get(column, "") for column in COLUMNS]
