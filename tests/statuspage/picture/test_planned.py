"""Planned work as the public reads it: which windows are shown, in which words, on every surface."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import icalendar
import pytest
from lxml import html as dom
from statuspage_prometheus_exporter.service_checker import check_service_status

from incidents.maintenance import MaintenanceState, Series
from incidents.model import Situation
from incidents.planned import planning
from incidents.planned.planning import Terms, Wish
from incidents.planned.windows import occurrence_id
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from statuspage.picture import page as picture
from statuspage.picture.page import Page, Snapshot
from statuspage.picture.planned import AHEAD_DAYS, MOST_PLANNED, Window, shown
from statuspage.publish import Publisher, Shelf
from statuspage.render.instants import span
from statuspage.render.tongue import ENGLISH
from statuspage.store.errors import StoreUnavailable
from tests.statuspage.pictures import NOW, SITE, heard, public_id, said, service, situation, snapshot, window
from tests.statuspage.serving import Served, serving, templates
from tests.statuspage.test_press import House, house

__all__ = ["house"]

S = MaintenanceState
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EMAIL, PORTAL = service("email"), service("portal")
PLANNED = window(said(1, S.SCHEDULED, NOW - DAY))
BEGAN = NOW.replace(second=0) - HOUR
RUNNING = window(
    said(1, S.SCHEDULED, NOW - 4 * DAY),
    said(2, S.IN_PROGRESS, BEGAN),
    id_="windowbegun1",
    starts=BEGAN,
    ends=BEGAN + 2 * HOUR,
    began_at=BEGAN,
)
OVER = window(
    said(1, S.SCHEDULED, NOW - 9 * DAY),
    said(2, S.COMPLETED, NOW - 5 * DAY),
    id_="windowisover",
    starts=NOW - 5 * DAY - HOUR,
    ends=NOW - 5 * DAY,
    began_at=NOW - 5 * DAY - HOUR,
    ended_at=NOW - 5 * DAY,
)
CANCELLED = window(
    said(1, S.SCHEDULED, NOW - 9 * DAY),
    said(2, S.CANCELLED, NOW - 6 * DAY, "It does not take place."),
    id_="windownotnow",
    ended_at=NOW - 6 * DAY,
    changes=1,
)


def weekly(key: str = "patches", **more: object) -> Series:
    rule = Recurrence(starts=datetime(2026, 11, 1, 2), timezone="Europe/Berlin", rule=parse("FREQ=WEEKLY;BYDAY=SU"))  # noqa: DTZ001 - its zone is beside it
    plain = Series(
        key=key,
        name={"en": "Weekly patches"},
        description={"en": "Mail may pause."},
        services=("email",),
        components=(),
        recurrence=rule,
        lasts=2 * HOUR,
        announce=3 * DAY,
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # the test's own keywords


def coming(*series: Series, **windows: object) -> Situation:
    known = situation(EMAIL, PORTAL)
    topology = replace(known.topology, series={one.key: one for one in series})
    return replace(known, topology=topology, **windows)  # type: ignore[arg-type]  # the test's own keywords


def told(*windows: Window) -> Snapshot:
    return replace(snapshot(EMAIL, PORTAL), windows=windows)


def drawn(*windows: Window) -> Page:
    return picture.build(told(*windows), NOW)


def published(*windows: Window) -> Shelf:
    return Publisher(templates()).publish(heard(told(*windows)), NOW)


def text(shelf: Shelf, path: str) -> str:
    return " ".join(dom.fromstring(shelf.files[path].body.decode()).text_content().split())


# --- which ----------------------------------------------------------------------------------------------------------------------


def test_what_comes_again_is_shown_ninety_days_ahead_and_no_further() -> None:
    windows = shown(coming(weekly()), (), {}, NOW)
    starts = [one.maintenance.starts for one in windows]
    assert starts[0] == datetime(2026, 11, 29, 1, tzinfo=UTC)
    assert len(starts) == 12
    assert all(later - earlier == 7 * DAY for earlier, later in pairwise(starts))
    assert starts[-1] <= NOW + (AHEAD_DAYS + 1) * DAY < starts[-1] + 7 * DAY + DAY
    assert not any(one.updates for one in windows)


def test_the_same_windows_are_shown_all_day_long() -> None:
    at = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    rule = Recurrence(starts=datetime(2026, 1, 1, 23, 30), timezone="UTC", rule=parse("FREQ=DAILY"))  # noqa: DTZ001 - its zone is beside it
    ended = replace(OVER.maintenance, ended_at=at - 30 * DAY + 12 * HOUR)
    chosen = [shown(coming(weekly(recurrence=rule, lasts=HOUR)), (ended,), {}, at + hours * HOUR) for hours in (1, 6, 18, 23)]
    assert all(one == chosen[0] for one in chosen)
    assert chosen[0][0].maintenance == ended


def test_an_occurrence_that_is_a_window_already_is_shown_once_and_as_it_is() -> None:
    base = coming(weekly())
    (starts, ends), *_ = weekly().spans(NOW, NOW + 9 * DAY)
    id_ = occurrence_id(base, "patches", starts)
    moved = replace(PLANNED.maintenance, id=id_, series="patches", occurrence=starts, starts=starts + HOUR, ends=ends + HOUR)
    windows = shown(replace(base, maintenances={id_: moved}), (), {id_: PLANNED.updates}, NOW)
    assert [one.maintenance.starts for one in windows][:2] == [starts + HOUR, starts + 7 * DAY]
    assert windows[0].updates == PLANNED.updates


def test_one_that_is_over_is_not_shown_as_coming_too() -> None:
    base = coming(weekly())
    (starts, ends), *_ = weekly().spans(NOW, NOW + 9 * DAY)
    id_ = occurrence_id(base, "patches", starts)
    gone = replace(CANCELLED.maintenance, id=id_, starts=starts, ends=ends, ended_at=NOW)
    windows = shown(base, (gone,), {}, NOW)
    assert [one.maintenance.state for one in windows if one.maintenance.id == id_] == [S.CANCELLED]


def test_what_waits_for_approval_is_nobodys_business() -> None:
    waiting = replace(PLANNED.maintenance, needs_approval=True, promises=())
    assert shown(coming(maintenances={waiting.id: waiting}), (), {}, NOW) == ()
    assert shown(coming(), (replace(waiting, state=S.CANCELLED, ended_at=NOW),), {}, NOW) == ()
    agreed = replace(waiting, approved_by="bea")
    assert len(shown(coming(maintenances={agreed.id: agreed}), (), {}, NOW)) == 1


def test_what_was_over_a_month_ago_is_no_longer_listed_but_stays_in_the_feed() -> None:
    ended = [
        window(
            said(1, S.COMPLETED, NOW - days * DAY),
            id_=f"over{days:08}",
            starts=NOW - days * DAY - HOUR,
            ends=NOW - days * DAY,
            ended_at=NOW - days * DAY,
        )
        for days in (1, 29, 31, 200)
    ]
    shelf = published(*ended)
    links = dom.fromstring(shelf.files["/maintenance"].body.decode()).xpath("//article//a/@href")
    assert links == ["/maintenance/over00000001", "/maintenance/over00000029"]
    assert len(feedparser.parse(shelf.files["/maintenance.rss"].body).entries) == 4
    assert shelf.page.maintenance_updated == NOW - DAY


def test_what_was_announced_is_not_pushed_out_by_what_merely_comes_again() -> None:
    daily = Recurrence(starts=datetime(2026, 1, 1, 2), timezone="UTC", rule=parse("FREQ=DAILY"))  # noqa: DTZ001 - its zone is beside it
    many = [weekly(f"s{number}", recurrence=daily, lasts=HOUR) for number in range(10)]
    single = replace(PLANNED.maintenance, starts=NOW + 80 * DAY, ends=NOW + 80 * DAY + HOUR)
    windows = shown(coming(*many, maintenances={single.id: single}), (), {}, NOW)
    assert len(windows) == MOST_PLANNED
    assert single in [one.maintenance for one in windows]


def test_far_too_many_windows_are_cut_to_the_nearest() -> None:
    daily = Recurrence(starts=datetime(2026, 1, 1, 2), timezone="UTC", rule=parse("FREQ=DAILY"))  # noqa: DTZ001 - its zone is beside it
    many = [weekly(f"s{number}", recurrence=daily, lasts=HOUR) for number in range(10)]
    windows = shown(coming(*many), (), {}, NOW)
    assert len(windows) == MOST_PLANNED
    assert max(one.maintenance.starts for one in windows) < NOW + 21 * DAY


# --- in the picture --------------------------------------------------------------------------------------------------------------


def test_the_picture_has_them_by_their_start_and_the_past_newest_first() -> None:
    page = drawn(OVER, CANCELLED, RUNNING, PLANNED)
    assert [view.id for view in page.planned] == ["windowbegun1", "windowwindow"]
    assert [view.id for view in page.past] == ["windowisover", "windownotnow"]
    assert page.maintenance_updated == BEGAN


def test_nothing_that_only_the_desk_may_know_is_in_the_picture() -> None:
    secret = window(
        said(1, S.SCHEDULED, NOW - DAY),
        components=("email-sending",),
        override_reason="the vendor threatens",
        override_by="zoe",
        spared=frozenset({"email-receiving"}),
    )
    everything = repr(drawn(secret).planned) + "".join(file.body.decode(errors="replace") for file in published(secret).files.values())
    for word in ("email-sending", "email-receiving", "threatens", "zoe", "ada"):
        assert word not in everything


def test_a_service_that_is_gone_keeps_its_id_for_a_name() -> None:
    (view,) = drawn(window(said(1, S.SCHEDULED, NOW), services=("email", "fax"))).planned
    assert [(one.name, one.public_id) for one in view.services] == [("Email", public_id("email")), ("fax", "")]


# --- on the pages ------------------------------------------------------------------------------------------------------------------


def test_the_front_page_tells_what_runs_and_what_was_announced_but_not_all_that_comes_again() -> None:
    far = window(id_="windowfaraway", starts=NOW + 40 * DAY, ends=NOW + 40 * DAY + HOUR)
    front = text(published(OVER, RUNNING, PLANNED, far), "/")
    assert "Planned maintenance Patches Sun 22 Nov 2026, 15:00 to 17:00 UTC In progress Email We patch the servers." in front
    assert "Mon 23 Nov 2026, 16:00 to 18:00 UTC Planned" in front
    assert "1 Jan 2027" not in front
    assert "Planned maintenance Patches" not in text(published(OVER, far), "/")


def test_the_list_tells_all_of_them_apart() -> None:
    far = window(id_="windowfaraway", starts=NOW + 40 * DAY, ends=NOW + 40 * DAY + HOUR)
    shelf = published(OVER, CANCELLED, RUNNING, PLANNED, far)
    page = text(shelf, "/maintenance")
    assert page.index("Now Patches") < page.index("To come Patches") < page.index("1 Jan 2027") < page.index("The last 30 days Patches")
    assert "Completed" in page
    assert "Cancelled" in page
    links = {str(link) for link in dom.fromstring(shelf.files["/maintenance"].body.decode()).xpath("//article//a/@href")}
    assert links == {f"/maintenance/{id_}" for id_ in ("windowisover", "windownotnow", "windowbegun1", "windowwindow", "windowfaraway")}
    assert links <= shelf.files.keys()


def test_without_any_the_list_says_so() -> None:
    page = text(published(), "/maintenance")
    assert "No maintenance is planned." in page
    assert "No maintenance ended in this time." in page


def test_a_window_has_a_page_with_its_times_its_services_and_every_word() -> None:
    page = text(published(RUNNING), "/maintenance/windowbegun1")
    assert "In progress" in page
    assert "PlannedSun 22 Nov 2026, 15:00 to 17:00 UTC" in page
    assert "ConcernsEmail" in page
    assert page.count("We patch the servers.") == 2
    assert "Ended" not in page


def test_one_that_was_never_announced_shows_what_it_is_about() -> None:
    assert "We patch the servers." in text(published(window()), "/maintenance/windowwindow")


def test_a_cancelled_window_has_no_way_to_go() -> None:
    body = published(CANCELLED).files["/maintenance/windownotnow"].body.decode()
    assert 'class="life"' not in body
    assert "It does not take place." in body


def test_an_hour_in_which_nothing_happens_changes_no_page_of_planned_work() -> None:
    publisher = Publisher(templates())
    first, later = (publisher.publish(told(OVER, RUNNING, PLANNED), at).files for at in (NOW, NOW + HOUR))
    kept = [path for path in first if "maintenance" in path]
    assert len(kept) == 12
    assert all(first[path] is later[path] for path in kept)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2026-12-05T22:00", "2026-12-05T22:30", "Sat 5 Dec 2026, 23:00 to 23:30 CET (22:00 to 22:30 UTC)"),
        ("2026-12-05T22:00", "2026-12-06T00:30", "Sat 5 Dec 2026, 23:00 CET to Sun 6 Dec 2026, 01:30 CET (22:00 to 00:30 UTC)"),
        ("2026-12-05T23:30", "2026-12-06T00:30", "Sun 6 Dec 2026, 00:30 to 01:30 CET (5 Dec, 23:30 to 00:30 UTC)"),
        ("2026-10-25T00:00", "2026-10-25T02:00", "Sun 25 Oct 2026, 02:00 CEST to 03:00 CET (00:00 to 02:00 UTC)"),
    ],
)
def test_a_span_says_day_and_zone_once_where_both_share_them(since: str, until: str, words: str) -> None:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, until))
    assert dom.fromstring(f"<p>{span(first, last, zone=ZoneInfo('Europe/Berlin'), tongue=ENGLISH)}</p>").text_content() == words


def test_a_span_in_utc_says_it_once() -> None:
    assert "(" not in span(NOW, NOW + HOUR, zone=ZoneInfo("UTC"), tongue=ENGLISH)


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "R&D ]]> <b>x</b>", "\u202eevil", "null\x00bell\x07", "{{ 7 * 7 }}"])
def test_no_text_breaks_any_surface(hostile: str) -> None:
    shelf = published(window(said(1, S.SCHEDULED, NOW - DAY, hostile), name={"en": hostile}, description={"en": hostile}))
    for path in ("/", "/maintenance", "/maintenance/windowwindow"):
        body = shelf.files[path].body.decode()
        assert "<script>alert" not in body
        assert not any(mark in body for mark in "\u202e\x00\x07")
    assert len(feedparser.parse(shelf.files["/maintenance.rss"].body).entries) == 1
    assert not feedparser.parse(shelf.files["/maintenance.atom"].body).bozo
    (event,) = icalendar.Calendar.from_ical(shelf.files["/maintenance.ics"].body).walk("VEVENT")
    assert "\x00" not in str(event["SUMMARY"])
    assert json.loads(shelf.files["/api/v2/summary.json"].body)["scheduled_maintenances"]


# --- for readers and calendars -----------------------------------------------------------------------------------------------------


def test_the_feed_has_an_entry_for_every_word_by_when_it_was_said() -> None:
    feed = feedparser.parse(published(OVER, RUNNING, PLANNED).files["/maintenance.rss"].body)
    assert [entry.link.removeprefix(SITE.url) for entry in feed.entries] == [
        "/maintenance/windowbegun1#update-2",
        "/maintenance/windowwindow#update-1",
        "/maintenance/windowbegun1#update-1",
        "/maintenance/windowisover#update-2",
        "/maintenance/windowisover#update-1",
    ]
    assert feed.entries[0].id == "tag:status.example.net,2026-01-01:maintenance/windowbegun1/update/2"
    assert feed.feed.link == f"{SITE.url}/maintenance"
    assert feed.feed.updated_parsed[:5] == BEGAN.timetuple()[:5]


def history(*windows: Window) -> list[str]:
    return [entry.link.partition("/maintenance/")[2] for entry in feedparser.parse(published(*windows).files["/history.rss"].body).entries]


def test_single_windows_are_news_for_everybody() -> None:
    assert history(PLANNED, RUNNING) == ["windowbegun1#update-2", "windowwindow#update-1", "windowbegun1#update-1"]
    assert feedparser.parse(published(RUNNING).files["/history.rss"].body).feed.updated_parsed[:5] == BEGAN.timetuple()[:5]


def test_what_comes_again_and_again_is_news_only_where_it_leaves_its_course() -> None:
    course = (said(1, S.SCHEDULED, NOW - 3 * DAY), said(2, S.IN_PROGRESS, NOW - 2 * HOUR), said(3, S.COMPLETED, NOW - HOUR))
    quiet = window(*course, series="patches", is_quiet=True, ended_at=NOW - HOUR)
    assert history(quiet) == []
    assert len(feedparser.parse(published(quiet).files["/maintenance.rss"].body).entries) == 3
    assert drawn(quiet).feed_updated < NOW - DAY
    moved = window(course[0], said(2, S.SCHEDULED, NOW - DAY), series="patches", is_quiet=True)
    assert history(moved) == ["windowwindow#update-2"]
    ended = window(*course[:2], replace(course[2], by="ada", automatic=False), series="patches", is_quiet=True, ended_at=NOW - HOUR)
    assert history(ended) == ["windowwindow#update-3"]
    off = window(course[0], said(2, S.CANCELLED, NOW - DAY), series="patches", is_quiet=True, ended_at=NOW - DAY)
    assert history(off) == ["windowwindow#update-2"]


# --- for programs --------------------------------------------------------------------------------------------------------------------


def v2(shelf: Shelf, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(shelf.files[f"/api/v2/{name}.json"].body)["scheduled_maintenances"]
    return rows


def test_programs_read_what_is_pending_upcoming_active_and_all() -> None:
    shelf = published(OVER, CANCELLED, RUNNING, PLANNED)
    ids = {name: [row["id"] for row in v2(shelf, name)] for name in ("summary", *(f"scheduled-maintenances{end}" for end in ENDS))}
    assert ids == {
        "summary": ["windowbegun1", "windowwindow"],
        "scheduled-maintenances": ["windowwindow", "windowbegun1", "windownotnow", "windowisover"],
        "scheduled-maintenances/upcoming": ["windowwindow"],
        "scheduled-maintenances/active": ["windowbegun1"],
    }


ENDS = ("", "/upcoming", "/active")
ROW = {
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink", "started_at", "page_id",
    "incident_updates", "components", "reminder_intervals", "scheduled_for", "scheduled_until",
}  # fmt: skip


def test_a_row_has_exactly_the_known_keys_and_says_when_and_what() -> None:
    (row,) = v2(published(RUNNING), "scheduled-maintenances/active")
    assert set(row) == ROW
    assert (row["status"], row["impact"], row["started_at"]) == ("in_progress", "maintenance", "2026-11-22T15:00:00.000Z")
    assert (row["scheduled_for"], row["scheduled_until"]) == ("2026-11-22T15:00:00.000Z", "2026-11-22T17:00:00.000Z")
    assert [component["name"] for component in row["components"]] == ["Email"]
    newest, oldest = row["incident_updates"]
    assert (newest["status"], oldest["status"]) == ("in_progress", "scheduled")
    assert newest["affected_components"][0]["new_status"] == "under_maintenance"


def test_a_cancelled_window_is_completed_to_programs() -> None:
    (row,) = v2(published(CANCELLED), "scheduled-maintenances")
    assert row["status"] == "completed"
    assert row["incident_updates"][0]["body"] == "It does not take place."


async def test_a_real_client_reads_a_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    served = Served()
    async with serving(served):
        entry = {"name": "Example", "type": "status_page", "url": f"{served.url}/api/v2/summary.json"}
        served.publish(told(RUNNING))
        found = await asyncio.to_thread(check_service_status, "example", entry)
    (read,) = found["maintenance_metadata"]
    assert (read["id"], read["name"], read["affected_components"]) == ("windowbegun1", "Patches", ["Email"])
    assert read["shortlink"].endswith("/maintenance/windowbegun1")


# --- from the store ------------------------------------------------------------------------------------------------------------------


async def test_what_is_planned_is_on_the_next_shelf_and_found_when_it_is_long_over(house: House) -> None:
    press, now = house.press, house.world.now
    await press.issue()
    wish = Wish(name="New disks", services=("email",), starts=now + HOUR, ends=now + 2 * HOUR, body="Mail may pause.")
    await press.pipeline.act(partial(planning.plan, by="ada", wish=wish, terms=Terms(override="No other day.")))
    (id_,) = press.pipeline.situation.maintenances
    shelf = await press.issue()
    assert "Mail may pause." in text(shelf, f"/maintenance/{id_}")
    assert "New disks" in text(shelf, "/")
    await press.pipeline.act(partial(planning.cancel, maintenance=id_, by="ada", body="The disks are late."))
    assert "The disks are late." in text(await press.issue(), f"/maintenance/{id_}")
    house.world.wait((40 * DAY).total_seconds())
    assert f"/maintenance/{id_}" not in text(await press.issue(), "/maintenance")
    found = await press.older(f"/maintenance/{id_}")
    assert found is not None
    assert b"The disks are late." in found.body
    assert await press.older("/maintenance/nosuchwindow") is None


async def test_what_nobody_approved_has_no_page_however_it_is_asked_for(house: House) -> None:
    press, now = house.press, house.world.now
    wish = Wish(name="New disks", services=("email",), starts=now + HOUR, ends=now + 2 * HOUR, body="Mail may pause.")
    terms = Terms(override="No other day.", needs_approval=True)
    await press.pipeline.act(partial(planning.plan, by="ada", wish=wish, terms=terms))
    (id_,) = press.pipeline.situation.maintenances
    assert f"/maintenance/{id_}" not in (await press.issue()).files
    assert await press.older(f"/maintenance/{id_}") is None
    house.world.wait((3 * HOUR).total_seconds())
    await press.pipeline.tick()
    assert not press.pipeline.situation.maintenances
    assert f"/maintenance/{id_}" not in (await press.issue()).files
    assert await press.older(f"/maintenance/{id_}") is None


async def test_what_could_not_be_read_is_read_for_the_next_shelf(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    press, now = house.press, house.world.now
    wish = Wish(name="New disks", services=("email",), starts=now + HOUR, ends=now + 2 * HOUR, body="Mail may pause.")
    await press.pipeline.act(partial(planning.plan, by="ada", wish=wish, terms=Terms(override="No other day.")))
    (id_,) = press.pipeline.situation.maintenances
    await press.issue()
    await press.pipeline.act(partial(planning.cancel, maintenance=id_, by="ada", body="The disks are late."))

    async def away(_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(press.store, "read", away)
        with pytest.raises(StoreUnavailable):
            await press.issue()
    assert "The disks are late." in text(await press.issue(), f"/maintenance/{id_}")
