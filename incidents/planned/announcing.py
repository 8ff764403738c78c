"""What the public is told of planned work. Titles stand alone in a feed reader; every instant is in UTC and says so."""

from datetime import datetime

from incidents.events import MaintenanceUpdated
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.words import clock, said


def title(window: Maintenance, language: str, turn: str) -> str:
    """The window's name, and what became of it."""
    return f"{said(window.name, language)} – {turn}"


def span(starts: datetime, ends: datetime) -> str:
    """From when until when, in words."""
    if starts.date() == ends.date():
        return f"{_day(starts)}, {starts:%H:%M}–{ends:%H:%M} UTC"
    return f"{_day(starts)}, {starts:%H:%M} UTC to {_day(ends)}, {ends:%H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def word(
    window: Maintenance, now: datetime, *, state: MaintenanceState, title: str, body: str, by: str | None = None
) -> MaintenanceUpdated:
    """Public words, the machine's where they are nobody's."""
    update = MaintenanceUpdate(number=window.updates + 1, state=state, title=title, body=body, at=now, by=by, automatic=by is None)
    return MaintenanceUpdated(at=now, maintenance=window.id, update=update)


def planned(window: Maintenance, now: datetime, language: str, *, body: str = "", by: str | None = None) -> MaintenanceUpdated:
    """It was planned, or approved, and everybody may know."""
    when = span(window.starts, window.ends)
    text = body or said(window.description, language) or f"Maintenance is planned for {when}."
    return word(window, now, state=MaintenanceState.SCHEDULED, title=title(window, language, f"planned for {when}"), body=text, by=by)


def rescheduled(
    before: Maintenance, after: Maintenance, now: datetime, language: str, *, body: str = "", by: str | None = None
) -> MaintenanceUpdated:
    """It moved, or became longer or shorter: the old times and the new ones."""
    old, new = span(before.starts, before.ends), span(after.starts, after.ends)
    if before.starts != after.starts:
        turn, told = f"moved to {new}", f"It was planned for {old} and is now planned for {new}."
    elif before.ends < after.ends:
        turn, told = (
            f"extended until {clock(after.ends)}",
            f"It takes longer than planned: until {clock(after.ends)} instead of {clock(before.ends)}.",
        )
    else:
        turn, told = (
            f"shortened until {clock(after.ends)}",
            f"It ends earlier than planned: at {clock(after.ends)} instead of {clock(before.ends)}.",
        )
    text = f"{body.strip()} {told}" if body.strip() else told
    return word(before, now, state=after.state, title=title(before, language, turn), body=text, by=by)


def changed(window: Maintenance, now: datetime, language: str) -> MaintenanceUpdated:
    """Its configuration gave it other words or another scope."""
    when = span(window.starts, window.ends)
    text = said(window.description, language) or f"What this maintenance is about has changed. It is planned for {when}."
    return word(window, now, state=window.state, title=title(window, language, f"changed, planned for {when}"), body=text)


def begun(window: Maintenance, now: datetime, language: str) -> MaintenanceUpdated:
    """The work began."""
    text = f"The planned work has begun and is to end at {clock(window.ends)}."
    state = MaintenanceState.IN_PROGRESS
    return word(window, now, state=state, title=title(window, language, f"in progress until {clock(window.ends)}"), body=text)


def verifying(window: Maintenance, now: datetime, language: str) -> MaintenanceUpdated:
    """Its time is over, and not everything is known to work."""
    text = f"The work was planned until {clock(window.ends)}. Not everything is known to work yet; we are looking."
    return word(window, now, state=MaintenanceState.VERIFYING, title=title(window, language, "past its end, being verified"), body=text)


def completed(
    window: Maintenance, now: datetime, language: str, *, overran: bool, by: str | None = None, body: str = ""
) -> MaintenanceUpdated:
    """It is over, well or not."""
    if overran:
        turn, text = "over, not everything works", f"The work was planned until {clock(window.ends)}, and something still does not work."
    else:
        turn, text = "completed", body or "The work is done, and everything works."
    return word(window, now, state=MaintenanceState.COMPLETED, title=title(window, language, turn), body=text, by=by)


def unsure(window: Maintenance, now: datetime, language: str) -> MaintenanceUpdated:
    """It is over, and nobody knows whether everything works."""
    text = f"The work was planned until {clock(window.ends)} and is over."
    return word(window, now, state=MaintenanceState.COMPLETED, title=title(window, language, "completed"), body=text)


def cancelled(window: Maintenance, now: datetime, language: str, *, body: str = "", by: str | None = None) -> MaintenanceUpdated:
    """It will not take place, or ended before its time without being done."""
    when = span(window.starts, window.ends)
    text = body.strip() or f"The maintenance that was planned for {when} does not take place."
    return word(window, now, state=MaintenanceState.CANCELLED, title=title(window, language, "cancelled"), body=text, by=by)
