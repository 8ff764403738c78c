"""Acts on words that are public already: they are corrected, or removed so that nobody finds them again.

An incident that is over is no part of the situation, and its words are none in any case: what was *said* is handed in. Whoever keeps the
event sees to it that it is still what stands there.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from incidents.act import IllegalMove, Invalid, Refused, demand
from incidents.advisory import AdvisoryReworded, AdvisoryUpdate, ByLanguage
from incidents.events import Event, Redescribed
from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.model import Situation, Update
from incidents.rewording import MaintenanceReworded, Redacted, Reworded, digest, digests, whole_digest
from incidents.voices import ENGLISH, PLAIN, Speech


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
    _demand_others(body, speech.bodies, said.body, said.bodies, seen, said)
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


def reword_window(
    _: Situation,
    now: datetime,
    *,
    window: Maintenance,
    said: MaintenanceUpdate,
    by: str,
    body: str,
    speech: Speech = PLAIN,
    seen: str | None = None,
) -> tuple[Event, ...]:
    """The same to words about *window*, also where they are what it is described by at the desk. Errors: Invalid, Outrun."""
    demand(body, "An update needs words.")
    _demand_others(body, speech.bodies, said.body, said.bodies, seen)
    reworded = MaintenanceReworded(
        at=now,
        maintenance=window.id,
        number=said.number,
        body=body,
        bodies=speech.bodies,
        language=speech.language,
        by=by,
        was=digest(said.body),
        translations=digests(said.bodies),
    )
    return (reworded, *_described_so(window, said, reworded))


def _described_so(window: Maintenance, said: MaintenanceUpdate, now: MaintenanceReworded) -> tuple[Event, ...]:
    """The window by its new words, where those that were *said* stand in its description, too."""
    language = said.language or now.language or ENGLISH
    if window.series is not None or dict(window.description) != {language: said.body, **said.bodies}:
        return ()
    described = MappingProxyType({now.language or language: now.body, **now.bodies})
    parts = {"services": window.services, "components": window.components}
    return (Redescribed(at=now.at, maintenance=window.id, name=window.name, description=described, by=now.by, **parts),)


def reword_advisory(
    _: Situation, now: datetime, *, advisory: str, said: AdvisoryUpdate, by: str, body: ByLanguage, seen: str | None = None
) -> tuple[Event, ...]:
    """The same to words of an advisory, in every language. Errors: Invalid, Outrun."""
    for text in body.values():
        demand(text, "An update needs words.")
    _demand_others("", body, "", said.body, seen)
    return (AdvisoryReworded(at=now, advisory=advisory, number=said.number, body=body, by=by, was=digests(said.body)),)


def redact(_: Situation, now: datetime, *, incident: str, said: Update, by: str, reason: str, seen: str | None = None) -> tuple[Event, ...]:
    """Remove the words that were *said*; that something was said there stays. *seen* is as above.

    Errors: IllegalMove where they are gone, Invalid, Outrun.
    """
    demand(reason, "Removing words needs a reason.")
    _demand_words(said)
    _demand_seen(said.body, said.bodies, seen, said)
    was, translations = digest(said.body), digests(said.bodies)
    return (Redacted(at=now, incident=incident, number=said.number, by=by, reason=reason, was=was, translations=translations),)


def _demand_others(
    body: str, bodies: Mapping[str, str], stood: str, others: Mapping[str, str], seen: str | None, stands: Update | None = None
) -> None:
    """Other words than *stood* there, by somebody who has *seen* those."""
    _demand_seen(stood, others, seen, stands)
    if (body, dict(bodies)) == (stood, dict(others)):
        raise Invalid("These are the words that stand there already.")


def _demand_words(said: Update) -> None:
    if said.redacted_at is not None:
        raise IllegalMove(f"The words of update {said.number} were removed already.")


def _demand_seen(stood: str, others: Mapping[str, str], seen: str | None, stands: Update | None = None) -> None:
    if seen is not None and seen != whole_digest(stood, others):
        raise Outrun(stands)
