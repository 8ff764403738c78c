"""Words said anew for readers who may not know of everything."""

import pytest

from incidents.model import Incident, Origin, State, Update
from incidents.voices import AT_THE_DESK, IN_ENGLISH
from incidents.words import QUOTING, merged, split_off, took_over
from statuspage.bundled import templates
from statuspage.picture.retold import is_ours, renamed, spared, unquoting, update
from statuspage.render.voicing import voices_of
from tests.statuspage.pictures import NOW

BOTH = voices_of("de", ("de", "en"), templates() / "languages")
OTHER = Incident(
    id="o" * 12, name="Payroll: “Slips” not working", origin=Origin.MACHINE, state=State.INVESTIGATING, started_at=NOW, opened_at=NOW
)
QUOTED_IN_GERMAN = (
    "Dieses Problem hat dieselbe Ursache wie „Gehälter“. Alle weiteren Meldungen stehen dort.",
    "„Gehälter“ hat dieselbe Ursache wie dieses Problem. Alle weiteren Meldungen stehen hier.",
    "Ein Teil dieses Problems wird unter „Gehälter“ weitergeführt. Meldungen zu diesem Teil stehen dort.",
)
"""As it was published: what is kept of it is found in these words for ever, so that no other translation may take their place."""


@pytest.mark.parametrize("say", [merged, took_over, split_off])
def test_a_persons_words_lose_what_the_machine_quotes_before_them(say: object) -> None:
    ours = say(OTHER, AT_THE_DESK)  # type: ignore[operator]
    assert "Payroll" in ours
    assert spared(f"{ours} We are on it.", "en", IN_ENGLISH) == "We are on it."
    assert spared(ours, "en", BOTH) == ""


def test_every_sentence_of_ours_that_quotes_is_known() -> None:
    said = {say(OTHER, AT_THE_DESK) for say in (merged, took_over, split_off)}
    assert said == {one % {"name": OTHER.name} for one in QUOTING}


@pytest.mark.parametrize("ours", QUOTED_IN_GERMAN)
def test_so_they_do_in_every_language_that_the_site_speaks(ours: str) -> None:
    assert spared(f"{ours} Der Fehler heißt „Postfach voll“.", "de", BOTH) == "Der Fehler heißt „Postfach voll“."


def test_what_a_person_quotes_stays() -> None:
    assert spared("The error says “mailbox full”. Wait.", "en", BOTH) == "The error says “mailbox full”. Wait."
    assert spared("Nothing is quoted.", "de", IN_ENGLISH) == "Nothing is quoted."


def test_in_a_language_that_nobody_speaks_every_sentence_that_quotes_goes() -> None:
    assert spared("Gleiche Ursache wie „Gehälter“. Wir arbeiten daran! Bald mehr.", "de", IN_ENGLISH) == "Wir arbeiten daran! Bald mehr."


def test_the_machines_words_are_said_anew_in_every_language() -> None:
    cut = renamed(OTHER, [{"en": "Email", "de": "E-Mail"}, {"en": "Portal"}], BOTH)
    assert (cut.name, cut.language, dict(cut.names)) == ("Störung bei E-Mail und Portal", "de", {"en": "Problem with Email and Portal"})
    said = update(
        Update(number=1, state=State.MONITORING, title="x", body="Payroll is back.", at=NOW, automatic=True), cut, BOTH, is_renamed=True
    )
    # An older release wrote them, in English: that stays the language of what they are.
    assert (said.language, said.title) == ("en", "Problem with Email and Portal – recovered, being watched")
    assert said.titles["de"] == "Störung bei E-Mail und Portal – wiederhergestellt, unter Beobachtung"
    assert "Payroll" not in said.body
    assert said.bodies["de"].startswith("Unsere Überwachung sieht, dass es wieder funktioniert.")


def test_the_name_of_callers_drafts_is_known_as_ours_in_every_language() -> None:
    hit = [{"en": "Payroll", "de": "Gehälter"}]
    assert is_ours("Störung bei Gehälter", hit, BOTH)
    assert is_ours("Problem with Payroll – resolved", hit, BOTH)
    assert not is_ours("Problem with Payroll at noon", hit, BOTH), "a person's"
    assert not is_ours("Problem with Payroll", [{"en": "Email"}], BOTH)


def test_what_quotes_another_keeps_its_own_title_in_every_language() -> None:
    words = Update(
        number=1,
        state=State.RESOLVED,
        title="E-Mail – behoben",
        body=QUOTED_IN_GERMAN[0],
        at=NOW,
        automatic=True,
        language="de",
        titles={"en": "Email – resolved"},
        bodies={"en": merged(OTHER, AT_THE_DESK)},
    )
    said = unquoting(words, BOTH)
    assert (said.title, said.titles, said.body) == (words.title, words.titles, "Die Störung ist behoben.")
    assert said.bodies == {"en": "This incident is resolved."}
