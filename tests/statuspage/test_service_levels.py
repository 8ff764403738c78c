"""The page of promises, and the figure beside a service's bars: cut, with what is not known stated, and nothing internal."""

import re
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from incidents.levels.availability import Change, availability
from incidents.levels.service_level import Credit, Offer
from incidents.levels.terms import NO_LEVEL, Period, Terms
from incidents.model import Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from statuspage import bundled
from statuspage.picture.figures import LevelView, decimal, figure, level_view
from statuspage.picture.levels import earliest, level
from statuspage.publish import Publisher
from statuspage.render import words
from statuspage.render.html import Html
from statuspage.render.tongue import ENGLISH
from tests.statuspage.pictures import NOW, service, snapshot

HOUR = timedelta(hours=1)
AS_OF = NOW.replace(second=0)
STEPS = (Credit(below=Fraction(9995, 10000), percent=Fraction(5)),)
NINES = Terms(target=Fraction(9995, 10000), notice=72 * HOUR, notice_from=timedelta(minutes=30))
DOWN, UP, UNKNOWN = Status.MAJOR, Status.OPERATIONAL, Status.UNKNOWN


def view(terms: Terms = NINES, offer: Offer | None = None, *, lived: timedelta = 500 * 24 * HOUR, down: timedelta = HOUR) -> LevelView:
    """A service that was down ten days ago, and of which nothing was known for three hours five days ago."""
    born = AS_OF - lived
    told = [
        (born, UP),
        (AS_OF - 240 * HOUR, DOWN),
        (AS_OF - 240 * HOUR + down, UP),
        (AS_OF - 120 * HOUR, UNKNOWN),
        (AS_OF - 117 * HOUR, UP),
    ]
    changes = [Change(since=at, new=new) for at, new in told if at >= born]
    period = Span(earliest(AS_OF, "UTC"), AS_OF + 24 * HOUR)
    ledger = availability(changes, period, born=born, terms=[(born, terms)])
    return level_view(level("email", ledger, [(born, terms)], zone="UTC", as_of=AS_OF, offer=offer or Offer()))


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(Html(bundled.templates()))


def read(publisher: Publisher, path: str, **levels: LevelView) -> str:
    told = replace(snapshot(service("email"), service("portal")), levels=levels)
    page = publisher.publish(told, NOW).files[path].body.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0]))


def test_the_front_page_tells_the_figure_of_ninety_days_and_what_is_not_known(publisher: Publisher) -> None:
    told = read(publisher, "/", email=view())
    assert "99.953 % measured over 90 days , not known for 3 h" in told
    assert told.count("over 90 days") == 1


@pytest.mark.parametrize(("seconds", "said"), [(0.3, "1 s"), (59.2, "1 min"), (60, "1 min"), (61, "2 min"), (86401, "1 d 1 h")])
def test_a_gap_is_as_long_beside_the_figure_as_under_the_bars(seconds: float, said: str) -> None:
    gap = timedelta(seconds=seconds)
    changes = [
        Change(since=AS_OF - 80 * 24 * HOUR, new=UP),
        Change(since=AS_OF - 60 * HOUR, new=UNKNOWN),
        Change(since=AS_OF - 60 * HOUR + gap, new=UP),
    ]
    ledger = availability(changes, Span(earliest(AS_OF, "UTC"), AS_OF), born=changes[0].since)
    shown = figure(ledger)
    assert shown.unknown >= gap
    assert words.length(shown.unknown.total_seconds(), ENGLISH) == words.length(seconds, ENGLISH) == said


@pytest.mark.parametrize(("days", "said"), [(88, "% measured since "), (91, "% measured over 90 days")])
def test_a_service_that_is_younger_than_its_bars_says_since_when_it_is_watched(publisher: Publisher, days: int, said: str) -> None:
    told = read(publisher, "/", email=view(lived=days * 24 * HOUR))
    assert said in told
    assert ("over 90 days" in told) is (days > 89)


def test_a_service_of_which_nothing_is_known_has_no_figure(publisher: Publisher) -> None:
    assert "% measured" not in read(publisher, "/")
    assert read(publisher, "/service-levels").count("Nothing is known of this service yet.") == 2


def test_the_page_tells_promise_figures_and_months(publisher: Publisher) -> None:
    told = read(publisher, "/service-levels", email=view())
    assert "99.95 % are promised for each month, around the clock." in told
    assert "Planned work that lasts 30 min or longer is left out where it was announced 3 d before." in told
    assert "Last 90 days 99.953 % 99.953 % 3 h" in told
    assert "Nov 2026, so far 99.95 % " in told
    assert "Oct 2026 99.95 %, kept 100.000 % 100.000 %" in told


