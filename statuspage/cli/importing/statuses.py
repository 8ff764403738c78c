"""Sets of HTTP statuses, as they are written elsewhere and in our files."""

import re
from collections.abc import Iterable, Iterator

from statuspage.cli.importing.drafts import Value

EVERY = frozenset(range(100, 600))

_RANGE = re.compile(r"([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?")


def understood(text: str) -> frozenset[int]:
    """The statuses of ``404`` or ``200-299``; none where it is neither."""
    found = _RANGE.fullmatch(text.strip())
    return frozenset(range(int(found[1]), int(found[2] or found[1]) + 1)) if found else frozenset()


def spelled(statuses: Iterable[int]) -> list[Value]:
    """*statuses* as ``expect.status`` takes them: single ones and ranges, ascending."""
    return [first if first == last else f"{first}-{last}" for first, last in _runs(sorted(statuses))]


def _runs(ascending: list[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for status in ascending:
        if first is not None and last is not None and status != last + 1:
            yield first, last
            first = None
        first, last = (status if first is None else first), status
    if first is not None and last is not None:
        yield first, last
