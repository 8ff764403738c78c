"""Planned work in other people's calendars: one event for each occurrence, wherever it moves, and never a ghost."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incidents.maintenance import MaintenanceState, Series
from incidents.model import Situation
from incidents.planned import planning
from incidents.planned.planning import Terms, Wish
from incidents.planned.windows import occurrence_id
from incidents.policy import Policy
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from statuspage.diary import Diary
from statuspage.picture.agenda import AHEAD, BACK, MOST_AHEAD, MOST_PAST, Far, agenda
from statuspage.picture.page import build, dates
from statuspage.picture.planned import Window
from statuspage.publish import Publisher, Shelf
from statuspage.render.calendar import Calendars
from statuspage.render.feeds import fit
from statuspage.render.tongue import ENGLISH
from statuspage.store import past, queries
from tests.statuspage.picture.test_planned import CANCELLED, DAY, HOUR, OVER, PLANNED, RUNNING, S, coming, published, told, weekly
from tests.statuspage.pictures import NOW, SITE, heard, said, window
from tests.statuspage.serving import templates
from tests.statuspage.test_press import House, house

__all__ = ["house"]

Read = Mapping[str, str]
"""One event, property by property, as the reference reads it."""


def body(shelf: Shelf, path: str) -> bytes:
    if path in shelf.files:
        return shelf.files[path].body
    make = PUBLISHER.of_service(shelf.page, path)
    assert make is not None
    return make().body


PUBLISHER = Publisher(templates())


def calendar(*windows: Window, path: str = "/maintenance.ics") -> Sequence[Any]:
    made = PUBLISHER.publish(heard(told(*windows)), NOW)
    return events(body(made, path))


def events(document: bytes) -> Sequence[Any]:
    """The events of *document*, which two readers that know nothing of each other understand alike."""
    found = list(icalendar.Calendar.from_ical(document).walk("VEVENT"))
    assert [alike(event) for event in found] == [reference(event) for event in slowly(document)]
    return found


def slowly(document: bytes) -> list[Read]:
    """Read RFC 5545 line by line, as it is written there (3.1, 3.3.11), and nothing more."""
    text = document.decode()
    assert text.endswith("\r\n")
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    assert not any(char in line for line in lines for char in "\r\n")
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    found: list[Read] = []
    event: dict[str, str] | None = None
    for line in lines[1:-1]:
        if line == "BEGIN:VEVENT":
            assert event is None
            event = {}
        elif line == "END:VEVENT":
            assert event is not None
            found, event = [*found, event], None
        elif event is not None:
            name, value = re.match(r"([A-Z-]+)(?:;[^:]*)?:(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
            assert name not in event
            event[name] = re.sub(r"\\(.)", lambda escaped: {"n": "\n", "N": "\n"}.get(escaped[1], escaped[1]), value)
    assert event is None
    return found


def reference(event: Read) -> dict[str, object]:
    instants = {
        name: datetime.strptime(event[name], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        for name in ("DTSTART", "DTEND", "DTSTAMP")
        if name in event
    }
    texts = {name: event[name] for name in ("UID", "SUMMARY", "DESCRIPTION", "STATUS", "TRANSP", "URL")}
    return {**texts, **instants, "SEQUENCE": int(event["SEQUENCE"])}


def alike(event: Any) -> dict[str, object]:  # noqa: ANN401 - icalendar's own
    instants = {name: event.decoded(name) for name in ("DTSTART", "DTEND", "DTSTAMP") if name in event}
    texts = {name: str(event[name]) for name in ("UID", "SUMMARY", "DESCRIPTION", "STATUS", "TRANSP", "URL")}
    return {**texts, **instants, "SEQUENCE": int(event["SEQUENCE"])}


# --- what an event says ---------------------------------------------------------------------------------------------------------------


def test_the_calendar_has_an_event_for_every_window() -> None:
    over, running, planned = calendar(OVER, RUNNING, PLANNED)
    assert planned["UID"] == "windowwindow@status.example.net"
    assert (planned.decoded("DTSTART"), planned.decoded("DTEND")) == (PLANNED.maintenance.starts, PLANNED.maintenance.ends)
    assert planned.decoded("DTSTAMP") == (NOW - DAY).replace(microsecond=0)
    assert (planned["STATUS"], planned["SEQUENCE"], planned["TRANSP"]) == ("CONFIRMED", 1, "TRANSPARENT")
    assert planned["URL"] == f"{SITE.url}/maintenance/windowwindow"
    assert "Services: Email" in planned["DESCRIPTION"]
    assert [one["UID"].partition("@")[0] for one in (over, running)] == ["windowisover", "windowbegun1"]


def test_a_window_that_moves_keeps_its_event_and_a_cancelled_one_is_struck_out() -> None:
    moved = window(*PLANNED.updates, starts=NOW + 3 * DAY, ends=NOW + 3 * DAY + HOUR, changes=2)
    (before,), (after,) = calendar(PLANNED), calendar(moved)
    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (1, 3)
    (gone,) = calendar(CANCELLED)
    assert (gone["STATUS"], gone["SEQUENCE"]) == ("CANCELLED", 3)


def test_an_occurrence_that_becomes_a_window_is_taken_over_by_readers() -> None:
    (far,), (near,) = calendar(window()), calendar(window(said(1, S.SCHEDULED, NOW)))
    assert (far["UID"], far["SEQUENCE"], near["SEQUENCE"]) == (near["UID"], 0, 1)


def test_an_event_never_ends_when_it_begins() -> None:
    (event,) = calendar(window(ends=PLANNED.maintenance.starts + timedelta(milliseconds=300)))
    assert "DTEND" not in event


@pytest.mark.parametrize("name", ["END:VCALENDAR", "BEGIN:VEVENT\r\nUID:x"])
def test_no_name_breaks_the_frame_of_a_calendar(name: str) -> None:
    told_ = heard(replace(told(PLANNED), site=replace(SITE, name=name)))
    assert len(events(PUBLISHER.publish(told_, NOW).files["/maintenance.ics"].body)) == 1


def test_each_service_has_a_calendar_of_its_own() -> None:
    elsewhere = window(said(1, S.SCHEDULED, NOW - DAY), id_="windowportal", services=("portal",))
    assert [one["UID"][:12] for one in calendar(PLANNED, elsewhere, path="/services/portal/maintenance.ics")] == ["windowportal"]
    shelf = PUBLISHER.publish(heard(told(PLANNED)), NOW)
    frame = icalendar.Calendar.from_ical(body(shelf, "/services/portal/maintenance.ics"))
    assert frame["X-WR-CALNAME"] == "Example Networks: Portal – planned maintenance"


def test_every_line_of_a_calendar_is_short_and_ends_as_the_standard_says() -> None:
    document = published(window(said(1, S.SCHEDULED, NOW, "ü" * 300 + "\nsecond; line, too"))).files["/maintenance.ics"].body
    lines = document.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert b"\n" not in document.replace(b"\r\n", b"")


def test_each_word_about_a_window_makes_its_event_a_newer_one() -> None:
    words = [said(1, S.SCHEDULED, NOW - DAY), said(2, S.IN_PROGRESS, NOW), said(3, S.COMPLETED, NOW + HOUR)]
    sequences = [calendar(window(*words[:count]))[0]["SEQUENCE"] for count in range(4)]
    assert sequences == [0, 1, 2, 3]


def test_what_merely_comes_again_leads_to_the_list_and_what_is_announced_to_its_page() -> None:
    assert [one["URL"] for one in calendar(window(), PLANNED)] == [f"{SITE.url}/maintenance", f"{SITE.url}/maintenance/windowwindow"]


@example(text="\r", name="0")
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200), name=st.text(min_size=1, max_size=80))
def test_whatever_people_write_is_read_as_it_was_written_but_for_what_no_text_may_hold(text: str, name: str) -> None:
    (event,) = calendar(window(said(1, S.SCHEDULED, NOW, text), name={"en": name}))
    after = f"Services: Email\n\n{SITE.url}/maintenance/windowwindow"
    assert str(event["DESCRIPTION"]) == (f"{fit(text)}\n\n{after}" if text else after)
    assert str(event["SUMMARY"]) == fit(name)


# --- which there are ------------------------------------------------------------------------------------------------------------------


def series(rule: str, at: time = time(2, 30), zone: str = "Europe/Berlin", key: str = "patches", lasts: timedelta = HOUR) -> Series:
    starts = datetime.combine(date(2026, 1, 1), at)
    return weekly(key, recurrence=Recurrence(starts=starts, timezone=zone, rule=parse(rule)), lasts=lasts)


HOURLY = series("FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))), time(0), "UTC", lasts=timedelta(minutes=10))


def chosen(situation: Situation, at: datetime = NOW, over: Sequence[Window] = ()) -> tuple[Window, ...]:
    ended = [one.maintenance for one in over]
    return agenda(situation, ended, {one.maintenance.id: one.updates for one in over}, Far.of(situation, at.date()), at)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_a_year_of_nights_stands_where_the_wall_clock_says_across_both_changes(zone: str) -> None:
    found = chosen(coming(series("FREQ=DAILY", zone=zone)))
    starts = [one.maintenance.starts for one in found]
    assert all(starts[0] < later for later in starts[1:])
    local = [start.astimezone(ZoneInfo(zone)) for start in starts]
    assert [one.date() for one in local] == [local[0].date() + count * DAY for count in range(len(local))]
    assert len(local) in {365, 366, 367}
    skipped = [one for one in local if one.time() != time(2, 30)]
    assert len(skipped) <= 1  # the night in which there is no such time
    assert all(NOW - DAY < start < NOW + AHEAD + DAY for start in starts)
    assert starts[-1] > NOW + 364 * DAY


def test_three_months_back_and_twelve_ahead() -> None:
    def over(days: int) -> Window:
        ended = NOW - days * DAY
        return window(
            said(1, S.COMPLETED, ended), id_=f"over{days:08}", starts=ended - HOUR, ends=ended, began_at=ended - HOUR, ended_at=ended
        )

    found = chosen(coming(weekly()), over=[over(days) for days in (1, 80, 91, 94, 300)])
    assert [one.maintenance.id for one in found[:3]] == ["over00000091", "over00000080", "over00000001"]
    assert len(found) == 3 + 52
    assert timedelta(days=92) == BACK


def test_what_is_a_window_already_or_was_one_comes_once() -> None:
    base = coming(weekly())
    first, second = (one.maintenance for one in chosen(base)[:2])
    moved = replace(first, starts=first.starts + HOUR, ends=first.ends + HOUR, is_touched=True)
    found = chosen(replace(base, maintenances={moved.id: moved}, spent={second.id: second.ends}))
    assert [one.maintenance for one in found if one.maintenance.id in {first.id, second.id}] == [moved]
    assert len(found) == len(chosen(base)) - 1


def test_what_was_called_off_stays_struck_out_until_its_own_time_is_long_over() -> None:
    far = window(
        said(1, S.SCHEDULED, NOW - 200 * DAY),
        said(2, S.CANCELLED, NOW - 150 * DAY),
        starts=NOW - 80 * DAY,
        ends=NOW - 79 * DAY,
        ended_at=NOW - 150 * DAY,
        changes=1,
    )
    assert [one.maintenance.id for one in chosen(coming(), over=[far])] == ["windowwindow"]
    assert chosen(coming(), at=NOW + 20 * DAY, over=[far]) == ()


def test_a_window_every_hour_is_told_of_for_as_long_as_there_is_room_and_costs_no_more() -> None:
    ended = [
        window(id_=f"w{hours:011}", starts=NOW - hours * HOUR, ends=NOW - hours * HOUR + HOUR / 2, ended_at=NOW - hours * HOUR + HOUR / 2)
        for hours in range(1, MOST_PAST + 40)
    ]
    found = chosen(coming(HOURLY, series("FREQ=MONTHLY", key="monthly")), over=ended)
    past = [one for one in found if one.maintenance.ended_at is not None]
    assert len(past) == MOST_PAST
    assert max(one.maintenance.starts for one in past) == NOW - HOUR
    ahead = [one.maintenance for one in found if one.maintenance.ended_at is None]
    assert len([one for one in ahead if one.series == "monthly"]) == 12  # none is pushed out by what comes each hour
    assert all(later.starts - earlier.starts == HOUR for earlier, later in pairwise(one for one in ahead if one.series == "patches"))
    many = chosen(coming(*(series("FREQ=DAILY", key=f"s{number}") for number in range(9))))
    assert len(many) == MOST_AHEAD
    assert many[-1].maintenance.starts < NOW + 120 * DAY


def test_a_day_later_nothing_is_drawn_again_but_what_is_new() -> None:
    calendars, base = Calendars(), coming(weekly())

    def drawn(at: datetime) -> dict[str, object]:
        known = replace(told(), situation=base, agenda=chosen(base, at))
        views = dates(known, build(known, at))
        return dict(zip([view.id for view in views], calendars.events(views, SITE.url, "status.example.net", ENGLISH), strict=True))

    first, later = drawn(NOW), drawn(NOW + 7 * DAY)
    assert len(first.keys() & later.keys()) > 50
    assert all(first[id_] is later[id_] for id_ in first.keys() & later.keys())


# --- a subscriber's calendar, refreshed after each change -------------------------------------------------------------------------------


class Subscriber:
    """A calendar program: it takes over what is newer, and shows one event for each UID that is not cancelled."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def refresh(self, document: bytes) -> None:
        found = events(document)
        uids = [event["UID"] for event in found]
        assert len(uids) == len(set(uids)), "one event for each occurrence"
        for event in found:
            before = self.kept.get(event["UID"])
            if before is not None and alike(event) != alike(before):
                assert event["SEQUENCE"] > before["SEQUENCE"], "what is another event must say that it is newer"
                assert event.decoded("DTSTAMP") >= before.decoded("DTSTAMP")
            self.kept[event["UID"]] = event
        gone = self.kept.keys() - set(uids)
        assert not gone, "a program that keeps what it once saw would show a ghost"

    def shown(self) -> list[tuple[str, datetime, datetime]]:
        alive = [event for event in self.kept.values() if event["STATUS"] != "CANCELLED"]
        return sorted((str(event["SUMMARY"]), event.decoded("DTSTART"), event.decoded("DTEND")) for event in alive)


