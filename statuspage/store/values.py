"""Frozen values of the model as JSON and back, by the types of their fields: what is kept whole, and not as rows.

Unlike ``statuspage.store.spelling`` this knows no words of its own: a field that the model gains is kept from then on, and one that was
not kept yet gets its default.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import JsonValue

from incidents.heartbeat import Every, Rhythm
from probes.cron import Cron

_MICROSECOND = timedelta(microseconds=1)
_RHYTHMS: Mapping[str, type[Every] | type[Cron]] = {"every": Every, "cron": Cron}


def plain(value: object) -> JsonValue:
    """*value* as JSON. Errors: TypeError for what is no value of the model."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case datetime():
            return value.isoformat()
        case timedelta():
            return value // _MICROSECOND
        case Every() | Cron():
            return [next(word for word, kind in _RHYTHMS.items() if isinstance(value, kind)), _fields(value)]
        case Mapping():
            return [[plain(key), plain(one)] for key, one in value.items()]
        case frozenset():
            return sorted((plain(one) for one in value), key=str)
        case tuple():
            return [plain(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _fields(value)
        case _:
            raise TypeError(f"{type(value).__name__} is no value of the model")


def _fields(value: Any) -> JsonValue:  # noqa: ANN401 - any dataclass
    return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.init}


def built(kind: Any, value: Any) -> Any:  # noqa: ANN401 - by the type of a field
    """What ``plain`` wrote of a value of the type *kind*. Errors: TypeError, ValueError or KeyError for what it never wrote."""
    origin = get_origin(kind)
    if value is None or origin in {Union, UnionType}:
        return None if value is None else built(next(one for one in get_args(kind) if one is not NoneType), value)
    if origin is not None:
        return _several(origin, get_args(kind), value)
    if kind is Rhythm:
        word, parts = value
        return _whole(_RHYTHMS[word], parts)
    if kind is timedelta:
        return value * _MICROSECOND
    if kind is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(kind):
        return _whole(kind, value)
    return kind(value) if issubclass(kind, StrEnum) else value


def _several(origin: Any, kinds: tuple[Any, ...], value: Any) -> Any:  # noqa: ANN401 - as above
    if issubclass(origin, Mapping):
        return MappingProxyType({built(kinds[0], key): built(kinds[1], one) for key, one in value})
    if origin is frozenset:
        return frozenset(built(kinds[0], one) for one in value)
    if kinds[1:] == (...,):
        return tuple(built(kinds[0], one) for one in value)
    return tuple(built(kind, one) for kind, one in zip(kinds, value, strict=True))


def _whole(kind: Any, value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    return kind(**{name: built(hint, value[name]) for name, hint in _hints(kind) if name in value})


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any], ...]:  # noqa: ANN401 - as above
    hints = get_type_hints(kind)
    return tuple((one.name, hints[one.name]) for one in fields(kind) if one.init)
