"""The mirror beside what is served: all of it, byte for byte but for what needs a server, and nothing else."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import process_time, thread_time

import pytest

from incidents.events import Event, Spared
from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from incidents.planned import planning
from incidents.planned.planning import Terms, Wish
from probes.result import Result
from statuspage.mirror.files import FRESH, MISSING, file_of, leaves
from statuspage.mirror.links import led_home, links
from statuspage.mirror.order import cache_of, type_of
from statuspage.mirror.run import Mirror
from statuspage.mirror.version import Leaf
from statuspage.mirror.walk import MOST_OLDER, NOT_MIRRORED, Walk, is_mirrored
from statuspage.picture.archive import month_before, month_of
from statuspage.picture.news import About, Topic
from statuspage.picture.page import Snapshot
from statuspage.publish import HTML
from statuspage.render.addresses import Document, Format, path_of
from statuspage.render.finished import Finished, finish
from statuspage.web.public_routes import PUBLIC_ROUTES
from tests.statuspage.pictures import NOW, SITE, bulletin, public_id, said, service, snapshot, story, update, window
from tests.statuspage.serving import Served, serving
from tests.statuspage.test_press import House, house

__all__ = ["house"]

EMAIL, PORTAL = service("email"), service("portal")
OPEN = story(update(1), id_="incidentopen")
OVER = story(update(1), update(2, State.RESOLVED), id_="incidentover")
ANNOUNCED = window(said(1, MaintenanceState.SCHEDULED, NOW))
LIVE = SITE.url
HOUR = timedelta(hours=1)


def told(**more: object) -> Snapshot:
    return replace(snapshot(EMAIL, PORTAL, stories=(OPEN, OVER), statuses={"email": Status.PARTIAL}), windows=(ANNOUNCED,), **more)  # type: ignore[arg-type]


@dataclass
class Mirrored:
    """A shelf as it is served, and the walk through it."""

    served: Served
    walk: Walk

    @classmethod
    def made(cls) -> "Mirrored":
        served = Served()
        served.past = {path: page(path) for path in ("/history", "/history/2026-11", "/history/2026-10")}
        return cls(served, Walk(publisher=served.publisher, older=served.find, past=served.find_past))

    async def found(self, snapshot: Snapshot) -> Mapping[str, Finished]:
        return await self.walk.everything(self.served.publish(snapshot))

    async def leaves(self, snapshot: Snapshot) -> Mapping[str, Leaf]:
        found = await self.found(snapshot)
        assert self.served.shelf is not None
        assert self.served.fresh is not None
        return leaves(found, self.served.shelf.missing, self.served.fresh, LIVE)


@pytest.fixture
def mirrored() -> Mirrored:
    return Mirrored.made()


def page(body: str) -> Finished:
    return finish(f"<!doctype html><main>{body}</main>".encode(), HTML)


# --- what is in it


def long_told() -> Snapshot:
    """So much was said of email that every feed has an archive."""
    words = story(*(update(number) for number in range(1, 121)), id_="incidentopen", worst={"email": Status.MAJOR})
    plans = window(*(said(number, MaintenanceState.SCHEDULED, NOW + timedelta(seconds=number)) for number in range(1, 121)))
    return replace(snapshot(EMAIL, PORTAL, stories=(words, OVER)), windows=(plans,), bulletins=(bulletin(),))


async def test_every_public_route_is_mirrored_or_has_a_reason_not_to_be(mirrored: Mirrored) -> None:
    of = {About.SERVICE: "email", About.SERVICE_MAINTENANCE: "email", About.GROUP: public_id("groupCommunication")}
    topics = [Topic(about, of.get(about, "")) for about in About]
    archives = (path_of(Document(topic, form, number)) for topic in topics for form in Format for number in range(1, 6))
    mirrored.served.older = {path: finish(path.encode(), "text/plain") for path in archives}
    mirrored.served.past |= {"/history/2026-10": page(leading("/services/email/history/2026-10")), **of_email("2026-10")}
    mirrored.served.past["/history"] = page(leading("/history/2026-10"))
    found = await mirrored.leaves(long_told())
    paths = {f"/{name.removesuffix('index.html').rstrip('/')}" for name in found}
    missing = {route.path for route in PUBLIC_ROUTES if not any(route.covers(path) for path in paths)}
    assert missing == NOT_MIRRORED.keys()
    assert all(NOT_MIRRORED.values())


def leading(*paths: str) -> str:
    return "".join(f'<a href="{path}">there</a>' for path in paths)


def of_email(month: str) -> dict[str, Finished]:
    """A month of one service, and its ledger."""
    kinds = {"json": "application/json", "csv": "text/csv"}
    ledgers = {f"/services/email/ledger/{month}.{form}": finish(month.encode(), kind) for form, kind in kinds.items()}
    return {f"/services/email/history/{month}": page(leading(*ledgers)), **ledgers}


async def test_nothing_is_mirrored_that_the_public_listener_does_not_serve_and_every_byte_is_the_same(mirrored: Mirrored) -> None:
    found = await mirrored.found(told())
    files = await mirrored.leaves(told())
    homes = {path: file_of(path, one) for path, one in found.items()}
    async with serving(mirrored.served) as session:
        for path, name in homes.items():
            async with session.get(path) as answer:
                body = await answer.read()
                assert answer.status == 200, path
            assert files[name].body == led_home(finish(body, answer.headers["Content-Type"]), path, found.keys(), LIVE).body, path
        async with session.get(f"/{FRESH}") as answer:
            assert files[FRESH].body == await answer.read()
        async with session.get("/nothing-here") as answer:
            assert (answer.status, await answer.read()) == (404, files[MISSING].body)
    assert {name.removesuffix(".gz") for name in files} == {*homes.values(), FRESH, MISSING}


async def test_a_bucket_says_of_everything_what_the_public_listener_says(mirrored: Mirrored) -> None:
    of = {About.SERVICE: "email", About.SERVICE_MAINTENANCE: "email", About.GROUP: public_id("groupCommunication")}
    topics = [Topic(about, of.get(about, "")) for about in About]
    archives = {path_of(Document(topic, Format.JSON, 1)): finish(b"{}", "application/feed+json; charset=utf-8") for topic in topics}
    mirrored.served.older = archives
    with_months(mirrored, "2026-10")
    found = await mirrored.found(long_told())
    async with serving(mirrored.served) as session:
        for path, one in found.items():
            async with session.get(path) as answer:
                said = answer.content_type, answer.headers["Cache-Control"]
            assert (type_of(file_of(path, one)).partition(";")[0], cache_of(file_of(path, one))) == said, path


async def test_pages_differ_from_the_served_ones_by_nothing_but_links_to_what_a_file_cannot_be(mirrored: Mirrored) -> None:
    found, files = await mirrored.found(told()), await mirrored.leaves(told())
    different = {path for path, one in found.items() if files[file_of(path, one)].body != one.body}
    assert {path for path in different if not path.startswith(("/report/", "/incidents/"))} <= {"/service-levels"}
    assert any(path.startswith("/report/") for path in different), "their forms lead home"
    assert any(path.startswith("/incidents/") for path in different), "they ask for no answer that a file cannot take"
    assert all(is_mirrored(link) for path, one in found.items() if path not in different for link in links(one, LIVE))


async def test_months_are_mirrored_and_those_that_are_over_asked_for_once_until_more_is_known(mirrored: Mirrored) -> None:
    mirrored.served.past["/history"] = page('<a href="/history/2026-10">before</a><a href="/history/2026-11">now</a>')
    await mirrored.found(told())
    found = await mirrored.found(told())
    assert {"/history", "/history/2026-10", "/history/2026-11"} <= found.keys()
    there = [path for path in mirrored.served.asked_past if path in mirrored.served.past]
    assert sorted(there) == [*["/history"] * 2, "/history/2026-10", *["/history/2026-11"] * 2]
    mirrored.walk.forget_months(NOW.date())
    await mirrored.found(told())
    assert mirrored.served.asked_past.count("/history/2026-10") == 1
    mirrored.walk.forget_months(NOW.date() - timedelta(days=30))
    await mirrored.found(told())
    assert mirrored.served.asked_past.count("/history/2026-10") == 2


def with_months(mirrored: Mirrored, *months: str) -> None:
    """Months of email are there, and the newest page leads to them, to what goes on, and to periods that are no months."""
    paths = [path for month in months for path in of_email(month)]
    more = ["/services/email/history", "/services/email/ledger/2026.json", "/services/email/ledger/2026-Q4.csv"]
    mirrored.served.past = {path: one for month in months for path, one in of_email(month).items()}
    mirrored.served.past |= {path: page("goes on") for path in more} | {"/history": page(leading(*paths, *more))}


async def test_of_a_service_the_months_that_are_over_are_mirrored_with_their_ledgers_and_asked_for_once(mirrored: Mirrored) -> None:
    with_months(mirrored, "2026-11", "2026-10", "2026-09")
    files = await mirrored.leaves(told())
    await mirrored.found(told())
    over = {path for month in ("2026-10", "2026-09") for path in of_email(month)}
    assert {path for path in mirrored.served.past if path.startswith("/services/")} & (await mirrored.found(told())).keys() == over
    assert all(mirrored.served.asked_past.count(path) == 1 for path in over)
    front = files["history/index.html"].body.decode()
    assert 'href="/services/email/ledger/2026-10.csv"' in front
    for path in ("history", "history/2026-11", "ledger/2026-11.json", "ledger/2026.json", "ledger/2026-Q4.csv"):
        assert f'href="{LIVE}/services/email/{path}"' in front, path


async def test_what_is_known_anew_of_a_month_is_asked_for_again_with_its_ledger(mirrored: Mirrored) -> None:
    with_months(mirrored, "2026-10", "2026-09")
    await mirrored.found(told())
    changed = {path: page("counted otherwise") for path in of_email("2026-10")}
    mirrored.served.past |= changed
    mirrored.walk.forget_months(NOW.date().replace(month=10, day=15))
    found = await mirrored.found(told())
    assert all(found[path] is one for path, one in changed.items())
    assert mirrored.served.asked_past.count("/services/email/ledger/2026-09.csv") == 1


async def test_planned_work_leaves_the_months_before_it_as_they_are(house: House, mirrored: Mirrored) -> None:
    press, now = house.press, house.world.now
    mirror = Mirror.beside(press, past=mirrored.served.find_past, to=lambda: None)

    def hear(events: Sequence[Event], results: Sequence[Result]) -> None:
        press.hear(events, results)
        mirror.hear(events)

    press.pipeline.audience = hear
    this = month_of(now, press.site.timezone)
    before, long_before = (f"/history/{month:%Y-%m}" for month in (month_before(this), month_before(month_before(this))))
    mirrored.served.past = {"/history": page(leading(before, long_before)), before: page("last"), long_before: page("the one before")}

    async def asked() -> int:
        mirrored.served.asked_past.clear()
        await mirror.walk.everything(await press.issue())
        return sum(mirrored.served.asked_past.count(path) for path in (before, long_before))

    wish = Wish(name="New disks", services=("email",), starts=now + HOUR, ends=now + 2 * HOUR, body="Mail may pause.")
    assert await asked() == 2
    await press.pipeline.act(partial(planning.plan, by="ada", wish=wish, terms=Terms(override="No other day.")))
    assert await asked() == 0
    (id_,) = press.pipeline.situation.maintenances
    await press.pipeline.act(partial(planning.cancel, maintenance=id_, by="ada", body="Not now."))
    assert await asked() == 0
    mirror.hear([Spared(at=now, maintenance="unknownwindo", components=())])
    assert await asked() == 2, "nobody knows how far back it reaches"


async def test_no_news_waits_for_a_long_past_and_all_of_it_is_there_in_the_end(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuspage.mirror.walk.MOST_ASKED", 4)
    with_months(mirrored, "2026-10", "2026-09", "2026-08")
    wanted, there = {path for month in ("2026-10", "2026-09", "2026-08") for path in of_email(month)}, list[int]()
    while not there or not mirrored.walk.is_whole:
        there.append(len(wanted & (await mirrored.found(told())).keys()))
    assert there == [4, 8, 9]
    assert len([path for path in mirrored.served.asked_past if path in wanted]) == len(wanted)
    at_once = Mirrored.made()
    with_months(at_once, "2026-10", "2026-09", "2026-08")
    assert wanted <= (await at_once.walk.everything(at_once.served.publish(told()), at_once=True)).keys()


async def test_so_many_months_of_services_are_followed_as_many_of_each(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuspage.mirror.walk.MOST_MONTHS", 4)  # and there are two services
    with_months(mirrored, "2026-10", "2026-09", "2026-08")
    found = await mirrored.found(told())
    assert {*of_email("2026-10"), *of_email("2026-09")} <= found.keys()
    assert of_email("2026-08").keys().isdisjoint(found)


async def test_the_compressed_file_holds_the_same(mirrored: Mirrored) -> None:
    files = await mirrored.leaves(told())
    packed = {name: one for name, one in files.items() if name.endswith(".gz")}
    assert {"index.html.gz", "api/v2/summary.json.gz"} <= packed.keys()
    assert all(gzip.decompress(one.body) == files[name.removesuffix(".gz")].body for name, one in packed.items())


# --- what lies further back


def older(*names: str) -> dict[str, Finished]:
    """Pages behind the shelf, each leading to the next."""
    ring = [f"/incidents/{name}" for name in names]
    return {path: page(f'<a href="{after}">then</a>') for path, after in zip(ring, [*ring[1:], "/"], strict=True)}


async def test_pages_behind_the_shelf_are_followed_from_link_to_link_and_asked_for_once(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored.served.older = older("oldaaaaaaaa1", "oldaaaaaaaa2")
    _leading(mirrored, monkeypatch, "/incidents/oldaaaaaaaa1")
    assert mirrored.served.older.keys() <= (await mirrored.found(told())).keys()
    await mirrored.found(told())
    assert sorted(mirrored.served.asked) == ["/incidents/oldaaaaaaaa1", "/incidents/oldaaaaaaaa2"]


async def test_a_page_of_which_something_was_said_or_withdrawn_is_asked_for_again(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored.served.older = older("oldaaaaaaaa1")
    _leading(mirrored, monkeypatch, "/incidents/oldaaaaaaaa1")
    await mirrored.found(told())
    mirrored.served.older["/incidents/oldaaaaaaaa1"] = page("This text was withdrawn.")
    mirrored.walk.forget(["/incidents/oldaaaaaaaa1"])
    assert b"withdrawn" in (await mirrored.found(told()))["/incidents/oldaaaaaaaa1"].body


async def test_a_page_that_was_read_just_before_it_was_withdrawn_is_asked_for_again(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/incidents/oldaaaaaaaa1"
    mirrored.served.older = older("oldaaaaaaaa1")
    _leading(mirrored, monkeypatch, path)

    async def slow(asked: str) -> Finished | None:
        found = await mirrored.served.find(asked)
        mirrored.served.older[path] = page("This text was withdrawn.")
        mirrored.walk.forget([path])
        mirrored.walk.older = mirrored.served.find
        return found

    mirrored.walk.older = slow
    assert b"withdrawn" not in (await mirrored.found(told()))[path].body
    assert b"withdrawn" in (await mirrored.found(told()))[path].body


async def test_so_many_pages_are_followed_and_what_is_older_leads_to_the_live_site(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statuspage.mirror.walk.MOST_OLDER", 2)
    assert MOST_OLDER > 100
    mirrored.served.older = older("oldaaaaaaaa1", "oldaaaaaaaa2", "oldaaaaaaaa3")
    _leading(mirrored, monkeypatch, "/incidents/oldaaaaaaaa1")
    files = await mirrored.leaves(told())
    assert "incidents/oldaaaaaaaa3/index.html" not in files
    assert f'href="{LIVE}/incidents/oldaaaaaaaa3"'.encode() in files["incidents/oldaaaaaaaa2/index.html"].body


async def test_a_page_that_is_not_public_is_not_in_the_mirror(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    _leading(mirrored, monkeypatch, "/incidents/draftdraftdr")
    assert "/incidents/draftdraftdr" not in await mirrored.found(told())


def _leading(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Let the page of planned work lead to *path* too, as a page of history does."""
    made = mirrored.served.publisher._html.maintenances
    monkeypatch.setattr(mirrored.served.publisher._html, "maintenances", lambda page: made(page) + f'<a href="{path}">before</a>'.encode())


