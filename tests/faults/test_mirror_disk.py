"""A disk that is full or read-only under the mirror: what stood there goes on being served, and nothing half written stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.statuspage.terminal import CHECKOUT

ALONE = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--mount")


def test_a_full_and_a_read_only_disk_leave_the_last_whole_version(tmp_path: Path) -> None:
    command = [*ALONE, sys.executable, "-m", "tests.faults.mirror_disk", str(tmp_path)]
    try:
        done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        pytest.fail("unshare is needed (Debian: util-linux)", pytrace=False)
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["full", "words", "read-only"]
