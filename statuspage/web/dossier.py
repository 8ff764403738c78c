"""All that the store has about one incident, as its card shows it: read in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from incidents.model import Situation
from statuspage.picture.page import Story
from statuspage.picture.review import Missed
from statuspage.render.timeline import Line, Mark, tell
from statuspage.store import callers, people, queries, reports
from statuspage.store.callers import Caller
from statuspage.store.changes import Change, changes_before
from statuspage.store.missed import missed_of
from statuspage.store.people import Agent
from statuspage.store.reports import Heard
from statuspage.store.usefulness import Useful, useful
from statuspage.web.problems import Rejected
from statuspage.web.pushed import Pushed, pushed_of_incident
from statuspage.web.reach import Reach


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
    told = (tell(row.event) for row in queries.journal(connection, incident))
    story = queries.story(connection, incident)
    if story is None:
        raise Rejected(404, "There is no incident with this id.")
    record = pushed_of_incident(connection, story.incident, situation.topology.services)
    altered = changes_before(connection, story.incident, reach.services)
    return Dossier(
        story=story,
        timeline=_timeline([line for line in told if line is not None], altered, record),
        record=record,
        reported=reports.heard_of(connection, story.incident),
        who=callers.callers_of(connection, story.incident),
        count=callers.count_by_incident(connection, [story.incident]),
        useful=useful(connection, incident),
        owners=people.owners(connection),
        altered=altered,
        missed=missed_of(connection, incident),
    )


def _timeline(told: Sequence[Line], altered: Sequence[Change], record: Pushed) -> list[Line]:
    """All that happened, the newest first: events, what was altered just before, and to how many it was told in the end."""
    changed = [Line(at=one.at, mark=Mark.MACHINE, by=one.by or None, words=f"Altered: {one.what}", body=one.url) for one in altered]
    sent = [
        Line(at=one.last_at, mark=Mark.MACHINE, by=None, words=f"Delivered to {one.delivered}: {one.title}")
        for one in record.texts
        if one.delivered and one.last_at is not None
    ]
    return sorted([*told, *changed, *sent], key=lambda line: line.at)[::-1]