# --- what a quiet minute costs


async def test_in_a_quiet_minute_only_the_pages_of_services_are_made_anew(mirrored: Mirrored) -> None:
    first = await mirrored.found(told())
    later = await mirrored.walk.everything(mirrored.served.publish(told(), NOW + timedelta(minutes=1)))
    faces = set(mirrored.served.publisher.paths_of_services(mirrored.served.shelf.page))  # type: ignore[union-attr]
    assert {path for path in faces if later[path] is not first[path]} >= {"/services/email", "/services/portal"}
    assert all(later[path] is first[path] for path in faces if "." in path)
    assert later["/services/email"].body != first["/services/email"].body


async def test_a_change_makes_the_feeds_and_badges_of_services_anew(mirrored: Mirrored) -> None:
    first = await mirrored.found(told())
    changed = await mirrored.found(snapshot(EMAIL, PORTAL, stories=(OVER,)))
    assert first["/badges/email.svg"].body != changed["/badges/email.svg"].body
    assert first["/services/email/history.rss"].body != changed["/services/email/history.rss"].body


async def test_the_event_loop_has_hardly_any_part_in_it(mirrored: Mirrored) -> None:
    services = [service(f"service-{number}") for number in range(30)]
    shelf = mirrored.served.publish(snapshot(*services, stories=(OVER,), days=90))
    await mirrored.walk.everything(shelf)
    own, all_of_it = thread_time(), process_time()
    await mirrored.walk.everything(shelf)
    assert (thread_time() - own) / (process_time() - all_of_it) < 0.07


