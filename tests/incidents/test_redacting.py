"""Words that were said already: who corrects or removes them leaves everything else as it stands."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from incidents import redacting
from incidents.act import IllegalMove, Invalid
from incidents.model import State, Update
from incidents.rewording import Redacted, Reworded, digest
from incidents.situation import fold
from incidents.voices import Speech
from tests.incidents.world import START, World, need, service, topology

SAID = Update(number=2, state=State.IDENTIFIED, title="Email – cause identified", body="Ask Ada.", at=START, by="anna")
GONE = Update(number=2, state=State.IDENTIFIED, title="Email – cause identified", body="", at=START, by="anna", redacted_at=START)
NOW = START + timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return World(topology([service("email", need("smtp"))]))


def test_a_correction_keeps_the_digest_of_what_stood_there(world: World) -> None:
    (event,) = redacting.reword(world.situation, NOW, incident="one", said=SAID, by="ben", body="Ask the desk.")
    assert event == Reworded(
        at=NOW, incident="one", number=2, body="Ask the desk.", language="en", was=sha256(b"Ask Ada.").hexdigest(), by="ben"
    )


def test_a_redaction_keeps_no_word_but_the_reason_and_the_digest(world: World) -> None:
    (event,) = redacting.redact(world.situation, NOW, incident="one", said=SAID, by="ben", reason="It names a person.")
    assert event == Redacted(at=NOW, incident="one", number=2, was=digest("Ask Ada."), by="ben", reason="It names a person.")
    assert "Ask" not in repr(event)


def test_neither_changes_how_anything_stands_also_of_an_incident_that_is_over(world: World) -> None:
    events = (
        *redacting.reword(world.situation, NOW, incident="long over", said=SAID, by="ben", body="Ask the desk."),
        *redacting.redact(world.situation, NOW, incident="long over", said=SAID, by="ben", reason="It names a person."),
    )
    assert fold(world.situation, events) == world.situation


def test_what_was_removed_can_be_neither_corrected_nor_removed_again(world: World) -> None:
    with pytest.raises(IllegalMove, match="removed already"):
        redacting.reword(world.situation, NOW, incident="one", said=GONE, by="ben", body="Ask the desk.")
    with pytest.raises(IllegalMove, match="removed already"):
        redacting.redact(world.situation, NOW, incident="one", said=GONE, by="ben", reason="It names a person.")


def test_a_removal_needs_a_reason_and_a_correction_other_words(world: World) -> None:
    with pytest.raises(Invalid, match="needs a reason"):
        redacting.redact(world.situation, NOW, incident="one", said=SAID, by="ben", reason="  ")
    for body in ("  ", "Ask Ada."):
        with pytest.raises(Invalid):
            redacting.reword(world.situation, NOW, incident="one", said=SAID, by="ben", body=body)


def test_a_translation_that_is_not_given_anew_goes_and_its_digest_stays(world: World) -> None:
    said = replace(SAID, language="en", bodies={"de": "Fragen Sie Ada."})
    (event,) = redacting.reword(world.situation, NOW, incident="one", said=said, by="ben", body="Ask the desk.")
    assert (event.bodies, event.translations) == ({}, {"de": digest("Fragen Sie Ada.")})  # type: ignore[union-attr]  # it is reworded
    both = Speech(bodies={"de": "Fragen Sie uns."})
    (event,) = redacting.reword(world.situation, NOW, incident="one", said=said, by="ben", body="Ask Ada.", speech=both)
    assert event.bodies == {"de": "Fragen Sie uns."}  # type: ignore[union-attr]
