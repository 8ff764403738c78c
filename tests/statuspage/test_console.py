"""The console over a real socket: what an agent sees, and what their forms do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.model import State, Status
from incidents.priority import Impact
from probes.result import Failure
from statuspage.formula import compile_formula
from statuspage.store.people import Role
from statuspage.store.reports import Said, report
from tests.statuspage.desks import LEASE, House, housed

WORDS = "Outgoing mail is held in the queue. Receiving works."


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def test_queue_shows_the_service_the_owner_and_the_words_for_a_caller(house: House) -> None:
    incident = await house.outage(detail="connection refused by 10.1.2.3:25")
    page = await (await house.logged_in("anna")).page("/")
    assert "1 open incident" in page
    assert incident.name in page
    assert "<b>Email</b>" in page
    assert "Nobody yet" in page
    assert "Our monitoring has noticed a problem." in page
    assert "connection refused by 10.1.2.3:25" in page


async def test_queue_and_card_say_how_much_an_incident_matters_what_that_comes_from_and_what_is_late(house: House) -> None:
    impact = Impact(customers=1200, cost_of_quality=40, cost_to_resolve=2000)
    house.scale = replace(house.scale, impacts={"email": impact})
    incident = await house.outage()
    house.wait(minutes=7)
    browser = await house.logged_in("anna")
    queue, card = await browser.page("/"), await browser.page(f"/incidents/{incident.id}")
    assert ">P2</b> Investigating" in queue
    assert "Somebody should own it by" in queue
    assert "another hour costs 19,200" in card  # two fifths of the customers, forty each
    assert "mending costs 2,000" in card
    assert "<code>impact.customers</code> 1,200" in card
    assert "<code>affected_share</code> 0.4" in card
    house.wait(minutes=20)
    late = await browser.page(f"/incidents/{incident.id}")
    assert "Somebody should own it by" in late
    assert "late by 12 min" in late


async def test_a_formula_that_cannot_be_worked_out_is_said_on_the_card(house: House) -> None:
    house.scale = replace(house.scale, formula=compile_formula("impact.customers / hours_down"))
    incident = await house.outage()
    house.now = house.now.replace(second=0)
    card = await (await house.logged_in("anna")).page(f"/incidents/{incident.id}")
    assert "The formula does not give a finite number." in card


async def test_a_quiet_queue_says_that_nothing_is_open(house: House) -> None:
    await house.all_good()
    assert "Nothing is open" in await (await house.logged_in("anna")).page("/")


async def test_lost_redundancy_stands_on_the_queue_without_an_incident(house: House) -> None:
    await house.all_good()
    await house.see("webmail-a", Failure.REFUSED)
    page = await (await house.logged_in("anna")).page("/")
    assert "Nothing is open" in page
    assert "Redundancy lost. Email (Webmail): 1 of 2 work, 1 must." in page


async def test_acknowledging_by_form_owns_the_incident_for_the_lease(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    at = house.now
    answer = await anna.send(f"/incidents/{incident.id}/acknowledge", of=f"/incidents/{incident.id}")
    assert answer.status == 303
    assert answer.headers["Location"] == f"/incidents/{incident.id}"
    held = house.incident(incident.id).acknowledgement
    assert held is not None
    assert (held.by, held.at, held.expires_at) == ("anna", at, at + LEASE)
    page = await anna.page(f"/incidents/{incident.id}")
    assert "You hold it until" in page
    assert "Renew for 30 min" in page


async def test_second_agent_is_told_who_came_first_and_when(house: House) -> None:
    incident = await house.outage()
    anna, ben = await house.logged_in("anna"), await house.logged_in("ben")
    await anna.send(f"/incidents/{incident.id}/acknowledge")
    house.wait(minutes=2)
    answer = await ben.send(f"/incidents/{incident.id}/acknowledge", of=f"/incidents/{incident.id}")
    page = await answer.text()
    assert answer.status == 409
    assert "anna has acknowledged this at 08:00:" in page
    assert [(row.actor, "refused" in row.detail) for row in await house.audit("acknowledge")] == [("anna", False), ("ben", True)]


async def test_a_lease_that_ran_out_returns_the_incident_to_the_queue(house: House) -> None:
    incident = await house.outage()
    anna, ben = await house.logged_in("anna"), await house.logged_in("ben")
    await anna.send(f"/incidents/{incident.id}/acknowledge")
    house.wait(minutes=30)
    assert "anna held it until" in await ben.page("/")
    assert (await ben.send(f"/incidents/{incident.id}/acknowledge")).status == 303
    held = house.incident(incident.id).acknowledgement
    assert held is not None
    assert held.by == "ben"


async def test_a_preview_shows_what_customers_will_see_and_publishes_nothing(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    before, audited = house.incident(incident.id), await house.audit()
    typed = {"state": "identified", "body": "A disk is <full>.", "next_in": "60"}
    answer = await anna.send(f"/incidents/{incident.id}/updates/preview", typed)
    told = await answer.text()
    assert answer.status == 200
    shown = told.partition("As customers will see it")[2].partition("</div>")[0]
    for words in (
        "Nothing is published yet.",
        "Identified",
        "A disk is &lt;full&gt;.",
        "Next update by",
        "Sending not working – cause identified",
    ):
        assert words in shown, words
    assert "A disk is &lt;full&gt;.</textarea>" in told
    assert (house.incident(incident.id), await house.audit()) == (before, audited)
    assert "A disk is" not in await anna.page("/")


async def test_a_preview_of_what_cannot_be_said_says_why(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    for typed in ({"state": "identified", "body": "  "}, {"state": "resolved", "body": WORDS}):
        answer = await anna.send(f"/incidents/{incident.id}/updates/preview", typed)
        assert answer.status == 422
        assert "As customers will see it" not in await answer.text()


async def test_a_public_update_carries_state_words_and_the_promise(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    at = house.now
    answer = await anna.send(f"/incidents/{incident.id}/updates", {"state": "identified", "body": WORDS, "next_in": "60"})
    assert answer.status == 303
    assert house.incident(incident.id).state is State.IDENTIFIED
    queue = await anna.page("/")
    assert WORDS in queue
    assert "Next update promised by" in queue
    house.wait(minutes=49)
    assert "due soon" not in await anna.page("/")
    house.wait(minutes=1)
    assert "The promised update is due soon" in await anna.page("/")
    house.wait(minutes=10)
    assert "The promised update is late" in await anna.page("/")
    assert house.now - at == timedelta(hours=1)


async def test_a_card_shows_the_known_errors_of_the_services_it_hits_and_of_no_other(house: House) -> None:
    incident = await house.outage()
    card = await (await house.logged_in("anna")).page(f"/incidents/{incident.id}")
    assert "Mail comes back with &lt;mailbox full&gt;" in card
    assert "Empty the Trash folder." in card
    assert "<q>Here is how to make room.</q>" in card
    assert "Zäh" not in card


async def test_what_customers_report_stands_on_the_queue_and_on_the_card_of_what_they_saw_first(house: House) -> None:
    await house.all_good()
    said = Said(symptom="Sending", words="<i>bounced</i>", language="en")
    for client in ("one", "two"):
        await house.store.write(
            lambda connection, client=client: report(connection, "email", said, client=client, contact=None, at=house.now)  # type: ignore[misc]
        )
    anna = await house.logged_in("anna")
    queue = await anna.page("/")
    assert "What customers report, in the last hour" in queue
    assert "<b>Email</b>: 2 reports" in queue
    assert "Sending (2)" in queue
    assert "<q>&lt;i&gt;bounced&lt;/i&gt;</q>" in queue
    incident = await house.outage()
    assert "<b>Email</b>: 2 reports" in await anna.page(f"/incidents/{incident.id}")
    house.wait(hours=2)
    assert "What customers report" not in await anna.page("/")


async def test_a_note_stays_inside_and_stands_on_the_timeline(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    await anna.send(f"/incidents/{incident.id}/notes", {"body": "Rack 4 lost power.\r\nElectrician called."})
    page = await anna.page(f"/incidents/{incident.id}")
    assert "Rack 4 lost power.<br>Electrician called." in page
    story = house.incident(incident.id)
    assert (story.notes, story.updates) == (1, incident.updates)


async def test_resolving_while_probes_fail_asks_for_a_reason_and_keeps_what_was_typed(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    path = f"/incidents/{incident.id}"
    refused = await anna.send(f"{path}/resolve", {"body": "It works again for everyone.", "cause": "disk"})
    page = await refused.text()
    assert refused.status == 409
    assert "Probes still fail" in page
    assert "It works again for everyone." in page
    assert "<option selected>disk</option>" in page
    assert 'name="override"' in page
    done = await anna.send(f"{path}/resolve", {"body": "It works.", "cause": "disk", "override": "The probe's mailbox is full."})
    assert done.status == 303
    assert not house.pipeline.situation.incidents
    closed = await anna.page(path)
    assert "Cause: disk; Probes still failed: The probe&#39;s mailbox is full." in closed
    assert "Resolved by hand while it was failing" in await anna.page("/")


async def test_resolving_after_recovery_needs_no_reason(house: House) -> None:
    incident = await house.outage()
    await house.see("outgoing", None)
    anna = await house.logged_in("anna")
    assert (await anna.send(f"/incidents/{incident.id}/resolve", {"body": "All is well."})).status == 303
    page = await anna.page("/")
    assert "Nothing is open" in page
    assert "Recently closed" in page


async def test_acting_on_a_closed_incident_says_when_it_was_resolved(house: House) -> None:
    incident = await house.outage()
    await house.see("outgoing", None)
    anna = await house.logged_in("anna")
    await anna.send(f"/incidents/{incident.id}/resolve", {"body": "All is well."})
    answer = await anna.send(f"/incidents/{incident.id}/acknowledge")
    assert answer.status == 409
    assert "This incident was resolved at 08:00 UTC on 02 Mar 2026." in await answer.text()


async def test_an_incident_opened_by_hand_is_on_the_queue(house: House) -> None:
    await house.all_good()
    anna = await house.logged_in("anna")
    fields = {"name": "Portal shows old invoices", "service:portal": "degraded_performance", "service:email": "", "body": "We know."}
    answer = await anna.send("/open", fields, of="/open")
    assert answer.status == 303
    (incident,) = house.pipeline.situation.incidents.values()
    assert answer.headers["Location"] == f"/incidents/{incident.id}"
    assert dict(incident.services) == {"portal": Status.DEGRADED}
    assert "Portal shows old invoices" in await anna.page("/")


async def test_an_incident_without_a_service_is_refused_and_nothing_typed_is_lost(house: House) -> None:
    anna = await house.logged_in("anna")
    answer = await anna.send("/open", {"name": "Odd noises", "body": "We listen."}, of="/open")
    page = await answer.text()
    assert answer.status == 422
    assert 'value="Odd noises"' in page
    assert "We listen." in page
    assert not house.pipeline.situation.incidents


async def test_hostile_text_from_a_probed_server_is_shown_escaped(house: House) -> None:
    payload = "<script>alert(1)</script>\x00\u202e"
    incident = await house.outage(detail=payload)
    anna = await house.logged_in("anna")
    for path in ("/", f"/incidents/{incident.id}"):
        page = await anna.page(path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "\u202e" not in page
        assert "Customer <b>portal" not in page


async def test_the_live_part_is_sent_again_only_where_it_changed(house: House) -> None:
    await house.all_good()
    anna = await house.logged_in("anna")
    first = await anna.get("/live")
    version = first.headers["ETag"]
    assert (await anna.get("/live", **{"If-None-Match": version})).status == 304
    await house.see("outgoing", Failure.REFUSED)
    changed = await anna.get("/live", **{"If-None-Match": version})
    assert changed.status == 200
    assert "1 open incident" in await changed.text()


async def test_a_viewer_sees_everything_and_finds_no_form_to_act(house: House) -> None:
    incident = await house.outage()
    vera = await house.logged_in("vera", Role.VIEWER)
    page = await vera.page(f"/incidents/{incident.id}")
    assert incident.name in page
    assert "Publish" not in page
    assert (await vera.send(f"/incidents/{incident.id}/acknowledge")).status == 403
    assert house.incident(incident.id).acknowledgement is None


async def test_an_unknown_incident_is_a_page_that_says_so(house: House) -> None:
    answer = await (await house.logged_in("anna")).get("/incidents/nosuch")
    assert answer.status == 404
    assert "There is no incident with this id." in await answer.text()


async def test_the_card_of_what_is_over_holds_nothing_back_any_more(house: House) -> None:
    incident, anna = await house.outage(), await house.logged_in("anna")
    await anna.send(f"/incidents/{incident.id}/updates", {"body": "We are on it."}, of=f"/incidents/{incident.id}")
    assert "held back until" in await anna.page(f"/incidents/{incident.id}")
    for _ in range(2):
        await house.see("outgoing", None)
    ended = await anna.send(f"/incidents/{incident.id}/resolve", {"body": "It works."}, of=f"/incidents/{incident.id}")
    assert ended.status == 303, await ended.text()
    card = await anna.page(f"/incidents/{incident.id}")
    assert "held back until" not in card
    assert "told to nobody: it was over before" in card
