"""What was found of one thing, and looks that end in time whatever they look at."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from statuspage.config.loading import Config

PATIENCE = 8.0
"""Seconds that one look may take; each of the probes in it takes less."""


class Standing(StrEnum):
    """How good it is."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    """It works, and somebody should look."""
    BAD = "bad"
    UNKNOWN = "not known"
    """It cannot be told from here, or there is nothing to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found *about* something, and how to *mend* it (empty: nothing is to be done)."""

    about: str
    standing: Standing
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The installation that is looked at. *running* are the addresses at which its hub answers, public and internal; None: none runs."""

    config: Config
    path: Path
    data_dir: Path
    running: tuple[str, str] | None
    mail_to: str | None
    time_server: str


Findings = Sequence[Finding]
Look = Callable[[Place], Awaitable[Findings]]


async def looked(about: str, look: Awaitable[Findings]) -> Findings:
    """What *look* found, or that it came to no end. What goes wrong in it is ours, and is said."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await look
    except TimeoutError:
        return [Finding(about=about, standing=Standing.BAD, found=f"no answer within {PATIENCE:.0f} s", mend="see what holds it up")]
    except Exception as trouble:  # noqa: BLE001 - one look that breaks must not take the others with it
        found = f"this look itself broke: {type(trouble).__name__}: {trouble}"
        return [Finding(about=about, standing=Standing.UNKNOWN, found=found, mend="please report it as an error of the program")]


async def aside(look: Callable[[], Findings]) -> Findings:
    """Do a *look* that blocks on a thread that nobody waits for: a file system that hangs must not keep the program from ending."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Findings] = loop.create_future()

    def settle(findings: Findings | None, trouble: BaseException | None) -> None:
        if found.done():
            return
        if trouble is not None:
            found.set_exception(trouble)
        else:
            found.set_result(findings or ())

    def work() -> None:
        try:
            outcome: tuple[Findings | None, BaseException | None] = (look(), None)
        except BaseException as trouble:  # noqa: BLE001 - it is handed to whoever waits
            outcome = (None, trouble)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=work, daemon=True).start()
    return await found
