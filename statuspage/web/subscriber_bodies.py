"""What the API gives of subscribers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from incidents.model import Status
from probes.wire.http1 import place
from statuspage.picture.audience import Rhythm
from statuspage.store.outbox import Notification
from statuspage.store.subscribers import Subscriber
from statuspage.web.bodies import Given, Taken, Trouble
from statuspage.web.typed import Line


def _url(text: str) -> str:
    place(text)
    return text


class SubscribeBody(Taken):
    """A webhook to be told: its address, and what of. Without *services* of all; *floor* is the mildest trouble that is told."""

    channel: Literal["webhook"]
    address: Annotated[str, Field(max_length=1000), AfterValidator(_url)]
    services: Annotated[list[Line], Field(min_length=1, max_length=500)] | None = None
    floor: Trouble = Status.DEGRADED
    maintenance: bool = True


class SubscriberShown(Given):
    """Somebody who asked to be told. *services* is null where they asked for all; *floor* is the mildest trouble that is told.

    *added_by* is the agent; null where they asked themselves, and confirmed it. *refusals* says how often in a row nobody was there.
    *rhythm* is how often they are written to: at once, or in one letter a day or a week.
    """

    id: str
    channel: str
    address: str
    services: list[str] | None
    floor: Status
    maintenance: bool
    rhythm: Rhythm
    language: str
    subscribed_at: datetime
    added_by: str | None
    refusals: int

    @classmethod
    def of(cls, one: Subscriber) -> "SubscriberShown":
        """Show *one*."""
        return cls(**_shown(one))


class SubscriberList(Given):
    """Subscribers by their ids; *next* is the cursor of those that follow."""

    items: list[SubscriberShown]
    next: str | None


class ToldShown(Given):
    """A notification: which incident or window it is about, or which round-up it is, and what became of it."""

    about: str
    written_at: datetime
    state: Literal["delivered", "dropped", "waiting"]
    at: datetime | None
    reason: str

    @classmethod
    def of(cls, one: Notification) -> "ToldShown":
        """Show *one*."""
        state: Literal["delivered", "dropped", "waiting"] = "delivered" if one.delivered_at else "dropped" if one.dropped_at else "waiting"
        return cls(about=one.thread, written_at=one.created_at, state=state, at=one.delivered_at or one.dropped_at, reason=one.reason)


class SubscriberExport(SubscriberShown):
    """All that is kept about a subscriber, with everything that they were told, oldest first."""

    told: list[ToldShown] = Field(description="What they were told, or are to be told.")

    @classmethod
    def whole(cls, one: Subscriber, told: list[Notification]) -> "SubscriberExport":
        """Show all of *one*."""
        return cls(**_shown(one), told=[ToldShown.of(each) for each in told])


class SubscriberAdded(SubscriberShown):
    """A webhook that is told from now on. *secret* is what its messages are signed with (Standard Webhooks), and is never shown again."""

    secret: str

    @classmethod
    def new(cls, one: Subscriber) -> "SubscriberAdded":
        """Show *one*, this once with the secret."""
        return cls(**_shown(one), secret=one.secret or "")


class SubscriberErased(Given):
    """Somebody who is told nothing any more, and of whom nothing is kept."""

    id: str


def _shown(one: Subscriber) -> dict[str, object]:
    return {
        "id": one.id,
        "channel": one.channel,
        "address": one.address,
        "services": None if one.wish.services is None else sorted(one.wish.services),
        "floor": one.wish.floor,
        "maintenance": one.wish.wants_maintenance,
        "rhythm": one.wish.rhythm,
        "language": one.language,
        "subscribed_at": one.created_at,
        "added_by": one.added_by,
        "refusals": one.refusals,
    }
