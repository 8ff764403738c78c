"""Read YAML 1.2 into plain values that remember where each of them stands.

Nothing cleverer than YAML 1.2's core: ``no``, ``010``, ``12:30:00`` and ``2026-01-04`` stay text; tags, merge keys, keys that are not
text and repeated keys are refused. The caps are on what a file may cost its reader: aliases that multiply, nesting without end.
"""

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

from statuspage.config.problems import CONTROL, Place, Problem, Sources, Trail, dotted, shown

MAX_DEPTH = 40
MAX_VALUES = 400_000

_NULL = re.compile(r"|~|null|Null|NULL")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*|(?=[eE])))([eE][-+]?[0-9]+)?")


def parse(text: str, file: str) -> tuple[Sources, list[Problem]]:
    """Read *text*; *file* is its name in messages. Gives what could be read, and every problem met on the way."""
    builder = _Builder(file=file)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except _Stop as stop:
        builder.problems.append(stop.problem)
    except (YAMLError, ValueError) as error:
        builder.problems.append(_syntax(error, text, file))
    sources = Sources(places={(): Place(file, 1, 1)}, text=text)
    if builder.root is None or builder.problems:
        return sources, builder.problems
    match _flatten(builder.root, (), sources):
        case dict() as value:
            sources.value = value
        case None:
            pass
        case _:
            builder.problems.append(sources.problem((), "the file must be a mapping of sections: `site:`, `services:`, …"))
    return sources, builder.problems


def _syntax(error: Exception, text: str, file: str) -> Problem:
    match error:
        case MarkedYAMLError(problem_mark=StreamMark() as mark):
            mend = next((mend for sign, mend in _MENDS.items() if sign in str(error.problem)), "")
            return Problem(file, mark.line + 1, mark.column + 1, "", f"is not YAML: {error.problem}{mend}")
        case ReaderError():
            before = text[: error.position]
            return Problem(file, before.count("\n") + 1, error.position - before.rfind("\n"), "", "holds a control character; remove it")
        case _:
            return Problem(file, None, None, "", "is not YAML: an escape or a number in it cannot be read")


_MENDS = {
    "character '\\t'": "; indent with spaces, not with tabs",
    "expected ',' or": "; a bracket that was opened above may not be closed",
    "<block end>": "; this line is indented otherwise than those beside it",
    "mapping values are not allowed": "; put a text that holds a colon into quotes",
}
"""What to do about what the parser stumbles over, by a part of its words."""


