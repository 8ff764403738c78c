"""The company's mailboxes: a real IMAP server (pymap) as a process of its own."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

from statuspage.demo import imap_server
from statuspage.demo.deliver import JUNK, Mailbox, NotDelivered, create
from statuspage.demo.modes import Mode
from statuspage.demo.ports import Conversation, bind, say_nothing

_PATIENCE = 15.0  # seconds for the IMAP server to come up; it takes half a one on an idle machine


class Mailboxes:
    """Serves one mailbox by IMAP. Stopping ends the process, and with it the mail in it: the next one starts empty."""

    modes = (Mode.STOPPED, Mode.REFUSING, Mode.STALLING)

    def __init__(self, mailbox: Mailbox) -> None:
        """Only remember *mailbox*; ``open`` starts the server."""
        self._mailbox = mailbox
        self._port = Conversation(mailbox.address)
        self._process: asyncio.subprocess.Process | None = None

    async def open(self, mode: Mode | None) -> None:
        """Serve, well or broken by *mode*. Errors: OSError where the server does not come up."""
        talks: dict[Mode, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]]
        talks = {Mode.REFUSING: _refuse, Mode.STALLING: say_nothing}
        if mode is None:
            await self._start()
        else:
            await self._port.open(talks[mode])

    async def close(self) -> None:
        """End the process, or whatever stands in for it."""
        await self._port.close()
        if self._process is not None:
            await _end(self._process)
            self._process = None

    async def _start(self) -> None:
        (await bind(self._mailbox.address)).close()  # waits for a former owner; pymap itself would give up at once
        with tempfile.TemporaryFile() as complaints:
            self._process = process = await self._spawn(complaints)
            deadline = asyncio.get_running_loop().time() + _PATIENCE
            while not await self._is_up():
                if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                    await self.close()
                    complaints.seek(0)
                    raise OSError("the IMAP server does not come up: " + complaints.read()[-300:].decode(errors="replace").strip())
                await asyncio.sleep(0.05)

    async def _spawn(self, complaints: IO[bytes]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(Path(imap_server.__file__)), str(self._mailbox.address.port), self._mailbox.user),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends its servers in order
        )
        assert process.stdin is not None  # noqa: S101 - asked for two lines above
        process.stdin.write(f"{self._mailbox.password}\n".encode())
        return process

    async def _is_up(self) -> bool:
        try:
            await create(self._mailbox, JUNK)
        except NotDelivered:
            return False
        return True


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(3):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* BYE [UNAVAILABLE] The mailboxes are closed\r\n")
    await writer.drain()
    del reader
