"""The service under systemd: the word that it gives, the log that journald reads, and the unit that starts it."""

import asyncio
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from statuspage.config.loading import load
from statuspage.supervisor import Supervisor
from tests.deadline import PATIENCE
from tests.statuspage.terminal import CHECKOUT, COMMAND, configured, statuspage

PLAIN = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Pacific/Kiritimati"}
"""The poorest surroundings: no letters beyond ASCII, and a zone fourteen hours ahead."""

REFUSE_EXEC_GAIN = (65, 1)
"""prctl(2): what MemoryDenyWriteExecute= of the unit asks for."""


class Heard:
    """The socket of a supervisor, and what was told there."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "notify")
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(self.path)
        self._line.settimeout(0)

    async def next(self) -> dict[str, str]:
        async with asyncio.timeout(PATIENCE):
            said = await asyncio.get_running_loop().sock_recv(self._line, 4096)
        return dict(line.split("=", 1) for line in said.decode().split("\n"))

    async def next_but_life(self) -> dict[str, str]:
        while (said := await self.next()) == {"WATCHDOG": "1"}:
            pass
        return said

    def close(self) -> None:
        self._line.close()


@asynccontextmanager
async def serving(directory: Path, heard: Heard) -> AsyncIterator[asyncio.subprocess.Process]:
    """``serve`` as the unit starts it, as far as that goes without systemd; its stderr, as journald's, in the file ``log``."""
    with (directory / "log").open("wb") as log:
        there = os.fstat(log.fileno())
        told = {"NOTIFY_SOCKET": heard.path, "WATCHDOG_USEC": "400000", "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        libc = ctypes.CDLL(None)
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", cwd=directory, stderr=log, stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), **PLAIN, **told},
            preexec_fn=lambda: libc.prctl(*REFUSE_EXEC_GAIN, 0, 0, 0),
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_systemd_is_told_how_it_is_and_journald_reads_whole_lines_in_any_locale(tmp_path: Path) -> None:
    file = configured(tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace("Example", "Müller & Söhne"), encoding="utf-8")
    heard = Heard(tmp_path)
    async with serving(tmp_path, heard) as process:
        ready = await heard.next()
        assert ready["READY"] == "1"
        assert re.match(r"page at http://127\.0\.0\.1:\d+/", ready["STATUS"])
        assert [await heard.next() for _ in range(3)] == [{"WATCHDOG": "1"}] * 3
        alive = await statuspage("alive", here=tmp_path)
        assert alive.code == 0
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+ answers\n", alive.out)

        file.write_text(file.read_text(encoding="utf-8") + "größe: 3\n", encoding="utf-8")
        reloading = await heard.next_but_life()
        assert reloading["RELOADING"] == "1"
        assert int(reloading["MONOTONIC_USEC"]) > 0
        after = await heard.next_but_life()
        assert after["READY"] == "1"
        assert "größe" in after["STATUS"]

        process.send_signal(signal.SIGTERM)
        assert (await heard.next_but_life())["STOPPING"] == "1"
        assert await process.wait() == 0
    heard.close()
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"<[3-6]>statuspage[.\w]*: \S", line) for line in lines), lines
    assert any(line.startswith("<3>") and "größe" in line for line in lines)
    gone, checked = await asyncio.gather(statuspage("alive", here=tmp_path), statuspage("check-config", here=tmp_path, environ=PLAIN))
    assert (gone.code, checked.code) == (1, 2)
    assert "größe" in checked.out + checked.err


async def test_nothing_is_said_while_nothing_is_at_work(tmp_path: Path) -> None:
    heard, work = Heard(tmp_path), iter((False, False, True))
    supervisor = Supervisor.of({"NOTIFY_SOCKET": heard.path, "WATCHDOG_USEC": "2000"})
    keeping = asyncio.create_task(supervisor.keep(lambda: next(work)))
    try:
        assert await heard.next() == {"WATCHDOG": "1"}
        assert next(work, None) is None
    finally:
        await asyncio.wait([keeping], timeout=PATIENCE)
        heard.close()
    assert isinstance(keeping.exception(), RuntimeError)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "3000000"},
        {"NOTIFY_SOCKET": "vsock:2:1234"},
    ],
)
async def test_without_a_supervisor_nobody_is_told(environ: dict[str, str]) -> None:
    supervisor = Supervisor.of(environ)
    supervisor.ready("well")
    await supervisor.keep(lambda: pytest.fail("nobody wants to know"))


def test_what_is_watched_is_this_process_alone() -> None:
    assert Supervisor.of({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}).patience == 30.0
    assert Supervisor.of({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).patience is None
    assert Supervisor.of({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}).patience is None


def test_one_that_does_not_listen_holds_up_nothing(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    Supervisor(address=str(tmp_path / "nobody")).stopping()
    assert "cannot be told STOPPING=1" in caplog.text


def shown(said: str, kind: str) -> str:
    """The block of this *kind* in docs/running.md that stands behind the comment that begins as *said*."""
    found = re.search(rf"<!-- {said}:.*?```{kind}\n(.*?)```", (CHECKOUT / "docs" / "running.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("beside", ["", "icmp.conf", "secrets.conf"])
def test_the_unit_is_a_good_one_and_gives_little_away(tmp_path: Path, beside: str) -> None:
    program = shutil.which("systemd-analyze")
    assert program, "systemd is not installed (Debian: apt install systemd)"
    own = str(Path(sys.executable).with_name("statuspage"))
    unit = (CHECKOUT / "config" / "systemd" / "statuspage.service").read_text(encoding="utf-8")
    placed, dropped = tmp_path / "statuspage.service", tmp_path / "statuspage.service.d"
    placed.write_text(unit.replace("/srv/statuspage/bin/statuspage", own), encoding="utf-8")
    if beside:
        dropped.mkdir()
        source = CHECKOUT / "config" / "systemd" / beside
        said = source.read_text(encoding="utf-8") if source.exists() else shown("drop-in", "ini")
        (dropped / beside).write_text(said, encoding="utf-8")
    # The exposure in tenths: below 20 it is called OK. With the right to ping, systemd finds more.
    most = 20 if beside == "icmp.conf" else 14
    for words in (["verify", "--man=no"], ["security", "--offline=yes", "--no-pager", f"--threshold={most}"]):
        done = subprocess.run([program, *words, placed], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_the_document_names_what_is_there(tmp_path: Path) -> None:
    """Its credentials are read where systemd puts them, the files that it copies exist, and the log's rating is the measured one."""
    said = shown("credentials", "yaml").replace("/run/credentials/statuspage.service", str(tmp_path))
    (tmp_path / "relay-password").write_text("geheim\n", encoding="utf-8")
    (tmp_path / "statuspage.yaml").write_text(said, encoding="utf-8")
    assert load(tmp_path / "statuspage.yaml", {}).config.credentials["relay"].password.reveal() == "geheim"
    copied = re.findall(r"^cp (config\S+)", shown("with systemd", "sh"), re.MULTILINE)
    assert copied
    assert all((CHECKOUT / path).is_file() for path in copied)
