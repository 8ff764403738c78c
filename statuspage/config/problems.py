"""What is wrong with a configuration, and where: the values that every step of reading one shares."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import stat_result
from pathlib import Path
from typing import Any, TypeAlias

Trail: TypeAlias = tuple[str | int, ...]
"""The way to a value from the top of the file: keys, and indexes of lists."""

Seen: TypeAlias = tuple[str, int, int]
"""What tells one state of a file from another: its name, when it was changed (nanoseconds), its size."""

LONGEST_SHOWN = 80

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
"""What no text of a configuration may hold: one such character in a title breaks a feed or a mail."""

_PLAIN = re.compile(r"[\w./*+-]{1,63}")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person must mend (or, as a warning, may).

    *message* says what is wrong and how to mend it; *value* is what was found there, never a secret's. Lines and columns count from 1.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str
    value: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        found = "" if self.value is None else f" (found {self.value})"
        return f"{place}: {self.path}: {self.message}{found}" if self.path else f"{place}: {self.message}{found}"


class ConfigError(Exception):
    """The configuration cannot be used: *problems* is everything that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Sources:
    """What was read: plain dicts, lists, texts, numbers, booleans and None, and where each of them stands.

    *places* gives a value's place by its trail, *keys* the place of its key. *text* is everything as it was read, *secret_files* are
    those that ``{file: PATH}`` names, as they were when they were read.
    """

    value: dict[str, Any] = field(default_factory=dict)
    places: dict[Trail, Place] = field(default_factory=dict)
    keys: dict[Trail, Place] = field(default_factory=dict)
    text: str = ""
    secret_files: set[Seen] = field(default_factory=set)

    def place(self, trail: Trail, *, at_key: bool = False) -> Place:
        """Return where *trail* stands; where it does not, the key of the nearest thing around it that does."""
        if not at_key and trail in self.places:
            return self.places[trail]
        for length in range(len(trail), 0, -1):
            around = trail[:length]
            found = self.keys.get(around) or self.places.get(around)
            if found is not None:
                return found
        return self.places[()]

    def problem(self, trail: Trail, message: str, value: str | None = None, *, at_key: bool = False) -> Problem:
        """Make the problem *message* at *trail*."""
        place = self.place(trail, at_key=at_key)
        return Problem(place.file, place.line, place.column, dotted(trail), message, value)


def dotted(trail: Trail) -> str:
    """Spell *trail* as people write it: ``services.email.needs[0].component``."""
    spelled = ""
    for part in trail:
        match part:
            case int():
                spelled += f"[{part}]"
            case str():
                spelled += ("." if spelled else "") + (part if _PLAIN.fullmatch(part) else str(shown(part)))
    return spelled


def shown(value: object) -> str | None:
    """Spell a scalar for a message, quoted, escaped and capped; None for anything else."""
    if not isinstance(value, str | int | float | bool):
        return None
    spelled = ascii(value) if isinstance(value, str) and CONTROL.search(value) else repr(value)
    return spelled if len(spelled) <= LONGEST_SHOWN else f"{spelled[: LONGEST_SHOWN - 1]}…"


def seen(file: Path, stat: stat_result) -> Seen:
    """Tell the state that *file* is in by *stat*."""
    return str(file), stat.st_mtime_ns, stat.st_size


def follow(value: object, trail: Trail) -> object:
    """Return what stands at *trail* below *value*, or None where nothing does."""
    for part in trail:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def matches(value: object, pattern: str) -> Iterator[tuple[Trail, Any]]:
    """Yield every (trail, value) that *pattern* meets: dotted, ``*`` for each key of a mapping, ``[]`` for each entry of a list."""
    yield from _matches(value, tuple(pattern.replace("[]", ".[]").split(".")), ())


def _matches(value: object, pattern: tuple[str, ...], trail: Trail) -> Iterator[tuple[Trail, Any]]:
    if not pattern:
        yield trail, value
        return
    step, rest = pattern[0], pattern[1:]
    if step == "[]" and isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _matches(entry, rest, (*trail, index))
    elif step == "*" and isinstance(value, dict):
        for key, entry in value.items():
            yield from _matches(entry, rest, (*trail, key))
    elif isinstance(value, dict) and step in value:
        yield from _matches(value[step], rest, (*trail, step))
