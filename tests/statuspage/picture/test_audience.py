"""Who is told what, and from when on: the rules alone, without a store."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from incidents.model import Incident, Origin, Service, State, Status, Update
from statuspage.picture.audience import Verdict, Wish, held_until, verdict, wants, wants_work

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SERVICES: Mapping[str, Service] = {
    "email": Service(id="email", name={"en": "Email"}, notify_after=timedelta(minutes=5)),
    "portal": Service(id="portal", name={"en": "Portal"}, notify_after=timedelta(minutes=1)),
}
INCIDENT = Incident(
    id="abcdefghijkl",
    name="Email is not working",
    origin=Origin.MACHINE,
    state=State.INVESTIGATING,
    started_at=T0 - timedelta(seconds=30),
    opened_at=T0,
    published_at=T0,
    services={"email": Status.PARTIAL},
    worst={"email": Status.PARTIAL},
)
OPENING = Update(number=1, state=State.INVESTIGATING, title="", body="", at=T0, automatic=True)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_words_are_held_until_the_patience_is_over() -> None:
    assert verdict(INCIDENT, OPENING, SERVICES, after(299.9), was_told=False) is None
    assert verdict(INCIDENT, OPENING, SERVICES, after(300), was_told=False) is Verdict.TOLD


def test_with_several_services_the_shortest_patience_applies() -> None:
    both = replace(INCIDENT, services={"email": Status.PARTIAL, "portal": Status.OPERATIONAL})
    assert held_until(both, SERVICES) == after(60)
    only_once = replace(INCIDENT, worst={"email": Status.PARTIAL, "portal": Status.DEGRADED})
    assert held_until(only_once, SERVICES) == after(60)


def test_an_incident_without_a_known_service_is_told_at_once() -> None:
    assert held_until(replace(INCIDENT, services={"gone": Status.MAJOR}, worst={}), SERVICES) == T0


def test_one_that_came_back_is_held_anew() -> None:
    assert held_until(replace(INCIDENT, returned_at=after(1000)), SERVICES) == after(1300)


@pytest.mark.parametrize(
    "over", [{"recovered_at": after(10)}, {"recovered_at": after(10), "resolved_at": after(20)}, {"resolved_at": after(20)}]
)
def test_what_is_over_by_then_is_told_to_nobody(over: Mapping[str, datetime]) -> None:
    assert verdict(replace(INCIDENT, **over), OPENING, SERVICES, after(300), was_told=False) is Verdict.OVER  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.MONITORING, State.RESOLVED, State.POSTMORTEM])
def test_good_news_of_which_nobody_heard_the_bad_ones_are_told_to_nobody(state: State) -> None:
    assert verdict(INCIDENT, replace(OPENING, state=state), SERVICES, after(900), was_told=False) is Verdict.OVER
    assert verdict(INCIDENT, replace(OPENING, state=state), SERVICES, after(1), was_told=True) is Verdict.TOLD


def test_once_anything_was_told_the_rest_follows_at_once() -> None:
    assert verdict(INCIDENT, OPENING, SERVICES, after(1), was_told=True) is Verdict.TOLD


def test_words_that_were_withdrawn_or_are_not_public_are_told_to_nobody() -> None:
    assert verdict(INCIDENT, replace(OPENING, redacted_at=after(5)), SERVICES, after(900), was_told=True) is Verdict.WITHDRAWN
    assert verdict(replace(INCIDENT, published_at=None), OPENING, SERVICES, after(900), was_told=True) is Verdict.WITHDRAWN


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(), True),
        (Wish(services=frozenset({"email"})), True),
        (Wish(services=frozenset({"portal"})), False),
        (Wish(services=frozenset()), False),
        (Wish(floor=Status.PARTIAL), True),
        (Wish(floor=Status.MAJOR), False),
        (Wish(services=frozenset({"portal", "email"}), floor=Status.PARTIAL, wants_maintenance=False), True),
    ],
)
def test_a_wish_names_services_and_how_bad_it_must_be(wish: Wish, expected: bool) -> None:  # noqa: FBT001 - the expectation
    assert wants(wish, INCIDENT, OPENING, was_told=False) is expected


def test_how_bad_it_was_counts_also_where_it_is_milder_now() -> None:
    milder = replace(INCIDENT, services={"email": Status.DEGRADED}, worst={"email": Status.MAJOR})
    assert wants(Wish(floor=Status.MAJOR), milder, OPENING, was_told=False)


def test_who_was_told_hears_how_it_goes_on_whatever_it_hits_by_then() -> None:
    elsewhere = replace(INCIDENT, services={"portal": Status.DEGRADED}, worst={"portal": Status.DEGRADED})
    wish = Wish(services=frozenset({"email"}), floor=Status.MAJOR)
    assert wants(wish, elsewhere, replace(OPENING, state=State.RESOLVED), was_told=True)
    assert not wants(Wish(), INCIDENT, replace(OPENING, state=State.RESOLVED), was_told=False)


def test_planned_work_is_told_to_those_who_want_it_of_their_services() -> None:
    assert wants_work(Wish(), ["email"])
    assert wants_work(Wish(services=frozenset({"email"})), ["portal", "email"])
    assert not wants_work(Wish(services=frozenset({"email"})), ["portal"])
    assert not wants_work(Wish(wants_maintenance=False), ["email"])