async def test_nothing_that_is_kept_is_gone_through_without_a_turn_of_the_loop(mirrored: Mirrored) -> None:
    names = [f"old{number:09d}" for number in range(200)]
    mirrored.served.older = older(*names)
    mirrored.served.past["/history"] = page(leading(*mirrored.served.older))
    await mirrored.found(told())
    loop, turns = asyncio.get_running_loop(), 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    shelf = mirrored.served.publish(told())
    turn()
    found = await mirrored.walk.everything(shelf)
    assert turns >= len(found) - len(shelf.files) >= len(names)


# --- links and forms


@pytest.mark.parametrize(
    ("written", "mirrored_as"),
    [
        ('<a href="/incidents/abc">', '<a href="/incidents/abc">'),
        ('<a href="/incidents/abc#update-1">', '<a href="/incidents/abc#update-1">'),
        ('<a href="/incidents/abc?page=2">', f'<a href="{LIVE}/incidents/abc?page=2">'),
        ('<a href="/subscribe">', f'<a href="{LIVE}/subscribe">'),
        ('<img src="/badges/gone.svg">', f'<img src="{LIVE}/badges/gone.svg">'),
        ('<a href="https://example.org/subscribe">', '<a href="https://example.org/subscribe">'),
        ('<a href="//example.org/x">', '<a href="//example.org/x">'),
        ('<a href="#main">', '<a href="#main">'),
        ("<p>write href=&#34;/subscribe&#34; into it</p>", "<p>write href=&#34;/subscribe&#34; into it</p>"),
    ],
)
def test_a_link_to_what_is_not_in_the_mirror_leads_to_the_live_site(written: str, mirrored_as: str) -> None:
    assert led_home(page(written), "/", {"/", "/incidents/abc"}, LIVE).body == page(mirrored_as).body


