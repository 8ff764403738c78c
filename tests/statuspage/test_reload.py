"""A configuration taken into use at a bad moment: the pages go on, a store that is away is waited for, the newest file wins."""

import asyncio
import re
import sqlite3
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from incidents import pausing
from incidents.model import Status, Subject, Topology
from incidents.policy import Policy
from incidents.rollup import standing
from statuspage.app import Service
from statuspage.config.loading import Loaded
from statuspage.picture.components import component_rows
from statuspage.render.metrics import Metrics
from statuspage.store import connect
from statuspage.store.carrying import Carry
from statuspage.store.configurations import CHANGED, Origin, newest_versions
from tests.deadline import until
from tests.rude.certificates import Certificates
from tests.rude.postbox import Postbox

PATIENCE = 20.0

HEAD = """
site: {name: Muster IT, url: "http://127.0.0.1:8080"}
defaults: {monitor: {every: 60s, timeout: 500ms}}
services:
"""


def written(file: Path, *services: str) -> Path:
    """Services that watch a port where nothing listens."""
    lines = (f"  {id}: {{monitors: [{{probe: tcp, host: 127.0.0.1, port: 9}}]}}\n" for id in services)
    file.write_text(HEAD + "".join(lines), encoding="utf-8")
    return file


def serving(directory: Path, *services: str) -> Service:
    file = written(directory / "statuspage.yaml", *services)
    return Service(config_path=file, data_dir=directory / "data", public=("127.0.0.1", 0), internal=("127.0.0.1", 0))


def services_of(service: Service) -> set[str]:
    return set(service.hub.pipeline.situation.topology.services)


async def test_a_page_made_in_the_middle_of_it_knows_every_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, "web", "mail") as service:
        hub = service.hub
        replace, pages = hub.pipeline.replace, []

        async def replaced(topology: Topology, policy: Policy, carry: Carry) -> None:
            await hub.press.issue()
            await replace(topology, policy, carry)
            pages.append((await hub.press.issue()).files["/api/v2/components.json"].body)

        monkeypatch.setattr(type(hub.pipeline), "replace", lambda _, *given: replaced(*given))
        written(service.config_path, "web", "mail", "portal")
        await until(lambda: pages)
        assert b'"Portal"' in pages[0]
        assert hub.pipeline.figures.crashed_turns == 0


async def test_a_file_that_changes_while_the_store_is_away_is_used_when_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "PATIENCE", 0.2)
    async with serving(tmp_path, "web") as service:
        (store,) = (tmp_path / "data").glob("*.db")
        held = sqlite3.connect(store, isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        written(service.config_path, "web", "mail")
        await until(lambda: not service.hub.is_reload_good)
        held.execute("ROLLBACK")
        held.close()
        await until(lambda: services_of(service) == {"web", "mail"} and service.hub.is_reload_good)


async def test_of_two_at_once_the_newest_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, "web") as service:
        apply, begun = service.hub.apply, asyncio.Event()

        async def slowly(loaded: Loaded, origin: Origin) -> None:
            if not begun.is_set():
                begun.set()
                await asyncio.sleep(0.5)
            await apply(loaded, origin)

        monkeypatch.setattr(type(service.hub), "apply", lambda _, loaded, origin: slowly(loaded, origin))
        written(service.config_path, "web", "mail")
        first = asyncio.create_task(service.reload())
        await begun.wait()
        written(service.config_path, "web", "mail", "portal")
        await asyncio.gather(first, service.reload())
        assert services_of(service) == {"web", "mail", "portal"}


async def test_the_worst_lag_is_told_once(tmp_path: Path) -> None:
    async with serving(tmp_path, "web") as service, ClientSession(service.internal_url) as session:
        service.hub.schedule.pace.worst_lag = 42.0
        told = []
        for _ in range(2):
            async with session.get("/metrics") as answer:
                told += re.findall(r"^statuspage_loop_lag_seconds (\S+)", await answer.text(), re.MULTILINE)
    assert float(told[0]) == 42.0
    assert float(told[1]) < 10


async def test_a_scrape_is_spelled_while_everything_else_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun, may_end, spell = threading.Event(), threading.Event(), Metrics.text

    def slowly(self: Metrics, *known: object) -> bytes:
        has_begun.set()
        assert may_end.wait(PATIENCE), "the event loop stood still"
        return spell(self, *known)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Metrics, "text", slowly)
    async with serving(tmp_path, "web") as service, ClientSession(service.internal_url) as session:
        scrape = asyncio.create_task(session.get("/metrics"))
        assert await asyncio.to_thread(has_begun.wait, PATIENCE)
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        assert not scrape.done()
        may_end.set()
        async with await scrape as answer:
            assert "statuspage_service_status" in await answer.text()


async def test_a_paused_monitor_is_not_probed_until_it_is_resumed_also_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path, "web", "mail") as service:
        hub = service.hub
        await hub.pipeline.act(partial(pausing.pause, monitor="web-tcp", by="ada", reason="new disks"))
        with pytest.raises(KeyError):
            hub.schedule.next_due("web-tcp", "local")
        assert hub.schedule.next_due("mail-tcp", "local")
    async with serving(tmp_path, "web", "mail") as service:
        hub = service.hub
        with pytest.raises(KeyError):
            hub.schedule.next_due("web-tcp", "local")
        await hub.pipeline.act(partial(pausing.resume, monitor="web-tcp", by="ada"))
        assert hub.schedule.next_due("web-tcp", "local")


