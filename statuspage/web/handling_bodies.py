"""What the API takes where an incident is reviewed, weighed, briefed and linked."""

from typing import Annotated

from pydantic import Field

from statuspage.web.bodies import Taken
from statuspage.web.typed import Address, Line, WordsSaid

MOST_COST = 1e12


Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Cost = Annotated[float, Field(ge=0.0, le=MOST_COST, allow_inf_nan=False)]
TicketName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9#._:-]{0,63}$")]


class ConfirmBody(Taken):
    """Nothing need be said to have the safe words go public now."""


class DismissBody(Taken):
    """Why customers need not hear of it."""

    reason: Line


class WeighBody(Taken):
    """Which share of the customers is hit, from 0 to 1, and what mending costs; null or left out: as status and services say."""

    affected_share: Share | None = None
    cost_to_resolve: Cost | None = None


class SayBody(Taken):
    """What callers are told until the next update; null takes back what there was."""

    body: WordsSaid | None


class UnlinkBody(Taken):
    """The ticket that is not about the incident."""

    name: TicketName


class TicketBody(Taken):
    """A ticket under which the incident is worked on, and its address."""

    name: TicketName
    url: Address | None = None
