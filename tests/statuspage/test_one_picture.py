"""Bars, sentences and figures of one page, and the metrics and documents beside it, against a walk through a history made by chance."""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from html import unescape
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from incidents.levels.availability import Change, Correction, Ledger, availability, planned
from incidents.levels.terms import Terms
from incidents.model import Status
from incidents.rollup import ORDER
from incidents.times.spans import Span
from statuspage import bundled
from statuspage.picture.days import Day, as_of_now, bars_of, strip
from statuspage.picture.figures import level_view
from statuspage.picture.levels import earliest, level
from statuspage.publish import Publisher
from statuspage.render import words
from statuspage.render.html import Html
from statuspage.render.ledgers import Form, document
from statuspage.render.level_metrics import level_metrics
from statuspage.render.tongue import ENGLISH
from tests.incidents import clocks
from tests.incidents.chance import often
from tests.incidents.tally import Tally
from tests.statuspage.pictures import service, snapshot

SECOND, MINUTE, QUARTER = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=15)
BACK = {SECOND: 2 * 3600, MINUTE: 3 * 1440, QUARTER: 100 * 96}
"""How many steps a history may go back, by how long one is: two hours by the second, a hundred days by the quarter of an hour."""

SEEN = [Status.OPERATIONAL, Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.UNKNOWN]
OUTAGE = frozenset({Status.PARTIAL, Status.MAJOR})
PUBLISHER = Publisher(Html(bundled.templates()))


@dataclass(frozen=True, kw_only=True)
class History:
    """What became of a service before *as_of*, in steps of *unit*; *late* is what began since, in the running minute."""

    zone: str
    as_of: datetime
    unit: timedelta
    born: datetime
    changes: tuple[Change, ...]
    corrections: tuple[Correction, ...]
    share: Fraction
    late: Status | None

    @property
    def now(self) -> datetime:
        return self.as_of + 40 * SECOND

    @property
    def told(self) -> tuple[Change, ...]:
        late = () if self.late is None else (Change(since=self.as_of + 10 * SECOND, new=self.late),)
        return (*self.changes, *late)

    @property
    def present(self) -> Status:
        return self.told[-1].new

    @property
    def stated(self) -> list[tuple[datetime, Terms]]:
        return [(self.born - timedelta(days=1000), Terms(partial_counts=self.share))]

    def ledger(self) -> Ledger:
        """As the books keep it: told for a day ahead."""
        period = Span(earliest(self.as_of, self.zone), self.as_of + timedelta(days=1))
        return availability(self.told, period, born=self.born, terms=self.stated, corrections=self.corrections)

    def days(self) -> tuple[Day, ...]:
        first, last = bars_of(self.as_of.astimezone(ZoneInfo(self.zone)).date())
        shown = planned(self.told, self.corrections, self.as_of + timedelta(days=1))
        return strip(self.ledger(), shown, first=first, last=last, until=self.as_of, zone=ZoneInfo(self.zone))


