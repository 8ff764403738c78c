import asyncio
import json
import os
import shutil
import signal
import sys
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest

from statuspage.demo.modes import Mode
from tests.statuspage.terminal import CHECKOUT, COMMAND, configured, statuspage

CONTRACT = Path(__file__).parent / "contract"


async def test_version_is_printed(tmp_path: Path) -> None:
    assert (await statuspage("--version", here=tmp_path)).out == f"{version('statuspage-service')}\n"


async def test_help_names_every_command(tmp_path: Path) -> None:
    said = (await statuspage("--help", here=tmp_path)).out
    for command in ("serve", "reload", "demo", "check-config", "schema", "probe", "kinds", "replay", "page", "agents", "tokens"):
        assert f" {command} " in said


@pytest.mark.parametrize("words", [(), ("page",), ("maintenance", "list"), ("demo", "break")])
async def test_help_shows_no_type_where_there_is_nothing_to_type(tmp_path: Path, words: tuple[str, ...]) -> None:
    said = (await statuspage(*words, "--help", here=tmp_path)).out
    assert "--help" in said
    assert "bool" not in said


async def test_help_names_the_ways_in_which_a_server_breaks(tmp_path: Path) -> None:
    said = (await statuspage("demo", "break", "--help", here=tmp_path, environ={"COLUMNS": "200"})).out
    assert all(mode in said for mode in Mode)


async def test_help_waits_for_nothing_heavy(checkout: Path) -> None:
    """What ``--help`` needs is loaded here; the rest is loaded by the command that needs it."""
    heavy = {"aiohttp", "alembic", "jinja2", "pydantic", "sqlalchemy"}
    program = f"import sys, statuspage.cli.main; print(sorted({heavy} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=checkout, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out == b"[]\n"


@pytest.mark.parametrize("words", [("nonsense",), ("probe",), ("demo", "break"), ("agents", "add"), ("tokens", "create", "x")])
async def test_misuse_leaves_with_two_and_says_how(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = await statuspage(*words, here=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage:" in ended.err


async def test_a_good_configuration_is_counted_and_what_is_not_active_named(tmp_path: Path) -> None:
    ended = await statuspage("check-config", str(CONTRACT / "config.yaml"), here=tmp_path, environ={"PROBE_PASSWORD": "secret-word"})
    assert ended.code == 0, ended.err
    assert "is good: 3 services, 6 components, 8 monitors" in ended.out
    assert "accepted, not active yet: " in ended.out
    assert "secret-word" not in ended.out


async def test_a_bad_configuration_gets_every_problem_with_its_place(tmp_path: Path) -> None:
    path = configured(tmp_path)
    path.write_text(f"{path.read_text()}servces: {{}}\nmonitors:\n  a: {{probe: nonsense}}\n")
    ended = await statuspage("check-config", "statuspage.yaml", here=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "statuspage.yaml:3:1: servces: " in ended.err
    assert "statuspage.yaml:5:" in ended.err
    assert ended.err.endswith("2 errors\n")


async def test_check_config_speaks_json_both_ways(tmp_path: Path) -> None:
    path = configured(tmp_path, "  a: {probe: tcp, host: 127.0.0.1, port: 1}\n")
    good = await statuspage("check-config", str(path), "--json", here=tmp_path)
    assert (good.code, json.loads(good.out)["summary"]) == (0, {"services": 0, "components": 1, "monitors": 1})
    path.write_text("site: {}\n")
    bad = await statuspage("check-config", str(path), "--json", here=tmp_path)
    assert bad.code == 2
    assert {problem["path"] for problem in json.loads(bad.out)["errors"]} == {"site.name", "site.url"}


async def test_check_config_takes_the_file_that_every_command_takes(tmp_path: Path) -> None:
    configured(tmp_path)
    for words in ((), ("--config", "statuspage.yaml"), ("statuspage.yaml",)):
        ended = await statuspage("check-config", *words, here=tmp_path)
        assert (ended.code, ended.out.splitlines()[-1]) == (0, "statuspage.yaml is good: 0 services, 0 components, 0 monitors")
    ended = await statuspage("check-config", "statuspage.yaml", "--config", "other.yaml", here=tmp_path)
    assert (ended.code, ended.err) == (2, "name the configuration once: as FILE, or by --config FILE\n")


@pytest.mark.parametrize(
    "words", [("check-config",), ("check-config", "missing.yaml"), ("replay",), ("serve",), ("agents", "list"), ("probe", "x")]
)
async def test_a_missing_configuration_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = await statuspage(*words, here=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ".yaml" in ended.err.splitlines()[0]
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_schema_prints_the_schema_of_the_configuration(tmp_path: Path) -> None:
    ended = await statuspage("schema", here=tmp_path)
    assert ended.code == 0
    assert {"site", "services", "monitors"} <= set(json.loads(ended.out)["properties"])


async def test_serve_answers_reloads_and_ends_on_sigterm(tmp_path: Path) -> None:
    path = configured(tmp_path, "  a: {probe: tcp, host: 127.0.0.1, port: 1}\n")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().split()[-1]
            async with aiohttp.ClientSession() as browser, browser.get(address) as answer:
                assert answer.status == 200
            beside = await statuspage("agents", "add", "ada", here=tmp_path)
            assert beside.code == 0, beside.err
            second = await statuspage("serve", here=tmp_path)
            assert (second.code, "Another statuspage is running" in second.err) == (2, True)
            told = await statuspage("reload", here=tmp_path)
            assert (told.code, told.out) == (0, f"process {process.pid} has read its configuration again\n"), told.err
            while b"the configuration was read again" not in (line := await process.stderr.readline()):
                assert line
            process.send_signal(signal.SIGTERM)
            await process.wait()
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    gone = await statuspage("reload", here=tmp_path)
    assert (gone.code, gone.err) == (1, "no service is running on data\n")
    assert path.exists()


async def test_reload_trusts_no_file_that_a_dead_service_left(tmp_path: Path) -> None:
    """The number in the file may belong to another program by now, which SIGHUP would end."""
    bystander = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lock").touch()
    (tmp_path / "data" / "hub.json").write_text(json.dumps({"pid": bystander.pid}))
    ended = await statuspage("reload", here=tmp_path)
    assert (ended.code, ended.err) == (1, "no service is running on data\n")
    await bystander.communicate(b"\n")
    assert bystander.returncode == 0


async def test_serve_says_in_one_line_that_its_directory_cannot_be_used(tmp_path: Path) -> None:
    configured(tmp_path)
    (tmp_path / "file").touch()
    ended = await statuspage("serve", "--data-dir", "file/inside", here=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "file/inside" in ended.err


async def test_kinds_lists_every_kind_and_tells_about_one(tmp_path: Path) -> None:
    listed = json.loads((await statuspage("kinds", "--json", here=tmp_path)).out)["items"]
    assert {"http", "tcp", "smtp", "imap", "mail_roundtrip"} <= {row["name"] for row in listed}
    about = (await statuspage("kinds", "mail_roundtrip", here=tmp_path)).out
    assert "deliver_within" in about
    assert "send.host" in about
    unknown = await statuspage("kinds", "gopher", here=tmp_path)
    assert (unknown.code, "choose one of tcp" in unknown.err) == (2, True)


async def test_the_command_works_as_a_script_and_as_a_module(tmp_path: Path) -> None:
    script = shutil.which("statuspage", path=Path(sys.executable).parent)
    assert script is not None
    process = await asyncio.create_subprocess_exec(script, "--version", cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.decode() == (await statuspage("--version", here=tmp_path)).out
