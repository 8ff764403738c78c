"""Webhooks, signed by the rules of Standard Webhooks: a POST to an address that somebody else named, hence through the egress door.

The answer's body is not kept.
Source: https://www.standardwebhooks.com, version 1.0.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import BaseModel
from standardwebhooks import Webhook

from probes.egress import Door, Trust
from probes.settings import CLOSED
from probes.wire.http1 import Request, place
from statuspage.channels.channel import Channel, Delivered, Failed, Folding, Message, Outcome, Outcomes, Refused, reason
from statuspage.channels.posting import posted

_GONE = 410


class Settings(BaseModel):
    """What there is to set: nothing."""

    model_config = CLOSED


async def send(settings: Settings, door: Door, messages: Sequence[Message]) -> Outcomes:
    """Post *messages*, each on a connection of its own."""
    del settings
    for message in messages:
        yield message, await _posted(door, message)


async def _posted(door: Door, message: Message) -> Outcome:
    try:
        request = Request(method="POST", place=place(message.to), headers=_headers(message), body=message.body)
    except ValueError as error:
        return Failed(reason=reason(str(error)))
    response = await posted(door, request, Trust.FOUND)
    if isinstance(response, Failed):
        return response
    if 200 <= response.status < 300:
        return Delivered()
    if response.status == _GONE:
        return Refused(reason=f"status {response.status}", is_gone=True)
    if 300 <= response.status < 400:
        return Failed(reason=f"status {response.status}: redirects are not followed")
    return Failed(reason=f"status {response.status}", wait=_wait(response.header("retry-after")))


def _headers(message: Message) -> Mapping[str, str]:
    """What is signed: an id that is the same for each try, the present instant, and the body."""
    id = f"msg_{hashlib.sha256(message.key.encode()).hexdigest()[:40]}"
    signature = Webhook(message.secret).sign(id, message.at, message.body.decode())
    return {
        "content-type": "application/json",
        "user-agent": "statuspage",
        "webhook-id": id,
        "webhook-timestamp": str(int(message.at.timestamp())),
        "webhook-signature": signature,
    }


def _wait(text: str | None) -> timedelta | None:
    """How long the other side wants to be left alone, where it says so in seconds."""
    return timedelta(seconds=int(text)) if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 else None


CHANNEL = Channel(name="webhook", summary="A signed POST to an address", settings=Settings, send=send, folds=Folding.INCIDENTS)
