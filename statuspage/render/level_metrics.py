"""What Prometheus reads of availability: figures by period and kind, cut as everywhere, and what is left of each budget."""

from collections.abc import Iterator, Mapping

from statuspage.picture.figures import cut_share
from statuspage.picture.levels import Level
from statuspage.render.metrics import escaped, family

_SECOND = 1_000_000


def level_metrics(levels: Mapping[str, Level]) -> str:
    """Spell *levels*. Of a period in which nothing is known there is no series, as there is none of a budget that nobody promised."""
    return "".join((*_ratios(levels), *_unknown(levels), *_budgets(levels)))


def _ratios(levels: Mapping[str, Level]) -> Iterator[str]:
    name = "statuspage_service_availability_ratio"
    yield family(name, "gauge", "Share of the known time in which the service was available, as measured and as the contract counts.")
    for id_, level in levels.items():
        for period, ledger in level.periods.items():
            for figure, ratio in (("measured", ledger.measured.ratio), ("contractual", ledger.contractual.ratio)):
                if ratio is not None:
                    yield f'{name}{{service="{escaped(id_)}",period="{period}",figure="{figure}"}} {cut_share(ratio)}\n'


def _unknown(levels: Mapping[str, Level]) -> Iterator[str]:
    name = "statuspage_service_unknown_seconds"
    yield family(name, "gauge", "Time of the period of which nothing is known: neither up nor down, and in no ratio.")
    for id_, level in levels.items():
        for period, ledger in level.periods.items():
            yield f'{name}{{service="{escaped(id_)}",period="{period}"}} {ledger.unknown.total_seconds()!r}\n'


def _budgets(levels: Mapping[str, Level]) -> Iterator[str]:
    name = "statuspage_service_error_budget_remaining_ratio"
    yield family(name, "gauge", "Share of the downtime allowed in the promise's period that is left; below zero where it is overdrawn.")
    for id_, level in levels.items():
        left = level.budget.remaining_ratio if level.budget is not None else None
        if left is not None:
            yield f'{name}{{service="{escaped(id_)}"}} {cut_share(left)}\n'
    name = "statuspage_service_error_budget_burn_rate"
    yield family(name, "gauge", "How many times faster than allowed downtime came over the window: at 1 the budget lasts exactly.")
    for id_, level in levels.items():
        for burn in level.burns:
            if burn.long is not None:
                yield f'{name}{{service="{escaped(id_)}",window="{burn.window}"}} {float(burn.long)!r}\n'
    name = "statuspage_service_error_budget_burning"
    yield family(name, "gauge", "Whether downtime came faster than the window's limit lets it, and still does: 1 is a budget that burns.")
    for id_, level in levels.items():
        for burn in level.burns:
            if burn.long is not None:
                yield f'{name}{{service="{escaped(id_)}",window="{burn.window}"}} {int(burn.is_fast)}\n'
