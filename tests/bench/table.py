"""Figures, and how they are shown: one row a figure, with the yardstick that was run beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. *ours* and *yardstick* are spelled with their unit, *spread* is lowest to highest of the runs' ratios or values."""

    figure: str
    ours: str
    yardstick: str
    ratio: str
    spread: str
    goal: str
    is_met: bool


def compared(figure: str, pairs: Sequence[tuple[float, float]], *, unit: str, goal: float, more_is_better: bool = False) -> Row:
    """A row of pairs (ours, yardstick), each pair run one after the other: the median of the ratios counts."""
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    middle = median(ratios)
    return Row(
        figure=figure,
        ours=f"{median(ours for ours, _ in pairs):.4g} {unit}",
        yardstick=f"{median(theirs for _, theirs in pairs):.4g} {unit}",
        ratio=f"{middle:.2f}×",
        spread=f"{ratios[0]:.2f}–{ratios[-1]:.2f}",
        goal=f"{'≥' if more_is_better else '≤'} {goal:g}×",
        is_met=middle >= goal if more_is_better else middle <= goal,
    )


def bounded(figure: str, values: Sequence[float], *, unit: str, goal: float, worst: Callable[[Sequence[float]], float] = median) -> Row:
    """A row of values under a bound: their median counts, or what *worst* makes of them."""
    value = worst(values)
    return Row(
        figure=figure,
        ours=f"{value:.4g} {unit}",
        yardstick="–",
        ratio="–",
        spread=f"{min(values):.4g}–{max(values):.4g}",
        goal=f"≤ {goal:.4g} {unit}",
        is_met=value <= goal,
    )


def spelled(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| figure | ours | yardstick | ratio | spread | goal | met |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        met = "yes" if row.is_met else "**no**"
        lines.append(f"| {row.figure} | {row.ours} | {row.yardstick} | {row.ratio} | {row.spread} | {row.goal} | {met} |")
    return "\n".join(lines)
