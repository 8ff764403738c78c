"""Bring what was read into the models' shape, each monitor's settings by its own kind; tell everything that does not fit at once."""

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from probes.kind import ProbeKind
from probes.settings import Login, Secret
from statuspage.config.models import Config
from statuspage.config.problems import Problem, Sources, Trail, follow, matches, shown
from statuspage.config.types import meant
from statuspage.config.watched import Control, Monitor

Kinds = Mapping[str, ProbeKind[Any]]

PLACES: Mapping[str, type[BaseModel]] = {"monitors.*": Monitor, "services.*.monitors[]": Monitor, "locations.*.controls[]": Control}
"""Where a kind of probe stands beside its settings."""

KEYED = frozenset(
    {
        *("announce", "calendars", "causes", "components", "credentials", "known_errors", "locations", "maintenance", "monitors", "people"),
        *("services", "teams"),
    }
)
"""Sections of entries by id, of which a bad one can be left out while the others are judged."""

COUNTED_ALONE: Mapping[str, int] = {"fails_after": 1, "recovers_after": 1}
"""What a monitor of a passive kind has unless it says otherwise itself: nobody can ask it again to be sure."""

HIDDEN = frozenset({"announce", "client_secret", "credentials", "headers", "notify", "password", "secret", "token"})
"""Keys below which nothing that was typed is ever quoted."""

_NOTHING = repr(timedelta(0))
"""How pydantic words the bound below which no duration may lie."""

_TYPED = {
    "missing": "is missing",
    "string_type": "write text here; a number or true/false in quotes",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "model_type": "write keys and values here: {{key: value, …}}",
    "model_attributes_type": "write keys and values here: {{key: value, …}}",
    "mapping_type": "write keys and values here: {{key: value, …}}",
    "dict_type": "write keys and values here: {{key: value, …}}",
    "tuple_type": "write a list here: […]",
    "list_type": "write a list here: […]",
    "set_type": "write a list here: […]",
    "frozen_set_type": "write a list here: […]",
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write {ge} or more",
    "less_than": "write less than {lt}",
    "less_than_equal": "write {le} or less",
    "finite_number": "write a finite number",
    "string_too_short": "write at least {min_length} characters",
    "string_too_long": "write at most {max_length} characters",
    "too_short": "write at least {min_length}",
    "too_long": "write at most {max_length}",
    "enum": "write one of {expected}",
    "literal_error": "write one of {expected}",
    "path_not_file": "there is no such file; correct the path",
    "meaning": "{sentence}",
}


@dataclass(slots=True, kw_only=True)
class Shaped:
    """What came of it. *config* is whole only where *problems* is empty: entries that do not fit are left out of it."""

    config: Config
    problems: list[Problem] = field(default_factory=list)


def shape(sources: Sources, kinds: Kinds) -> Shaped:
    """Validate *sources*, whose references are looked up already."""
    problems = list[Problem]()
    tree = {section: _copied(value) for section, value in sources.value.items() if value is not None or section not in Config.model_fields}
    for pattern, model in PLACES.items():
        for trail, entry in matches(sources.value, pattern):
            if isinstance(entry, dict):
                _put(tree, trail, _divided(entry, trail, model, sources, kinds, problems))
    config, faults = _fitting(tree)
    problems += (_told(fault, tuple(fault["loc"]), Config, sources) for fault in faults)
    problems += _written_secrets(config, sources.value, (), sources)
    return Shaped(config=config, problems=problems)


def _fitting(tree: dict[str, Any]) -> tuple[Config, list[ErrorDetails]]:
    """Validate *tree*; where it does not fit, validate it again without the entries at fault, so that the rest can be judged."""
    try:
        return Config.model_validate(tree), []
    except ValidationError as error:
        faults = error.errors(include_url=False)
    rest: Any = tree
    for fault in faults:
        section, *below = fault["loc"]
        rest = _without(rest, (section, *below[:1]) if section in KEYED and below else (section,))
    rest.setdefault("site", {"name": "unnamed", "url": "http://localhost"})
    return Config.model_validate(rest), faults


