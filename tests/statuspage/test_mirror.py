"""The mirror beside what is served: all of it, byte for byte but for what needs a server, and nothing else."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import process_time, thread_time

import pytest

from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from statuspage.mirror.files import FRESH, MISSING, file_of, leaves
from statuspage.mirror.links import led_home, links
from statuspage.mirror.version import Leaf
from statuspage.mirror.walk import MOST_OLDER, NOT_MIRRORED, Walk, is_mirrored
from statuspage.picture.news import About, Topic
from statuspage.picture.page import Snapshot
from statuspage.publish import HTML
from statuspage.render.addresses import Document, Format, path_of
from statuspage.render.finished import Finished, finish
from statuspage.web.public_routes import PUBLIC_ROUTES
from tests.statuspage.pictures import NOW, SITE, said, service, snapshot, story, update, window
from tests.statuspage.serving import Served, serving

EMAIL, PORTAL = service("email"), service("portal")
OPEN = story(update(1), id_="incidentopen")
OVER = story(update(1), update(2, State.RESOLVED), id_="incidentover")
ANNOUNCED = window(said(1, MaintenanceState.SCHEDULED, NOW))
LIVE = SITE.url


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
    return replace(snapshot(EMAIL, PORTAL, stories=(words, OVER)), windows=(plans,))


async def test_every_public_route_is_mirrored_or_has_a_reason_not_to_be(mirrored: Mirrored) -> None:
    topics = [Topic(about, "email" if "service" in about else "") for about in About]
    archives = (path_of(Document(topic, form, number)) for topic in topics for form in Format for number in range(1, 6))
    mirrored.served.older = {path: finish(path.encode(), "text/plain") for path in archives}
    found = await mirrored.leaves(long_told())
    paths = {f"/{name.removesuffix('index.html').rstrip('/')}" for name in found}
    missing = {route.path for route in PUBLIC_ROUTES if not any(route.covers(path) for path in paths)}
    assert missing == NOT_MIRRORED.keys()
    assert all(NOT_MIRRORED.values())


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


async def test_pages_differ_from_the_served_ones_by_nothing_but_links_to_what_a_file_cannot_be(mirrored: Mirrored) -> None:
    found, files = await mirrored.found(told()), await mirrored.leaves(told())
    different = {path for path, one in found.items() if files[file_of(path, one)].body != one.body}
    assert {path for path in different if not path.startswith("/report/")} <= {"/service-levels"}
    assert any(path.startswith("/report/") for path in different), "their forms lead home"
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
    mirrored.served.older["/incidents/oldaaaaaaaa1"] = page("This text has been withdrawn.")
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
        mirrored.served.older[path] = page("This text has been withdrawn.")
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
