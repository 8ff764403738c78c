"""What people say at a desk of several languages: by the API and by forms, in one of them or in each, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html as dom

from incidents.rewording import digest
from statuspage.store import queries
from statuspage.store.maintenance_rows import maintenance_words
from statuspage.store.people import Role
from tests.statuspage.desks import House, Program, housed

BOTH = {"en": "We know and are on it.", "de": "Wir wissen davon und arbeiten daran."}
NAMES = {"en": "Portal shows old invoices", "de": "Portal zeigt alte Rechnungen"}
OPEN = {"name": NAMES, "services": {"portal": "degraded_performance"}, "body": BOTH}
WINDOW = {"services": ["email"], "starts": "2026-03-09T00:00:00Z", "ends": "2026-03-09T00:30:00Z"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, languages=("en", "de")) as opened:
        yield opened


@pytest.fixture
async def pager(house: House) -> Program:
    return await house.program("pager", Role.LEVEL_TWO)


async def opened(pager: Program, **more: object) -> dict[str, Any]:
    answer = await pager.send("/incidents", {**OPEN, **more})
    assert answer.status == 201, await answer.text()
    told: dict[str, Any] = await answer.json()
    return told


async def faults(pager: Program, path: str, body: object) -> dict[str, str]:
    answer = await pager.send(path, body)
    assert answer.status == 422, await answer.text()
    return {one["path"]: one["message"] for one in (await answer.json(content_type=None))["errors"]}


# --- the API


async def test_a_name_and_words_are_taken_in_every_language(house: House, pager: Program) -> None:
    told = await opened(pager)
    assert (told["name"], told["names"]) == (NAMES["en"], {"de": NAMES["de"]})
    assert [(one["language"], one["body"], one["bodies"]) for one in told["updates"]] == [("en", BOTH["en"], {"de": BOTH["de"]})]
    story = await house.store.read(lambda connection: queries.story(connection, told["id"]))
    assert story is not None
    assert (story.updates[0].title, story.updates[0].titles) == (
        "Portal shows old invoices – investigating",
        {"de": "Portal zeigt alte Rechnungen – in Untersuchung"},
    )


async def test_one_text_is_in_the_language_of_the_site_and_has_a_title_in_each(house: House, pager: Program) -> None:
    told = await opened(pager, name=NAMES["en"], body=BOTH["en"])
    assert (told["names"], told["updates"][0]["bodies"]) == ({}, {})
    answer = await pager.send(f"/incidents/{told['id']}/updates", {"state": "identified", "body": "A cache is stale."})
    assert (await answer.json())["bodies"] == {}
    story = await house.store.read(lambda connection: queries.story(connection, told["id"]))
    assert story is not None
    assert story.updates[1].titles == {"de": "Portal shows old invoices – Ursache erkannt"}


async def test_updates_and_the_end_are_said_in_both(pager: Program) -> None:
    id_ = (await opened(pager))["id"]
    answer = await pager.send(f"/incidents/{id_}/updates", {"body": {"en": "Soon.", "de": "Bald."}})
    assert (answer.status, (await answer.json())["bodies"]) == (201, {"de": "Bald."})
    answer = await pager.send(f"/incidents/{id_}/resolve", {"body": {"de": "Fertig.", "en": "Done."}})
    assert (await answer.json())["updates"][-1]["bodies"] == {"de": "Fertig."}


async def test_planned_work_is_announced_in_both(house: House, pager: Program) -> None:
    answer = await pager.send("/maintenances", {**WINDOW, "name": NAMES, "body": BOTH})
    told = await answer.json()
    assert (answer.status, told["name"], told["description"]) == (201, NAMES, BOTH)
    answer = await pager.send(f"/maintenances/{told['id']}/cancel", {"body": {"en": "Not now.", "de": "Nicht jetzt."}})
    assert answer.status == 200
    words = (await house.store.read(lambda connection: maintenance_words(connection, [told["id"]])))[told["id"]]
    assert [(one.body, dict(one.bodies)) for one in words] == [(BOTH["en"], {"de": BOTH["de"]}), ("Not now.", {"de": "Nicht jetzt."})]
    assert words[0].titles["de"] == "Portal zeigt alte Rechnungen – geplant für den 9. März 2026, 00:00–00:30 UTC"


async def test_merging_and_splitting_say_in_both_what_is_ours_to_say(house: House, pager: Program) -> None:
    one, other = (await opened(pager)), (await opened(pager, name="Portal is slow", services={"portal": "partial_outage"}))
    answer = await pager.send(f"/incidents/{other['id']}/merge", {"into": one["id"]})
    assert answer.status == 200, await answer.text()
    story = await house.store.read(lambda connection: queries.story(connection, other["id"]))
    assert story is not None
    assert story.updates[-1].bodies == {
        "de": f"Dieses Problem hat dieselbe Ursache wie „{NAMES['de']}“. Alle weiteren Meldungen stehen dort."
    }


@pytest.mark.parametrize("path", ["name", "body"])
async def test_a_language_that_the_site_does_not_speak_is_refused_by_its_name(pager: Program, path: str) -> None:
    found = await faults(pager, "/incidents", {**OPEN, path: {"en": "A", "fr": "Un"}})
    assert found == {path: "this site speaks en, de, and not fr"}


@pytest.mark.parametrize("path", ["name", "body"])
async def test_the_language_of_the_site_cannot_be_left_out(pager: Program, path: str) -> None:
    found = await faults(pager, "/incidents", {**OPEN, path: {"de": "Eins"}})
    assert found == {path: "the text in the site's own language is missing: en"}


async def test_every_fault_is_named_at_once_and_where_it_stands(pager: Program) -> None:
    found = await faults(pager, "/incidents", {**OPEN, "name": {"en": " ", "de": "x"}, "body": 7})
    assert set(found) == {"name.en", "body"}
    assert found["body"] == 'write a text, or one by language: {"en": "…", "de": "…"}'


async def test_a_site_of_one_language_takes_that_alone(tmp_path: Path) -> None:
    async with housed(tmp_path / "one") as house:
        pager = await house.program("pager")
        assert await faults(pager, "/incidents", OPEN) == {
            "name": "this site speaks en, and not de",
            "body": "this site speaks en, and not de",
        }
        assert (await opened(pager, name={"en": "A"}, body={"en": "B"}))["names"] == {}


async def test_the_audit_keeps_what_proves_the_words_of_every_language(house: House, pager: Program) -> None:
    id_ = (await opened(pager))["id"]
    await pager.send(f"/incidents/{id_}/updates", {"body": BOTH})
    rows = await house.audit("open", "update")
    assert [row.detail for row in rows] == [
        {"name_sha256": digest(NAMES["en"]), "name_sha256.de": digest(NAMES["de"])},
        {"sha256": digest(BOTH["en"]), "sha256.de": digest(BOTH["de"])},
    ]


async def test_openapi_tells_both_forms(pager: Program) -> None:
    described = await (await pager.get("/openapi.json")).json()
    body = described["components"]["schemas"]["UpdateBody"]["properties"]["body"]
    assert sorted(one["type"] for one in body["oneOf"]) == ["object", "string"]


# --- the console


def field(page: str, name: str) -> Any:  # noqa: ANN401 - lxml's
    (found,) = dom.document_fromstring(page).xpath(f"//form//*[@name='{name}']")
    return found


async def test_forms_ask_for_the_site_s_language_and_offer_the_others(house: House) -> None:
    page = await (await house.logged_in("anna")).page("/open")
    own, other = field(page, "body"), field(page, "body:de")
    assert (own.get("required"), other.get("required"), other.get("lang")) == ("", None, "de")
    (label,) = dom.document_fromstring(page).xpath(f"//label[@for='{other.get('id')}']")
    assert label.text_content() == "The same in German (optional)"
    assert field(page, "name:de").get("lang") == "de"


async def test_a_desk_of_one_language_asks_for_one(tmp_path: Path) -> None:
    async with housed(tmp_path / "one") as house:
        assert "body:" not in await (await house.logged_in("anna")).page("/open")


async def test_an_incident_is_opened_updated_and_ended_in_both(house: House) -> None:
    browser = await house.logged_in("anna")
    typed = {"name": NAMES["en"], "name:de": NAMES["de"], "body": BOTH["en"], "body:de": BOTH["de"], "service:portal": "major_outage"}
    answer = await browser.send("/open", typed)
    assert answer.status == 303, await answer.text()
    path = answer.headers["Location"]
    assert (await browser.send(f"{path}/updates", {"body": "Soon.", "body:de": "Bald.", "state": "identified"}, of=path)).status == 303
    assert (await browser.send(f"{path}/resolve", {"body": "Done.", "body:de": " "}, of=path)).status == 303
    story = await house.store.read(lambda connection: queries.story(connection, path.rpartition("/")[2]))
    assert story is not None
    assert (story.incident.name, story.incident.names) == (NAMES["en"], {"de": NAMES["de"]})
    assert [(one.body, dict(one.bodies)) for one in story.updates] == [
        (BOTH["en"], {"de": BOTH["de"]}),
        ("Soon.", {"de": "Bald."}),
        ("Done.", {}),
    ]


async def test_a_window_is_planned_in_both(house: House) -> None:
    browser = await house.logged_in("anna", Role.MANAGER)
    typed = {
        "name": "Patches", "name:de": "Aktualisierungen", "service:email": "on", "body": "We patch.", "body:de": "Wir aktualisieren.",
        "starts": "2026-03-09T23:00", "ends": "2026-03-09T23:30",
    }  # fmt: skip
    answer = await browser.send("/maintenance/plan", typed, of="/maintenance/plan")
    assert answer.status == 303, await answer.text()
    (window,) = house.pipeline.situation.maintenances.values()
    assert window.name == {"en": "Patches", "de": "Aktualisierungen"}
    assert window.description == {"en": "We patch.", "de": "Wir aktualisieren."}


async def test_what_was_typed_in_either_language_is_not_lost(house: House) -> None:
    browser = await house.logged_in("anna")
    typed = {"name": "", "name:de": "Nur deutsch", "body": "We know.", "body:de": "Bekannt.", "service:portal": "major_outage"}
    answer = await browser.send("/open", typed)
    page = await answer.text()
    assert answer.status == 422
    assert "the text in the site&#39;s own language is missing: en" in page
    assert (field(page, "name:de").get("value"), field(page, "body:de").text_content().strip()) == ("Nur deutsch", "Bekannt.")


async def test_a_field_for_a_language_that_nobody_speaks_is_refused(house: House) -> None:
    browser = await house.logged_in("anna")
    typed = {"name": "A", "body": "B", "body:fr": "C", "service:portal": "major_outage"}
    answer = await browser.send("/open", typed)
    assert answer.status == 422
    assert "this site speaks en, de, and not fr" in await answer.text()


# --- corrections


async def test_a_correction_is_made_in_each_language_and_what_is_not_said_anew_goes(pager: Program) -> None:
    id_ = (await opened(pager))["id"]
    answer = await pager.patch(f"/incidents/{id_}/updates/1", {"body": {"en": "It is a cache.", "de": "Es ist ein Cache."}})
    told = await answer.json()
    assert (answer.status, told["body"], told["bodies"]) == (200, "It is a cache.", {"de": "Es ist ein Cache."})
    told = await (await pager.patch(f"/incidents/{id_}/updates/1", {"body": "It was a cache."})).json()
    assert (told["body"], told["bodies"], told["language"]) == ("It was a cache.", {}, "en")


async def test_the_form_that_corrects_holds_the_words_of_each_language(house: House, pager: Program) -> None:
    id_, browser = (await opened(pager))["id"], await house.logged_in("anna")
    path = f"/incidents/{id_}/updates/1/correct"
    page = await browser.page(path)
    assert (field(page, "body").text_content().strip(), field(page, "body:de").text_content().strip()) == (BOTH["en"], BOTH["de"])
    answer = await browser.send(
        path, {"body": "It is a cache.", "body:de": "Es ist ein Cache.", "was": field(page, "was").get("value")}, of=path
    )
    assert answer.status == 303, await answer.text()
    story = await house.store.read(lambda connection: queries.story(connection, id_))
    assert story is not None
    assert (story.updates[0].body, story.updates[0].bodies) == ("It is a cache.", {"de": "Es ist ein Cache."})
