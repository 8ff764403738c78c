"""A POST through the egress door, from beginning to end within a time: how webhooks go out, and what Alertmanagers are told."""

import asyncio

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.wire.http1 import Request, Response, exchange
from statuspage.channels.channel import Failed, reason

TIMEOUT = 10.0
"""Seconds for all of it: name, connection, request, answer."""

_MOST_BYTES = 16 * 1024


async def posted(door: Door, request: Request, trust: Trust, most: int = _MOST_BYTES) -> Response | Failed:
    """Send *request* to an address that was named with *trust*, and give the answer; Failed where there is none.

    No redirect is followed, and no more of the answer's body is read than *most* bytes: what it takes to be polite.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    attempt = Attempt(elapsed=lambda: loop.time() - began, allowed=TIMEOUT, deadlines=door.deadlines())
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _answered(door, request, trust, attempt, most)
    except TimeoutError:
        return Failed(reason=f"no answer within {TIMEOUT:.0f} s")
    except ProbeFailed as error:
        return Failed(reason=reason(f"{error.failure}: {error.detail}"))
    except (OSError, ValueError) as error:
        return Failed(reason=reason(str(error) or type(error).__name__))


async def _answered(door: Door, request: Request, trust: Trust, attempt: Attempt, most: int) -> Response:
    where = request.place
    tls = Tls() if where.scheme == "https" else None
    with await door.connect(where.host, where.port, attempt=attempt, trust=trust, tls=tls, most=2 * most) as stream:
        return await exchange(stream, request, attempt, most)
