"""Which service a caller may mean, and which symptoms have their words."""

import pytest

from incidents.model import Component, Need, Service, Situation, Topology
from statuspage.picture.known_errors import KnownErrorView
from statuspage.picture.triage import MOST_ERRORS, meant


def service(id: str, name: dict[str, str], *labels: str, told: str = "") -> Service:
    needs = tuple(Need(of=("part",), label={"en": label}) for label in labels or ("All",))
    return Service(id=id, name=name, needs=needs, description={"en": told} if told else {})


SITUATION = Situation(
    topology=Topology(
        services={
            "email": service("email", {"en": "Email", "de": "E-Mail"}, "Sending", "Receiving", told="Send, receive and read your letters."),
            "portal": service("portal", {"en": "Customer portal", "de": "Kundenportal"}, "Sign in"),
            "shop": service("shop", {"en": "Shop", "de": "Lädchen"}, "Paying"),
        },
        components={"part": Component(id="part", name="Part")},
        monitors={},
    ),
    seed="seed",
)
FULL = KnownErrorView(id="full", services=("email",), symptom="Mail is returned: mailbox full", workaround="Empty the trash.", say="")


@pytest.mark.parametrize(
    ("question", "services"),
    [
        ("email", ["email"]),
        ("My e-mail is gone", ["email"]),
        ("mails", []),
        ("mail", ["email"]),
        ("cannot SEND anything", ["email"]),
        ("customer portal", ["portal"]),
        ("Kundenportal", ["portal"]),
        ("ladchen", ["shop"]),
        ("I can not sign in", ["portal"]),
        ("fax", []),
        ("", []),
        ("!?", []),
    ],
)
def test_a_service_is_found_by_its_names_and_by_what_it_can_do(question: str, services: list[str]) -> None:
    assert list(meant(question, SITUATION, ()).services) == services


def test_the_likeliest_service_comes_first() -> None:
    assert meant("portal paying sign", SITUATION, ()).services == ("portal", "shop")


def test_a_symptom_leads_to_its_service() -> None:
    found = meant("the mailbox is full", SITUATION, (FULL,))
    assert found.errors == (FULL,)
    assert found.services == ("email",)


def test_no_more_symptoms_are_told_than_anybody_reads() -> None:
    many = tuple(KnownErrorView(id=f"e{n}", services=("shop",), symptom="card refused", workaround="", say="") for n in range(5000))
    assert len(meant("card", SITUATION, many).errors) == MOST_ERRORS
