"""What programs send and get of changes."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from statuspage.web.bodies import Given, Instant, Taken
from statuspage.web.typed import Address, Line


class ChangeBody(Taken):
    """*what* was altered, *at* which instant (left out: now), of which *services* (none: maybe all), and where it can be read."""

    what: Line
    services: Annotated[tuple[Line, ...], Field(max_length=500)] = ()
    at: Instant | None = None
    url: Address | None = None


class ChangeShown(Given):
    """A change, as it was told."""

    id: int
    at: datetime
    by: str
    what: str
    services: list[str]
    url: str


class ChangeList(Given):
    """Changes, the last told first; *next* is the cursor of those that follow."""

    items: list[ChangeShown]
    next: str | None
