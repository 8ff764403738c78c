"""Promises that are about to be missed, or were: what the desk is cautioned of, in its words. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from incidents.levels.availability import percent
from incidents.levels.terms import Terms
from statuspage.picture.figures import PLACES, decimal
from statuspage.picture.levels import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """A service whose error budget burns fast, or is used up. *name* is what the desk calls it, once it is known."""

    service: str
    is_spent: bool
    words: str
    name: str = ""


def spending(levels: Mapping[str, Level]) -> Iterator[Spending]:
    """Name every service whose promise is missed or soon will be; never one of which nothing is promised."""
    for id, level in levels.items():
        if level.is_spent:
            yield Spending(service=id, is_spent=True, words=_spent(level))
        elif any(burn.is_fast for burn in level.burns):
            yield Spending(service=id, is_spent=False, words=_fast(level))


def _spent(level: Level) -> str:
    ratio = level.periods[level.terms.period].contractual.ratio
    kept = "" if ratio is None else f": {percent(ratio, PLACES)} % so far"
    return f"The downtime that {_promised(level.terms)} is used up{kept}."


def _fast(level: Level) -> str:
    rates = [f"{float(burn.long):.3g} times as fast over {burn.window}" for burn in level.burns if burn.is_fast and burn.long is not None]
    out = f" At the pace of the last week it is used up on {level.runs_out_at:%Y-%m-%d %H:%M} UTC." if level.runs_out_at else ""
    return f"Downtime comes {', '.join(rates)} as {_promised(level.terms)}.{out}"


def _promised(terms: Terms) -> str:
    return f"a promise of {decimal(terms.target)} % a {terms.period} allows"
