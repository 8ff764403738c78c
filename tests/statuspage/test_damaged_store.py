"""A store that is damaged when the service starts: kept, told of, and the last good bytes are served until a backup is put back."""

import asyncio
import gzip
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from statuspage.app import Service
from statuspage.demo.ports import free_address
from statuspage.last_page import LAST_PAGE, remains
from statuspage.store.engine import Store
from statuspage.store.errors import StoreDamaged, StoreError
from statuspage.store.tables import public_ids
from tests.deadline import PATIENCE, until
from tests.statuspage.terminal import CHECKOUT, configured, statuspage


async def lived(here: Path) -> tuple[str, str, bytes]:
    """A service that ran and was backed up; its addresses, and what its page said."""
    public, internal, file = free_address(), free_address(), configured(here)
    text = file.read_text().replace("public: '127.0.0.1:0', internal: '127.0.0.1:0'", f"public: '{public}', internal: '{internal}'")
    file.write_text(text + "store: {backup: {}}\nservices: {website: {monitors: [{probe: tcp, host: 127.0.0.1, port: 1}]}}\n")
    async with Service(config_path=file, data_dir=here / "data") as service:
        await until(lambda: service.hub.backups.figures.done_at and (here / "data" / LAST_PAGE).exists())
        await service.hub.last_page.keep()
        assert service.hub.press.shelf is not None
        page = service.hub.press.shelf.files["/"].body
    return f"http://{public}", f"http://{internal}", page


@asynccontextmanager
async def serving(here: Path, public: str) -> AsyncIterator[ClientSession]:
    """``statuspage serve`` as a process, once it answers; it must end by SIGTERM, and say by its code that all was not well."""
    surroundings = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with (here / "log").open("ab") as log:
        command = (sys.executable, "-m", "statuspage", "serve")
        process = await asyncio.create_subprocess_exec(*command, cwd=here, env=surroundings, stdout=log, stderr=log)
    async with ClientSession(auto_decompress=False) as session:
        async with asyncio.timeout(PATIENCE):
            while not await answers(session, f"{public}/healthz"):
                assert process.returncode is None, (here / "log").read_text()
                await asyncio.sleep(0.05)
        yield session
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 1, (here / "log").read_text()


async def answers(session: ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except ClientConnectionError:
        return False


async def got(session: ClientSession, url: str) -> tuple[int, bytes]:
    async with session.get(url) as answer:
        body = await answer.read()
        return answer.status, gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body


async def test_a_damaged_store_is_kept_and_the_last_page_served_until_a_backup_is_back(tmp_path: Path) -> None:
    public, internal, page = await lived(tmp_path)
    data = tmp_path / "data"
    damaged = bytearray((data / "statuspage.db").read_bytes())
    damaged[4096 * 2 : 4096 * 2 + 64] = bytes(64)
    (data / "statuspage.db").write_bytes(damaged)
    async with serving(tmp_path, public) as session:
        assert await got(session, f"{public}/") == (200, page)
        assert (await got(session, f"{public}/fresh.json"))[0] == 200
        assert (await got(session, f"{public}/services/website"))[0] == 503
        status, told = await got(session, f"{internal}/")
    (kept,), (backup,) = data.glob("statuspage.db.damaged-*Z"), (data / "backups").iterdir()
    assert kept.read_bytes() == bytes(damaged)
    assert not (data / "statuspage.db").exists()
    assert status == 503
    assert f"kept as {kept.name}".encode() in told
    assert f"The newest backup is {backup.name}, in backups: stop the service, `statuspage restore` it with --replace".encode() in told
    assert f"kept as {kept.name}" in (tmp_path / "log").read_text()
    refused = await statuspage("page", here=tmp_path)
    assert (refused.code, "put back a backup by `statuspage restore FILE --replace`" in refused.err) == (2, True)
    ended = await statuspage("restore", str(backup), "--replace", here=tmp_path)
    assert ended.code == 0, ended.err
    assert len(list(data.glob("before-restore-*/statuspage.db.damaged-*"))) == 1
    assert (await statuspage("page", here=tmp_path)).code == 0


def cut(file: Path) -> None:
    os.truncate(file, 5000)


def zeroed(file: Path) -> None:
    file.write_bytes(bytes(4096))


def emptied(file: Path) -> None:
    (file.parent / "audit.head").write_text("0")
    file.write_bytes(b"")


def not_a_database(file: Path) -> None:
    file.write_bytes(b"GIF89a" * 4000)


@pytest.mark.parametrize("damage", [cut, zeroed, emptied, not_a_database])
async def test_whatever_was_done_to_the_file_is_found_at_the_start(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    file, config = tmp_path / "data" / "statuspage.db", configured(tmp_path)
    with Store.blocking("sqlite:///statuspage.db", tmp_path / "data") as database:
        database.write(lambda connection: connection.execute(public_ids.insert(), [{"name": f"{n}", "public": f"{n}"} for n in range(200)]))
    damage(file)
    before = file.read_bytes()
    with pytest.raises(StoreDamaged):
        async with Service(config_path=config, data_dir=tmp_path / "data"):
            pytest.fail("it began anew")
    assert file.read_bytes() == before


def test_a_file_that_was_damaged_is_never_taken_for_a_new_beginning(tmp_path: Path) -> None:
    (tmp_path / "statuspage.db.damaged-20260302T080000Z").touch()
    (tmp_path / "statuspage.db.damaged-20260302T080000Z-wal").touch()
    with pytest.raises(StoreError, match=r"kept as \S+damaged-20260302T080000Z:"), Store.blocking("sqlite:///statuspage.db", tmp_path):
        pytest.fail("it began anew")
    assert not (tmp_path / "statuspage.db").exists()


@pytest.mark.parametrize(
    "kept",
    [b"", b"{}", b'{"as_of": "x", "files": {"/": {"type": "a", "etag": "b", "gzip": "????"}}}', b"[" * 99999],
    ids=["empty", "bare", "broken", "deep"],
)
def test_a_last_page_that_is_not_whole_is_none(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / LAST_PAGE).write_bytes(kept)
    assert remains(tmp_path / LAST_PAGE).files == {}
