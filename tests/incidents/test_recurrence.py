"""When windows come again: golden starts, and a slow walk over every day and every minute as the reference."""

# ruff: noqa: DTZ001 - times by the wall clock name no zone

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from incidents.maintenance import Series
from incidents.times.recurrence import Recurrence, between
from incidents.times.rule import BadRule, Frequency, Rule, parse
from tests.incidents import clocks
from tests.incidents.chance import often
from tests.incidents.tally import Tally

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def starts(rule: str | None, first: str, zone: str, since: str, until: str, skips: Sequence[str] = ()) -> list[str]:
    """Starts from *since* to *until* (days), in UTC, to the minute."""
    recurrence = Recurrence(
        starts=datetime.fromisoformat(first),
        timezone=zone,
        rule=None if rule is None else parse(rule),
        skips=frozenset(date.fromisoformat(day) for day in skips),
    )
    span = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until))
    return [f"{start:%Y-%m-%d %H:%M}" for start in between(recurrence, *span)]


# --- golden ---------------------------------------------------------------------------------------------------------------------


def test_sunday_at_two_in_berlin_keeps_its_wall_clock_over_two_years_of_clock_changes() -> None:
    found = starts("FREQ=WEEKLY;BYDAY=SU", "2026-01-04 02:00", "Europe/Berlin", "2026-01-01", "2028-01-01")
    assert len(found) == 104
    summer = [start for start in found if start.endswith("00:00")]
    assert found[:2] == ["2026-01-04 01:00", "2026-01-11 01:00"]
    # On 29 March 2026 the clock leaps from 02:00 to 03:00: the offset before gives 01:00 UTC. On 25 October 02:00 comes twice: the first.
    assert found[11:14] == ["2026-03-22 01:00", "2026-03-29 01:00", "2026-04-05 00:00"]
    assert {"2026-10-25 00:00", "2026-11-01 01:00"} <= set(found)
    assert (summer[0], summer[-1], len(summer)) == ("2026-04-05 00:00", "2027-10-31 00:00", 30 + 31)


def test_half_past_two_is_half_past_three_where_the_clock_leaps_over_it() -> None:
    night = starts("FREQ=DAILY", "2026-03-27 02:30", "Europe/Berlin", "2026-03-27", "2026-04-01")
    assert night == ["2026-03-27 01:30", "2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30", "2026-03-31 00:30"]
    local = datetime.fromisoformat("2026-03-29T01:30+00:00").astimezone(ZoneInfo("Europe/Berlin"))
    assert f"{local:%H:%M}" == "03:30"


def test_half_past_two_is_the_first_of_the_two_where_the_clock_falls_back() -> None:
    assert starts("FREQ=DAILY", "2026-10-24 02:30", "Europe/Berlin", "2026-10-24", "2026-10-27") == [
        "2026-10-24 00:30",
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_the_thirty_first_comes_only_where_there_is_one() -> None:
    found = starts("FREQ=MONTHLY", "2026-01-31 22:00", "America/New_York", "2026-01-01", "2028-01-01")
    assert [start[:10] for start in found] == [
        "2026-02-01", "2026-04-01", "2026-06-01", "2026-08-01", "2026-09-01", "2026-11-01", "2027-01-01",
        "2027-02-01", "2027-04-01", "2027-06-01", "2027-08-01", "2027-09-01", "2027-11-01",
    ]  # fmt: skip
    assert {start[11:] for start in found} == {"03:00", "02:00"}


def test_the_last_day_of_the_month_is_asked_for_by_minus_one() -> None:
    found = starts("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31 22:00", "UTC", "2026-01-01", "2026-05-01")
    assert found == ["2026-01-31 22:00", "2026-02-28 22:00", "2026-03-31 22:00", "2026-04-30 22:00"]


def test_a_leap_day_comes_again_only_in_leap_years() -> None:
    found = starts("FREQ=YEARLY", "2028-02-29 04:00", "Asia/Kathmandu", "2026-01-01", "2101-01-01")
    assert found[:2] == ["2028-02-28 22:15", "2032-02-28 22:15"]
    assert len(found) == 18  # 2028 to 2096; 2100 is no leap year


def test_the_second_tuesday_in_lord_howe_over_two_years() -> None:
    found = starts("FREQ=MONTHLY;BYDAY=2TU", "2026-01-13 02:00", "Australia/Lord_Howe", "2026-01-01", "2028-01-01")
    assert found[:5] == ["2026-01-12 15:00", "2026-02-09 15:00", "2026-03-09 15:00", "2026-04-13 15:30", "2026-05-11 15:30"]
    assert (len(found), found[-1]) == (24, "2027-12-13 15:00")


def test_count_counts_what_is_left_out_too() -> None:
    found = starts("FREQ=DAILY;COUNT=4", "2026-05-01 01:00", "UTC", "2026-04-01", "2027-01-01", skips=["2026-05-02"])
    assert found == ["2026-05-01 01:00", "2026-05-03 01:00", "2026-05-04 01:00"]


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260503", "2026-05-02 23:00"), ("20260503T010000", "2026-05-02 23:00"), ("20260502T225959Z", "2026-05-01 23:00")],
)
def test_until_is_a_day_a_time_by_the_wall_clock_or_an_instant(until: str, last: str) -> None:
    assert starts(f"FREQ=DAILY;UNTIL={until}", "2026-05-01 01:00", "Europe/Berlin", "2026-04-01", "2027-01-01")[-1] == last