async def test_moved_shortened_extended_called_off_and_finished_each_window_is_one_event(house: House) -> None:
    subscriber, world = Subscriber(), house.world
    await house.press.pipeline.observe(world.result("smtp", None))
    day = world.now.replace(hour=0, minute=0, second=0) + 5 * DAY

    async def act(function: Any, **more: object) -> None:  # noqa: ANN401 - any of planning's
        world.wait(60)
        await house.press.pipeline.act(partial(function, by="ada", **more))
        shelf = await house.press.issue()
        subscriber.refresh(shelf.files["/maintenance.ics"].body)
        fresh = await house.press.store.read(
            lambda connection: Diary.read(connection, house.press.pipeline.situation.maintenances.keys(), world.now)
        )
        assert (list(fresh.over), dict(fresh.words)) == (list(house.press._diary.over), dict(house.press._diary.words))

    for name in ("Disks", "Cables"):
        wish = Wish(name=name, services=("email",), starts=day, ends=day + 4 * HOUR, body="Mail may pause.")
        await act(planning.plan, wish=wish)
    unseen = Wish(name="Doors", services=("email",), starts=day, ends=day + HOUR, body="Nobody may know.")
    await act(planning.plan, wish=unseen, terms=Terms(needs_approval=True))
    (doors,) = (id for id, one in house.press.pipeline.situation.maintenances.items() if one.needs_approval)
    await act(planning.cancel, maintenance=doors)
    disks, cables = sorted(house.press.pipeline.situation.maintenances.values(), key=lambda one: one.name["en"] != "Disks")
    assert subscriber.shown() == [("Cables", day, day + 4 * HOUR), ("Disks", day, day + 4 * HOUR)]
    await act(planning.reschedule, maintenance=disks.id, starts=day + DAY, ends=day + DAY + 4 * HOUR)
    await act(planning.reschedule, maintenance=disks.id, starts=day + 2 * DAY, ends=day + 2 * DAY + 4 * HOUR)
    await act(planning.reschedule, maintenance=disks.id, ends=day + 2 * DAY + HOUR)
    assert subscriber.shown() == [("Cables", day, day + 4 * HOUR), ("Disks", day + 2 * DAY, day + 2 * DAY + HOUR)]
    await act(planning.cancel, maintenance=cables.id)
    assert [name for name, *_ in subscriber.shown()] == ["Disks"]
    world.wait((day + 2 * DAY + HOUR / 2 - world.now).total_seconds())
    await house.press.pipeline.tick()
    await act(planning.extend, maintenance=disks.id, ends=day + 2 * DAY + 3 * HOUR)
    assert subscriber.shown() == [("Disks", day + 2 * DAY, day + 2 * DAY + 3 * HOUR)]
    await act(planning.finish, maintenance=disks.id)
    (finished,) = subscriber.shown()
    assert finished[1:] == (day + 2 * DAY, world.now.replace(microsecond=0))


