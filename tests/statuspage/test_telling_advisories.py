"""Who is written to of an advisory: those who want to hear of its services, once it has stood for a while, and how it goes on."""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from incidents import advising
from incidents.advising import Wish as Storm
from incidents.model import Status
from statuspage.picture.audience import Wish
from statuspage.render.webhook import advisory_told
from statuspage.store import outbox
from tests.statuspage.tellings import House, known, telling


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield opened


async def warn(house: House, *services: str, hours: float | None = 5) -> str:
    """Warn of a storm; gives the advisory's id."""
    now = house.world.now
    wish = Storm(
        name={"en": "Storm warning", "de": "Sturmwarnung"},
        services=services,
        starts=now,
        ends=None if hours is None else now.replace(hour=now.hour + int(hours)),
        body={"en": "Lines may fail.", "de": "Leitungen können ausfallen."},
    )
    before = set(house.pipeline.situation.advisories)
    await house.pipeline.act(partial(advising.publish, by="ada", wish=wish))
    (id_,) = set(house.pipeline.situation.advisories) - before
    return id_


async def test_it_is_held_back_for_the_patience_of_its_services(house: House) -> None:
    await house.subscribe("ada@example.org")
    await warn(house, "email")
    await house.pass_by(119)
    await house.deliver()
    assert house.postbox.letters == []
    await house.pass_by(1)
    await house.deliver()
    (letter,) = house.postbox.letters
    assert letter.subject == "Storm warning – advisory"


async def test_a_letter_says_what_until_when_and_that_nothing_is_broken(house: House) -> None:
    await house.subscribe("ada@example.org")
    id_ = await warn(house, "email")
    await house.pass_by(120)
    await house.deliver()
    (letter,) = house.postbox.letters
    for words in ("Lines may fail.", "Email", "not news of an outage", f"/advisories/{id_}", "13:00"):
        assert words in letter.text
        assert words in letter.html


async def test_a_reader_of_german_is_written_to_in_german(house: House) -> None:
    house.press.site = house.deliverer.letters.site = house.press.site.__class__(
        **{name: getattr(house.press.site, name) for name in house.press.site.__dataclass_fields__} | {"languages": ("en", "de")}
    )
    await house.subscribe("ada@example.org", language="de")
    await warn(house, "email", hours=None)
    await house.pass_by(120)
    await house.deliver()
    (letter,) = house.postbox.letters
    assert letter.subject == "Sturmwarnung – Vorwarnung"
    assert "Leitungen können ausfallen." in letter.text


async def test_what_is_withdrawn_at_once_is_told_to_nobody(house: House) -> None:
    await house.subscribe("ada@example.org")
    id_ = await warn(house, "email")
    await house.pipeline.act(partial(advising.withdraw, advisory=id_, by="ada"))
    await house.pass_by(600)
    await house.deliver()
    assert house.postbox.letters == []
    told = await house.store.read(lambda connection: outbox.told(connection, advisory=id_))
    assert [one.verdict.value for one in told if one.verdict] == ["over", "over"]


async def test_who_heard_of_it_hears_how_it_goes_on(house: House) -> None:
    await house.subscribe("ada@example.org")
    id_ = await warn(house, "email")
    await house.pass_by(120)
    await house.deliver()
    await house.pipeline.act(partial(advising.move, advisory=id_, by="ada", ends=None))
    await house.pipeline.act(partial(advising.withdraw, advisory=id_, by="ada"))
    await house.deliver()
    assert [letter.subject for letter in house.postbox.letters] == [
        "Storm warning – advisory",
        "Storm warning – advisory for another time",
        "Storm warning – advisory withdrawn",
    ]
    assert "It holds no longer." in house.postbox.letters[-1].text


async def test_those_of_other_services_and_those_who_want_outages_alone_hear_nothing(house: House) -> None:
    await house.subscribe("other@example.org", Wish(services=frozenset({"portal"})))
    await house.subscribe("worse@example.org", Wish(floor=Status.PARTIAL))
    await house.subscribe("mine@example.org", Wish(services=frozenset({"email"}), wants_maintenance=False))
    await warn(house, "email")
    await house.pass_by(120)
    await house.deliver()
    assert [letter.to for letter in house.postbox.letters] == ["mine@example.org"]


async def test_nobody_is_written_to_of_a_notice(house: House) -> None:
    await house.subscribe("ada@example.org")
    id_ = await warn(house, hours=None)
    await house.pass_by(600)
    await house.deliver()
    assert house.postbox.letters == []
    (told,) = await house.store.read(lambda connection: outbox.told(connection, advisory=id_))
    assert told.verdict is not None
    assert told.verdict.value == "quiet"


async def test_a_webhook_is_told_an_advisory_and_never_an_incident(house: House) -> None:
    await warn(house, "email")
    page = (await house.press.issue()).page
    (view,) = page.advisories
    body = json.loads(advisory_told(page, view, page, "https://end"))
    assert set(body) == {"meta", "page", "advisory"}
    assert body["page"]["status_indicator"] == json.loads(advisory_told(page, view, page, ""))["page"]["status_indicator"]
    told = body["advisory"]
    assert (told["name"], told["status"], [one["name"] for one in told["components"]]) == ("Storm warning", "in_force", ["Email"])
    assert [(one["turn"], one["body"]) for one in told["updates"]] == [("published", "Lines may fail.")]
