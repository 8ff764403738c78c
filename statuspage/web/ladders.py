"""What the queue and a card tell of calls: who was called, who is next, and where nobody is on call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents import escalation
from incidents.escalation import Absence, is_held
from incidents.situation import climb_of
from statuspage.picture.page import Story
from statuspage.store.outbox import unreached
from statuspage.store.people import Agent
from statuspage.web.desk import Desk
from statuspage.web.reach import owners_of


def called_on(desk: Desk, story: Story, owners: Sequence[Agent]) -> Mapping[str, object]:
    """Who was called, who is next, and to whom the incident may be handed."""
    incident, rules, now = story.incident, desk.rules(), desk.now()
    ladder = {"calls": climb_of(incident).calls, "next_at": escalation.due_at(incident, rules, now)}
    further = escalation.further(incident, rules)
    crews = desk.roster().crews
    return {
        "ladder": ladder,
        "unmanned": escalation.alarms(incident, rules, now),
        "further": (further[0], [crews[team].name if team in crews else team for team in further[1]]) if further else None,
        "crews": crews,
        "owners": owners_of(desk, incident, owners),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asleep:
    """An open incident of which nobody is told *until* then: all who were called keep quiet hours, or (None) cannot be reached."""

    id: str
    name: str
    until: datetime | None


async def asleep(desk: Desk) -> Sequence[Asleep]:
    """Incidents that nobody owns, and of which nobody who was called is told yet. Errors: StoreUnavailable."""
    now = desk.now()
    unowned = {one.id: one for one in desk.pipeline.situation.incidents.values() if climb_of(one).calls and not is_held(one, now)}
    if not unowned:
        return ()
    found = await desk.store.read(lambda connection: unreached(connection, unowned, now))
    return [Asleep(id=id, name=unowned[id].name, until=until) for id, until in found.items()]


def unmanned(desk: Desk) -> Sequence[str]:
    """Teams that services call and in which nobody is on call now."""
    rules, crews, now = desk.rules(), desk.roster().crews, desk.now()
    called = dict.fromkeys(team for ladder in rules.ladders.values() for team in ladder.tiers)
    return [crews[team].name for team in called if team in crews and rules.absent(team, now) is Absence.NOBODY]
