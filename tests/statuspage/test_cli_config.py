"""Change told beforehand, looked back upon and taken back, beside a service that runs."""

import asyncio
import errno
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import typer

from statuspage.app import Request, Service
from statuspage.cli.versions import _drafts, rollback
from statuspage.clock import wall_clock
from statuspage.config.loading import load, topology
from statuspage.config.replacing import replace
from statuspage.config.sources import read
from statuspage.hub import apply_version
from statuspage.picture.audience import Wish
from statuspage.store import acts
from statuspage.store.configurations import START, Origin, Version
from statuspage.store.engine import Store
from statuspage.store.subscribers import subscribe
from tests.deadline import until
from tests.statuspage.terminal import statuspage

FIRST = """# kept by hand
site: {name: Example, url: "http://127.0.0.1:1"}
listen: {public: "127.0.0.1:0", internal: "127.0.0.1:0"}
defaults: {monitor: {every: 1h, timeout: 500ms, recheck: 100ms}}
services:
  web: {monitors: [{probe: tcp, host: 127.0.0.1, port: 9}]}  # nothing listens there
  mail: {monitors: [{probe: tcp, host: 127.0.0.1, port: 9}]}
monitors:
  bridge: {probe: tcp, host: 127.0.0.1, port: 9}
"""
"""A company where everything is down."""


def kept_in(here: Path) -> list[Path]:
    return list(here.glob("statuspage.yaml.*.kept"))


@asynccontextmanager
async def running(here: Path) -> AsyncIterator[Service]:
    """The service as ``serve`` runs it; the signal of ``reload`` comes by its own process, which is this one."""
    async with Service(config_path=here / "statuspage.yaml", data_dir=here / "data") as service:
        loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[None]]()
        loop.add_signal_handler(signal.SIGHUP, lambda: tasks.add(asyncio.ensure_future(service.reload())))
        try:
            yield service
            await asyncio.gather(*tasks)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)


async def test_a_change_is_told_beforehand_and_taken_back_in_the_end(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FIRST)
    async with running(tmp_path) as service:
        await until(lambda: len(service.hub.pipeline.situation.incidents) == 2)
        wish = Wish(services=frozenset({"mail"}))
        anna = partial(subscribe, channel="mail", address="anna@example.org", wish=wish, language="en", at=wall_clock())
        await service.hub.store.write(anna)

        draft = tmp_path / "draft.yaml"
        second = FIRST.replace("every: 1h", "every: 30m").replace('127.0.0.1:0"}', '127.0.0.1:1"}')
        second = second.replace("  mail: {monitors: [{probe: tcp, host: 127.0.0.1, port: 9}]}\n", "")
        second = second.replace("  bridge: {probe: tcp, host: 127.0.0.1, port: 9}", "  bridge: {probe: tcp, host: 127.0.0.1, port: 10}")
        draft.write_text(second)
        told = await statuspage("check-config", "draft.yaml", here=tmp_path)
        assert told.code == 0, told.err
        for line in (
            "defaults: monitor.every 1h → 30m",
            "removes service mail",
            "it removes service mail; waits for `statuspage reload --accept-removals`",
            "it removes monitor mail-tcp, which has the open incident",
            "1 subscriber asked for service mail and would hear nothing of it any more",
            "monitor bridge measures something else than before, and is unknown until its first results",
            "what changed in `listen` takes effect at the next start, not by a reload",
        ):
            assert line in told.out
        change = json.loads((await statuspage("check-config", "draft.yaml", "--json", here=tmp_path)).out)["change"]
        assert (change["version"], change["waits"], change["differences"][1]["kind"]) == (1, True, "changed")
        assert "says the same as version 1" in (await statuspage("check-config", here=tmp_path)).out

        Request(id="1", by="ada", occasion="reload").leave(tmp_path / "data")
        file.write_text(FIRST + "known_errors: {full: {services: [mail], symptom: Full, workaround: Empty it, say: Empty it}}\n")
        await until(lambda: "full" in service.hub.loaded.config.known_errors)
        listed = await statuspage("config", "history", here=tmp_path)
        assert re.search(r"^2 .* ada +reload +adds known error full$", listed.out, re.MULTILINE), listed.out
        assert (await statuspage("config", "diff", "1", "2", here=tmp_path)).out.endswith("  adds known error full\n")

        file.write_text("nonsense: [\n")  # what the way back is for
        back = await statuspage("config", "rollback", "1", here=tmp_path)
        assert back.code == 0, back.err
        assert file.read_text() == FIRST, "comments and all"
        (kept,) = kept_in(tmp_path)
        assert kept.read_text() == "nonsense: [\n"
        assert not service.hub.loaded.config.known_errors
        rows = json.loads((await statuspage("config", "history", "--json", here=tmp_path)).out)["items"]
        assert [(row["version"], row["occasion"]) for row in rows] == [(3, "rollback to version 1"), (2, "reload"), (1, "start")]
        assert rows[0]["by"]
        audited = await service.hub.store.read(lambda connection: acts.read_audit(connection, before=None, limit=1))
        assert (audited[0].act, audited[0].subject, audited[0].detail["occasion"]) == (
            "apply configuration",
            "version 3",
            "rollback to version 1",
        )


