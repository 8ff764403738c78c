"""Public words for one service and for several, in the language asked for and in the next best."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from incidents import words
from incidents.model import Incident, Need, Origin, Outage, Situation, Standing, State, Status, Subject
from incidents.planned.conduct import Conduct, objections
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from incidents.voices import Voice
from tests.incidents.world import START, need, service, topology

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def situation(**statuses: Status) -> Situation:
    """Email (German: E-Mail) needs smtp (Sending, Versand) and imap, files need disk and have no other name."""
    labelled = Need(of=("smtp",), label=MappingProxyType({"en": "Sending", "de": "Versand"}))
    email = replace(service("email", labelled, need("imap")), name=MappingProxyType({"en": "Email", "de": "E-Mail"}))
    files = replace(service("files", need("disk")), name=MappingProxyType({"fr": "Fichiers"}))
    standings = {(Subject.COMPONENT, id): Standing(status=status, since=START) for id, status in statuses.items()}
    return Situation(topology=topology([email, files]), seed="seed", standings=standings)


@pytest.mark.parametrize(
    ("texts", "language", "text"),
    [
        ({"en": "Email", "de": "E-Mail"}, "de", "E-Mail"),
        ({"en": "Email", "de": "E-Mail"}, "fr", "Email"),
        ({"de": "E-Mail", "fr": "Courriel"}, "en", "E-Mail"),
        ({"en": "", "de": "E-Mail"}, "de", "E-Mail"),
        ({}, "de", ""),
    ],
)
def test_a_text_is_in_the_language_asked_for_else_in_english_else_in_any(texts: Mapping[str, str], language: str, text: str) -> None:
    assert words.said(texts, language) == text


NAMED = Voice(language="de")
"""German names in English sentences."""

DOWN, LIMPING, UP = Status.MAJOR, Status.DEGRADED, Status.OPERATIONAL


@pytest.mark.parametrize(
    ("statuses", "components", "title"),
    [
        ({"smtp": DOWN, "imap": DOWN}, ("smtp", "imap"), "E-Mail is not working"),
        ({"smtp": DOWN, "imap": UP}, ("smtp",), "E-Mail: Versand not working"),
        ({"smtp": UP, "imap": DOWN}, ("imap",), "E-Mail is partly not working"),
        ({"smtp": DOWN, "imap": DOWN}, ("imap",), "E-Mail is partly not working"),
        ({"smtp": LIMPING, "imap": UP}, ("smtp",), "E-Mail: Versand impaired"),
        ({"smtp": UP, "imap": LIMPING}, ("imap",), "E-Mail is impaired"),
    ],
)
def test_an_incident_is_named_for_what_its_own_parts_broke(statuses: Mapping[str, Status], components: tuple[str, ...], title: str) -> None:
    assert words.title(situation(**statuses), {"email": Status.PARTIAL}, components, NAMED) == title


def over(told: str = "", services: tuple[str, ...] = ("email",), **more: object) -> Incident:
    """An incident that hit *services* for 42 minutes; *told* are its claims."""
    plain = Incident(
        id="abcdefghijkl",
        name="E-Mail: Versand not working",
        origin=Origin.MACHINE,
        state=State.MONITORING,
        started_at=START,
        opened_at=START,
        worst=dict.fromkeys(services, Status.PARTIAL),
        told=frozenset(told.split()),
        recovered_at=START + timedelta(minutes=42, seconds=59),
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # the test's own keywords


def well(**statuses: Status) -> Situation:
    found = {"email": Status.OPERATIONAL, "files": Status.OPERATIONAL, **statuses}
    known = situation(smtp=Status.OPERATIONAL, imap=Status.OPERATIONAL)
    services = {(Subject.SERVICE, id): Standing(status=status, since=START) for id, status in found.items()}
    return replace(known, standings={**known.standings, **services})


SENDING = "email email/0=degraded_performance email/0=major_outage"
BOTH = f"{SENDING} email/1=degraded_performance"
EARLIER = (Outage(since=START - DAY, until=START - DAY + HOUR),)


@pytest.mark.parametrize(
    ("incident", "title"),
    [
        (over(SENDING), "E-Mail: Versand works again, after 42 min"),
        (over(BOTH), "E-Mail works again, after 42 min"),
        (over("email email/1=degraded_performance"), "E-Mail works again, after 42 min"),
        (over("email"), "E-Mail works again, after 42 min"),
        (over(SENDING, ("files", "email")), "E-Mail and Fichiers work again, after 42 min"),
        (over(SENDING, outages=EARLIER), "E-Mail: Versand works again, after 1 h 42 min in all"),
        (over(SENDING, flapping_since=START), "E-Mail: Versand not working – recovered, being watched"),
        (over(SENDING, ()), "E-Mail: Versand not working – recovered, being watched"),
        (over(SENDING, recovered_at=None), "E-Mail: Versand not working – recovered, being watched"),
    ],
)
def test_a_title_says_what_works_again_and_how_long_it_did_not(incident: Incident, title: str) -> None:
    assert words.works_again(well(), incident, NAMED) == title


@pytest.mark.parametrize("status", [Status.PARTIAL, Status.UNKNOWN, Status.MAINTENANCE])
def test_what_is_not_seen_to_work_is_not_said_to(status: Status) -> None:
    both = over(SENDING, ("email", "files"))
    assert words.works_again(well(files=status), both, NAMED) == "E-Mail: Versand not working – recovered, being watched"


def test_several_services_are_named_in_the_order_of_the_file() -> None:
    both, none = {"files": DOWN, "email": DOWN}, {"fax": DOWN}
    known = situation()
    assert words.title(known, both, (), NAMED) == "Problem with E-Mail and Fichiers"
    assert words.title(known, none, (), NAMED) == "Problem detected"
    assert words.unstable_title(known, both, NAMED) == "E-Mail and Fichiers are unstable"
    assert words.unstable_title(known, none, NAMED) == "A service is unstable"
    one_problem = "We treat this as one problem; the status page shows how it is at present."
    assert words.unstable(known, both, NAMED) == f"E-Mail and Fichiers keep failing and recovering. {one_problem}"
    assert words.unstable(known, {"email": DOWN}, NAMED) == f"E-Mail keeps failing and recovering. {one_problem}"
    assert words.unstable(known, none, NAMED) == f"A service keeps failing and recovering. {one_problem}"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(seconds=3599), "59 min"),
        (HOUR, "1 h"),
        (HOUR + timedelta(minutes=1, seconds=59), "1 h 1 min"),
        (DAY - timedelta(seconds=1), "23 h 59 min"),
        (DAY, "1 d"),
        (DAY + timedelta(minutes=59), "1 d"),
        (2 * DAY + 4 * HOUR, "2 d 4 h"),
    ],
)
def test_a_length_is_cut_and_never_rounded_up(length: timedelta, text: str) -> None:
    assert words.spoken(length) == text


# --- what planned work must keep


def test_each_service_objects_by_its_own_rules() -> None:
    known, now = situation(), START
    office = Calendar(timezone="UTC", weekly={0: ((480, 1080),)})
    conducts = {"files": Conduct(notice=HOUR, notice_from=2 * HOUR, hours=office)}
    span = Span(now + HOUR, now + 3 * HOUR)
    assert objections(known, conducts, ("email", "files"), span, now) == (
        "Email: work of 1 h or longer is announced 3 d ahead; this is 1 h ahead.",
        "Fichiers: meets its business hours on 2026-03-02, 09:00 UTC to 11:00 UTC.",
    )
    assert objections(known, conducts, ("email",), span, now, is_new=False) == ()
    sooner = Span(now + HOUR / 2, now + 3 * HOUR)
    assert objections(known, conducts, ("files",), sooner, now)[0] == (
        "Fichiers: work of 2 h or longer is announced 1 h ahead; this is 30 min ahead."
    )
    assert objections(known, conducts, ("files",), Span(now + HOUR / 2, now + HOUR), now)[0].startswith("Fichiers: meets")
    night = Span(now + 11 * HOUR, now + 13 * HOUR)
    assert objections(known, conducts, ("files",), night, now) == ()
    assert objections(known, {}, ("email",), Span(now + 3 * DAY, now + 4 * DAY), now) == ()
    past = Span(now - HOUR, now + HOUR)
    assert objections(known, {}, ("email",), past, now) == ("Email: work of 1 h or longer is announced 3 d ahead; this is 0 s ahead.",)
