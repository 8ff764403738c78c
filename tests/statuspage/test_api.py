"""The API for programs over a real socket: fixed bodies, strict input, one answer for a request that is repeated."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from openapi_spec_validator import OpenAPIV31SpecValidator

from incidents.impairment import Hindrance
from incidents.model import State, Status
from incidents.priority import Impact
from incidents.sight import absence
from statuspage.store import acts, queries
from statuspage.store.acts import ANSWERS_LAST
from statuspage.store.errors import StoreUnavailable
from statuspage.store.people import Role
from statuspage.store.reports import Said, report
from statuspage.web import desk
from tests.statuspage.desks import LEASE, House, Program, housed

OPEN = {"name": "Portal shows old invoices", "services": {"portal": "degraded_performance"}, "body": "We know and are on it."}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def pager(house: House) -> Program:
    return await house.program("pager")


async def problem(answer: ClientResponse, status: int) -> dict[str, Any]:
    """What a refusal says, after making sure that it is one in the right spelling."""
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    told = await answer.json(content_type=None)
    assert told["status"] == status
    assert told["type"] == "about:blank"
    assert told["title"]
    assert told["detail"]
    found: dict[str, Any] = told
    return found


async def opened(pager: Program, **more: str) -> str:
    answer = await pager.send("/incidents", {**OPEN, **more})
    assert answer.status == 201, await answer.text()
    return str((await answer.json())["id"])


async def test_opening_an_incident_gives_201_and_where_it_is(house: House, pager: Program) -> None:
    answer = await pager.send("/incidents", OPEN)
    told = await answer.json()
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/incidents/{told['id']}"
    assert told["services"] == {"portal": "degraded_performance"}
    assert told["state"] == "investigating"
    assert [update["body"] for update in told["updates"]] == ["We know and are on it."]
    assert house.incident(told["id"]).name == OPEN["name"]


async def test_acknowledging_names_holder_time_and_end(house: House, pager: Program) -> None:
    incident = await opened(pager)
    at = house.now
    answer = await pager.send(f"/incidents/{incident}/acknowledge")
    told = await answer.json()
    assert answer.status == 200
    assert told["acknowledged_by"] == "pager"
    assert told["acknowledged_at"] == at.isoformat().replace("+00:00", "Z")
    assert told["acknowledgement_expires_at"] == (at + LEASE).isoformat().replace("+00:00", "Z")


async def test_acknowledging_again_renews_the_lease(house: House, pager: Program) -> None:
    incident = await opened(pager)
    await pager.send(f"/incidents/{incident}/acknowledge")
    house.wait(minutes=10)
    answer = await pager.send(f"/incidents/{incident}/acknowledge")
    assert answer.status == 200
    held = house.incident(incident).acknowledgement
    assert held is not None
    assert held.expires_at == house.now + LEASE


async def test_acknowledging_what_somebody_holds_names_them(house: House, pager: Program) -> None:
    incident = await opened(pager)
    at = house.now
    await pager.send(f"/incidents/{incident}/acknowledge")
    house.wait(minutes=1)
    told = await problem(await (await house.program("phone")).send(f"/incidents/{incident}/acknowledge"), 409)
    assert told["acknowledged_by"] == "pager"
    assert told["acknowledged_at"] == at.isoformat()
    assert told["acknowledgement_expires_at"] == (at + LEASE).isoformat()
    assert "pager" in told["detail"]


async def test_of_many_who_acknowledge_at_once_one_wins_and_all_are_in_the_audit(house: House, pager: Program) -> None:
    incident = await opened(pager)
    programs = [await house.program(f"p{number}") for number in range(12)]
    answers = await asyncio.gather(*(one.send(f"/incidents/{incident}/acknowledge") for one in programs))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] + [409] * 11
    held = house.incident(incident).acknowledgement
    assert held is not None
    for answer in answers:
        assert (await answer.json(content_type=None))["acknowledged_by"] == held.by
    rows = await house.audit("acknowledge")
    assert {row.actor for row in rows} == {f"p{number}" for number in range(12)}
    assert [row.actor for row in rows if "refused" not in row.detail] == [held.by]
    assert {row.subject for row in rows} == {incident}


async def test_an_incident_is_given_with_its_priority_term_by_term(house: House, pager: Program) -> None:
    house.scale = replace(house.scale, impacts={"email": Impact(customers=1200, cost_of_quality=40, cost_to_resolve=2000)})
    incident = await house.outage()
    house.wait(hours=1)
    told = (await (await pager.get(f"/incidents/{incident.id}")).json())["priority"]
    (term,) = told["terms"]
    assert told["level"] == "P2"
    assert told["score"] == term["score"] == pytest.approx(1200 * 0.4 * 40 * (term["inputs"]["hours_down"] + 1))
    assert (told["waiting"], told["mending"]) == (19_200, 2_000)
    assert [clock["asks"] for clock in told["clocks"]] == ["owner", "update", "end"]


async def test_an_update_gives_201_with_its_number_and_promise(house: House, pager: Program) -> None:
    incident = await opened(pager)
    body = {"state": "identified", "body": "A disk is full.", "next_update_by": "2026-03-02T12:00:00+01:00"}
    answer = await pager.send(f"/incidents/{incident}/updates", body)
    told = await answer.json()
    assert answer.status == 201
    assert (told["number"], told["state"], told["body"], told["by"]) == (2, "identified", "A disk is full.", "pager")
    assert told["next_update_by"] == "2026-03-02T11:00:00Z"
    assert house.incident(incident).state is State.IDENTIFIED


async def test_a_note_gives_201_and_stays_inside(pager: Program) -> None:
    incident = await opened(pager)
    answer = await pager.send(f"/incidents/{incident}/notes", {"body": "Ask Ben."})
    assert answer.status == 201
    assert (await answer.json())["by"] == "pager"
    assert "Ask Ben." not in await (await pager.get(f"/incidents/{incident}")).text()


async def test_what_we_could_not_see_is_listed_page_by_page(house: House, pager: Program) -> None:
    for number in range(3):
        said = {"location": "local", "reason": Hindrance.ABSENT, "since": house.now, "detail": f"stood still {number}"}
        await house.pipeline.act(lambda situation, now, said=said: absence(situation, now, until=now, **said))  # type: ignore[misc]
        house.wait(seconds=60)
    first = await (await pager.get("/impairments", limit="2")).json()
    assert [one["detail"] for one in first["items"]] == ["stood still 2", "stood still 1"]
    assert first["items"][0]["reason"] == "absent"
    rest = await (await pager.get("/impairments", limit="2", cursor=first["next"])).json()
    assert ([one["detail"] for one in rest["items"]], rest["next"]) == (["stood still 0"], None)


async def test_resolving_ends_the_incident_and_keeps_the_cause(house: House, pager: Program) -> None:
    incident = await opened(pager)
    answer = await pager.send(f"/incidents/{incident}/resolve", {"body": "Fixed.", "cause": "supplier"})
    told = await answer.json()
    assert answer.status == 200
    assert (told["state"], told["cause"], told["resolved_at"] is not None) == ("resolved", "supplier", True)
    assert incident not in house.pipeline.situation.incidents


async def test_resolving_while_probes_fail_needs_an_override_with_its_reason(house: House, pager: Program) -> None:
    incident = (await house.outage()).id
    told = await problem(await pager.send(f"/incidents/{incident}/resolve", {"body": "Fixed."}), 409)
    assert "Probes still fail" in told["detail"]
    await problem(await pager.send(f"/incidents/{incident}/resolve", {"body": "Fixed.", "override": {"reason": " "}}), 422)
    answer = await pager.send(f"/incidents/{incident}/resolve", {"body": "Fixed.", "override": {"reason": "the probe is wrong"}})
    assert answer.status == 200


async def test_acting_on_a_closed_incident_is_a_conflict_and_on_an_unknown_one_is_404(pager: Program) -> None:
    incident = await opened(pager)
    await pager.send(f"/incidents/{incident}/resolve", {"body": "Fixed."})
    told = await problem(await pager.send(f"/incidents/{incident}/acknowledge"), 409)
    assert "resolved_at" in told
    await problem(await pager.send("/incidents/nosuchid0000/acknowledge"), 404)
    await problem(await pager.get("/incidents/nosuchid0000"), 404)


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/incidents", {**OPEN, "colour": "red"}, "colour"),
        ("/incidents", {**OPEN, "services": {}}, "services"),
        ("/incidents", {**OPEN, "services": {"portal": "operational"}}, "services.portal"),
        ("/incidents", {**OPEN, "body": "   "}, "body"),
        ("/incidents", {**OPEN, "body": 7}, "body"),
        ("/incidents", {**OPEN, "name": "x" * 201}, "name"),
        ("/incidents", {**OPEN, "body": "x" * 20_001}, "body"),
        ("/incidents", {"name": "x"}, "services"),
        ("/incidents/x/acknowledge", {"by": "somebody else"}, "by"),
        ("/incidents/x/updates", {"body": "x", "state": "resolved"}, "state"),
        ("/incidents/x/updates", {"body": "x", "next_update_by": "2026-03-02T12:00:00"}, "next_update_by"),
        ("/incidents/x/resolve", {"body": "x", "override": {"reason": "y", "by": "z"}}, "override.by"),
    ],
)
async def test_what_does_not_fit_is_refused_and_named(house: House, pager: Program, path: str, body: object, names: str) -> None:
    told = await problem(await pager.send(path, body), 422)
    assert names in {error["path"] for error in told["errors"]}
    assert not house.pipeline.situation.incidents


async def test_an_unknown_service_and_a_promise_in_the_past_are_refused(pager: Program) -> None:
    await problem(await pager.send("/incidents", {**OPEN, "services": {"fax": "major_outage"}}), 422)
    incident = await opened(pager)
    await problem(await pager.send(f"/incidents/{incident}/updates", {"body": "x", "next_update_by": "2020-01-01T00:00:00Z"}), 422)


@pytest.mark.parametrize("raw", ["{", "[" * 100_000, '{"name": "\\ud800"}', "\xff", "nonsense"])
async def test_what_is_no_json_is_refused(pager: Program, raw: str) -> None:
    await problem(await _sent_raw(pager, raw), 400)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999999", "-0"])
async def test_numbers_that_are_none_are_refused_like_any_other_misfit(pager: Program, number: str) -> None:
    await problem(await _sent_raw(pager, f'{{"name": {number}, "services": {{"portal": "major_outage"}}, "body": "x"}}'), 422)


async def _sent_raw(pager: Program, raw: str) -> ClientResponse:
    sent = io.BytesIO(raw.encode("latin-1"))
    return await pager.session.post("/api/v1/incidents", data=sent, headers={"Content-Type": "application/json"})


async def test_other_media_types_and_large_bodies_are_refused(pager: Program) -> None:
    await problem(await pager.session.post("/api/v1/incidents", data={"name": "x"}), 415)
    large = json.dumps({**OPEN, "body": "x" * 1024 * 1024})
    await problem(await _sent_raw(pager, large), 413)


async def test_unknown_addresses_and_methods_are_problems_too(pager: Program) -> None:
    await problem(await pager.get("/nothing"), 404)
    answer = await pager.session.delete("/api/v1/incidents")
    await problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_text_is_cleaned_where_it_enters(house: House, pager: Program) -> None:
    incident = await opened(pager, name="Mail\r\nX-Evil: 1\x00\u202e down", body="Cafe\u0301\r\nline two\x07")
    assert house.incident(incident).name == "Mail X-Evil: 1 down"
    told = await (await pager.get(f"/incidents/{incident}")).json()
    assert told["updates"][0]["body"] == "Café\nline two"


# --- lists ----------------------------------------------------------------------------------------------------------------------


async def test_pages_of_a_list_hold_every_incident_once_newest_first(house: House, pager: Program) -> None:
    made = []
    for number in range(5):
        made.append(await opened(pager, name=f"Number {number}"))
        house.wait(seconds=1 if number % 2 else 0)
    found, cursor = [], None
    while True:
        page = await (await pager.get("/incidents", limit="2", **({"cursor": cursor} if cursor else {}))).json()
        found += [(incident["opened_at"], incident["id"]) for incident in page["items"]]
        assert len(page["items"]) <= 2
        if (cursor := page["next"]) is None:
            break
    assert found == sorted(found, reverse=True)
    assert {id_ for _, id_ in found} == set(made)
    assert len(found) == 5


async def test_open_picks_open_or_closed_incidents(pager: Program) -> None:
    first, second = await opened(pager, name="First"), await opened(pager, name="Second")
    await pager.send(f"/incidents/{first}/resolve", {"body": "Fixed."})
    ids = {
        wanted: [incident["id"] for incident in (await (await pager.get("/incidents", open=wanted)).json())["items"]]
        for wanted in ("true", "false")
    }
    assert ids == {"true": [second], "false": [first]}


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "!"}, {"cursor": "YWJj"}, {"open": "maybe"}]
)
async def test_bounds_of_a_list_are_held(pager: Program, query: dict[str, str]) -> None:
    await problem(await pager.get("/incidents", **query), 422)


async def test_known_errors_are_listed_all_or_those_of_a_service(pager: Program) -> None:
    full = {
        "id": "full-mailbox",
        "services": ["email"],
        "symptom": "Mail comes back with <mailbox full>",
        "workaround": "Empty the Trash folder.",
        "say": "Here is how to make room.",
    }
    slow = {"id": "slow-login", "services": ["portal"], "symptom": "Zäh", "workaround": "Wait.", "say": ""}
    assert await (await pager.get("/known-errors")).json() == {"items": [full, slow], "next": None}
    assert await (await pager.get("/known-errors?service=portal")).json() == {"items": [slow], "next": None}
    assert (await pager.get("/known-errors?service=nothing")).status == 404


async def test_reports_are_listed_page_by_page_without_an_address(house: House, pager: Program) -> None:
    for number in range(3):
        said = Said(symptom="", words=f"word {number}", language="en")
        await house.store.write(
            lambda connection, said=said, number=number: report(  # type: ignore[misc]
                connection, "email", said, client=str(number), contact="anna@example.org", at=house.now
            )
        )
    first = await (await pager.get("/reports?limit=2")).json()
    assert [row["words"] for row in first["items"]] == ["word 2", "word 1"]
    assert [row["has_contact"] for row in first["items"]] == [True, True]
    rest = await (await pager.get(f"/reports?limit=2&cursor={first['next']}")).json()
    assert ([row["words"] for row in rest["items"]], rest["next"]) == (["word 0"], None)
    assert "anna" not in str(first)
    assert (await (await pager.get("/reports?service=portal")).json())["items"] == []


async def test_services_are_listed_with_the_incidents_that_hit_them(house: House, pager: Program) -> None:
    incident = await house.outage()
    told = await (await pager.get("/services")).json()
    assert [(row["id"], row["status"], row["incidents"]) for row in told["items"]] == [
        ("email", Status.PARTIAL, [incident.id]),
        ("portal", Status.OPERATIONAL, []),
    ]


async def test_a_manager_reads_the_whole_audit_and_level_two_their_own_part(house: House, pager: Program) -> None:
    incident = await opened(pager)
    boss, second = await house.program("boss", Role.MANAGER), await house.program("second", Role.LEVEL_TWO)
    await second.send(f"/incidents/{incident}/acknowledge")
    whole = (await (await boss.get("/audit")).json())["items"]
    own = (await (await second.get("/audit")).json())["items"]
    assert {row["actor"] for row in whole} == {"command line", "pager", "second"}
    assert [(row["actor"], row["act"], row["subject"]) for row in own] == [("second", "acknowledge", incident)]
    first = await (await boss.get("/audit", limit="1")).json()
    following = await (await boss.get("/audit", limit="1", cursor=first["next"])).json()
    assert [first["items"][0], following["items"][0]] == whole[:2]


# --- the same request again -----------------------------------------------------------------------------------------------------


async def test_a_repeated_request_gets_the_first_answer_and_is_done_once(house: House, pager: Program) -> None:
    first = await pager.send("/incidents", OPEN, Idempotency_Key="k1")
    again = await pager.send("/incidents", OPEN, Idempotency_Key="k1")
    assert (first.status, await first.text(), first.headers["Location"]) == (again.status, await again.text(), again.headers["Location"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(house.pipeline.situation.incidents) == 1
    assert len(await house.audit("open")) == 1


async def test_repeating_at_the_same_moment_is_done_once_too(house: House, pager: Program) -> None:
    incident = await opened(pager)
    said = {"body": "Once is enough."}
    answers = await asyncio.gather(*(pager.send(f"/incidents/{incident}/updates", said, Idempotency_Key="k") for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({await answer.text() for answer in answers}) == 1
    assert house.incident(incident).updates == 2


async def test_a_key_used_for_another_request_is_refused(house: House, pager: Program) -> None:
    await pager.send("/incidents", OPEN, Idempotency_Key="k1")
    await problem(await pager.send("/incidents", {**OPEN, "name": "Other"}, Idempotency_Key="k1"), 422)
    await problem(await pager.send("/incidents/x/notes", {"body": "x"}, Idempotency_Key="k1"), 422)
    assert len(house.pipeline.situation.incidents) == 1


async def test_a_key_belongs_to_its_caller_and_is_forgotten_after_a_day(house: House, pager: Program) -> None:
    await pager.send("/incidents", OPEN, Idempotency_Key="k1")
    house.wait(seconds=1)
    assert (await (await house.program("other")).send("/incidents", OPEN, Idempotency_Key="k1")).status == 201
    house.now += ANSWERS_LAST
    await pager.send("/incidents", {**OPEN, "name": "Later"}, Idempotency_Key="k2")
    assert await house.store.read(lambda connection: acts.kept_answer(connection, actor="pager", key="k1")) is None


async def test_a_refused_request_may_be_tried_again_with_its_key(house: House, pager: Program) -> None:
    incident = (await house.outage()).id
    said = {"body": "Fixed."}
    await problem(await pager.send(f"/incidents/{incident}/resolve", said, Idempotency_Key="k"), 409)
    await house.see("outgoing", None)
    assert (await pager.send(f"/incidents/{incident}/resolve", said, Idempotency_Key="k")).status == 200


@pytest.mark.parametrize("key", ["x" * 256, " \t"])
async def test_a_key_that_is_none_is_refused(pager: Program, key: str) -> None:
    await problem(await pager.send("/incidents", OPEN, Idempotency_Key=key), 422)


# --- the description ------------------------------------------------------------------------------------------------------------


async def test_the_description_is_valid_openapi_and_knows_every_address(house: House, pager: Program) -> None:
    described = await (await pager.get("/openapi.json")).json()
    OpenAPIV31SpecValidator(described).validate()
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in house.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/v1/") and route.method != "HEAD"
    }
    assert served == {(method, path) for path, methods in described["paths"].items() for method in methods}


async def test_answers_have_the_fields_that_the_description_promises(pager: Program) -> None:
    described = await (await pager.get("/openapi.json")).json()
    incident = await (await pager.get(f"/incidents/{await opened(pager)}")).json()
    promised = described["components"]["schemas"]["IncidentShown"]
    assert set(incident) == set(promised["properties"]) == set(promised["required"])


async def test_an_act_whose_audit_cannot_be_written_is_not_done(house: House, pager: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = await opened(pager)

    def broken(*_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(desk, "write_audit", broken)
    await problem(await pager.send(f"/incidents/{incident}/acknowledge"), 503)
    monkeypatch.undo()
    assert house.incident(incident).acknowledgement is None
    known = house.pipeline.situation.topology
    stored = await house.store.read(lambda connection: queries.situation(connection, known))
    assert stored.incidents[incident].acknowledgement is None


async def test_a_draft_is_seen_at_the_desk_only_until_its_first_update(pager: Program) -> None:
    body = {"name": "Calls", "services": {"email": "major_outage"}, "body": "Three calls.", "draft": True}
    answer = await pager.send("/incidents", body)
    assert answer.status == 201
    made = await answer.json()
    assert (made["published_at"], made["updates"]) == (None, [])
    said = await pager.send(f"/incidents/{made['id']}/updates", {"body": "Sending fails for some."})
    assert said.status == 201
    shown = await (await pager.get(f"/incidents/{made['id']}")).json()
    assert shown["published_at"] is not None
