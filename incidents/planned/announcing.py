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


def planned(
    window: Maintenance, now: datetime, language: str, *, by: str | None = None, again: tuple[datetime, datetime] | None = None
) -> MaintenanceUpdated:
    """It was planned, or approved, and everybody may know; also when it comes *again*, where that is news."""
    when = span(window.starts, window.ends)
    text = said(window.description, language) or f"Maintenance is planned for {when}."
    if again is not None:
        text = f"{text} It comes again, next on {span(*again)}."
    return word(window, now, state=MaintenanceState.SCHEDULED, title=title(window, language, f"planned for {when}"), body=text, by=by)


def rescheduled(
    before: Maintenance, after: Maintenance, now: datetime, language: str, *, body: str = "", by: str | None = None
) -> tuple[MaintenanceUpdated, ...]:
    """It moved, or became longer or shorter: the old times and the new ones. Less than a minute is news only with a *body*."""
    turn, told = _turn(before, after, now)
    text = " ".join(part for part in (body.strip(), told) if part)
    return (word(before, now, state=after.state, title=title(before, language, turn), body=text, by=by),) if text else ()


def _turn(before: Maintenance, after: Maintenance, now: datetime) -> tuple[str, str]:
    """What became of its times, for a title and as a sentence; no sentence where they are the same to the minute."""
    old, new = span(before.starts, before.ends), span(after.starts, after.ends)
    if old == new:
        return ("finished" if after.ends <= now else f"planned for {new}"), ""
    if before.starts != after.starts:
        return f"moved to {new}", f"It was planned for {old} and is now planned for {new}."
    was, now_is = _end(before.ends, after.ends), _end(after.ends, before.ends)
    if before.ends < after.ends:
        return f"extended until {now_is}", f"It takes longer than planned: until {now_is} instead of {was}."
    return f"shortened until {now_is}", f"It ends earlier than planned: at {now_is} instead of {was}."


def _end(at: datetime, beside: datetime) -> str:
    """An end, with its day where the other one falls on another."""
    return clock(at) if at.date() == beside.date() else f"{_day(at)}, {clock(at)}"


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
