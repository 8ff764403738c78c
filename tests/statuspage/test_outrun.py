"""Two agents at the same words: whoever saw others than stand there now is told so, and nothing that anybody typed is lost."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientResponse
from lxml import html as dom

from incidents.rewording import digest, whole_digest
from statuspage.store import queries
from statuspage.store.people import Role
from tests.statuspage.desks import Browser, House, Program, housed

HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Europe/Berlin")
FIRST = "Ask Ada, who broke it."
THEIRS = {"en": "Ask the desk, says Ben.", "de": "Fragen Sie uns, sagt Ben."}
OURS = {"body": "Ask us, says Anna.", "body:de": "Fragen Sie uns, sagt Anna."}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, languages=("en", "de")) as opened:
        yield opened


@pytest.fixture
async def anna(house: House) -> Browser:
    return await house.logged_in("anna", Role.LEVEL_TWO)


@pytest.fixture
async def ben(house: House) -> Program:
    return await house.program("ben", Role.LEVEL_TWO)


@pytest.fixture
async def update(ben: Program) -> str:
    """The address of the words that both are at."""
    opened = {"name": "Mail is late", "services": {"email": "partial_outage"}, "body": FIRST}
    return f"/incidents/{(await (await ben.send('/incidents', opened)).json())['id']}/updates/1"


def words(page: str) -> str:
    return " ".join(dom.fromstring(page).text_content().split())


def field(page: str, name: str) -> str:
    (found,) = dom.fromstring(page).xpath(f"//*[@name='{name}']")
    return str(found.get("value") if found.tag == "input" else found.text_content().strip())


async def stands(house: House, path: str) -> tuple[str, dict[str, str]]:
    story = await house.store.read(lambda connection: queries.story(connection, path.split("/")[2]))
    assert story is not None
    return story.updates[0].body, dict(story.updates[0].bodies)


async def sent(browser: Browser, path: str, page: str, **fields: str) -> ClientResponse:
    """Send the form as it stood on *page*, however long ago that was loaded."""
    return await browser.send(path, {"was": field(page, "was"), **fields}, of="/")


# --- by form


async def test_a_correction_made_meanwhile_is_shown_beside_ones_own_and_neither_is_lost(
    house: House, anna: Browser, ben: Program, update: str
) -> None:
    path = f"{update}/correct"
    page = await anna.page(path)
    assert (await ben.patch(update, {"body": THEIRS})).status == 200
    late = await sent(anna, path, page, **OURS)
    again = await late.text()
    assert (late.status, await stands(house, update)) == (409, (THEIRS["en"], {"de": THEIRS["de"]}))
    assert (field(again, "body"), field(again, "body:de")) == tuple(OURS.values())
    (now,) = dom.fromstring(again).xpath("//section[@aria-labelledby='stands']")
    assert all(text in now.text_content() for text in THEIRS.values())
    assert "These words were changed meanwhile." in words(again)
    assert (await sent(anna, path, again, **OURS)).status == 303
    assert await stands(house, update) == (OURS["body"], {"de": OURS["body:de"]})


async def test_a_translation_alone_that_was_corrected_meanwhile_counts_too(house: House, anna: Browser, ben: Program, update: str) -> None:
    page = await anna.page(f"{update}/correct")
    assert (await ben.patch(update, {"body": {"en": FIRST, "de": THEIRS["de"]}})).status == 200
    assert (await sent(anna, f"{update}/correct", page, body=OURS["body"])).status == 409
    assert await stands(house, update) == (FIRST, {"de": THEIRS["de"]})


async def test_what_was_removed_meanwhile_leaves_what_was_typed_to_be_copied(anna: Browser, ben: Program, update: str) -> None:
    page = await anna.page(f"{update}/correct")
    assert (await ben.send(f"{update}/redact", {"reason": "It names a person."})).status == 200
    late = await sent(anna, f"{update}/correct", page, **OURS)
    told = words(await late.text())
    assert late.status == 409
    assert all(text in told for text in (*OURS.values(), "There is nothing left to correct."))


async def test_a_form_that_does_not_say_what_it_showed_corrects_nothing(house: House, anna: Browser, update: str) -> None:
    answer = await anna.send(f"{update}/correct", OURS, of="/")
    assert (answer.status, await stands(house, update)) == (409, (FIRST, {}))
    assert field(await answer.text(), "body") == OURS["body"]


async def test_nobody_removes_words_that_they_have_not_seen(house: House, anna: Browser, ben: Program, update: str) -> None:
    path = f"{update}/redact"
    page = await anna.page(path)
    assert (await ben.patch(update, {"body": THEIRS})).status == 200
    late = await sent(anna, path, page, reason="It names a person.")
    again = await late.text()
    assert (late.status, await stands(house, update)) == (409, (THEIRS["en"], {"de": THEIRS["de"]}))
    assert field(again, "reason") == "It names a person."
    assert all(text in words(again) for text in THEIRS.values())
    assert (await sent(anna, path, again, reason="It names a person.")).status == 303


# --- by the API


async def test_a_program_names_the_words_that_it_saw_by_their_digest(house: House, ben: Program, update: str) -> None:
    (said,) = (await (await ben.get(update.removesuffix("/updates/1"))).json())["updates"]
    assert said["digest"] == digest(FIRST)
    told = await (await ben.patch(update, {"body": THEIRS, "was": said["digest"]})).json()
    assert told["digest"] == whole_digest(THEIRS["en"], {"de": THEIRS["de"]}) != digest(THEIRS["en"])
    late = await ben.patch(update, {"body": "Third.", "was": said["digest"]})
    refusal = await late.json(content_type=None)
    assert (late.status, refusal["body"], refusal["bodies"], refusal["digest"]) == (
        409, THEIRS["en"], {"de": THEIRS["de"]}, told["digest"],
    )  # fmt: skip
    assert (await ben.send(f"{update}/redact", {"reason": "A name.", "was": said["digest"]})).status == 409
    assert (await stands(house, update))[0] == THEIRS["en"]
    assert (await ben.patch(update, {"body": "Third.", "was": told["digest"]})).status == 200


async def test_a_request_that_is_repeated_gets_its_first_answer_whatever_stands_there_since(ben: Program, update: str) -> None:
    body = {"reason": "A name.", "was": digest(FIRST)}
    first = await ben.send(f"{update}/redact", body, Idempotency_Key="once")
    again = await ben.send(f"{update}/redact", body, Idempotency_Key="once")
    assert (first.status, await again.json()) == (200, await first.json())


async def test_a_was_that_is_no_digest_is_named(ben: Program, update: str) -> None:
    answer = await ben.patch(update, {"body": "Other.", "was": FIRST})
    assert (answer.status, [one["path"] for one in (await answer.json(content_type=None))["errors"]]) == (422, ["was"])


# --- the times of an advisory


def local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%dT%H:%M}"


async def test_times_that_an_advisory_was_given_meanwhile_are_not_undone_unseen(house: House, anna: Browser, ben: Program) -> None:
    told = {"name": "Storm", "services": ["email"], "body": "Lines may fail.", "ends": (house.now + 3 * HOUR).isoformat()}
    id_ = (await (await ben.send("/advisories", told)).json())["id"]
    page = await anna.page(f"/advisories/{id_}")
    assert (await ben.patch(f"/advisories/{id_}", {"ends": (house.now + 9 * HOUR).isoformat()})).status == 200
    fields = {"starts": local(house.now + HOUR), "ends": field(page, "ends"), "body:en": "It comes later."}
    late = await anna.send(f"/advisories/{id_}/move", {**fields, "seen": field(page, "seen")}, of="/")
    again = await late.text()
    assert (late.status, house.pipeline.situation.advisories[id_].ends) == (409, house.now + 9 * HOUR)
    assert "Somebody has changed this advisory meanwhile: now it is planned for" in words(again)
    assert (field(again, "starts"), "It comes later." in again) == (fields["starts"], True)
    assert (await anna.send(f"/advisories/{id_}/move", {**fields, "seen": field(again, "seen")}, of="/")).status == 303
    assert house.pipeline.situation.advisories[id_].starts == house.now + HOUR


async def test_an_advisory_that_stays_open_now_says_so(house: House, anna: Browser, ben: Program) -> None:
    told = {"name": "Storm", "services": ["email"], "body": "Lines may fail.", "ends": (house.now + 3 * HOUR).isoformat()}
    id_ = (await (await ben.send("/advisories", told)).json())["id"]
    page = await anna.page(f"/advisories/{id_}")
    assert (await ben.patch(f"/advisories/{id_}", {"ends": None})).status == 200
    late = await anna.send(
        f"/advisories/{id_}/move", {"starts": field(page, "starts"), "ends": field(page, "ends"), "seen": field(page, "seen")}, of="/"
    )
    assert (late.status, "until it is withdrawn" in words(await late.text())) == (409, True)


# --- names


KINDS = pytest.mark.parametrize("page", ["incidents", "maintenance", "advisories"])


async def begun(house: House, ben: Program, page: str) -> str:
    """The address of one, at the console."""
    collection = "maintenances" if page == "maintenance" else page
    at = house.now + timedelta(days=9)
    told: dict[str, object] = {"name": {"en": "Mail of Ada", "de": "Post von Ada"}, "body": "We know."}
    more: dict[str, dict[str, object]] = {
        "incidents": {"services": {"email": "partial_outage"}},
        "maintenance": {"services": ["email"], "starts": at.isoformat(), "ends": (at + HOUR / 2).isoformat()},
        "advisories": {"services": ["email"]},
    }
    answer = await ben.send(f"/{collection}", {**told, **more[page]})
    assert answer.status == 201, await answer.text()
    return f"/{page}/{(await answer.json())['id']}"


@KINDS
async def test_a_name_given_meanwhile_is_shown_beside_ones_own(house: House, anna: Browser, ben: Program, page: str) -> None:
    path = await begun(house, ben, page)
    form = await anna.page(f"{path}/rename")
    assert (field(form, "name"), field(form, "name:de")) == ("Mail of Ada", "Post von Ada")
    api = path.replace("/maintenance/", "/maintenances/")
    assert (await ben.send(f"{api}/rename", {"name": {"en": "Mail is slow", "de": "Post ist langsam"}})).status == 200
    late = await sent(anna, f"{path}/rename", form, name="Mail is late", **{"name:de": ""})
    again = await late.text()
    assert (late.status, field(again, "name")) == (409, "Mail is late")
    assert all(name in words(again) for name in ("Mail is slow", "Post ist langsam"))
    assert (await sent(anna, f"{path}/rename", again, name="Mail is late")).status == 303
    assert "Mail is late" in words(await anna.page(path))


@KINDS
async def test_words_are_struck_out_by_a_form_that_keeps_what_was_typed(house: House, anna: Browser, ben: Program, page: str) -> None:
    path = await begun(house, ben, page)
    fields = {"words": "Eve", "instead": "[removed]", "reason": "A name."}
    refused = await anna.send(f"{path}/strike", fields, of=f"{path}/strike")
    told = await refused.text()
    assert (refused.status, field(told, "words"), field(told, "reason")) == (422, "Eve", "A name.")
    assert "These words stand nowhere in it" in told
    done = await anna.send(f"{path}/strike", {**fields, "words": "Ada"}, of=f"{path}/strike")
    assert (done.status, done.headers["Location"]) == (303, path)
    card = words(await anna.page(path))
    assert "Mail of [removed]" in card
    assert "Ada" not in card


async def test_level_one_renames_and_strikes_nothing_out(house: House, ben: Program) -> None:
    path, carla = await begun(house, ben, "advisories"), await house.logged_in("carla", Role.LEVEL_ONE)
    page = await carla.page(path)
    assert ("/rename" in page, "/strike" in page) == (True, False)
    assert (await carla.get(f"{path}/strike")).status == 403
