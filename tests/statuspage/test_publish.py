"""A publication: every public path finished, and nothing made twice."""

import gzip
import json
from dataclasses import replace
from datetime import datetime, timedelta
from time import process_time

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.model import Standing, State, Status, Subject
from statuspage import bundled
from statuspage.picture import page as picture
from statuspage.picture.page import Snapshot
from statuspage.publish import Publisher, Shelf
from statuspage.render.fresh import fresh
from statuspage.render.html import Html
from tests.statuspage.pictures import BORN, NOW, heard, service, snapshot, story, update

API = {
    "summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances", "scheduled-maintenances/upcoming",
    "scheduled-maintenances/active",
}  # fmt: skip
EMAIL, PORTAL = service("email"), service("portal")
OPEN = story(update(1), id_="incidentopen")
OVER = story(update(1), update(2, State.RESOLVED), id_="incidentover")
PROMISED = story(update(1, next_update_by=NOW), id_="incidentlate", services=("email", "gone"))


@st.composite
def rounds(draw: st.DrawFn) -> tuple[Snapshot, datetime]:
    """A picture and its instant, where everything that is kept by a part of its own may differ from the picture before."""
    stories = draw(st.lists(st.sampled_from((OPEN, OVER, PROMISED)), unique_by=lambda told: told.incident.id))
    shown = draw(st.lists(st.sampled_from((EMAIL, PORTAL)), unique_by=lambda one: one.id, min_size=1))
    statuses = {one.id: draw(st.sampled_from(Status)) for one in shown}
    told = snapshot(*shown, stories=tuple(stories), days=draw(st.integers(1, 3)), statuses=statuses)
    site = replace(told.site, timezone=draw(st.sampled_from(("UTC", "Asia/Kathmandu"))), name=draw(st.sampled_from(("Muster", "Other"))))
    seen = {one.id: NOW - timedelta(seconds=draw(st.integers(0, 90))) for one in shown if draw(st.booleans())}
    standings = dict(told.situation.standings)
    standings[Subject.COMPONENT, "email-sending"] = Standing(status=draw(st.sampled_from(Status)), since=BORN)
    told = replace(told, site=site, seen=seen, situation=replace(told.situation, standings=standings))
    return heard(told), NOW + draw(st.sampled_from((timedelta(0), timedelta(minutes=2), timedelta(days=20))))


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(Html(bundled.templates()))


def changed(before: Shelf, after: Shelf) -> set[str]:
    return {path for path in {*before.files, *after.files} if before.files.get(path) is not after.files.get(path)}


def test_every_public_path_is_on_the_shelf(publisher: Publisher) -> None:
    files = publisher.publish(heard(snapshot(EMAIL, PORTAL, stories=(OPEN, OVER))), NOW).files
    assets = {path for path in files if path.startswith("/assets/")}
    feeds = {"/history.rss", "/history.atom", "/feed.json", "/maintenance.rss", "/maintenance.atom"}
    feeds |= {"/maintenance.json", "/maintenance.ics"}
    pages = {"/", "/maintenance", "/service-levels", "/subscribe", "/report", "/incidents/incidentopen", "/incidents/incidentover"}
    others = {"/banner.js", "/banner.json", "/robots.txt", "/sitemap.xml"}
    assert files.keys() - assets == pages | feeds | others | {f"/api/v2/{name}.json" for name in API}
    assert {files[path].content_type.partition(";")[0] for path in assets} == {"text/css", "text/javascript", "image/svg+xml", "image/png"}


def test_what_is_served_as_json_html_or_a_feed_is_that(publisher: Publisher) -> None:
    shelf = publisher.publish(heard(snapshot(EMAIL, stories=(OPEN,))), NOW)
    kinds = {path: finished.content_type.partition(";")[0] for path, finished in shelf.files.items()}
    assert (kinds["/"], kinds["/history.rss"], kinds["/history.atom"]) == ("text/html", "application/rss+xml", "application/atom+xml")
    assert all(json.loads(shelf.files[path].body) for path, kind in kinds.items() if kind == "application/json")
    assert b"<!doctype html>" in shelf.missing.body[:100].lower()
    assert shelf.missing not in shelf.files.values()


def test_all_surfaces_of_one_publication_tell_the_same_story(publisher: Publisher) -> None:
    files = publisher.publish(heard(snapshot(EMAIL, stories=(OPEN,), statuses={"email": Status.PARTIAL})), NOW).files
    assert b"Email: sending not working" in files["/"].body
    assert b"We are looking into it." in files["/incidents/incidentopen"].body
    assert feedparser.parse(files["/history.rss"].body).entries[0].id.endswith("incidentopen/update/1")
    assert json.loads(files["/api/v2/summary.json"].body)["incidents"][0]["id"] == "incidentopen"


def test_the_same_picture_is_not_made_again(publisher: Publisher) -> None:
    told = heard(snapshot(EMAIL, stories=(OPEN, OVER)))
    first = publisher.publish(told, NOW)
    assert changed(first, publisher.publish(told, NOW + timedelta(seconds=20))) == set()
    assert changed(first, publisher.publish(heard(snapshot(EMAIL, stories=(OPEN, OVER))), NOW)) == set()


def test_a_quiet_minute_renews_what_carries_the_time_and_nothing_else(publisher: Publisher) -> None:
    told = heard(snapshot(EMAIL, stories=(OPEN, OVER)))
    first = publisher.publish(told, NOW)
    later = publisher.publish(told, NOW + timedelta(minutes=3))
    assert changed(first, later) == {"/", "/incidents/incidentopen", "/service-levels"}