def _divided(
    entry: dict[str, Any], trail: Trail, model: type[BaseModel], sources: Sources, kinds: Kinds, problems: list[Problem]
) -> dict[str, Any]:
    """Part a monitor's own keys from its kind's, and replace the latter by the kind's validated settings."""
    own = {key: value for key, value in entry.items() if key in model.model_fields and key != "settings"}
    rest = {key: value for key, value in entry.items() if key not in own}
    name = entry.get("probe")
    if not isinstance(name, str):
        return own
    kind = kinds.get(name)
    if kind is None:
        problems.append(sources.problem((*trail, "probe"), f"there is no such kind of probe; {meant(name, list(kinds))}", shown(name)))
        return own
    rest = _with_logins(rest, trail, kind.settings, sources, problems)
    try:
        settings = kind.settings.model_validate(rest)
    except ValidationError as error:
        also = tuple(model.model_fields)
        problems += (_told(fault, (*trail, *fault["loc"]), kind.settings, sources, fault["loc"], also) for fault in error.errors())
        return own
    problems += _written_secrets(settings, entry, trail, sources)
    alone = {key: value for key, value in COUNTED_ALONE.items() if key in model.model_fields and kind.measure is None}
    return {**alone, **own, "settings": settings}


def _with_logins(raw: Any, trail: Trail, model: type[BaseModel], sources: Sources, problems: list[Problem]) -> Any:  # noqa: ANN401 - any plain value
    """Put credentials where a kind's settings want a Login and the file gives their name."""
    if not isinstance(raw, dict):
        return raw
    changed = dict(raw)
    for name, described in model.model_fields.items():
        key = described.alias or name
        if raw.get(key) is None:
            continue
        for part in _models(described.annotation):
            if part is Login:
                changed[key] = _login(raw[key], (*trail, key), sources, problems)
            elif isinstance(raw[key], dict):
                changed[key] = _with_logins(changed[key], (*trail, key), part, sources, problems)
    return changed


def _login(name: object, trail: Trail, sources: Sources, problems: list[Problem]) -> Login:
    known = sources.value.get("credentials")
    known = known if isinstance(known, dict) else {}
    if not isinstance(name, str):
        problems.append(sources.problem(trail, "write the name of an entry of credentials, where the name and password stand"))
    elif name not in known:
        problems.append(sources.problem(trail, f"there are no such credentials; {meant(name, known)}", shown(name)))
    else:
        match known[name]:
            case {"user": str(user), "password": Secret() as password} if user:
                return Login(user=user, password=password)
            case _:
                pass  # told where the credentials themselves stand
    return Login(user="-", password=Secret(""))


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that *annotation* admits: itself, the members of a union, the entries of a collection."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


# --- what a person is told ----------------------------------------------------------------------------------------------------


def _told(
    fault: ErrorDetails, trail: Trail, model: type[BaseModel], sources: Sources, loc: Trail | None = None, also: tuple[str, ...] = ()
) -> Problem:
    """Turn pydantic's finding into a problem; *loc* is its place within *model*, *also* further keys that may stand there."""
    if trail[-1:] == ("[key]",):
        return sources.problem(trail[:-1], sentence(fault), shown(trail[-2]), at_key=True)
    if fault["type"] == "extra_forbidden" and trail[-1] == "<<":
        return sources.problem(trail, "YAML 1.2 has no merge keys; write the keys out, or once under defaults", at_key=True)
    if fault["type"] == "extra_forbidden":
        within = trail[:-1] if loc is None else loc[:-1]
        known = [*_keys_at(model, within), *(also if loc is not None and len(loc) == 1 else ())]
        return sources.problem(trail, f"unknown key; {meant(str(trail[-1]), known)}", at_key=True)
    if fault["type"] == "missing":
        return sources.problem(trail, f"{trail[-1]!r} is missing here; write it".replace("'", "`"), at_key=True)
    return sources.problem(trail, sentence(fault), quoted(sources, trail))


