"""What an answer must be, in the words of the file, and what is objected to one that is not."""

import re
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    FiniteFloat,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)

from probes.settings import CLOSED
from probes.text import plain
from probes.wire.jsonpath import steps
from probes.wire.patterns import Pattern

_STATUS = re.compile(r"([1-5])xx|([1-5][0-9]{2})-([1-5][0-9]{2})", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\s*-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
_LONGEST_NUMBER = 100

Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Scalar: TypeAlias = StrictBool | StrictInt | FiniteFloat | StrictStr


# --- statuses -----------------------------------------------------------------------------------------------------------------


def _status(given: object) -> int | str:
    if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 599:
        return given
    matched = _STATUS.fullmatch(given) if isinstance(given, str) else None
    if matched is None or (matched[2] and matched[2] > matched[3]):
        raise ValueError("not a status: write one from 100 to 599, or several as 2xx or 200-299")
    return matched[0].lower()


Status: TypeAlias = Annotated[
    int | str,
    PlainValidator(_status),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": "^([1-5][xX]{2}|[1-5][0-9]{2}-[1-5][0-9]{2})$", "examples": ["2xx", "200-299"]},
            ]
        }
    ),
]
"""One status, or several: ``2xx``, ``200-299``."""


def is_among(status: int, expected: tuple[int | str, ...]) -> bool:
    """Say whether *status* is one of those *expected*."""
    return any(status == each if isinstance(each, int) else _is_within(status, each) for each in expected)


def _is_within(status: int, several: str) -> bool:
    first, dash, last = several.partition("-")
    return int(first) <= status <= int(last) if dash else status // 100 == int(first[0])


# --- values -------------------------------------------------------------------------------------------------------------------


def _path(text: str) -> str:
    steps(text)
    return text


JsonPath = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_path)]


class Condition(BaseModel):
    """What one value must be; all that is said holds together, and nothing said means that it must be there.

    *at_least* and *at_most* take numbers and texts that spell one. *contains* looks into a text, for an element of a list, or for a
    member's name.
    """

    model_config = CLOSED

    exists: bool = True
    is_null: bool | None = None
    equals: Scalar | None = None
    not_equals: Scalar | None = None
    contains: Text | None = None
    not_contains: Text | None = None
    matches: Pattern | None = None
    at_least: FiniteFloat | None = None
    at_most: FiniteFloat | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        said = self.model_fields_set
        if not self.exists and len(said) > 1:
            raise ValueError("what must not be there can meet no other condition")
        if any(name in said and getattr(self, name) is None for name in ("equals", "not_equals")):
            raise ValueError("nothing is written here: for JSON's null say is_null: true, or false")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is more than at_most")
        return self


async def objection(condition: Condition, value: object) -> str | None:
    """Say in a few words why *value*, which is there, does not meet *condition*; None where it does."""
    found = spelled(value)
    if condition.is_null is not None and condition.is_null != (value is None):
        return f"is {found}"
    if condition.equals is not None and not _is_same(value, condition.equals):
        return f"is {found}, not {spelled(condition.equals)}"
    if condition.not_equals is not None and _is_same(value, condition.not_equals):
        return f"is {found}"
    if condition.contains is not None and not _contains(value, condition.contains):
        return f"is {found} and does not contain {spelled(condition.contains)}"
    if condition.not_contains is not None and _contains(value, condition.not_contains):
        return f"is {found} and contains {spelled(condition.not_contains)}"
    if condition.matches is not None and not await _matches(value, condition.matches):
        return f"is {found} and does not match"
    return _out_of_bounds(condition, value)


def _out_of_bounds(condition: Condition, value: object) -> str | None:
    if condition.at_least is None and condition.at_most is None:
        return None
    number = _number(value)
    if number is None:
        return f"is {spelled(value)} and no number"
    if condition.at_least is not None and not number >= condition.at_least:
        return f"is {spelled(value)}, less than {condition.at_least:g}"
    if condition.at_most is not None and not number <= condition.at_most:
        return f"is {spelled(value)}, more than {condition.at_most:g}"
    return None


def spelled(value: object, most: int = 60) -> str:
    """Write a value of a JSON document in a few characters."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return repr(plain(value, most))
        case int() if value.bit_length() > 256:
            return "a number of very many digits"
        case int() | float():
            return repr(value)
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)} members"
        case _:
            return type(value).__name__


def _is_same(value: object, wanted: Scalar) -> bool:
    """Compare as JSON does: true is not 1, and 1 is 1.0."""
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _contains(value: object, wanted: str) -> bool:
    match value:
        case str() | dict() | list():
            return wanted in value
        case _:
            return False


async def _matches(value: object, pattern: Pattern) -> bool:
    match value:
        case str():
            return await pattern.is_in(value.encode("utf-8", "replace"))
        case int() | float() | None:
            return pattern.matches(spelled(value).encode())
        case _:
            return False


def _number(value: object) -> int | float | None:
    match value:
        case bool():
            return None
        case int() | float():
            return value
        case str() if len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
            return float(value)
    return None
