"""The report on availability as a page of its own: one file, with its style and charts in it, no script, for light and dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from incidents.levels.availability import Interval, Kind, Ledger, cut
from incidents.levels.service_level import Budget, midnight
from incidents.levels.terms import Terms
from incidents.times.spans import Span
from statuspage.picture.figures import FigureView, decimal, figure
from statuspage.picture.marking import marked, marked_in
from statuspage.render.speaking import speaking
from statuspage.render.tongue import Tongue, tongue_of
from statuspage.render.words import length, promise, spoken

WIDE = 1000
"""Units from end to end of a chart."""

WORD = {
    Kind.UP: marked("Up"),
    Kind.DEGRADED: marked("Degraded"),
    Kind.PARTIAL: marked("Partial outage"),
    Kind.DOWN: marked("Down"),
    Kind.MAINTENANCE: marked("Maintenance"),
    Kind.UNKNOWN: marked("Not known"),
    Kind.OUTSIDE_HOURS: marked("Outside service hours"),
}

WITHIN = {
    Kind.UP: marked_in("in a sentence", "up"),
    Kind.DEGRADED: marked_in("in a sentence", "degraded"),
    Kind.PARTIAL: marked_in("in a sentence", "partial outage"),
    Kind.DOWN: marked_in("in a sentence", "down"),
    Kind.MAINTENANCE: marked_in("in a sentence", "maintenance"),
    Kind.UNKNOWN: marked_in("in a sentence", "not known"),
    Kind.OUTSIDE_HOURS: marked_in("in a sentence", "outside service hours"),
}


REASONS = (
    marked("it worked"),
    marked("it worked, but not well"),
    marked("a part of it did not work"),
    marked("it did not work"),
    marked("nothing is known of this time"),
    marked("outside the service's hours"),
    marked("planned work; no service level is stated, so it counts"),
    marked("planned work that was not announced"),
)
"""What a ledger says by itself of why; what people wrote, and how long before work was announced, stays as the ledger has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A service in a report. *ledger* is None where it was never watched. *credit* is in percent, *cost* in the operator's currency."""

    service: str
    name: str
    terms: Terms
    ledger: Ledger | None
    budget: Budget | None
    runs_out_at: datetime | None
    credit: Fraction
    cost: float | None

    @property
    def figure(self) -> FigureView:
        """The figures, cut as everywhere."""
        return FigureView(measured=None, contractual=None, unknown=timedelta(0)) if self.ledger is None else figure(self.ledger)

    @property
    def target(self) -> str | None:
        """What is promised, in percent."""
        return decimal(self.terms.target)

    @property
    def left(self) -> timedelta | None:
        """Downtime that the promise still allows, below zero where it is overdrawn; None also where nothing is known of what counts."""
        return (
            None
            if self.budget is None or self.figure.contractual is None
            else timedelta(microseconds=float(self.budget.allowed - self.budget.used))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A piece of a chart: *x* and *width* in its units, *tall* from 0 to 100."""

    x: float
    width: float
    look: str
    told: str
    tall: float = 100.0


def report(
    templates: Path, reported: Sequence[Reported], *, site: str, word: str, period: Span, as_of: datetime, zone: str, language: str
) -> bytes:
    """Spell the report on *period*, as it stood at *as_of*, in *language*."""
    here, tongue = ZoneInfo(zone), tongue_of(language, templates / "languages")
    environment = speaking(templates / "report", tongue)
    environment.filters.update(
        span=lambda lasted: length(lasted.total_seconds(), tongue),
        at=lambda instant: f"{instant.astimezone(here):%Y-%m-%d %H:%M:%S}",
        promised=partial(promise, tongue=tongue),
        grouped=tongue.grouped,
        worded=tongue.said,
    )
    seen = {one.service: one.ledger for one in reported if one.ledger is not None}
    return (
        environment.get_template("availability.html")
        .render(
            reported=reported,
            charts={service: tuple(timeline(ledger, period, here, tongue)) for service, ledger in seen.items()},
            days={service: tuple(_by_day(ledger, period, here, tongue)) for service, ledger in seen.items()},
            WORD=spoken(WORD, tongue),
            WITHIN=spoken(WITHIN, tongue, "in a sentence"),
            Kind=Kind,
            wide=WIDE,
            headline=tongue.gettext("Availability %(period)s", period=word),
            site=site,
            period=period,
            as_of=as_of,
            zone=zone,
        )
        .encode()
    )


def timeline(ledger: Ledger, period: Span, zone: ZoneInfo, tongue: Tongue) -> Iterator[Stretch]:
    """The ledger as a strip over *period*: neighbours that look alike are one, and what is down is never too thin to be seen."""
    for look, run in groupby(ledger.intervals, key=_look):
        pieces = list(run)
        since, until = pieces[0].since, pieces[-1].until
        x, width = _place(since, until, period)
        is_bad = pieces[0].kind in (Kind.DOWN, Kind.PARTIAL, Kind.MAINTENANCE)
        ends = (f"{tongue.short_date(at.date())} {at:%H:%M}" for at in (since.astimezone(zone), until.astimezone(zone)))
        told = f"{tongue.said(WORD[pieces[0].kind])}, {tongue.between(*ends)}"
        yield Stretch(x=x, width=max(width, 2.0) if is_bad else width, look=look, told=told)


def _look(one: Interval) -> str:
    return f"{one.kind}{'' if one.counts or one.kind is not Kind.MAINTENANCE else ' spared'}"


def _by_day(ledger: Ledger, period: Span, zone: ZoneInfo, tongue: Tongue) -> Iterator[Stretch]:
    """A bar for each day with measured downtime, as high as its share of the worst day."""
    found = [(day, span, cut(ledger, span).measured.down) for day, span in _days(ledger.period, zone)]
    most = max((down for _, _, down in found), default=Fraction(0))
    for day, span, down in found:
        if down:
            x, width = _place(span.since, span.until, period)
            lasted = tongue.gettext("%(length)s down", length=length(float(down) / 1_000_000, tongue))
            told = f"{tongue.short_date(day)}: {lasted}"
            yield Stretch(x=x, width=max(width * 0.8, 1.0), look="down", told=told, tall=max(float(100 * down / most), 2.0))


def _days(period: Span, zone: ZoneInfo) -> Iterator[tuple[date, Span]]:
    day = period.since.astimezone(zone).date()
    while (since := max(midnight(day, zone), period.since)) < period.until:
        following = midnight(day + timedelta(days=1), zone)
        yield day, Span(since, min(following, period.until))
        day += timedelta(days=1)


def _place(since: datetime, until: datetime, period: Span) -> tuple[float, float]:
    whole = period.length
    return round(WIDE * ((since - period.since) / whole), 2), round(WIDE * ((until - since) / whole), 2)
