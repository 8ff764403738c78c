"""Teams as the file names them: who is on call, by weeks or by a calendar, and what is wrong with either."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from incidents.escalation import Absence
from probes.settings import Secret
from statuspage.config.calls import Place, Roster, roster, rules
from statuspage.config.loading import load
from statuspage.config.problems import ConfigError

FILE = """
site: {name: Example, url: "https://status.example.net", timezone: Europe/Berlin}
calendars: {office: {weekly: {mon-fri: ["08:00-18:00"]}}}
people:
  ada: {name: Ada L., notify: ["json://127.0.0.1/ada"]}
  bob: {notify: ["json://127.0.0.1/bob"]}
teams:
  desk: {name: Service desk, notify: ["json://127.0.0.1/desk"], hours: office}
  mail: {on_call: ON_CALL}
services:
  email: {tiers: [desk, mail], escalate_after: [5m], needs: [smtp]}
components: {smtp: {}}
"""

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//on call//EN
BEGIN:VEVENT
UID:nights
SUMMARY:ada l.
DTSTART;TZID=Europe/Berlin:20260105T220000
DTEND;TZID=Europe/Berlin:20260106T060000
RRULE:FREQ=DAILY
EXDATE;TZID=Europe/Berlin:20260108T220000
END:VEVENT
BEGIN:VEVENT
UID:nights
RECURRENCE-ID;TZID=Europe/Berlin:20260109T220000
SUMMARY:bob
DTSTART;TZID=Europe/Berlin:20260109T200000
DTEND;TZID=Europe/Berlin:20260110T060000
END:VEVENT
BEGIN:VEVENT
UID:day
SUMMARY:BOB
DTSTART;VALUE=DATE:20260201
DTEND;VALUE=DATE:20260203
END:VEVENT
BEGIN:VEVENT
UID:off
STATUS:CANCELLED
SUMMARY:somebody else
DTSTART:20260301T080000Z
DURATION:PT8H
END:VEVENT
BEGIN:VEVENT
UID:utc
SUMMARY:bob
DTSTART:20260401T080000Z
DURATION:PT8H
END:VEVENT
END:VCALENDAR
"""


def known(tmp_path: Path, on_call: str, calendar: str | None = None) -> Roster:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FILE.replace("ON_CALL", on_call), encoding="utf-8")
    if calendar is not None:
        (tmp_path / "on-call.ics").write_text(calendar, encoding="utf-8")
    loaded = load(file, {})
    return roster(loaded.config, loaded.shifts, 2026)


