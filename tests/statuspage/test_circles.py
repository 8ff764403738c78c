"""Groups and further pages: their readers find every word in the feeds, once and in order, whoever joins or leaves later."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, select

from incidents import act, advising
from incidents.events import Event
from incidents.model import Status
from incidents.planned import planning
from statuspage.config.loading import load
from statuspage.picture.news import PAGE, About
from statuspage.render.addresses import Format
from statuspage.store.circle_rows import follow
from statuspage.store.feed_tables import feed_entries
from tests.statuspage.audiences import housed
from tests.statuspage.test_feed_archives import numbers, read
from tests.stories.surfaces import body, read_json
from tests.stories.test_broken_mail_frozen import Clock, House

TOKEN = "q7YtLw2Z9hVbXc4NfRk8Ds"
ROOT = f"/pages/{TOKEN}"
FILE = """
site: {name: Example, url: "https://status.example.net"}
console: {url: "http://127.0.0.1:8081"}
store: {url: "sqlite:///kept.db"}
services:
  email: {group: Mail}
  inbox: {group: Mail}
  payroll: {group: Mail, public: false}
  portal: {}
pages:
  staff: {name: Staff, services: [email, payroll], access: token, token: {env: STAFF}}
"""
FEEDS = ("/history", "/history/degraded", "/history/major", "/groups/{group}/history")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, Clock(), FILE, STAFF=TOKEN) as opened:
        yield opened


async def opened(house: House, **services: Status) -> str:
    before = set(house.hub.pipeline.situation.incidents)
    house.clock.wait(seconds=1)
    await house.hub.pipeline.act(partial(act.open_incident, name="Slow", services=services, by="ada", body="Word 1."))
    return (set(house.hub.pipeline.situation.incidents) - before).pop()


async def say(house: House, incident: str, *words: int) -> None:
    for number in words:
        house.clock.wait(seconds=1)
        await house.hub.pipeline.act(partial(act.update, incident=incident, by="ada", body=f"Word {number}."))
    await house.settle()


async def talk(house: House, count: int, **services: Status) -> str:
    incident = await opened(house, **services)
    await say(house, incident, *range(2, count + 1))
    return incident


async def group(house: House, root: str = "") -> str:
    rows = (await read_json(house.public, f"{root}/api/v2/components.json"))["components"]
    return next(str(row["id"]) for row in rows if row["group"])


async def catch_up(house: House, path: str, form: Format) -> list[str]:
    """Every id that a reader finds who follows the feed at *path* back, oldest first."""
    found: list[str] = []
    address: str | None = path
    while address is not None:
        document = read(form, await body(house.public, address))
        found = [*reversed(document.ids), *found]
        address = None if document.back is None else urlsplit(document.back).path
    return found


async def reloaded(house: House, text: str, directory: Path) -> None:
    file = directory / "statuspage.yaml"
    file.write_text(text, encoding="utf-8")
    await house.hub.apply(load(file, {"STAFF": TOKEN, "OTHER": f"{TOKEN}xyz"}))
    await house.settle()


@pytest.mark.parametrize("form", list(Format))
async def test_groups_and_further_pages_have_every_word_once_and_in_order(house: House, form: Format) -> None:
    await talk(house, 2 * PAGE + 20, email=Status.MAJOR, portal=Status.MAJOR)
    for root in ("", ROOT):
        for stem in FEEDS:
            where = root + stem.format(group=await group(house, root))
            newest = f"{where}.{form}"
            if form is Format.JSON and not stem.endswith(("degraded", "major")):
                newest = f"{where.removesuffix('/history')}/feed.json"
            assert numbers(await catch_up(house, newest, form)) == list(range(1, 2 * PAGE + 21)), newest
            first = read(form, await body(house.public, f"{where}/archive/1.{form}"))
            assert numbers([*reversed(first.ids)]) == list(range(1, PAGE + 1))


async def test_a_feed_by_severity_of_a_further_page_is_about_its_own_services(house: House) -> None:
    incident = await talk(house, 2, payroll=Status.DEGRADED, portal=Status.MAJOR)
    assert len(await catch_up(house, "/history/major.rss", Format.RSS)) == 2
    assert await catch_up(house, f"{ROOT}/history/major.rss", Format.RSS) == []
    assert await catch_up(house, f"{ROOT}/history/partial.rss", Format.RSS) == []
    ids = await catch_up(house, f"{ROOT}/history/degraded.rss", Format.RSS)
    assert [id_.partition(":incident/")[2] for id_ in ids] == [f"{incident}/update/1", f"{incident}/update/2"]


async def test_what_everybody_reads_of_a_group_has_no_place_for_what_is_hidden(house: House) -> None:
    await talk(house, 2 * PAGE, payroll=Status.MAJOR)
    where = f"/groups/{await group(house)}/history"
    assert await catch_up(house, f"{where}.atom", Format.ATOM) == []
    for path in (f"{where}/archive/1.atom", "/history/archive/1.rss"):
        async with house.public.get(path) as answer:
            assert answer.status == 404, path
    assert len(await catch_up(house, f"{ROOT}{where}.atom", Format.ATOM)) == 2 * PAGE
    for kept in (where, "/groups/nobodynobody/history/archive/1.rss", f"/groups/{'x' * 12}.{'y' * 12}/history.rss"):
        async with house.public.get(f"{ROOT}{kept}") as answer:
            assert answer.status == 404, kept


async def test_whoever_joins_a_group_or_leaves_it_moves_no_word_that_was_said(house: House, tmp_path: Path) -> None:
    mine, other = await talk(house, 2 * PAGE, email=Status.PARTIAL), await talk(house, 3, portal=Status.PARTIAL)
    where = f"/groups/{await group(house)}/history"
    before = {form: await body(house.public, f"{where}/archive/1.{form}") for form in Format}
    told = await catch_up(house, f"{where}.atom", Format.ATOM)
    await reloaded(house, FILE.replace("email: {group: Mail}", "email: {}").replace("portal: {}", "portal: {group: Mail}"), tmp_path)
    assert await catch_up(house, f"{where}.atom", Format.ATOM) == told
    await say(house, mine, 1000)
    await say(house, other, 1001)
    assert {form: await body(house.public, f"{where}/archive/1.{form}") for form in Format} == before
    after = await catch_up(house, f"{where}.atom", Format.ATOM)
    assert after[:-1] == told
    assert after[-1].endswith(f"{other}/update/4"), "what is said from now on is told by who is there now"


async def test_the_same_bytes_as_long_as_nothing_is_said_also_across_a_restart(tmp_path: Path) -> None:
    clock = Clock()

    async def documents(house: House) -> list[bytes]:
        own = await group(house)
        paths = [f"{root}{stem.format(group=own)}{end}" for root in ("", ROOT) for stem in FEEDS for end in (".rss", "/archive/1.atom")]
        return [await body(house.public, path) for path in paths]

    async with housed(tmp_path, clock, FILE, STAFF=TOKEN) as house:
        await talk(house, 2 * PAGE, email=Status.MAJOR, inbox=Status.PARTIAL)
        before = await documents(house)
    clock.wait(minutes=90)
    async with housed(tmp_path, clock, FILE, STAFF=TOKEN) as house:
        assert await documents(house) == before


async def test_an_archive_of_what_a_page_shows_no_more_is_there_and_empty(house: House, tmp_path: Path) -> None:
    await talk(house, 2 * PAGE, payroll=Status.MAJOR)
    await reloaded(house, FILE.replace("services: [email, payroll]", "services: [email]"), tmp_path)
    for form in Format:
        told = await body(house.public, f"{ROOT}/history/archive/1.{form}")
        assert read(form, told).ids == []
        assert b"Slow" not in told
        assert b"payroll" not in told.lower()


async def much(house: House) -> None:
    """All that can be said of services of a page, and of others, in turns."""
    acts: list[partial[tuple[Event, ...]]] = []
    starts = house.clock() + timedelta(days=9)
    for name, services in (("Mail", ("email", "payroll")), ("Web", ("portal",)), ("Pay", ("payroll", "portal"))):
        wish = planning.Wish(name=name, body="We patch.", services=services, components=(), starts=starts, ends=starts + timedelta(hours=1))
        acts.append(partial(planning.plan, by="ada", wish=wish))
        warning = advising.Wish(name={"en": name}, body={"en": "A storm."}, services=services, starts=house.clock(), ends=starts)
        acts.append(partial(advising.publish, by="ada", wish=warning))
    first = await opened(house, email=Status.MAJOR, payroll=Status.DEGRADED)
    for one in acts:
        house.clock.wait(seconds=5)
        await house.hub.pipeline.act(one)
        await say(house, first, 2)
    await talk(house, 4, payroll=Status.PARTIAL, portal=Status.MAJOR)
    await talk(house, 3, portal=Status.MAJOR)


def places(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """What has places where, by the page."""
    chosen = select(feed_entries).order_by(feed_entries.c.about, feed_entries.c.place)
    told: dict[str, list[tuple[object, ...]]] = {}
    for row in connection.execute(chosen):
        page, _, of = row.service.partition(".")
        told.setdefault(page, []).append((row.about, of, row.place, row.incident, row.maintenance, row.advisory, row.word))
    return told


async def test_a_page_that_comes_later_is_told_as_if_it_had_been_there(house: House, tmp_path: Path) -> None:
    await much(house)
    other = "  other: {name: Other, services: [email, payroll], access: token, token: {env: OTHER}}\n"
    await reloaded(house, FILE + other, tmp_path)
    ids = house.hub.press.public_ids
    told = await house.hub.store.read(places)
    assert {row[0] for row in told[ids["page:staff"]]} == {*About} - {About.SERVICE, About.SERVICE_MAINTENANCE}
    assert told[ids["page:other"]] == told[ids["page:staff"]]
    await reloaded(house, FILE + other, tmp_path)
    assert await house.hub.store.read(places) == told


async def test_a_store_of_an_older_release_gets_its_places_once(tmp_path: Path) -> None:
    clock = Clock()
    async with housed(tmp_path, clock, FILE, STAFF=TOKEN) as house:
        await much(house)
        before = await house.hub.store.read(places)

        def older(connection: Connection) -> None:
            follow(connection, [])
            connection.execute(feed_entries.delete().where(feed_entries.c.about == About.GROUP))
            connection.execute(feed_entries.delete().where(feed_entries.c.service == house.hub.press.public_ids["page:staff"]))

        await house.hub.store.write(older)
        assert await house.hub.store.read(places) != before
    async with housed(tmp_path, clock, FILE, STAFF=TOKEN) as house:
        assert await house.hub.store.read(places) == before
