"""Figures, and how they are shown: one row a figure, with the yardstick that was run beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. *ours* and *yardstick* are spelled with their unit, *spread* is lowest to highest of the runs' ratios or values.

    *is_met* is None where a figure is stated without a goal.
    """

    figure: str
    ours: str
    yardstick: str = NOTHING
    ratio: str = NOTHING
    spread: str
    goal: str = NOTHING
    is_met: bool | None = None


def compared(
    figure: str, pairs: Sequence[tuple[float, float]], *, unit: str, goal: float | None = None, more_is_better: bool = False
) -> Row:
    """A row of pairs (ours, yardstick), each pair run one after the other: the median of the ratios counts."""
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    middle = median(ratios)
    return Row(
        figure=figure,
        ours=f"{_spelled(median(ours for ours, _ in pairs))} {unit}",
        yardstick=f"{_spelled(median(theirs for _, theirs in pairs))} {unit}",
        ratio=f"{middle:.2f}×",
        spread=f"{ratios[0]:.2f}–{ratios[-1]:.2f}",
        goal=NOTHING if goal is None else f"{'≥' if more_is_better else '≤'} {goal:g}×",
        is_met=None if goal is None else middle >= goal if more_is_better else middle <= goal,
    )


def bounded(
    figure: str, values: Sequence[float], *, unit: str, goal: float | None = None, worst: Callable[[Sequence[float]], float] = median
) -> Row:
    """A row of values under a bound: their median counts, or what *worst* makes of them."""
    value = worst(values)
    return Row(
        figure=figure,
        ours=f"{_spelled(value)} {unit}",
        spread=f"{_spelled(min(values))}–{_spelled(max(values))}",
        goal=NOTHING if goal is None else f"≤ {_spelled(goal)} {unit}",
        is_met=None if goal is None else value <= goal,
    )


def _spelled(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def spelled(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| figure | ours | yardstick | ratio | spread | goal | met |", "|---|---|---|---|---|---|---|"]
    says = {True: "yes", False: "**no**", None: NOTHING}
    for row in rows:
        cells = (row.figure, row.ours, row.yardstick, row.ratio, row.spread, row.goal, says[row.is_met])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
