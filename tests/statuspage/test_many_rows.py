"""Lists and answers ask the store as often for many rows as for few: statements are counted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.statuspage.desks import House, Program, housed
from tests.statuspage.statements import statements


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def opening(phone: Program, first: int, last: int) -> None:
    for number in range(first, last + 1):
        said = {"name": f"Fire {number}", "services": {"email": "major_outage"}, "body": "It burns."}
        assert (await phone.send("/incidents", said)).status == 201


async def asked_for(house: House, phone: Program, path: str) -> tuple[int, int]:
    """How many rows the answer has, and how many statements it took."""
    with statements(house.store._database) as asked:
        told = await (await phone.get(path)).json()
    return len(told.get("items") or told["services"][0]["incidents"]), len(asked)


async def test_a_list_of_incidents_asks_as_often_for_fifty_as_for_five(house: House) -> None:
    phone = await house.program("phone")
    await opening(phone, 1, 50)
    few, many = [await asked_for(house, phone, f"/incidents?limit={limit}") for limit in (5, 50)]
    assert (few[0], many[0]) == (5, 50)
    assert few[1] == many[1] < 12


async def test_triage_asks_as_often_with_many_open_incidents_as_with_few(house: House) -> None:
    phone = await house.program("phone")
    await opening(phone, 1, 2)
    few = await asked_for(house, phone, "/triage?q=email")
    await opening(phone, 3, 20)
    many = await asked_for(house, phone, "/triage?q=email")
    assert (few[0], many[0]) == (2, 20)
    assert few[1] == many[1]
