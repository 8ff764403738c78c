"""What happened in an incident or to a planned window, event by event, in words for the desk."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from incidents.advisory import Advised, AdvisoryEnded, AdvisoryEvent, AdvisoryMoved, AdvisoryRenamed, AdvisoryReworded, AdvisoryUpdated
from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped
from incidents.events import (
    Acknowledged,
    Approved,
    Called,
    Calmed,
    Counted,
    Event,
    Flapped,
    Impacted,
    IncidentEvent,
    Joined,
    MaintenanceEvent,
    MaintenanceMoved,
    MaintenanceUpdated,
    Moved,
    Noted,
    Opened,
    Parted,
    Paused,
    Planned,
    Published,
    Reclaimed,
    Redescribed,
    Renamed,
    Reopened,
    Rerooted,
    Rescheduled,
    Resolved,
    Resumed,
    Settled,
    Spared,
    StateChanged,
    StatusChanged,
    Updated,
    Waived,
)
from incidents.handled import Briefed, Gated, Handled, Linked, Unlinked, Weighed
from incidents.impairment import Impaired, Proven, Unimpaired
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.model import Status, Update
from incidents.reviewed import Attributed, Explained, ReviewEvent
from incidents.rewording import MaintenanceReworded, Redacted, Reworded, Struck
from statuspage.render.words import ADVISORY_TURN, CAPABILITY, MAINTENANCE_STATE, STATE


class Mark(StrEnum):
    """What kind of line it is: what was measured, the machine's finding, an agent's act, words for the public, words for the desk."""

    RESULT = "result"
    MACHINE = "machine"
    ACT = "act"
    PUBLIC = "public"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a timeline: when, by whom (None: the machine), and what; *instant* or *span* ends the sentence, *body* was written.

    *number* is that of the update whose words stand here, until they were removed.
    Instants are left to whoever shows the line: the console has the site's zone, a terminal has UTC.
    """

    at: datetime
    mark: Mark
    by: str | None
    words: str
    instant: datetime | None = None
    span: tuple[datetime, datetime] | None = None
    body: str = ""
    number: int | None = None


def spoken(line: Line) -> str:
    """A line as text, in UTC: when, who, what, and below it the reason or the words."""
    instant = f" {line.instant:%Y-%m-%d %H:%M:%S}" if line.instant else ""
    span = f" from {line.span[0]:%Y-%m-%d %H:%M} to {line.span[1]:%Y-%m-%d %H:%M}" if line.span else ""
    head = f"{line.at:%Y-%m-%d %H:%M:%S}  {line.by or 'by itself'}: {line.words}{instant}{span}"
    return "\n".join([head, *(f"    {part}" for part in line.body.splitlines())])


def tell(event: Event) -> Line | None:
    """Tell *event*; None for one that is not part of an incident's story."""
    match event:
        case Counted() | StatusChanged() | Reclaimed() | Waived() | Moved() | Paused() | Resumed():
            return None
        case Corrected() | CorrectionApproved() | CorrectionDropped():
            return None
        case Proven() | Impaired() | Unimpaired():
            return None
        case Updated(update=update):
            return _spoken(event.at, update)
        case Reworded() | MaintenanceReworded():
            return Line(at=event.at, mark=Mark.PUBLIC, by=event.by, words=f"Public update {event.number} corrected", body=event.body)
        case Redacted():
            words = f"Text of public update {event.number} removed"
            return Line(at=event.at, mark=Mark.ACT, by=event.by, words=words, body=f"{event.reason}\nIts SHA-256 was {event.was}")
        case Struck():
            body = f"{event.reason}\nTheir SHA-256 was {event.was}"
            return Line(at=event.at, mark=Mark.ACT, by=event.by, words=f"Words struck out; instead: {event.instead}", body=body)
        case Noted(note=note):
            return Line(at=event.at, mark=Mark.NOTE, by=note.by, words=f"Note {note.number}", body=note.body)
        case MaintenanceUpdated(update=update):
            by = None if update.automatic else update.by
            words = f"Public words {update.number}: {update.title}"
            return Line(at=event.at, mark=Mark.PUBLIC, by=by, words=words, body=update.body, number=update.number)
        case Imported() | Quoted() | MaintenanceImported() | MaintenanceQuoted():
            return Line(at=event.at, mark=Mark.ACT, by=event.by, words=_imported(event))
        case Advised() | AdvisoryMoved() | AdvisoryUpdated() | AdvisoryEnded() | AdvisoryRenamed() | AdvisoryReworded():
            return _advised(event)
        case Called():
            words = f"Team {event.team} called (tier {event.tier})"
            return Line(at=event.at, mark=Mark.ACT if event.by else Mark.MACHINE, by=event.by, words=words, body=event.reason)
        case Gated() | Weighed() | Briefed() | Linked() | Unlinked():
            words, body = _handled(event)
            return Line(at=event.at, mark=Mark.ACT, by=event.by, words=words, body=body)
        case Planned() | Approved() | Rescheduled() | Redescribed() | MaintenanceMoved() | Spared():
            by, words, body = _planned(event)
            return Line(at=event.at, mark=Mark.ACT if by else Mark.MACHINE, by=by, words=words, span=_span(event), body=body)
        case _:
            by, words, body = _said(event)
            mark = Mark.ACT if by else Mark.MACHINE
            return Line(at=event.at, mark=mark, by=by, words=words, instant=_instant(event), body=body)