@st.composite
def histories(draw: st.DrawFn) -> History:
    unit = draw(st.sampled_from(list(BACK)))
    zone, moment = draw(clocks.near(timedelta(hours=2), timedelta(days=2), MINUTE))
    as_of = moment.replace(minute=moment.minute // 15 * 15, second=0) if unit == QUARTER else moment.replace(second=0)
    far = draw(st.one_of(st.just(BACK[unit]), st.integers(1, BACK[unit])))
    steps = {far, *draw(st.lists(st.integers(1, far), max_size=6))}
    corrections = tuple(
        Correction(span=_span(draw, as_of, unit, far), status=draw(st.sampled_from(SEEN)), reason="known better", author="anna", at=as_of)
        for _ in range(draw(st.sampled_from([0, 0, 1, 2])))
    )
    return History(
        zone=zone,
        as_of=as_of,
        unit=unit,
        born=as_of - far * unit,
        changes=tuple(_change(draw, as_of - step * unit) for step in sorted(steps, reverse=True)),
        corrections=corrections,
        share=draw(st.sampled_from([Fraction(1), Fraction(1), Fraction(1, 4), Fraction(0)])),
        late=draw(st.sampled_from([None, None, *SEEN])),
    )


def _span(draw: st.DrawFn, as_of: datetime, unit: timedelta, far: int) -> Span:
    since = draw(st.integers(1, far))
    return Span(as_of - since * unit, as_of - draw(st.integers(0, since - 1)) * unit)


def _change(draw: st.DrawFn, since: datetime) -> Change:
    seen = draw(st.sampled_from(SEEN))
    if draw(st.integers(0, 4)):
        return Change(since=since, new=seen)
    return Change(since=since, new=Status.MAINTENANCE, covered=draw(st.sampled_from([seen, None])))


# --- the walk -------------------------------------------------------------------------------------------------------------------------


@dataclass
class Walked:
    """What the steps of one day, or of many, add up to, in seconds."""

    down: Fraction = Fraction(0)
    planned: Fraction = Fraction(0)
    known: Fraction = Fraction(0)
    unknown: Fraction = Fraction(0)
    lessened: Fraction = Fraction(0)
    shown: set[Status] = field(default_factory=set)

    def step(self, measured: Status, shown: Status, share: Fraction, long: Fraction) -> None:
        self.shown.add(shown)
        if measured is Status.UNKNOWN:
            self.unknown += long
            return
        self.known += long
        if measured in OUTAGE:
            counted = long * (share if measured is Status.PARTIAL else 1)
            self.down += counted
            self.planned += counted if shown is Status.MAINTENANCE else 0
            self.lessened += long if measured is Status.PARTIAL and share != 1 else 0


def walk(history: History) -> Iterator[tuple[datetime, Status, Status]]:
    """Each step with what was measured and what was shown: say the rules, one instant after the other."""
    at = history.born
    while at < history.as_of:
        newest = [one for one in history.changes if one.since <= at][-1]
        better = [one.status for one in history.corrections if one.span.holds(at)]
        if better:
            yield at, better[-1], better[-1]
        elif newest.new is Status.MAINTENANCE:
            yield at, newest.covered or Status.UNKNOWN, Status.MAINTENANCE
        else:
            yield at, newest.new, newest.new
        at += history.unit


def by_day(history: History) -> dict[date, Walked]:
    found: dict[date, Walked] = defaultdict(Walked)
    zone, long = ZoneInfo(history.zone), Fraction(history.unit // SECOND)
    for at, measured, shown in walk(history):
        found[at.astimezone(zone).date()].step(measured, shown, history.share, long)
    return found


def total(days: Sequence[Walked]) -> Walked:
    return Walked(
        down=sum((one.down for one in days), Fraction(0)),
        known=sum((one.known for one in days), Fraction(0)),
        unknown=sum((one.unknown for one in days), Fraction(0)),
        lessened=sum((one.lessened for one in days), Fraction(0)),
    )


def spelled(walked: Walked) -> str | None:
    """The figure, cut by hand: three places, and whatever follows is thrown away."""
    if not walked.known:
        return None
    thousandths = int((walked.known - walked.down) * 100_000 / walked.known)
    return f"{thousandths // 1000}.{thousandths % 1000:03}"


# --- what must hold -------------------------------------------------------------------------------------------------------------------

DOWN, IN_WORK, GAP, BETTER = "an outage", "downtime in planned work", "a gap", "what a person knows better"
LESSENED, LATE, OLDER = "a partial outage that counts less", "an outage since the last minute", "more than the bars show"
MET = (DOWN, IN_WORK, GAP, BETTER, LESSENED, LATE, OLDER)


def met(history: History, days: dict[date, Walked]) -> Iterator[str]:
    oldest, _ = bars_of(history.as_of.astimezone(ZoneInfo(history.zone)).date())
    marks = {
        DOWN: any(one.shown & OUTAGE for one in days.values()),
        IN_WORK: any(one.planned for one in days.values()),
        GAP: any(one.unknown for one in days.values()),
        BETTER: bool(history.corrections),
        LESSENED: any(one.lessened for one in days.values()),
        LATE: history.late in OUTAGE,
        OLDER: min(days) < oldest,
    }
    yield from (mark for mark, holds in marks.items() if holds)
    yield from clocks.met(history.zone, history.born, history.as_of)


def test_bars_and_figures_are_those_of_a_walk_on_every_surface(is_soak: bool, tally: Tally) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150)
    @given(histories())
    def agree(history: History) -> None:
        walked = by_day(history)
        tally.add(met(history, walked))
        days = history.days()
        assert_the_days_are_those_of_the_walk(days, walked, history.as_of)
        in_all = total([one for day, one in walked.items() if day >= days[0].day])
        assert_the_page_says_so(history, as_of_now(days, history.present), in_all)
        assert_the_documents_say_so(history, in_all)

    agree()
    tally.demand(*MET, clocks.FORWARD, clocks.BACK, one_in=20, cases=5_000 if is_soak else 0)


def assert_the_days_are_those_of_the_walk(days: Sequence[Day], walked: dict[date, Walked], as_of: datetime) -> None:
    for day in days:
        one = walked.get(day.day, Walked())
        told = (day.downtime, day.planned, day.unknown, day.lessened)
        assert told == tuple(map(float, (one.down, one.planned, one.unknown, one.lessened))), (day, as_of)
        assert day.worst == max(one.shown, key=ORDER.__getitem__, default=None), (day, as_of)
        assert day.is_mostly_unknown is (one.unknown > one.known)


def assert_the_page_says_so(history: History, days: tuple[Day, ...], in_all: Walked) -> None:
    """The sentence, the figure and each bar's own words, as they stand in the HTML."""
    ledger = history.ledger()
    view = level_view(level("email", ledger, history.stated, zone=history.zone, as_of=history.as_of))
    known = snapshot(service("email"), statuses={"email": history.present}, since=history.told[-1].since)
    site = replace(known.site, timezone=history.zone)
    drawn = replace(known, site=site, days={"email": history.days()}, levels={"email": view})
    html = PUBLISHER.publish(drawn, history.now).files["/"].body.decode()
    (article,) = re.findall(r'<article class="service".*?</article>', html, re.DOTALL)
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", re.sub(r"<title>.*?</title>", "", article))))
    figure, sentence = spelled(in_all), words.history(days, ENGLISH)
    assert f"{figure} % measured" in text if figure else "Not known" in text
    assert sentence in text
    assert ("no outage" in sentence) <= (not in_all.down and history.present not in OUTAGE)
    counted = " counted as down" if in_all.lessened else " down"
    assert (f"{words.length(float(in_all.down), ENGLISH)}{counted}" in sentence) is bool(in_all.down)
    assert (figure == "100.000") is (figure is not None and not in_all.down), "a second of downtime is never rounded away"
    if in_all.unknown:
        gap = f"not known for {words.length(float(in_all.unknown), ENGLISH)}"
        assert gap in sentence
        assert figure is None or text.count(gap) >= 2, "beside the figure and under the bars"
    assert list(hovered(article)) == [words.day(day, ENGLISH) for day in days]


def hovered(article: str) -> Iterator[str]:
    """What the bars say when they are pointed at, one after the other: of each day in all."""
    for count, said in re.findall(r'h(\d+)"><title>[^:<]*: ([^<]*)</title>', article):
        yield from [unescape(said)] * (int(count) // 6)


def assert_the_documents_say_so(history: History, in_all: Walked) -> None:
    """The metrics, and the public ledger as JSON and as CSV, of the same ninety days."""
    told = level("email", history.ledger(), history.stated, zone=history.zone, as_of=history.as_of)
    figure, of_bars = spelled(in_all), told.periods["90d"]
    families = {family.name: family for family in text_string_to_metric_families(level_metrics({"email": told}))}
    samples = families["statuspage_service_availability_ratio"].samples
    ratios = [f"{one.value * 100:.3f}" for one in samples if one.labels["period"] == "90d" and one.labels["figure"] == "measured"]
    assert ratios == ([] if figure is None else [figure])
    written = json.loads(document(Form.JSON, of_bars, service="email", word="90d").body)
    assert written["measured"] == (None if figure is None else float(figure))
    assert written["unknown_seconds"] == float(in_all.unknown)
    rows = list(csv.DictReader(io.StringIO(document(Form.CSV, of_bars, service="email", word="90d").body.decode())))
    shares = {"down": Fraction(1), "partial": history.share}
    down = sum((Fraction(row["seconds"]) * shares.get(row["measured"], Fraction(0)) for row in rows), Fraction(0))
    assert down == in_all.down
    assert sum((Fraction(row["seconds"]) for row in rows), Fraction(0)) == in_all.known + in_all.unknown
