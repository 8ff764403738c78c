"""Values as JSON, and back: events for the journal and the outbox, the runs of a streak.

The words in ``KINDS`` stand in the journal for ever: one may be added, none may be renamed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import JsonValue, TypeAdapter

from incidents.advisory import Advised, AdvisoryEnded, AdvisoryMoved, AdvisoryRenamed, AdvisoryReworded, AdvisoryUpdated
from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped
from incidents.events import (
    Acknowledged,
    Approved,
    Called,
    Calmed,
    Event,
    Flapped,
    Impacted,
    Joined,
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
from incidents.handled import Brief, Briefed, Gated, Linked, Unlinked, Weighed
from incidents.impairment import Impaired, Proven, Unimpaired
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.model import Update
from incidents.reviewed import Attributed, Explained
from incidents.rewording import MaintenanceReworded, Redacted, Reworded, Struck
from incidents.votes import Level, Run

W = TypeVar("W", Update, MaintenanceUpdate)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

KINDS: Mapping[str, type[Event]] = {
    "acknowledged": Acknowledged,
    "advised": Advised,
    "advisory_ended": AdvisoryEnded,
    "advisory_moved": AdvisoryMoved,
    "advisory_renamed": AdvisoryRenamed,
    "advisory_reworded": AdvisoryReworded,
    "advisory_updated": AdvisoryUpdated,
    "approved": Approved,
    "attributed": Attributed,
    "briefed": Briefed,
    "called": Called,
    "calmed": Calmed,
    "corrected": Corrected,
    "correction_approved": CorrectionApproved,
    "correction_dropped": CorrectionDropped,
    "explained": Explained,
    "flapped": Flapped,
    "gated": Gated,
    "impacted": Impacted,
    "impaired": Impaired,
    "imported": Imported,
    "joined": Joined,
    "linked": Linked,
    "maintenance_imported": MaintenanceImported,
    "maintenance_moved": MaintenanceMoved,
    "maintenance_quoted": MaintenanceQuoted,
    "maintenance_reworded": MaintenanceReworded,
    "maintenance_updated": MaintenanceUpdated,
    "moved": Moved,
    "noted": Noted,
    "opened": Opened,
    "parted": Parted,
    "paused": Paused,
    "planned": Planned,
    "proven": Proven,
    "published": Published,
    "quoted": Quoted,
    "reclaimed": Reclaimed,
    "redacted": Redacted,
    "redescribed": Redescribed,
    "renamed": Renamed,
    "reopened": Reopened,
    "rerooted": Rerooted,
    "rescheduled": Rescheduled,
    "resolved": Resolved,
    "resumed": Resumed,
    "reworded": Reworded,
    "settled": Settled,
    "spared": Spared,
    "state_changed": StateChanged,
    "status_changed": StatusChanged,
    "struck": Struck,
    "unimpaired": Unimpaired,
    "unlinked": Unlinked,
    "updated": Updated,
    "waived": Waived,
    "weighed": Weighed,
}
_WORDS = {event: word for word, event in KINDS.items()}


def kind(event: Event) -> str:
    """The word for *event* in the journal. Errors: KeyError for Counted, which is no history."""
    return _WORDS[type(event)]


def spell(event: Event) -> JsonValue:
    """The event as JSON."""
    return cast("JsonValue", _adapter(kind(event)).dump_python(_writable(event), mode="json"))


def _writable(event: Event) -> Event:
    """Pydantic writes no read-only view of a mapping."""
    match event:
        case Impacted():
            return replace(event, services=dict(event.services))
        case Redescribed():
            return replace(event, name=dict(event.name), description=dict(event.description))
        case Imported():
            return replace(event, services=dict(event.services), updates=tuple(map(_writable_words, event.updates)))
        case Quoted():
            return replace(event, updates=tuple(map(_writable_words, event.updates)))
        case MaintenanceQuoted():
            return replace(event, updates=tuple(map(_writable_words, event.updates)))
        case Reworded() | Redacted() | Struck() | MaintenanceReworded():
            return _writable_rewording(event)
        case Opened() | Renamed():
            return replace(event, names=dict(event.names))
        case Briefed(brief=Brief() as brief):
            return replace(event, brief=replace(brief, bodies=dict(brief.bodies)))
        case Updated(update=said):
            return replace(event, update=_writable_words(said))
        case MaintenanceUpdated(update=announced):
            return replace(event, update=_writable_words(announced))
        case Planned(plan=plan):
            return replace(event, plan=_writable_window(plan))
        case MaintenanceImported(window=window):
            return replace(event, window=_writable_window(window), updates=tuple(map(_writable_words, event.updates)))
        case Advised() | AdvisoryUpdated() | AdvisoryRenamed() | AdvisoryReworded():
            return _writable_advice(event)
        case _:
            return event


def _writable_rewording(event: Reworded | Redacted | Struck | MaintenanceReworded) -> Event:
    match event:
        case Reworded() | MaintenanceReworded():
            return replace(event, bodies=dict(event.bodies), translations=dict(event.translations))
        case Redacted():
            return replace(event, translations=dict(event.translations))
        case Struck():
            return replace(event, phrase="")  # the one thing that must not be kept


def _writable_advice(event: Advised | AdvisoryUpdated | AdvisoryRenamed | AdvisoryReworded) -> Event:
    match event:
        case Advised(plan=advisory):
            return replace(event, plan=replace(advisory, name=dict(advisory.name)))
        case AdvisoryUpdated(update=update):
            return replace(event, update=replace(update, body=dict(update.body)))
        case AdvisoryRenamed():
            return replace(event, name=dict(event.name))
        case AdvisoryReworded():
            return replace(event, body=dict(event.body), was=dict(event.was))


def _writable_words(update: W) -> W:
    return replace(update, titles=dict(update.titles), bodies=dict(update.bodies))


def _writable_window(window: Maintenance) -> Maintenance:
    return replace(window, name=dict(window.name), description=dict(window.description))


def understand(kind: str, body: JsonValue) -> Event:
    """The event that ``spell`` wrote. Errors: KeyError for a kind, ValueError for a body that no release ever wrote."""
    return cast("Event", _adapter(kind).validate_python(body))


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def spell_runs(runs: tuple[Run, ...]) -> list[list[JsonValue]]:
    """The runs of a streak: level, first slot, count, newest slot if it is another, why it is bad. By hand and short: written often."""
    return [_spell_run(run) for run in runs]


def _spell_run(run: Run) -> list[JsonValue]:
    last = run.last.isoformat() if run.last else None
    head: list[JsonValue] = [run.level.value, run.since.isoformat(), run.count]
    if run.failure is not None:
        return [*head, last, run.failure, run.stage, run.detail]
    return [*head, last] if last else head


def understand_runs(runs: list[list[Any]]) -> tuple[Run, ...]:
    """The runs that ``spell_runs`` wrote, in this release or in one that kept no reasons."""
    return tuple(_understand_run(*run) for run in runs)


def _understand_run(
    level: str, since: str, count: int, last: str | None = None, failure: str | None = None, stage: str | None = None, detail: str = ""
) -> Run:
    return Run(
        level=Level(level),
        since=datetime.fromisoformat(since),
        count=count,
        last=datetime.fromisoformat(last) if last else None,
        failure=failure,
        stage=stage,
        detail=detail,
    )


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970, cut. Errors: TypeError for a naive instant."""
    return (instant - EPOCH) // _MILLISECOND


def instant(milliseconds: int) -> datetime:
    """The instant that many milliseconds after the start of 1970."""
    return EPOCH + milliseconds * _MILLISECOND
