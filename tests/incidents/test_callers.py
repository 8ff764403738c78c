"""Callers whom no incident explains make one that waits for a person, and change nothing else."""

from datetime import timedelta

import pytest

from incidents import act
from incidents.callers import Calling, suspected
from incidents.model import Status, Subject
from incidents.rollup import standing
from incidents.voices import Voice
from tests.incidents.world import World, need, service, topology

CALLING = Calling(threshold=3, within=timedelta(minutes=30))
GERMAN = Voice(language="de", tag="de", sentences={"Problem with %(services)s": "Problem mit %(services)s"})


def company() -> World:
    return World(topology([service("email", need("smtp"))]))


def called(world: World, count: int, service: str = "email") -> bool:
    """Whether so many callers open anything."""
    before = set(world.situation.incidents)
    world.act(suspected, service=service, count=count, calling=CALLING)
    return set(world.situation.incidents) != before


def test_the_third_caller_opens_a_draft_and_the_second_does_not() -> None:
    world = company()
    assert not called(world, 2)
    assert called(world, 3)
    assert world.incident.name == "Problem with Email"
    assert world.incident.published_at is None
    assert world.incident.publish_at is None


def test_a_draft_changes_no_status() -> None:
    world = company()
    world.mend("smtp")
    before = standing(world.situation, Subject.SERVICE, "email")
    called(world, 5)
    assert standing(world.situation, Subject.SERVICE, "email") is before
    assert world.incident.services["email"] is Status.PARTIAL


def test_what_an_open_incident_explains_opens_none() -> None:
    world = company()
    called(world, 3)
    assert not called(world, 9)
    other = company()
    other.fail("smtp")
    assert not called(other, 9)


def test_its_name_is_said_in_every_language_of_the_site() -> None:
    world = company()
    world.act(suspected, service="email", count=3, calling=CALLING, voices=(Voice(), GERMAN))
    assert dict(world.incident.names) == {"de": "Problem mit Email"}


def test_a_service_that_is_not_there_is_named() -> None:
    with pytest.raises(act.Invalid, match="There is no service 'fax'"):
        called(company(), 3, "fax")
