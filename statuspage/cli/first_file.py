"""The first configuration of an installation: few lines, each with what one wants to know of it."""

import errno
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from statuspage.config.spelling import flow, scalar

USUAL = ("127.0.0.1:8080", "127.0.0.1:8081")
_LAST_PORT = 8180
_ZONES = "zoneinfo/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a service is watched by: a monitor as written, and how it fared when it was tried."""

    monitor: Mapping[str, Any]
    fared: str
    works: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What the file says. *listen* are the public and the internal address, *watched* the services by their ids."""

    name: str
    url: str
    timezone: str = "UTC"
    listen: tuple[str, str] = USUAL
    watched: Mapping[str, Watched] = field(default_factory=dict)


def spelled(first: First, now: datetime) -> str:
    """*first* as YAML with remarks."""
    return "\n".join(_lines(first, now)) + "\n"


def _lines(first: First, now: datetime) -> Iterator[str]:
    yield f"# Written by `statuspage init` on {now:%Y-%m-%d}. The service takes up changes while it runs;"
    yield "# `statuspage check-config` tells beforehand what is wrong, `statuspage doctor` what is missing around it."
    yield ""
    yield "site:"
    yield f"  name: {scalar(first.name)}"
    yield f"  url: {scalar(first.url)}  # as readers know the page; all links begin with it"
    yield f"  timezone: {scalar(first.timezone)}  # whose days the history shows"
    yield ""
    yield from _listening(first.listen)
    yield ""
    yield "# Services are what your customers use. Each is watched by monitors; they are probed every 30 seconds,"
    yield "# or say `every: 10s`. `statuspage add KIND TARGET --service ID` tries one out and adds it here."
    yield "services:" if first.watched else "# services:"
    for id, one in (first.watched or _EXAMPLE).items():
        mark = "" if first.watched else "# "
        yield f"{mark}  {scalar(id)}:"
        yield f"{mark}    monitors:"
        yield f"{mark}      - {flow(one.monitor)}  # {one.fared}"
    yield ""
    yield "# Who wants to be told by mail subscribes on the page, once there is a server that sends:"
    yield '# mail: {host: mail.example.org, from: "Status <status@example.org>", login: sender}'
    yield "# credentials:"
    yield "#   sender: {user: status, password: {env: MAIL_PASSWORD}}  # secrets never stand in this file"


_EXAMPLE: Mapping[str, Watched] = {
    "website": Watched(monitor={"probe": "http", "url": "https://www.example.org/"}, fared="whatever your customers use")
}


def _listening(listen: tuple[str, str]) -> Iterator[str]:
    public, internal = listen
    yield "# Only this machine reaches the page and the console, until they listen elsewhere or a proxy stands before them."
    mark = "# " if listen == USUAL else ""
    yield f"{mark}listen: {{public: {scalar(public)}, internal: {scalar(internal)}}}"


# --- what this machine says -----------------------------------------------------------------------------------------------------


def free_listeners() -> tuple[str, str]:
    """The usual addresses, or the next ones on loopback where another program has them."""
    public, internal = USUAL
    port = int(public.rpartition(":")[2])
    free = [found for found in range(port, _LAST_PORT) if _is_free(found)][:2]
    return (public, internal) if len(free) < 2 else (f"127.0.0.1:{free[0]}", f"127.0.0.1:{free[1]}")


def _is_free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as trouble:
            return trouble.errno != errno.EADDRINUSE
    return True


def zone_here() -> str:
    """This machine's time zone by its name; UTC where it does not tell."""
    named = os.environ.get("TZ", "").removeprefix(":")
    with suppress(OSError):  # no link: the machine does not tell
        named = named or str(Path("/etc/localtime").readlink())
    name = named.partition(_ZONES)[2] or named
    return name if Path("/usr/share/zoneinfo", name).is_file() and not name.startswith("/") else "UTC"
