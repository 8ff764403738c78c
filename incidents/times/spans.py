"""Stretches of time, half-open: a span holds its first instant and not the one at which it ends. All sums are made in UTC."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """[*since*, *until*), both aware. Errors: ValueError where it would end before it begins."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Refuse what runs backwards."""
        if self.until < self.since:
            raise ValueError(f"a span cannot end at {self.until}, before it begins at {self.since}")

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.until - self.since

    def holds(self, at: datetime) -> bool:
        """Whether *at* lies in it."""
        return self.since <= at < self.until


def united(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same instants as disjoint spans, ascending; what touches becomes one, what is empty is gone."""
    merged: list[Span] = []
    for span in sorted(spans):
        if not span.length:
            continue
        if merged and span.since <= merged[-1].until:
            merged[-1] = Span(merged[-1].since, max(merged[-1].until, span.until))
        else:
            merged.append(span)
    return tuple(merged)


def within(spans: Iterable[Span], period: Span) -> Iterator[Span]:
    """The parts of *spans* that lie in *period*, in their order; none of them is empty."""
    for span in spans:
        since, until = max(span.since, period.since), min(span.until, period.until)
        if since < until:
            yield Span(since, until)


def outside(spans: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """The parts of *spans* that lie in none of *others*, in their order; none of them is empty."""
    left = tuple(spans)
    for other in others:
        beside = (part for span in left for part in (_until(span, other.since), _since(span, other.until)) if part is not None)
        left = tuple(beside) if other.length else left
    return tuple(span for span in left if span.length)


def _until(span: Span, at: datetime) -> Span | None:
    return Span(span.since, min(span.until, at)) if span.since < at else None


def _since(span: Span, at: datetime) -> Span | None:
    return Span(max(span.since, at), span.until) if at < span.until else None


def total(spans: Sequence[Span]) -> timedelta:
    """How long disjoint *spans* last together."""
    return sum((span.length for span in spans), timedelta(0))