def _imported(event: Imported | Quoted | MaintenanceImported | MaintenanceQuoted) -> str:
    words = f"{len(event.updates)} public update{'' if len(event.updates) == 1 else 's'}"
    if isinstance(event, Quoted | MaintenanceQuoted):
        return f"Imported once more: {words} that the page has added"
    return f"Imported from {event.source.page}, where it is called {event.source.id}, with {words}"


def _advised(event: AdvisoryEvent) -> Line:
    match event:
        case AdvisoryUpdated(update=update):
            words, body = f"Public words {update.number}: {ADVISORY_TURN[update.turn].lower()}", "\n\n".join(update.body.values())
            return Line(at=event.at, mark=Mark.PUBLIC, by=update.by, words=words, body=body, number=update.number)
        case Advised(plan=plan):
            return _holding(event.at, plan.published_by, "Published; it holds", plan.starts, plan.ends)
        case AdvisoryMoved():
            return _holding(event.at, event.by, "Now holds", event.starts, event.ends)
        case AdvisoryRenamed(name=name):
            return Line(at=event.at, mark=Mark.ACT, by=event.by, words=f"Renamed: {' / '.join(name.values())}")
        case AdvisoryReworded():
            words, body = f"Public words {event.number} corrected", "\n\n".join(event.body.values())
            return Line(at=event.at, mark=Mark.PUBLIC, by=event.by, words=words, body=body)
        case AdvisoryEnded(by=by):
            mark, words = (Mark.ACT, "Withdrawn") if by else (Mark.MACHINE, "Its time is over")
            return Line(at=event.at, mark=mark, by=by, words=words)
        case _:
            assert_never(event)


def _holding(at: datetime, by: str, words: str, starts: datetime, ends: datetime | None) -> Line:
    """A line that ends with a span, or with an instant where the end is open."""
    if ends is None:
        return Line(at=at, mark=Mark.ACT, by=by, words=f"{words}, with an open end, from", instant=starts)
    return Line(at=at, mark=Mark.ACT, by=by, words=words, span=(starts, ends))


def _spoken(at: datetime, update: Update) -> Line:
    is_gone = update.redacted_at is not None
    words = f"Public update {update.number}: {STATE[update.state].lower()}{', text removed' if is_gone else ''}"
    by, number = None if update.automatic else update.by, None if is_gone else update.number
    return Line(at=at, mark=Mark.PUBLIC, by=by, words=words, body="" if is_gone else update.body, number=number)


def _planned(event: MaintenanceEvent) -> tuple[str | None, str, str]:
    """Who did it to a window, what it was, and the reason that was given."""
    match event:
        case Planned(plan=plan):
            return plan.planned_by, "Planned", _overridden(plan.override_reason)
        case Approved():
            return event.by, "Approved", _overridden(event.override_reason)
        case Rescheduled():
            return event.by, "Now planned", _overridden(event.override_reason)
        case Redescribed():
            return (
                (event.by, f"Renamed or described anew: {' / '.join(event.name.values())}", "")
                if event.by
                else (None, "Follows its changed configuration", "")
            )
        case MaintenanceMoved():
            ended = " (overran)" if event.overran else ""
            return event.by, f"{MAINTENANCE_STATE[event.old]} → {MAINTENANCE_STATE[event.new].lower()}{ended}", event.reason
        case Spared():
            return None, f"Broken before it began, and not covered: {', '.join(event.components)}", ""
        case MaintenanceUpdated() | MaintenanceImported() | MaintenanceQuoted() | MaintenanceReworded():
            return None, "", ""
        case _:
            assert_never(event)


