"""What another monitoring system says is wrong: each signal opens an incident that waits for a person, or joins one that is open.

What a signal says publishes nothing, and its words stay at the desk. Where all the signals that opened an incident are over, it ends if
nobody has seen it; if a person has spoken, it recovers and the desk is asked whether it is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from incidents import act, words
from incidents.events import Event, Impacted, Noted, Opened, Resolved, StateChanged
from incidents.lifecycle import Trigger, move
from incidents.model import Incident, Note, Situation, State, Status
from incidents.rollup import worst
from incidents.situation import fold
from incidents.voices import IN_ENGLISH, Speech, Voice, Voices, in_each

LONGEST_AGO = timedelta(days=7)
"""How long before it is heard of a signal may have begun; an older start is not believed."""

HEARD_EVERY = timedelta(days=1)
"""How often it is noted that a signal is told again: what is not told for long is forgotten one day."""

MOST_QUOTED = 20
"""Signals whose words one note quotes; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One thing that is wrong, as another system tells it: of which service, how bad, since when, in which words (for the desk alone).

    *until* is when it was over (None: it goes on), *incident* the one that it belongs to, *has_opened* whether it opened that. *words* are
    empty of what was kept: they stand in a note. *heard_at* is when it was last told, give or take ``HEARD_EVERY``.
    """

    fingerprint: str
    service: str
    status: Status
    since: datetime
    words: str = ""
    until: datetime | None = None
    incident: str | None = None
    has_opened: bool = False
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What comes of signals: *events*, and the signals to be kept from now on, by their fingerprints."""

    events: tuple[Event, ...] = ()
    kept: Mapping[str, Signal] = field(default_factory=dict)


def hear(
    situation: Situation,
    now: datetime,
    *,
    by: str,
    told: Sequence[Signal],
    known: Mapping[str, Signal],
    left_out: int = 0,
    voices: Voices = IN_ENGLISH,
) -> Heard:
    """Take in what *by* has *told*. *known* are the signals of those fingerprints, and all of the open incidents', that were kept before.

    What was heard before changes nothing. Where others were *left_out* of what was told, nothing is over because of it.
    Errors: act.Invalid for a service that there is not.
    """
    for signal in told:
        if signal.service not in situation.topology.services:
            raise act.Invalid(f"There is no service {signal.service!r}.")
    hearing = _Hearing(situation=situation, now=now, by=by, kept=dict(known), voices=voices)
    hearing.begin([signal for signal in told if signal.until is None and _is_news(signal, known.get(signal.fingerprint))])
    hearing.note_heard(told)
    hearing.end([signal for signal in told if signal.until is not None and _is_over(signal, known)], left_out)
    return Heard(events=tuple(hearing.events), kept={id: one for id, one in hearing.kept.items() if known.get(id) != one})


def _is_news(signal: Signal, before: Signal | None) -> bool:
    """Whether it was not heard of yet: what repeats an older word, or comes late, began no later than what is known."""
    return before is None or (before.until is not None and signal.since > before.since)


def _is_over(signal: Signal, known: Mapping[str, Signal]) -> bool:
    before = known.get(signal.fingerprint)
    return before is not None and before.until is None and signal.since >= before.since


