"""How quickly a service answered, as two small pictures with their sentences: the last day by the hour, the last month by the day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from statuspage.picture.pace import PaceView, known

WIDE, TALL = 300, 60
_TOP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A line over time and what it says, in seconds: between *fastest* and *slowest*, on average *usual*."""

    line: Markup
    usual: float
    fastest: float
    slowest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A need by its name, and its charts; *slow_at* begins the slowest hour of the last day. None where nothing is known of the time."""

    label: str
    hours: Chart | None
    days: Chart | None
    slow_at: datetime | None


def told(view: PaceView) -> Told:
    """What is drawn of *view*."""
    pace = view.pace
    return Told(label=view.label, hours=_chart(pace.hours), days=_chart(pace.days), slow_at=_slow_at(pace.hours, pace.until))


def spelled(seconds: float) -> str:
    """A time as people read it: two digits that matter, in seconds from a tenth on and in milliseconds below."""
    if seconds < 0.1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def _slow_at(hours: Sequence[float | None], until: datetime) -> datetime | None:
    seen = [(value, place) for place, value in enumerate(hours) if value is not None]
    return until - timedelta(hours=len(hours) - max(seen)[1]) if seen else None


def _chart(values: Sequence[float | None]) -> Chart | None:
    there = known(values)
    if not there:
        return None
    top = max(there)
    line = Markup(  # noqa: S704 - numbers only
        f'<svg class="pace" viewBox="0 0 {WIDE} {TALL}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="ground" d="M0 {TALL - 0.5}h{WIDE}"/><path d="{"".join(_strokes(values, top))}"/></svg>'
    )
    return Chart(line=line, usual=sum(there) / len(there), fastest=min(there), slowest=top)


def _strokes(values: Sequence[float | None], top: float) -> Iterator[str]:
    """A step for each value that is known; where one is missing, there is a gap."""
    step, is_drawn = WIDE / len(values), False
    for place, value in enumerate(values):
        if value is None:
            is_drawn = False
            continue
        at, height = place * step, TALL - 2 - (TALL - 2 - _TOP) * value / top
        yield f"{'L' if is_drawn else 'M'}{at:.1f} {height:.1f}h{step:.1f}"
        is_drawn = True
