"""What a channel is: a way of telling, with its settings and how it sends. One a file, as the kinds of probe are."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from probes.egress import Door
from probes.text import plain

S = TypeVar("S", bound=BaseModel)

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something ready to be sent: *body* as the channel wants it, *to* an address, signed with *secret* where the channel signs.

    *key* is the same for each try, so that the other side can tell a repetition; *at* is when this try is made.
    """

    key: str
    to: str
    body: bytes
    at: datetime
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side has taken it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It did not get through this time. *wait* is how long the other side wants to be left alone."""

    reason: str
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The other side says that it will never take it; where it *is_gone*, nothing else that is sent there either."""

    reason: str
    is_gone: bool = False


Outcome: TypeAlias = Delivered | Failed | Refused
Outcomes: TypeAlias = AsyncIterator[tuple[Message, Outcome]]


class Folding(StrEnum):
    """Of what the last word speaks for those before it, where they have waited for long."""

    NOTHING = "nothing"
    INCIDENTS = "incidents"
    """Words about incidents; the rest is told piece by piece."""
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(Generic[S]):
    """One way of telling.

    *send* sends some messages one after another and says after each how it went, at once, so that no more than one is sent again after a
    crash. It may stop early: what it says nothing of was not sent. It ends by itself, whatever the other side does. *batch* is how many
    it is handed, *at_once* how many batches may be under way. *folds* is what of it that has waited for long is told
    with the last word.
    """

    name: str
    summary: str
    settings: type[S]
    send: Callable[[S, Door, Sequence[Message]], Outcomes]
    batch: int = 1
    at_once: int = 8
    folds: Folding = Folding.NOTHING


def reason(text: str) -> str:
    """Make *text*, which may quote the other side, fit to keep and to show."""
    return plain(text, _LONGEST_REASON)
