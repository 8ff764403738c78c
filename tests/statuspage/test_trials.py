"""Trying a monitor out at the console: where it may lead, what is shown of it, and who may."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from ipaddress import ip_network
from pathlib import Path

import pytest

from statuspage.store.people import Role
from tests.statuspage.desks import House, housed

GREETING = b"220 <script>alert(1)</script> \x1b[31m\xe2\x80\xae mail\r\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def hostile() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A mail server with an evil tongue: its address, and what it heard."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"250-<b>evil</b>\r\n250 STARTTLS<img src=x>\r\n" if line.startswith(b"EHLO") else b"221 bye\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def test_what_is_typed_is_probed_and_shown_with_nothing_that_a_hostile_server_says_taken_for_ours(
    house: House, hostile: tuple[str, list[bytes]]
) -> None:
    ada, (address, heard) = await house.logged_in("ada", Role.ADMIN), hostile
    refused = unescape(await (await ada.send("/try", {"kind": "smtp", "target": address}, of="/try")).text())
    assert "blocked at connect" in refused
    assert "not a public address and not in egress.allow" in refused
    assert heard == []
    house.allowed = (ip_network("127.0.0.0/8"),)
    page = await (await ada.send("/try", {"kind": "smtp", "target": address}, of="/try")).text()
    main = page.partition("<main")[2]
    assert "works: smtp" in main
    assert heard[0].startswith(b"EHLO")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in main
    assert not re.search("<script|<img|<b>evil|\x1b|\u202e", main)
    assert f'- {{probe: smtp, host: "127.0.0.1", port: {address.partition(":")[2]}}}' in unescape(main)
    assert f"statuspage add smtp {address} --service email" in unescape(main)
    assert "connect" in main
    told = await ada.page("/audit")
    assert "try a monitor" in told


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("plugin", "/bin/sh", "Choose a kind."),
        ("heartbeat", "x", "Choose a kind."),
        ("tcp", "mail.example.org", "write HOST:PORT"),
        ("http", "https://user:pw@example.org/", ""),
        ("http", "<script>", "&lt;script&gt;"),
        ("http", "https://example.org/\x9f", "has printable characters alone"),
        ("statuspage", "https://example.org/\ufffe", "has printable characters alone"),
        ("tcp", "", "Write a target"),
        ("tcp", "x" * 501, "at most 500"),
    ],
)
async def test_what_cannot_be_tried_is_refused_with_what_was_typed(house: House, kind: str, target: str, words: str) -> None:
    ada = await house.logged_in("ada", Role.ADMIN)
    answer = await ada.send("/try", {"kind": kind, "target": target}, of="/try")
    page = (await answer.text()).partition("<main")[2]
    assert (answer.status, words in page, "<script>" in page) == (422, True, False)
    assert "plugin" not in page.partition("<select")[2].partition("</select>")[0]


async def test_whoever_may_not_configure_may_not_try(house: House) -> None:
    manager = await house.logged_in("max", Role.MANAGER)
    assert (await manager.get("/try")).status == 403
