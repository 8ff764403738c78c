"""Where in a JSON document: the part of JSONPath (RFC 9535) whose cost is bounded, names, indices and ``*``, without ``..`` and filters."""

import re
from collections.abc import Sequence
from typing import TypeAlias

Step: TypeAlias = str | int | None
"""A member's name, an element's index, or None for every one of them."""

MOST = 1000
"""The most places that a path may lead to in one document."""
_STEP = re.compile(
    r"""\.(?P<name>[^\W\d][\w-]*)|\[(?P<index>0|-?[1-9]\d{0,8})\]|\['(?P<single>(?:[^'\\]|\\['\\])+)'\]|\["(?P<double>(?:[^"\\]|\\["\\])+)"\]|(?P<all>\.\*|\[\*\])"""
)
_ESCAPED = re.compile(r"\\(.)")


def steps(path: str) -> tuple[Step, ...]:
    """Take *path* apart: ``$.queues[0].length``, ``$["a.b"]``, ``$.nodes[*].state``. Errors: ValueError with a sentence for people."""
    if not path.startswith("$"):
        raise ValueError("not a path into JSON: it begins with $, as in $.status or $.nodes[0].state")
    found: list[Step] = []
    at = 1
    while at < len(path):
        matched = _STEP.match(path, at)
        if matched is None:
            raise ValueError(f"not understood from {path[at : at + 20]!r}: write .name, ['any name'], [0], [-1] or [*]")
        found.append(_step(matched))
        at = matched.end()
    return tuple(found)


def _step(matched: re.Match[str]) -> Step:
    if matched["all"]:
        return None
    if matched["index"]:
        return int(matched["index"])
    return matched["name"] or _ESCAPED.sub(r"\1", matched["single"] or matched["double"])


def select(document: object, path: Sequence[Step]) -> list[object]:
    """Return what stands at *path* in *document*, nothing where it leads nowhere. Errors: ValueError past ``MOST`` places."""
    places = [document]
    for step in path:
        places = [found for place in places for found in _below(place, step)]
        if len(places) > MOST:
            raise ValueError(f"the path leads to more than {MOST} places")
    return places


def _below(place: object, step: Step) -> Sequence[object]:
    match place, step:
        case dict(), str() if step in place:
            return (place[step],)
        case dict(), None:
            return tuple(place.values())
        case list(), int() if -len(place) <= step < len(place):
            return (place[step],)
        case list(), None:
            return place
        case _:
            return ()
