"""Real mail servers for tests: pymap in a process of its own, and aiosmtpd that delivers into it, as rudely as it is told to."""

import asyncio
import imaplib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum, auto

from aiosmtpd.smtp import SMTP, Envelope, Session

USER, PASSWORD = "probe@example.net", "geheim"
_STARTS_WITHIN = 60.0


@contextmanager
def mailboxes() -> Iterator[int]:
    """Run pymap, with a folder Junk, and give its port."""
    for _ in range(5):
        port = _free_port()
        with _pymap(port) as process:
            if _is_up(port, process):
                with session(port) as connection:
                    connection.create("Junk")
                yield port
                return
    raise RuntimeError("pymap did not start")


@contextmanager
def session(port: int) -> Iterator[imaplib.IMAP4]:
    """Log in as the tests do, apart from what is tested. A login costs pymap a quarter of a second."""
    with imaplib.IMAP4("127.0.0.1", port, timeout=10) as connection:
        connection.login(USER, PASSWORD)
        yield connection


def subjects(port: int, *folders: str) -> list[str]:
    """The subjects of what is in *folders*, oldest first in each."""
    found: list[str] = []
    with session(port) as connection:
        for folder in folders:
            connection.select(folder)
            _, fetched = connection.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            found += [part[1].decode().strip().removeprefix("Subject: ") for part in fetched if isinstance(part, tuple)]
    return found


def put(port: int, *messages: tuple[str, bytes, float]) -> None:
    """Put messages into folders as if they had come so many seconds ago: (folder, message, age)."""
    with session(port) as connection:
        for folder, message, age in messages:
            connection.append(folder, "", imaplib.Time2Internaldate(time.time() - age), message)


def empty(port: int, *folders: str) -> None:
    with session(port) as connection:
        for folder in folders:
            connection.select(folder)
            connection.store("1:*", "+FLAGS", r"(\Deleted)")
            connection.expunge()


class Mood(StrEnum):
    """What the SMTP server does with a message."""

    DELIVERS = auto()
    JUNKS = auto()
    LOSES = auto()
    DELIVERS_TWICE = auto()
    DELIVERS_AND_JUNKS = auto()
    DELIVERS_MISDATED = auto()
    REJECTS = auto()
    DEFERS = auto()


_FOLDERS: dict[Mood, tuple[str, ...]] = {
    Mood.LOSES: (),
    Mood.JUNKS: ("Junk",),
    Mood.DELIVERS_TWICE: ("INBOX", "INBOX"),
    Mood.DELIVERS_AND_JUNKS: ("INBOX", "Junk"),
}
"""Where each mood carries a message to; elsewhere it is the inbox."""


@dataclass  # without slots: aiosmtpd looks through all members, and CPython before 3.11.3 leaves one that cannot be looked at
class PostOffice:
    """A handler for aiosmtpd that carries mail to pymap at *imap_port*, *delay* seconds later.

    It puts off so many recipients as *greylists* says (with *put_off*) before it takes one.
    """

    imap_port: int
    mood: Mood = Mood.DELIVERS
    delay: float = 0.0
    greylists: int = 0
    put_off: str = "450 4.2.0 Greylisted, come again"
    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    on_their_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        if self.greylists:
            self.greylists -= 1
            return self.put_off
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.mood is Mood.REJECTS:
            return "554 5.7.1 looks like spam"
        if self.mood is Mood.DEFERS:
            return "451 4.3.0 later"
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append(content)
        task = asyncio.create_task(self._carry(content))
        self.on_their_way.add(task)
        return "250 taken"

    async def _carry(self, content: bytes) -> None:
        await asyncio.sleep(self.delay)
        if self.mood is Mood.DELIVERS_MISDATED:
            content = re.sub(rb"(?m)^Date: .*$", b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r", content)
        if folders := _FOLDERS.get(self.mood, ("INBOX",)):
            await asyncio.to_thread(put, self.imap_port, *((folder, content, 0.0) for folder in folders))

    async def serve(self) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(self, hostname="mail.example.net"), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def _pymap(port: int) -> Iterator[subprocess.Popen[bytes]]:
    start = "import sys; from pymap.main import main; sys.exit(main())"
    arguments = ["--no-tls", "--host", "127.0.0.1", "--port", str(port), "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen([sys.executable, "-c", start, *arguments], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _is_up(port: int, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as greeted:
                return greeted.recv(4) == b"* OK"
        except OSError:
            time.sleep(0.05)
    return False
