"""A message that is sent and must arrive: submitted by SMTP, found by IMAP, deleted again."""

import asyncio
import hashlib
import secrets
from datetime import datetime, timedelta
from email.utils import formatdate
from typing import Annotated

from pydantic import AfterValidator, BaseModel

from probes import imap, smtp
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.imap import mailbox_name
from probes.kind import ProbeKind
from probes.letters import OWNER, TOKEN, Letter, Mailbox, token
from probes.mail import MailServer, reach
from probes.result import Failure, Phase
from probes.settings import CLOSED, Duration, Line, Login, PositiveDuration, authority

_READ = 1024 * 1024
_FIRST_LOOK, _LONGEST_WAIT = 0.1, 5.0
_FIRST_RETRY, _LONGEST_RETRY = 0.5, 30.0
_SECOND = timedelta(seconds=1)
_COME_AGAIN = frozenset({"send.mail_from", "send.rcpt_to", "send.data"})
"""Steps at which a server may say "later" to a message that it will take at another try (greylisting, RFC 6647)."""


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
    """How a message is sent and where it is read.

    *deliver_within* counts from the server's consent to take it; *defer_within* is how long "later" (4xx) may be the answer before
    that, and as long as *deliver_within* where it is not given.
    """

    model_config = CLOSED

    deliver_within: PositiveDuration
    defer_within: Duration | None = None
    send: Annotated[smtp.Settings, AfterValidator(_goes_all_the_way)]
    read: Read


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Open the mailbox, sweep it, send, look until the message is there or the time is up, and leave nothing behind.

    The mailbox is opened first: where it cannot be read nothing is sent, so that an outage of reading does not fill it up. It is swept
    before anything is sent, so that a way that loses or delays every message does not fill it up either.
    """
    owner, mark = _owner(settings), token(attempt.now(), secrets.token_hex(12))
    with attempt.part("read"):
        stream = await reach(settings.read, door, attempt, _READ)
    with stream:
        with attempt.part("read"):
            dialogue = await imap.welcomed(settings.read, stream, door, attempt)
            if not dialogue.capabilities:
                await dialogue.learn()
            with attempt.phase("select"):
                attempt.fact("messages", await dialogue.open(settings.read.mailbox, read_only=False))
            mailbox = Mailbox(dialogue, owner, settings.read.mailbox, settings.read.junk)
            with attempt.phase("sweep"):
                swept = await mailbox.sweep(attempt.now(), 2 * attempt.allowed * _SECOND)
        if swept:
            attempt.warn("leftovers", f"{swept} messages of earlier runs were still there, and were deleted")
        await _submit(settings, _message(settings.send, owner, mark, attempt.now()), door, attempt)
        await _collect(settings, mailbox, mark, attempt)
        with attempt.part("read"):
            await dialogue.leave()


async def _submit(settings: Settings, message: bytes, door: Door, attempt: Attempt) -> None:
    """Hand the message over, and come again as a mail server would where the answer is "later", until ``defer_within`` is over."""
    within = settings.deliver_within if settings.defer_within is None else settings.defer_within
    began, first, noted, tries = attempt.elapsed(), len(attempt.phases), len(attempt.warnings), 1
    until = min(began + within / _SECOND, _last_moment(attempt))
    while True:
        try:
            await _hand_over(settings.send, message, door, attempt)
            break
        except ProbeFailed as failed:
            waited = attempt.elapsed() - began
            pause = min(_LONGEST_RETRY, max(_FIRST_RETRY, waited / 4))
            if failed.failure is not Failure.DEFERRED or attempt.stage not in _COME_AGAIN or attempt.elapsed() + pause > until:
                raise
        attempt.stage = None
        with attempt.phase("send.defer"):
            await asyncio.sleep(pause)
        attempt.phases[first:] = [Phase(name="send.defer", took=attempt.elapsed() - began)]
        del attempt.warnings[noted:]
        tries += 1
    if tries > 1:
        attempt.fact("deferrals", tries - 1)
        attempt.warn("deferred", f"the server took the message at try {tries}, {waited + pause:.1f} s after the first")


async def _hand_over(send: smtp.Settings, message: bytes, door: Door, attempt: Attempt) -> None:
    with attempt.part("send"), await reach(send, door, attempt) as stream:
        dialogue = await smtp.welcomed(send, stream, door, attempt)
        await dialogue.envelope(send.mail_from or "", send.rcpt_to)
        await dialogue.send(message)
        await dialogue.leave()


def _last_moment(attempt: Attempt) -> float:
    """When to stop waiting, so that there is time left to say what for."""
    return attempt.allowed - max(0.3, 0.05 * attempt.allowed)


async def _collect(settings: Settings, mailbox: Mailbox, mark: str, attempt: Attempt) -> None:
    """Wait for the message, delete it, and only then say what was wrong with its way."""
    began = attempt.elapsed()
    with attempt.phase("deliver"):
        letters = await _await_letters(settings, mailbox, mark, attempt)
    took = attempt.elapsed() - began
    attempt.fact("delivery_seconds", took)
    with attempt.phase("delete"):
        await mailbox.delete(letters)
    if mailbox.lacks_junk:
        attempt.warn("junk_missing", f"there is no folder {settings.read.junk!r} (yet)")
    if mailbox.keeps_marked:
        attempt.warn("marked_only", "the message is marked as deleted and still there: others marked theirs, and only all can be removed")
    if len(letters) > 1:
        attempt.warn("duplicate", f"the message arrived {len(letters)} times")
    if (folder := letters[0].folder) != settings.read.mailbox:
        raise ProbeFailed(Failure.JUNKED, f"the message arrived in {folder!r} after {took:.1f} s", stage="deliver")
    within = settings.deliver_within / _SECOND
    if took > within:
        raise ProbeFailed(Failure.DELAYED, f"the message arrived after {took:.1f} s, allowed are {within:g} s", stage="deliver")


async def _await_letters(settings: Settings, mailbox: Mailbox, mark: str, attempt: Attempt) -> list[Letter]:
    """Look into the folders, ever more seldom, until the message is there. It stops in time to report that it is LOST."""
    began, last_look = attempt.elapsed(), _last_moment(attempt)
    while not (letters := await mailbox.find(mark)):
        waited = attempt.elapsed() - began
        pause = min(_LONGEST_WAIT, max(_FIRST_LOOK, waited / 8), last_look - attempt.elapsed())
        if pause <= 0:
            if waited < settings.deliver_within / _SECOND:
                raise ProbeFailed(Failure.TIMEOUT, f"the message is not there after {waited:.1f} s, and the probe's time is up")
            raise ProbeFailed(Failure.LOST, f"the message is not there after {waited:.1f} s")
        await asyncio.sleep(pause)
    return letters


def _owner(settings: Settings) -> str:
    """Mark the messages of this monitor: the same for the same settings, different for different ones, no secret inside."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]


def _message(send: smtp.Settings, owner: str, mark: str, now: datetime) -> bytes:
    """Write the message. Its Date is for the servers on the way alone: nothing is judged by it."""
    domain = (send.mail_from or "").rpartition("@")[2]
    lines = (
        f"From: <{send.mail_from}>",
        f"To: <{send.rcpt_to}>",
        f"Subject: Status probe {mark}",
        f"Date: {formatdate(now.timestamp(), usegmt=True)}",
        f"Message-ID: <{mark}@{domain}>",
        f"{OWNER}: {owner}",
        f"{TOKEN}: {mark}",
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
