"""Acts on words that are public already: they are corrected, or removed so that nobody finds them again.

An incident that is over is no part of the situation, and its words are none in any case: what was *said* is handed in. Whoever keeps the
event sees to it that it is still what stands there.
"""

from datetime import datetime

from incidents.act import IllegalMove, Invalid, Refused, demand
from incidents.events import Event
from incidents.model import Situation, Update
from incidents.rewording import Redacted, Reworded, digest, digests, whole_digest
from incidents.voices import PLAIN, Speech


class Outrun(Refused):
    """Somebody else was faster: other words stand there by now, those of *stands* where that is known, or none."""

    def __init__(self, stands: Update | None = None) -> None:
        """Say what to do."""
        self.stands = stands
        super().__init__("These words were changed meanwhile. Look at them again.")


def reword(
    _: Situation, now: datetime, *, incident: str, said: Update, by: str, body: str, speech: Speech = PLAIN, seen: str | None = None
) -> tuple[Event, ...]:
    """Put *body*, and what *speech* has of it in other languages, in the place of what was *said*, and mark it so.

    A translation that is not given anew goes: it would say what is wrong. *seen* is the digest of the words that *by* had before their
    eyes (None: whatever stands there). Errors: IllegalMove where the words were removed, Invalid; Outrun where others were *seen*.
    """
    demand(body, "An update needs words.")
    _demand_words(said)
    _demand_seen(said, seen)
    if (body, speech.bodies) == (said.body, said.bodies):
        raise Invalid("These are the words that stand there already.")
    return (
        Reworded(
            at=now,
            incident=incident,
            number=said.number,
            body=body,
            bodies=speech.bodies,
            language=speech.language,
            by=by,
            was=digest(said.body),
            translations=digests(said.bodies),
        ),
    )


def redact(_: Situation, now: datetime, *, incident: str, said: Update, by: str, reason: str, seen: str | None = None) -> tuple[Event, ...]:
    """Remove the words that were *said*; that something was said there stays. *seen* is as above.

    Errors: IllegalMove where they are gone, Invalid, Outrun.
    """
    demand(reason, "Removing words needs a reason.")
    _demand_words(said)
    _demand_seen(said, seen)
    was, translations = digest(said.body), digests(said.bodies)
    return (Redacted(at=now, incident=incident, number=said.number, by=by, reason=reason, was=was, translations=translations),)


def _demand_words(said: Update) -> None:
    if said.redacted_at is not None:
        raise IllegalMove(f"The words of update {said.number} were removed already.")


def _demand_seen(said: Update, seen: str | None) -> None:
    if seen is not None and seen != whole_digest(said.body, said.bodies):
        raise Outrun(said)
