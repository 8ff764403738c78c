"""kill -9 while the mirror is carried: elsewhere, too, whole versions are served, and no page leads to what is missing."""

import asyncio
import json
import os
import random
import re
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientSession

from statuspage.mirror.bucket import OURS
from statuspage.mirror.objects import Objects
from statuspage.mirror.target import Bucket
from statuspage.mirror.versions import KEPT, VERSIONS, Versions
from tests.faults.carrier import SECRET as VARIABLE
from tests.faults.mirror import numbered
from tests.faults.test_mirror_killed import mixed
from tests.statuspage.buckets import SECRET, Server, seaweed
from tests.statuspage.far_sides import PASSWORD, FarSide, carried, files_in, rsync_daemon
from tests.statuspage.terminal import CHECKOUT

LONGEST_LIFE = 1.2
"""Seconds in which a process carries a few versions, after it has carried its first."""

_LED = re.compile(r'href="/([^"]*)"')


class Tried(NamedTuple):
    kills: int
    luck: random.Random


def trial(*, is_soak: bool) -> Tried:
    kills, seed = (150, random.randrange(2**31)) if is_soak else (8, 7)
    print(f"\nseed {seed}")
    return Tried(kills, random.Random(seed))


async def killed(after: float, secret: str, *words: object) -> None:
    """Let a process carry, and kill it so long *after* its first version was there."""
    command = (sys.executable, "-m", "tests.faults.carrier", *map(str, words))
    pipe, environment = asyncio.subprocess.PIPE, {**os.environ, VARIABLE: secret}
    process = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stdout=pipe, stderr=pipe, env=environment)
    try:
        async with asyncio.timeout(60):
            assert process.stdout is not None
            await process.stdout.readline()
        await asyncio.sleep(after)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        _, complained = await process.communicate()
    assert process.returncode == -signal.SIGKILL, complained.decode()


def wrong(far: FarSide) -> list[str]:
    """What is not whole about what is served there."""
    home = far.root / far.current.readlink()
    number = json.loads((home / "fresh.json").read_bytes())["number"]
    expected = {name: one.body for name, one in numbered(number).items()}
    return [*([] if files_in(home) == expected else [f"{home.name} is not what was carried"]), *mixed(home)]


async def test_killed_at_any_moment_whole_versions_are_served_there(tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    tried, stage, half_sent = trial(is_soak=is_soak), tmp_path / "stage", 0
    with rsync_daemon() as far:
        for kill in range(tried.kills):
            await killed(tried.luck.uniform(0.0, LONGEST_LIFE), PASSWORD, "rsync", far.place.address, stage)
            assert wrong(far) == [], f"after kill {kill}"
            newest = Versions(stage).newest()
            served = json.loads((far.root / far.current.readlink() / "fresh.json").read_bytes())["number"]
            half_sent += newest is not None and newest.number != served
        await carried(far.place, stage, 0)
        assert wrong(far) == []
        assert len(list((far.root / VERSIONS).iterdir())) <= KEPT + 1
    print(f"{tried.kills} kills, {half_sent} before the newest version was served")
    assert half_sent, "no kill met a version on its way: the trial tried nothing"


async def dangling(server: Server, bucket: Bucket, names: Collection[str]) -> list[str]:
    """Where pages lead and nothing is."""
    missing = []
    async with ClientSession() as session:
        for name in names:
            async with session.get(server.url(bucket, name)) as answer:
                assert answer.status == 200, name
                led = _LED.findall(await answer.text()) if name.endswith(".html") else []
            missing += [f"{name} leads to {one}" for one in led if one not in names and f"{one}/index.html" not in names]
    return missing


async def test_killed_at_any_moment_no_page_in_a_bucket_leads_to_what_is_missing(tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001
    tried, behind = trial(is_soak=is_soak), 0
    with seaweed() as server:
        bucket = server.bucket()
        for kill in range(tried.kills):
            await killed(tried.luck.uniform(0.0, LONGEST_LIFE / 4), SECRET, "s3", f"{server.endpoint}/{bucket.prefix}", tmp_path / "stage")
            names = set(await Objects.of(bucket).listed()) - {OURS}
            assert await dangling(server, bucket, names) == [], f"after kill {kill}"
            newest = Versions(tmp_path / "stage").newest()
            assert newest is not None
            behind += (await Objects.of(bucket).read("fresh.json")) != numbered(newest.number)["fresh.json"].body
    print(f"{tried.kills} kills, {behind} before the newest version was there")
    assert behind, "no kill met a version on its way: the trial tried nothing"
