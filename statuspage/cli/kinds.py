"""The command ``kinds``: which kinds of probes there are, whose they are, and which keys a monitor of each takes."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from probes.catalog import KINDS, BrokenKind, kinds
from probes.kind import ProbeKind
from probes.settings import Login, spelled
from statuspage.cli.options import GOOD, fail, print_json, print_rows

_WIDTH = 100  # letters


def known_kinds() -> Mapping[str, ProbeKind[Any]]:
    """Return every kind by name, or say whose kind is broken and leave."""
    try:
        return kinds()
    except BrokenKind as trouble:
        fail(str(trouble))


def kind_named(name: str) -> ProbeKind[Any]:
    """Return the kind *name*, or say which there are and leave."""
    known = known_kinds()
    return known[name] if name in known else fail(f"there is no probe kind {name!r}: choose one of {', '.join(known)}")


def describe_kinds(*, wants_json: bool) -> int:
    """List the kinds of probes there are."""
    known = known_kinds()
    if wants_json:
        print_json({"items": [_told(kind) for kind in known.values()]})
        return GOOD
    rows = [(kind.name, kind.summary, _remark(kind)) for kind in known.values()]
    print_rows(("KIND", "WHAT IT MEASURES", ""), rows, if_none="there are none")
    typer.echo("\n`statuspage kinds KIND` tells which keys a monitor of a kind takes.")
    return GOOD


def describe_kind(name: str, *, wants_json: bool) -> int:
    """Tell which keys a monitor of the kind *name* takes."""
    kind = kind_named(name)
    if wants_json:
        print_json({**_told(kind), "settings": kind.settings.model_json_schema()})
        return GOOD
    typer.secho(f"{kind.name}: {kind.summary}", bold=True)
    typer.echo(f"{_wrapped(kind.settings.__doc__ or '')}\n")
    print_rows(("KEY", "WHAT", "WITHOUT IT"), list(_keys(kind.settings, "")), if_none="it takes no keys of its own")
    typer.echo(f"\n{_first_try(kind)}")
    return GOOD


def _told(kind: ProbeKind[Any]) -> dict[str, object]:
    return {
        "name": kind.name,
        "summary": kind.summary,
        "passive": kind.measure is None,
        "ad_hoc": kind.ad_hoc is not None,
        "third_party": kind.name not in KINDS,
    }


def _wrapped(docstring: str) -> str:
    """Set a docstring for people: its marks off, its lines as wide as a terminal."""
    return textwrap.fill(re.sub(r"``|\*(?=\w)|(?<=\w)\*", "", " ".join(docstring.split())), _WIDTH)


def _remark(kind: ProbeKind[Any]) -> str:
    remarks = {"passive": kind.measure is None, "third party": kind.name not in KINDS}
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def _first_try(kind: ProbeKind[Any]) -> str:
    """Tell how it is tried out; what a target looks like is in the first line of what reads it."""
    if kind.measure is None:
        return "Passive: its results come from outside."
    if kind.ad_hoc is None:
        return "Try it: configure a monitor, then `statuspage probe MONITOR`."
    target = (kind.ad_hoc.__doc__ or "").strip().partition("\n")[0].replace("``", "`").rstrip(".")
    return f"Try it: `statuspage probe --kind {kind.name} TARGET`" + (
        f", where TARGET is {_lowered(target)}; other keys by --set KEY=VALUE." if target else "."
    )


def _lowered(words: str) -> str:
    is_acronym = len(words.partition(" ")[0]) > 1 and words[:2].isupper()
    return words if is_acronym else words[:1].lower() + words[1:]


def _keys(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Say of each key what it is and what holds without it; keys of a mapping follow, dotted."""
    schema = model.model_json_schema()
    for name, field_ in model.model_fields.items():
        key, inner = prefix + (field_.alias or name), _inner(field_)
        if inner is not None:
            yield from _keys(inner, f"{key}.")
        else:
            yield key, _type(schema["properties"][field_.alias or name], schema.get("$defs", {})), _without(field_)


def _inner(field_: FieldInfo) -> type[BaseModel] | None:
    choices = get_args(field_.annotation) or (field_.annotation,)
    models = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel) and choice is not Login]
    return models[0] if models else None


def _without(field_: FieldInfo) -> str:
    match field_.default:
        case _ if field_.is_required():
            return "required"
        case None | () | "":
            return "-"
        case value if value is PydanticUndefined:
            return "-"
        case timedelta() as span:
            return spelled(span)
        case bool() as value:
            return str(value).lower()
        case value:
            return str(value)


def _type(about: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    """Say in a few words what JSON Schema says at length; *named* is where ``$ref`` leads."""
    match about:
        case {"$ref": str(reference)}:
            return _type(named[reference.rpartition("/")[2]], named)
        case {"enum": [*choices]}:
            return " | ".join(map(str, choices))
        case {"description": str(text)}:
            return text.rstrip(".")
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            return " or ".join(dict.fromkeys(_type(choice, named) for choice in choices if choice.get("type") != "null"))
        case {"type": "array"}:
            return f"list of {_type(about.get('items', {}), named)}"
        case {"examples": [*examples]}:
            return "such as " + ", ".join(map(str, examples))
        case {"type": "boolean"}:
            return "true | false"
        case {"type": "integer", "minimum": int(least), "maximum": int(most)}:
            return f"{least} to {most}"
        case _:
            return {"string": "text", "object": "mapping"}.get(str(about.get("type")), str(about.get("type", "anything")))
