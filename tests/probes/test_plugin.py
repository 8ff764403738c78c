import asyncio
import gc
import os
import signal
import stat
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from probes import plugin
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import Secret
from tests.deadline import until
from tests.rude.ear import Ear
from tests.rude.peer import answers, closed_port, rude

REAL = Path("/usr/lib/nagios/plugins")
"""Where Debian's monitoring-plugins-basic puts its programs."""


async def ask(*command: object, allow: Path = REAL, timeout: float = 10, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = plugin.Settings.model_validate({"command": tuple(map(str, command)), **settings})
    return await run(plugin.KIND, given, door=Door(programs=(allow,)), timeout=timeout, listener=listener)


def script(directory: Path, text: str, mode: int = 0o755) -> Path:
    path = directory / "check_it"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(mode)
    return path


async def gone(pid: int) -> bool:
    """Whether the process has ended, or soon does. One that nobody reaps has ended too."""
    await until(lambda: not is_running(pid))
    return True


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def number(path: Path) -> int | None:
    """The number that a script has written down, once it has."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return int(text) if text.endswith("\n") else None


async def written(path: Path) -> int:
    await until(lambda: number(path))
    return number(path) or 0


def descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()


# --- the real programs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "failure", "warnings"),
    [
        (0, None, []),
        (1, None, [("plugin_warning", "WARNING: as told")]),
        (2, Failure.STATUS, []),
        (3, Failure.IMPAIRED, []),
    ],
)
async def test_each_exit_code_means_what_it_means_to_nagios(code: int, failure: Failure | None, warnings: list[tuple[str, str]]) -> None:
    result = await ask(REAL / "check_dummy", code, "as told")
    assert result.failure == failure
    assert [(warning.name, warning.text) for warning in result.warnings] == warnings
    assert (
        result.detail
        == {None: "", Failure.STATUS: "CRITICAL: as told", Failure.IMPAIRED: "the plugin could not tell: UNKNOWN: as told"}[failure]
    )
    assert [phase.name for phase in result.phases] == ["run"]


async def test_debians_check_tcp_finds_a_port_and_its_figures_become_facts() -> None:
    async with rude(answers(b"220 hello\r\n", {})) as server:
        result = await ask(REAL / "check_tcp", "-H", "127.0.0.1", "-p", server.port)
    assert result.failure is None
    assert set(result.facts) == {"time"}
    assert 0 <= result.facts["time"] < 5


async def test_debians_check_tcp_fails_where_nobody_listens() -> None:
    result = await ask(REAL / "check_tcp", "-H", "127.0.0.1", "-p", closed_port())
    assert (result.failure, result.stage) == (Failure.STATUS, "run")
    assert "refused" in result.detail


# --- what it says -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("OK | time=3ms;100;200;0 size=2KB;;;0", {"time": 0.003, "size": 2048.0}),
        (
            "OK | 'Load 5'=0.5;4;8;0; used=80%;90\nlong text | /=1MB /var=2B\n/home=3c",
            {"load_5": 0.5, "used": 0.8, "root": 1048576.0, "var": 2.0, "home": 3.0},
        ),
        ("OK | 'it''s'=1 5min=2", {"it_s": 1.0, "_5min": 2.0}),
        ("OK | a=U b=1e999 c= =4 d=nan e=1x f=0x10 g=1,5 a b=2=3", {}),
        ("OK time=3ms", {}),
        ("", {}),
        ("OK | same=1 same=2", {"same": 1.0}),
        ("OK | " + " ".join(f"n{number}={number}" for number in range(60)), {f"n{number}": float(number) for number in range(50)}),
    ],
)
def test_performance_data_becomes_facts_in_base_units(said: str, facts: dict[str, float]) -> None:
    assert plugin.figures(said) == pytest.approx(facts)


async def test_only_the_first_line_up_to_the_bar_is_the_detail(tmp_path: Path) -> None:
    result = await ask(script(tmp_path, "printf 'disk full | used=99%%\\nmore\\n'; exit 2"), allow=tmp_path)
    assert (result.failure, result.detail) == (Failure.STATUS, "disk full")
    assert result.facts == {"used": pytest.approx(0.99)}


async def test_bytes_that_are_no_text_and_control_characters_do_no_harm(tmp_path: Path) -> None:
    result = await ask(script(tmp_path, r"printf 'bad \377\033[31mred\000 | \377=1 t=2\n'; exit 2"), allow=tmp_path)
    assert (result.failure, result.detail) == (Failure.STATUS, "bad \ufffd[31mred")
    assert result.facts == {"value": 1.0, "t": 2.0}


async def test_a_plugin_that_only_complains_is_quoted_with_its_complaint(tmp_path: Path) -> None:
    result = await ask(script(tmp_path, "echo no such option >&2; exit 2"), allow=tmp_path)
    assert result.detail == "no such option"


async def test_a_plugin_that_says_nothing_is_told_so(tmp_path: Path) -> None:
    result = await ask(script(tmp_path, "exit 2"), allow=tmp_path)
    assert result.detail == "it printed nothing"


@pytest.mark.parametrize(("ending", "words"), [("exit 77", "left with 77"), ("kill -SEGV $$", "was ended by signal 11")])
async def test_any_other_ending_says_nothing_about_the_target(tmp_path: Path, ending: str, words: str) -> None:
    result = await ask(script(tmp_path, ending), allow=tmp_path)
    assert result.failure is Failure.IMPAIRED
    assert words in result.detail


@pytest.mark.parametrize("stream", ["", " >&2"])
async def test_a_flood_is_cut_and_says_nothing_about_the_target(tmp_path: Path, stream: str) -> None:
    result = await ask(script(tmp_path, f"echo $$ > {tmp_path}/pid; exec yes flood{stream}"), allow=tmp_path)
    assert (result.failure, result.detail) == (Failure.IMPAIRED, "the plugin printed more than 64 KB and was ended")
    assert result.took < 5
    assert await gone(await written(tmp_path / "pid"))


async def test_as_much_as_is_allowed_may_be_said(tmp_path: Path) -> None:
    result = await ask(script(tmp_path, "head -c 65536 /dev/zero | tr '\\0' x; exit 2"), allow=tmp_path)
    assert result.failure is Failure.STATUS


# --- how it is ended ----------------------------------------------------------------------------------------------------------

STUBBORN = "trap '' TERM INT HUP; sh -c 'trap \"\" TERM; echo $$ > {place}/grandchild; while :; do sleep 1; done' & "


async def test_at_its_timeout_it_is_killed_whole_also_where_it_ignores_every_politeness(tmp_path: Path) -> None:
    text = STUBBORN.format(place=tmp_path) + f"echo $$ > {tmp_path}/child; while :; do sleep 1; done"
    result = await ask(script(tmp_path, text), allow=tmp_path, timeout=1)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "run")
    assert result.took < 1.25
    for name in ("child", "grandchild"):
        assert await gone(await written(tmp_path / name))


async def test_a_cancelled_probe_kills_and_reaps_its_program(tmp_path: Path) -> None:
    task = asyncio.create_task(ask(script(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 60"), allow=tmp_path, timeout=60))
    pid = await written(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert str(pid) not in children()
    assert not is_running(pid)


async def test_what_a_plugin_leaves_running_goes_with_it_and_is_not_waited_for(tmp_path: Path) -> None:
    text = STUBBORN.format(place=tmp_path) + f"while [ ! -s {tmp_path}/grandchild ]; do :; done; echo fine; exit 0"
    result = await ask(script(tmp_path, text), allow=tmp_path)
    assert result.failure is None
    assert result.took < 5
    assert await gone(await written(tmp_path / "grandchild"))


async def test_what_has_fled_into_a_session_of_its_own_holds_nobody_up(tmp_path: Path) -> None:
    text = f"setsid sh -c 'echo $$ > {tmp_path}/fled; exec sleep 60' & while [ ! -s {tmp_path}/fled ]; do :; done; echo fine; exit 0"
    result = await ask(script(tmp_path, text), allow=tmp_path)
    fled = await written(tmp_path / "fled")
    os.kill(fled, 9)
    assert (result.failure, result.took < 5) == (None, True)


async def test_thirty_plugins_leave_no_descriptor_and_no_process(tmp_path: Path) -> None:
    path = script(tmp_path, "echo fine; exit 0")
    await ask(path, allow=tmp_path)  # what the loop opens once, for all its children
    before, others = descriptors(), children()
    results = await asyncio.gather(*(ask(path, allow=tmp_path) for _ in range(30)))
    assert {result.failure for result in results} == {None}
    await until(lambda: descriptors() == before)
    assert children() == others


async def test_whoever_is_cancelled_while_it_starts_leaves_nothing_open(tmp_path: Path) -> None:
    path = script(tmp_path, "exec sleep 60")
    await ask("/bin/true", allow=Path("/"))  # what the loop opens once, for all its children
    before, others = descriptors(), children()
    for turns in range(16):
        task = asyncio.create_task(ask(path, allow=tmp_path))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        gc.collect()  # says what nobody has closed
    await until(lambda: (descriptors(), children()) == (before, others))


# --- what it sees -------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def inheritable() -> AsyncIterator[int]:
    """An open file of ours that any child would inherit."""
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)  # noqa: FBT003 - so it is called
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


async def test_it_sees_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "geheim")
    text = "env; echo cwd=$(pwd); echo in=$(readlink /proc/$$/fd/0); ls /proc/$$/fd | tr '\\n' ' '; exit 0"
    heard = Ear()
    async with inheritable() as descriptor:
        await ask(script(tmp_path, text), allow=tmp_path, listener=heard, env={"PING": "pong"})
    said = [line[2:] for line in heard.lines if line.startswith("S ")]
    variables = {line.partition("=")[0] for line in said if "=" in line} - {"PWD", "OLDPWD", "_", "SHLVL", "cwd", "in"}
    assert variables == {"PATH", "LANG", "PING"}
    assert {"cwd=/", "in=/dev/null", "PING=pong"} <= set(said)
    assert str(descriptor) not in said[-1].split()


async def test_a_secret_is_handed_over_by_the_environment_and_repeated_nowhere(tmp_path: Path) -> None:
    heard = Ear()
    result = await ask(
        script(tmp_path, 'echo "the password $PASS is wrong"; exit 2'), allow=tmp_path, listener=heard, env={"PASS": Secret("geheim")}
    )
    assert result.detail == "the password *** is wrong"
    assert "geheim" not in repr(heard.lines) + repr(result)


async def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    heard = Ear()
    await ask(script(tmp_path, 'echo "$1"; exit 0'), "$(id); `id` | * 'x", allow=tmp_path, listener=heard)
    assert "S $(id); `id` | * 'x" in heard.lines


# --- which may run ------------------------------------------------------------------------------------------------------------


async def test_no_program_runs_until_its_directory_is_allowed() -> None:
    result = await run(plugin.KIND, plugin.Settings(command=(str(REAL / "check_dummy"), "0")), door=Door(), timeout=2)
    assert (result.failure, result.detail) == (
        Failure.BLOCKED,
        "/usr/lib/nagios/plugins/check_dummy is in none of the directories that plugins.allow names",
    )


async def test_a_link_out_of_the_directory_is_followed_before_it_is_judged(tmp_path: Path) -> None:
    (tmp_path / "check_it").symlink_to("/bin/true")
    assert (await ask(tmp_path / "check_it", allow=tmp_path)).failure is Failure.BLOCKED
    assert (await ask(f"{tmp_path}/../{tmp_path.name}/../../../bin/true", allow=tmp_path)).failure is not None


async def test_what_was_judged_is_run_also_where_the_link_leads_elsewhere_by_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged, link = script(tmp_path, "echo judged"), tmp_path / "link"
    link.symlink_to(judged)
    admit = Door.admit

    def turned(door: Door, program: str) -> Path:
        real = admit(door, program)
        link.unlink()
        link.symlink_to("/bin/false")
        return real

    monkeypatch.setattr(Door, "admit", turned)
    heard = Ear()
    result = await ask(link, allow=tmp_path, listener=heard)
    assert (result.failure, "S judged" in heard.lines) == (None, True)


async def test_a_link_keeps_the_name_by_which_it_was_called(tmp_path: Path) -> None:
    (tmp_path / "check_word").symlink_to("/bin/sh")
    heard = Ear()
    result = await ask(tmp_path / "check_word", "-c", "echo $0", allow=Path("/"), listener=heard)
    assert (result.failure, f"S {tmp_path}/check_word" in heard.lines) == (None, True)


async def test_links_in_a_circle_say_nothing_about_the_target(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    result = await ask(tmp_path / "one", allow=tmp_path)
    assert result.failure is Failure.IMPAIRED
    assert str(tmp_path / "one") in result.detail


async def test_a_program_that_no_thread_can_watch_is_ended_and_reaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    started: list[subprocess.Popen[bytes]] = []
    spawn = subprocess.Popen

    def noted(*command: Any, **more: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
        started.append(spawn(*command, **more))
        return started[-1]

    path = script(tmp_path, "exec sleep 60")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", exhausted)
        patched.setattr(subprocess, "Popen", noted)
        result = await ask(path, allow=tmp_path)
    assert (result.failure, result.stage) == (Failure.IMPAIRED, "run")
    assert "can't start new thread" in result.detail
    assert [process.returncode for process in started] == [-signal.SIGKILL]


async def test_what_everybody_may_change_is_not_run(tmp_path: Path) -> None:
    result = await ask(script(tmp_path, "exit 0", mode=0o777), allow=tmp_path)
    assert result.failure is Failure.BLOCKED
    assert "check_it may be changed by everybody" in result.detail


async def test_a_directory_that_everybody_may_change_is_as_bad(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    inner.chmod(stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)
    result = await ask(script(inner, "exit 0"), allow=tmp_path)
    assert result.failure is Failure.BLOCKED
    assert "inner may be changed by everybody" in result.detail


async def test_only_an_executable_file_is_run(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "text").write_text("x", encoding="utf-8")
    for name, words in {"directory": "is not a file", "text": "is not executable"}.items():
        result = await ask(tmp_path / name, allow=tmp_path)
        assert (result.failure, words in result.detail) == (Failure.BLOCKED, True)


async def test_a_program_that_is_gone_says_nothing_about_the_target(tmp_path: Path) -> None:
    result = await ask(tmp_path / "check_it", allow=tmp_path)
    assert (result.failure, result.detail) == (Failure.IMPAIRED, f"{tmp_path}/check_it: No such file or directory")


async def test_a_file_that_no_kernel_can_run_says_nothing_about_the_target(tmp_path: Path) -> None:
    path = tmp_path / "check_it"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    result = await ask(path, allow=tmp_path)
    assert (result.failure, "cannot be started" in result.detail) == (Failure.IMPAIRED, True)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"command": ["check_tcp"]}, "write the whole path of a program"),
        ({"command": []}, "at least 1 item"),
        ({"command": ["/bin/true", "a\0b"]}, "holds no NUL"),
        ({"command": ["/bin/true"], "env": {"A=B": "c"}}, "not the name of an environment variable"),
        ({"command": ["/bin/true"], "env": {"A": "b\nc"}}, "control characters"),
        ({"command": "/bin/true"}, "valid tuple"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        plugin.Settings.model_validate(settings)


def test_a_typed_command_line_is_read_like_a_shells() -> None:
    given = plugin.ad_hoc("/usr/bin/check_it -H 'a b'")
    assert given.command == ("/usr/bin/check_it", "-H", "a b")
    assert plugin.target(given) == "check_it -H 'a b'"
