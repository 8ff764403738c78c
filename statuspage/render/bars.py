"""Ninety days of one service as one small picture.

Days that look the same are one dashed line, so that a quiet quarter costs forty bytes instead of four thousand. The height tells what the
colour tells: the taller a bar, the worse the day; a short one is a day of which nothing is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from operator import attrgetter, itemgetter

from markupsafe import Markup, escape

from incidents.model import Status
from statuspage.picture.days import Day
from statuspage.render import words
from statuspage.render.tongue import Tongue

STEP = 6
TALL = 32
_HEIGHT = {"operational": 18, "degraded": 23, "partial": 27, "major": 32, "maintenance": 13, "unknown": 9, "none": 2}

_BUT_ITS_DATE = attrgetter(*(field.name for field in fields(Day) if field.name != "day"))

NAME = {
    Status.OPERATIONAL: "operational",
    Status.DEGRADED: "degraded",
    Status.PARTIAL: "partial",
    Status.MAJOR: "major",
    Status.MAINTENANCE: "maintenance",
    Status.UNKNOWN: "unknown",
}
"""The short name of a status in class names and symbols."""


def bars(days: Sequence[Day], tongue: Tongue) -> Markup:
    """Draw *days* (oldest first) as an inline SVG without style attributes; hidden from screen readers, which get the sentence."""
    if not days:
        return Markup()
    shapes = "".join(_shapes(days, tongue))
    return Markup(  # noqa: S704 - numbers, our own names and escaped words only
        f'<svg class="bars" viewBox="0 0 {len(days) * STEP - 2} {TALL}" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'
    )


def _shapes(days: Sequence[Day], tongue: Tongue) -> Iterator[str]:
    at = 0
    for (look, said), runs in groupby(_runs(days, tongue), key=itemgetter(0)):
        same = [day for _, run in runs for day in run]
        yield _line(look, at, len(same), f"{_when(same, tongue)}: {said}")
        if look == "operational" and same[0].unknown:
            # A gap in an otherwise good day: a grey cap, neither hidden nor made to look like an outage.
            yield f'<path class="gap" stroke-width="4" d="M{at * STEP} {TALL - _HEIGHT["operational"] - 3}h{len(same) * STEP}"/>'
        at += len(same)


def _runs(days: Sequence[Day], tongue: Tongue) -> Iterator[tuple[tuple[str, str], Sequence[Day]]]:
    """Neighbours that are equal but for their date, with the look of each run: most days are like the one before, and are not looked at."""
    for _, run in groupby(days, key=_BUT_ITS_DATE):
        same = list(run)
        yield _look(same[0], tongue), same


def _when(same: Sequence[Day], tongue: Tongue) -> str:
    """The days that one text speaks of; a length of time in it is that of each of them."""
    first, last = tongue.short_date(same[0].day), tongue.short_date(same[-1].day)
    if first == last:
        return first
    has_length = same[0].downtime or same[0].unknown or same[0].lessened
    return tongue.gettext("%(first)s to %(last)s, each day", first=first, last=last) if has_length else tongue.between(first, last)


def _look(day: Day, tongue: Tongue) -> tuple[str, str]:
    """What a day looks like and what is said of it; equal neighbours are drawn as one."""
    if day.worst is None:
        return "none", words.day(day, tongue)
    if day.worst is Status.UNKNOWN and not day.is_mostly_unknown:
        return "operational", words.day(day, tongue)
    return NAME[day.worst], words.day(day, tongue)


def _line(look: str, at: int, count: int, title: str) -> str:
    return f'<path class="{look}" {_place(look, at, count)}><title>{escape(title)}</title></path>'


def _place(look: str, at: int, count: int) -> str:
    height = _HEIGHT[look]
    return f'stroke-width="{height}" d="M{at * STEP} {TALL - height / 2:g}h{count * STEP}"'


def samples() -> Mapping[Status, Markup]:
    """One bar of each status, for the legend."""
    start = f'<svg class="sample" viewBox="0 0 {STEP - 2} {TALL}" aria-hidden="true">'
    shapes = {status: f'{start}<path class="{name}" {_place(name, 0, 1)}/></svg>' for status, name in NAME.items()}
    return {status: Markup(shape) for status, shape in shapes.items()}  # noqa: S704 - numbers and our own names only
