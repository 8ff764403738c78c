"""A real Alertmanager in a process of its own, that passes on all that it is told to a webhook of the tests."""

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

_STARTS_WITHIN = 60.0


@dataclass(slots=True, kw_only=True)
class Alertmanager:
    """One that runs at *url*."""

    url: str
    session: ClientSession

    async def take(self, *alerts: dict[str, Any]) -> None:
        """Be told of *alerts*, as Prometheus tells."""
        async with self.session.post(f"{self.url}/api/v2/alerts", json=alerts) as answer:
            assert answer.status == 200, await answer.text()

    async def firing(self) -> list[dict[str, Any]]:
        """What goes on, by its own account."""
        async with self.session.get(f"{self.url}/api/v2/alerts", params={"active": "true"}) as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def failures(self) -> float:
        """How many messages to the webhook failed."""
        async with self.session.get(f"{self.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        failed = (line for line in lines if line.startswith("alertmanager_notifications_failed_total{"))
        return sum(float(line.split()[-1]) for line in failed)


@asynccontextmanager
async def alertmanager(directory: Path, webhook: str, token: str) -> AsyncIterator[Alertmanager]:
    """Run Alertmanager with its files in *directory*; it passes everything on to *webhook*, at once, with *token*."""
    told = {"url": webhook, "send_resolved": True, "http_config": {"authorization": {"credentials": token}}}
    configured = {
        "route": {"receiver": "desk", "group_by": ["alertname"], "group_wait": "1ms", "group_interval": "200ms", "repeat_interval": "1s"},
        "receivers": [{"name": "desk", "webhook_configs": [told]}],
    }
    process, port = _started(directory, configured)
    async with ClientSession() as session:
        try:
            await _answering(session, f"http://127.0.0.1:{port}", process, directory / "log")
            yield Alertmanager(url=f"http://127.0.0.1:{port}", session=session)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 20)


def _started(directory: Path, configured: object) -> tuple[subprocess.Popen[bytes], int]:
    directory.mkdir()
    configuration = directory / "alertmanager.yml"
    configuration.write_text(json.dumps(configured), encoding="utf-8")  # JSON is YAML
    port = _free_port()
    arguments = [
        *(f"--config.file={configuration}", f"--storage.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=",
    ]
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(["prometheus-alertmanager", *arguments], stdout=log, stderr=log), port


async def _answering(session: ClientSession, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            async with session.get(f"{url}/-/ready") as answer:
                if answer.status == 200:
                    return
        except ClientError:
            await asyncio.sleep(0.05)
    said = await asyncio.to_thread(log.read_text, encoding="utf-8")
    raise AssertionError(f"Alertmanager does not answer: {said[-2000:]}")


def fired(labels: dict[str, str], at: datetime, until: datetime | None = None) -> dict[str, Any]:
    """An alert as Prometheus sends it."""
    told = {"labels": labels, "annotations": {"summary": "The queue grows"}, "startsAt": at.isoformat()}
    return told if until is None else {**told, "endsAt": until.isoformat()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
