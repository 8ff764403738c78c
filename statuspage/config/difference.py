"""What one text of the configuration says otherwise than another: by ids, in words, without any secret.

It compares what was written, not what it means: a text that an older release took, or whose secrets are gone, can be compared all the
same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, assert_never

from probes.settings import duration
from statuspage.config.problems import LONGEST_SHOWN, ConfigError, Trail, dotted
from statuspage.config.shape import HIDDEN, KEYED, masked
from statuspage.config.sources import parts_of
from statuspage.config.yaml import parse

MOVED = "moved_from"
NOTHING: Any = object()
"""In the place of a value that is not there."""


class Kind(StrEnum):
    """What became of an entry."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """One key of an entry: what stood there *before* and *after*, spelled as in the file; None where nothing did."""

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        match self.before, self.after:
            case None, after:
                return f"{self.path} {after} is new"
            case before, None:
                return f"{self.path} is gone (was {before})"
            case "***", "***":
                return f"{self.path} is another, which is not shown"
            case before, after if before == after:
                return f"{self.path} {before} is another, in what is not shown"
            case before, after:
                return f"{self.path} {before} → {after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What became of the entry *id* of *section*, or of the section as a whole where *id* is empty. *was* is its id before."""

    section: str
    id: str
    kind: Kind
    was: str = ""
    keys: tuple[KeyChange, ...] = ()

    @property
    def subject(self) -> str:
        """Name what it is about: ``monitor web``, ``site``."""
        return f"{_singular(self.section)} {self.id}" if self.id else self.section

    def __str__(self) -> str:
        return self.headline + (": " + ", ".join(map(str, self.keys)) if self.keys else "")

    @property
    def headline(self) -> str:
        """Say what became of it, without its keys."""
        match self.kind:
            case Kind.ADDED:
                return f"adds {self.subject}"
            case Kind.REMOVED:
                return f"removes {self.subject}"
            case Kind.RENAMED:
                return f"renames {_singular(self.section)} {self.was} to {self.id}, with its history"
            case Kind.CHANGED:
                return self.subject
            case _:
                assert_never(self.kind)


def tree_of(text: str) -> Mapping[str, Any]:
    """What *text* says, references unresolved; of a directory's files as of one. Errors: ConfigError where it is not YAML."""
    tree: dict[str, Any] = {}
    for name, part in parts_of(text):
        sources, problems = parse(part, name)
        if problems:
            raise ConfigError(tuple(problems))
        for section, value in sources.value.items():
            mine = tree.get(section)
            tree[section] = {**mine, **value} if isinstance(mine, dict) and isinstance(value, dict) else value
    return tree


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every entry that is another in *after* than in *before*, in the order of *after*; what is removed stands last in its section."""
    found: list[Difference] = []
    for section in dict.fromkeys([*after, *before]):
        old, new = before.get(section), after.get(section)
        if section in KEYED and isinstance(old or {}, dict) and isinstance(new or {}, dict):
            found += _entries(section, old or {}, new or {})
        elif keys := tuple(_keys(_or_nothing(old), _or_nothing(new), (section,), within=1)):
            found.append(Difference(section=section, id="", kind=Kind.CHANGED, keys=keys))
    return tuple(found)


def _entries(section: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    moved = {id: entry[MOVED] for id, entry in new.items() if id not in old and _came_from(entry, old, new)}
    for id, entry in new.items():
        was = moved.get(id, id)
        if was not in old:
            yield Difference(section=section, id=id, kind=Kind.ADDED)
            continue
        keys = tuple(one for one in _keys(old[was], entry, (section, id), within=2) if not (id in moved and one.path == MOVED))
        if id in moved:
            yield Difference(section=section, id=id, kind=Kind.RENAMED, was=was, keys=keys)
        elif keys:
            yield Difference(section=section, id=id, kind=Kind.CHANGED, keys=keys)
    gone = old.keys() - new.keys() - set(moved.values())
    yield from (Difference(section=section, id=id, kind=Kind.REMOVED) for id in old if id in gone)


def _came_from(entry: object, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    was = entry.get(MOVED) if isinstance(entry, dict) else None
    return isinstance(was, str) and was in old and was not in new


def _keys(old: Any, new: Any, trail: Trail, *, within: int) -> Iterator[KeyChange]:  # noqa: ANN401 - any plain value
    """Compare two values at *trail*, of which the first *within* steps name the entry."""
    if _is_same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and not (_is_reference(old) or _is_reference(new)):
        for key in dict.fromkeys([*new, *old]):
            yield from _keys(old.get(key, NOTHING), new.get(key, NOTHING), (*trail, key), within=within)
    elif isinstance(old, list) and isinstance(new, list) and any(isinstance(one, dict) for one in (*old, *new)):
        yield from _listed(old, new, trail, within=within)
    else:
        yield KeyChange(path=dotted(trail[within:]) or "all of it", before=_spelled(old, trail), after=_spelled(new, trail))


def _listed(old: Sequence[Any], new: Sequence[Any], trail: Trail, *, within: int) -> Iterator[KeyChange]:
    ours, theirs = ([json.dumps(one, sort_keys=True) for one in entries] for entries in (old, new))
    steps = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    for since, until, start, end in (step[1:] for step in steps if step[0] != "equal"):
        for place in range(max(until - since, end - start)):
            was = old[since + place] if since + place < until else NOTHING
            now, at = (new[start + place], start + place) if start + place < end else (NOTHING, since + place)
            yield from _keys(was, now, (*trail, at), within=within)


def _is_same(old: object, new: object) -> bool:
    """Whether both mean the same: as values of the same type, or as lengths of time that are written in another way."""
    if isinstance(old, str) and isinstance(new, str):
        return old == new or _length(old) == _length(new) is not None
    return type(old) is type(new) and json.dumps(old, default=id) == json.dumps(new, default=id)


def _length(text: str) -> timedelta | None:
    try:
        return duration(text)
    except ValueError:
        return None


def _is_reference(value: Mapping[Any, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in {"env", "file"}


def _or_nothing(value: object) -> object:
    return NOTHING if value is None else value


# --- how a value is shown -------------------------------------------------------------------------------------------------------


def _spelled(value: Any, trail: Trail) -> str | None:  # noqa: ANN401 - any plain value
    if value is NOTHING:
        return None
    spelled = _flow(value, trail)
    return spelled if len(spelled) <= LONGEST_SHOWN else f"{spelled[: LONGEST_SHOWN - 1]}…"


def _flow(value: Any, trail: Trail) -> str:  # noqa: ANN401 - any plain value
    match value:
        case dict() if _is_reference(value):
            return f"{{{next(iter(value))}: {next(iter(value.values()))}}}"
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(entry, (*trail, key))}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ", ".join(_flow(entry, trail) for entry in value) + "]"
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str() if not HIDDEN.isdisjoint(trail):
            return "***"
        case str():
            return masked(value) if value.isprintable() else ascii(masked(value))
        case _:
            return str(value)


_SINGULAR = {"causes": "cause", "maintenance": "maintenance", "people": "person", "announce": "outlet", "credentials": "credentials"}


def _singular(section: str) -> str:
    return _SINGULAR.get(section, section.removesuffix("s").replace("_", " "))
