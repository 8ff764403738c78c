"""A warning without an outage, and a notice about no service: words, from when until when, and what happened to them.

Nothing here touches a status: whatever an advisory says, only what is measured or declared tells how a service is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

ByLanguage = Mapping[str, str]
"""The same words by language."""

NO_WORDS: ByLanguage = MappingProxyType({})


class AdvisoryStage(StrEnum):
    """Where an advisory stands at an instant."""

    COMING = "coming"
    IN_FORCE = "in_force"
    OVER = "over"
    WITHDRAWN = "withdrawn"


class AdvisoryTurn(StrEnum):
    """What public words about an advisory were said for."""

    PUBLISHED = "published"
    UPDATED = "updated"
    MOVED = "moved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryUpdate:
    """Public words, numbered from 1, and from when until when it was said to hold when they were written.

    *body* may be empty where the turn says it all: it moved, or was withdrawn.
    """

    number: int
    turn: AdvisoryTurn
    body: ByLanguage
    at: datetime
    by: str
    starts: datetime
    ends: datetime | None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """What *services* may suffer in [*starts*, *ends*), or from *starts* until somebody withdraws it. Without services it is a notice.

    *ended_at* is when it was over or withdrawn, *withdrawn_by* who did that (None: its time was over). *updates* counts its words.
    """

    id: str
    name: ByLanguage
    services: tuple[str, ...]
    starts: datetime
    ends: datetime | None
    published_at: datetime
    published_by: str
    ended_at: datetime | None = None
    withdrawn_by: str | None = None
    updates: int = 0

    @property
    def is_notice(self) -> bool:
        """Whether it is about no service: only something that readers should know."""
        return not self.services

    def stage(self, now: datetime) -> AdvisoryStage:
        """Where it stands at *now*, also before anybody has noticed that its time is over."""
        if self.withdrawn_by is not None:
            return AdvisoryStage.WITHDRAWN
        if self.ended_at is not None or (self.ends is not None and self.ends <= now):
            return AdvisoryStage.OVER
        return AdvisoryStage.COMING if now < self.starts else AdvisoryStage.IN_FORCE


# --- what happens to it ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """An advisory was published; *plan* is the advisory as it is born."""

    at: datetime
    advisory: str
    plan: Advisory


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryMoved:
    """It holds from or until another time."""

    at: datetime
    advisory: str
    starts: datetime
    ends: datetime | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryUpdated:
    """Public words about it were added."""

    at: datetime
    advisory: str
    update: AdvisoryUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryEnded:
    """It is over since *since*, which may lie before *at*; *by* is who withdrew it, None where its time was over."""

    at: datetime
    advisory: str
    since: datetime
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryRenamed:
    """*by* gave it another name, maybe long after it was over."""

    at: datetime
    advisory: str
    name: ByLanguage
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryReworded:
    """*by* put *body* in the place of the words of an update, maybe long after it was over; *was* are the digests of what stood there."""

    at: datetime
    advisory: str
    number: int
    body: ByLanguage
    was: Mapping[str, str]
    by: str


AdvisoryEvent = Advised | AdvisoryMoved | AdvisoryUpdated | AdvisoryEnded | AdvisoryRenamed | AdvisoryReworded
Advisories = Mapping[str, Advisory]


def unfolded(advisories: Advisories, events: Iterable[object]) -> Advisories:
    """The advisories that are not over, after those of *events* that are about any."""
    known = dict(advisories)
    told = [event for event in events if isinstance(event, AdvisoryEvent)]
    for event in told:
        if isinstance(event, AdvisoryRenamed | AdvisoryReworded) and event.advisory not in known:
            continue  # it is over, and no part of the situation
        after = event.plan if isinstance(event, Advised) else progressed(known[event.advisory], event)
        known.pop(after.id, None)
        if after.ended_at is None:
            known[after.id] = after
    return MappingProxyType(known) if told else advisories


def progressed(advisory: Advisory, event: AdvisoryEvent) -> Advisory:
    """The advisory after *event*."""
    match event:
        case Advised():
            return event.plan
        case AdvisoryMoved():
            return replace(advisory, starts=event.starts, ends=event.ends)
        case AdvisoryUpdated():
            return replace(advisory, updates=event.update.number)
        case AdvisoryEnded():
            return replace(advisory, ended_at=event.since, withdrawn_by=event.by)
        case AdvisoryRenamed():
            return replace(advisory, name=event.name)
        case AdvisoryReworded():
            return advisory
        case _:
            assert_never(event)
