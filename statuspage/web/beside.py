"""What a page answers with beside its shelf, and how its answers differ from other pages'."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from statuspage.render.finished import Finished
from statuspage.web.forms import Reply

Older = Callable[[str], Awaitable[Finished | None]]
Makers = Callable[[str], Callable[[], Finished] | None]


Forms = Callable[[web.Request, str, str | None], Awaitable[Reply | None]]


def _none(_: str) -> None:
    """Nothing is made."""


async def _nothing(_: str) -> None:
    """Nothing is found."""


async def _nobody(_: web.Request, __: str, ___: str | None) -> None:
    """No form is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands beside the shelf, each by the path that is asked for.

    *older* makes what only the store has, the page of an old incident or window or an archive, or None where there is no such public one;
    a TimeoutError says that this cannot be told now. *past* does the same for the months that went by, and for searches. *services* and
    *ledgers* give what makes a page, feed, badge or ledger of a service (None: there is none); that runs on another thread. *forms* answers
    at the addresses of forms, in a language where the path named one (None: there is nothing).
    """

    older: Older = _nothing
    past: Older = _nothing
    services: Makers = _none
    ledgers: Makers = _none
    forms: Forms = _nobody


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the answers of a page differ from those of the main one, which *is_private* not. All its paths begin with *base*.

    *headers* go out with each answer beside what all have.
    """

    base: str = ""
    is_private: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


ORDINARY = Manners()
