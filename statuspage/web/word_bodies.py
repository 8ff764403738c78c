"""What the API takes and gives of words that are public already, as models."""

from typing import Annotated

from pydantic import StringConstraints

from statuspage.web.bodies import Taken
from statuspage.web.typed import Line, NameSaid, Words, WordsSaid

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RewordBody(Taken):
    """What is to stand in the place of public words; *was* is the ``digest`` of those that were seen: others are left alone."""

    body: WordsSaid
    was: Digest | None = None


class RedactBody(Taken):
    """Why public words are removed; the reason stays at the desk, and must not repeat them. *was* is as above."""

    reason: Line
    was: Digest | None = None


class RenameBody(Taken):
    """What it is to be called; *was* is the digest of the name that was seen (the SHA-256 of its text), and others are left alone."""

    name: NameSaid
    was: Digest | None = None


class StrikeBody(Taken):
    """The *words* that are struck out wherever they stand in it, and what stands *instead*; the reason must not repeat them."""

    words: Words
    instead: Line
    reason: Line