def test_an_occurrence_is_the_same_event_before_it_is_a_window_and_after() -> None:
    base = coming(weekly())
    subscriber = Subscriber()

    def refresh(situation: Situation, *more: Window) -> None:
        known = replace(told(), situation=situation, agenda=(*chosen(situation), *more))
        subscriber.refresh(PUBLISHER.publish(known, NOW).files["/maintenance.ics"].body)

    refresh(base)
    first = chosen(base)[0].maintenance
    near = window(said(1, S.SCHEDULED, NOW), id_=first.id, starts=first.starts, ends=first.ends)
    without = tuple(one for one in chosen(base) if one.maintenance.id != first.id)
    known = replace(told(), situation=base, agenda=(near, *without))
    subscriber.refresh(PUBLISHER.publish(known, NOW).files["/maintenance.ics"].body)
    assert len(subscriber.shown()) == len(chosen(base))


def test_every_state_is_shown_as_what_it_is() -> None:
    found = {event["UID"].partition("@")[0]: str(event["STATUS"]) for event in calendar(OVER, RUNNING, PLANNED, CANCELLED)}
    assert found == {"windowisover": "CONFIRMED", "windowbegun1": "CONFIRMED", "windowwindow": "CONFIRMED", "windownotnow": "CANCELLED"}
    assert MaintenanceState.CANCELLED is S.CANCELLED


