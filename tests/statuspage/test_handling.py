"""The review gate, weights, words for callers and tickets: by the card's forms and by the API, over a real socket with a real store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from incidents.model import Incident
from incidents.priority import ORDINARY_LEVELS, Impact, Scale, ordinary
from probes.result import Failure
from statuspage.config.charters import Charter
from tests.statuspage.desks import TOPOLOGY, House, housed

HELD = replace(TOPOLOGY, services={id_: replace(one, publish_after=timedelta(minutes=10)) for id_, one in TOPOLOGY.services.items()})
SAFE = (
    "Our monitoring has noticed a problem. Email is partly not working (not working: Sending; working: Receiving and Webmail). "
    "We are looking into it."
)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, topology=HELD) as made:
        made.scale = Scale(
            formula=ordinary,
            levels=ORDINARY_LEVELS,
            impacts={"email": Impact(customers=1000, cost_of_quality=10, cost_to_resolve=500)},
        )
        yield made


async def drafted(house: House) -> Incident:
    """Three customers call about the portal, of which no probe knows anything."""
    phone = await house.program("phone")
    for _ in range(3):
        assert (await phone.send("/callers", {"service": "portal"})).status == 201
    (draft,) = (one for one in house.pipeline.situation.incidents.values() if "portal" in one.services)
    return draft


async def test_the_queue_lists_what_waits_and_the_gate_lets_an_agent_confirm_edit_or_dismiss(house: House) -> None:
    probed = await house.outage()
    draft = await drafted(house)
    ada = await house.logged_in("ada")
    queue = await ada.page("/")
    waiting = queue[queue.index("Waiting for a person") : queue.index('<ol class="queue">')]
    assert f'href="/incidents/{probed.id}#review"' in waiting
    assert "its words go public by themselves at" in waiting
    assert f'href="/incidents/{draft.id}#review"' in waiting
    assert "nothing goes public until somebody confirms it" in waiting

    card = await ada.page(f"/incidents/{probed.id}")
    assert "These go public by themselves at" in card
    assert SAFE in card
    assert f">{SAFE}</textarea>" in await ada.page(f"/incidents/{probed.id}?words=safe")

    assert (await ada.send(f"/incidents/{probed.id}/confirm", of=f"/incidents/{probed.id}")).status == 303
    (said,) = (await (await (await house.program("eyes")).get(f"/incidents/{probed.id}")).json())["updates"]
    assert (said["body"], said["automatic"]) == (SAFE, True)
    again = await ada.send(f"/incidents/{probed.id}/confirm", of=f"/incidents/{probed.id}")
    assert again.status == 409
    assert "public already" in await again.text()

    house.wait(seconds=1)
    refused = await ada.send(f"/incidents/{draft.id}/dismiss", {"body": " "}, of=f"/incidents/{draft.id}")
    assert refused.status == 422
    assert (await ada.send(f"/incidents/{draft.id}/dismiss", {"body": "One building."}, of=f"/incidents/{draft.id}")).status == 303
    assert "Waiting for a person" not in await ada.page("/")
    card = await ada.page(f"/incidents/{draft.id}")
    assert "Words dismissed" in card
    assert "it works again" not in card
    assert "It was dismissed, and nothing of it confirmed: call them back and ask whether it still happens." in card
    assert [(row.act, row.subject) for row in await house.audit("confirm words", "dismiss words")] == [
        ("confirm words", probed.id),
        ("confirm words", probed.id),
        ("dismiss words", draft.id),
    ]


async def test_unattended_a_probes_words_go_out_when_their_time_has_come_and_a_draft_waits(house: House) -> None:
    probed = await house.outage()
    draft = await drafted(house)
    house.wait(minutes=9)
    await house.pipeline.tick()
    assert house.incident(probed.id).published_at is None
    house.wait(minutes=1)
    await house.pipeline.tick()
    assert house.incident(probed.id).published_at == house.now
    house.wait(days=30)
    await house.pipeline.tick()
    assert house.incident(draft.id).published_at is None


async def test_a_program_confirms_a_draft_and_dismisses_what_probes_saw(house: House) -> None:
    program, probed, draft = await house.program("desk"), await house.outage(), await drafted(house)
    shown = await (await program.send(f"/incidents/{draft.id}/confirm")).json()
    (said,) = shown["updates"]
    assert (said["body"], said["by"]) == ("There may be a problem with Customer <b>portal</b>. We are looking into it.", "desk")
    dismissed = await (await program.send(f"/incidents/{probed.id}/dismiss", {"reason": "A drill."})).json()
    assert (dismissed["publish_at"], dismissed["gated_by"], dismissed["published_at"]) == (None, "desk", None)
    house.wait(hours=5)
    await house.pipeline.tick()
    assert house.incident(probed.id).published_at is None


async def test_weights_change_the_score_both_costs_and_the_order_of_the_queue(house: House) -> None:
    email = await house.outage()
    await house.see("portal-web", Failure.REFUSED)
    (portal,) = (one for one in house.pipeline.situation.incidents.values() if one.id != email.id)
    ada, program = await house.logged_in("ada"), await house.program("desk")
    queue = await ada.page("/")
    assert queue.index(f"i-{email.id}") < queue.index(f"i-{portal.id}")
    card = f"/incidents/{email.id}"
    assert (await ada.send(f"{card}/weigh", {"share": "0,01 %", "cost": "1200"}, of=card)).status == 303
    page = await ada.page(card)
    assert 'name="share" inputmode="decimal" maxlength="20" value="0.01"' in page
    assert "mending costs 1,200" in page
    assert "Weighed: 0.0001 of the customers hit, mending costs 1,200" in page
    shown = await (await program.get(card)).json()
    assert shown["priority"]["terms"][0]["inputs"]["affected_share"] == 0.0001
    assert shown["priority"]["mending"] == 1200
    assert shown["priority"]["waiting"] == pytest.approx(1.0)
    for typed, words in (({"share": "many"}, "is a number"), ({"share": "101"}, "between 0 and 100 %")):
        refused = await ada.send(f"{card}/weigh", typed, of=card)
        assert (refused.status, words in await refused.text()) == (422, True)
    assert (await program.send(f"{card}/weigh", {"affected_share": None})).status == 200
    assert (await (await program.get(card)).json())["priority"]["waiting"] == pytest.approx(4000.0)
    assert [dict(row.detail) for row in await house.audit("weigh") if "refused" not in row.detail] == [
        {"affected_share": "0.0001", "cost_to_resolve": "1200"},
        {"affected_share": None, "cost_to_resolve": None},
    ]


async def test_what_callers_are_told_stands_on_queue_card_and_triage_until_the_next_update(house: House) -> None:
    email = await house.outage()
    ada, program = await house.logged_in("ada"), await house.program("desk")
    card = f"/incidents/{email.id}"
    assert (await ada.send(f"{card}/say", {"body": "Use webmail, it sends."}, of=card)).status == 303
    for path in ("/", card, "/triage?q=email"):
        assert "<blockquote>Use webmail, it sends.</blockquote>" in await ada.page(path), path
    assert (await (await program.get("/triage", q="email")).json())["say"] == "Use webmail, it sends."
    assert (await program.send(f"{card}/updates", {"body": "A disk is full."})).status == 201
    assert "<blockquote>A disk is full.</blockquote>" in await ada.page("/")
    assert (await (await program.get(card)).json())["say"] is None


async def test_a_card_leads_to_the_charter_and_the_runbook_of_each_service_that_it_hits(house: House) -> None:
    email = await house.outage()
    house.charters = {
        "email": Charter(runbook="https://wiki.example.net/mail?a=1&b=2"),
        "portal": Charter(runbook="https://wiki.example.net/web"),
    }
    page = await (await house.logged_in("ada")).page(f"/incidents/{email.id}")
    known = page[page.index("What we know") : page.index("Since")]
    assert '<a href="/services/email">Charter</a>' in known
    assert '<a href="https://wiki.example.net/mail?a=1&amp;b=2" rel="noreferrer nofollow">Runbook</a>' in known
    assert "wiki.example.net/web" not in page


async def test_the_timeline_has_what_was_altered_just_before_in_its_place(house: House) -> None:
    pipeline = await house.program("pipeline")
    told = {"what": "Release 4.2 of the relay", "services": ["email"], "url": "https://ci.example.net/42"}
    assert (await pipeline.send("/changes", told)).status == 201
    house.wait(minutes=1)
    email = await house.outage()
    page = await (await house.logged_in("ada")).page(f"/incidents/{email.id}")
    timeline = page[page.index('id="timeline"') :]
    assert (
        timeline.index("Opened; it began at")
        < timeline.index("Altered: Release 4.2 of the relay")
        < timeline.index("https://ci.example.net/42")
    )


async def test_tickets_are_linked_by_form_and_by_program(house: House) -> None:
    email = await house.outage()
    ada, program = await house.logged_in("ada"), await house.program("desk")
    card = f"/incidents/{email.id}"
    assert (await ada.send(f"{card}/tickets", {"name": "OPS-7", "url": "https://t.example.net/7"}, of=card)).status == 303
    shown = await (await program.send(f"{card}/tickets", {"name": "NET-1"})).json()
    assert shown["tickets"] == [{"name": "OPS-7", "url": "https://t.example.net/7"}, {"name": "NET-1", "url": ""}]
    assert '<a href="https://t.example.net/7" rel="noreferrer nofollow">OPS-7</a>' in await ada.page(card)
    for bad in (
        {"name": "a b"},
        {"name": "X", "url": "javascript:alert(1)"},
        {"name": "X", "url": "https://"},
        {"name": "X", "url": "https://a.example/\x00"},
    ):
        assert (await program.send(f"{card}/tickets", bad)).status == 422
    assert (await ada.send(f"{card}/tickets/unlink", {"name": "OPS-7"}, of=card)).status == 303
    assert (await (await program.send(f"{card}/tickets/unlink", {"name": "NET-1"})).json())["tickets"] == []
