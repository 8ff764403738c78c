"""The mirror carried by rsync, to a real daemon and a real host behind ssh: what is served there is always one whole version."""

import asyncio
import json
import os
import shutil
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from probes.settings import Secret
from statuspage.mirror.carrying import carrying_to
from statuspage.mirror.publication import publish
from statuspage.mirror.rsync import Rsync
from statuspage.mirror.target import Elsewhere
from statuspage.mirror.versions import CURRENT, KEPT, VERSIONS, Versions, home_of
from statuspage.mirror.writing import SITE
from tests.deadline import until
from tests.faults.mirror import AT, numbered
from tests.rude.peer import closed_port
from tests.statuspage.far_sides import PASSWORD, FarSide, carried, files_in, rsync_daemon, ssh_host


@pytest.fixture
def far() -> Iterator[FarSide]:
    with rsync_daemon() as opened:
        yield opened


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "stage"


def number_of(far: FarSide) -> int:
    number: int = json.loads((far.current / "fresh.json").read_bytes())["number"]
    return number


# --- what stands there


async def test_what_is_served_there_is_what_stands_here(far: FarSide, stage: Path) -> None:
    for number in (1, 2):
        version = await carried(far.place, stage, number)
        assert files_in(far.current) == files_in(stage / CURRENT)
        kept = {name: (far.current / name).stat() for name in version.files}
        assert {name: int(found.st_mtime) for name, found in kept.items()} == {name: one.stamp for name, one in version.files.items()}
        assert {stat.S_IMODE(found.st_mode) for found in kept.values()} == {0o444}
        assert {stat.S_IMODE(path.stat().st_mode) for path in far.root.rglob("*") if path.is_dir()} == {0o755}


async def test_the_same_by_ssh(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ssh_host() as (far, environment):
        monkeypatch.setenv("RSYNC_RSH", environment["RSYNC_RSH"])
        for number in (1, 2):
            await carried(far.place, stage, number)
            assert files_in(far.current) == files_in(stage / CURRENT)


async def test_what_has_not_changed_is_the_same_file_there_too(far: FarSide, stage: Path) -> None:
    await carried(far.place, stage, 1)
    before = {name: (far.current / name).stat().st_ino for name in files_in(far.current)}
    await carried(far.place, stage, 2)
    after = {name: (far.current / name).stat().st_ino for name in files_in(far.current)}
    changed = {name for name, one in numbered(2).items() if one.digest != numbered(1)[name].digest}
    assert {name for name in after if after[name] != before[name]} == changed


async def test_older_versions_are_swept_and_none_stays_where_words_were_removed(far: FarSide, stage: Path) -> None:
    for number in range(KEPT + 4):
        await carried(far.place, stage, number)
    assert len(list((far.root / VERSIONS).iterdir())) == KEPT + 1
    version = Versions(stage).newest()
    assert version is not None
    await carrying_to(far.place).carry(home_of(stage, version), version, keeps=0)
    assert [path.name for path in (far.root / VERSIONS).iterdir()] == [far.current.readlink().name]


async def test_what_stands_there_already_is_not_sent_again(far: FarSide, stage: Path) -> None:
    await carried(far.place, stage, 1)
    led = far.current.readlink()
    await carried(far.place, stage, 1)
    shutil.rmtree(stage)  # another disk, where versions are counted from one again
    await carried(far.place, stage, 1)
    assert far.current.readlink() == led
    await carried(far.place, stage, 2)
    assert far.current.readlink().name > led.name


async def test_what_somebody_took_away_there_is_made_again(far: FarSide, stage: Path) -> None:
    await carried(far.place, stage, 1)
    shutil.rmtree(far.root)
    await carried(far.place, stage, 1)
    assert files_in(far.current) == files_in(stage / CURRENT)


async def test_where_the_link_is_gone_the_next_version_comes_after_all_that_there_are(far: FarSide, stage: Path) -> None:
    for number in range(KEPT + 1):
        await carried(far.place, stage, number)
    far.current.unlink()
    before = {path.name for path in (far.root / VERSIONS).iterdir()}
    await carried(far.place, stage, KEPT + 1)
    served = far.current.readlink().name
    assert served > max(before)
    await carried(far.place, stage, KEPT + 2)
    assert served in {path.name for path in (far.root / VERSIONS).iterdir()}  # whoever was let into it finds it


# --- whoever reads meanwhile


async def test_whoever_reads_meanwhile_gets_whole_versions_only(far: FarSide, stage: Path) -> None:
    await carried(far.place, stage, 0)
    seen, torn, is_over = set[int](), list[str](), threading.Event()

    def read() -> None:
        while not is_over.is_set():
            home = far.root / far.current.readlink()  # as a host does that opens a file by its whole path
            try:
                number = json.loads((home / "fresh.json").read_bytes())["number"]
                page = (home / "index.html").read_text().splitlines()[1]
            except FileNotFoundError as error:
                torn.append(str(error))
                continue
            seen.add(number)
            torn.extend([] if page == str(number) else [f"{page} beside {number}"])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, KEPT + 3):
            await carried(far.place, stage, number)
            await until(lambda number=number: number in seen)  # type: ignore[misc]  # mypy cannot see through a default
    finally:
        is_over.set()
        reader.join()
    assert torn == []


