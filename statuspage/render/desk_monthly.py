"""The desk's report, laid out: docs/reports.md says of each figure what counts."""

from collections.abc import Iterator, Sequence

from statuspage.picture.desk_report import DeskFigures, Lived, Spread
from statuspage.render.monthly import NOT_YET, Cell, Figure, Link, Monthly, Plot, Table, dated, lasting, leading, share, spelled, stamp

COLUMNS = (
    *("incident", "name", "origin", "opened_at", "counts", "cause", "callers", "first_called_at", "acknowledged_at"),
    *("first_word_at", "resolved_at"),
)
MOST = 200
"""Incidents that the page names, the newest; the CSV has all."""


def desk_monthly(figures: DeskFigures, lived: Sequence[Lived], *, word: str, zone: str) -> Monthly:
    """Lay it out for the period called *word*."""
    return Monthly(
        kind="desk",
        headline="The desk's figures",
        period=word,
        figures=list(_figures(figures)),
        plots=_plots(figures),
        tables=[_incidents(lived, zone)],
        columns=COLUMNS,
        rows=[_row(one) for one in lived],
    )


def _figures(found: DeskFigures) -> Iterator[Figure]:
    whole, promises = found.incidents, found.promises
    yield Figure(name="Incidents", value=str(whole), note=f"confirmed; {found.left_out} more left out" if found.left_out else "confirmed")
    told = f"{found.known_first} of {found.called} about which anybody called" if found.called else "nobody called about any"
    yield Figure(name="Known before the first caller", value=share(found.known_first, found.called), note=told)
    yield _taken("Lead over the first caller", found.lead, "about which nobody called")
    yield _taken("Time to acknowledge", found.acknowledge, "not acknowledged")
    yield _taken("Time to the first public word", found.first_word, "without a public word")
    yield _taken("Time to resolve", found.resolve, "still open")
    due = promises.kept + promises.missed
    waiting = f"; {promises.waiting} not yet due" if promises.waiting else ""
    note = f"{promises.kept} of {due} that fell due{waiting}" if due else f"none fell due{waiting}"
    yield Figure(name="Promised updates kept", value=share(promises.kept, due), note=note)
    most = f"{found.callers} in all, at most {found.most_callers} about one" if whole else ""
    yield Figure(name="Callers per incident", value=f"{found.callers / whole:.1f}" if whole else NOT_YET, note=most)
    false = f"{found.false_alarms} of {found.alarms} that the probes raised" if found.alarms else "the probes raised none"
    yield Figure(name="False alarms", value=share(found.false_alarms, found.alarms), note=false)


def _taken(name: str, spread: Spread, without: str) -> Figure:
    if not spread.seconds:
        return Figure(name=name, value=NOT_YET, note=f"{spread.none} {without}" if spread.none else "")
    note = f"nine of ten within {spelled(spread.ninth)}, the longest {spelled(spread.longest)}"
    return Figure(name=name, value=spelled(spread.median), note=f"{note}; {spread.none} {without}" if spread.none else note)


def _plots(found: DeskFigures) -> Sequence[Plot]:
    since = "Incidents by how long it took since they were opened."
    return (
        leading("Lead over the first caller", found.lead, "Incidents about which anybody called, by how long before that they were known."),
        lasting("Time to acknowledge", found.acknowledge, since),
        lasting("Time to the first public word", found.first_word, since),
        lasting("Time to resolve", found.resolve, since),
    )


def _incidents(lived: Sequence[Lived], zone: str) -> Table:
    rows = [_told(one, zone) for one in reversed(lived[-MOST:])]
    heads = ("Incident", "Opened", "First caller", "Callers", "Acknowledged", "First word", "Resolved", "Left out as")
    note = "Times count from the opening." + (f" The newest {MOST} are here; all are in the CSV." if len(lived) > MOST else "")
    return Table(title="Incidents of the period", heads=heads, rows=rows, if_none="None was opened.", note=note)


def _told(one: Lived, zone: str) -> Sequence[Cell]:
    incident = one.incident
    after = [
        spelled((at - incident.opened_at).total_seconds()) if at is not None else "–"
        for at in (one.first_called_at, one.owned_at, one.told_at, incident.resolved_at)
    ]
    name = Link(text=incident.name, path=f"/incidents/{incident.id}")
    return (name, dated(incident.opened_at, zone), after[0], str(one.callers), *after[1:], why_left_out(one))


def why_left_out(one: Lived) -> str:
    """Why an incident is in no figure; nothing where it is."""
    if one.is_confirmed:
        return ""
    return "false alarm" if one.is_false else "part of another" if one.incident.merged_into else "never confirmed"


def _row(one: Lived) -> Sequence[str]:
    incident = one.incident
    return (
        *(incident.id, incident.name, incident.origin.value, stamp(incident.opened_at), why_left_out(one) or "yes"),
        *(incident.cause or "", str(one.callers), stamp(one.first_called_at), stamp(one.owned_at)),
        *(stamp(one.told_at), stamp(incident.resolved_at)),
    )
