"""What was announced early enough to be left out, and the words for periods."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from incidents.levels.availability import Change, Exclusion, availability
from incidents.levels.notice import exclusions
from incidents.levels.periods import FORMS, named, written
from incidents.levels.terms import Period, Terms
from incidents.maintenance import Maintenance, Promise
from incidents.model import Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from tests.incidents.world import START

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TERMS = Terms(notice=3 * DAY, notice_from=2 * HOUR)
SINCE_EVER = ((START - 99 * DAY, TERMS),)
NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def promise(ahead: timedelta, lasts: timedelta) -> Promise:
    """That long before START it was said that work would last so long."""
    return Promise(announced_at=START - ahead, starts=START, ends=START + lasts)


def window(*promises: Promise) -> Maintenance:
    return Maintenance(
        id="patches",
        name={"en": "Patches"},
        services=("email",),
        starts=START,
        ends=START + HOUR,
        planned_at=START,
        planned_by="ada",
        began_at=START,
        promises=promises,
    )


@pytest.mark.parametrize(
    ("ahead", "lasts", "counts", "reason"),
    [
        (3 * DAY, 2 * HOUR, False, "planned work, announced 3 d before"),
        (2 * DAY, 2 * HOUR, True, "planned work, announced 2 d before; 3 d are promised"),
        (timedelta(0), HOUR, False, "planned work, announced 0 s before"),
        (-HOUR, HOUR, True, "planned work, announced after it began"),
        (-HOUR, 2 * HOUR, True, "planned work, announced after it began; 3 d are promised"),
    ],
)
def test_what_was_announced_in_time_is_left_out(ahead: timedelta, lasts: timedelta, counts: bool, reason: str) -> None:  # noqa: FBT001 - given by name
    (found,) = exclusions([window(promise(ahead, lasts))], SINCE_EVER)
    assert found == Exclusion(span=Span(START, START + lasts), counts=counts, reason=reason, author="ada")


def test_each_promise_is_judged_by_itself_and_by_the_terms_of_its_time() -> None:
    stricter = (*SINCE_EVER, (START - HOUR, replace(TERMS, notice=9 * DAY)))
    found = exclusions([window(promise(5 * DAY, 3 * HOUR), promise(HOUR, HOUR))], stricter)
    assert [(one.counts, one.reason) for one in found] == [
        (True, "planned work, announced 5 d before; 9 d are promised"),
        (False, "planned work, announced 1 h before"),
    ]
    assert [one.counts for one in exclusions([window(promise(5 * DAY, 3 * HOUR))], SINCE_EVER)] == [False]


def test_what_never_began_excludes_nothing_and_who_approved_it_answers_for_it() -> None:
    planned = window(promise(3 * DAY, HOUR))
    assert exclusions([replace(planned, began_at=None)], SINCE_EVER) == ()
    assert [one.author for one in exclusions([replace(planned, approved_by="ben")], SINCE_EVER)] == ["ben"]


def test_a_promise_that_ends_before_it_starts_is_of_no_time() -> None:
    (found,) = exclusions([window(promise(3 * DAY, -HOUR))], SINCE_EVER)
    assert found.span == Span(START, START)


def test_every_stretch_of_a_ledger_says_why_it_is_what_it_is() -> None:
    order = (Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.UNKNOWN)
    changes = [Change(since=START + place * HOUR, new=status) for place, status in enumerate(order)]
    planned = [Change(since=START + 5 * HOUR, new=Status.MAINTENANCE, covered=Status.MAJOR), Change(since=START + 6 * HOUR, new=order[0])]
    office = Calendar(timezone="UTC", weekly={0: ((480, 900),)})  # from START on for seven hours
    period = Span(START, START + 8 * HOUR)
    stated = [(START, Terms(target=Fraction(99, 100), hours=office))]
    by_level = availability([*changes, *planned], period, born=START, terms=stated)
    assert [one.reason for one in by_level.intervals] == [
        "it worked",
        "it worked, but not well",
        "a part of it did not work",
        "it did not work",
        "nothing is known of this time",
        "planned work that was not announced",
        "it worked",
        "outside the service's hours",
    ]
    without = availability([*changes, *planned], period, born=START, terms=[])
    assert without.intervals[5].reason == "planned work; no service level is stated, so it counts"


# --- the words for periods


@pytest.mark.parametrize(
    ("kind", "day", "word"),
    [
        (Period.MONTH, "2026-01-31", "2026-01"),
        (Period.MONTH, "0826-12-01", "0826-12"),
        (Period.QUARTER, "2026-03-31", "2026-Q1"),
        (Period.QUARTER, "2026-04-01", "2026-Q2"),
        (Period.QUARTER, "2026-12-31", "2026-Q4"),
        (Period.YEAR, "2026-12-31", "2026"),
    ],
)
def test_a_period_is_written_in_one_way(kind: Period, day: str, word: str) -> None:
    assert written(kind, date.fromisoformat(day)) == word


@pytest.mark.parametrize(
    ("word", "since", "until"),
    [
        ("2025-12", "2025-11-30T23:00", "2025-12-31T23:00"),
        ("2026-03", "2026-02-28T23:00", "2026-03-31T22:00"),
        ("2025-Q4", "2025-09-30T22:00", "2025-12-31T23:00"),
        ("2026-Q1", "2025-12-31T23:00", "2026-03-31T22:00"),
        ("2025", "2024-12-31T23:00", "2025-12-31T23:00"),
        ("24h", "2026-03-01T12:30", "2026-03-02T12:30"),
        ("7d", "2026-02-23T23:00", "2026-03-02T12:30"),
    ],
)
def test_a_word_names_a_period_of_the_calendar_or_so_much_of_it_up_to_now(word: str, since: str, until: str) -> None:
    expected = Span(*(datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (since, until)))
    assert named(word, NOW, "Europe/Berlin") == expected


@pytest.mark.parametrize("word", ["", "2026-13", "2026-00", "2026-Q5", "2026-Q0", "26-01", "2026-1", "0026", "25h", "2026-01-01"])
def test_another_word_is_refused_with_the_forms_there_are(word: str) -> None:
    with pytest.raises(ValueError, match="not a period") as refused:
        named(word, NOW, "UTC")
    assert str(refused.value) == f"not a period: {word!r}; write one such as {FORMS}"


def test_a_period_that_has_not_begun_or_has_no_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^2026-04 has not begun$"):
        named("2026-04", NOW, "UTC")
    begun = datetime(2026, 4, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match=r"^2026-04 has not begun$"):
        named("2026-04", begun, "UTC")
    assert named("2026-04", begun + timedelta(microseconds=1), "UTC").since == begun
    with pytest.raises(ValueError, match=r"^not a period: '9999' lies at the end of the calendar$"):
        named("9999", NOW, "UTC")
