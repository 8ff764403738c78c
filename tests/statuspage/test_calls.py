"""The desk and its calls: who was called stands on the card, the next tier is called by hand, and an incident is handed on."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from incidents import escalation
from incidents.escalation import Ladder, Rules
from incidents.rota import Rota, Turns
from statuspage.config.calls import Crew, Roster
from statuspage.store.people import Role
from tests.statuspage.desks import House, housed

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
WEEKS = Turns(order=("ada", "bob"), starts=datetime(2026, 3, 2, 9, 0), timezone="Europe/Berlin")  # noqa: DTZ001 - by the wall clock
ROSTER = Roster(
    crews={
        "desk": Crew(id="desk", name="Service <desk>"),
        "mail": Crew(id="mail", name="Messaging", rota=Rota(turns=WEEKS)),
        "night": Crew(id="night", name="Night", rota=Rota()),
    },
    names={"ada": "Ada L.", "bob": "Bob"},
)
RULES = Rules(ladders={"email": Ladder(tiers=("desk", "mail", "night"), after=(5 * MINUTE, 20 * MINUTE))}, absent=ROSTER.absent)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        opened.rules, opened.roster = RULES, ROSTER
        yield opened


async def calls(house: House) -> None:
    """Make the calls that are due."""
    await house.pipeline.act(partial(escalation.call, rules=house.rules))


async def test_the_card_says_who_was_called_and_when_the_next_is(house: House) -> None:
    ada = await house.logged_in("ada")
    incident = await house.outage()
    await calls(house)
    page = await ada.page(f"/incidents/{incident.id}")
    assert 'Service &lt;desk&gt;</b> <span class="soft">tier 1' in page
    due = escalation.due_at(house.incident(incident.id), RULES, house.now)
    assert due is not None
    assert re.search(rf"the next call goes out at <time [^>]*>{due.astimezone(BERLIN):%H:%M}<", page)
    assert "Team desk called (tier 1)" in page  # the timeline


async def test_a_form_calls_the_next_tier_at_once_and_the_audit_says_who_asked(house: House) -> None:
    ada = await house.logged_in("ada")
    incident = await house.outage()
    await calls(house)
    answer = await ada.send(f"/incidents/{incident.id}/escalate", of=f"/incidents/{incident.id}")
    assert answer.status == 303
    climb = house.incident(incident.id).climb
    assert climb is not None
    assert [(call.team, call.tier, call.by) for call in climb.calls] == [("desk", 1, None), ("mail", 2, "ada")]
    assert [(row.actor, row.subject) for row in await house.audit("escalate")] == [("ada", incident.id)]


async def test_where_all_were_called_the_card_offers_nobody_and_the_api_says_why(house: House) -> None:
    ada, program = await house.logged_in("ada"), await house.program("phone")
    incident = await house.outage()
    house.wait(minutes=21)
    await calls(house)
    assert "Call the next tier" in await ada.page(f"/incidents/{incident.id}")  # nobody is on call at night, and it was passed over
    assert (await program.send(f"/incidents/{incident.id}/escalate")).status == 200
    assert "Call the next tier" not in await ada.page(f"/incidents/{incident.id}")
    answer = await program.send(f"/incidents/{incident.id}/escalate")
    assert answer.status == 422
    assert "no further tier" in (await answer.json())["detail"]


async def test_the_api_tells_how_far_an_incident_was_carried(house: House) -> None:
    program = await house.program("phone")
    incident = await house.outage()
    await calls(house)
    told = await (await program.get(f"/incidents/{incident.id}/escalation")).json()
    assert [(call["team"], call["tier"], call["by"]) for call in told["calls"]] == [("desk", 1, None)]
    assert told["next_at"] is not None
    await program.send(f"/incidents/{incident.id}/acknowledge")
    assert (await (await program.get(f"/incidents/{incident.id}/escalation")).json())["next_at"] is None


async def test_an_escalation_that_is_asked_for_again_with_its_key_is_made_once(house: House) -> None:
    program = await house.program("phone")
    incident = await house.outage()
    answers = [await program.send(f"/incidents/{incident.id}/escalate", Idempotency_Key="once") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    climb = house.incident(incident.id).climb
    assert climb is not None
    assert len(climb.calls) == 1


async def test_nobody_on_call_where_somebody_is_needed_is_an_alarm_on_the_card(house: House) -> None:
    ada = await house.logged_in("ada")
    incident = await house.outage()
    house.wait(minutes=21)
    assert "Nobody is on call in Night." in await ada.page(f"/incidents/{incident.id}")


async def test_the_link_of_a_call_asks_and_changes_nothing_until_somebody_says_yes(house: House) -> None:
    ada = await house.logged_in("ada")
    incident = await house.outage()
    path = f"/incidents/{incident.id}/take"
    for _ in range(3):
        assert "until then nobody else is called" in await ada.page(path)
    assert (await ada.session.head(path)).status == 200
    assert house.incident(incident.id).acknowledgement is None
    assert (await ada.send(f"/incidents/{incident.id}/acknowledge", of=path)).status == 303
    assert "It is yours until" in await ada.page(path)
    assert (await house.browser().get(path)).headers["Location"] == f"/login?next={path}"


# --- handing over ---------------------------------------------------------------------------------------------------------------


async def test_who_holds_it_hands_it_on_with_a_summary_and_the_next_one_holds_it(house: House) -> None:
    ada = await house.logged_in("ada")
    await house.agent("bob")
    incident = await house.outage()
    await ada.send(f"/incidents/{incident.id}/acknowledge", of=f"/incidents/{incident.id}")
    fields = {"into": "bob", "body": "The disk of mx2 is full; I asked for more."}
    answer = await ada.send(f"/incidents/{incident.id}/assign", fields, of=f"/incidents/{incident.id}")
    assert answer.status == 303
    held = house.incident(incident.id).acknowledgement
    assert held is not None
    assert (held.by, held.expires_at - held.at) == ("bob", timedelta(minutes=30))
    page = await ada.page(f"/incidents/{incident.id}")
    assert "The disk of mx2 is full" in page
    assert "(Handed to bob by ada.)" in page
    (row,) = await house.audit("assign")
    assert row.detail["to"] == "bob"
    assert "mx2" not in str(row.detail)


async def test_what_somebody_else_holds_is_theirs_to_hand_on_unless_a_role_says_otherwise(house: House) -> None:
    incident_of = await house.program("first")
    incident = await house.outage()
    await incident_of.send(f"/incidents/{incident.id}/acknowledge")
    await house.agent("bob")
    body = {"to": "bob", "summary": "Take it."}
    refused = await (await house.program("second")).send(f"/incidents/{incident.id}/assign", body)
    assert refused.status == 409
    held = house.incident(incident.id).acknowledgement
    assert held is not None
    assert held.by == "first"
    assert (await (await house.program("third", Role.LEVEL_TWO)).send(f"/incidents/{incident.id}/assign", body)).status == 200


async def test_nobody_is_handed_anything_who_cannot_act_or_is_not_there_and_what_was_typed_stays(house: House) -> None:
    ada = await house.logged_in("ada")
    await house.agent("bob")
    await house.agent("vera", Role.VIEWER)
    incident = await house.outage()
    for name in ("vera", "nobody"):
        fields = {"into": name, "body": "Half a novel."}
        answer = await ada.send(f"/incidents/{incident.id}/assign", fields, of=f"/incidents/{incident.id}")
        assert answer.status == 422
        assert "Half a novel." in await answer.text()
    assert house.incident(incident.id).acknowledgement is None


async def test_a_summary_is_asked_for(house: House) -> None:
    program = await house.program("first")
    await house.agent("bob")
    incident = await house.outage()
    answer = await program.send(f"/incidents/{incident.id}/assign", {"to": "bob", "summary": "   "})
    assert answer.status == 422


# --- on call --------------------------------------------------------------------------------------------------------------------


async def test_the_page_says_who_is_on_call_now_and_in_the_weeks_ahead(house: House) -> None:
    ada = await house.logged_in("ada")
    page = await ada.page("/on-call")
    assert "<dt>Now</dt><dd>Ada L.</dd>" in page or "<dt>Now</dt><dd>Bob</dd>" in page
    assert page.count("<li>from ") >= 3
    assert "Nobody is on call." in page  # the night
    assert "email (tier 2)" in page


async def test_somebody_stands_in_by_form_and_takes_it_back(house: House) -> None:
    ada = await house.logged_in("ada")
    before = house.roster.on_call("mail", house.now)
    other = "bob" if before == ("ada",) else "ada"
    fields = {"team": "mail", "person": other, "since": "2026-03-02 00:00", "until": "2026-03-03 00:00"}
    assert (await ada.send("/on-call/stand-ins", fields, of="/on-call")).status == 303
    page = await ada.page("/on-call")
    assert "stands in" in page
    assert f"<dt>Now</dt><dd>{ROSTER.names[other]}</dd>" in page
    assert [row.subject for row in await house.audit("stand in")] == ["mail"]
    assert (await ada.send("/on-call/stand-ins/1/end", of="/on-call")).status == 303
    assert "stands in" not in (await ada.page("/on-call")).split("Stand in</h2>")[0]
    assert (await ada.send("/on-call/stand-ins/1/end", of="/on-call")).status == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"team": "nobody"}, "no team"),
        ({"person": "nobody"}, "nobody knows where to call them"),
        ({"until": "2026-03-01T00:00:00Z"}, "not in the past"),
        ({"until": "2026-12-01T00:00:00Z"}, "92 days"),
    ],
)
async def test_what_cannot_be_arranged_is_refused_with_why(house: House, wrong: dict[str, str], words: str) -> None:
    program = await house.program("phone")
    body = {"team": "mail", "person": "bob", "since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    answer = await program.send("/on-call/stand-ins", {**body, **wrong})
    assert answer.status == 422
    assert words in (await answer.json())["detail"]


async def test_a_form_with_no_instants_says_what_to_write_and_keeps_what_was_typed(house: House) -> None:
    ada = await house.logged_in("ada")
    answer = await ada.send("/on-call/stand-ins", {"team": "mail", "person": "bob", "since": "tomorrow", "until": ""}, of="/on-call")
    assert answer.status == 422
    page = await answer.text()
    assert "Say from when and until when" in page
    assert 'value="tomorrow"' in page


async def test_programs_learn_who_is_on_call_and_arrange_it(house: House) -> None:
    program = await house.program("phone")
    body = {"team": "mail", "person": "bob", "since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    answer = await program.send("/on-call/stand-ins", body)
    assert answer.status == 201
    made = await answer.json()
    teams = {one["id"]: one for one in (await (await program.get("/on-call")).json())["items"]}
    assert teams["mail"]["on_call"] == ["bob"]
    assert teams["mail"]["stand_ins"] == [made]
    assert teams["night"] == {"id": "night", "name": "Night", "is_open": True, "on_call": [], "stand_ins": []}
    assert (await program.delete(f"/on-call/stand-ins/{made['id']}")).status == 200
    assert (await program.delete(f"/on-call/stand-ins/{made['id']}")).status == 404
