"""The tongue in which a surface speaks: its words from a catalogue, its dates, numbers and lengths as its readers write them.

English is what the templates and the code are written in and needs no catalogue; what a catalogue lacks is said in English.
Source: the catalogues are GNU gettext's (``templates/languages/de.po``), read as they are, so that there is no step between text and use.
"""

import gettext
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, get_timezone_name
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, get_decimal_symbol

SOURCE = "en"
"""The language that the words in templates and code are written in."""

Key = tuple[str | None, str]
"""What a message is found by: its context, where it has one, and its English words (of several, those for one)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tongue:
    """One language: *code* as it was asked for, *spoken* what the words are really in. *name* is its own name for itself.

    Messages hold ``%(name)s`` where a value stands, and ``%%`` for a percent sign.
    """

    code: str
    spoken: str
    name: str
    locale: Locale
    messages: Mapping[Key, tuple[str, ...]]
    plural: Callable[[int], int]

    @property
    def tag(self) -> str:
        """The language that a page is really in, as programs know it (BCP 47)."""
        return self.code if self.code.partition("-")[0] == self.spoken.partition("-")[0] else self.spoken

    def gettext(self, message: str, **values: object) -> str:
        """Say *message*."""
        return self.said(message) % values

    def pgettext(self, context: str, message: str, **values: object) -> str:
        """Say *message* as it is meant in *context*: one English word may be two elsewhere."""
        return self.said_in(context, message) % values

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """Say *one* or *many*, as the language has it for *number*, which the message calls ``number``."""
        return self.counted(one, many, number) % {"number": number, **values}

    def said(self, message: str) -> str:
        """The message as it stands in the catalogue, its values not filled in."""
        return self.messages.get((None, message), (message,))[0]

    def said_in(self, context: str, message: str) -> str:
        """The same, of a message with a context."""
        return self.messages.get((context, message), (message,))[0]

    def counted(self, one: str, many: str, number: int) -> str:
        """The same, of a message that depends on a number."""
        forms = self.messages.get((None, one))
        if forms is None or len(forms) == 1:
            return one if number == 1 else many
        return forms[self.plural(number)]

    def listed(self, names: Sequence[str]) -> str:
        """Names in a row, as in ``Email, Portal and Files``."""
        if len(names) < 2:
            return "".join(names)
        return self.gettext("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])

    def between(self, first: str, last: str) -> str:
        """From one to another, as in ``Mon to Fri``."""
        return self.gettext("%(first)s to %(last)s", first=first, last=last)

    def number(self, digits: str) -> str:
        """A number that was spelled with a point, digit by digit as it is: what was cut must not be rounded again."""
        return digits.replace(".", get_decimal_symbol(self.locale))

    def grouped(self, amount: float) -> str:
        """A large number without its fraction, its digits in groups."""
        return format_decimal(round(amount), "#,##0", locale=self.locale)

    def long_date(self, day: date) -> str:
        """A date with its year."""
        return _dated(day, self.pgettext("date", "d MMM y"), self.locale)

    def short_date(self, day: date) -> str:
        """A date without its year."""
        return _dated(day, self.pgettext("date", "d MMM"), self.locale)

    def full_date(self, day: date) -> str:
        """A date with its year and the day of the week."""
        return _dated(day, self.pgettext("date", "EEE d MMM y"), self.locale)

    def month(self, day: date) -> str:
        """The month of a day, with its year."""
        return _dated(day, self.pgettext("date", "MMM y"), self.locale)

    def weekday(self, day: date) -> str:
        """The day of the week, in short."""
        return _dated(day, "EEE", self.locale)

    def zone_name(self, at: datetime) -> str:
        """What the zone of *at* is called in short, then: ``CET``, ``MEZ``, or ``UTC+0545`` where it has no name."""
        name = at.tzname() or "UTC"
        if self.spoken != SOURCE:
            named = get_timezone_name(at, width="short", locale=self.locale)
            name = named if named.isalpha() else name
        return f"UTC{name}" if name[:1] in "+-" else name


def tongue_of(code: str, directory: Path) -> Tongue:
    """The tongue of a language: from the catalogue in *directory* that is named as *code*, or as its language alone (``de-AT``: ``de``)."""
    return _tongue(code, directory)


@cache
def _tongue(code: str, directory: Path) -> Tongue:
    stems = [stem for stem in (code, code.partition("-")[0]) if stem in _catalogues(directory)]
    if not stems:
        return _named(code, _english(code), MappingProxyType({}), _two)
    with (directory / f"{stems[0]}.po").open("rb") as file:
        read = read_po(file)
    messages = {
        (message.context, _first(message.id)): _texts(message.string)
        for message in read
        if message.id and not message.fuzzy and all(_texts(message.string))
    }
    return _named(code, stems[0], MappingProxyType(messages), gettext.c2py(read.plural_expr))


@cache
def _catalogues(directory: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in directory.glob("*.po")))


def _english(code: str) -> str:
    return code if code.partition("-")[0] == SOURCE else SOURCE


def _named(code: str, spoken: str, messages: Mapping[Key, tuple[str, ...]], plural: Callable[[int], int]) -> Tongue:
    # English as the page is written, with the day before the month, whoever's English it is.
    locale = Locale(SOURCE) if not messages else _locale(code, spoken)
    own = _locale(code, spoken)
    return Tongue(code=code, spoken=spoken, name=own.get_display_name(own) or code, locale=locale, messages=messages, plural=plural)


def _locale(code: str, spoken: str) -> Locale:
    """The locale of *code*, or that of what is *spoken* where nobody knows such a one."""
    for known in (code, spoken):
        try:
            return Locale.parse(known, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(SOURCE)


def _two(number: int) -> int:
    return int(number != 1)


def _first(id_: str | Sequence[str]) -> str:
    return id_ if isinstance(id_, str) else id_[0]


def _texts(string: str | Sequence[str] | None) -> tuple[str, ...]:
    return (string or "",) if isinstance(string, str | None) else tuple(string)


@lru_cache(maxsize=4096)
def _dated(day: date, pattern: str, locale: Locale) -> str:
    return format_date(day, pattern, locale=locale)


ENGLISH = _named(SOURCE, SOURCE, MappingProxyType({}), _two)
"""What agents read, and what the words are written in."""


def language_name(code: str) -> str:
    """What agents call a language: ``German``."""
    return _locale(code, SOURCE).get_display_name(SOURCE) or code
