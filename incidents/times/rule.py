"""A recurrence rule as RFC 5545 (3.3.10) writes it: read, refused with a sentence where it makes no sense, and asked about single days."""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from math import prod

MOST_A_DAY = 24
"""Starts that one day may have: more is no plan of work."""

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_BY_DAY = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(_WEEKDAYS)})", re.ASCII)


class Frequency(StrEnum):
    """How long a period of the rule is."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class BadRule(ValueError):
    """The text is no rule, or one that says nothing; the message says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that was read. *weekdays* are (which of the period, 0 for each; Monday 0). An empty part takes everything.

    *until* is an instant where the rule gave one in UTC, else by the wall clock; a day alone includes all of it.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    months: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[tuple[int, int], ...] = ()
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    def filled(self, starts: date) -> "Rule":
        """The rule with what it leaves open taken from its first start."""
        if self.year_days or self.month_days or self.weekdays:
            return self
        match self.frequency:
            case Frequency.DAILY:
                return self
            case Frequency.WEEKLY:
                return replace(self, weekdays=((0, starts.weekday()),))
            case Frequency.MONTHLY:
                return replace(self, month_days=(starts.day,))
            case Frequency.YEARLY:
                return replace(self, months=self.months or (starts.month,), month_days=(starts.day,))

    def takes(self, day: date) -> bool:
        """Whether *day* is one of the rule's, as far as its parts for days go."""
        return (
            (not self.months or day.month in self.months)
            and (not self.year_days or _is_among(self.year_days, day.timetuple().tm_yday, 366 if isleap(day.year) else 365))
            and (not self.month_days or _is_among(self.month_days, day.day, monthrange(day.year, day.month)[1]))
            and (not self.weekdays or any(self._is_weekday(day, which, weekday) for which, weekday in self.weekdays))
        )

    def _is_weekday(self, day: date, which: int, weekday: int) -> bool:
        if day.weekday() != weekday or not which:
            return day.weekday() == weekday
        of_year = self.frequency is Frequency.YEARLY and not self.months
        place = day.timetuple().tm_yday if of_year else day.day
        size = (366 if isleap(day.year) else 365) if of_year else monthrange(day.year, day.month)[1]
        return which == ((place - 1) // 7 + 1 if which > 0 else -((size - place) // 7 + 1))


def _is_among(wanted: tuple[int, ...], place: int, size: int) -> bool:
    return place in wanted or place - size - 1 in wanted


# --- reading ------------------------------------------------------------------------------------------------------------------


def parse(text: str) -> Rule:
    """Read a rule such as ``FREQ=WEEKLY;BYDAY=SU``. Errors: BadRule."""
    parts = _parts(text)
    if parts.get("FREQ") not in set(Frequency):
        raise BadRule("not a rule; write an RRULE that is daily or rarer, such as FREQ=WEEKLY;BYDAY=SU")
    unknown = [name for name in parts if name not in _READERS and name not in {"FREQ", "UNTIL", "WKST", "BYDAY"}]
    if unknown:
        raise BadRule(f"not a rule: {unknown[0]} is not supported; write an RRULE such as FREQ=WEEKLY;BYDAY=SU")
    values = {field: read(name, parts[name]) for name, (field, read) in _READERS.items() if name in parts}
    rule = Rule(
        frequency=Frequency(parts["FREQ"]),
        interval=_single(values, "interval") or 1,
        count=_single(values, "count"),
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        weekdays=_by_day(parts["BYDAY"]) if "BYDAY" in parts else (),
        week_start=_weekday(parts["WKST"]) if "WKST" in parts else 0,
        **{field: found for field, found in values.items() if field not in {"interval", "count"}},
    )
    if fault := _fault(rule):
        raise BadRule(f"not a rule: {fault}")
    return rule


def _parts(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.upper().removeprefix("RRULE:").split(";") if part]
    names = [name for name, _, _ in pairs]
    if len(text) > 500 or any(letter.isspace() for letter in text) or any(not value for _, _, value in pairs):
        raise BadRule("not a rule; write an RRULE that is daily or rarer, such as FREQ=WEEKLY;BYDAY=SU")
    if len(set(names)) != len(names):
        raise BadRule("not a rule: a part stands in it twice; write an RRULE such as FREQ=WEEKLY;BYDAY=SU")
    return {name: value for name, _, value in pairs}


def _single(values: Mapping[str, tuple[int, ...]], field: str) -> int | None:
    found = values.get(field)
    return found[0] if found else None


def _numbers(least: int, most: int, *, signed: bool = False, alone: bool = False) -> Callable[[str, str], tuple[int, ...]]:
    def read(name: str, text: str) -> tuple[int, ...]:
        numbers = [int(word) for word in text.split(",") if re.fullmatch(r"[+-]?\d{1,5}", word, re.ASCII)]
        fits = all(least <= (abs(number) if signed else number) <= most for number in numbers)
        if not numbers or len(numbers) != text.count(",") + 1 or not fits or (alone and len(numbers) != 1):
            kind = "a number" if alone else "numbers"
            raise BadRule(f"not a rule: {name} takes {kind} from {least} to {most}{', or from the end with a minus' if signed else ''}")
        return tuple(sorted(set(numbers)))

    return read


_READERS: Mapping[str, tuple[str, Callable[[str, str], tuple[int, ...]]]] = {
    "INTERVAL": ("interval", _numbers(1, 10_000, alone=True)),
    "COUNT": ("count", _numbers(1, 10_000, alone=True)),
    "BYMONTH": ("months", _numbers(1, 12)),
    "BYYEARDAY": ("year_days", _numbers(1, 366, signed=True)),
    "BYMONTHDAY": ("month_days", _numbers(1, 31, signed=True)),
    "BYHOUR": ("hours", _numbers(0, 23)),
    "BYMINUTE": ("minutes", _numbers(0, 59)),
    "BYSECOND": ("seconds", _numbers(0, 59)),
    "BYSETPOS": ("positions", _numbers(1, 366, signed=True)),
}


def _until(text: str) -> datetime:
    found = _UNTIL.fullmatch(text)
    try:
        if found is not None:
            day = date(int(found[1]), int(found[2]), int(found[3]))
            at = time(int(found[4]), int(found[5]), int(found[6])) if found[4] else time.max
            return datetime.combine(day, at, tzinfo=UTC if found[7] else None)
    except ValueError:
        pass  # the sentence below says it for both
    raise BadRule("not a rule: UNTIL takes 20261231, 20261231T020000 (by the zone's clock) or 20261231T010000Z (UTC)")


def _by_day(text: str) -> tuple[tuple[int, int], ...]:
    found = [_BY_DAY.fullmatch(word) for word in text.split(",")]
    days = [(int(one[1] or 0), _WEEKDAYS.index(one[2])) for one in found if one is not None]
    if len(days) != len(found) or any(
        abs(which) > 53 or (which == 0 and bool(one and one[1])) for (which, _), one in zip(days, found, strict=True)
    ):
        raise BadRule("not a rule: BYDAY takes days such as MO,TU or 1SU (the first) or -1FR (the last)")
    return tuple(dict.fromkeys(days))


def _weekday(text: str) -> int:
    if text not in _WEEKDAYS:
        raise BadRule("not a rule: WKST takes one of MO TU WE TH FR SA SU")
    return _WEEKDAYS.index(text)


def _fault(rule: Rule) -> str | None:
    """What RFC 5545 forbids, or what no plan of work can mean."""
    is_long = rule.frequency in {Frequency.MONTHLY, Frequency.YEARLY}
    if rule.count is not None and rule.until is not None:
        return "COUNT and UNTIL exclude each other; remove one"
    if any(which for which, _ in rule.weekdays) and not is_long:
        return f"BYDAY with a number needs FREQ=MONTHLY or YEARLY, not {rule.frequency}"
    if rule.month_days and rule.frequency is Frequency.WEEKLY:
        return "BYMONTHDAY does not go with FREQ=WEEKLY"
    if rule.year_days and rule.frequency is not Frequency.YEARLY:
        return "BYYEARDAY needs FREQ=YEARLY"
    if rule.positions and not (
        rule.months or rule.year_days or rule.month_days or rule.weekdays or rule.hours or rule.minutes or rule.seconds
    ):
        return "BYSETPOS chooses among days that another part names; add BYDAY or such"
    if prod(max(len(part), 1) for part in (rule.hours, rule.minutes, rule.seconds)) > MOST_A_DAY:
        return f"more than {MOST_A_DAY} starts a day; write fewer hours, minutes or seconds"
    return None