def test_a_form_becomes_a_link_to_its_page_on_the_live_site() -> None:
    form = '<form method="post" action="/report">\n<input name="service"><button class="a">Send &amp; go</button>\n</form>'
    body = led_home(page(f"<p>before</p>{form}<p>after</p>"), "/report", set(), LIVE).body.decode()
    assert "<form" not in body
    assert f'<p>before</p><p class="elsewhere"><a href="{LIVE}/report">Send &amp; go (on our live site)</a></p><p>after</p>' in body


def test_a_form_is_spoken_of_in_the_language_of_its_page() -> None:
    german = finish(b'<!doctype html><html lang="de"><main><form action="/de/report"></form></main>', HTML)
    assert "Auf unserer eigentlichen Statusseite weiter" in led_home(german, "/de/report", set(), LIVE).body.decode()


def test_what_is_no_page_is_left_as_it_is() -> None:
    feed = finish(b'<feed><link href="/subscribe"/></feed>', "application/atom+xml")
    assert led_home(feed, "/history.atom", set(), LIVE) is feed
    assert list(links(feed, LIVE)) == []


def test_a_path_finds_its_file_on_any_static_host() -> None:
    assert file_of("/", page("")) == "index.html"
    assert file_of("/incidents/abc", page("")) == "incidents/abc/index.html"
    assert file_of("/services/email/history.rss", finish(b"", "application/rss+xml")) == "services/email/history.rss"


def test_the_reasons_name_routes_that_there_are() -> None:
    assert NOT_MIRRORED.keys() <= {route.path for route in PUBLIC_ROUTES}
    assert Path(FRESH).suffix == ".json"