async def test_a_disabled_monitor_is_not_probed_and_its_component_unknown(tmp_path: Path) -> None:
    async with serving(tmp_path, "web", "mail") as service:
        text = service.config_path.read_text(encoding="utf-8")
        service.config_path.write_text(text.replace("{probe: tcp,", "{probe: tcp, enabled: false,", 1), encoding="utf-8")
        await service.reload()
        hub = service.hub
        with pytest.raises(KeyError):
            hub.schedule.next_due("web-tcp", "local")
        assert hub.schedule.next_due("mail-tcp", "local")
        assert standing(hub.pipeline.situation, Subject.COMPONENT, "web") is Status.UNKNOWN
        assert [row.cause for row in component_rows(hub.pipeline.situation)["web"].monitors] == ["disabled in the configuration"]


async def test_a_renamed_service_takes_its_incident_and_its_public_id_with_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "web", "mail") as service:
        hub = service.hub
        await until(lambda: hub.pipeline.situation.incidents.keys() and len(hub.pipeline.situation.incidents) == 2)
        before = {incident.root: incident.id for incident in hub.pipeline.situation.incidents.values()}
        public_id, seen = hub.press.public_ids["web"], hub.pipeline.situation.seen["web-tcp", "local"]
        text = service.config_path.read_text(encoding="utf-8").replace("  web: {", "  site: {moved_from: web, ")
        service.config_path.write_text(text, encoding="utf-8")
        await service.reload()
        assert hub.is_reload_good
        situation = hub.pipeline.situation
        assert {incident.root: incident.id for incident in situation.incidents.values()} == {"site": before["web"], "mail": before["mail"]}
        assert situation.seen["site-tcp", "local"] >= seen
        assert hub.press.public_ids["site"] == public_id
        assert before["web"] in (await hub.press.issue()).files["/api/v2/incidents/unresolved.json"].body.decode()
        await service.reload()
        assert {incident.id for incident in hub.pipeline.situation.incidents.values()} == set(before.values())


async def test_a_monitor_that_is_to_measure_something_else_knows_nothing_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, "web") as service:
        hub = service.hub
        await until(lambda: hub.pipeline.situation.incidents)
        hub.schedule.replace((), {})
        text = service.config_path.read_text(encoding="utf-8")
        service.config_path.write_text(text.replace("every: 60s", "every: 59s"), encoding="utf-8")
        monkeypatch.setattr(type(hub.schedule), "replace", lambda *_: None)  # nothing is probed any more: only the edit speaks
        await service.reload()
        assert standing(hub.pipeline.situation, Subject.COMPONENT, "web") is Status.MAJOR
        service.config_path.write_text(text.replace("port: 9", "port: 10"), encoding="utf-8")
        await service.reload()
        assert standing(hub.pipeline.situation, Subject.COMPONENT, "web") is Status.UNKNOWN
        assert [incident.recovered_at for incident in hub.pipeline.situation.incidents.values()] == [None]


@dataclass
class Guard:
    """Lets nobody send mail but by its present password."""

    password: str

    def __call__(self, _: SMTP, __: Session, ___: Envelope, ____: str, shown: LoginPassword) -> AuthResult:
        return AuthResult(success=shown == LoginPassword(b"status", self.password.encode()), handled=False)


async def test_another_password_is_used_without_a_restart_for_mail_and_for_probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, guard, secret = Certificates(tmp_path), Guard("of-monday"), tmp_path / "mail.secret"
    monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
    options: dict[str, Any] = {"tls_context": made.good(), "require_starttls": True, "authenticator": guard, "auth_required": True}
    secret.write_text("of-monday\n")
    async with Postbox(options=options).opened() as postbox:
        file = tmp_path / "statuspage.yaml"
        file.write_text(
            f"""site: {{name: Muster IT, url: "http://127.0.0.1:8080"}}
credentials: {{status: {{user: status, password: {{file: mail.secret}}}}}}
mail: {{host: localhost, port: {postbox.port}, login: status, from: "Us <us@example.net>"}}
monitors: {{submission: {{probe: smtp, host: localhost, port: {postbox.port}, login: status, every: 1h}}}}
"""
        )
        service = Service(config_path=file, data_dir=tmp_path / "data", public=("127.0.0.1", 0), internal=("127.0.0.1", 0))
        async with service, ClientSession(service.public_url) as browser:
            seen = service.hub.schedule.next_due("submission", "local")
            await browser.post("/subscribe", data={"address": "anna@example.org", "floor": "degraded_performance"})
            await until(lambda: postbox.to("anna@example.org"))
            guard.password = "of-tuesday"
            secret.write_text("of-tuesday\n")
            await until(lambda: service.hub.deliverer.lines["mail"].settings.password.reveal() == "of-tuesday")
            await browser.post("/subscribe", data={"address": "berta@example.org", "floor": "degraded_performance"})
            await until(lambda: postbox.to("berta@example.org"))
            (plan,) = service.hub.plans()
            assert vars(plan.settings)["login"].password.reveal() == "of-tuesday"
            assert service.hub.schedule.next_due("submission", "local") == seen, "the cadence goes on"
            assert len(await service.hub.store.read(lambda connection: newest_versions(connection, 9))) == 1, "the file is as it was"
            secret.write_text("")
            await until(lambda: not service.hub.is_reload_good)
            assert service.hub.deliverer.lines["mail"].settings.password.reveal() == "of-tuesday", "the last good one goes on"


async def test_every_version_says_on_what_occasion_it_came_into_use(tmp_path: Path) -> None:
    async with serving(tmp_path, "web") as service:
        written(service.config_path, "web", "mail")
        await until(lambda: services_of(service) == {"web", "mail"})
        newest, first = await service.hub.store.read(lambda connection: newest_versions(connection, 9))
        assert (first.number, first.origin.occasion, newest.number, newest.origin) == (1, "start", 2, CHANGED)
        assert newest.text == service.config_path.read_text()
