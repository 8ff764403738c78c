"""Add to a configuration as a person wrote it: what stands there stays to the letter, and what is new stands where it belongs.

Nothing is written anew. The text is parsed for places only, the addition is put between two characters of it, and the result is read
again: unless it says what the old one said and the addition beside it, there is none.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import pairwise
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from statuspage.config.spelling import flow, scalar
from statuspage.config.yaml import parse

END = "[]"
"""In the last place of a trail: behind the last entry of the list there."""
_STEP = "  "


class CannotAdd(Exception):
    """The text is written in a way to which nothing can be added; the message is a sentence for the person who asked."""


def added(text: str, trail: tuple[str, ...], value: object) -> str:
    """Return *text* with *value* at *trail*, whose last part is a key that is not there yet, or END; what is missing around it is made.

    Errors: CannotAdd.
    """
    root = _root(text)
    depth, node = _deepest(root, trail)
    if node is None:
        grown = _behind(text, len(text), _block(trail, value, ""))
    elif node.flow_style:
        grown = _within(text, node, trail[depth:], value)
    elif node is root:
        grown = _behind(text, len(text), ["", *_block(trail, value, "")])
    else:
        grown = _behind(text, _end(node), _block(trail[depth:], value, " " * _column(node)))
    _demand_both(text, grown, trail, value)
    return grown


def _root(text: str) -> CollectionNode | None:
    try:
        found: Node | None = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError) as error:
        raise CannotAdd("it is not YAML") from error
    return found if isinstance(found, CollectionNode) else None


def _deepest(root: CollectionNode | None, trail: tuple[str, ...]) -> tuple[int, CollectionNode | None]:
    """The innermost collection on the way along *trail*, and how many parts of it lead there.

    A key without a value counts as the collection that it is about to be.
    """
    node = root
    for depth, part in enumerate(trail):
        named, child = next(((key, value) for key, value in _entries(node) if key.value == part), (None, None))
        if named is not None and isinstance(child, ScalarNode) and child.value == "" and child.style is None:
            return depth + 1, _Bare(named, node)
        if not isinstance(child, CollectionNode):
            return depth, node
        node = child
    return len(trail), node


class _Bare(MappingNode):
    """The key *named* of *around* with nothing behind it: entries of a block may follow."""

    def __init__(self, named: Node, around: CollectionNode | None) -> None:
        super().__init__("", [], named.start_mark, named.end_mark, flow_style=bool(around is not None and around.flow_style))
        self.inner_column = (0 if around is None else _column(around)) + len(_STEP)


def _entries(node: Node | None) -> Iterator[tuple[Node, Node]]:
    if isinstance(node, MappingNode):
        yield from node.value


def _column(node: Node) -> int:
    return node.inner_column if isinstance(node, _Bare) else int(node.start_mark.column)


def _end(node: Node) -> int:
    """Where the last thing of *node* ends; a block itself ends at whatever comes next, comments and all."""
    match node:
        case MappingNode() if node.value and not node.flow_style:
            key, value = node.value[-1]
            return max(int(key.end_mark.index), _end(value))
        case SequenceNode() if node.value and not node.flow_style:
            return _end(node.value[-1])
        case _:
            return int(node.end_mark.index)


# --- in a block -----------------------------------------------------------------------------------------------------------------


def _block(trail: tuple[str, ...], value: object, indent: str) -> list[str]:
    """The lines of an entry: a line for each part of *trail*, *value* behind the last."""
    *around, last = trail
    lines = []
    for part in around:
        lines.append(f"{indent}{scalar(part)}:")
        indent += _STEP
    lines.append(f"{indent}- {flow(value)}" if last == END else f"{indent}{scalar(last)}: {flow(value)}")
    return lines


def _behind(text: str, index: int, lines: list[str]) -> str:
    """Put *lines* behind the line on which *index* is."""
    ending = "\r\n" if "\r\n" in text else "\n"
    is_at_start = index == 0 or text[index - 1] == "\n"
    stop = index if is_at_start else text.find("\n", index) + 1 or len(text)
    if is_at_start and stop < len(text):  # a text in several lines takes the blank ones behind it, too
        stop = len(text[:stop].rstrip()) and text.index("\n", len(text[:stop].rstrip())) + 1
    before, after = text[:stop], text[stop:]
    if before and not before.endswith("\n"):
        before += ending
    if lines[0] == "" and (not before or before.endswith(ending * 2)):
        lines = lines[1:]
    return before + "".join(line + ending for line in lines) + after


# --- within brackets ------------------------------------------------------------------------------------------------------------


def _within(text: str, node: CollectionNode, trail: tuple[str, ...], value: object) -> str:
    nested = _nested(trail[1:], value)
    entry = flow(nested) if trail[0] == END else f"{scalar(trail[0])}: {flow(nested)}"
    children = list(node.value)
    if not children:
        stop = int(node.end_mark.index) - 1
        return f"{text[:stop].rstrip(' ')}{entry}{text[stop:]}"
    last = children[-1][1] if isinstance(node, MappingNode) else children[-1]
    stop = int(last.end_mark.index)
    return f"{text[:stop]}, {entry}{text[stop:]}"


def _nested(trail: tuple[str, ...], value: object) -> object:
    for part in reversed(trail):
        value = [value] if part == END else {part: value}
    return value


# --- the proof ------------------------------------------------------------------------------------------------------------------


def _demand_both(before: str, after: str, trail: tuple[str, ...], value: object) -> None:
    """Errors: CannotAdd unless *after* says what *before* said, and *value* at *trail* beside it."""
    old, _ = parse(before, "")
    new, problems = parse(after, "")
    if problems or new.value != _with(deepcopy(old.value), trail, value):
        raise CannotAdd("it is written in a way to which nothing can be added without writing it anew")


def _with(whole: dict[str, Any], trail: tuple[str, ...], value: object) -> Mapping[str, Any]:
    place: Any = whole
    for part, following in pairwise(trail):
        if place.get(part) is None:
            place[part] = [] if following == END else {}
        place = place[part]
        if not isinstance(place, list if following == END else dict):
            raise CannotAdd(f"{part} is something else there")
    if trail[-1] == END:
        place.append(value)
    elif trail[-1] in place:
        raise CannotAdd(f"{trail[-1]} stands there already")
    else:
        place[trail[-1]] = value
    return whole
