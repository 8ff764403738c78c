"""What a service was, instant by instant, and the figures that follow from it: a ledger that adds up to the microsecond.

Two figures stand side by side. *Measured* is all that was seen, around the clock. *Contractual* is what the service level counts: its
hours only, without the trouble of maintenance that was announced in time. Time of which nothing is known is in neither, and is stated.
Figures are exact fractions; only spelling cuts them. Source: docs/adr/0013-availability-is-a-ledger.md.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Generic, NamedTuple, TypeVar

from incidents.levels.terms import NO_LEVEL, Terms
from incidents.model import Status
from incidents.times.spans import Span, outside, united, within

T = TypeVar("T")

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A status change of a service, as history needs it; ascending by *since* within a service.

    *covered* is what was measured while maintenance covered the service; None where nothing did, and *new* was measured.
    """

    since: datetime
    new: Status
    covered: Status | None = None


def superseding(told: list[Change], change: Change) -> None:
    """Add *change* to what is *told*: it holds from its own start on, also against what had been decided for that time before."""
    while told and told[-1].since >= change.since:
        told.pop()
    told.append(change)


class Kind(StrEnum):
    """What a stretch of a ledger is."""

    UP = "up"
    DEGRADED = "degraded"
    PARTIAL = "partial"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    OUTSIDE_HOURS = "outside_hours"


MEASURED: Mapping[Status, Kind] = {
    Status.OPERATIONAL: Kind.UP,
    Status.DEGRADED: Kind.DEGRADED,
    Status.PARTIAL: Kind.PARTIAL,
    Status.MAJOR: Kind.DOWN,
    Status.UNKNOWN: Kind.UNKNOWN,
    Status.MAINTENANCE: Kind.UNKNOWN,  # a window says what is planned and not what was seen
}
"""What a measured status is called in a ledger."""

