"""What a person knows better: made by one, and where duties are separated agreed to by another before it counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from incidents.act import Invalid, NotFound
from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped
from incidents.correction import LONGEST, Claim, approve, correct, drop
from incidents.model import Status
from tests.incidents.world import START, World, need, service, topology

HOUR = timedelta(hours=1)
CLAIM = Claim(service="email", since=START, until=START + HOUR, status=Status.OPERATIONAL, reason="our own link")


def world() -> World:
    found = World(topology([service("email", need("smtp"))]))
    found.good("smtp")
    found.now = START + 2 * HOUR
    return found


def made(at: World, *, needs_approval: bool = True, by: str = "anna") -> Corrected:
    (event,) = at.act(correct, claim=CLAIM, by=by, needs_approval=needs_approval)
    assert isinstance(event, Corrected)
    return event


def test_alone_it_counts_at_once_and_waits_for_nobody() -> None:
    at = world()
    event = made(at, needs_approval=False)
    assert (event.at, event.service, event.since, event.until) == (at.now, "email", START, START + HOUR)
    assert (event.status, event.reason, event.by, event.needs_approval) == (Status.OPERATIONAL, "our own link", "anna", False)
    assert at.situation.proposals == {}


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (replace(CLAIM, reason="  "), "needs a reason"),
        (replace(CLAIM, service="fax"), "There is no service 'fax'"),
        (replace(CLAIM, status=Status.MAINTENANCE), "planned and not corrected"),
        (replace(CLAIM, until=START), "since lies before until"),
        (replace(CLAIM, until=START + 2 * HOUR + timedelta(microseconds=1)), "until not after now"),
        (replace(CLAIM, since=START + HOUR - LONGEST - timedelta(microseconds=1)), "a year at most"),
    ],
)
def test_what_makes_no_sense_is_refused(claim: Claim, words: str) -> None:
    at = world()
    with pytest.raises(Invalid, match=words):
        correct(at.situation, at.now, claim=claim, by="anna")


def test_up_to_now_and_a_year_at_once_may_be_corrected() -> None:
    at = world()
    for claim in (replace(CLAIM, until=at.now), replace(CLAIM, since=START + HOUR - LONGEST)):
        assert len(correct(at.situation, at.now, claim=claim, by="anna")) == 1


def test_two_have_two_ids_and_the_same_asked_again_later_too() -> None:
    at = world()
    first = made(at)
    at.wait(1)
    (other,) = at.act(correct, claim=replace(CLAIM, reason="another reason"), by="anna")
    assert isinstance(other, Corrected)
    assert len({first.correction, made(at).correction, made(at, by="bert").correction, other.correction}) == 4


def test_one_that_needs_a_second_person_waits_for_one() -> None:
    at = world()
    event = made(at)
    assert event.needs_approval
    assert at.situation.proposals == {event.correction: "anna"}


def test_who_made_it_cannot_agree_to_it_and_another_can_once() -> None:
    at = world()
    first, second = made(at), made(at, by="bert")
    with pytest.raises(Invalid, match="Another person"):
        approve(at.situation, at.now, correction=first.correction, by="anna")
    assert at.act(approve, correction=first.correction, by="bert") == (
        CorrectionApproved(at=at.now, correction=first.correction, by="bert"),
    )
    assert at.situation.proposals == {second.correction: "bert"}
    with pytest.raises(NotFound, match="waits for a second person"):
        approve(at.situation, at.now, correction=first.correction, by="carl")


@pytest.mark.parametrize("by", ["anna", "bert"])
def test_anybody_may_drop_it_with_a_reason_and_then_it_is_gone(by: str) -> None:
    at = world()
    id_ = made(at).correction
    with pytest.raises(Invalid, match="why"):
        drop(at.situation, at.now, correction=id_, by=by, reason=" ")
    assert at.act(drop, correction=id_, by=by, reason="wrong day") == (
        CorrectionDropped(at=at.now, correction=id_, by=by, reason="wrong day"),
    )
    assert at.situation.proposals == {}


def test_one_that_does_not_wait_can_be_neither_approved_nor_dropped() -> None:
    at = world()
    id_ = made(at, needs_approval=False).correction
    with pytest.raises(NotFound):
        approve(at.situation, at.now, correction=id_, by="bert")
    with pytest.raises(NotFound):
        drop(at.situation, at.now, correction=id_, by="bert", reason="why not")