# --- what was given out before anybody was told of it -----------------------------------------------------------------------------------


def nightly(hour: int, key: str = "patches", **more: object) -> Series:
    """A weekly one that began long ago."""
    starts = datetime(2025, 11, 2, hour)  # noqa: DTZ001 - its zone is beside it
    return weekly(key, recurrence=replace(weekly().recurrence, starts=starts), **more)


async def in_force(house: House, *series: Series) -> None:
    """The file plans these from now on, and nothing else that comes again."""
    press = house.press
    topology = replace(press.pipeline.situation.topology, series={one.key: one for one in series})
    compiled = past.compiled(topology, Policy(), SITE)
    text = repr(sorted(topology.series.items()))
    await press.store.write(
        lambda connection: queries.apply_configuration(connection, text=text, digest=text, at=house.world.now, compiled=compiled)
    )
    await press.pipeline.replace(topology, Policy())
    press.forget(SITE, press.public_ids, 120.0)


async def test_what_was_given_out_and_is_planned_otherwise_is_struck_out_and_newer_when_it_comes_back(house: House) -> None:
    subscriber, first, later, shorter = Subscriber(), nightly(2), nightly(3), nightly(2, lasts=HOUR)
    other = nightly(5, "cables", name={"en": "Cables"})

    async def refreshed(*series: Series) -> list[tuple[str, datetime, datetime]]:
        house.world.wait(3600)
        await in_force(house, *series)
        await house.press.pipeline.tick()
        subscriber.refresh((await house.press.issue()).files["/maintenance.ics"].body)
        return subscriber.shown()

    def expected(*series: Series) -> list[tuple[str, datetime, datetime]]:
        situation, since = house.press.pipeline.situation, house.world.now.replace(hour=0, minute=0, second=0, microsecond=0)
        spans = [(one, *span) for one in series for span in one.spans(since, since + AHEAD)]
        # What was called off in words never comes back.
        left = [one for one in spans if occurrence_id(situation, one[0].key, one[1]) not in situation.spent]
        return sorted((one.name["en"], starts, ends) for one, starts, ends in left)

    for series in [(first,), (later,), (later, other), (), (first, other), (shorter, other), (first, other), (other,)]:
        assert await refreshed(*series) == expected(*series), series
    struck = [event for event in subscriber.kept.values() if event["STATUS"] == "CANCELLED" and event["SUMMARY"] == "Weekly patches"]
    assert len(struck) > 100
    assert max(event["SEQUENCE"] for event in struck) >= 5


