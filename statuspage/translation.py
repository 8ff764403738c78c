"""One publication in one language. What stands under its paths is drawn from the same snapshot as the rest, when somebody asks for it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import NamedTuple

from statuspage.picture.page import Page
from statuspage.render.finished import Finished, finish
from statuspage.render.kept import Kept


class Sheet(NamedTuple):
    """What stands under *path*, before it is drawn. It is drawn anew only from another *source*; without one, each time."""

    path: str
    draw: Callable[[], bytes]
    content_type: str
    source: object = None


class Bench:
    """Where the sheets of one language are drawn: it keeps what has not changed since the last publication. *lock* is for who shares it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._kept = Kept[Finished]()

    def turn(self) -> None:
        """Begin a new publication."""
        self._kept.turn()

    def finished(self, sheet: Sheet) -> Finished:
        """Draw *sheet* and finish it, unless it is as it was in the last publication: then it is the very same."""
        if sheet.source is None:
            return self._kept.made(sheet.path, sheet.draw(), partial(finish, content_type=sheet.content_type))
        return self._kept.made(sheet.path, sheet.source, lambda _: finish(sheet.draw(), sheet.content_type))


Aside = Callable[[Page, str], Callable[[], Finished] | None]
"""What makes that which is on no shelf, by its path."""


@dataclass(slots=True, kw_only=True)
class Translation:
    """One publication in one language, as it stands under a path of its own, which is left away here. It may be used on any thread.

    *draw* makes its picture, *sheets* what is drawn of that at *bench*. *own* is the picture in the site's language and *paths* what is on
    the shelf of that: what there is in one language is there in all of them.
    """

    draw: Callable[[], Page]
    sheets: Callable[[Page], Iterable[Sheet]]
    aside: Aside
    bench: Bench
    own: Page
    paths: Collection[str]
    _drawn: tuple[Page, Mapping[str, Sheet]] | None = None
    _finished: dict[str, Finished] = field(default_factory=dict)

    def maker(self, path: str) -> Callable[[], Finished] | None:
        """What makes that which stands at *path*; None where there is nothing. To learn that costs a look-up, and no picture."""
        is_there = path in self.paths or self.aside(self.own, path) is not None
        return partial(self._made, path) if is_there else None

    def page(self) -> Page:
        """The picture in this language."""
        with self.bench.lock:
            return self._begun()[0]

    def _made(self, path: str) -> Finished:
        with self.bench.lock:
            page, sheets = self._begun()
            if path in sheets and path not in self._finished:
                self._finished[path] = self.bench.finished(sheets[path])
            if path in sheets:
                return self._finished[path]
        make = self.aside(page, path)
        if make is None:
            raise KeyError(path)
        return make()

    def _begun(self) -> tuple[Page, Mapping[str, Sheet]]:
        if self._drawn is None:
            self.bench.turn()
            page = self.draw()
            self._drawn = page, {sheet.path: sheet for sheet in self.sheets(page)}
        return self._drawn


def split(path: str, languages: Collection[str]) -> tuple[str | None, str]:
    """The language that *path* stands under, if it does, and the path without it: ``/de/history.rss`` and ``/de`` are German ones."""
    first, _, rest = path[1:].partition("/")
    return (first, f"/{rest}") if first in languages else (None, path)
