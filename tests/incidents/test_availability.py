"""The ledger against a slow reference that walks through the period second by second."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.levels.availability import (
    MEASURED,
    Change,
    Correction,
    Exclusion,
    Interval,
    Kind,
    Ledger,
    availability,
    cut,
    percent,
    planned,
    spliced,
)
from incidents.levels.terms import Terms
from incidents.model import Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from tests.incidents import clocks
from tests.incidents.chance import often
from tests.incidents.tally import Tally

UP, DEGRADED, PARTIAL, DOWN = Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR
UNKNOWN, PLANNED = Status.UNKNOWN, Status.MAINTENANCE
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
TROUBLE = {Kind.DEGRADED, Kind.PARTIAL, Kind.DOWN}
THREE_NINES = Terms(target=Fraction(999, 1000))
OFFICE = Calendar(timezone="Europe/Berlin", weekly=dict.fromkeys(range(5), ((480, 1080),)))


def at(hours: float) -> datetime:
    return MARCH + hours * HOUR


def change(hours: float, new: Status, covered: Status | None = None) -> Change:
    return Change(since=at(hours), new=new, covered=covered)


def span(since: float, until: float) -> Span:
    return Span(at(since), at(until))


def ledger(*changes: Change, period: Span | None = None, terms: Terms | None = THREE_NINES, **more: object) -> Ledger:
    said = {"born": MARCH, "terms": [] if terms is None else [(MARCH, terms)], **more}
    return availability(changes, period or span(0, 100), **said)  # type: ignore[arg-type]  # the test's own keywords


def kinds(found: Ledger) -> list[tuple[float, Kind]]:
    return [((one.since - MARCH) / HOUR, one.kind) for one in found.intervals]


def test_every_minute_is_what_the_record_says() -> None:
    found = ledger(change(0, UP), change(10, DOWN), change(11, UP), change(20, PARTIAL), change(22, DEGRADED), change(30, UP))
    assert kinds(found) == [(0, Kind.UP), (10, Kind.DOWN), (11, Kind.UP), (20, Kind.PARTIAL), (22, Kind.DEGRADED), (30, Kind.UP)]
    assert found.measured.ratio == found.contractual.ratio == Fraction(97, 100)
    assert found.measured.down == 3 * HOUR // timedelta(microseconds=1)


def test_a_gap_is_neither_up_nor_down_and_is_stated() -> None:
    month = span(0, 30 * 24)
    found = ledger(change(0, UP), change(240, UNKNOWN), change(480, UP), change(500, DOWN), change(502, UP), period=month)
    assert found.unknown == 10 * DAY
    assert found.measured.known == 20 * DAY // timedelta(microseconds=1)
    assert found.measured.ratio == 1 - Fraction(2, 480)


def test_of_what_was_never_known_there_is_no_figure() -> None:
    found = ledger()
    assert (found.measured.ratio, found.contractual.ratio, found.unknown) == (None, None, 100 * HOUR)


def test_a_new_service_is_not_judged_by_days_on_which_it_was_not_there() -> None:
    hour_old = ledger(change(99, UP), change(99.5, DOWN), born=at(99))
    assert hour_old.measured.ratio == Fraction(1, 2)
    assert hour_old.period == span(99, 100)
    unborn = ledger(born=at(200))
    assert (unborn.intervals, unborn.measured.ratio) == ((), None)


def test_a_partial_outage_counts_as_much_as_the_terms_say() -> None:
    half = replace(THREE_NINES, partial_counts=Fraction(1, 2))
    assert ledger(change(0, UP), change(10, PARTIAL), change(20, UP), terms=half).contractual.ratio == Fraction(95, 100)


def test_outside_its_hours_a_service_may_be_down_and_the_measure_says_so_all_the_same() -> None:
    terms = replace(THREE_NINES, hours=OFFICE)
    found = ledger(change(0, UP), change(24, DOWN), change(32, UP), period=span(0, 48), terms=terms)  # a Monday; the office opens at 7 UTC
    assert kinds(found) == [
        (0, Kind.OUTSIDE_HOURS),
        (24, Kind.OUTSIDE_HOURS),
        (31, Kind.DOWN),
        (32, Kind.UP),
        (41, Kind.OUTSIDE_HOURS),
    ]
    assert found.contractual.ratio == Fraction(9, 10)
    assert found.measured.ratio == Fraction(40, 48)
    assert [one.measured for one in found.intervals] == [Kind.UP, Kind.DOWN, Kind.DOWN, Kind.UP, Kind.UP]


def test_planned_trouble_that_was_announced_in_time_is_left_out_of_the_contract_alone() -> None:
    kept = Exclusion(span=span(10, 14), counts=False, reason="announced 72 h before", author="anna")
    changes = (change(0, UP), change(10, PLANNED, UP), change(11, PLANNED, DOWN), change(13, PLANNED, UP), change(14, UP))
    found = ledger(*changes, exclusions=[kept])
    assert kinds(found) == [(0, Kind.UP), (11, Kind.MAINTENANCE), (13, Kind.UP)]
    assert found.contractual.ratio == 1
    assert found.measured.ratio == Fraction(98, 100)
    window = found.intervals[1]
    assert (window.counts, window.measured, window.reason, window.author) == (False, Kind.DOWN, "announced 72 h before", "anna")


def test_of_a_planned_partial_outage_what_worked_goes_on_counting() -> None:
    half = replace(THREE_NINES, partial_counts=Fraction(1, 4))
    kept = Exclusion(span=span(10, 14), counts=False, reason="announced", author="anna")
    found = ledger(change(0, DOWN), change(10, PLANNED, PARTIAL), change(14, DOWN), change(50, UP), terms=half, exclusions=[kept])
    assert (found.contractual.up, found.contractual.known) == (Fraction(53 * 3600_000_000), Fraction(99 * 3600_000_000))


def test_planned_trouble_that_was_announced_too_late_counts_and_says_why() -> None:
    late = Exclusion(span=span(10, 12), counts=True, reason="announced 2 h before, 72 h were promised", author="anna")
    changes = (change(0, UP), change(10, PLANNED, DOWN), change(13, UP))
    found = ledger(*changes, exclusions=[late])
    assert found.contractual.ratio == Fraction(97, 100)
    assert [(one.counts, one.reason) for one in found.intervals[1:3]] == [
        (True, "announced 2 h before, 72 h were promised"),
        (True, "planned work that was not announced"),
    ]
    in_time = Exclusion(span=span(11, 12), counts=False, reason="announced in time", author="ben")
    assert ledger(*changes, exclusions=[in_time, late]).contractual.down == 2 * HOUR // timedelta(microseconds=1)


def test_without_a_stated_level_every_minute_counts_planned_or_not() -> None:
    kept = Exclusion(span=span(10, 14), counts=False, reason="announced", author="anna")
    found = ledger(change(0, UP), change(10, PLANNED, DOWN), change(12, UP), terms=None, exclusions=[kept])
    assert found.contractual.ratio == found.measured.ratio == Fraction(98, 100)
    assert [(one.kind, one.counts) for one in found.intervals] == [(Kind.UP, True), (Kind.MAINTENANCE, True), (Kind.UP, True)]


def test_an_outage_beside_the_window_is_an_outage() -> None:
    kept = Exclusion(span=span(10, 14), counts=False, reason="announced", author="anna")
    assert ledger(change(0, UP), change(10, DOWN), change(12, UP), exclusions=[kept]).contractual.ratio == Fraction(98, 100)


def test_what_a_person_knows_better_is_counted_with_their_name_and_the_later_word_holds() -> None:
    first = Correction(span=span(10, 14), status=UP, reason="a fault of the probe", author="anna", at=at(20))
    second = Correction(span=span(12, 14), status=PARTIAL, reason="half of it was", author="ben", at=at(30))
    found = ledger(change(0, UP), change(10, DOWN), change(14, UP), corrections=[second, first])
    assert [(one.kind, one.reason, one.author) for one in found.intervals] == [
        (Kind.UP, "it worked", None),
        (Kind.UP, "a fault of the probe", "anna"),
        (Kind.PARTIAL, "half of it was", "ben"),
        (Kind.UP, "it worked", None),
    ]
    backdated = Correction(span=span(8, 10), status=DOWN, reason="a caller saw it first", author="anna", at=at(20))
    assert ledger(change(0, UP), change(10, DOWN), change(14, UP), corrections=[backdated]).measured.ratio == Fraction(94, 100)


def test_old_months_keep_the_hours_that_were_theirs() -> None:
    always, office = THREE_NINES, replace(THREE_NINES, hours=OFFICE)
    down = (change(0, UP), change(30, DOWN), change(31, UP), change(54, DOWN), change(55, UP))
    found = availability(down, span(24, 72), born=MARCH, terms=[(MARCH, always), (at(48), office)])
    assert [(one.since, one.kind) for one in found.intervals if one.measured is Kind.DOWN] == [
        (at(30), Kind.DOWN),
        (at(54), Kind.OUTSIDE_HOURS),
    ]


def test_an_empty_period_is_no_period() -> None:
    with pytest.raises(ValueError, match="a period has a length"):
        ledger(period=span(1, 1))


@pytest.mark.parametrize(
    ("ratio", "places", "spelled"),
    [
        (Fraction(99996, 100000), 2, "99.99"),
        (Fraction(99996, 100000), 3, "99.996"),
        (1 - Fraction(1, 90 * 86400), 4, "99.9999"),
        (1 - Fraction(1, 90 * 86400), 2, "99.99"),
        (Fraction(1), 2, "100.00"),
        (Fraction(2, 3), 0, "66"),
        (Fraction(0), 3, "0.000"),
    ],
)
def test_a_percentage_is_cut_and_never_rounded_up(ratio: Fraction, places: int, spelled: str) -> None:
    assert percent(ratio, places) == spelled


# --- by chance, against walking -------------------------------------------------------------------------------------------------------

LENGTH = 400  # seconds of a period
BOTH = "hours that begin or end while clocks change"


@st.composite
def spans(draw: st.DrawFn) -> Span:
    since = draw(st.integers(-50, LENGTH))
    return Span(MARCH + since * SECOND, MARCH + (since + draw(st.integers(0, 200))) * SECOND)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Change, ...]:
    seconds = sorted(draw(st.sets(st.integers(-100, LENGTH), max_size=8)))
    made = []
    for second in seconds:
        new = draw(st.sampled_from(list(Status)))
        covered = draw(st.sampled_from([UP, DEGRADED, PARTIAL, DOWN, UNKNOWN])) if new is PLANNED else None
        made.append(Change(since=MARCH + second * SECOND, new=new, covered=covered))
    return tuple(made)


@st.composite
def stated(draw: st.DrawFn, zone: str, begins: datetime) -> list[tuple[datetime, Terms]]:
    """Terms that hold one after the other; the hours are minutes near what the clock shows at both ends of a period that *begins* then."""
    walls = [(begins + second * SECOND).astimezone(ZoneInfo(zone)) for second in (0, LENGTH)]
    found = []
    for second in sorted(draw(st.sets(st.integers(-100, LENGTH), max_size=3))):
        weekly: dict[int, tuple[tuple[int, int], ...]] = {}
        for wall in walls:
            opens = min(max(wall.hour * 60 + wall.minute + draw(st.integers(-4, 4)), 0), 1439)
            day = wall.weekday()
            weekly[day] = (*weekly.get(day, ()), (opens, min(opens + draw(st.integers(1, 5)), 1440)))
        closed = draw(st.sets(st.sampled_from([wall.date() for wall in walls]), max_size=1)) if draw(st.integers(0, 3)) == 0 else set()
        hours = Calendar(timezone=zone, weekly=weekly, closed=frozenset(closed))
        target = draw(st.sampled_from([None, Fraction(999, 1000)]))
        share = Fraction(draw(st.integers(0, 4)), 4)
        terms = Terms(target=target, hours=draw(st.sampled_from([None, hours, hours])), partial_counts=share)
        found.append((begins + second * SECOND, terms))
    return found


corrections = st.lists(
    st.builds(
        lambda span, status, order: Correction(span=span, status=status, reason="known better", author="anna", at=MARCH + order * SECOND),
        spans(),
        st.sampled_from([UP, DEGRADED, PARTIAL, DOWN, UNKNOWN]),
        st.integers(0, 10_000),
    ),
    max_size=3,
    unique_by=lambda one: one.at,
)
exclusions = st.lists(
    st.builds(lambda span, counts: Exclusion(span=span, counts=counts, reason=f"counts: {counts}", author="ben"), spans(), st.booleans()),
    max_size=3,
)


def walked(instant: datetime, world: "World") -> tuple[Kind, Kind, bool, Fraction]:
    """Say the rules one after the other: the kind, what was measured, whether downtime counts, the share of it that is down."""
    in_force = [one for one in world.changes if one.since <= instant]
    newest = in_force[-1] if in_force else None
    known_better = [one for one in world.corrections if one.span.holds(instant)]
    terms = ([stated for since, stated in world.terms if since <= instant] or [Terms()])[-1]
    if known_better:
        measured = MEASURED[max(known_better, key=lambda one: one.at).status]
    elif newest is None:
        measured = Kind.UNKNOWN
    else:
        measured = MEASURED[newest.covered if newest.covered is not None else newest.new]
    down = {Kind.DOWN: Fraction(1), Kind.PARTIAL: terms.partial_counts}.get(measured, Fraction(0))
    if terms.hours is not None and not _is_open(terms.hours, instant):
        return Kind.OUTSIDE_HOURS, measured, False, down
    if measured in TROUBLE and not known_better and newest is not None and newest.new is PLANNED:
        spared = terms.target is not None and any(one.span.holds(instant) and not one.counts for one in world.exclusions)
        return Kind.MAINTENANCE, measured, not spared, down
    return measured, measured, measured is not Kind.UNKNOWN, down


def _is_open(calendar: Calendar, instant: datetime) -> bool:
    wall = instant.astimezone(ZoneInfo(calendar.timezone))
    return wall.date() not in calendar.closed and any(
        a <= wall.hour * 60 + wall.minute < b for a, b in calendar.weekly.get(wall.weekday(), ())
    )


class World:
    """Everything that a ledger is made from, as it was drawn for March and is shifted to where a period *begins* in *zone*."""

    def __init__(
        self,
        zone: str,
        begins: datetime,
        changes: Sequence[Change],
        terms: Sequence[tuple[datetime, Terms]],
        exclusions: Sequence[Exclusion],
        corrections: Sequence[Correction],
    ) -> None:
        self.zone, self.begins, self.terms = zone, begins, terms
        self.changes = [replace(one, since=one.since + (begins - MARCH)) for one in changes]
        self.exclusions = [replace(one, span=self.shifted(one.span)) for one in exclusions]
        self.corrections = [replace(one, span=self.shifted(one.span)) for one in corrections]

    def shifted(self, span: Span) -> Span:
        return Span(span.since + (self.begins - MARCH), span.until + (self.begins - MARCH))

    def period(self, since: int = 0, until: int = LENGTH) -> Span:
        return Span(self.begins + since * SECOND, self.begins + until * SECOND)

    def ledger(
        self,
        since: int = 0,
        until: int = LENGTH,
        born: int = -100,
        excluded: Sequence[Exclusion] = (),
        corrected: Sequence[Correction] = (),
    ) -> Ledger:
        return availability(
            self.changes,
            self.period(since, until),
            born=self.begins + born * SECOND,
            terms=self.terms,
            exclusions=[*self.exclusions, *excluded],
            corrections=[*self.corrections, *corrected],
        )

    def met(self) -> Iterator[str]:
        """What the case has of what is to be had."""
        odd = set(clocks.met(self.zone, self.begins, self.begins + LENGTH * SECOND))
        kinds = {interval.kind for interval in self.ledger().intervals}
        yield from odd | kinds
        if odd & {clocks.FORWARD, clocks.BACK} and Kind.OUTSIDE_HOURS in kinds and len(kinds) > 1:
            yield BOTH


@st.composite
def worlds(draw: st.DrawFn) -> World:
    zone, begins = draw(clocks.near(LENGTH * SECOND, 10 * SECOND, SECOND))
    return World(zone, begins, draw(histories()), draw(stated(zone, begins)), draw(exclusions), draw(corrections))


def test_the_ledger_says_of_every_second_what_walking_says(is_soak: bool, tally: Tally) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=400)
    @given(worlds(), st.integers(-20, LENGTH))
    def agrees(world: World, born: int) -> None:
        tally.add(world.met())
        found = world.ledger(born=born)
        assert_whole(found, max(0, born), LENGTH)
        up = known = contract_up = contract_known = Fraction(0)
        for one in found.intervals:
            for n in range(int((one.until - one.since) / SECOND)):
                kind, measured, counts, down = walked(one.since + n * SECOND, world)
                assert (one.kind, one.measured, one.counts) == (kind, measured, counts)
                if measured is not Kind.UNKNOWN:
                    up, known = up + 1 - down, known + 1
                if kind is not Kind.OUTSIDE_HOURS and measured is not Kind.UNKNOWN:
                    contract_up += 1 - down
                    contract_known += 1 if counts else 1 - down
        million = 1_000_000
        assert (found.measured.up, found.measured.known) == (up * million, known * million)
        assert (found.contractual.up, found.contractual.known) == (contract_up * million, contract_known * million)

    agrees()
    tally.demand(*clocks.ALL, *Kind, BOTH, one_in=20, cases=10_000 if is_soak else 0)


def assert_whole(found: Ledger, since: int, until: int) -> None:
    """No gap, no overlap, nothing missing, no seam without a difference."""
    assert sum((one.until - one.since for one in found.intervals), timedelta(0)) == max(0, until - since) * SECOND == found.period.length
    assert all(one.since < one.until for one in found.intervals)
    for one, other in pairwise(found.intervals):
        assert one.until == other.since
        assert replace(one, since=MARCH, until=MARCH) != replace(other, since=MARCH, until=MARCH)


def test_leaving_out_never_lowers_and_a_gap_never_raises(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=200)
    @given(worlds(), spans())
    def holds(world: World, drawn: Span) -> None:
        before, span = world.ledger(), world.shifted(drawn)
        spared = world.ledger(excluded=[Exclusion(span=span, counts=False, reason="", author=None)])
        assert spared.measured == before.measured
        if before.contractual.ratio is not None and spared.contractual.ratio is not None:
            assert spared.contractual.ratio >= before.contractual.ratio
        blind = world.ledger(corrected=[Correction(span=span, status=UNKNOWN, reason="", author="anna", at=MARCH + DAY)])
        assert blind.measured.up <= before.measured.up
        assert blind.measured.down <= before.measured.down
        assert blind.unknown >= before.unknown

    holds()


def test_a_period_cut_in_two_adds_up_to_the_whole(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=200)
    @given(worlds(), st.integers(1, LENGTH - 1))
    def adds_up(world: World, seam: int) -> None:
        whole, halves = world.ledger(), (world.ledger(until=seam), world.ledger(since=seam))
        for figure in ("measured", "contractual"):
            assert getattr(whole, figure).up == sum(getattr(half, figure).up for half in halves)
            assert getattr(whole, figure).known == sum(getattr(half, figure).known for half in halves)
        assert _seconds(whole.intervals) == [*_seconds(halves[0].intervals), *_seconds(halves[1].intervals)]

    adds_up()


def test_a_part_cut_from_a_ledger_is_the_ledger_of_that_part(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=200)
    @given(worlds(), st.integers(-20, LENGTH), st.integers(0, LENGTH - 1), st.integers(1, LENGTH))
    def is_the_same(world: World, born: int, since: int, lasts: int) -> None:
        until = min(since + lasts, LENGTH)
        assert cut(world.ledger(born=born), world.period(since, until)) == world.ledger(since, until, born)

    is_the_same()


def test_a_ledger_that_is_told_again_from_an_instant_on_is_that_of_all_that_is_known(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=200)
    @given(worlds(), histories(), st.integers(1, LENGTH - 1))
    def is_the_same(world: World, later: tuple[Change, ...], seam: int) -> None:
        before, since = world.ledger(), world.begins + seam * SECOND
        told = [replace(one, since=one.since + (world.begins - MARCH)) for one in later]
        world.changes = [one for one in world.changes if one.since < since] + [one for one in told if one.since >= since]
        assert spliced(before, world.ledger(since=seam)) == world.ledger()

    is_the_same()


def test_planned_work_is_shown_where_it_was_in_force_and_nobody_knows_better() -> None:
    changes = (change(0, UP), change(10, PLANNED, UP), change(12, PLANNED, DOWN), change(14, UP), change(20, PLANNED))
    assert planned(changes, (), at(30)) == (span(10, 14), span(20, 30))
    better = [Correction(span=span(a, b), status=UP, reason="", author="anna", at=at(40)) for a, b in ((9, 11), (12, 13), (19, 31))]
    assert planned(changes, better, at(30)) == (span(11, 12), span(13, 14))
    assert planned((), better, at(30)) == ()
    assert planned((change(40, PLANNED),), (), at(30)) == ()


def test_nothing_is_cut_from_beyond_a_ledger() -> None:
    found = ledger(change(0, UP))
    for beyond in (span(50, 101), span(50, 50)):
        with pytest.raises(ValueError, match="within its own period"):
            cut(found, beyond)


def _seconds(intervals: Sequence[Interval]) -> list[Interval]:
    return [
        replace(one, since=one.since + n * SECOND, until=one.since + (n + 1) * SECOND)
        for one in intervals
        for n in range(int((one.until - one.since) / SECOND))
    ]


def test_the_same_outage_seen_more_often_gives_the_same_figure() -> None:
    often_seen = [change(n / 360, DOWN if 10 <= n / 360 < 11 else UP) for n in range(36_000)]
    assert ledger(*often_seen).measured == ledger(change(0, UP), change(10, DOWN), change(11, UP)).measured


def test_a_leap_day_and_a_changed_clock_are_as_long_as_they_are() -> None:
    office = replace(THREE_NINES, hours=replace(OFFICE, closed=frozenset({date(2024, 2, 29)})))
    february = Span(datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
    up = [Change(since=february.since, new=UP)]
    found = availability(up, february, born=february.since, terms=[(february.since, office)])
    assert found.contractual.known == 200 * HOUR // timedelta(microseconds=1)
    assert found.measured.known == 29 * DAY // timedelta(microseconds=1)
