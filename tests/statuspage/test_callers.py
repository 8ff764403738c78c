"""Customers who call: taken down by a key or a request, counted, gathered by what explains them, and never published."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from probes.result import Failure
from statuspage.store import callers
from statuspage.store.acts import kept_answer
from statuspage.store.callers import Call
from statuspage.store.people import Role
from tests.statuspage.desks import House, Program, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def phone(house: House) -> Program:
    return await house.program("phone")


async def call(phone: Program, **said: str) -> int:
    answer = await phone.send("/callers", said or {"service": "email"})
    return answer.status


async def test_a_call_is_kept_with_who_took_it_down_and_stands_in_the_audit(house: House, phone: Program) -> None:
    await house.all_good()
    answer = await phone.send("/callers", {"service": "email", "symptom": "  my mail\n bounces ", "ticket": "T-17"})
    told = await answer.json()
    assert answer.status == 201
    assert told == {
        "id": 1,
        "at": house.now.isoformat().replace("+00:00", "Z"),
        "by": "phone",
        "service": "email",
        "symptom": "my mail bounces",
        "ticket": "T-17",
        "incident": None,
    }
    assert [(row.actor, row.subject) for row in await house.audit("log caller")] == [("phone", "email")]
    assert (await (await phone.get("/callers")).json())["items"] == [told]


async def test_a_request_that_is_repeated_with_its_key_counts_once(house: House, phone: Program) -> None:
    for _ in range(4):
        answer = await phone.send("/callers", {"service": "email"}, Idempotency_Key="call-1")
        assert answer.status == 201
    assert len((await (await phone.get("/callers")).json())["items"]) == 1
    assert not house.pipeline.situation.incidents


async def test_three_callers_whom_nothing_explains_open_a_draft_that_only_the_desk_sees(house: House, phone: Program) -> None:
    await house.all_good()
    for _ in range(2):
        await call(phone)
    assert not house.pipeline.situation.incidents
    await call(phone)
    (incident,) = house.pipeline.situation.incidents.values()
    assert (incident.name, incident.published_at, incident.publish_at) == ("Problem with Email", None, None)
    page = await (await house.logged_in("anna")).page(f"/incidents/{incident.id}")
    assert "3 customers called within 30 minutes" in page
    assert "Callers (3)" in page
    await call(phone)
    assert len(house.pipeline.situation.incidents) == 1


async def test_callers_of_too_long_ago_and_of_other_services_open_nothing(house: House, phone: Program) -> None:
    await house.all_good()
    await call(phone)
    await call(phone)
    house.wait(minutes=31)
    await call(phone)
    await call(phone, service="portal")
    await call(phone, service="portal")
    assert not house.pipeline.situation.incidents


async def test_an_incident_gathers_those_who_called_before_it_and_they_raise_its_score(house: House, phone: Program) -> None:
    await house.all_good()
    await call(phone, service="email", ticket="T-1", symptom="cannot send")
    await house.see("outgoing", Failure.REFUSED)
    (incident,) = house.pipeline.situation.incidents.values()
    before = (await (await phone.get(f"/incidents/{incident.id}")).json())["priority"]["score"]
    await call(phone, incident=incident.id, ticket="T-2")
    await call(phone, service="portal")
    told = (await (await phone.get(f"/incidents/{incident.id}")).json())["priority"]
    assert told["terms"][0]["inputs"]["callers"] == 2
    assert told["score"] > before
    browser = await house.logged_in("anna")
    card = await browser.page(f"/incidents/{incident.id}")
    assert "Callers (2)" in card
    assert "Call them back: they were right, and we are on it." in card
    assert "T-1" in card
    assert "<q>cannot send</q>" in card
    assert "<dt>Callers</dt><dd>2</dd>" in await browser.page("/")


async def test_one_click_on_queue_or_card_is_one_more_caller(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("anna")
    for where, back in (("queue", "/"), ("card", f"/incidents/{incident.id}")):
        answer = await browser.send("/callers", {"incident": incident.id, "on": where}, of=back)
        assert (answer.status, answer.headers["Location"]) == (303, back)
    assert "Callers (2)" in await browser.page(f"/incidents/{incident.id}")


async def test_a_card_tells_nobody_that_it_works_again_while_it_goes_on_in_another_incident(house: House, phone: Program) -> None:
    mail = await house.outage()
    await house.see("portal-web", Failure.REFUSED)
    (web,) = (one for one in house.pipeline.situation.incidents if one != mail.id)
    await call(phone, incident=web, ticket="T-9")
    await (await house.program("pager", Role.LEVEL_TWO)).send(f"/incidents/{web}/merge", {"into": mail.id})
    browser = await house.logged_in("anna")
    card = await browser.page(f"/incidents/{web}")
    assert "it works again" not in card
    assert (
        f'It <a href="/incidents/{mail.id}">goes on elsewhere</a>: whoever called about it is called back from there, once it is over.'
        in card
    )
    assert "T-9" not in card
    assert "T-9" in await browser.page(f"/incidents/{mail.id}")


async def test_who_called_about_what_was_merged_counts_where_it_goes_on_and_goes_along_when_it_is_split_off(
    house: House, phone: Program
) -> None:
    mail = await house.outage()
    await house.see("portal-web", Failure.REFUSED)
    (web,) = (one for one in house.pipeline.situation.incidents if one != mail.id)
    await call(phone, incident=mail.id)
    await call(phone, incident=web)
    pager = await house.program("pager", Role.LEVEL_TWO)

    async def callers_of(id: str) -> int:
        shown = await (await phone.get(f"/incidents/{id}")).json()
        return int(shown["priority"]["terms"][0]["inputs"]["callers"])

    await pager.send(f"/incidents/{web}/merge", {"into": mail.id})
    assert await callers_of(mail.id) == 2
    body = {"name": "Portal by itself", "body": "It has another cause.", "components": ["portal-web"]}
    alone = (await (await pager.send(f"/incidents/{mail.id}/split", body)).json())["id"]
    assert (await callers_of(mail.id), await callers_of(alone)) == (1, 1)


async def test_when_it_is_over_the_card_says_whom_to_call_back(house: House, phone: Program) -> None:
    incident = await house.outage()
    await call(phone, incident=incident.id, ticket="T-9")
    await house.see("outgoing", None)
    await phone.send(f"/incidents/{incident.id}/resolve", {"body": "It works."})
    card = await (await house.logged_in("anna")).page(f"/incidents/{incident.id}")
    assert "It is over: call them back, it works again." in card
    assert "T-9" in card
    assert "+1 caller" not in card


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        ({}, 422, "Name the service, or an incident that hits one."),
        ({"service": "fax"}, 422, "There is no service 'fax'."),
        ({"incident": "nosuchid0000"}, 404, "There is no open incident with this id; it may have been resolved meanwhile."),
        ({"service": "email", "name": "Ms Example"}, 422, "name: unknown key; remove it"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_mend(phone: Program, said: dict[str, str], status: int, detail: str) -> None:
    answer = await phone.send("/callers", said)
    assert answer.status == status
    assert (await answer.json(content_type=None))["detail"] == detail


async def test_callers_of_a_ticket_are_forgotten_for_level_two(house: House, phone: Program) -> None:
    await call(phone, service="email", ticket="T-1")
    await call(phone, service="email", ticket="T-2")
    second = await house.program("second", Role.LEVEL_TWO)
    assert (await phone.delete("/callers/tickets/T-1")).status == 403
    assert await (await second.delete("/callers/tickets/T-1")).json() == {"ticket": "T-1", "erased": 1}
    assert (await second.delete("/callers/tickets/T-1")).status == 404
    assert [one["ticket"] for one in (await (await phone.get("/callers", service="email")).json())["items"]] == ["T-2"]
    assert [row.subject for row in await house.audit("erase callers")] == [""]


async def test_of_an_erased_caller_no_answer_is_kept_that_a_repeated_request_would_get(house: House, phone: Program) -> None:
    said = {"service": "email", "ticket": "T-1", "symptom": "The mail of T-1"}
    answer = await phone.send("/callers", said, Idempotency_Key="once")
    assert "Location" not in answer.headers
    second = await house.program("second", Role.LEVEL_TWO)
    await second.delete("/callers/tickets/T-1")
    kept = await house.store.read(lambda connection: kept_answer(connection, actor="phone", key="once"))
    assert kept is None


async def test_callers_whom_an_incident_explained_open_no_other_one_when_it_is_over(house: House, phone: Program) -> None:
    incident = await house.outage()
    for _ in range(3):
        await call(phone)
    await house.see("outgoing", None)
    await phone.send(f"/incidents/{incident.id}/resolve", {"body": "It works."})
    house.wait(minutes=1)
    await call(phone)
    assert not [one for one in house.pipeline.situation.incidents.values() if one.is_open]
    await call(phone)
    await call(phone)
    assert len([one for one in house.pipeline.situation.incidents.values() if one.is_open]) == 1


async def test_callers_are_forgotten_when_their_time_is_over(house: House) -> None:
    def write(at: timedelta) -> None:
        house.wait(seconds=at.total_seconds())

    for _ in range(3):
        await house.store.write(lambda connection: callers.log_caller(connection, Call(service="email"), by="anna", at=house.now))
        write(timedelta(days=1))
    gone = await house.store.write(lambda connection: callers.prune_callers(connection, house.now - timedelta(days=1, seconds=1), 100))
    assert gone == 2


async def test_the_threshold_is_the_configuration_s(house: House, phone: Program) -> None:
    await house.all_good()
    house.calling = replace(house.calling, threshold=1)
    await call(phone)
    assert len(house.pipeline.situation.incidents) == 1