def refused(tmp_path: Path, on_call: str, calendar: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        known(tmp_path, on_call, calendar)
    (problem,) = caught.value.problems
    return str(problem)


def berlin(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


WEEKS = '{weekly: [ada, bob], since: "2026-01-05 09:00"}'


def test_weeks_are_taken_by_turns_in_the_sites_zone(tmp_path: Path) -> None:
    found = known(tmp_path, WEEKS)
    assert found.on_call("mail", berlin(1, 5, 9)) == ("ada",)
    assert found.on_call("mail", berlin(7, 6, 8, 59)) == ("bob",)
    assert found.on_call("mail", berlin(7, 6, 9)) == ("ada",)
    assert found.on_call("desk", berlin(1, 5, 9)) == ()  # told as a whole


def test_a_call_goes_to_the_team_and_to_whoever_is_on_call(tmp_path: Path) -> None:
    found = known(tmp_path, WEEKS)
    assert found.told("desk", berlin(1, 5, 9)) == (Place(id="team/desk/0", owner="Service desk", url=Secret("json://127.0.0.1/desk")),)
    assert found.told("mail", berlin(1, 12, 9)) == (Place(id="person/bob/0", owner="Bob", url=Secret("json://127.0.0.1/bob")),)
    assert "127.0.0.1" not in repr(found)


def test_a_team_hears_calls_within_its_hours_and_where_somebody_is_on_call(tmp_path: Path) -> None:
    found = known(tmp_path, "{calendar: on-call.ics}", CALENDAR)
    assert found.absent("desk", berlin(1, 5, 18)) is Absence.CLOSED
    assert found.absent("desk", berlin(1, 5, 17, 59)) is None
    assert found.absent("mail", berlin(1, 5, 21, 59)) is Absence.NOBODY
    assert found.absent("mail", berlin(1, 5, 22)) is None


def test_rules_follow_the_file(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FILE.replace("ON_CALL", WEEKS) + "escalation: {repeats_every: 10m}\n", encoding="utf-8")
    loaded = load(file, {})
    found = rules(loaded.config, roster(loaded.config, loaded.shifts, 2026))
    assert found.ladders["email"].tiers == ("desk", "mail")
    assert found.ladders["email"].after == (timedelta(minutes=5),)
    assert found.repeats_every == timedelta(minutes=10)
    assert found.absent("desk", berlin(1, 4, 12)) is Absence.CLOSED  # a Sunday


@pytest.mark.parametrize(
    ("at", "people"),
    [
        ((1, 5, 23), ("ada",)),
        ((1, 6, 5, 59), ("ada",)),
        ((1, 6, 6), ()),
        ((1, 8, 23), ()),  # an exception
        ((1, 9, 21), ("bob",)),  # moved, and taken by somebody else
        ((1, 9, 23), ("bob",)),
        ((1, 10, 23), ("ada",)),
        ((2, 1, 12), ("bob",)),  # a whole day, by the clock of the site
        ((2, 2, 21), ("bob",)),
        ((2, 2, 23, 59), ("ada", "bob")),
        ((2, 3, 0), ("ada",)),
        ((3, 1, 12), ()),  # cancelled
        ((3, 30, 5, 59), ("ada",)),  # the night after the clocks were put forward
        ((4, 1, 17, 59), ("bob",)),  # 08:00 to 16:00 UTC
        ((4, 1, 18), ()),
    ],
)
def test_a_calendar_says_who_is_on_call(tmp_path: Path, at: tuple[int, ...], people: tuple[str, ...]) -> None:
    assert known(tmp_path, "{calendar: on-call.ics}", CALENDAR).on_call("mail", berlin(*at)) == people


@pytest.mark.parametrize(
    ("on_call", "calendar", "words"),
    [
        ("{}", None, "names nobody; give weekly with since, or a calendar"),
        ("{weekly: [ada]}", None, "weekly needs since"),
        ('{weekly: [eve], since: "2026-01-05 09:00"}', None, "there is no such person"),
        ("{calendar: missing.ics}", None, "cannot be read: No such file or directory; correct the path"),
        ("{calendar: on-call.ics}", "nothing of the kind", "is no iCalendar file"),
        ("{calendar: on-call.ics}", CALENDAR.replace("BOB", "Eve"), "'Eve', who is not in people"),
        ("{calendar: on-call.ics}", CALENDAR.replace("FREQ=DAILY", "FREQ=SECONDLY"), "a rule for 'ada l.' that cannot be used"),
        ("{calendar: on-call.ics}", CALENDAR.replace("DURATION:PT8H", "DURATION:PT0H"), "lasts 0:00:00; a shift lasts up to a year"),
        ("{calendar: on-call.ics}", CALENDAR.replace("DURATION:PT8H\n", ""), "says not when the shift of"),
        ("{calendar: on-call.ics}", "x" * (1024 * 1024 + 1), "is larger than 1024 kB"),
    ],
)
def test_what_names_nobody_or_makes_no_sense_is_refused_with_its_place_and_the_mend(
    tmp_path: Path, on_call: str, calendar: str | None, words: str
) -> None:
    problem = refused(tmp_path, on_call, calendar)
    assert "teams.mail.on_call" in problem
    assert words in problem


def test_a_summary_is_hostile_and_is_shown_tame(tmp_path: Path) -> None:
    problem = refused(tmp_path, "{calendar: on-call.ics}", CALENDAR.replace("BOB", "Eve\x1b[31m" + "x" * 500))
    assert "\x1b" not in problem
    assert len(problem) < 600
