"""The service as a whole: one at a time, and changed without a restart."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from statuspage.app import ASKED_FILE, MIDDLE_ROUNDS, YOUNG, CannotStart, Request, Service, spare_the_collector
from statuspage.config.loading import ConfigError
from statuspage.store.tables import results
from tests.deadline import until

HEAD = """
site: {name: Muster IT, url: "http://127.0.0.1:8080"}
defaults: {monitor: {every: 1s, timeout: 500ms, recheck: 100ms}}
services:
"""


def service_on(id: str, port: int) -> str:
    return f"  {id}: {{monitors: [{{probe: tcp, host: 127.0.0.1, port: {port}}}]}}\n"


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A port that accepts connections."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def running(directory: Path, *services: str) -> AsyncIterator[tuple[Service, Path]]:
    file = directory / "statuspage.yaml"
    file.write_text(HEAD + "".join(services), encoding="utf-8")
    async with Service(config_path=file, data_dir=directory / "data", public=("127.0.0.1", 0), internal=("127.0.0.1", 0)) as service:
        yield service, file


def known(service: Service) -> Callable[[str], bool]:
    return lambda id: id in service.hub.pipeline.situation.topology.services


async def test_a_second_service_on_the_same_data_is_refused_at_once(tmp_path: Path) -> None:
    async with listening() as port, running(tmp_path, service_on("web", port)):
        with pytest.raises(CannotStart, match="Another statuspage is running"):
            async with running(tmp_path, service_on("web", port)):
                pytest.fail("two services run on one data directory")


def test_the_collector_is_kept_from_what_stays_for_good() -> None:
    small, middle, great = gc.get_threshold()
    kept = [[number] for number in range(1000)]
    try:
        spare_the_collector()
        assert not any(one is kept for one in gc.get_objects())
        assert gc.get_threshold() == (YOUNG, middle, MIDDLE_ROUNDS)
    finally:
        gc.unfreeze()
        gc.set_threshold(small, middle, great)


async def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    async with listening() as port:
        file = tmp_path / "statuspage.yaml"
        file.write_text(HEAD + service_on("web", port), encoding="utf-8")
        with pytest.raises(CannotStart, match=f"Cannot listen on 127.0.0.1:{port}"):
            async with Service(config_path=file, data_dir=tmp_path / "data", public=("127.0.0.1", port)):
                pytest.fail("a taken port was listened on")


async def test_a_file_that_cannot_be_used_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        async with running(tmp_path, "  web: {nonsense: 1}\n"):
            pytest.fail("a bad file was served")
    assert not (tmp_path / "data").exists()


async def test_a_changed_file_is_taken_up_by_itself(tmp_path: Path) -> None:
    async with listening() as port, running(tmp_path, service_on("web", port)) as (service, file):
        await until(lambda: service.hub.pipeline.latest)
        due = service.hub.schedule.next_due("web-tcp", "local")
        file.write_text(HEAD + service_on("web", port) + service_on("mail", port), encoding="utf-8")
        await until(lambda: known(service)("mail"))
        assert service.hub.schedule.next_due("web-tcp", "local") >= due
        await until(lambda: ("mail-tcp", "local") in service.hub.pipeline.latest)
        await until(lambda: service.hub.press.shelf and b'"Mail"' in service.hub.press.shelf.files["/api/v2/summary.json"].body)


async def test_a_broken_file_leaves_the_last_good_one_running_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as port, running(tmp_path, service_on("web", port)) as (service, file):
        file.write_text(HEAD + "  web: {nonsense: 1}\n", encoding="utf-8")
        await until(lambda: not service.hub.is_reload_good)
        assert known(service)("web")
        assert "nonsense" in caplog.text
        assert not service.hub.health().is_reload_good
        file.write_text(HEAD + service_on("web", port), encoding="utf-8")
        await until(lambda: service.hub.is_reload_good)


async def test_taking_a_service_away_waits_until_it_is_accepted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as port, running(tmp_path, service_on("web", port), service_on("mail", port)) as (service, file):
        file.write_text(HEAD + service_on("web", port), encoding="utf-8")
        await until(lambda: not service.hub.is_reload_good)
        assert known(service)("mail")
        assert "removes service mail" in caplog.text
        Request(id="1", by="ada", occasion="reload", accepts_removals=True).leave(tmp_path / "data")
        await service.reload()
        assert not known(service)("mail")
        assert not (tmp_path / "data" / ASKED_FILE).exists()


async def test_an_open_incident_survives_a_restart_and_a_recovery_ends_it(tmp_path: Path) -> None:
    async with listening() as port:
        pass
    async with running(tmp_path, service_on("web", port)) as (service, _):
        await until(lambda: service.hub.pipeline.situation.incidents)
        (before,) = service.hub.pipeline.situation.incidents.values()
    async with running(tmp_path, service_on("web", port)) as (service, _):
        (after,) = service.hub.pipeline.situation.incidents.values()
        assert (after.id, after.started_at, after.updates) == (before.id, before.started_at, before.updates)
        shelf = service.hub.press.shelf
        assert shelf is not None
        assert f"/incidents/{before.id}" in shelf.files


async def test_a_monitor_that_is_taken_away_ends_its_incident_and_says_so(tmp_path: Path) -> None:
    async with listening() as port:
        pass
    async with listening() as other, running(tmp_path, service_on("web", port), service_on("mail", other)) as (service, file):
        await until(lambda: service.hub.pipeline.situation.incidents)
        (incident,) = service.hub.pipeline.situation.incidents
        Request(id="1", by="ada", occasion="reload", accepts_removals=True).leave(tmp_path / "data")
        file.write_text(HEAD + service_on("mail", other), encoding="utf-8")
        await until(lambda: not service.hub.pipeline.situation.incidents)
        await until(lambda: b"no longer monitor" in page_of(service, incident))


def page_of(service: Service, incident: str) -> bytes:
    shelf = service.hub.press.shelf
    return b"" if shelf is None else shelf.files[f"/incidents/{incident}"].body


async def test_results_past_their_retention_are_forgotten(tmp_path: Path) -> None:
    async with listening() as port, running(tmp_path, service_on("web", port)) as (service, _):
        hub = service.hub
        await until(lambda: hub.pipeline.situation.seen)
        slot = max(hub.pipeline.situation.seen.values())
        await until(lambda: max(hub.pipeline.situation.seen.values()) > slot)  # for the newest of each monitor is never forgotten
        await hub.upkeep.forget(slot + timedelta(days=13))
        assert await hub.store.read(lambda connection: kept(connection, slot)) > 0
        await hub.upkeep.forget(slot + timedelta(days=15))
        assert await hub.store.read(lambda connection: kept(connection, slot)) == 0


def kept(connection: Connection, until: datetime) -> int:
    """How many raw results there are, up to the slot *until*."""
    rows = select(func.count()).select_from(results).where(results.c.slot <= int(until.timestamp() * 1000))
    return connection.execute(rows).scalar_one()
