"""A monthly report as it is laid out: figures with what each counts, plots with their numbers, tables: one value for all forms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from markupsafe import Markup

from statuspage.picture.desk_report import BOUNDS, Spread
from statuspage.render.tongue import ENGLISH
from statuspage.render.words import length

WIDE, TALL, GROUND, HEAD = 560, 150, 22, 16
"""Units of a plot: all of it, the room under its ground line for what a bar is, that above a bar for its number."""

NOT_YET = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Text that leads to a page of the console."""

    text: str
    path: str


Cell = str | Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number by its name, and what of what it counts."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """How many incidents took how long: *bars* by their names, and the picture of them."""

    title: str
    bars: Sequence[tuple[str, int]]
    picture: Markup
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under their heads; *if_none* stands where there are none."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    if_none: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monthly:
    """A whole report. *columns* and *rows* are what its CSV has, from which its figures follow."""

    kind: str
    headline: str
    period: str
    figures: Sequence[Figure]
    plots: Sequence[Plot]
    tables: Sequence[Table]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def spelled(seconds: float | None) -> str:
    """A length of time; below zero with its sign."""
    if seconds is None:
        return NOT_YET
    return f"\N{MINUS SIGN}{length(-seconds, ENGLISH)}" if seconds < 0 else length(seconds, ENGLISH)


def share(part: int, whole: int) -> str:
    """So many of so many, in percent that is cut."""
    return f"{100 * part // whole} %" if whole else NOT_YET


def stamp(at: datetime | None) -> str:
    """An instant as CSV has it, or nothing."""
    return "" if at is None else at.isoformat().replace("+00:00", "Z")


def dated(at: datetime, zone: str) -> str:
    """An instant as a table has it, in the site's zone."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def lasting(title: str, spread: Spread, note: str) -> Plot:
    """A plot of times since incidents were opened."""
    return plotted(title, spread, _names(BOUNDS), BOUNDS, note)


def leading(title: str, spread: Spread, note: str) -> Plot:
    """A plot of leads over the first caller: those below zero are one bar of their own."""
    return plotted(title, spread, ["too late", *_names(BOUNDS)], (0.0, *BOUNDS), note)


def plotted(title: str, spread: Spread, names: Iterable[str], bounds: Sequence[float], note: str) -> Plot:
    """Draw how many lie between *bounds*, each under its name."""
    bars = list(zip(names, spread.sorted_by(bounds), strict=True))
    return Plot(title=title, bars=bars, picture=_drawn(bars), note=note)


def _names(bounds: Sequence[float]) -> list[str]:
    first, last = length(bounds[0], ENGLISH), length(bounds[-1], ENGLISH)
    between = [f"to {length(upper, ENGLISH)}" for _, upper in pairwise(bounds)]
    return [f"to {first}", *between, f"over {last}"]


def _drawn(bars: Sequence[tuple[str, int]]) -> Markup:
    """The bars as SVG; what it shows stands in a table beside it, so a screen reader passes it over."""
    step, most = WIDE / len(bars), max(1, *(count for _, count in bars))
    parts = [Markup('<path class="ground" d="M0 {}h{}"/>').format(TALL - GROUND, WIDE)]
    for place, (name, count) in enumerate(bars):
        tall = (TALL - GROUND - HEAD) * count / most
        middle, top = f"{(place + 0.5) * step:.1f}", TALL - GROUND - tall
        if count:
            bar = Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="2"/>')
            parts.append(bar.format(f"{place * step + 6:.1f}", f"{top:.1f}", f"{step - 12:.1f}", f"{tall:.1f}"))
            parts.append(Markup('<text x="{}" y="{}">{}</text>').format(middle, f"{top - 4:.1f}", count))
        parts.append(Markup('<text class="name" x="{}" y="{}">{}</text>').format(middle, TALL - 6, name))
    return Markup('<svg class="times" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(WIDE, TALL, Markup("").join(parts))