def test_where_nothing_is_stated_every_minute_counts_and_nothing_is_missed(publisher: Publisher) -> None:
    told = read(publisher, "/service-levels", email=view(NO_LEVEL, down=48 * HOUR))
    assert words.NO_LEVEL in told
    assert "missed" not in told
    assert "kept" not in told.partition("Period")[2].partition("How it is counted")[0]


@pytest.mark.parametrize(
    ("lived", "telling"), [(2 * HOUR, {"24h", "month"}), (50 * HOUR, {"24h", "7d", "month"}), (500 * 24 * HOUR, set(view().figures))]
)
def test_a_young_service_shows_each_span_once_and_the_promised_one(publisher: Publisher, lived: timedelta, telling: set[str]) -> None:
    level = view(lived=lived)
    assert level.telling == telling
    assert read(publisher, "/service-levels", email=level).count("CSV JSON") == len(telling) + len(level.months[:13])


def test_a_month_below_its_promise_is_called_missed() -> None:
    """Down for two days in October; down in November, which goes on, is not missed yet."""
    assert not view(replace(NINES, target=Fraction(1))).months[0].is_missed
    born = AS_OF - 500 * 24 * HOUR
    changes = [Change(since=born, new=UP), Change(since=AS_OF - 40 * 24 * HOUR, new=DOWN), Change(since=AS_OF - 38 * 24 * HOUR, new=UP)]
    ledger = availability(changes, Span(earliest(AS_OF, "UTC"), AS_OF), born=born, terms=[(born, NINES)])
    months = level_view(level("email", ledger, [(born, NINES)], zone="UTC", as_of=AS_OF)).months
    assert [month.is_missed for month in months[:3]] == [False, True, False]


def test_a_young_service_is_counted_from_its_birth_and_says_so(publisher: Publisher) -> None:
    young = view(lived=timedelta(hours=1))
    assert young.figures["365d"] == young.figures["24h"]
    assert len(young.months) == 1
    assert "time before that is not counted" in read(publisher, "/service-levels", email=young)


def test_budget_and_credits_are_shown_only_where_the_file_makes_them_public(publisher: Publisher) -> None:
    inside = read(publisher, "/service-levels", email=view(offer=Offer(credits=STEPS)))
    assert "back" not in inside
    assert "allows" not in inside
    outside = read(publisher, "/service-levels", email=view(offer=Offer(credits=STEPS, is_public=True)))
    assert "Below 99.95 %: 5 % back" in outside
    assert "The downtime that the promise allows is used up." in outside


def test_the_page_is_made_again_only_where_it_would_look_otherwise(publisher: Publisher) -> None:
    known = replace(snapshot(service("email")), levels={"email": view()})
    first = publisher.publish(known, NOW).files["/service-levels"]
    assert publisher.publish(replace(known, levels={"email": view()}), NOW).files["/service-levels"] is first
    assert publisher.publish(known, NOW + 3 * HOUR).files["/service-levels"] is not first  # or a script would call it stale
    assert publisher.publish(replace(known, levels={"email": view(down=2 * HOUR)}), NOW).files["/service-levels"] is not first


def test_hours_are_told_by_days_that_share_them() -> None:
    week: dict[int, tuple[tuple[int, int], ...]] = {**dict.fromkeys(range(5), ((480, 720), (780, 1440))), 6: ((0, 60),)}
    told = words.hours(Calendar(timezone="Asia/Kathmandu", weekly=week, closed=frozenset({NOW.date()})), ENGLISH)
    assert told == (
        "Mon to Fri 08:00 to 12:00 and 13:00 to 24:00, Sun 00:00 to 01:00 (Asia/Kathmandu), but for public holidays and other closed days"
    )


@pytest.mark.parametrize(("share", "told"), [(Fraction(999, 1000), "99.9"), (Fraction(1), "100"), (Fraction(99995, 100000), "99.995")])
def test_what_a_person_wrote_is_told_with_all_its_places(share: Fraction, told: str) -> None:
    assert decimal(share) == told


def test_a_promise_over_a_year_is_no_promise_about_a_month() -> None:
    assert {month.target for month in view(replace(NINES, period=Period.YEAR)).months} == {None}
