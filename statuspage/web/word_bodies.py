"""What the API takes and gives of words that are public already, as models."""

from typing import Annotated

from pydantic import StringConstraints

from statuspage.web.bodies import Taken
from statuspage.web.typed import Line, WordsSaid

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RewordBody(Taken):
    """What is to stand in the place of public words; *was* is the ``digest`` of those that were seen: others are left alone."""

    body: WordsSaid
    was: Digest | None = None


class RedactBody(Taken):
    """Why public words are removed; the reason stays at the desk, and must not repeat them. *was* is as above."""

    reason: Line
    was: Digest | None = None
