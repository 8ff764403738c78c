"""When a cron expression is due, and what is none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from probes.cron import Cron, CronText, Zone
from probes.heartbeat import KIND, Settings, digest
from probes.settings import Secret

WRITTEN = TypeAdapter(CronText)


@pytest.mark.parametrize(
    ("expression", "timezone", "at", "due"),
    [
        ("15 2 * * *", "UTC", "2026-03-02T02:15", "2026-03-03T02:15"),
        ("15 2 * * *", "UTC", "2026-03-02T02:14:59.999", "2026-03-02T02:15"),
        ("15 2 * * *", "Europe/Berlin", "2026-01-02T01:15", "2026-01-03T01:15"),
        ("15 2 * * *", "Europe/Berlin", "2026-07-02T01:15", "2026-07-03T00:15"),
        ("15 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),  # the gap ends at 03:00 of the clock
        ("15 2 * * *", "Europe/Berlin", "2026-10-25T00:15", "2026-10-26T01:15"),  # not a second time in the same night
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:00"),  # hourly work goes on
        ("0 9 * * 1-5", "America/New_York", "2026-03-06T15:00", "2026-03-09T13:00"),
        ("0 0 29 2 *", "UTC", "2026-03-01T00:00", "2028-02-29T00:00"),
        ("0 0 L * *", "UTC", "2026-02-01T00:00", "2026-02-28T00:00"),
        ("0 0 * * SUN", "UTC", "2026-03-02T00:00", "2026-03-08T00:00"),
        ("30 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:30"),  # a gap of half an hour
    ],
)
def test_the_next_due_by_the_clock_of_the_zone(expression: str, timezone: str, at: str, due: str) -> None:
    cron = Cron(expression=WRITTEN.validate_python(expression), timezone=timezone)
    assert cron.due_after(datetime.fromisoformat(at).replace(tzinfo=UTC)) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "gap"),
    [("* * * * *", timedelta(minutes=1)), ("15 2 * * *", timedelta(days=1)), ("0 9 * * 1-5", timedelta(days=3))],
)
def test_the_gap_is_the_longest_of_the_usual_ones(expression: str, gap: timedelta) -> None:
    assert Cron(expression=expression, timezone="UTC").gap == gap


@given(st.floats(0, 2 * 365 * 86400), st.sampled_from(["15 2 * * *", "*/7 * * * *", "0 3 * * 0", "59 23 L * *"]))
def test_a_due_lies_ahead_and_the_one_after_it_further(seconds: float, expression: str) -> None:
    cron = Cron(expression=expression, timezone="Europe/Berlin")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    due = cron.due_after(now)
    assert now < due < cron.due_after(due)
    assert cron.due_after(due - timedelta(microseconds=1)) == due


@pytest.mark.parametrize(
    "text",
    [
        "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a b c d e", "*/0 * * * *",
        "5-1 * * * *", "0 0 30 2 *", "@daily !!!", "9" * 190 + " * * * *", "9" * 5000 + " * * * *", "\N{ARABIC-INDIC DIGIT ONE} * * * *",
        "-1 * * * *", "1, * * * *",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        WRITTEN.validate_python(text)


PARTS = [
    "*",
    "*/2",
    "0",
    "1",
    "7",
    "30",
    "31",
    "59",
    "60",
    "L",
    "LW",
    "5L",
    "1#2",
    "MON",
    "JAN",
    "0-7",
    "5-1",
    "1,2",
    "L/2",
    "*/0",
    ",",
    "-",
    "/",
    "#",
    "L-1",
    "",
]


@given(st.lists(st.sampled_from(PARTS) | st.text("0123456789*/,-#LWMON", max_size=8), min_size=4, max_size=6).map(" ".join))
def test_any_text_is_a_schedule_or_refused_and_never_anything_else(text: str) -> None:
    try:
        written = WRITTEN.validate_python(text)
    except ValidationError:
        return
    cron = Cron(expression=written, timezone="UTC")
    assert cron.due_after(datetime(2026, 1, 1, tzinfo=UTC)) > datetime(2026, 1, 1, tzinfo=UTC)
    assert cron.gap > timedelta(0)


@pytest.mark.parametrize("text", ["Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "Europe", "\x00"])
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Zone).validate_python(text)


def test_a_token_is_never_shown() -> None:
    settings = Settings(token=Secret("hunter2"))
    assert "hunter2" not in f"{settings!r} {settings.model_dump_json()} {KIND.target(settings)}"
    assert digest("hunter2") != digest("hunter3")