def test_looking_for_versions_where_there_are_none_makes_no_store(tmp_path: Path) -> None:
    for words in (("history",), ("rollback", "1")):
        ended = asyncio.run(statuspage("config", *words, here=tmp_path))
        assert (ended.code, "there is no store in data yet" in ended.err) == (2, True), ended
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_taken_back_is_said_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FIRST.replace("services:", "credentials: {ops: {user: ops, password: {file: ops.secret}}}\nservices:"))
    (tmp_path / "ops.secret").write_text("geheim")
    async with running(tmp_path) as service:
        more = FIRST + "  lamp: {probe: tcp, host: 127.0.0.1, port: 9}\n"
        more = more.replace("monitors:\n  bridge", "  portal: {monitors: [{probe: tcp, host: 127.0.0.1, port: 9}]}\nmonitors:\n  bridge")
        file.write_text(more)
        await until(lambda: "portal" in service.hub.loaded.config.services)
        (tmp_path / "ops.secret").unlink()
        refused = await statuspage("config", "rollback", "1", here=tmp_path)
        assert refused.code == 2
        assert "version 1 cannot be used any more, and nothing was changed" in refused.err
        assert "ops.secret" in refused.err
        (tmp_path / "ops.secret").write_text("geheim")
        waits = await statuspage("config", "rollback", "1", here=tmp_path)
        assert waits.code == 1
        assert "removes service portal; use `--accept-removals`" in waits.err
        assert file.read_text() == more
        assert not kept_in(tmp_path)
        assert (await statuspage("config", "rollback", "7", here=tmp_path)).err == "there is no version 7; the newest is 2\n"
        taken = await statuspage("config", "rollback", "1", "--accept-removals", here=tmp_path)
        assert taken.code == 0, taken.err
        assert "portal" not in service.hub.loaded.config.services


def test_where_the_disk_is_full_half_way_all_files_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house, data = tmp_path / "conf", tmp_path / "data"
    house.mkdir()
    parts = {"a.yaml": "site: {name: Example, url: 'http://127.0.0.1:1'}\n", "b.yaml": "monitors: {}\n"}
    for name, words in parts.items():
        (house / name).write_text(words)
    loaded = load(house, {})
    with Store.blocking("sqlite:///statuspage.db", data) as database:
        database.write(lambda connection: apply_version(connection, loaded, topology(loaded.config), wall_clock(), START))
    for name, words in parts.items():
        (house / name).write_text(f"# later\n{words}")
    fills_up = iter([None, OSError(errno.ENOSPC, "No space left on device"), None, None])

    def put(file: Path, words: str) -> None:
        if trouble := next(fills_up):
            raise trouble
        replace(file, words)

    monkeypatch.setattr("statuspage.cli.versions.replace", put)
    with pytest.raises(typer.Exit):
        rollback(1, accepts_removals=False, config=house, data_dir=data)
    assert {path.name: path.read_text() for path in house.iterdir()} == {name: f"# later\n{words}" for name, words in parts.items()}


def test_a_directory_is_given_back_file_by_file(tmp_path: Path) -> None:
    house = tmp_path / "conf"
    house.mkdir()
    for name, text in {"a.yaml": "site: {}\n", "b.yaml": "monitors: {}\n"}.items():
        (house / name).write_text(text)
    version = Version(number=1, at=wall_clock(), text=read(house).text, origin=Origin(occasion="start"))
    shutil.move(house / "b.yaml", house / "c.yaml")
    wanted = {house / "a.yaml": "site: {}\n", house / "b.yaml": "monitors: {}\n", house / "c.yaml": None}
    assert _drafts(version, house) == wanted
    assert read(house, wanted).text == version.text
