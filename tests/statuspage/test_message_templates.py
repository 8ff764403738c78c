"""Texts for updates: chosen, filled in with what is so, looked at, and published by nobody but a person."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.model import State
from statuspage.config.loading import ConfigError, load
from statuspage.config.message_templates import ORDINARY, message_templates
from statuspage.message_templates import PLACEHOLDERS, MessageTemplate, filled, objection, offered
from tests.statuspage.desks import House, housed

RESTART = MessageTemplate(
    id="restart",
    name={"en": "A restart"},
    state=State.IDENTIFIED,
    services=("email",),
    body={"en": "{service}: {capabilities} since {since}. Next word by {next_update}. {{braces}} stay.", "de": "{service}: seit {since}"},
    next_update_in=timedelta(minutes=45),
)
PORTAL = replace(RESTART, id="portal", name={"en": "Of the portal"}, services=("portal",))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        opened.templates = (RESTART, PORTAL)
        yield opened


# --- values -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["{service.__class__}", "{services}", "{0}", "{}", "{service!r}", "{since:>99}", "{service[0]}"])
def test_nothing_stands_in_braces_but_a_placeholder(text: str) -> None:
    assert "is no placeholder" in (objection(text) or "")


@pytest.mark.parametrize("text", ["{", "}", "{service", "a } b"])
def test_a_brace_alone_is_named(text: str) -> None:
    assert objection(text) == "a brace is open or closed alone; write {{ or }} where one is meant"


def test_a_text_without_a_language_says_nothing_in_it() -> None:
    facts = dict.fromkeys(PLACEHOLDERS, "x")
    assert filled(RESTART, "de-AT", facts) == "x: seit x"
    assert filled(RESTART, "fr", facts) == ""


def test_only_texts_that_suit_what_is_hit_are_offered() -> None:
    assert offered((RESTART, PORTAL, *ORDINARY), ["email"]) == [RESTART, *ORDINARY]


def test_the_ordinary_texts_are_sound_in_both_languages() -> None:
    facts = {"service": "Email", "capabilities": "Sending", "since": "09:00 CET", "next_update": "10:00 CET"}
    for one in ORDINARY:
        assert set(one.body) == set(one.name) == {"en", "de"}
        for language, text in one.body.items():
            assert objection(text) is None
            assert ("{next_update}" in text) == (one.next_update_in is not None)
            assert "{" not in filled(one, language, facts)


# --- the file -----------------------------------------------------------------------------------------------------------------------


def written(directory: Path, templates: str) -> Path:
    file = directory / "statuspage.yaml"
    file.write_text(f'site: {{name: Example, url: "http://127.0.0.1:8080"}}\nservices: {{email: {{}}}}\n{templates}', encoding="utf-8")
    return file


def test_the_files_texts_take_the_place_of_the_ordinary_ones(tmp_path: Path) -> None:
    assert message_templates(load(written(tmp_path, ""), {}).config) == ORDINARY
    assert message_templates(load(written(tmp_path, "templates: {}\n"), {}).config) == ()
    (one,) = message_templates(load(written(tmp_path, 'templates: {away: {body: "{service} is away."}}\n'), {}).config)
    assert (dict(one.name), dict(one.body)) == ({"en": "Away"}, {"en": "{service} is away."})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            '{body: "{host} is down"}',
            "templates.away.body: {host} is no placeholder; there are {service}, {capabilities}, {since}, {next_update}",
        ),
        ('{body: "by {next_update}"}', "templates.away: {next_update} stands for a promise: say when, by next_update_in"),
        ('{body: "x", services: [fax]}', "templates.away.services[0]: there is no such service"),
    ],
)
def test_what_a_text_cannot_keep_is_refused_with_place_and_mend(tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(written(tmp_path, f"templates: {{away: {body}}}\n"), {})


# --- the desk -----------------------------------------------------------------------------------------------------------------------


async def test_choosing_fills_the_form_in_and_publishes_nothing(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("anna")
    card = await browser.page(f"/incidents/{incident.id}")
    assert '<option value="restart">A restart</option>' in card
    assert "Of the portal" not in card
    filled_in = await browser.page(f"/incidents/{incident.id}?template=restart")
    assert re.search(r"Email: Sending since \d\d:\d\d CET\. Next word by \d\d:\d\d CET\. \{braces\} stay\.</textarea>", filled_in)
    assert '<option value="identified" selected>' in filled_in
    assert '<option value="45" selected>in 45 minutes</option>' in filled_in
    assert house.incident(incident.id).updates == incident.updates


async def test_what_was_chosen_is_published_with_its_promise_once_a_person_sends_it(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("anna")
    fields = {"body": "Email: Sending", "state": "identified", "next_in": "45"}
    answer = await browser.send(f"/incidents/{incident.id}/updates", fields, of=f"/incidents/{incident.id}?template=restart")
    assert answer.status == 303
    told = (await (await (await house.program("pager")).get(f"/incidents/{incident.id}")).json())["updates"][-1]
    assert (told["body"], told["state"]) == ("Email: Sending", "identified")
    assert told["next_update_by"] == (house.now + timedelta(minutes=45)).isoformat().replace("+00:00", "Z")


async def test_what_the_main_page_does_not_tell_of_is_not_filled_in(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("anna")
    both = {"services": {"email": "major_outage", "portal": "major_outage"}, "name": "Both", "body": "Both are down."}
    opened = (await (await (await house.program("pager")).send("/incidents", both)).json())["id"]
    assert "Email and Customer &lt;b&gt;portal&lt;/b&gt;:" in await browser.page(f"/incidents/{opened}?template=restart")
    house.hidden = frozenset({"portal"})
    told = await browser.page(f"/incidents/{opened}?template=restart")
    assert "Email: " in told
    assert "portal&lt;" not in told.partition("u-body")[2].partition("</textarea>")[0]
    assert incident.id != opened


async def test_an_unknown_text_leaves_the_form_as_it_is(house: House) -> None:
    incident = await house.outage()
    assert "Next word by" not in await (await house.logged_in("anna")).page(f"/incidents/{incident.id}?template=nonsense")


async def test_programs_read_which_texts_there_are(house: House) -> None:
    told = (await (await (await house.program("pager")).get("/templates")).json())["items"]
    assert [one["id"] for one in told] == ["restart", "portal"]
    assert told[0]["next_update_seconds"] == 2700
    assert told[0]["body"]["de"] == "{service}: seit {since}"
