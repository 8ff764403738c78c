"""The demo as a newcomer has it: a process of its own, a second terminal, Ctrl-C."""

import asyncio
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

STATUSPAGE = (sys.executable, "-m", "statuspage")


@dataclass(kw_only=True)
class Demo:
    process: asyncio.subprocess.Process
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)

    async def hear(self, words: str, within: float) -> None:
        """Wait until the terminal has said a line with *words*."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within):
            while not any(words in line for line in self.said):
                line = await self.process.stdout.readline()
                assert line, self.said
                self.said.append(line.decode().rstrip())

    def address(self, name: str) -> str:
        return next(match[1] for line in self.said if (match := re.match(rf"{name}\s+(http://\S+)", line)))

    async def order(self, *words: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *STATUSPAGE, "demo", *words, "--json", env=self.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err
        told: dict[str, Any] = json.loads(out)
        return told

    async def ports(self) -> list[int]:
        servers = [int(row["address"].rpartition(":")[2]) for row in (await self.order("status"))["items"]]
        pages = [int(self.address(name).rstrip("/").rpartition(":")[2]) for name in ("Public page", "Console", "Demo page")]
        return servers + pages


@asynccontextmanager
async def demo(directory: Path, *options: str) -> AsyncIterator[Demo]:
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(directory), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        *(*STATUSPAGE, "demo", *options), env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    running = Demo(process=process, environ=environ)
    try:
        await running.hear("Ctrl-C ends it.", within=30)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _ends_well(running: Demo, number: signal.Signals) -> None:
    running.process.send_signal(number)
    async with asyncio.timeout(15):
        rest, _ = await running.process.communicate()
    said = "\n".join(running.said) + rest.decode()
    assert running.process.returncode == 0, said
    assert "the demo has ended" in said
    assert "Traceback" not in said


async def _until(is_so: Callable[[], Awaitable[bool]], within: float) -> None:
    async with asyncio.timeout(within):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0.1)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_newcomer_breaks_something_sees_it_everywhere_mends_it_and_leaves(tmp_path: Path) -> None:
    async with demo(tmp_path, "--data-dir", str(tmp_path / "kept")) as running, aiohttp.ClientSession() as browser:
        public = running.address("Public page")
        assert "Sending" in await (await browser.get(public)).text()
        await running.order("break", "outgoing-mail")
        await running.hear("outgoing-mail is broken", within=5)
        await running.hear("incident opened: Email", within=15)
        summary = await (await browser.get(f"{public}api/v2/summary.json")).json()
        assert summary["incidents"][0]["name"].startswith("Email")
        assert summary["incidents"][0]["name"] in await (await browser.get(public)).text()
        assert "<item>" in await (await browser.get(running.address("RSS"))).text()
        await running.order("mend", "all")
        await running.hear("monitoring", within=20)
        ports = await running.ports()
        assert [await _answers(port) for port in ports] == [True] * 8
        await _ends_well(running, signal.SIGINT)
        assert [await _answers(port) for port in ports] == [False] * 8
        assert not (tmp_path / "statuspage" / "demo.json").exists()
        assert (tmp_path / "kept" / "statuspage.db").exists()


async def test_the_printed_commands_look_behind_the_page(tmp_path: Path) -> None:
    async with demo(tmp_path, "--data-dir", str(tmp_path / "kept it")) as running:
        printed = [line.strip() for line in running.said if " --config " in line]
        assert len(printed) == 3
        for line in printed:
            words = shlex.split(line)
            process = await asyncio.create_subprocess_exec(
                *(word.replace("INCIDENT", "nonenonenone") for word in words),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
            is_explained = "explain" in words
            assert (process.returncode, b"there is no incident" in err) == (int(is_explained), is_explained), (line, err)
            assert is_explained or b"Email" in out or b"email" in out
        await _ends_well(running, signal.SIGINT)


async def test_the_printed_agent_may_log_in_at_the_console(tmp_path: Path) -> None:
    async with demo(tmp_path) as running, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        login = next(line for line in running.said if line.startswith("Console"))
        name, password = re.findall(r"name: (\S+), password: (\S+)\)", login)[0]
        console = running.address("Console")
        form = await (await browser.get(f"{console}login")).text()
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
        typed = {**hidden, "name": name, "password": password}
        answer = await browser.post(f"{console}login", data=typed, headers={"Origin": console.rstrip("/")})
        assert answer.status == 200, await answer.text()
        assert not answer.url.path.startswith("/login")
        await _ends_well(running, signal.SIGTERM)


async def test_a_killed_demo_leaves_no_server_behind_and_its_run_file_is_known_to_be_stale(tmp_path: Path) -> None:
    async with demo(tmp_path) as running:
        ports = await running.ports()
        running.process.kill()
        await running.process.wait()

        async def none_answers() -> bool:
            return not any([await _answers(port) for port in ports])

        await _until(none_answers, within=20)
        asking = await asyncio.create_subprocess_exec(
            *STATUSPAGE, "demo", "status", env=running.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asking.communicate()
        assert (asking.returncode, out) == (1, b"")
        assert err.decode().count("\n") == 1
        assert "does not answer any more: start it again" in err.decode()


async def test_a_second_run_on_the_same_directory_starts_well(tmp_path: Path) -> None:
    for _ in range(2):
        async with demo(tmp_path, "--data-dir", str(tmp_path / "kept")) as running:
            await _ends_well(running, signal.SIGINT)


@pytest.mark.parametrize("option", ["--public-port", "--internal-port"])
async def test_a_taken_port_gives_one_clear_line(tmp_path: Path, option: str) -> None:
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        assert (
            await _refused(tmp_path, option, str(port))
            == f"{option} {port}: 127.0.0.1:{port} cannot be listened on: Address already in use\n"
        )


async def test_an_unwritable_directory_gives_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "inside"
    assert await _refused(tmp_path, "--data-dir", str(place)) == f"{place} cannot be written to: Not a directory\n"


async def test_missing_mail_servers_give_one_clear_line(tmp_path: Path) -> None:
    without = "import sys, importlib.util as u; find = u.find_spec; u.find_spec = lambda n, *a: None if n == 'pymap' else find(n, *a); "
    line = await _refused(
        tmp_path, command=(sys.executable, "-c", f"{without}sys.argv[1:] = ['demo']; from statuspage.cli.main import main; main()")
    )
    assert line == "the demo needs its mail servers: pip install 'statuspage-service[demo]'\n"


async def _refused(directory: Path, *options: str, command: tuple[str, ...] = (*STATUSPAGE, "demo")) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        *options,
        env={**os.environ, "XDG_RUNTIME_DIR": str(directory)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b""), err
    return err.decode()
