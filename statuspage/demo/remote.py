"""How a second terminal speaks to a running demo."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from statuspage.demo.run_file import NoDemo, RunFile, find

_PATIENCE = 25.0  # seconds; mending the mailboxes starts a process


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How one server stands, as the demo told it; *mode* is None where it works."""

    name: str
    address: str
    mode: str | None
    modes: tuple[str, ...]


class Declined(Exception):
    """The demo runs and did not do it; the message is its own."""


def state(path: Path) -> tuple[Seen, ...]:
    """Ask the demo that left *path* how its servers stand. Errors: NoDemo."""
    return _told(path, "GET", "/state", {})


def break_(path: Path, what: str, mode: str | None) -> tuple[Seen, ...]:
    """Break a server; gives how they stand now. Errors: NoDemo, Declined."""
    return _told(path, "POST", "/break", {"what": what, "mode": mode or ""})


def mend(path: Path, what: str) -> tuple[Seen, ...]:
    """Mend a server, or ``all``; gives how they stand now. Errors: NoDemo, Declined."""
    return _told(path, "POST", "/mend", {"what": what})


def _told(path: Path, method: str, target: str, fields: Mapping[str, str]) -> tuple[Seen, ...]:
    said = find(path)
    try:
        status, answer = _exchange(said, method, target, fields)
    except (OSError, HTTPException, ValueError) as silence:
        raise NoDemo(f"the demo of process {said.pid} left {path} and does not answer any more: start it again") from silence
    if status == 403:
        raise NoDemo(f"another program answers where {path} says the demo does: start it again")
    if status != 200:
        raise Declined(str(answer.get("error", f"the demo answered {status}")))
    return tuple(
        Seen(name=row["name"], address=row["address"], mode=row["mode"], modes=tuple(row["modes"])) for row in answer.get("servers", ())
    )


def _exchange(said: RunFile, method: str, target: str, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(said.host, said.port, timeout=_PATIENCE)
    headers = {"Accept": "application/json", "Authorization": f"Bearer {said.token}"}
    body = None
    if method == "POST":
        body = urlencode({**fields, "token": said.token})
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        text = answer.read(100_000)
        told = json.loads(text) if answer.headers.get_content_type() == "application/json" else {}
        return answer.status, told
    finally:
        connection.close()
