"""A message that is sent and must arrive: submitted by SMTP, found by IMAP, deleted again."""

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Annotated

from pydantic import AfterValidator, BaseModel

from probes import imap, smtp
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.imap import Imap, mailbox_name
from probes.kind import ProbeKind
from probes.mail import MailServer, reach
from probes.result import Failure
from probes.settings import CLOSED, Line, Login, PositiveDuration, authority
from probes.text import excerpt

OWNER = "X-Statuspage-Probe"
TOKEN = "X-Statuspage-Token"  # noqa: S105  the name of a header
_LEFTOVER = timedelta(hours=1)
_READ = 1024 * 1024
_FIRST_LOOK, _LONGEST_WAIT = 0.1, 5.0
_MOST_FOUND = 50
_SEARCHED = re.compile(rb"\* SEARCH((?: [0-9]{1,10})*) ?", re.IGNORECASE)
_UID = re.compile(rb"[( ]UID ([0-9]{1,10})[ )]", re.IGNORECASE)
_DATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RECEIVED = re.compile(rb'INTERNALDATE "([^"]{1,40})"', re.IGNORECASE)


def _goes_all_the_way(send: smtp.Settings) -> smtp.Settings:
    if send.mail_from is None or send.rcpt_to is None:
        raise ValueError("a round trip needs mail_from and rcpt_to")
    return send


class Read(MailServer):
    """Where the message is looked for: *mailbox*, and *junk* where the server has such a folder."""

    login: Login
    mailbox: Line = "INBOX"
    junk: Line | None = None


