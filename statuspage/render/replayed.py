"""A replay as a picture: each incident a lane, above as it was recorded, below as it would have been."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

from incidents.replaying.differences import Differences, Told

WIDE, MARGIN, LANE, BAR = 1000, 220, 28, 9
RECORDED, OTHERWISE = "#7a8699", "#1f6feb"
_TEXT = 'font-family="sans-serif" font-size="11" fill="#24292f"'
_LONGEST_NAME = 34


def picture(found: Differences, since: datetime, until: datetime) -> str:
    """An SVG of its own, over the span [since, until)."""
    lanes = sorted(_lanes(found), key=lambda lane: min(one.started_at for one in lane if one is not None))
    tall = (len(lanes) + 2) * LANE
    drawn = [line for number, lane in enumerate(lanes) for line in _lane(lane, (number + 1) * LANE, since, until)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {MARGIN + WIDE + 20} {tall}" role="img">'
    title = f"<title>{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC, as recorded and as it would have been</title>"
    return "\n".join(
        (head, title, '<rect width="100%" height="100%" fill="#ffffff"/>', *_legend(), *drawn, *_scale(since, until, tall), "</svg>\n")
    )


def _lanes(found: Differences) -> Iterator[tuple[Told | None, Told | None]]:
    yield from ((pair.recorded, pair.otherwise) for pair in found.both)
    yield from ((one, None) for one in found.fewer)
    yield from ((None, one) for one in found.more)


def _lane(lane: tuple[Told | None, Told | None], top: int, since: datetime, until: datetime) -> Iterator[str]:
    name = next(one.name for one in lane if one is not None)
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    yield f'<text x="8" y="{top + BAR + 3}" {_TEXT}>{escape(short)}</text>'
    for place, (one, colour) in enumerate(zip(lane, (RECORDED, OTHERWISE), strict=True)):
        if one is not None:
            left, right = _across(one.started_at, since, until), _across(one.ended_at or until, since, until)
            told = f"{one.name}: known {one.opened_at:%Y-%m-%d %H:%M:%S} UTC"
            box = f'x="{left:.1f}" y="{top + place * (BAR + 1)}" width="{max(right - left, 2):.1f}" height="{BAR}"'
            yield f'<rect {box} fill="{colour}"><title>{escape(told)}</title></rect>'


def _across(at: datetime, since: datetime, until: datetime) -> float:
    part = (at - since) / (until - since) if until > since else 0.0
    return MARGIN + WIDE * min(max(part, 0.0), 1.0)


def _legend() -> Iterator[str]:
    for place, (word, colour) in enumerate((("recorded", RECORDED), ("would have been", OTHERWISE))):
        left = MARGIN + place * 120
        yield f'<rect x="{left}" y="8" width="12" height="{BAR}" fill="{colour}"/><text x="{left + 18}" y="16" {_TEXT}>{word}</text>'


def _scale(since: datetime, until: datetime, tall: int) -> Iterator[str]:
    for quarter in range(5):
        at = since + (until - since) * quarter / 4
        anchor = "end" if quarter == 4 else "middle" if quarter else "start"
        yield f'<text x="{MARGIN + WIDE * quarter / 4:.0f}" y="{tall - 8}" text-anchor="{anchor}" {_TEXT}>{at:%Y-%m-%d %H:%M}</text>'
