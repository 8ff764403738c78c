"""A postmortem: begun from what the record knows, kept as a draft, read by a second person where duties are separated, published once."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from incidents import act
from incidents.model import Incident, State
from incidents.postmortem import GAP, publish_postmortem
from probes.result import Failure
from statuspage.store import queries
from statuspage.store.people import Role
from statuspage.store.postmortems import draft_of
from tests.statuspage.desks import Browser, House, housed

HOSTILE = '</textarea><script>alert("x")</script>'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, languages=("en", "de")) as opened:
        yield opened


async def over(house: House) -> Incident:
    """An outage that was told of, that two customers called about, and that is resolved."""
    incident = await house.outage()
    manager = await house.program("manager", Role.MANAGER)
    for ticket in ("T-1", "T-2"):
        assert (await manager.send("/callers", {"service": "email", "incident": incident.id, "ticket": ticket})).status == 201
    house.wait(minutes=9)
    assert (await manager.send(f"/incidents/{incident.id}/updates", {"state": "identified", "body": "A disk is full."})).status == 201
    await house.see("outgoing", None)
    house.wait(minutes=1)
    assert (await manager.send(f"/incidents/{incident.id}/resolve", {"body": "It works.", "cause": "capacity"})).status == 200
    assert incident.id in house.pipeline.situation.ended, "it would come back"
    return incident


def written(page: str, language: str = "") -> str:
    """The words in the form."""
    name = f"body:{language}" if language else "body"
    found = re.search(rf'<textarea[^>]* name="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None, page
    return html.unescape(found[1])


def was(page: str) -> str:
    found = re.search(r'name="was" value="(\w*)"', page)
    assert found is not None
    return found[1]


async def said_of(house: House, incident: str) -> list[tuple[State, str]]:
    story = await house.store.read(lambda connection: queries.story(connection, incident))
    assert story is not None
    return [(one.state, one.body) for one in story.updates]


async def test_it_begins_with_what_the_record_knows_and_ends_the_incident_for_good(house: House) -> None:
    incident, anna = await over(house), await house.logged_in("anna")
    page = f"/incidents/{incident.id}/postmortem"
    assert f'href="{page}"' in await anna.page(f"/incidents/{incident.id}")
    outline = written(await anna.page(page))
    for words in (
        "How it went\n08:00 UTC: it began\n",
        "the cause was known",
        "Email: 9 min",
        "2 customers called us.",
        "Why it happened",
        GAP,
    ):
        assert words in outline, outline
    assert "Warum es geschah" in written(await anna.page(page), "de")

    refused = await anna.send(page, {"body": outline}, of=page)
    assert (refused.status, "Fill in what is still open" in await refused.text()) == (422, True)
    preview = await (await anna.send(f"{page}/preview", {"body": f"We learned {HOSTILE}"}, of=page)).text()
    assert "As customers will see it" in preview
    assert HOSTILE not in preview
    assert (await said_of(house, incident.id))[-1][0] is State.RESOLVED, "a preview publishes nothing"

    assert (await anna.send(page, {"body": "The disk is larger now."}, of=page)).status == 303
    assert (await said_of(house, incident.id))[-1] == (State.POSTMORTEM, "The disk is larger now.")
    house.wait(minutes=2)
    await house.see("outgoing", Failure.REFUSED)
    (other,) = house.pipeline.situation.incidents
    assert other != incident.id, "after a postmortem it is another incident"
    program = await house.program("program")
    reworded = await program.patch(f"/incidents/{incident.id}/updates/{len(await said_of(house, incident.id))}", {"body": "Two disks."})
    assert (reworded.status, (await reworded.json())["state"]) == (200, "postmortem")


async def test_with_separated_duties_a_second_person_publishes_what_the_first_has_kept(house: House) -> None:
    house.planning_policy = type(house.planning_policy)(conducts={}, needs_approval=True)
    incident, anna, ben = await over(house), await house.logged_in("anna"), await house.logged_in("ben")
    page = f"/incidents/{incident.id}/postmortem"

    async def keep(browser: Browser, body: str, known: str) -> int:
        return (await browser.send(f"{page}/draft", {"body": body, "was": known}, of=page)).status

    assert await keep(anna, "The disk was full.", "") == 303
    assert await keep(ben, "Somebody forgot the disk.", "") == 409, "neither loses their words"
    assert written(await ben.page(page)) == "The disk was full."
    own = await anna.send(page, {"body": "The disk was full."}, of=page)
    assert (own.status, "somebody else publishes" in await own.text()) == (422, True)
    unseen = await ben.send(page, {"body": "The disk was too full."}, of=page)
    assert (unseen.status, "anna has written something else" in await unseen.text()) == (409, True), "hers would be gone"
    changed = await ben.send(page, {"body": "The disk was too full.", "was": was(await ben.page(page))}, of=page)
    assert changed.status == 422, "who changes them has written them"
    assert await keep(ben, "The disk was full, and nobody looked.", was(await ben.page(page))) == 303
    assert (await anna.send(page, {"body": "The disk was full, and nobody looked."}, of=page)).status == 303
    assert (await said_of(house, incident.id))[-1] == (State.POSTMORTEM, "The disk was full, and nobody looked.")
    assert await house.store.read(lambda connection: draft_of(connection, incident.id)) is None
    done = [(row.actor, row.act, "refused" in row.detail) for row in await house.audit("draft postmortem", "publish postmortem")]
    assert done == [
        ("anna", "draft postmortem", False),
        ("anna", "publish postmortem", True),
        ("ben", "publish postmortem", True),
        ("ben", "draft postmortem", False),
        ("anna", "publish postmortem", False),
    ]
    assert "nobody looked" not in repr(await house.audit()), "words that may have to vanish stand nowhere but where they can"


async def test_nothing_is_kept_of_an_incident_that_there_is_not(house: House) -> None:
    anna = await house.logged_in("anna")
    assert (await anna.send("/incidents/nothing/postmortem/draft", {"body": "We learned."})).status == 404
    assert await house.store.read(lambda connection: draft_of(connection, "nothing")) is None
    assert await house.audit("draft postmortem") == []


async def test_words_that_are_struck_out_leave_the_draft_too(house: House) -> None:
    incident, anna = await over(house), await house.logged_in("anna")
    page = f"/incidents/{incident.id}/postmortem"
    assert (await anna.send(f"{page}/draft", {"body": "Mallory pulled the plug."}, of=page)).status == 303
    second = await house.program("second", Role.LEVEL_TWO)
    struck = await second.send(f"/incidents/{incident.id}/strike", {"words": "Mallory", "instead": "Somebody", "reason": "A name"})
    assert struck.status == 200, await struck.text()
    assert written(await anna.page(page)) == "Somebody pulled the plug."


async def test_nobody_looks_back_on_what_goes_on_or_was_never_told(house: House) -> None:
    incident, anna = await house.outage(), await house.logged_in("anna")
    assert f"lasted {GAP}." in written(await anna.page(f"/incidents/{incident.id}/postmortem"))
    publish = partial(publish_postmortem, house.pipeline.situation, house.now, by="anna", body="We know.")
    with pytest.raises(act.IllegalMove, match="It goes on"):
        publish(incident=incident)
    ended = replace(incident, id="x", published_at=house.now, resolved_at=house.now)
    for other, words in (
        (replace(ended, published_at=None), "Nothing of it was public"),
        (replace(ended, merged_into="y"), "another incident"),
    ):
        with pytest.raises(act.IllegalMove, match=words):
            publish(incident=other)
