"""What other monitoring systems say: it waits for a person, counts once, and ends what it began."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from incidents import act
from incidents.events import Event, Noted
from incidents.model import Incident, Situation, State, Status
from incidents.signals import LONGEST_AGO, MOST_QUOTED, Heard, Signal, hear
from tests.incidents.world import World, need, service, topology


@dataclass(slots=True)
class Ear:
    """A world that hears signals, and what is kept of them."""

    world: World = field(default_factory=lambda: World(topology([service("email", need("smtp")), service("portal", need("web"))])))
    known: dict[str, Signal] = field(default_factory=dict)

    def hear(self, *told: Signal, left_out: int = 0) -> Sequence[Event]:
        last = Heard()

        def command(situation: Situation, now: datetime) -> Sequence[Event]:
            nonlocal last
            last = hear(situation, now, by="prometheus", told=told, known=self.known, left_out=left_out)
            return last.events

        self.world.act(command)
        self.known |= last.kept
        return last.events

    def fires(self, fingerprint: str = "a", service: str = "email", status: Status = Status.MAJOR) -> Signal:
        return Signal(fingerprint=fingerprint, service=service, status=status, since=self.world.now, words=f"{fingerprint} is slow")

    def over(self, signal: Signal) -> Signal:
        return replace(signal, until=self.world.now)

    @property
    def incident(self) -> Incident:
        return self.world.incident


def test_a_signal_opens_a_draft_with_a_safe_name_and_its_words_stay_in_a_note() -> None:
    ear = Ear()
    ear.hear(ear.fires())
    assert ear.incident.name == "Problem with Email"
    assert ear.incident.published_at is ear.incident.publish_at is None
    assert ear.incident.services == {"email": Status.MAJOR}
    assert ear.incident.notes == 1
    assert ear.incident.updates == 0


def test_what_is_told_again_or_late_changes_nothing_and_a_new_start_counts() -> None:
    ear = Ear()
    first = ear.fires()
    ear.hear(first)
    assert ear.hear(first, first) == ()
    ear.world.wait(300)
    ear.hear(ear.over(first))
    assert not ear.world.situation.incidents
    assert ear.hear(ear.over(first)) == ()
    assert ear.hear(first) == (), "a word that came late opened it again"
    ear.world.wait(300)
    ear.hear(ear.fires())
    assert ear.incident.started_at == ear.world.now


def test_one_message_opens_one_incident_for_all_that_it_names() -> None:
    ear = Ear()
    ear.hear(ear.fires("a"), ear.fires("b", "portal", Status.DEGRADED), ear.fires("c", "email", Status.DEGRADED))
    assert ear.incident.name == "Problem with Email and Portal"
    assert ear.incident.services == {"email": Status.MAJOR, "portal": Status.DEGRADED}
    ear.hear(ear.over(ear.fires("a")), ear.over(ear.fires("b")))
    assert ear.incident.is_open, "one of its signals goes on"
    ear.hear(ear.over(ear.fires("c")))
    assert not ear.world.situation.incidents


def test_what_an_open_incident_explains_joins_it_and_never_ends_it() -> None:
    ear = Ear()
    ear.world.mend("smtp")
    ear.world.fail("smtp")
    found = ear.incident
    signal = ear.fires()
    ear.hear(signal)
    assert ear.incident.id == found.id
    assert ear.incident.notes == found.notes + 1
    ear.hear(ear.over(signal))
    assert ear.incident.state is State.INVESTIGATING
    assert ear.incident.notes == found.notes + 2


def test_more_and_worse_signals_make_a_draft_worse_but_not_what_a_person_has_published() -> None:
    ear = Ear()
    ear.hear(ear.fires("a", status=Status.DEGRADED))
    ear.hear(ear.fires("b", status=Status.PARTIAL))
    assert ear.incident.services == {"email": Status.PARTIAL}
    ear.world.act(act.update, incident=ear.incident.id, by="ada", body="We are looking into it.")
    ear.hear(ear.fires("c", status=Status.MAJOR))
    assert ear.incident.services == {"email": Status.PARTIAL}


def test_what_a_person_has_published_recovers_comes_back_and_is_ended_by_a_person() -> None:
    ear = Ear()
    signal = ear.fires()
    ear.hear(signal)
    ear.world.act(act.update, incident=ear.incident.id, by="ada", body="We are looking into it.")
    ear.hear(ear.over(signal))
    assert ear.incident.state is State.MONITORING
    assert ear.incident.asks_desk
    assert ear.incident.updates == 1, "words became public that nobody said"
    ear.world.wait(60)
    ear.hear(ear.fires("b"))
    assert ear.world.state() == State.INVESTIGATING


def test_where_signals_were_left_out_a_person_says_whether_it_is_over() -> None:
    ear = Ear()
    signal = ear.fires()
    ear.hear(signal, left_out=3)
    ear.hear(ear.over(signal), left_out=3)
    assert ear.incident.is_open


def test_a_person_who_ended_it_is_not_overruled_by_what_goes_on() -> None:
    ear = Ear()
    signal = ear.fires()
    ear.hear(signal)
    ear.world.act(act.resolve, incident=ear.incident.id, by="ada", body="A false alarm.")
    assert ear.hear(signal) == ()
    assert ear.hear(ear.over(signal)) == ()
    assert ear.known["a"].until == ear.world.now


def test_starts_are_believed_within_reason_and_notes_are_short_whatever_comes() -> None:
    ear = Ear()
    old = ear.world.now - timedelta(days=400)
    ear.hear(*(replace(ear.fires(f"s{number}"), since=old) for number in range(500)))
    assert ear.incident.started_at == ear.world.now - LONGEST_AGO
    (note,) = [event.note for event in ear.world.events if isinstance(event, Noted)]
    assert note.body.count("\n") == MOST_QUOTED
    assert note.body.endswith("480 more.")


def test_a_service_that_there_is_not_is_refused() -> None:
    ear = Ear()
    with pytest.raises(act.Invalid):
        ear.hear(ear.fires(service="fax"))
