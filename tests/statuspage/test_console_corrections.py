"""Corrections at the desk over a real socket: made by a form, agreed to by another manager, declined with a reason."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from lxml import html as dom

from incidents.times.spans import Span
from probes.result import Failure
from statuspage.ledgers import ledger_of
from statuspage.store.people import Role
from statuspage.web.desk import PlanningPolicy
from tests.statuspage.desks import START, Browser, House, housed

HOUR = timedelta(hours=1)
TYPED = {
    "service": "portal",
    "since": "2026-03-02T10:00",  # by the desk's clock: 09:00 UTC
    "until": "2026-03-02T10:30:00",
    "status": "operational",
    "reason": "our <own> link",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The portal was down from 09:00 to 10:00 UTC; duties are separated."""
    async with housed(tmp_path) as opened:
        await opened.all_good()
        opened.now = START + HOUR
        await opened.see("portal-web", Failure.REFUSED)
        opened.now = START + 2 * HOUR
        await opened.all_good()
        opened.now = START + 3 * HOUR
        opened.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
        yield opened


@pytest.fixture
async def meg(house: House) -> Browser:
    return await house.logged_in("meg", Role.MANAGER)


async def downtime(house: House) -> timedelta:
    """What of the first three hours counts as downtime."""
    month = await house.store.read(lambda connection: ledger_of(connection, "portal", house_span(house)))
    return timedelta(microseconds=float(month.contractual.down))


def house_span(house: House) -> Span:
    return Span(START, house.now)


async def waiting(house: House) -> str:
    (id_,) = house.pipeline.situation.proposals
    return id_


def read(page: str) -> str:
    return re.sub(r"\s+", " ", dom.fromstring(page).xpath("string(//main)"))


async def test_what_a_manager_corrects_waits_for_another_one_and_then_counts(house: House, meg: Browser) -> None:
    before = await downtime(house)
    sent = await meg.send("/corrections", TYPED, of="/corrections")
    assert (sent.status, sent.headers["Location"]) == (303, "/corrections")
    assert await downtime(house) == before
    page = await meg.page("/corrections")
    assert "Waiting for a second person" in page
    assert "our <own> link" in read(page)
    assert f"/corrections/{await waiting(house)}/approve" not in page  # hers to take back, another's to approve
    assert "1 correction of availability waits for a second person" in await meg.page("/")
    bob = await house.logged_in("bob", Role.MANAGER)
    agreed = await bob.send(f"/corrections/{await waiting(house)}/approve", of="/corrections")
    assert agreed.status == 303
    assert before - await downtime(house) == HOUR / 2
    page = read(await bob.page("/corrections"))
    assert "approved by bob" in page
    assert "Waiting" not in page
    assert "for a second person" not in await meg.page("/")


async def test_it_is_declined_or_taken_back_with_a_reason(house: House, meg: Browser) -> None:
    await meg.send("/corrections", TYPED, of="/corrections")
    id_ = await waiting(house)
    refused = await meg.send(f"/corrections/{id_}/drop", {"reason": " "}, of="/corrections")
    assert refused.status == 422
    assert "Take it back" in await refused.text()
    sent = await meg.send(f"/corrections/{id_}/drop", {"reason": "the wrong day"}, of="/corrections")
    assert sent.status == 303
    page = read(await meg.page("/corrections"))
    assert "does not count" in page
    assert "meg: the wrong day" in page
    assert house.pipeline.situation.proposals == {}
    again = await meg.send(f"/corrections/{id_}/drop", {"reason": "again"}, of="/corrections")
    assert again.status == 404


async def test_who_made_it_cannot_approve_it_by_hand_either(house: House, meg: Browser) -> None:
    await meg.send("/corrections", TYPED, of="/corrections")
    refused = await meg.send(f"/corrections/{await waiting(house)}/approve", of="/corrections")
    assert refused.status == 422
    assert "Another person" in await refused.text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": ""}, "reason"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-03-02T13:00"}, "not after now"),
        ({"status": "under_maintenance"}, "status"),
        ({"service": "fax"}, "no service"),
    ],
)
async def test_what_makes_no_sense_comes_back_with_what_was_typed(house: House, meg: Browser, change: dict[str, str], words: str) -> None:
    typed = {**TYPED, **change}
    refused = await meg.send("/corrections", typed, of="/corrections")
    page = await refused.text()
    assert refused.status == 422
    assert words in read(page)
    assert dom.fromstring(page).xpath("string(//input[@id='reason']/@value)") == typed["reason"]
    assert dom.fromstring(page).xpath("string(//input[@id='since']/@value)") == typed["since"]
    assert house.pipeline.situation.proposals == {}


async def test_alone_it_counts_at_once(house: House, meg: Browser) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=False)
    before = await downtime(house)
    assert "It counts at once" in await meg.page("/corrections")
    await meg.send("/corrections", TYPED, of="/corrections")
    assert before - await downtime(house) == HOUR / 2


async def test_others_may_read_and_find_no_forms(house: House, meg: Browser) -> None:
    await meg.send("/corrections", TYPED, of="/corrections")
    page = await (await house.logged_in("vera", Role.VIEWER)).page("/corrections")
    assert "our <own> link" in read(page)
    assert dom.fromstring(page).xpath("//main//form") == []