_TROUBLE = frozenset({Kind.DEGRADED, Kind.PARTIAL, Kind.DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Planned work on the service, whose trouble the contract may leave out: *counts* says that it does not, *reason* why."""

    span: Span
    counts: bool
    reason: str
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person knows better than the record: in *span* the service was *status*. Of two that overlap the later one holds."""

    span: Span
    status: Status
    reason: str
    author: str
    at: datetime


Overlay = TypeVar("Overlay", Correction, Exclusion)

_REASONS = {
    Kind.UP: "it worked",
    Kind.DEGRADED: "it worked, but not well",
    Kind.PARTIAL: "a part of it did not work",
    Kind.DOWN: "it did not work",
    Kind.UNKNOWN: "nothing is known of this time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch [*since*, *until*) of one kind.

    *measured* is what was seen, whatever the contract makes of it. *counts* says whether its downtime is in the contractual figure,
    *reason* why it is what it is, in words for customers, *author* who said so (None: nobody but the record).
    """

    since: datetime
    until: datetime
    kind: Kind
    measured: Kind
    counts: bool
    reason: str
    author: str | None = None
    partial_counts: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A share of time: *up* of *known* microseconds; fractions of one occur where a part of an outage counts."""

    up: Fraction
    known: Fraction

    @property
    def ratio(self) -> Fraction | None:
        """From 0 to 1; None where nothing is known."""
        return self.up / self.known if self.known else None

    @property
    def down(self) -> Fraction:
        """Microseconds of downtime."""
        return self.known - self.up


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every microsecond of *period* in which the service existed, once. *unknown* is how long nothing was known."""

    period: Span
    intervals: tuple[Interval, ...]
    measured: Figure = field(init=False)
    contractual: Figure = field(init=False)
    unknown: timedelta = field(init=False)

    def __post_init__(self) -> None:
        """Add up."""
        lasted = _lasted(self.intervals)
        object.__setattr__(self, "measured", _figure(lasted, _measured_worth))
        object.__setattr__(self, "contractual", _figure(lasted, _contractual_worth))
        unknown = sum(length for sort, length in lasted.items() if sort.measured is Kind.UNKNOWN)
        object.__setattr__(self, "unknown", timedelta(microseconds=unknown))


def availability(
    changes: Sequence[Change],
    period: Span,
    *,
    born: datetime,
    terms: Sequence[tuple[datetime, Terms]] = (),
    exclusions: Iterable[Exclusion] = (),
    corrections: Iterable[Correction] = (),
) -> Ledger:
    """Account for every microsecond of *period* from *born* on, when the service was first watched.

    *changes* ascend, and the one in force when *period* begins may stand first; before the first one nothing is known. *terms* are those
    in force from each instant on, ascending; before the first one, and without any, no level is stated. *exclusions* may overlap: where
    one leaves the trouble out, it is left out. Errors: ValueError where *period* is empty.
    """
    if not period.length:
        raise ValueError("a period has a length")
    real = Span(min(max(period.since, born), period.until), period.until)
    record = _Record(
        changes=_Steps([(change.since, change) for change in changes], None),
        corrections=_overlaid(sorted(corrections, key=lambda one: one.at), real),
        exclusions=_overlaid(sorted(exclusions, key=lambda one: not one.counts), real),
        terms=_Steps(terms, NO_LEVEL),
        hours=_hours(terms, real),
    )
    edges = sorted({real.since, real.until, *(at for at in record.edges() if real.holds(at))})
    return Ledger(period=real, intervals=tuple(_intervals(edges, record)))


def cut(ledger: Ledger, period: Span) -> Ledger:
    """The part of *ledger* that lies in *period*: the very intervals that accounting for it anew would give, at a fraction of the cost.

    Errors: ValueError where *period* is empty, or goes on after the ledger's.
    """
    if not period.length or period.until > ledger.period.until:
        raise ValueError("a ledger can only be cut within its own period")
    since = min(max(period.since, ledger.period.since), period.until)
    first = bisect_right(ledger.intervals, since, key=lambda one: one.until)
    after = bisect_left(ledger.intervals, period.until, key=lambda one: one.since)
    kept = list(ledger.intervals[first:after])
    if kept:
        kept[0] = replace(kept[0], since=max(kept[0].since, since))
        kept[-1] = replace(kept[-1], until=min(kept[-1].until, period.until))
    return Ledger(period=Span(since, period.until), intervals=tuple(kept))


def spliced(ledger: Ledger, tail: Ledger) -> Ledger:
    """*ledger* up to where *tail* begins, and *tail* from there on: what became known anew, without accounting for the rest again."""
    kept = list(ledger.intervals[: bisect_left(ledger.intervals, tail.period.since, key=lambda one: one.since)])
    if kept:
        kept[-1] = replace(kept[-1], until=min(kept[-1].until, tail.period.since))
    following = tail.intervals
    if kept and following and _is_same(kept[-1], following[0]):
        kept[-1], following = replace(kept[-1], until=following[0].until), following[1:]
    since = min(ledger.period.since, tail.period.since)
    return Ledger(period=Span(since, tail.period.until), intervals=(*kept, *following))


def _is_same(one: Interval, following: Interval) -> bool:
    """Whether the same is told of both, and nothing lies between them."""
    return one.until == following.since and replace(following, since=one.since, until=one.until) == one


def planned(changes: Sequence[Change], corrections: Iterable[Correction], until: datetime) -> tuple[Span, ...]:
    """When the service was shown as under maintenance, up to *until*: by *changes*, and where nobody knows better."""
    ends = [*(change.since for change in changes[1:]), until]
    shown = [Span(one.since, max(one.since, end)) for one, end in zip(changes, ends, strict=False) if one.new is Status.MAINTENANCE]
    return outside(united(shown), united(one.span for one in corrections)) if shown else ()


def _intervals(edges: Sequence[datetime], record: "_Record") -> Iterator[Interval]:
    """What lies between the edges; neighbours of which the same is told are one."""
    for told, run in groupby(pairwise(edges), key=lambda pair: record.told(pair[0])):
        pairs = list(run)
        yield Interval(since=pairs[0][0], until=pairs[-1][1], **told._asdict())


# --- what holds from when on --------------------------------------------------------------------------------------------------------


class _Steps(Generic[T]):
    """A value that holds from each instant on; *before* holds until the first."""

    __slots__ = ("_values", "instants")

    def __init__(self, steps: Sequence[tuple[datetime, T]], before: T) -> None:
        self.instants = [at for at, _ in steps]
        self._values = [before, *(value for _, value in steps)]

    def at(self, instant: datetime) -> T:
        """What holds at *instant*."""
        return self._values[bisect_right(self.instants, instant)]


def _overlaid(several: Sequence[Overlay], period: Span) -> _Steps[Overlay | None]:
    """Of those whose span holds an instant the last in *several*; None where none does."""
    edges = sorted({edge for one in several for cut in within([one.span], period) for edge in (cut.since, cut.until)})
    return _Steps([(edge, next((one for one in reversed(several) if one.span.holds(edge)), None)) for edge in edges], None)


def _hours(terms: Sequence[tuple[datetime, Terms]], period: Span) -> _Steps[bool]:
    """Whether the service must work, by the terms in force at the time."""
    edges: list[tuple[datetime, bool]] = []
    for number, (since, stated) in enumerate(terms):
        until = terms[number + 1][0] if number + 1 < len(terms) else max(since, period.until)
        for span in within([Span(since, until)], period):
            edges.append((span.since, stated.hours is None))
            for opened in stated.hours.open_spans(span) if stated.hours is not None else ():
                edges += [(opened.since, True), (opened.until, False)]
    return _Steps(edges, before=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """All that is known of the time, layer upon layer."""

    changes: _Steps[Change | None]
    corrections: _Steps[Correction | None]
    exclusions: _Steps[Exclusion | None]
    terms: _Steps[Terms]
    hours: _Steps[bool]

    def edges(self) -> Iterator[datetime]:
        """Every instant at which anything changes."""
        for layer in (self.changes, self.corrections, self.exclusions, self.terms, self.hours):
            yield from layer.instants

    def told(self, at: datetime) -> "_Told":
        """What the stretch that begins at *at* is."""
        change, correction, terms = self.changes.at(at), self.corrections.at(at), self.terms.at(at)
        measured, reason, author = _seen(change, correction)
        kind, counts = measured, measured is not Kind.UNKNOWN
        if not self.hours.at(at):
            kind, counts, reason = Kind.OUTSIDE_HOURS, False, "outside the service's hours"
        elif measured in _TROUBLE and correction is None and change is not None and change.new is Status.MAINTENANCE:
            kind = Kind.MAINTENANCE
            counts, reason, author = _planned(self.exclusions.at(at), terms)
        return _Told(kind, measured, counts, reason, author, terms.partial_counts)


class _Told(NamedTuple):
    """All of an interval but its time."""

    kind: Kind
    measured: Kind
    counts: bool
    reason: str
    author: str | None
    partial_counts: Fraction


def _seen(change: Change | None, correction: Correction | None) -> tuple[Kind, str, str | None]:
    """What was measured, or is known better; with the reason and who said so."""
    if correction is not None:
        return MEASURED[correction.status], correction.reason, correction.author
    if change is None:
        return Kind.UNKNOWN, _REASONS[Kind.UNKNOWN], None
    kind = MEASURED[change.new if change.covered is None else change.covered]
    return kind, _REASONS[kind], None


def _planned(exclusion: Exclusion | None, terms: Terms) -> tuple[bool, str, str | None]:
    """Whether trouble that maintenance explains counts all the same, why, and who planned it."""
    if terms.target is None:
        return True, "planned work; no service level is stated, so it counts", exclusion.author if exclusion else None
    if exclusion is None:
        return True, "planned work that was not announced", None
    return exclusion.counts, exclusion.reason, exclusion.author


# --- figures ------------------------------------------------------------------------------------------------------------------------

_WORTH = {Kind.UP: Fraction(1), Kind.DEGRADED: Fraction(1)}


class _Sort(NamedTuple):
    """What the worth of a stretch depends on. The share as two numbers: to hash a fraction costs more than all the rest."""

    measured: Kind
    is_within_hours: bool
    counts: bool
    numerator: int
    denominator: int

    @property
    def up_share(self) -> Fraction:
        """How much of each of its instants is up."""
        if self.measured is Kind.PARTIAL:
            return 1 - Fraction(self.numerator, self.denominator)
        return _WORTH.get(self.measured, Fraction(0))


def _lasted(intervals: Iterable[Interval]) -> Mapping[_Sort, int]:
    """How many microseconds there are of each sort."""
    lasted: dict[_Sort, int] = {}
    for one in intervals:
        share = one.partial_counts
        sort = _Sort(one.measured, one.kind is not Kind.OUTSIDE_HOURS, one.counts, share.numerator, share.denominator)
        lasted[sort] = lasted.get(sort, 0) + (one.until - one.since) // _TICK
    return lasted


def _figure(lasted: Mapping[_Sort, int], worth: Callable[[_Sort], tuple[Fraction, bool]]) -> Figure:
    """Add up by *worth*: how much of a sort is up, and whether its downtime counts."""
    valued = [(*worth(sort), length) for sort, length in lasted.items()]
    up = sum((share * length for share, _, length in valued), Fraction(0))
    return Figure(up=up, known=sum((Fraction(length) if counts else share * length for share, counts, length in valued), Fraction(0)))


def _measured_worth(sort: _Sort) -> tuple[Fraction, bool]:
    return sort.up_share, sort.measured is not Kind.UNKNOWN


def _contractual_worth(sort: _Sort) -> tuple[Fraction, bool]:
    """As measured, within the hours. Where trouble is left out only its downtime is: what worked goes on counting."""
    return (sort.up_share, sort.counts) if sort.is_within_hours else (Fraction(0), False)


def percent(ratio: Fraction, places: int = 3) -> str:
    """Spell *ratio* as a percentage, cut and never rounded up: 0.99996 is ``99.996`` with three places and ``99.99`` with two."""
    whole, part = divmod(ratio.numerator * 100 * 10**places // ratio.denominator, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(whole)
