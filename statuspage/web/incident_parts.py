"""What an incident is shown with in the API, part by part."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from incidents.handled import Brief
from incidents.priority import Asks, Priority


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class TermShown(Part):
    """What one service adds to the score, and what the formula was given; *trouble* says why it could not be worked out."""

    service: str
    score: float
    inputs: dict[str, float]
    trouble: str


class ClockShown(Part):
    """What should happen by *due*: somebody owns it (`owner`), customers hear of it (`update`), it is over (`end`)."""

    asks: Asks
    due: datetime


class PriorityShown(Part):
    """How much an incident matters: the sum of its terms. *waiting* is what another hour costs, *mending* what it costs to mend."""

    score: float
    level: str | None
    terms: list[TermShown]
    clocks: list[ClockShown]
    waiting: float
    mending: float

    @classmethod
    def of(cls, found: Priority) -> Self:
        """Show *found*."""
        return cls(
            score=found.score,
            level=None if found.level is None else found.level.name,
            terms=[TermShown(service=one.service, score=one.score, inputs=dict(one.inputs), trouble=one.trouble) for one in found.terms],
            clocks=[ClockShown(asks=one.asks, due=one.due) for one in found.clocks],
            waiting=found.waiting,
            mending=found.mending,
        )


class UsefulShown(Part):
    """What readers of the page thought of an update: how many found it useful, and how many did not."""

    number: int
    yes: int
    no: int


class SayShown(Part):
    """What the desk has callers told until the next update."""

    body: str
    bodies: dict[str, str]
    by: str
    at: datetime

    @classmethod
    def of(cls, brief: Brief) -> Self:
        """Show *brief*."""
        return cls(body=brief.body, bodies=dict(brief.bodies), by=brief.by, at=brief.at)


class TicketShown(Part):
    """Where an incident is worked on elsewhere; *url* may be empty."""

    name: str
    url: str
