"""How a rule is read: each part, its bounds, and the whole sentence where it is refused."""

# ruff: noqa: DTZ001 - times by the wall clock name no zone

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from incidents.times.rule import BadRule, Frequency, Rule, parse

DAILY = Rule(frequency=Frequency.DAILY)
YEARLY = Rule(frequency=Frequency.YEARLY)
NO_RULE = "not a rule; write an RRULE that is daily or rarer, such as FREQ=WEEKLY;BYDAY=SU"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("FREQ=DAILY", DAILY),
        ("rrule:freq=daily", DAILY),
        ("FREQ=DAILY;", DAILY),
        ("FREQ=DAILY;INTERVAL=10000;COUNT=10000", replace(DAILY, interval=10_000, count=10_000)),
        ("FREQ=DAILY;INTERVAL=1;COUNT=1", replace(DAILY, interval=1, count=1)),
        ("FREQ=DAILY;BYMONTH=12,1,1", replace(DAILY, months=(1, 12))),
        ("FREQ=YEARLY;BYYEARDAY=-366,+366,1", replace(YEARLY, year_days=(-366, 1, 366))),
        ("FREQ=DAILY;BYMONTHDAY=31,-31", replace(DAILY, month_days=(-31, 31))),
        ("FREQ=DAILY;BYHOUR=0,23;BYMINUTE=59;BYSECOND=0", replace(DAILY, hours=(0, 23), minutes=(59,), seconds=(0,))),
        ("FREQ=DAILY;BYMINUTE=0;BYSECOND=59", replace(DAILY, minutes=(0,), seconds=(59,))),
        ("FREQ=YEARLY;BYMONTH=2;BYSETPOS=-366,366", replace(YEARLY, months=(2,), positions=(-366, 366))),
        ("FREQ=DAILY;BYDAY=MO,SU,MO", replace(DAILY, weekdays=((0, 0), (0, 6)))),
        ("FREQ=YEARLY;BYDAY=53MO,-53FR,+1TU", replace(YEARLY, weekdays=((53, 0), (-53, 4), (1, 1)))),
        ("FREQ=DAILY;WKST=SU", replace(DAILY, week_start=6)),
        ("FREQ=DAILY;UNTIL=20261231", replace(DAILY, until=datetime.combine(date(2026, 12, 31), time.max))),
        ("FREQ=DAILY;UNTIL=20261231T020304", replace(DAILY, until=datetime(2026, 12, 31, 2, 3, 4))),
        ("FREQ=DAILY;UNTIL=20261231T020304Z", replace(DAILY, until=datetime(2026, 12, 31, 2, 3, 4, tzinfo=UTC))),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5,6;BYMINUTE=0,15,30,45", replace(DAILY, hours=(1, 2, 3, 4, 5, 6), minutes=(0, 15, 30, 45))),
    ],
)
def test_a_rule_is_read_part_by_part(text: str, rule: Rule) -> None:
    assert parse(text) == rule


