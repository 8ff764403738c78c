"""What the demo's terminal says while it runs: one line for each change that the public page tells."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from statuspage.clock import Now

_EVERY = 1.0  # seconds
_PATIENCE = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the public page tells: each service's status, and each open incident's name and state."""

    services: Mapping[str, str] = field(default_factory=dict)
    incidents: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def differences(before: Told, now: Told) -> Iterator[str]:
    """Say in one line each what has changed."""
    for service, status in now.services.items():
        if before.services.get(service, status) != status:
            yield f"{service}: {_words(status)}"
    for key, (name, state) in now.incidents.items():
        if key not in before.incidents:
            yield f"incident opened: {name}"
        elif before.incidents[key][1] != state:
            yield f"incident {name}: {_words(state)}"
    for key, (name, _) in before.incidents.items():
        if key not in now.incidents:
            yield f"incident resolved: {name}"


async def watch(public_url: str, say: Callable[[str], None], now: Now) -> None:
    """Ask the public page for news until cancelled, and say each, with the time in front."""
    before, is_away = Told(), False
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        while True:
            try:
                async with session.get(f"{public_url.rstrip('/')}/api/v2/summary.json") as answer:
                    told = _read(await answer.json())
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as trouble:
                if not is_away:
                    say(f"{now().astimezone():%H:%M:%S}  the public page does not answer ({type(trouble).__name__})")
                is_away = True
            else:
                is_away = False
                for line in differences(before, told):
                    say(f"{now().astimezone():%H:%M:%S}  {line}")
                before = told
            await asyncio.sleep(_EVERY)


def _read(summary: Mapping[str, Any]) -> Told:
    return Told(
        services={str(row["name"]): str(row["status"]) for row in summary["components"] if not row["group"]},
        incidents={str(row["id"]): (str(row["name"]), str(row["status"])) for row in summary["incidents"]},
    )


def _words(status: str) -> str:
    return status.replace("_", " ")
