"""The command ``notify test``: whether what is to be told gets through, tried at once and outside of all queues."""

import asyncio
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import typer

from statuspage.announcing import masked
from statuspage.bundled import templates
from statuspage.channels.apprise import spelled
from statuspage.channels.channel import Delivered, Message
from statuspage.cli.config import load
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.config.calls import roster
from statuspage.config.loading import Loaded
from statuspage.config.models import Config
from statuspage.config.types import meant
from statuspage.deliver import Line
from statuspage.mailbox import NoMailbox, mailbox
from statuspage.readings import door_of, site_of
from statuspage.render.announcement import Announcements
from statuspage.render.calls import trial
from statuspage.render.mail import Letterhead, Mail
from statuspage.store.outlets import channel_of
from statuspage.telling import lines_of


def test(typed: str, *, config: Path, wants_json: bool) -> int:
    """Tell the address or the outlet that was *typed* something, and print what was answered; gives the exit code."""
    whole = load(config)
    loaded = whole.config
    if typed in loaded.announce:
        return _announcement(typed, loaded, wants_json=wants_json)
    if typed in loaded.teams or typed in loaded.people:
        return _calls(typed, whole, wants_json=wants_json)
    if "@" not in typed and (known := [*loaded.announce, *loaded.teams, *loaded.people]):
        fail(f"neither an address of mail, which has an @, nor an outlet under `announce`, a team or a person; {meant(typed, known)}")
    return _letter(typed, loaded, wants_json=wants_json)


def _announcement(outlet: str, config: Config, *, wants_json: bool) -> int:
    line = lines_of(config)[channel_of(outlet)]
    body = spelled(Announcements(templates()).test(site_of(config)))
    message = Message(key=secrets.token_hex(8), to=outlet, body=body, at=wall_clock())
    reason, where = asyncio.run(_fault(line, message, config)), masked(config.announce[outlet].url)
    if wants_json:
        print_json({"outlet": outlet, "url": where, "is_taken": reason is None, "reason": reason})
    elif reason is None:
        typer.echo(f"{outlet} ({where}) has taken the announcement. Whether people see it, they tell.")
    else:
        typer.echo(f"not sent to {outlet} ({where}): {reason}", err=True)
    return GOOD if reason is None else BAD


def _calls(typed: str, loaded: Loaded, *, wants_json: bool) -> int:
    """Tell a team, with whoever is on call in it now, or a person, at each of their places."""
    config, now = loaded.config, wall_clock()
    known = roster(config, loaded.shifts, now.year)
    mine = known.told(typed, now) if typed in config.teams else known.places[typed]
    if not mine:
        fail(f"{typed} has nowhere to be told; give notify to it, or to whoever is on call in it")
    lines, body = lines_of(config), spelled(trial(config.console.url, config.site.name))
    told = []
    for place in mine:
        message = Message(key=secrets.token_hex(8), to=typed, body=body, at=wall_clock())
        told.append((place.owner, masked(place.url), asyncio.run(_fault(lines[place.line], message, config))))
    if wants_json:
        print_json(
            {
                "called": typed,
                "places": [{"owner": owner, "url": where, "is_taken": why is None, "reason": why} for owner, where, why in told],
            }
        )
    else:
        for owner, where, why in told:
            typer.echo(f"{owner} ({where}) was told." if why is None else f"not sent to {owner} ({where}): {why}", err=why is not None)
    return GOOD if all(why is None for _, _, why in told) else BAD


def _letter(typed: str, loaded: Config, *, wants_json: bool) -> int:
    if loaded.mail is None:
        fail("no mail is sent by this configuration; write a section `mail`")
    try:
        address = mailbox(typed)
    except NoMailbox as fault:
        fail(str(fault))
    server, reason = f"{loaded.mail.host}:{loaded.mail.port}", asyncio.run(refused(address, loaded))
    if wants_json:
        print_json({"address": address, "server": server, "is_taken": reason is None, "reason": reason})
    elif reason is None:
        typer.echo(f"{server} has taken the letter for {address}. Whether it arrives, the mailbox tells.")
    else:
        typer.echo(f"not sent: {reason}", err=True)
    return GOOD if reason is None else BAD


async def refused(address: str, config: Config) -> str | None:
    """Why it was not taken; None where it was."""
    line, site = lines_of(config)["mail"], site_of(config)
    authority = urlsplit(site.url).hostname or "localhost"
    head = Letterhead(key=secrets.token_hex(8), to=address, sender=line.settings.sender, at=wall_clock(), authority=authority)
    message = Message(key=head.key, to=address, body=Mail(templates()).test(head, site), at=head.at)
    return await _fault(line, message, config)


async def _fault(line: Line, message: Message, config: Config) -> str | None:
    outcomes = [outcome async for _, outcome in line.channel.send(line.settings, door_of(config), [message])]
    return None if isinstance(outcomes[0], Delivered) else str(outcomes[0].reason)