class Settings(BaseModel):
    """How a message is sent and where it is read. *deliver_within* counts from the server's consent to take it."""

    model_config = CLOSED

    deliver_within: PositiveDuration
    send: Annotated[smtp.Settings, AfterValidator(_goes_all_the_way)]
    read: Read


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of ours as the mailbox holds it."""

    uid: int
    token: str
    received_at: datetime


@dataclass(slots=True)
class Mailbox:
    """The reading side: finds and deletes messages of ours, and proves that they are ours before it touches them."""

    dialogue: Imap
    owner: str
    inbox: str
    junk: str | None
    lacks_junk: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """Where to look, in this order."""
        return (self.inbox,) if self.junk is None else (self.inbox, self.junk)

    async def find(self, folder: str, token: str) -> list[Letter]:
        """Return the messages in *folder* that carry exactly *token*."""
        return [letter for letter in await self._search(folder, TOKEN, token) if letter.token == token]

    async def delete(self, folder: str, letters: list[Letter]) -> None:
        """Delete *letters* for good: alone where the server can (UIDPLUS), else with what others marked as deleted."""
        if not letters or not await self._can_open(folder):
            return
        uids = ",".join(str(letter.uid) for letter in letters)
        await self.dialogue.command(rf"UID STORE {uids} +FLAGS.SILENT (\Deleted)")
        await self.dialogue.command(f"UID EXPUNGE {uids}" if "UIDPLUS" in self.dialogue.capabilities else "EXPUNGE")

    async def sweep(self, now: datetime) -> int:
        """Delete what earlier runs of this monitor left behind over an hour before *now* (the server's); return how many there were."""
        swept = 0
        for folder in self.folders:
            found = await self._search(folder, OWNER, self.owner)
            leftovers = [letter for letter in found if now - letter.received_at > _LEFTOVER]
            await self.delete(folder, leftovers)
            swept += len(leftovers)
        return swept

    async def _can_open(self, folder: str) -> bool:
        """Select *folder* anew, since some servers show new messages only then. A junk folder may be made by its first message."""
        try:
            await self.dialogue.open(folder, read_only=False)
        except ProbeFailed as failed:
            if folder != self.junk or failed.failure is not Failure.REJECTED:
                raise
            self.lacks_junk = True
            return False
        return True

    async def _search(self, folder: str, header: str, value: str) -> list[Letter]:
        if not await self._can_open(folder):
            return []
        answer = await self.dialogue.command(f"UID SEARCH HEADER {header} {value}")
        numbers = [uid for line in answer.untagged if (found := _SEARCHED.fullmatch(line)) for uid in found[1].split()]
        if not numbers:
            return []
        uids = b",".join(numbers[:_MOST_FOUND]).decode()
        fetched = await self.dialogue.command(f"UID FETCH {uids} (UID INTERNALDATE BODY.PEEK[HEADER.FIELDS ({OWNER} {TOKEN})])")
        letters = (_letter(line, self.owner) for line in fetched.untagged)
        return [letter for letter in letters if letter is not None]


def _letter(response: bytes, owner: str) -> Letter | None:
    """Read one FETCH response; None unless its headers say that the message is *owner*'s."""
    uid, received = _UID.search(response), _RECEIVED.search(response)
    head, _, headers = response.partition(b"}\r\n")
    if not head or uid is None or received is None or _header(headers, OWNER) != owner:
        return None
    return Letter(int(uid[1]), _header(headers, TOKEN), _instant(received[1]))


def _instant(internal: bytes) -> datetime:
    """Read an IMAP date-time; its months are English whatever the locale (RFC 3501 section 9)."""
    if (matched := _DATE.fullmatch(internal)) is None:
        raise ProbeFailed(Failure.PROTOCOL, f"not a date: {excerpt(internal)}")
    day, month, year, hour, minute, second, sign, *zone = (group.decode() for group in matched.groups())
    offset = timedelta(hours=int(zone[0]), minutes=int(zone[1])) * (-1 if sign == "-" else 1)
    try:
        return datetime(int(year), _MONTHS.index(month.title()) + 1, int(day), int(hour), int(minute), int(second), tzinfo=timezone(offset))
    except ValueError as error:
        raise ProbeFailed(Failure.PROTOCOL, f"not a date: {excerpt(internal)}: {error}") from error


def _header(headers: bytes, name: str) -> str:
    matched = re.search(rb"^" + name.encode() + rb":[ \t]*([0-9a-f]{1,64})[ \t]*\r?$", headers, re.MULTILINE | re.IGNORECASE)
    return matched[1].decode() if matched else ""


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Open the mailbox, send, look until the message is there or the time is up, and leave nothing behind.

    The mailbox is opened first: where it cannot be read nothing is sent, so that an outage of reading does not fill it up.
    """
    owner, token = _owner(settings), secrets.token_hex(16)
    with attempt.part("read"):
        stream = await reach(settings.read, door, attempt, _READ)
    with stream:
        with attempt.part("read"):
            dialogue = await imap.welcomed(settings.read, stream, door, attempt)
            with attempt.phase("select"):
                attempt.fact("messages", await dialogue.open(settings.read.mailbox, read_only=False))
        mailbox = Mailbox(dialogue, owner, settings.read.mailbox, settings.read.junk)
        await _submit(settings.send, _message(settings.send, owner, token), door, attempt)
        await _collect(settings, mailbox, token, attempt)
        with attempt.part("read"):
            await dialogue.leave()


async def _submit(send: smtp.Settings, message: bytes, door: Door, attempt: Attempt) -> None:
    with attempt.part("send"), await reach(send, door, attempt) as stream:
        dialogue = await smtp.welcomed(send, stream, door, attempt)
        await dialogue.envelope(send.mail_from or "", send.rcpt_to)
        await dialogue.send(message)
        await dialogue.leave()


async def _collect(settings: Settings, mailbox: Mailbox, token: str, attempt: Attempt) -> None:
    """Wait for the message, delete it and earlier leftovers, and only then say what was wrong with its way."""
    began = attempt.elapsed()
    with attempt.phase("deliver"):
        folder, letters = await _await_letters(settings, mailbox, token, attempt)
    took = attempt.elapsed() - began
    attempt.fact("delivery_seconds", took)
    with attempt.phase("delete"):
        await mailbox.delete(folder, letters)
        if swept := await mailbox.sweep(max(letter.received_at for letter in letters)):
            attempt.warn("leftovers", f"{swept} messages of earlier runs were still there, and were deleted")
    if mailbox.lacks_junk:
        attempt.warn("junk_missing", f"there is no folder {settings.read.junk!r} (yet)")
    if len(letters) > 1:
        attempt.warn("duplicate", f"the message arrived {len(letters)} times")
    if folder != settings.read.mailbox:
        raise ProbeFailed(Failure.JUNKED, f"the message arrived in {folder!r} after {took:.1f} s", stage="deliver")
    within = settings.deliver_within / timedelta(seconds=1)
    if took > within:
        raise ProbeFailed(Failure.DELAYED, f"the message arrived after {took:.1f} s, allowed are {within:g} s", stage="deliver")


async def _await_letters(settings: Settings, mailbox: Mailbox, token: str, attempt: Attempt) -> tuple[str, list[Letter]]:
    """Look into the folders, ever more seldom, until the message is there. It stops in time to report that it is LOST."""
    began = attempt.elapsed()
    last_look = attempt.allowed - max(0.3, 0.05 * attempt.allowed)
    while True:
        for folder in mailbox.folders:
            if letters := await mailbox.find(folder, token):
                return folder, letters
        waited = attempt.elapsed() - began
        pause = min(_LONGEST_WAIT, max(_FIRST_LOOK, waited / 8), last_look - attempt.elapsed())
        if pause <= 0:
            if waited < settings.deliver_within / timedelta(seconds=1):
                raise ProbeFailed(Failure.TIMEOUT, f"the message is not there after {waited:.1f} s, and the probe's time is up")
            raise ProbeFailed(Failure.LOST, f"the message is not there after {waited:.1f} s")
        await asyncio.sleep(pause)


def _owner(settings: Settings) -> str:
    """Mark the messages of this monitor: the same for the same settings, different for different ones, no secret inside."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]


def _message(send: smtp.Settings, owner: str, token: str) -> bytes:
    """Write the message. Its Date is for the servers on the way alone: nothing is judged by it."""
    domain = (send.mail_from or "").rpartition("@")[2]
    lines = (
        f"From: <{send.mail_from}>",
        f"To: <{send.rcpt_to}>",
        f"Subject: Status probe {token}",
        f"Date: {formatdate(usegmt=True)}",
        f"Message-ID: <{token}@{domain}>",
        f"{OWNER}: {owner}",
        f"{TOKEN}: {token}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "This message measures whether mail arrives. It is deleted as soon as it has.",
        "",
    )
    return "\r\n".join(lines).encode()


def target(settings: Settings) -> str:
    """From where to where."""
    sent, read = settings.send, settings.read
    return f"{authority(sent.host, sent.port)} to {authority(read.host, read.port)} {mailbox_name(read.mailbox)}"


KIND = ProbeKind(name="mail_roundtrip", summary="A message that is sent arrives", settings=Settings, measure=measure, target=target)
