"""What the desk decides about an incident beside its life: when its words go out, what it weighs, what callers hear, which tickets it has.

Values and events alone; none of them is public, and none changes how anything stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, assert_never

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What the desk has its agents say to callers: *body* in the site's own language, *bodies* in others, until the next update."""

    body: str
    by: str
    at: datetime
    bodies: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Where an incident is worked on elsewhere: what it is called there, and its address (empty: none)."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """*by* decided when words that wait go public: at *publish_at*, or (None) never by themselves, for *reason*."""

    at: datetime
    incident: str
    by: str
    publish_at: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """*by* knows better which share of the customers it hits, and what mending costs. None: as the status and the services say."""

    at: datetime
    incident: str
    by: str
    affected_share: float | None = None
    cost_to_resolve: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefed:
    """What callers are told from now on; None: what is public."""

    at: datetime
    incident: str
    by: str
    brief: Brief | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """It is worked on under this ticket, too."""

    at: datetime
    incident: str
    by: str
    ticket: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """The ticket of that *name* was not about it."""

    at: datetime
    incident: str
    by: str
    name: str


Handled = Gated | Weighed | Briefed | Linked | Unlinked


def changes(event: Handled, tickets: tuple[Ticket, ...]) -> Mapping[str, Any]:
    """The fields of an incident, by name, that *event* gives another value; *tickets* are those that it had."""
    match event:
        case Gated():
            return {"publish_at": event.publish_at, "gated_by": event.by}
        case Weighed():
            return {"affected_share": event.affected_share, "cost_to_resolve": event.cost_to_resolve}
        case Briefed():
            return {"brief": event.brief}
        case Linked():
            return {"tickets": (*(one for one in tickets if one.name != event.ticket.name), event.ticket)}
        case Unlinked():
            return {"tickets": tuple(one for one in tickets if one.name != event.name)}
        case _:
            assert_never(event)
