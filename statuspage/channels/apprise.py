"""Announcements by apprise, to outlets that the operator's own file names: each is sent by a process that can be ended.

What the service says of itself is a yes or a status. It has no word for "never again": what fails is tried again like all else.
"""

import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from pydantic import BaseModel

from probes.egress import Door
from probes.settings import CLOSED, Secret
from statuspage.announcing import Announcement, announce
from statuspage.channels.channel import Channel, Delivered, Failed, Folding, Message, Outcomes, reason


class Settings(BaseModel):
    """Where an outlet is, and in whose name it is told: *site* is a name and *home* the address of its page."""

    model_config = CLOSED

    url: Secret
    site: str
    home: str


def spelled(announcement: Announcement) -> bytes:
    """An announcement as the body of a message."""
    return json.dumps(announcement.as_json(), ensure_ascii=False).encode()


async def send(settings: Settings, door: Door, messages: Sequence[Message]) -> Outcomes:
    """Have *messages* announced one after another, by one process; where it is ended, the rest is left for another."""
    del door  # the file's own URL, and apprise's own way there
    announcements = [Announcement(**json.loads(message.body)) for message in messages]
    left = iter(messages)
    try:
        async with aclosing(announce(settings.url, settings.site, settings.home, announcements)) as faults:
            async for fault in faults:
                yield next(left), Delivered() if fault is None else Failed(reason=fault)
    except OSError as error:
        for message in left:
            yield message, Failed(reason=reason(f"apprise cannot be started: {error.strerror}"))


CHANNEL = Channel(
    name="announce",
    summary="A chat, a room or a service that apprise reaches",
    settings=Settings,
    send=send,
    batch=10,
    at_once=1,
    folds=Folding.ALL,
)

CALLS = replace(CHANNEL, name="call", summary="A team, or whoever is on call in it, by apprise")
"""The same way to those who are called."""