async def stopped_while_it_sends(far: FarSide, stage: Path, number: int) -> None:
    """Carry, and end it in the middle of the sending."""
    task = asyncio.create_task(carried(far.place, stage, number))
    served = far.current.readlink().name
    # Some pages: the front page, which may be the first, is another one in each version.
    await until(lambda: any(path.name != served and len([*path.rglob("*.html")]) > 2 for path in (far.root / VERSIONS).iterdir()))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_was_stopped_half_sent_is_not_served_and_its_files_are_not_sent_again(
    far: FarSide, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await carried(far.place, stage, 1)
    programs = stage.parent / "programs"
    programs.mkdir()
    real = shutil.which("rsync")
    (programs / "rsync").write_text(f'#!/bin/sh\ncase "$*" in *--link-dest*) exec {real} --bwlimit=20 "$@";; *) exec {real} "$@";; esac\n')
    (programs / "rsync").chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        await stopped_while_it_sends(far, stage, 2)
    assert number_of(far) == 1
    (left,) = (path for path in (far.root / VERSIONS).iterdir() if path.name != far.current.readlink().name)
    sent = {path.stat().st_ino for path in left.rglob("*.html")}
    await carried(far.place, stage, 3)
    assert number_of(far) == 3
    assert sent & {path.stat().st_ino for path in (far.root / far.current.readlink()).rglob("*.html")}


# --- what goes wrong


async def refused(place: Elsewhere, stage: Path) -> str:
    with pytest.raises(OSError) as trouble:  # noqa: PT011 - what it says is what is asked about
        await carried(place, stage, 1)
    return str(trouble.value)


async def test_a_wrong_password_an_unknown_module_and_a_port_where_nobody_listens_are_told_in_a_line(far: FarSide, stage: Path) -> None:
    wrong = replace(far.place, password=Secret("wrong"))
    assert await refused(wrong, stage) == "@ERROR: auth failed on module site"
    assert "@ERROR: Unknown module 'elsewhere'" in await refused(
        replace(far.place, address=far.place.address.replace("/site/", "/elsewhere/")), stage
    )
    assert "Connection refused" in await refused(Elsewhere(address=f"rsync://127.0.0.1:{closed_port()}/site", within=60.0), stage)


async def test_a_place_above_which_nothing_is_is_told(far: FarSide, stage: Path) -> None:
    told = await refused(replace(far.place, address=f"{far.place.address}/not/mounted"), stage)
    assert "not/mounted" in told
    assert "No such file or directory" in told
    assert not far.root.exists()


async def test_a_daemon_that_spoils_links_is_named_with_what_mends_it(stage: Path) -> None:
    with rsync_daemon(munges=True) as far:
        assert "munge symlinks = no" in await refused(far.place, stage)


async def test_a_host_that_nobody_knows_is_told_in_a_line_and_nobody_is_asked(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ssh_host() as (far, environment):
        stranger = environment["RSYNC_RSH"].replace("/known ", "/unknown ")
        monkeypatch.setenv("RSYNC_RSH", f"{stranger} -oStrictHostKeyChecking=yes")
        told = await refused(far.place, stage)
        assert "host key" in told.lower()


async def test_a_far_side_that_says_nothing_is_given_up_by_rsync_or_by_the_time_there_is(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    place = Elsewhere(address=f"rsync://127.0.0.1:{server.sockets[0].getsockname()[1]}/site", within=60.0)
    try:
        monkeypatch.setattr("statuspage.mirror.rsync.SILENCE", 1)
        assert "timeout after 1 seconds" in await refused(place, stage)
        assert await refused(replace(place, within=0.2), stage) == "it took longer than 200ms to carry it there"
    finally:
        server.close()
        await server.wait_closed()


async def test_without_the_program_it_is_said_what_is_missing(far: FarSide, stage: Path) -> None:
    version = publish(stage, numbered(1), AT)
    with pytest.raises(OSError, match="the program rsync is not installed on this machine"):
        await Rsync(far.place, {"PATH": str(stage)}).carry(home_of(stage, version), version, keeps=KEPT)


async def test_rsync_is_told_no_secret_that_it_does_not_need_and_none_where_others_can_read_it(
    far: FarSide, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, noted = stage.parent / "programs", stage.parent / "noted"
    programs.mkdir()
    (programs / "rsync").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{noted}.words\nenv >>{noted}.env\nexec {shutil.which("rsync")} "$@"\n'
    )
    (programs / "rsync").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PROBE_PASSWORD", "somebody else's")
    await carried(far.place, stage, 1)
    words, environment = (noted.with_suffix(suffix).read_text() for suffix in (".words", ".env"))
    assert PASSWORD not in words
    assert "PROBE_PASSWORD" not in environment
    assert f"RSYNC_PASSWORD={PASSWORD}" in environment


async def test_whoever_stops_waiting_leaves_no_program_behind(far: FarSide, stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, noted = stage.parent / "programs", stage.parent / "noted"
    programs.mkdir()
    (programs / "rsync").write_text(f"#!/bin/sh\nsleep 600 &\necho $$ $! >{noted}.new && mv {noted}.new {noted}\nwait\n")
    (programs / "rsync").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    task = asyncio.create_task(carried(far.place, stage, 1))
    await until(noted.exists)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await until(lambda: not any(map(_lives, map(int, noted.read_text().split()))))


def _lives(process: int) -> bool:
    try:
        os.kill(process, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_far_side_has_the_site_alone(stage: Path) -> None:
    version = publish(stage, numbered(1), AT)
    assert {path.name for path in home_of(stage, version).iterdir()} == {SITE, "version.json"}