def test_without_a_rule_there_is_one_start() -> None:
    assert starts(None, "2026-05-01 01:00", "Europe/Berlin", "2000-01-01", "2100-01-01") == ["2026-04-30 23:00"]


def test_two_wall_clock_times_that_the_leap_makes_one_are_one_start() -> None:
    found = starts("FREQ=DAILY;BYHOUR=2,3", "2026-03-29 02:30", "Europe/Berlin", "2026-03-29", "2026-03-30")
    assert found == ["2026-03-29 01:30"]


# --- bounds ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2,4",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;COUNT=10000",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1;COUNT=10000",
    ],
)
def test_no_rule_makes_more_work_than_the_days_that_are_asked_about(rule: str) -> None:
    """Counted in steps of the interpreter, which no other program on the machine can slow down."""
    recurrence = Recurrence(starts=datetime(2026, 1, 1, 2), timezone="Europe/Berlin", rule=parse(rule))
    since = datetime(2060, 1, 1, tzinfo=UTC)
    assert _lines(lambda: between(recurrence, since, since + timedelta(days=4))) < 2_000_000
    assert _lines(lambda: between(recurrence, since, since + timedelta(days=4))) < 500


def _lines(work: "object") -> int:
    count = 0

    def trace(_: object, event: str, __: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]  # typeshed wants its own alias
    try:
        work()  # type: ignore[operator]  # a function of the test
    finally:
        sys.settrace(None)
    return count


