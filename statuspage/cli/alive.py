"""The command ``alive``: what containers and cron ask, and hang nothing else on."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import typer

from statuspage.cli.options import BAD, GOOD, fail
from statuspage.whereabouts import HUB_FILE

PATIENCE = 5.0
"""Seconds that the page has to answer."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound


def alive(data_dir: Path) -> int:
    """Ask the service that runs on *data_dir* whether its page is there."""
    try:
        url = str(json.loads((data_dir / HUB_FILE).read_bytes())["public"])
    except FileNotFoundError:
        fail(f"no service is running on {data_dir}", BAD)
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        fail(f"what runs on {data_dir} cannot be made out: {trouble}", BAD)
    try:
        status = _asked(url)
    except (OSError, http.client.HTTPException) as trouble:
        fail(f"{url} does not answer: {trouble}", BAD)
    if status != 200:
        fail(f"{url} answers {status}: nothing is published yet", BAD)
    typer.echo(f"{url} answers")
    return GOOD


def _asked(url: str) -> int:
    parts = urlsplit(url)
    host = parts.hostname or ""
    line = http.client.HTTPConnection(_EVERYWHERE.get(host, host), parts.port, timeout=PATIENCE)
    try:
        line.request("GET", "/readyz")
        return line.getresponse().status
    finally:
        line.close()
