"""All that the store has about one incident, as its card shows it: read in one go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from incidents.events import Called, Event, Joined, Opened, Parted, Rerooted
from incidents.model import Incident, Situation
from incidents.reviewed import Explained
from incidents.times.spans import Span
from statuspage.picture.page import Story
from statuspage.picture.review import Missed
from statuspage.render import pace
from statuspage.render.timeline import Line, Mark, tell
from statuspage.store import callers, people, queries, reports
from statuspage.store.callers import NEVER, Caller
from statuspage.store.changes import Change, changes_before
from statuspage.store.measured_runs import Measured, measured_of
from statuspage.store.missed import missed_of
from statuspage.store.people import Agent
from statuspage.store.reports import Heard
from statuspage.store.usefulness import Useful, useful
from statuspage.web.problems import Rejected
from statuspage.web.pushed import Pushed, pushed_of_incident
from statuspage.web.reach import Reach, is_seen, parts_of_others

A_LITTLE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What the store has about one incident.

    *count* are its callers, *owners* the agents who may own it, *altered* what was altered just before,
    *missed* who called before it was detected.
    """

    story: Story
    timeline: Sequence[Line]
    record: Pushed
    reported: Sequence[Heard]
    who: Sequence[Caller]
    count: Mapping[str, int]
    useful: Sequence[Useful]
    owners: Sequence[Agent]
    altered: Sequence[Change]
    missed: Missed | None


def dossier_of(incident: str, situation: Situation, reach: Reach, connection: Connection) -> Dossier:
    """What the store has about *incident* for whoever has this *reach*. Errors: Rejected 404."""
    story = queries.story(connection, incident)
    if story is None:
        raise Rejected(404, "There is no incident with this id.")
    record = pushed_of_incident(connection, story.incident, situation.topology.services)
    measured = measured_of(connection, _watching(story.incident, situation, reach), _around(story.incident))
    altered = changes_before(connection, story.incident, reach.services)
    events = [row.event for row in queries.journal(connection, incident)]
    return Dossier(
        story=story,
        timeline=_timeline(list(_told(events, situation, reach)), altered, record, measured),
        record=record,
        reported=reports.heard_of(connection, story.incident),
        who=callers.callers_of(connection, story.incident),
        count=callers.count_by_incident(connection, [story.incident]),
        useful=useful(connection, incident),
        owners=people.owners(connection),
        altered=altered,
        missed=_missed(missed_of(connection, incident), situation, reach),
    )


def _told(events: Sequence[Event], situation: Situation, reach: Reach) -> Iterator[Line]:
    """What happened. Of other teams' components is told neither that they belong to it nor why the machine did what it did."""
    others = parts_of_others(reach, situation)
    named = [_part_of(event, situation) for event in events]
    is_shared = not others.isdisjoint(named)
    for event, part in zip(events, named, strict=True):
        line = tell(event)
        if line is None or (part in others and not isinstance(event, Opened)):
            continue
        is_judged = line.mark is Mark.MACHINE and not isinstance(event, Called)  # its reason names what the probes saw
        yield replace(line, body="") if is_shared and is_judged else line


def _part_of(event: Event, situation: Situation) -> str | None:
    """The component that *event* is about."""
    match event:
        case Joined(component=part) | Parted(component=part):
            return part
        case Opened(root=part) | Rerooted(root=part):
            return part
        case Explained(monitor=str() as monitor) if monitor in situation.topology.monitors:
            return situation.topology.monitors[monitor].component
        case _:
            return None


def _missed(missed: Missed | None, situation: Situation, reach: Reach) -> Missed | None:
    """Why it was missed, without the name of another team's monitor."""
    watching = situation.topology.monitors.get(missed.monitor or "") if missed else None
    is_hidden = watching is not None and not is_seen(reach, situation, watching.component)
    return replace(missed, monitor=None) if missed and is_hidden else missed


def _watching(incident: Incident, situation: Situation, reach: Reach) -> Sequence[str]:
    """Monitors of its components that are within *reach*, those of its root first."""
    parts = [part for part in (incident.root, *incident.components) if part is not None and is_seen(reach, situation, part)]
    return [monitor for part in dict.fromkeys(parts) for monitor in situation.topology.monitors_of.get(part, ())]


def _around(incident: Incident) -> Span:
    """The time of whose results its card tells: a little before it began, and a little after it was over."""
    until = NEVER if incident.resolved_at is None else incident.resolved_at + A_LITTLE
    return Span(incident.started_at - A_LITTLE, until)


def _found(run: Measured) -> Line:
    """What a monitor measured several times in a row."""
    found = "success" if run.failure is None else f"failure, {run.failure.value.replace('_', ' ')}"
    place = "" if run.location == "local" else f" from {run.location}"
    times = "" if run.count == 1 else f", {run.count} times in a row since"
    words, since = f"{run.monitor}{place}: {found}{times}", None if run.count == 1 else run.first_at
    return Line(
        at=run.last_at,
        mark=Mark.RESULT,
        by=None,
        words=words,
        instant=since,
        body=f"took {pace.spelled(run.longest)}{'' if run.count == 1 else ' at most'}",
    )


def _timeline(told: Sequence[Line], altered: Sequence[Change], record: Pushed, measured: Sequence[Measured]) -> list[Line]:
    """All that happened, the newest first: results, events, what was altered just before, and to how many it was told in the end."""
    changed = [Line(at=one.at, mark=Mark.MACHINE, by=one.by or None, words=f"Altered: {one.what}", body=one.url) for one in altered]
    sent = [
        Line(at=one.last_at, mark=Mark.MACHINE, by=None, words=f"Delivered to {one.delivered}: {one.title}")
        for one in record.texts
        if one.delivered and one.last_at is not None
    ]
    return sorted([*map(_found, measured), *told, *changed, *sent], key=lambda line: line.at)[::-1]