# --- what is refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("FREQ=HOURLY", "daily or rarer"),
        ("weekly", "such as FREQ=WEEKLY;BYDAY=SU"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=DAILY;BYEASTER=1", "BYEASTER is not supported"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO is not supported"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "exclude each other"),
        ("FREQ=WEEKLY;BYDAY=1SU", "needs FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=0SU", "BYDAY takes days"),
        ("FREQ=MONTHLY;BYDAY=MONDAY", "BYDAY takes days"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "does not go with"),
        ("FREQ=MONTHLY;BYYEARDAY=3", "needs FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL takes a number from 1"),
        ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL takes a number from 1"),
        ("FREQ=DAILY;BYMONTH=13", "from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=-32", "from 1 to 31"),
        ("FREQ=DAILY;BYMONTHDAY=0", "from 1 to 31"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL takes"),
        ("FREQ=DAILY;UNTIL=20261341", "UNTIL takes"),
        ("FREQ=WEEKLY;WKST=XX", "WKST takes"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5", "more than 24 starts a day"),
        ("FREQ=DAILY; BYHOUR=1", "not a rule"),
        ("FREQ=DAILY;COUNT", "not a rule"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_sentence(rule: str, why: str) -> None:
    with pytest.raises(BadRule) as refusal:
        parse(rule)
    assert why in str(refusal.value)


# --- references -----------------------------------------------------------------------------------------------------------------


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules of every form that RFC 5545 allows from days up, of which many yield little and some yield nothing."""
    frequency = draw(st.sampled_from(Frequency))
    some = st.lists(st.integers(1, 12), max_size=3, unique=True)
    is_long = frequency in {Frequency.MONTHLY, Frequency.YEARLY}
    which = st.integers(-5, 5) if is_long else st.just(0)
    weekdays = draw(st.lists(st.tuples(which, st.integers(0, 6)), max_size=3, unique=True))
    month_days = draw(st.lists(_signed(31), max_size=3, unique=True)) if frequency is not Frequency.WEEKLY else []
    year_days = draw(st.lists(_signed(366), max_size=2, unique=True)) if frequency is Frequency.YEARLY else []
    months = draw(some)
    hours = draw(st.lists(st.integers(0, 23), max_size=2, unique=True))
    has_parts = bool(weekdays or month_days or year_days or months or hours)
    ends = draw(st.sampled_from(["never", "never", "count", "until"]))
    return Rule(
        frequency=frequency,
        interval=draw(st.integers(1, 5)),
        count=draw(st.integers(1, 30)) if ends == "count" else None,
        until=draw(st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1))) if ends == "until" else None,
        months=tuple(sorted(months)),
        year_days=tuple(year_days),
        month_days=tuple(month_days),
        weekdays=tuple(weekdays),
        hours=tuple(sorted(hours)),
        positions=tuple(draw(st.lists(_signed(6), max_size=2, unique=True))) if has_parts else (),
        week_start=draw(st.integers(0, 6)),
    )


def _signed(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most).flatmap(lambda number: st.sampled_from([number, -number]))


FIRSTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0))


def walked(recurrence: Recurrence, first: date, last: date) -> list[datetime]:
    """The reference: look at every day from the first start on, in the words of RFC 5545, and gather those of each period."""
    rule, begins = recurrence.rule, recurrence.starts
    assert rule is not None
    day = _opening(rule, begins.date())
    periods: dict[object, list[date]] = {}
    beyond = timedelta(days=366 if rule.positions else 0)  # positions are counted over the whole of the last period too
    while day <= last + beyond:
        periods.setdefault(_period(rule, day), []).append(day)
        day += timedelta(days=1)
    kept: list[datetime] = []
    for number, days in enumerate(periods.values()):
        if number % rule.interval == 0:
            kept += [at for at in _of_period(rule, begins, days) if at >= begins]
    if rule.count is not None:
        kept = kept[: rule.count]
    if rule.until is not None:
        kept = [at for at in kept if at <= rule.until]
    return [at for at in kept if first <= at.date() <= last and at.date() not in recurrence.skips]


def _opening(rule: Rule, day: date) -> date:
    """The first day of the period that *day* is in, found by walking back."""
    period = _period(rule, day)
    while _period(rule, day - timedelta(days=1)) == period:
        day -= timedelta(days=1)
    return day


def _period(rule: Rule, day: date) -> tuple[int, ...]:
    match rule.frequency:
        case Frequency.DAILY:
            return (day.year, day.month, day.day)
        case Frequency.WEEKLY:
            while day.weekday() != rule.week_start:
                day -= timedelta(days=1)
            return (day.year, day.month, day.day)
        case Frequency.MONTHLY:
            return (day.year, day.month)
        case Frequency.YEARLY:
            return (day.year,)


def _of_period(rule: Rule, begins: datetime, days: list[date]) -> list[datetime]:
    times = [(hour, minute) for hour in rule.hours or (begins.hour,) for minute in rule.minutes or (begins.minute,)]
    found = [datetime(d.year, d.month, d.day, *at) for d in days if _fits(rule, begins.date(), d) for at in times]
    if not rule.positions:
        return found
    return [at for place, at in enumerate(found, 1) if place in rule.positions or place - len(found) - 1 in rule.positions]


def _fits(rule: Rule, begins: date, day: date) -> bool:
    if rule.months and day.month not in rule.months:
        return False
    month, year = _month(day.year, day.month), _year(day.year)
    if not (rule.month_days or rule.year_days or rule.weekdays):
        match rule.frequency:
            case Frequency.DAILY:
                return True
            case Frequency.WEEKLY:
                return day.weekday() == begins.weekday()
            case Frequency.MONTHLY:
                return day.day == begins.day
            case Frequency.YEARLY:
                return day.day == begins.day and (bool(rule.months) or day.month == begins.month)
    if rule.month_days and not any(_at(month, number) == day for number in rule.month_days):
        return False
    if rule.year_days and not any(_at(year, number) == day for number in rule.year_days):
        return False
    among = year if rule.frequency is Frequency.YEARLY and not rule.months else month
    return not rule.weekdays or any(
        day.weekday() == weekday and (which == 0 or _at([d for d in among if d.weekday() == weekday], which) == day)
        for which, weekday in rule.weekdays
    )


@cache
def _month(year: int, month: int) -> list[date]:
    return [day for day in _year(year) if day.month == month]


@cache
def _year(year: int) -> list[date]:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    return [day for day in days if day.year == year]


def _at(days: list[date], number: int) -> date | None:
    place = number - 1 if number > 0 else len(days) + number
    return days[place] if 0 <= place < len(days) else None


def local(recurrence: Recurrence, first: date, last: date) -> list[datetime]:
    """What is under test, by the wall clock: in UTC both are the same."""
    since, until = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last + timedelta(days=1)))
    return [start.replace(tzinfo=None) for start in between(recurrence, since, until)]


def test_a_walk_over_every_day_finds_the_same_starts(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150)
    @given(rule=rules(), first=FIRSTS, later=st.integers(-40, 900), length=st.integers(0, 400))
    def run(rule: Rule, first: datetime, later: int, length: int) -> None:
        since = first.date() + timedelta(days=later)
        recurrence = Recurrence(starts=first, timezone="UTC", rule=rule, skips=frozenset({since + timedelta(days=length // 2)}))
        until = since + timedelta(days=length)
        assert local(recurrence, since, until) == walked(recurrence, since, until)

    run()


def test_dateutil_finds_the_same_starts_where_it_follows_the_standard(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    """It mixes up weekdays with and without a number, and cuts the first week short before it counts positions."""

    @often(is_soak=is_soak, few=150)
    @given(rule=rules(), first=FIRSTS, length=st.integers(0, 800))
    def run(rule: Rule, first: datetime, length: int) -> None:
        is_mixed = len({bool(which) for which, _ in rule.weekdays}) > 1
        if is_mixed or (rule.positions and rule.frequency is Frequency.WEEKLY):
            return
        until = first.date() + timedelta(days=length)
        recurrence = Recurrence(starts=first, timezone="UTC", rule=rule)
        found = local(recurrence, first.date(), until)
        theirs = rrulestr(_text(rule), dtstart=first).xafter(first, count=len(found), inc=True) if found else ()
        assert list(theirs) == found

    run()


def _text(rule: Rule) -> str:
    weekdays = ",".join(f"{which or ''}{DAYS[weekday]}" for which, weekday in rule.weekdays)
    lists = (
        ("BYMONTH", rule.months),
        ("BYYEARDAY", rule.year_days),
        ("BYMONTHDAY", rule.month_days),
        ("BYHOUR", rule.hours),
        ("BYSETPOS", rule.positions),
    )
    parts = [f"FREQ={rule.frequency}", f"INTERVAL={rule.interval}", f"WKST={DAYS[rule.week_start]}"]
    parts += [f"{name}={','.join(map(str, numbers))}" for name, numbers in lists if numbers]
    parts += [f"BYDAY={weekdays}"] if weekdays else []
    parts += [f"COUNT={rule.count}"] if rule.count else []
    parts += [f"UNTIL={rule.until:%Y%m%dT%H%M%S}"] if rule.until else []
    return ";".join(parts)


def test_every_rule_reads_as_it_was_written(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150)
    @given(rule=rules())
    def run(rule: Rule) -> None:
        read = parse(_text(rule))
        assert read.filled(date(2026, 1, 4)) == parse(_text(read)).filled(date(2026, 1, 4))
        assert (read.frequency, read.interval, read.count, set(read.month_days)) == (
            rule.frequency,
            rule.interval,
            rule.count,
            set(rule.month_days),
        )

    run()


@st.composite
def near_midnight(draw: st.DrawFn) -> tuple[Recurrence, date]:
    """What comes often about a moment at which clocks are odd, and the moment's day there."""
    zone = draw(st.sampled_from(clocks.ZONES))
    moment = draw(st.sampled_from(clocks.moments(zone))).astimezone(ZoneInfo(zone))
    day, near = moment.date(), st.sampled_from([(moment.hour - 1) % 24, moment.hour])
    at = timedelta(days=draw(st.integers(-30, 1)), hours=draw(near), minutes=draw(st.integers(0, 59)))
    midnight = datetime(day.year, day.month, day.day)
    hours = tuple(sorted(draw(st.sets(near, max_size=2))))
    minutes = tuple(sorted(draw(st.sets(st.integers(0, 59), max_size=2))))
    dates = tuple(draw(st.lists(st.sampled_from([-1, 1, 29, day.day]), min_size=1, unique=True)))
    daily = Rule(frequency=Frequency.DAILY, interval=draw(st.sampled_from([1, 1, 1, 2])), hours=hours, minutes=minutes)
    by_date = Rule(frequency=Frequency.MONTHLY, month_days=dates, hours=hours)
    rule = draw(st.one_of(st.just(daily), st.just(daily), st.just(by_date), rules()))
    ends = midnight + timedelta(days=draw(st.integers(-1, 1)), hours=2, minutes=30)
    until = draw(st.sampled_from([None, None, None, None, ends, ends.replace(tzinfo=UTC)]))
    rule = rule if until is None else replace(rule, count=None, until=until)
    return Recurrence(starts=midnight + at, timezone=zone, rule=rule, skips=frozenset({day + timedelta(days=2)})), day


def test_a_walk_over_every_minute_finds_the_same_instants_in_every_zone(is_soak: bool, tally: Tally) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=200)
    @given(near_midnight(), st.sampled_from([5, 60, 300, 3000]), st.integers(-26, 26), st.integers(1, 52))
    def agrees(drawn: tuple[Recurrence, date], minutes: int, hours: int, length: int) -> None:
        (recurrence, day), lasts = drawn, timedelta(minutes=minutes)
        since = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
        until = since + timedelta(hours=length)
        starts = watched(recurrence, day)
        assert list(between(recurrence, since, until)) == [start for start in starts if since <= start < until]
        windows = [(start, start + lasts) for start in starts if start < until and start + lasts > since]
        assert list(replace(WORKS, recurrence=recurrence, lasts=lasts).spans(since, until)) == windows
        tally.add((*clocks.met(recurrence.timezone, since, until), *([WINDOWS] if windows else []), *_odd(recurrence, day)))

    agrees()
    tally.demand(*clocks.ALL, WINDOWS, LEAPT, TWICE, one_in=33, cases=10_000 if is_soak else 0)


WINDOWS, LEAPT, TWICE = "windows", "a start that the clock leaps over", "a start that the clock shows twice"
WORKS = Series(
    key="works",
    name={},
    description={},
    services=(),
    components=(),
    recurrence=Recurrence(starts=datetime(2026, 1, 1), timezone="UTC"),
    lasts=timedelta(0),
    announce=timedelta(0),
)


def _odd(recurrence: Recurrence, day: date) -> Iterator[str]:
    """What is odd about the starts on that night."""
    place, shown = ZoneInfo(recurrence.timezone), _shown(recurrence.timezone, day)
    for wall in walked(_without_instant(recurrence), day - timedelta(days=1), day + timedelta(days=1)):
        if shown[wall].astimezone(place).replace(tzinfo=None) != wall:
            yield LEAPT
        again = (shown[wall] + timedelta(minutes=length) for length in (30, 60))
        if any(instant.astimezone(place).replace(tzinfo=None) == wall for instant in again):
            yield TWICE


def watched(recurrence: Recurrence, day: date) -> list[datetime]:
    """The reference: the starts by the wall clock, each at the instant at which somebody who watches that clock sees it first."""
    rule, shown = recurrence.rule, _shown(recurrence.timezone, day)
    ends = rule.until if rule is not None and rule.until is not None and rule.until.tzinfo is not None else None
    instants = {shown[wall] for wall in walked(_without_instant(recurrence), day - timedelta(days=4), day + timedelta(days=5))}
    return sorted(instant for instant in instants if ends is None or instant <= ends)


def _without_instant(recurrence: Recurrence) -> Recurrence:
    """Without an end that is an instant, which a clock on a wall knows nothing of."""
    rule = recurrence.rule
    has_one = rule is not None and rule.until is not None and rule.until.tzinfo is not None
    return replace(recurrence, rule=replace(rule, until=None)) if rule is not None and has_one else recurrence


@lru_cache(maxsize=128)
def _shown(zone: str, day: date) -> Mapping[datetime, datetime]:
    """Watch a clock on the wall, minute by minute, for some days about *day*: when it first shows each time.

    What the clock leaps over is met as many minutes after the leap as the time is past the last one shown before.
    """
    place, minute = ZoneInfo(zone), timedelta(minutes=1)
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=6)
    ends = instant + timedelta(days=13)
    before = instant.astimezone(place).replace(tzinfo=None)
    shown = {before: instant}
    while instant < ends:
        instant += minute
        now = instant.astimezone(place).replace(tzinfo=None)
        missed = before + minute
        while missed < now:
            shown[missed] = instant + (missed - before) - minute
            missed += minute
        shown.setdefault(now, instant)
        before = max(before, now)
    return shown
