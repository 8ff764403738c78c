"""A service that was stopped by a signal goes on as if nothing had been: no burst, and what it did not see is unknown."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, select

from incidents.impairment import Hindrance
from incidents.model import Status, Subject
from statuspage.store.engine import Store
from statuspage.store.tables import impairments, status_changes
from tests.deadline import until
from tests.rude.peer import Peer, rude

EVERY = 1.2
STOPPED_FOR = 12.0
"""Ten intervals: more than the silence that is still taken for health, and more than an absence that need not be told."""


@contextmanager
def serving(config: Path, data_dir: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "statuspage", "serve", "--config", str(config), "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(20)


def statuses(data_dir: Path) -> list[Status]:
    def read(connection: Connection) -> list[Status]:
        of_service = select(status_changes.c.new).where(status_changes.c.subject == Subject.SERVICE).order_by(status_changes.c.sequence)
        return list(connection.execute(of_service).scalars())

    with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
        return database.read(read)


def records(data_dir: Path) -> list[tuple[str, float]]:
    """Why and for how many seconds our own monitoring was impaired."""

    def read(connection: Connection) -> list[tuple[str, float]]:
        found = connection.execute(select(impairments).order_by(impairments.c.sequence))
        return [(row.reason, (row.until - row.since).total_seconds()) for row in found]

    with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
        return database.read(read)


async def test_ten_intervals_under_a_stop_signal_make_no_burst_and_are_unknown(tmp_path: Path) -> None:
    loop, began = asyncio.get_running_loop(), list[float]()

    async def greet(peer: Peer) -> None:
        began.append(loop.time())
        await peer.say(b"220 here\r\n")

    async with rude(greet) as target:
        config, data_dir = tmp_path / "statuspage.yaml", tmp_path / "data"
        monitor = {"probe": "tcp", "host": "127.0.0.1", "port": target.port, "every": "1200ms", "timeout": "200ms", "recheck": "100ms"}
        said = {
            "site": {"name": "Example", "url": "http://127.0.0.1"},
            "listen": {"public": "127.0.0.1:0", "internal": "127.0.0.1:0"},
            "services": {"storage": {"monitors": [monitor]}},
        }
        config.write_text(json.dumps(said), encoding="utf-8")
        with serving(config, data_dir) as process:
            await until(lambda: len(began) >= 4)
            os.kill(process.pid, signal.SIGSTOP)
            stopped = loop.time()
            await until(lambda: loop.time() > stopped + STOPPED_FOR)
            before = len(began)
            os.kill(process.pid, signal.SIGCONT)
            await until(lambda: len(began) >= before + 6)
            after = began[before:]
            await until(lambda: statuses(data_dir)[-2:] == [Status.UNKNOWN, Status.OPERATIONAL])
    assert min(later - earlier for earlier, later in itertools.pairwise(after)) > EVERY / 4
    assert statuses(data_dir) == [Status.OPERATIONAL, Status.UNKNOWN, Status.OPERATIONAL]
    ((reason, lasted),) = records(data_dir)
    assert reason == Hindrance.ABSENT
    assert abs(lasted - STOPPED_FOR) < 2.5