class _Stop(Exception):
    """Reading on would be pointless, or too dear."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True, kw_only=True)
class _Node:
    """A value as written. *keys* stand beside *value*'s entries in a mapping; *size* and *height* count what aliases repeat."""

    place: Place
    value: Any
    keys: dict[str, Place] | None = None
    size: int = 1
    height: int = 1


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection that has begun and not ended; in a mapping, *key* waits for its value."""

    node: _Node
    anchor: str | None
    key: tuple[str, Place] | None = None


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Builds nodes from events, without recursion, so that depth is a number and never a crash."""

    file: str
    root: _Node | None = None
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, _Node] = field(default_factory=dict)
    open: list[_Open] = field(default_factory=list)
    values: int = 0
    documents: int = 0

    def take(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self._begin_document(event)
            case AliasEvent():
                self._alias(event)
            case ScalarEvent():
                self._scalar(event)
            case CollectionStartEvent():
                self._begin(event)
            case MappingEndEvent() | SequenceEndEvent():
                ended = self.open.pop()
                self._add(ended.node, ended.anchor)
            case _:
                pass  # the stream's and the document's ends carry nothing

    def _place(self, event: Event) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _problem(self, place: Place, message: str, value: str | None = None) -> Problem:
        trail = list[str | int]()
        for around in self.open:
            if around.node.keys is None:
                trail.append(len(around.node.value))
            elif around.key is not None:
                trail.append(around.key[0])
        return Problem(self.file, place.line, place.column, dotted(tuple(trail[:8])), message, value)

    def _begin_document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _Stop(self._problem(self._place(event), "a second document begins here; keep one to a file, or use a directory of files"))
        if event.version not in (None, (1, 2)):
            self.problems.append(self._problem(self._place(event), "this is read as YAML 1.2; remove the %YAML line"))

    def _begin(self, event: CollectionStartEvent) -> None:
        place = self._place(event)
        self._refuse_tag(event, place)
        if len(self.open) >= MAX_DEPTH:
            raise _Stop(self._problem(place, f"is nested more than {MAX_DEPTH} deep; no key of a configuration is"))
        is_mapping = isinstance(event, MappingStartEvent)
        if self._awaits_key():
            raise _Stop(self._problem(place, "a key must be plain text"))
        node = _Node(place=place, value=[], keys={} if is_mapping else None)
        self.open.append(_Open(node=node, anchor=event.anchor))

    def _scalar(self, event: ScalarEvent) -> None:
        place = self._place(event)
        self._refuse_tag(event, place)
        if CONTROL.search(event.value):
            self.problems.append(self._problem(place, "holds a control character; remove it"))
        if self._awaits_key():
            self._take_key(event.value, place)
            return
        value = _plain(event.value) if event.style is None else event.value
        self._add(_Node(place=place, value=value), event.anchor)

    def _alias(self, event: AliasEvent) -> None:
        place, found = self._place(event), self.anchors.get(event.anchor)
        if found is None:
            raise _Stop(self._problem(place, "this alias names no anchor that stands before it", shown(f"*{event.anchor}")))
        if self._awaits_key():
            self._take_key(found.value if isinstance(found.value, str) else None, place)
            return
        if len(self.open) + found.height > MAX_DEPTH:
            raise _Stop(self._problem(place, f"is nested more than {MAX_DEPTH} deep; no key of a configuration is"))
        self._add(found, None, cost=found.size)

    def _refuse_tag(self, event: ScalarEvent | CollectionStartEvent, place: Place) -> None:
        if event.tag is not None:
            self.problems.append(self._problem(place, "tags (`!…`) mean nothing here; remove it", shown(event.tag)))

    def _awaits_key(self) -> bool:
        return bool(self.open) and self.open[-1].node.keys is not None and self.open[-1].key is None

    def _take_key(self, text: str | None, place: Place) -> None:
        if text is None:
            raise _Stop(self._problem(place, "a key must be plain text"))
        around = self.open[-1]
        around.key = (text, place)
        if around.node.keys and text in around.node.keys:
            first = around.node.keys[text].line
            self.problems.append(self._problem(place, f"this key stands twice, first on line {first}; keep one"))

    def _add(self, node: _Node, anchor: str | None, *, cost: int = 1) -> None:
        self.values += cost
        if self.values > MAX_VALUES:
            raise _Stop(self._problem(node.place, f"holds more than {MAX_VALUES} values, repeats by aliases included"))
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        around = self.open[-1]
        if around.node.keys is not None and around.key is not None:
            key, place = around.key
            around.node.keys[key] = place
            around.key = None
        around.node.value.append(node)
        around.node.size += node.size
        around.node.height = max(around.node.height, node.height + 1)


def _plain(text: str) -> str | int | float | bool | None:
    """Give an unquoted scalar its YAML 1.2 meaning; numbers that a Python float or int would alter stay text."""
    if _NULL.fullmatch(text):
        return None
    if found := _BOOL.fullmatch(text):
        return found[1] is not None
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text


def _flatten(node: _Node, trail: Trail, sources: Sources) -> Any:  # noqa: ANN401 - a document is any plain value
    sources.places[trail] = node.place
    if node.keys is not None:
        entries = {}
        for (key, place), value in zip(node.keys.items(), node.value, strict=True):
            sources.keys[*trail, key] = place
            entries[key] = _flatten(value, (*trail, key), sources)
        return entries
    if isinstance(node.value, list):
        return [_flatten(value, (*trail, index), sources) for index, value in enumerate(node.value)]
    return node.value