async def test_what_was_not_given_out_or_is_over_is_not_struck_out(house: House) -> None:
    await in_force(house, nightly(2))
    house.world.wait((400 * DAY).total_seconds())
    await in_force(house)
    shelf = await house.press.issue()
    told = [event for event in events(shelf.files["/maintenance.ics"].body) if event["STATUS"] == "CANCELLED"]
    unannounced = [event for event in told if event["SEQUENCE"] == 1]
    assert all(event.decoded("DTEND") > house.world.now for event in unannounced)
    assert 50 < len(unannounced) < 54


async def test_what_is_struck_out_leads_to_no_page_of_its_own_and_concerns_its_services_alone(house: House) -> None:
    await in_force(house, nightly(2), nightly(2, "cables", services=("portal",)))
    await house.press.issue()
    await in_force(house)
    shelf = await house.press.issue()
    struck = [event for event in events(shelf.files["/maintenance.ics"].body) if event["STATUS"] == "CANCELLED"]
    make = house.press.of_service("/services/portal/maintenance.ics")
    assert make is not None
    assert 100 < len(struck) == 2 * len(events(make().body))
    unannounced = [event for event in struck if event["SEQUENCE"] == 1]
    assert len(struck) - len(unannounced) == 2, "the next of each was announced, and called off with words"
    assert {str(event["URL"]).partition("status.example.net")[2] for event in unannounced} == {"/maintenance"}
