"""What programs send and get of calls: who is called next, who owns an incident from now on, and who is on call."""

from datetime import datetime

from statuspage.web.bodies import Given, Instant, Taken
from statuspage.web.typed import Line, Words


class EscalateBody(Taken):
    """Nothing need be said to have the next tier called."""


class AssignBody(Taken):
    """Who owns the incident from now on, by the name they log in with, and what they need to know."""

    to: Line
    summary: Words


class CallShown(Given):
    """A call: *team* on *tier*, *by* an agent (null: by the clock)."""

    at: datetime
    team: str
    tier: int
    by: str | None


class EscalationShown(Given):
    """How far an incident was carried up the tiers: *calls* since it began or worsened, and when the clock calls next (null: not)."""

    incident: str
    since: datetime
    calls: list[CallShown]
    next_at: datetime | None


class StandInBody(Taken):
    """*person* is on call for *team* in [*since*, *until*), whoever else would be."""

    team: Line
    person: Line
    since: Instant
    until: Instant


class StandInShown(Given):
    """Somebody who stands in, as it was arranged."""

    id: int
    team: str
    person: str
    since: datetime
    until: datetime
    by: str


class StandInEnded(Given):
    """The number of an arrangement that is taken back."""

    id: int


class CrewShown(Given):
    """A team: whether it answers now, who of it is on call now, and who stands in for whom."""

    id: str
    name: str
    is_open: bool
    on_call: list[str]
    stand_ins: list[StandInShown]


class CrewList(Given):
    """All teams, in the configuration's order."""

    items: list[CrewShown]
    next: str | None