def test_a_new_update_renews_every_surface_that_tells_it(publisher: Publisher) -> None:
    first = publisher.publish(heard(snapshot(EMAIL, stories=(OPEN, OVER))), NOW)
    grown = story(*OPEN.updates, update(2, State.IDENTIFIED), id_="incidentopen")
    now = publisher.publish(heard(snapshot(EMAIL, stories=(grown, OVER))), NOW)
    told = {"/", "/incidents/incidentopen", "/history.rss", "/history.atom"}
    assert changed(first, now) >= told | {f"/api/v2/{name}.json" for name in ("summary", "incidents", "incidents/unresolved")}
    assert "/incidents/incidentover" not in changed(first, now)


def test_a_change_of_status_alone_leaves_the_feeds_untouched(publisher: Publisher) -> None:
    first = publisher.publish(heard(snapshot(EMAIL)), NOW)
    now = publisher.publish(heard(snapshot(EMAIL, statuses={"email": Status.DEGRADED})), NOW)
    assert {"/", "/api/v2/status.json"} <= changed(first, now)
    assert not {"/history.rss", "/history.atom"} & changed(first, now)


def test_trouble_elsewhere_leaves_the_page_of_an_open_incident_as_it_is(publisher: Publisher) -> None:
    first = publisher.publish(heard(snapshot(EMAIL, PORTAL, stories=(OPEN,))), NOW)
    now = publisher.publish(heard(snapshot(EMAIL, PORTAL, stories=(OPEN,), statuses={"portal": Status.MAJOR})), NOW)
    assert "/" in changed(first, now)
    assert "/incidents/incidentopen" not in changed(first, now)


def test_the_page_of_an_open_incident_tells_what_its_services_can_do_now(publisher: Publisher) -> None:
    told = snapshot(EMAIL, stories=(OPEN,))
    first = publisher.publish(told, NOW)
    standings = {**told.situation.standings, (Subject.COMPONENT, "email-sending"): Standing(status=Status.MAJOR, since=NOW)}
    now = publisher.publish(replace(told, situation=replace(told.situation, standings=standings)), NOW)
    assert "/incidents/incidentopen" in changed(first, now)
    assert b"Sending: <b>down" in now.files["/incidents/incidentopen"].body


def test_withdrawn_words_leave_every_surface_at_once(publisher: Publisher) -> None:
    said = story(update(1, body="The password is swordfish."), update(2, State.RESOLVED), id_="incidentover")
    publisher.publish(heard(snapshot(EMAIL, stories=(said,))), NOW)
    withdrawn = replace(said, updates=(replace(said.updates[0], redacted_at=NOW), said.updates[1]))
    now = publisher.publish(heard(snapshot(EMAIL, stories=(withdrawn,))), NOW)
    assert not [
        path for path, finished in now.files.items() if b"swordfish" in finished.body or b"swordfish" in gzip.decompress(finished.gzipped)
    ]


def test_what_is_gone_leaves_the_shelf(publisher: Publisher) -> None:
    publisher.publish(heard(snapshot(EMAIL, stories=(OVER,))), NOW)
    assert "/incidents/incidentover" not in publisher.publish(heard(snapshot(EMAIL)), NOW).files


def test_an_incident_behind_the_shelf_looks_the_same_as_on_it(publisher: Publisher) -> None:
    shelf = publisher.publish(heard(snapshot(EMAIL, stories=(OVER,))), NOW)
    later = picture.build(snapshot(EMAIL, stories=(OVER,)), NOW + timedelta(days=9))
    assert publisher.incident(later, later.recent[0]) == shelf.files["/incidents/incidentover"]


def test_a_restart_keeps_every_tag() -> None:
    told = heard(snapshot(EMAIL, stories=(OPEN, OVER)))
    first, second = (Publisher(Html(bundled.templates())).publish(told, NOW) for _ in range(2))
    assert first.files == second.files


@settings(max_examples=12, deadline=None)
@given(told=st.lists(rounds(), min_size=2, max_size=4))
def test_what_is_kept_between_shelves_never_goes_stale(told: list[tuple[Snapshot, datetime]]) -> None:
    publisher = Publisher(Html(bundled.templates()))
    for one, at in told:
        kept, fresh = publisher.publish(one, at), Publisher(Html(bundled.templates())).publish(one, at)
        assert (kept.files, kept.missing) == (fresh.files, fresh.missing)


def test_everything_after_a_change_takes_milliseconds(publisher: Publisher) -> None:
    """50 services, 90 days, 20 incidents. The goal is 10 ms of a core; `make bench` tells how near, this tells that nothing broke."""
    services = [service(f"service-{number:02d}", f"Group {number // 10}") for number in range(50)]
    closed = tuple(story(update(1), update(2), update(3, State.RESOLVED), id_=f"incident{n:04d}") for n in range(20))
    publisher.publish(heard(snapshot(*services, stories=closed, days=90)), NOW)
    costs = []
    for number in range(5):
        opened = story(update(1), id_=f"incidentnew{number}", services=("service-03",))
        told = snapshot(*services, stories=(opened, *closed), days=90, statuses={"service-03": Status.PARTIAL})
        started = process_time()
        publisher.publish(told, NOW)
        costs.append(process_time() - started)
    assert min(costs) < 0.05, costs


def test_fresh_tells_exact_ages_and_names_the_edition_it_speaks_of() -> None:
    made = fresh(as_of=NOW, publication="abc", stale_after=100.0, seen={"email": NOW, "portal": None})
    assert made.as_of == "2026-11-22T16:00:30Z"
    assert json.loads(made.body) == {
        "as_of": "2026-11-22T16:00:30Z",
        "publication": "abc",
        "stale_after": 100.0,
        "services": {"email": "2026-11-22T16:00:30Z", "portal": None},
    }
