"""Was this update useful? Two buttons under each update: counted once for each client, for the desk alone."""

from datetime import timedelta
from functools import partial

import pytest
from aiohttp import ClientResponse

from incidents import act, redacting
from incidents.model import Status
from statuspage.mirror.links import led_home
from statuspage.render.finished import finish
from statuspage.store import queries
from statuspage.store.usefulness import Useful, prune_usefulness, useful
from tests.statuspage.test_reporting import Front, front  # noqa: F401 - a fixture


async def opened(at: Front) -> str:
    """An outage that the public knows; gives the incident's id."""
    incident = await at.house.outage()
    await at.house.pass_by(121)
    await at.house.press.issue()
    return incident.id


async def press(at: Front, incident: str, number: int = 1, said: str = "yes", client: str = "203.0.113.7") -> ClientResponse:
    headers = {"X-Forwarded-For": client}
    return await at.browser.post(f"/incidents/{incident}/useful/{number}", data={"useful": said}, headers=headers)


async def counted(at: Front, incident: str) -> list[Useful]:
    return list(await at.house.store.read(lambda connection: useful(connection, incident)))


async def test_each_update_has_its_buttons_and_an_answer_is_thanked_for(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    page = await front.read(f"/incidents/{incident}")
    assert f'action="/incidents/{incident}/useful/1"' in page
    answer = await press(front, incident)
    assert answer.status == 200
    assert "What you say is for our desk alone." in await answer.text()
    assert "Set-Cookie" not in answer.headers
    assert await counted(front, incident) == [Useful(number=1, yes=1, no=0)]


async def test_who_answers_again_is_counted_once_and_as_they_think_now(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    for said in ("yes", "yes", "no"):
        await press(front, incident, said=said)
    await press(front, incident, client="203.0.113.8")
    assert await counted(front, incident) == [Useful(number=1, yes=1, no=1)]


async def test_nothing_of_it_is_public(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    before = {path: one.body for path, one in (await front.house.press.issue()).files.items()}
    await press(front, incident, said="no")
    assert {path: one.body for path, one in (await front.house.press.issue()).files.items()} == before


@pytest.mark.parametrize("path", ["nosuchid0000/useful/1", "{id}/useful/99", "{id}/useful/0", "{id}/useful/x", "{id}/useful/1/2"])
async def test_what_there_is_not_is_the_same_as_what_never_was(front: Front, path: str) -> None:  # noqa: F811
    incident = await opened(front)
    answer = await front.browser.post(f"/incidents/{path.format(id=incident)}", data={"useful": "yes"})
    assert answer.status in {404, 405}
    assert await counted(front, incident) == []


async def test_a_draft_cannot_be_told_from_what_never_was(front: Front) -> None:  # noqa: F811
    house = front.house
    services = {"email": Status.DEGRADED}
    await house.pipeline.act(partial(act.open_incident, by="anna", name="A draft", services=services, body="Not public.", is_draft=True))
    (draft,) = house.pipeline.situation.incidents
    await house.press.issue()
    there, never = await press(front, draft), await press(front, "nosuchid0000")
    assert (there.status, await there.read()) == (never.status, await never.read())
    assert never.status == 404


async def test_removed_words_ask_for_nothing_and_take_nothing(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    said = await front.house.store.read(lambda connection: queries.story(connection, incident))
    assert said is not None
    gone = partial(redacting.redact, incident=incident, said=said.updates[0], by="anna", reason="A name.")
    await front.house.pipeline.act(gone)
    await front.house.press.issue()
    assert f"/incidents/{incident}/useful/1" not in await front.read(f"/incidents/{incident}")
    assert (await press(front, incident)).status == 404


@pytest.mark.parametrize(("said", "status"), [("maybe", 422), ("", 422)])
async def test_it_is_yes_or_no(front: Front, said: str, status: int) -> None:  # noqa: F811
    incident = await opened(front)
    assert (await press(front, incident, said=said)).status == status


async def test_other_sites_cannot_answer_for_their_readers(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    path = f"/incidents/{incident}/useful/1"
    async with front.browser.post(path, data={"useful": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403
    assert await counted(front, incident) == []


async def test_one_client_answers_only_so_often(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    statuses = [(await press(front, incident)).status for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    assert (await press(front, incident, client="203.0.113.9")).status == 200


async def test_a_flood_is_refused_before_anything_is_looked_for(front: Front) -> None:  # noqa: F811
    await opened(front)
    statuses = [(await press(front, "abcdefghijkl")).status for _ in range(31)]
    assert statuses == [404] * 30 + [429], "or each costs a reading of the store"


async def test_answers_are_forgotten_when_their_time_is_over(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    await press(front, incident)
    later = front.house.world.now + timedelta(days=1)
    assert await front.house.store.write(lambda connection: prune_usefulness(connection, later - timedelta(days=2), 10)) == 0
    assert await front.house.store.write(lambda connection: prune_usefulness(connection, later, 10)) == 1
    assert await counted(front, incident) == []


async def test_a_mirror_has_no_buttons(front: Front) -> None:  # noqa: F811
    incident = await opened(front)
    page = finish((await front.read(f"/incidents/{incident}")).encode(), "text/html; charset=utf-8")
    body = led_home(page, f"/incidents/{incident}", set(), "https://status.example.net").body
    assert b"useful" not in body
    assert b"<form" not in body
