"""Mail, handed to the operator's submission server: one conversation for many messages, and a verdict for each of them.

The server is named in the operator's own file, so the library connects by itself; TLS is as the door would have it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parseaddr
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from pydantic import BaseModel

from probes.attempt import ProbeFailed
from probes.egress import Door, Tls
from probes.settings import CLOSED, Host, Port, Secret
from statuspage.channels.channel import Channel, Delivered, Failed, Folding, Message, Outcome, Outcomes, Refused, reason

TIMEOUT = 30.0
"""Seconds that the server may take for each of its answers, and for one message as a whole."""

_PARTING = 2.0


class Settings(BaseModel):
    """The submission server, and who writes. Without *user* nobody logs in."""

    model_config = CLOSED

    host: Host
    port: Port = 587
    tls: Literal["never", "starttls", "implicit"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: str

    @property
    def sender_address(self) -> str:
        """The bare address of who writes: bounces go there."""
        return parseaddr(self.sender)[1]


async def send(settings: Settings, door: Door, messages: Sequence[Message]) -> Outcomes:
    """Hand over *messages* in one conversation; where it breaks off, the rest is left for another."""
    try:
        client = _client(settings, door)
        await client.connect()
    except (SMTPException, OSError, ProbeFailed) as error:
        for message in messages:
            yield message, Failed(reason=reason(f"{settings.host}:{settings.port}: {error}"))
        return
    try:
        for message in messages:
            yield message, await _handed_over(client, settings, message)
            if not client.is_connected:
                return
    finally:
        with suppress(SMTPException, OSError):
            await client.quit(timeout=_PARTING)
        client.close()


def _client(settings: Settings, door: Door) -> SMTP:
    return SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.user,
        password=settings.password.reveal() if settings.password else None,
        use_tls=settings.tls == "implicit",
        start_tls=settings.tls == "starttls",
        tls_context=None if settings.tls == "never" else door.context(Tls()),
        # Else the library asks the resolver for this machine's name, and waits for it.
        local_hostname=settings.sender_address.rpartition("@")[2],
        timeout=TIMEOUT,
    )


async def _handed_over(client: SMTP, settings: Settings, message: Message) -> Outcome:
    try:
        async with asyncio.timeout(TIMEOUT):
            await client.sendmail(settings.sender_address, [message.to], message.body)
    except SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        words = reason(f"{refusal.code} {refusal.message}")
        return Refused(reason=words, is_gone=True) if refusal.code >= 500 else Failed(reason=words)
    except SMTPSenderRefused as error:
        return Failed(reason=reason(f"{error.code} {error.message}"))  # that is our own affair, and no fault of the recipient's
    except SMTPResponseException as error:
        words = reason(f"{error.code} {error.message}")
        return Refused(reason=words) if error.code >= 500 else Failed(reason=words)
    except TimeoutError:
        client.close()
        return Failed(reason=f"no answer within {TIMEOUT:.0f} s")
    except ValueError as error:
        return Refused(reason=reason(f"not an address: {error}"), is_gone=True)
    except (SMTPException, OSError) as error:
        client.close()
        return Failed(reason=reason(str(error) or type(error).__name__))
    return Delivered()


CHANNEL = Channel(
    name="mail", summary="Mail by the server of `mail:`", settings=Settings, send=send, batch=50, at_once=2, folds=Folding.INCIDENTS
)