def _overridden(reason: str | None) -> str:
    return f"Policy overridden: {reason}" if reason else ""


def _span(event: MaintenanceEvent) -> tuple[datetime, datetime] | None:
    match event:
        case Planned(plan=plan):
            return plan.starts, plan.ends
        case Rescheduled():
            return event.starts, event.ends
        case _:
            return None


def _said(event: IncidentEvent) -> tuple[str | None, str, str]:
    """Who did it, what it was, and the reason that was given."""
    match event:
        case Opened():
            return event.by, "Opened; it began at", event.reason
        case Joined():
            return event.by, f"{event.component} belongs to it", event.reason
        case Parted():
            return event.by, f"{event.component} is judged by itself from now on", event.reason
        case Rerooted():
            return None, f"The cause lies in {event.root}", event.reason
        case Flapped() | Calmed():
            words = "It has calmed" if isinstance(event, Calmed) else "It comes and goes: its turns are not told one by one from now on"
            return None, words, event.reason
        case Renamed():
            return event.by, f"Renamed: {event.name}", ""
        case Impacted():
            return None, f"Services: {_impact(event)}", ""
        case Published():
            return None, "Its words are public from now on", event.reason
        case StateChanged():
            return event.by, f"{STATE[event.old]} → {STATE[event.new].lower()}", event.reason
        case Acknowledged(acknowledgement=held):
            return held.by, "Acknowledged until", ""
        case Resolved():
            return event.by, "Resolved", "; ".join(_reasons(event))
        case Reopened():
            return None, "Came back and is open again; it failed again at", event.reason
        case Attributed() | Explained():
            return event.by, *_reviewed(event)
        case Settled():
            return None, "Over for good: another failure opens another incident", ""
        case Updated() | Noted() | Called() | Imported() | Quoted() | Gated() | Weighed() | Briefed() | Linked() | Unlinked():
            return None, "", ""
        case _:
            assert_never(event)


def _reviewed(event: ReviewEvent) -> tuple[str, str]:
    match event:
        case Attributed():
            return f"Cause: {event.cause}", ""
        case Explained():
            changed = f"{event.monitor} was changed" if event.monitor else "no monitor was changed"
            return f"Why the probes missed it: {changed}", event.words


def _handled(event: Handled) -> tuple[str, str]:
    """What the desk decided, and the reason or the words."""
    match event:
        case Gated(publish_at=None):
            return "Words dismissed: nothing goes public by itself", event.reason
        case Gated():
            return "Words confirmed", event.reason
        case Weighed():
            return f"Weighed: {_weights(event)}", ""
        case Briefed(brief=brief):
            return ("Callers are told from now on", brief.body) if brief else ("Callers are told again what is public", "")
        case Linked(ticket=ticket):
            return f"Ticket {ticket.name} linked", ticket.url
        case Unlinked():
            return f"Ticket {event.name} is no longer linked", ""
        case _:
            assert_never(event)


def _weights(event: Weighed) -> str:
    share = "share by status" if event.affected_share is None else f"{event.affected_share:.4g} of the customers hit"
    cost = "usual cost of mending" if event.cost_to_resolve is None else f"mending costs {event.cost_to_resolve:,.0f}"
    return f"{share}, {cost}"


def _impact(event: Impacted) -> str:
    """Say how the services are hit; one that is no longer hit need not work, so it is not said to."""
    listed = (
        f"{service} no longer hit" if status is Status.OPERATIONAL else f"{service} {CAPABILITY[status]}"
        for service, status in event.services.items()
    )
    return ", ".join(listed) or "none hit"


def _instant(event: IncidentEvent) -> datetime | None:
    match event:
        case Opened():
            return event.started_at
        case Reopened():
            return event.since
        case Acknowledged():
            return event.acknowledgement.expires_at
        case _:
            return None


def _reasons(event: Resolved) -> list[str]:
    return [
        *([event.reason] if event.reason else []),
        *([f"Cause: {event.cause}"] if event.cause else []),
        *([f"Probes still failed: {event.override_reason}"] if event.override_reason else []),
        *([f"It goes on in {event.merged_into}"] if event.merged_into else []),
    ]
