"""How the company's mail server puts mail into the mailboxes: IMAP LOGIN and APPEND, as much of RFC 9051 as that takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from statuspage.demo.ports import Address

INBOX = "INBOX"
JUNK = "Junk"

_PATIENCE = 3.0  # seconds for one visit to the mailboxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """The company's one mailbox: where it is and how to get in."""

    address: Address
    user: str
    password: str = field(repr=False)


class NotDelivered(Exception):
    """The mailboxes did not take it; the message says why."""


async def append(mailbox: Mailbox, folder: str, message: bytes) -> None:
    """Leave *message* in *folder*. Errors: NotDelivered."""
    async with _visit(mailbox) as talk:
        await talk.append(folder, message)


async def create(mailbox: Mailbox, folder: str) -> None:
    """Make *folder*. Errors: NotDelivered."""
    async with _visit(mailbox) as talk:
        await talk.command(f"CREATE {folder}")


async def count(mailbox: Mailbox, folder: str = INBOX) -> int:
    """Say how many messages lie in *folder*. Errors: NotDelivered, also where user or password are wrong."""
    async with _visit(mailbox) as talk:
        answers = await talk.command(f"STATUS {folder} (MESSAGES)")
    return next(int(line.rpartition(b"MESSAGES ")[2].rstrip(b")\r\n")) for line in answers if b"MESSAGES " in line)


class _Talk:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._number = reader, writer, 0

    async def greeting(self) -> None:
        if not (await self._reader.readline()).startswith(b"* OK"):
            raise NotDelivered("the mailboxes do not let anyone in")

    async def command(self, words: str) -> list[bytes]:
        self._send(words)
        answers: list[bytes] = []
        while (line := await self._line()) and not line.startswith(b"d%d " % self._number):
            answers.append(line)
        if line.split()[1:2] != [b"OK"]:
            raise NotDelivered(f"the mailboxes refuse {words.split(maxsplit=1)[0]}")
        return answers

    async def append(self, folder: str, message: bytes) -> None:
        self._send(f"APPEND {folder} {{{len(message)}}}")
        if not (await self._line()).startswith(b"+"):
            raise NotDelivered("the mailboxes do not take the message")
        self._writer.write(message + b"\r\n")
        while not (line := await self._line()).startswith(b"d%d " % self._number):
            pass
        if line.split()[1:2] != [b"OK"]:
            raise NotDelivered("the mailboxes did not keep the message")

    def _send(self, words: str) -> None:
        self._number += 1
        self._writer.write(f"d{self._number} {words}\r\n".encode())

    async def _line(self) -> bytes:
        line = await self._reader.readline()
        if not line:
            raise NotDelivered("the mailboxes hung up")
        return line


@asynccontextmanager
async def _visit(mailbox: Mailbox) -> AsyncIterator[_Talk]:
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(mailbox.address.host, mailbox.address.port)
            try:
                talk = _Talk(reader, writer)
                await talk.greeting()
                await talk.command(f"LOGIN {_quoted(mailbox.user)} {_quoted(mailbox.password)}")
                yield talk
                await talk.command("LOGOUT")
            finally:
                writer.close()
    except TimeoutError as silence:
        raise NotDelivered("the mailboxes do not answer") from silence
    except OSError as trouble:
        raise NotDelivered("the mailboxes cannot be reached") from trouble
    except (ValueError, asyncio.LimitOverrunError) as nonsense:
        raise NotDelivered("the mailboxes do not speak IMAP") from nonsense


def _quoted(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("user and password are printable ASCII")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
