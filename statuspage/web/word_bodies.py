"""What the API takes and gives of words that are public already, as models."""

from statuspage.web.bodies import Taken
from statuspage.web.typed import Line, WordsSaid


class RewordBody(Taken):
    """What is to stand in the place of public words."""

    body: WordsSaid


class RedactBody(Taken):
    """Why public words are removed; the reason stays at the desk, and must not repeat them."""

    reason: Line
