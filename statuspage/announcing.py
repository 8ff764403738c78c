"""The way to apprise, which runs in a process of its own: URLs are judged, and announcements handed over, and what it says is brought back.

A URL holds the secrets of its service. It goes through a pipe, never as an argument, and never comes back.
"""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from probes.settings import Secret
from statuspage.programs import running

TIMEOUT = 60.0
"""Seconds that one announcement may take: a service that is slow, and one that never stops answering, end alike."""

JUDGING = 20.0
"""Seconds that judging URLs may take; apprise takes its time to start on a busy machine."""

_PROGRAM = Path(__file__).with_name("announcer.py")
_KEPT_SURROUNDINGS = frozenset(
    {
        *("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    }
)
"""What the process sees of our environment: none of the secrets, and no home with files of anybody's."""


class NoApprise(Exception):
    """apprise itself does not run here, or not now."""


Tone = Literal["info", "success", "warning", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is announced: a *title* that stands alone, *words* (lines; may be empty) and the *link* to where it is told in full; plain text.

    *tone* is apprise's: whether it is good news.
    """

    title: str
    words: str
    link: str
    tone: Tone = "info"

    def as_json(self) -> Mapping[str, str]:
        """What the process reads."""
        return {"title": self.title, "words": self.words, "link": self.link, "tone": self.tone}


def masked(url: Secret) -> str:
    """The URL as it may be shown: its scheme alone."""
    return url.reveal().partition("://")[0].lower() + "://***"


def objections(urls: Sequence[Secret]) -> Sequence[str | None]:
    """Why each of *urls* cannot be used, in a sentence that quotes nothing of it; None for those that can. Blocks for a second or so.

    Errors: NoApprise where nobody could be asked.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours
            _command(),
            input=json.dumps({"judge": [url.reveal() for url in urls], "within": JUDGING}),
            env=_surroundings(os.environ),
            cwd="/",
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=JUDGING,
        )
    except subprocess.TimeoutExpired:
        raise NoApprise(f"no answer within {JUDGING:.0f} s") from None  # its arguments hold what was asked
    except OSError as error:
        raise NoApprise(f"cannot be started: {error.strerror}") from error
    answers = [_fault(line) for line in done.stdout.splitlines()]
    if len(answers) != len(urls):
        raise NoApprise(f"it left with {done.returncode}")
    return answers


async def announce(url: Secret, site: str, home: str, announcements: Sequence[Announcement]) -> AsyncGenerator[str | None]:
    """Hand *announcements* over to the service of *url*, one after another, in the name of *site*, whose page is at *home*.

    Gives after each why it was not taken, or None where it was. It may stop early: the rest was not handed over.
    """
    asked = {
        "url": url.reveal(),
        "site": site,
        "home": home,
        "messages": [one.as_json() for one in announcements],
        "within": TIMEOUT * (len(announcements) + 1),
    }
    async with _started(asked) as lines:
        for _ in announcements:
            try:
                async with asyncio.timeout(TIMEOUT):
                    line = await lines.readline()
            except TimeoutError:
                yield f"no end within {TIMEOUT:.0f} s"
                return
            if not line:
                yield "apprise ended before the service had answered"
                return
            yield _fault(line)


def _fault(line: str | bytes) -> str | None:
    told: Mapping[str, Any] = json.loads(line)
    fault = told["fault"]
    return None if fault is None else str(fault)


@asynccontextmanager
async def _started(asked: Mapping[str, object]) -> AsyncIterator[asyncio.StreamReader]:
    """Start the process with what is *asked* of it, and end it on the way out."""
    async with running(_command(), _surroundings(os.environ), stdin=PIPE, stderr=DEVNULL, cwd="/") as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process was started without its pipes")
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
        yield process.stdout


def _command() -> Sequence[str]:
    return (sys.executable, "-P", str(_PROGRAM))


def _surroundings(ours: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in ours.items() if name in _KEPT_SURROUNDINGS} | {"LC_ALL": "C.UTF-8"}