UNTIL = "not a rule: UNTIL takes 20261231, 20261231T020000 (by the zone's clock) or 20261231T010000Z (UTC)"
BYDAY = "not a rule: BYDAY takes days such as MO,TU or 1SU (the first) or -1FR (the last)"
REFUSED = {
    "": NO_RULE,
    "FREQ=HOURLY": NO_RULE,
    "BYDAY=SU": NO_RULE,
    "FREQ=DAILY;BYDAY": NO_RULE,
    "FREQ=DAILY; BYDAY=SU": NO_RULE,
    "FREQ=DAILY;FREQ=DAILY": "not a rule: a part stands in it twice; write an RRULE such as FREQ=WEEKLY;BYDAY=SU",
    "FREQ=DAILY;BYWEEKNO=3;BYEASTER=1": "not a rule: BYWEEKNO is not supported; write an RRULE such as FREQ=WEEKLY;BYDAY=SU",
    "FREQ=DAILY;INTERVAL=0": "not a rule: INTERVAL takes a number from 1 to 10000",
    "FREQ=DAILY;INTERVAL=10001": "not a rule: INTERVAL takes a number from 1 to 10000",
    "FREQ=DAILY;INTERVAL=1,2": "not a rule: INTERVAL takes a number from 1 to 10000",
    "FREQ=DAILY;COUNT=0": "not a rule: COUNT takes a number from 1 to 10000",
    "FREQ=DAILY;COUNT=10001": "not a rule: COUNT takes a number from 1 to 10000",
    "FREQ=DAILY;COUNT=1,2": "not a rule: COUNT takes a number from 1 to 10000",
    "FREQ=DAILY;BYMONTH=0": "not a rule: BYMONTH takes numbers from 1 to 12",
    "FREQ=DAILY;BYMONTH=13": "not a rule: BYMONTH takes numbers from 1 to 12",
    "FREQ=DAILY;BYMONTH=-1": "not a rule: BYMONTH takes numbers from 1 to 12",
    "FREQ=DAILY;BYMONTH=1,x": "not a rule: BYMONTH takes numbers from 1 to 12",
    "FREQ=DAILY;BYMONTH=x": "not a rule: BYMONTH takes numbers from 1 to 12",
    "FREQ=YEARLY;BYYEARDAY=0": "not a rule: BYYEARDAY takes numbers from 1 to 366, or from the end with a minus",
    "FREQ=YEARLY;BYYEARDAY=-367": "not a rule: BYYEARDAY takes numbers from 1 to 366, or from the end with a minus",
    "FREQ=DAILY;BYMONTHDAY=32": "not a rule: BYMONTHDAY takes numbers from 1 to 31, or from the end with a minus",
    "FREQ=DAILY;BYHOUR=24": "not a rule: BYHOUR takes numbers from 0 to 23",
    "FREQ=DAILY;BYMINUTE=60": "not a rule: BYMINUTE takes numbers from 0 to 59",
    "FREQ=DAILY;BYSECOND=60": "not a rule: BYSECOND takes numbers from 0 to 59",
    "FREQ=DAILY;BYMONTH=1;BYSETPOS=367": "not a rule: BYSETPOS takes numbers from 1 to 366, or from the end with a minus",
    "FREQ=DAILY;UNTIL=2026": UNTIL,
    "FREQ=DAILY;UNTIL=20261301": UNTIL,
    "FREQ=DAILY;UNTIL=20261231T250000": UNTIL,
    "FREQ=DAILY;BYDAY=XX": BYDAY,
    "FREQ=DAILY;BYDAY=MO,": BYDAY,
    "FREQ=YEARLY;BYDAY=54MO": BYDAY,
    "FREQ=YEARLY;BYDAY=-54MO": BYDAY,
    "FREQ=YEARLY;BYDAY=0MO": BYDAY,
    "FREQ=DAILY;WKST=XX": "not a rule: WKST takes one of MO TU WE TH FR SA SU",
    "FREQ=DAILY;COUNT=1;UNTIL=20261231": "not a rule: COUNT and UNTIL exclude each other; remove one",
    "FREQ=WEEKLY;BYDAY=1MO": "not a rule: BYDAY with a number needs FREQ=MONTHLY or YEARLY, not WEEKLY",
    "FREQ=DAILY;BYDAY=-1MO": "not a rule: BYDAY with a number needs FREQ=MONTHLY or YEARLY, not DAILY",
    "FREQ=WEEKLY;BYMONTHDAY=1": "not a rule: BYMONTHDAY does not go with FREQ=WEEKLY",
    "FREQ=MONTHLY;BYYEARDAY=1": "not a rule: BYYEARDAY needs FREQ=YEARLY",
    "FREQ=MONTHLY;BYSETPOS=1": "not a rule: BYSETPOS chooses among days that another part names; add BYDAY or such",
    "FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5": "not a rule: more than 24 starts a day; write fewer hours, minutes or seconds",
    "FREQ=DAILY;BYMINUTE=1,2,3,4,5;BYSECOND=1,2,3,4,5": "not a rule: more than 24 starts a day; write fewer hours, minutes or seconds",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_rule_is_refused_in_a_sentence_that_says_how_to_mend_it(text: str) -> None:
    with pytest.raises(BadRule) as refused:
        parse(text)
    assert str(refused.value) == REFUSED[text]


@pytest.mark.parametrize("part", ["BYYEARDAY=1", "BYMONTHDAY=1", "BYDAY=MO", "BYHOUR=1", "BYMINUTE=1", "BYSECOND=1", "BYMONTH=1"])
def test_a_position_may_choose_among_what_any_other_part_names(part: str) -> None:
    assert parse(f"FREQ=YEARLY;{part};BYSETPOS=1").positions == (1,)


def test_a_rule_is_at_most_five_hundred_letters_long() -> None:
    long = "FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 241)
    assert len(long) == 500
    assert parse(long).months == (1,)
    with pytest.raises(BadRule, match="not a rule"):
        parse(long + "1")


@pytest.mark.parametrize(
    ("rule", "filled"),
    [
        (DAILY, DAILY),
        (replace(DAILY, frequency=Frequency.WEEKLY), replace(DAILY, frequency=Frequency.WEEKLY, weekdays=((0, 2),))),
        (replace(DAILY, frequency=Frequency.MONTHLY), replace(DAILY, frequency=Frequency.MONTHLY, month_days=(4,))),
        (YEARLY, replace(YEARLY, months=(3,), month_days=(4,))),
        (replace(YEARLY, months=(7,)), replace(YEARLY, months=(7,), month_days=(4,))),
        (replace(YEARLY, year_days=(1,)), replace(YEARLY, year_days=(1,))),
        (replace(YEARLY, month_days=(9,)), replace(YEARLY, month_days=(9,))),
        (replace(YEARLY, weekdays=((0, 0),)), replace(YEARLY, weekdays=((0, 0),))),
    ],
)
def test_what_a_rule_leaves_open_is_taken_from_its_first_start(rule: Rule, filled: Rule) -> None:
    assert rule.filled(date(2026, 3, 4)) == filled  # a Wednesday


@pytest.mark.parametrize(
    ("rule", "taken", "left"),
    [
        (DAILY, "2026-03-04", None),
        (replace(DAILY, months=(3,)), "2026-03-04", "2026-04-04"),
        (replace(YEARLY, year_days=(1, -1)), "2026-12-31", "2026-12-30"),
        (replace(YEARLY, year_days=(366,)), "2024-12-31", "2026-12-31"),
        (replace(YEARLY, year_days=(-366,)), "2024-01-01", "2026-01-01"),
        (replace(DAILY, month_days=(-1,)), "2024-02-29", "2024-02-28"),
        (replace(DAILY, month_days=(28,)), "2024-02-28", "2024-02-29"),
        (replace(DAILY, weekdays=((0, 2),)), "2026-03-04", "2026-03-05"),
        (replace(DAILY, frequency=Frequency.MONTHLY, weekdays=((1, 2),)), "2026-03-04", "2026-03-11"),
        (replace(DAILY, frequency=Frequency.MONTHLY, weekdays=((2, 2),)), "2026-03-11", "2026-03-04"),
        (replace(DAILY, frequency=Frequency.MONTHLY, weekdays=((-1, 1),)), "2026-03-31", "2026-03-24"),
        (replace(DAILY, frequency=Frequency.MONTHLY, weekdays=((-2, 1),)), "2026-03-24", "2026-03-31"),
        (replace(YEARLY, weekdays=((1, 3),)), "2026-01-01", "2026-02-05"),
        (replace(YEARLY, weekdays=((53, 3),)), "2026-12-31", "2026-12-24"),
        (replace(YEARLY, weekdays=((-53, 3),)), "2026-01-01", "2026-01-08"),
        (replace(YEARLY, weekdays=((53, 1),)), "2024-12-31", "2025-12-30"),
        (replace(YEARLY, weekdays=((-1, 3),)), "2026-12-31", "2026-12-24"),
        (replace(YEARLY, weekdays=((-1, 1),)), "2024-12-31", "2024-12-24"),
        (replace(YEARLY, weekdays=((-2, 2),)), "2026-12-23", "2026-12-30"),
        (replace(YEARLY, months=(3,), weekdays=((1, 2),)), "2026-03-04", "2026-03-11"),
        (replace(YEARLY, months=(3,), weekdays=((-1, 1),)), "2026-03-31", "2026-12-29"),
    ],
)
def test_a_day_is_one_of_the_rules_or_is_not(rule: Rule, taken: str, left: str | None) -> None:
    assert rule.takes(date.fromisoformat(taken))
    assert left is None or not rule.takes(date.fromisoformat(left))
