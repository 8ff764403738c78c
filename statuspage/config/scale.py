"""What priority is reckoned by, as the file says."""

from incidents.priority import NO_IMPACT, ORDINARY_LEVELS, Impact, Level, Scale, ordinary
from statuspage.config.models import Config
from statuspage.config.models import Impact as WrittenImpact
from statuspage.config.models import Level as WrittenLevel
from statuspage.config.terms import calendar
from statuspage.formula import compile_formula


def scale(config: Config, year: int) -> Scale:
    """Give the company's formula and levels, or ordinary ones; public holidays are those of *year* and the years beside it."""
    written = config.priority
    return Scale(
        formula=ordinary if written is None else compile_formula(written.score),
        impacts={id: _impact(service.impact) for id, service in config.services.items()},
        hours={id: calendar(config, service.hours, year) for id, service in config.services.items()},
        levels=ORDINARY_LEVELS if written is None else tuple(map(_level, written.levels)),
    )


def _impact(written: WrittenImpact | None) -> Impact:
    if written is None:
        return NO_IMPACT
    return Impact(
        customers=written.customers,
        customer_lifetime_value=written.customer_lifetime_value,
        customer_referral_value=written.customer_referral_value,
        cost_of_quality=written.cost_of_quality,
        cost_to_resolve=written.cost_to_resolve,
    )


def _level(written: WrittenLevel) -> Level:
    return Level(
        name=written.name,
        least=written.least,
        acknowledge_in=written.acknowledge_in,
        update_in=written.update_in,
        resolve_in=written.resolve_in,
    )
