"""The command ``notify test``: whether what is to be told gets through, tried at once and outside of all queues."""

import asyncio
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import typer

from statuspage.bundled import templates
from statuspage.channels.channel import Delivered, Message
from statuspage.cli.config import load
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.config.models import Config
from statuspage.mailbox import NoMailbox, mailbox
from statuspage.readings import door_of, site_of
from statuspage.render.mail import Letterhead, Mail
from statuspage.telling import lines_of


def test(typed: str, *, config: Path, wants_json: bool) -> int:
    """Send a letter to the address that was *typed*, and print what the server answered; gives the exit code."""
    loaded = load(config).config
    if loaded.mail is None:
        fail("no mail is sent by this configuration; write a section `mail`")
    try:
        address = mailbox(typed)
    except NoMailbox as fault:
        fail(str(fault))
    server, reason = f"{loaded.mail.host}:{loaded.mail.port}", asyncio.run(_refused(address, loaded))
    if wants_json:
        print_json({"address": address, "server": server, "is_taken": reason is None, "reason": reason})
    elif reason is None:
        typer.echo(f"{server} has taken the letter for {address}. Whether it arrives, the mailbox tells.")
    else:
        typer.echo(f"not sent: {reason}", err=True)
    return GOOD if reason is None else BAD


async def _refused(address: str, config: Config) -> str | None:
    """Why it was not taken; None where it was."""
    line, site = lines_of(config)["mail"], site_of(config)
    authority = urlsplit(site.url).hostname or "localhost"
    head = Letterhead(key=secrets.token_hex(8), to=address, sender=line.settings.sender, at=wall_clock(), authority=authority)
    message = Message(key=head.key, to=address, body=Mail(templates()).test(head, site), at=head.at)
    outcomes = [outcome async for _, outcome in line.channel.send(line.settings, door_of(config), [message])]
    return None if isinstance(outcomes[0], Delivered) else str(outcomes[0].reason)