def sentence(fault: ErrorDetails) -> str:
    """Say what is wrong with a value, and what to write instead."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(context["error"])
    if fault["input"] is None:
        return "is empty; give it a value, or remove the key"
    if isinstance(fault["input"], Secret):
        return "a reference to a secret has no place here; write the value itself"
    pattern = _TYPED.get(fault["type"])
    plain = {name: "0s" if bound == _NOTHING else bound for name, bound in context.items()}
    if fault["type"] == "literal_error":  # of a StrEnum: its members' own spelling is no word of the file
        plain["expected"] = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", str(plain["expected"]))
    return fault["msg"] if pattern is None else pattern.format_map(plain)


def quoted(sources: Sources, trail: Trail) -> str | None:
    """Spell what was written at *trail*, unless it may be a secret; passwords and queries of URLs are masked."""
    value = follow(sources.value, trail)
    if isinstance(value, Secret):
        return "***"
    if not HIDDEN.isdisjoint(trail):
        return None
    if isinstance(value, str):
        value = masked(value)
    return shown(value)


def masked(text: str) -> str:
    """Give *text* without the passwords and queries of URLs in it."""
    return re.sub(r"([?&][^=&\s]*=)[^&\s]*", r"\1***", re.sub(r"//[^/@\s]*@", "//***@", text))


def _keys_at(model: type[BaseModel], loc: Trail) -> list[str]:
    """Return the keys that may stand at *loc* within *model*."""
    reached: list[Any] = [model]
    for step in loc:
        reached = [next_one for one in reached for next_one in _below(one, step)]
    models = [found for one in reached for found in _models(one)]
    return list(
        dict.fromkeys(described.alias or name for found in models for name, described in found.model_fields.items() if name != "settings")
    )


def _below(annotation: Any, step: str | int) -> Iterator[Any]:  # noqa: ANN401 - any type annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from (described.annotation for name, described in annotation.model_fields.items() if step in (name, described.alias))
        return
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        for part in parts:
            yield from _below(part, step)
    elif parts and hasattr(annotation, "__metadata__"):
        yield from _below(parts[0], step)
    elif parts:
        yield parts[-1] if isinstance(step, str) else parts[0]


def _written_secrets(model: object, raw: object, trail: Trail, sources: Sources) -> Iterator[Problem]:
    """Find secrets that stand in the file itself; the file is kept, compared and shown, so they may not."""
    if isinstance(model, Secret) and isinstance(raw, str):
        yield sources.problem(trail, "a secret never stands in the file; write {env: NAME} or {file: PATH}")
    elif isinstance(model, BaseModel) and isinstance(raw, dict):
        for name, described in type(model).model_fields.items():
            key = described.alias or name
            yield from _written_secrets(getattr(model, name), raw.get(key), (*trail, key), sources)
    elif isinstance(model, Mapping) and isinstance(raw, dict):
        for key, value in model.items():
            yield from _written_secrets(value, raw.get(key), (*trail, key), sources)


# --- changed copies of plain values -------------------------------------------------------------------------------------------


def _copied(value: Any) -> Any:  # noqa: ANN401 - any plain value
    match value:
        case dict():
            return {key: _copied(entry) for key, entry in value.items()}
        case list():
            return [_copied(entry) for entry in value]
        case _:
            return value


def _put(tree: Any, trail: Trail, value: object) -> None:  # noqa: ANN401 - any plain value
    for step in trail[:-1]:
        tree = tree[step]
    tree[trail[-1]] = value


def _without(tree: Any, trail: Trail) -> Any:  # noqa: ANN401 - any plain value
    step, rest = trail[0], trail[1:]
    if not isinstance(tree, dict) or step not in tree:
        return tree
    if not rest:
        return {key: value for key, value in tree.items() if key != step}
    return {**tree, step: _without(tree[step], rest)}
