"""What runs the service is told how it is: systemd's notify protocol, sd_notify(3), by the socket that the environment names."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """Who is told at *address*: a path, or an abstract name behind ``@``; None: nobody. It may want a word every *patience* seconds."""

    address: str | None = None
    patience: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Understand what systemd leaves in the environment of *environ*'s process. Nonsense there is as nothing."""
        address, span = environ.get("NOTIFY_SOCKET", ""), environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        is_watched = is_ours and span.isascii() and span.isdecimal() and len(span) <= 18 and int(span) > 0
        return cls(address=address if address[:1] in {"/", "@"} else None, patience=int(span) / 1e6 if is_watched else None)

    @property
    def is_watching(self) -> bool:
        """Whether it wants to hear of life."""
        return self.address is not None and self.patience is not None

    def ready(self, status: str) -> None:
        """It works, and *status* says in a few words how."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """It reads its configuration again; ``ready`` says that it has."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """It was told to end, and does."""
        self._tell("STOPPING=1", "STATUS=ending")

    async def keep(self, is_at_work: Callable[[], bool]) -> None:
        """Say twice in each span that the loop turns, as long as *is_at_work*; for ever, and not at all where nobody is watching."""
        while self.address is not None and self.patience is not None:
            if is_at_work():
                self._tell("WATCHDOG=1")
            await asyncio.sleep(self.patience / 2)

    def _tell(self, *said: str) -> None:
        if self.address is None:
            return
        # Whoever does not listen must not hold up the loop that it wants to know of.
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as line:
            try:
                line.sendto("\n".join(said).encode(), address)
            except OSError as error:
                log.warning("the supervisor at %s cannot be told %s: %s", self.address, said[0], error)


UNWATCHED = Supervisor()
"""Nobody wants to know."""
