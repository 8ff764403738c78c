"""What a kind of probe is: its settings, how it measures, and what it points at.

A kind is one value, listed in ``probes.catalog``. Its measure is an ordinary coroutine: it talks to the world through the door, names
its stretches with ``attempt.phase``, and raises ``ProbeFailed`` (or lets the operating system's own exception pass). It never looks
at a clock, never sets a timeout, never decides what a failure means: ``probes.run`` does the first two, ``incidents`` the last.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from probes.attempt import Attempt, Listener, ProbeFailed
from probes.egress import Door

__all__ = ["Attempt", "Door", "Listener", "ProbeFailed", "ProbeKind"]

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeKind(Generic[S]):
    """One kind of probe.

    *settings* is the pydantic model of the kind's own keys in the file. *measure* is None for a passive kind, whose results come
    from outside. *target* names in a few words what a setting points at, for people (``host:port``, a URL). *ad_hoc* turns a
    typed target into settings for ``statuspage probe --kind``; it raises ValueError with a sentence for people.
    """

    name: str
    summary: str
    settings: type[S]
    measure: Callable[[S, Door, Attempt], Awaitable[None]] | None
    target: Callable[[S], str]
    ad_hoc: Callable[[str], S] | None = None
