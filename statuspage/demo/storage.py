"""The company's storage: a small line service over TCP that mail and webmail ask before they answer."""

import asyncio
from collections.abc import Awaitable, Callable

from statuspage.demo.modes import Mode
from statuspage.demo.ports import Address, Conversation, say_nothing

GREETING = "+OK storage ready"

_PATIENCE = 0.8  # seconds that those who depend on the storage wait for its word

Ask = Callable[[], Awaitable[None]]


class StorageAway(Exception):
    """The storage gave no word, or a bad one; the message says which."""


class Storage:
    """Greets, answers each line with ``+OK``, and says goodbye to ``QUIT``."""

    modes = (Mode.STOPPED, Mode.REFUSING, Mode.STALLING)

    def __init__(self, address: Address) -> None:
        """Only remember *address*; ``open`` listens."""
        self._port = Conversation(address)

    async def open(self, mode: Mode | None) -> None:
        """Serve, well or broken by *mode*."""
        talks = {None: _serve, Mode.REFUSING: _refuse, Mode.STALLING: say_nothing}
        await self._port.open(talks[mode])

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        await self._port.close()


async def ask(address: Address) -> None:
    """Ask the storage at *address* whether it can keep and find things. Errors: StorageAway where it can't or won't say."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                await _expect_ok(reader)
                writer.write(b"READY\r\n")
                await _expect_ok(reader)
            finally:
                writer.close()
    except TimeoutError as silence:
        raise StorageAway("the storage does not answer") from silence
    except OSError as trouble:
        raise StorageAway("the storage cannot be reached") from trouble


async def _expect_ok(reader: asyncio.StreamReader) -> None:
    answer = await reader.readline()
    if not answer.startswith(b"+OK"):
        raise StorageAway("the storage refuses to serve")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"{GREETING}\r\n".encode())
    while line := await reader.readline():
        if line.strip().upper() == b"QUIT":
            writer.write(b"+OK goodbye\r\n")
            return
        writer.write(b"+OK\r\n")
        await writer.drain()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"-ERR no disk\r\n")
    await say_nothing(reader, writer)
