"""What the file promises of each service, as the values that judging and reckoning use."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from incidents.levels.service_level import Credit, Offer
from incidents.levels.terms import NO_LEVEL, Period, Terms
from incidents.times.calendars import Calendar
from statuspage.config.models import Calendar as WrittenCalendar
from statuspage.config.models import Config, Impact, Service, ServiceLevel
from statuspage.config.models import Credit as WrittenCredit
from statuspage.config.types import ALWAYS, weekdays


def terms(config: Config, year: int) -> Mapping[str, Terms]:
    """Give what is promised of every service. Public holidays are those of *year* and the years beside it."""
    return {
        name: NO_LEVEL if service.service_level is None else _terms(service.service_level, config, year)
        for name, service in config.services.items()
    }


def calendar(config: Config, name: str, year: int) -> Calendar | None:
    """Give the calendar called *name*, with the holidays of *year* and the years beside it; None for ``always``."""
    if name == ALWAYS:
        return None
    written = config.calendars[name]
    weekly: dict[int, tuple[tuple[int, int], ...]] = {}
    for days, hours in written.weekly.items():
        for day in weekdays(days):
            weekly[day] = (*weekly.get(day, ()), *((one.opens, one.closes) for one in hours))
    closed = frozenset(written.closed) | _holidays(written, range(year - 1, year + 2))
    return Calendar(timezone=written.timezone or config.site.timezone, weekly=dict(sorted(weekly.items())), closed=closed)


def offers(config: Config) -> Mapping[str, Offer]:
    """Give what is said of every service beside its terms."""
    return {name: _offer(service) for name, service in config.services.items()}


def _offer(service: Service) -> Offer:
    level, impact = service.service_level, service.impact or Impact()
    return Offer(
        credits=tuple(_credit(step) for step in (level.credits if level is not None else ())),
        is_public=level is not None and level.public,
        customers=impact.customers,
        cost_of_quality=impact.cost_of_quality,
    )


def _credit(step: WrittenCredit) -> Credit:
    return Credit(below=_share(step.below), percent=Fraction(Decimal(str(step.percent))))


def _terms(level: ServiceLevel, config: Config, year: int) -> Terms:
    return Terms(
        target=_share(level.target),
        period=Period(level.period),
        hours=calendar(config, level.hours, year),
        partial_counts=Fraction(Decimal(str(level.partial_counts))),
        notice=level.notice,
        notice_from=level.notice_from,
    )


def _share(percent: float) -> Fraction:
    """What a person wrote, exactly: 99.9 is 999/1000, and not the nearest number with 53 bits."""
    return Fraction(Decimal(str(percent))) / 100


def _holidays(written: WrittenCalendar, years: range) -> frozenset[date]:
    if written.holidays is None:
        return frozenset()
    from holidays import country_holidays  # noqa: PLC0415 - a big package, read only where a calendar names a country

    return frozenset(country_holidays(written.holidays.country, subdiv=written.holidays.subdivision, years=years))
