"""A queue of more than anybody reads: what matters most in full, the rest by name, what works by number."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from incidents import act
from incidents.model import Status
from statuspage.picture.board import ServiceRow
from statuspage.picture.page import Story
from statuspage.store import queries
from statuspage.web.queue import IN_FULL, shortened
from tests.statuspage.desks import House, housed
from tests.statuspage.tellings import known, telling


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def test_what_matters_less_is_named_and_not_drawn(house: House) -> None:
    ada = await house.logged_in("ada")
    for number in range(IN_FULL + 3):
        house.wait(minutes=1)
        await house.pipeline.act(
            lambda situation, now, number=number: act.open_incident(  # type: ignore[misc]
                situation, now, by="ada", name=f"Trouble <{number}>", services={"email": Status.DEGRADED}, body="It is slow."
            )
        )
    page = await ada.page("/")
    assert page.count("<article aria-labelledby=") == IN_FULL
    assert "And 3 more, which matter less" in page
    assert all(f"Trouble &lt;{number}&gt;" in page for number in range(IN_FULL + 3))
    assert page.count('id="i-') == IN_FULL + 3


def rows(*statuses: Status) -> list[ServiceRow]:
    return [ServiceRow(id=f"s{n}", name=f"S{n}", status=status, since=None, incidents=()) for n, status in enumerate(statuses)]


def test_a_few_are_all_shown_in_their_order() -> None:
    few = rows(*[Status.OPERATIONAL, Status.MAJOR] * (IN_FULL // 2))
    assert (shortened(few).shown, shortened(few).left) == (few, 0)


def test_of_many_those_that_do_not_work_are_shown_and_the_others_counted() -> None:
    many = rows(*[Status.OPERATIONAL] * 70, Status.MAJOR, Status.UNKNOWN)
    found = shortened(many)
    assert [row.status for row in found.shown] == [Status.MAJOR, Status.UNKNOWN]
    assert (found.left, found.is_rest_well) == (70, True)


def test_where_too_many_do_not_work_nobody_is_told_that_the_rest_does() -> None:
    found = shortened(rows(*[Status.MAJOR] * (IN_FULL + 1)))
    assert (len(found.shown), found.left, found.is_rest_well) == (IN_FULL, 1, False)


async def test_the_stories_at_hand_are_those_of_the_store_and_never_old(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:

        def at_hand() -> Sequence[Story] | None:
            return house.press.stories

        await house.press.issue()
        assert at_hand() == ()
        incident = await house.outage()
        assert at_hand() is None, "it was heard, and not read yet"
        await house.press.issue()
        assert at_hand() == await house.store.read(queries.stories)
        await house.say(incident.id, "A disk is full.")
        assert at_hand() is None
        await house.press.issue()
        assert at_hand() == await house.store.read(queries.stories)
        (story,) = at_hand() or ()
        assert story.updates[-1].body == "A disk is full."


async def test_a_queue_whose_stories_are_at_hand_asks_for_none(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        ada, incident = await house.logged_in("ada"), await house.outage()
        (story,) = await house.store.read(queries.stories)
        house.stories = (replace(story, updates=(replace(story.updates[-1], body="As it is at hand."),)),)
        assert "As it is at hand." in await ada.page("/")
        house.stories = None
        page = await ada.page("/")
        assert incident.name in page
        assert "As it is at hand." not in page
