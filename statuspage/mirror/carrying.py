"""Carrying the newest version to where a host serves it: by which way, and within its time."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, assert_never

from probes.settings import spelled
from statuspage.mirror.rsync import Rsync
from statuspage.mirror.target import Bucket, Elsewhere
from statuspage.mirror.version import Version


class Carrier(Protocol):
    """A way to carry."""

    async def carry(self, home: Path, version: Version, *, keeps: int) -> None:
        """Make *version*, which is at *home*, what is served there; *keeps* older ones stay, where there are any. Errors: OSError."""


@dataclass(slots=True)
class Carrying:
    """Carries to *far*. What it learns of the far side it keeps for the next time."""

    far: Elsewhere | Bucket
    carrier: Carrier

    async def carry(self, home: Path, version: Version, *, keeps: int) -> None:
        """Carry *version*. Errors: OSError, and what was served there stays served; TimeoutError where it took too long."""
        try:
            async with asyncio.timeout(self.far.within):
                await self.carrier.carry(home, version, keeps=keeps)
        except TimeoutError:
            raise TimeoutError(f"it took longer than {spelled(timedelta(seconds=self.far.within))} to carry it there") from None


def carrying_to(far: Elsewhere | Bucket) -> Carrying:
    """Choose the way to *far*."""
    match far:
        case Elsewhere():
            return Carrying(far, Rsync(far))
        case Bucket():
            from statuspage.mirror.bucket import Bucketful  # noqa: PLC0415 - an extra, which the configuration has looked for
            from statuspage.mirror.objects import Objects  # noqa: PLC0415 - the same

            return Carrying(far, Bucketful(Objects.of(far)))
        case _:
            assert_never(far)
