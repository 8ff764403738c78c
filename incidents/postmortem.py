"""What was learned of an incident that is over, said in public: the last state of its life, and an outline to begin from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from incidents.act import IllegalMove, Invalid, demand, moved, updated
from incidents.events import Event, Settled, StateChanged
from incidents.model import Incident, Origin, Situation, State, Update
from incidents.voices import PLAIN, Speech, Texts, Voice
from incidents.words import called, clock, spoken

GAP = "[…]"
"""What an outline has where a person must fill something in."""


class SamePerson(Invalid):
    """Whoever wrote it may not publish it."""


def publish_postmortem(
    situation: Situation, now: datetime, *, incident: Incident, by: str, body: str, written_by: str | None = None, speech: Speech = PLAIN
) -> tuple[Event, ...]:
    """Publish what was learned of *incident*, after which another failure is another incident.

    Where duties are separated, *written_by* is whose words they are. Errors: IllegalMove while it goes on, or where nothing of it was
    public; Invalid without words, or with gaps in them; SamePerson.
    """
    if incident.is_open or incident.id in situation.incidents:
        raise IllegalMove("It goes on. What was learned is told when it is over.")
    if incident.published_at is None:
        raise IllegalMove("Nothing of it was public, so there is nobody to tell.")
    if incident.merged_into is not None:
        raise IllegalMove("It went on in another incident: what was learned is told there.")
    demand(body, "Say what was learned.")
    if any(GAP in text for text in (body, *speech.bodies.values())):
        raise Invalid(f"Fill in what is still open: {GAP} stands where words are missing.")
    if by == written_by:
        raise SamePerson("These are your own words: with separated duties somebody else publishes them.")
    state = moved(incident, State.POSTMORTEM)
    said = updated(situation, incident, now, by=by, state=state, body=Texts(body, speech.bodies), voices=speech.voices)
    return (
        *([Settled(at=now, incident=incident.id)] if incident.id in situation.ended else []),
        *([StateChanged(at=now, incident=incident.id, old=incident.state, new=state, by=by)] if state is not incident.state else []),
        said,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the record knows of an incident beside itself: its public words, who called when, what it cost whom.

    *downtime* is by the name of the service, as its ledger has it; *cause* is what it came from, in words (empty: nobody has said).
    """

    updates: Sequence[Update] = ()
    called_at: Sequence[datetime] = ()
    downtime: Mapping[str, timedelta] = field(default_factory=dict)
    cause: str = ""


def outline(incident: Incident, found: Findings, voice: Voice) -> str:
    """What the record knows already, in sections for customers; what only a person knows is left open, as GAP."""
    sections = (
        (voice.says("What happened"), f"{_happened(incident, voice)} {GAP}"),
        (voice.says("How it went"), "\n".join(f"{clock(at)}: {what}" for at, what in _course(incident, found, voice))),
        (voice.says("Whom it hit"), "\n".join(_cost(found, voice)) or GAP),
        (voice.says("Why it happened"), f"{found.cause}. {GAP}" if found.cause else GAP),
        (voice.says("What we change"), GAP),
    )
    return "\n\n".join(f"{heading}\n{words}" for heading, words in sections)


def _happened(incident: Incident, voice: Voice) -> str:
    began = incident.started_at.astimezone(UTC)
    day = voice.says("%(day)s %(month)s %(year)s", day=began.day, month=voice.months[began.month - 1], year=began.year)
    lasted = GAP if incident.resolved_at is None else spoken(incident.downtime(incident.resolved_at), voice)
    return voice.says("“%(name)s” began on %(day)s and lasted %(length)s.", name=called(incident, voice), day=day, length=lasted)


def _course(incident: Incident, found: Findings, voice: Voice) -> list[tuple[datetime, str]]:
    """What happened when, in its order."""
    noticed = voice.says("our monitoring noticed it") if incident.origin is Origin.MACHINE else voice.says("we knew of it")
    identified = next((one.at for one in found.updates if one.state is State.IDENTIFIED), None)
    told = (
        (incident.started_at, voice.says("it began")),
        (min(found.called_at, default=None), voice.says("the first customer called")),
        (incident.opened_at, noticed),
        (incident.published_at, voice.says("we told of it on this page")),
        (identified, voice.says("the cause was known")),
        (incident.recovered_at, voice.says("it worked again")),
        (incident.resolved_at, voice.says("it was over")),
    )
    return sorted(((at, what) for at, what in told if at is not None), key=lambda one: one[0])


def _cost(found: Findings, voice: Voice) -> list[str]:
    hit = [
        voice.says("%(service)s: %(length)s of downtime", service=name, length=spoken(lost, voice)) for name, lost in found.downtime.items()
    ]
    if not found.called_at:
        return hit
    count = len(found.called_at)
    return [*hit, voice.says("One customer called us.") if count == 1 else voice.says("%(count)s customers called us.", count=count)]