@dataclass(slots=True, kw_only=True)
class _Hearing:
    """One message being taken in: *situation* includes what *events* lead to, *kept* all that is known of signals by then."""

    situation: Situation
    now: datetime
    by: str
    kept: dict[str, Signal]
    voices: Voices
    events: list[Event] = field(default_factory=list)

    def begin(self, news: Sequence[Signal]) -> None:
        """Join those whose service an open incident hits already to that; the others open one together."""
        joining: dict[str, list[Signal]] = {}
        opening: list[Signal] = []
        for signal in {one.fingerprint: one for one in news}.values():
            incident = _hitting(self.situation, signal.service)
            opening.append(signal) if incident is None else joining.setdefault(incident.id, []).append(signal)
        for id, signals in joining.items():
            self._join(id, signals)
        if opening:
            self._open(opening)

    def note_heard(self, told: Sequence[Signal]) -> None:
        """Note of what goes on that it is still told."""
        for signal in told:
            known = self.kept.get(signal.fingerprint)
            if known is not None and known.until is None and (known.heard_at is None or self.now - known.heard_at >= HEARD_EVERY):
                self.kept[signal.fingerprint] = replace(known, heard_at=self.now)

    def end(self, ended: Sequence[Signal], left_out: int) -> None:
        """Note what is over, and end the incidents of which nothing goes on any more."""
        over: dict[str, list[Signal]] = {}
        for signal in ended:
            before = self.kept[signal.fingerprint]
            self.kept[signal.fingerprint] = replace(before, until=max(min(signal.until or self.now, self.now), before.since))
            if before.incident is not None and before.incident in self.situation.incidents:
                over.setdefault(before.incident, []).append(signal)
        for incident, signals in over.items():
            self._note(incident, "Over", signals)
            theirs = [one for one in self.kept.values() if one.incident == incident]
            if any(one.has_opened for one in theirs) and all(one.until is not None for one in theirs):
                self._recover(self.situation.incidents[incident], left_out)

    def _open(self, signals: Sequence[Signal]) -> None:
        services = _hit(signals)
        name = in_each(self.voices, partial(_name, self.situation, services))
        events = act.open_incident(
            self.situation,
            self.now,
            by=self.by,
            name=name.own,
            services=services,
            body=_quoted("Told", signals),
            is_draft=True,
            speech=Speech(voices=self.voices, names=name.others),
        )
        began = max(min(*(one.since for one in signals), self.now), self.now - LONGEST_AGO)
        for event in events:
            if isinstance(event, Opened):
                self._keep(event.incident, signals, has_opened=True)
            self._say(replace(event, started_at=began) if isinstance(event, Opened) else event)

    def _join(self, incident: str, signals: Sequence[Signal]) -> None:
        has_opened = any(one.has_opened and one.incident == incident for one in self.kept.values())
        self._keep(incident, signals, has_opened=has_opened)
        self._note(incident, "Told", signals)
        found = self.situation.incidents[incident]
        if has_opened and found.published_at is None:
            hit = {**found.services, **_hit(signals)}
            worse = {id: worst((status, found.services.get(id, Status.OPERATIONAL))) for id, status in hit.items()}
            if worse != dict(found.services):
                self._say(Impacted(at=self.now, incident=incident, services=worse))
        elif has_opened and found.state is State.MONITORING:
            self._move(found, Trigger.FAILED, "told again")

    def _recover(self, incident: Incident, left_out: int) -> None:
        if left_out:
            self._write(incident.id, f"{left_out} more were left out of what was told: whether it is over is for a person to say.")
        elif incident.published_at is None:
            self._write(incident.id, "All that was told of it is over, and nothing of it was public.")
            self._say(Resolved(at=self.now, incident=incident.id, by=self.by, reason="all that was told of it is over"))
        elif incident.state is not State.MONITORING:
            self._move(incident, Trigger.RECOVERED, "all that was told of it is over")

    def _move(self, incident: Incident, trigger: Trigger, reason: str) -> None:
        new = move(incident.state, trigger)
        self._say(StateChanged(at=self.now, incident=incident.id, old=incident.state, new=new, by=self.by, reason=reason))

    def _keep(self, incident: str, signals: Iterable[Signal], *, has_opened: bool) -> None:
        self.kept |= {one.fingerprint: replace(one, incident=incident, has_opened=has_opened, words="") for one in signals}

    def _note(self, incident: str, what: str, signals: Sequence[Signal]) -> None:
        self._write(incident, _quoted(what, signals))

    def _write(self, incident: str, body: str) -> None:
        number = self.situation.incidents[incident].notes + 1
        self._say(Noted(at=self.now, incident=incident, note=Note(number=number, body=body, at=self.now, by=self.by)))

    def _say(self, *events: Event) -> None:
        self.events += events
        self.situation = fold(self.situation, events)


def _hitting(situation: Situation, service: str) -> Incident | None:
    """The open incident that hits *service*, the oldest where there are several."""
    mine = (one for one in situation.incidents.values() if service in one.services)
    return min(mine, key=lambda one: (one.opened_at, one.id), default=None)


def _hit(signals: Iterable[Signal]) -> Mapping[str, Status]:
    hit: dict[str, Status] = {}
    for signal in signals:
        hit[signal.service] = worst((signal.status, hit.get(signal.service, Status.OPERATIONAL)))
    return hit


def _name(situation: Situation, services: Mapping[str, Status], voice: Voice) -> str:
    """A safe name: nothing of it comes from outside."""
    if len(services) == 1:
        return words.trouble(situation, next(iter(services)), voice)
    return words.title(situation, services, (), voice)


def _quoted(what: str, signals: Sequence[Signal]) -> str:
    lines = [f"{what}: {signal.words}" for signal in signals[:MOST_QUOTED]]
    more = len(signals) - MOST_QUOTED
    return "\n".join([*lines, f"{what}: {more} more."] if more > 0 else lines)
