"""Words said anew for readers who may not know of everything."""

import pytest

from incidents.model import Incident, Origin, State
from incidents.voices import AT_THE_DESK
from incidents.words import QUOTING, merged, split_off, took_over
from statuspage.picture.retold import spared
from tests.statuspage.pictures import NOW

OTHER = Incident(
    id="o" * 12, name="Payroll: “Slips” not working", origin=Origin.MACHINE, state=State.INVESTIGATING, started_at=NOW, opened_at=NOW
)


@pytest.mark.parametrize("say", [merged, took_over, split_off])
def test_a_persons_words_lose_what_the_machine_quotes_before_them(say: object) -> None:
    ours = say(OTHER, AT_THE_DESK)  # type: ignore[operator]
    assert "Payroll" in ours
    assert spared(f"{ours} We are on it.", "en") == "We are on it."
    assert spared(ours, "en") == ""


def test_every_sentence_of_ours_that_quotes_is_known() -> None:
    said = {say(OTHER, AT_THE_DESK) for say in (merged, took_over, split_off)}
    assert said == {one % {"name": OTHER.name} for one in QUOTING}


def test_what_a_person_quotes_stays_in_english() -> None:
    assert spared("The error says “mailbox full”. Wait.", "en") == "The error says “mailbox full”. Wait."
    assert spared("Nothing is quoted.", "de") == "Nothing is quoted."


def test_in_another_language_every_sentence_that_quotes_goes() -> None:
    assert spared("Gleiche Ursache wie „Gehälter“. Wir arbeiten daran! Bald mehr.", "de") == "Wir arbeiten daran! Bald mehr."
