"""kill -9 while the mirror is written: what is served is always one whole version, and nothing half done stays for long."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from statuspage.mirror.publication import publish
from statuspage.mirror.versions import CURRENT, KEPT, LOCK, VERSIONS, Versions
from statuspage.mirror.writing import BEFORE, SITE
from tests.faults.mirror import AT, LINES, numbered
from tests.statuspage.terminal import CHECKOUT

LONGEST_LIFE = 0.25
"""Seconds in which a process writes some dozens of versions, after it has come up."""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where writing costs little, so that most kills meet it."""
    with TemporaryDirectory(dir=next((place for place in ("/dev/shm",) if Path(place).is_dir()), tmp_path)) as made:
        yield Path(made) / "mirror"


async def killed(directory: Path, seed: int, after: float) -> None:
    """Let a process publish, and kill it so long *after* its first version stood."""
    before = directory / CURRENT
    standing = before.readlink() if before.is_symlink() else None
    command = (sys.executable, "-m", "tests.faults.mirror", str(directory), str(seed))
    process = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            while not before.is_symlink() or before.readlink() == standing:
                assert process.returncode is None
                await asyncio.sleep(0.002)
        await asyncio.sleep(after)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        _, complained = await process.communicate()
    assert process.returncode == -signal.SIGKILL, complained.decode()


def wrong(directory: Path) -> list[str]:
    """What is not whole about what is served."""
    found = Versions(directory).newest()
    if found is None or (directory / CURRENT).readlink() != Path(VERSIONS, found.name, SITE):
        return ["nothing whole is served"]
    home = directory / VERSIONS / found.name
    told = [
        f"{room}/{name} is not what was written"
        for room, files in ((SITE, found.files), (BEFORE, found.before))
        for name, kept in files.items()
        if sha256((home / room / name).read_bytes()).hexdigest()[:32] != kept.digest and not name.endswith(".gz")
    ]
    on_disk = {str(path.relative_to(home / SITE)) for path in (home / SITE).rglob("*") if path.is_file()}
    return [*told, *(f"{name} is too much or missing" for name in on_disk ^ found.files.keys()), *mixed(home / SITE)]


def mixed(site: Path) -> Iterator[str]:
    """Files of more than one publication, or with words on some pages only."""
    number = json.loads((site / "fresh.json").read_bytes())["number"]
    pages = {path: path.read_text() for path in site.rglob("*.html")}
    for path, body in pages.items():
        numbers = [line for line in body.splitlines() if line.isdecimal()]
        if len(numbers) != LINES or set(numbers) not in ({str(number)}, {"0"}):
            yield f"{path.name} tells {sorted(set(numbers))} in {len(numbers)} lines, and it is {number}"
    if len({'class="notice"' in body for body in pages.values()}) > 1:
        yield "a notice stands on some pages only"


def untidy(directory: Path) -> list[str]:
    """What is left behind after one publication more."""
    last = publish(directory, numbered(0), AT)
    beside = sorted(path.name for path in directory.iterdir())
    versions = sorted(path.name for path in (directory / VERSIONS).iterdir())
    left = [] if beside == [CURRENT, LOCK, VERSIONS] else [f"beside each other are {beside}"]
    left += [] if len(versions) <= KEPT + 1 else [f"there are {versions}"]
    return [*wrong(directory), *left, *([] if last.notice is None else ["the notice stands there still"])]


async def test_killed_at_any_moment_the_last_whole_version_is_served(directory: Path, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    kills, seed = (300, random.randrange(2**31)) if is_soak else (15, 7)
    print(f"\nseed {seed}")
    luck, unfinished, served = random.Random(seed), 0, set[str]()
    for kill in range(kills):
        await killed(directory, kill, luck.uniform(0.0, LONGEST_LIFE))
        assert wrong(directory) == [], f"after kill {kill}"
        served.add(str((directory / CURRENT).readlink()))
        versions = Versions(directory)
        unfinished += len(versions.names(is_whole=False)) > len(versions.names())
    print(f"{kills} kills, {unfinished} in the middle of a version")
    assert len(served) == kills, "a process had not published before it was killed"
    assert unfinished, "no kill met a version in the making: the trial tried nothing"
    assert untidy(directory) == []
