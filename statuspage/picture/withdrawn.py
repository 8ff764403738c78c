"""Occurrences of a series that a calendar gave out before anybody was told of them in words, and that the file plans otherwise since.

What was given out is not noted anywhere: it follows from what the file said, and when. A calendar program keeps what it has once taken
over, so that what is gone must be struck out, and what comes back must be newer than that. Pure, like ``page``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from incidents.maintenance import Series
from incidents.planned.windows import MOST_AHEAD

InForce = tuple[datetime, Mapping[str, Series]]
"""From when on which series were in force, by their keys."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What became of an occurrence: how often it was planned otherwise, and when for the last time.

    *series* planned it last, from when until *ends*. Where it *is_gone* nothing plans it any more.
    """

    series: Series
    starts: datetime
    ends: datetime
    times: int
    at: datetime
    is_gone: bool


def turns(in_force: Sequence[InForce], ahead: timedelta) -> tuple[Turn, ...]:
    """Every occurrence that was given out, *ahead* of its start, and is planned otherwise since; *in_force* ascends."""
    found: dict[tuple[str, datetime], Turn] = {}
    for (_, before), (at, after) in pairwise(in_force):
        for key in before.keys() | after.keys():
            was, becomes = before.get(key), after.get(key)
            if was is not None and not _alike(was, becomes):
                given = was.spans(at, at + ahead)[:MOST_AHEAD]
                found |= _changed(found, was, becomes, given, at)
            if becomes is not None and not _alike(becomes, was):
                found |= _back(found, becomes, at)
    return tuple(found.values())


def _alike(one: Series, other: Series | None) -> bool:
    return other is not None and (one.recurrence, one.lasts) == (other.recurrence, other.lasts)


def _changed(
    found: Mapping[tuple[str, datetime], Turn],
    was: Series,
    becomes: Series | None,
    given: Sequence[tuple[datetime, datetime]],
    at: datetime,
) -> dict[tuple[str, datetime], Turn]:
    told = {}
    for starts, ends in given:
        now = _ends(becomes, starts)
        if now != ends:
            times = found[was.key, starts].times if (was.key, starts) in found else 0
            series = was if now is None or becomes is None else becomes
            told[was.key, starts] = Turn(series=series, starts=starts, ends=now or ends, times=times + 1, at=at, is_gone=now is None)
    return told


def _back(found: Mapping[tuple[str, datetime], Turn], becomes: Series, at: datetime) -> dict[tuple[str, datetime], Turn]:
    """Those that were gone before, and that *becomes* plans again."""
    gone = [turn for (key, _), turn in found.items() if key == becomes.key and turn.is_gone and turn.at < at]
    again = [(turn, ends) for turn in gone if (ends := _ends(becomes, turn.starts)) is not None]
    return {
        (becomes.key, turn.starts): Turn(series=becomes, starts=turn.starts, ends=ends, times=turn.times + 1, at=at, is_gone=False)
        for turn, ends in again
    }


def _ends(series: Series | None, starts: datetime) -> datetime | None:
    """When the occurrence ends that begins then; None where none does."""
    spans = () if series is None else series.spans(starts, starts + _TICK)
    return next((ends for since, ends in spans if since == starts), None)
