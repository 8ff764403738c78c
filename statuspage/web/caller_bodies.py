"""What programs send and get of customers who called."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from statuspage.web.bodies import Given, Taken
from statuspage.web.typed import LONGEST_LINE, Line, entered_line


def noted(text: str) -> str:
    """Take a text as one line, which may be empty."""
    return entered_line(text) if text.strip() else ""


Noted = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(noted)]
"""One line that may be empty."""


class CallerBody(Taken):
    """A customer who called about *service*; where *incident* is named, about that. A *ticket* is a number, never a person's name."""

    service: Line | None = None
    incident: Line | None = None
    symptom: Noted = ""
    ticket: Noted = ""


class CallerShown(Given):
    """A customer who called, as they were taken down; *incident* is the one that was named (null: none)."""

    id: int
    at: datetime
    by: str
    service: str
    symptom: str
    ticket: str
    incident: str | None


class CallerList(Given):
    """Callers, newest first; *next* is the cursor of those that follow."""

    items: list[CallerShown]
    next: str | None


class CallersErased(Given):
    """How many callers of a ticket are forgotten."""

    ticket: str
    erased: int
