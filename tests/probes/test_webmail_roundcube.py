"""The webmail that is met most often, as Debian packages it, over a real IMAP server."""

import base64
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes import webmail
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.mail import PASSWORD, USER
from tests.rude.peer import closed_port
from tests.rude.roundcube import roundcube


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roundcube")


@pytest.fixture(scope="module")
def url(place: Path, mailboxes_port: int) -> Iterator[str]:
    with roundcube(place, mailboxes_port) as served:
        yield served


async def visit(url: str, password: str = PASSWORD) -> ProbeResult:
    given = {"url": url, "login": {"user": USER, "password": password}, "inbox": {"selector": "#messagelist", "contains": USER}}
    return await run(webmail.KIND, webmail.Settings.model_validate(given), door=Door(), timeout=60, started=datetime.now(UTC))


def sessions(place: Path) -> int:
    """How many sessions there are in which somebody is logged in."""
    with sqlite3.connect(place / "db.sqlite") as database:
        rows = database.execute("SELECT vars FROM session").fetchall()
    database.close()
    return sum(1 for (held,) in rows if "user_id" in _decoded(held))


def _decoded(held: str) -> str:
    return base64.b64decode(held).decode("utf-8", "replace")


async def test_the_inbox_is_seen_and_the_session_is_ended(url: str, place: Path) -> None:
    result = await visit(url)
    assert (result.failure, result.detail, result.warnings) == (None, "", ())
    assert result.facts["inbox.listed"] == 1
    assert sessions(place) == 0


async def test_a_wrong_password_is_auth_rejected(url: str) -> None:
    result = await visit(url, "falsch")
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "login")


async def test_a_mail_store_that_is_away_is_not_our_password(tmp_path: Path) -> None:
    with roundcube(tmp_path, closed_port()) as served:
        result = await visit(served)
    assert (result.failure, result.stage) == (Failure.AUTH_UNAVAILABLE, "login")
    assert "storage server" in result.detail
