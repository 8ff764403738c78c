"""kill -9 while the store is brought up to date: it is as it was, and the next start takes all the steps."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from statuspage.store.migrations.steps import HEAD
from tests.faults.upgrading import state
from tests.statuspage.store.filling import grown
from tests.statuspage.terminal import CHECKOUT
from tests.stores import Place, Postgresql


def upgraded(place: Place, fatal: list[int]) -> int:
    """Be killed at each of these statements, then get through; returns how many statements there were."""
    words = [sys.executable, "-m", "tests.faults.upgrading", place.url, str(place.data_dir), *map(str, fatal)]
    ended = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return int(ended.stdout.split()[-1])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_in_any_step_the_store_is_as_it_was(kind: str, request: pytest.FixtureRequest, tmp_path: Path, *, is_soak: bool) -> None:
    url = "sqlite:///old.db"
    if kind == "postgresql":
        server: Postgresql = request.getfixturevalue("postgresql")
        url = server.empty()
    place, first = Place(url=url, data_dir=tmp_path), "0001" if is_soak else "0028"
    for _, database in grown(place, (first,)):
        database.close()
    luck = random.Random()
    fatal = list(range(2, 260)) if is_soak else sorted(luck.sample(range(2, 60), 2))
    print(f"{kind}: killed at statements {fatal}")
    assert upgraded(place, fatal) > max(fatal)
    assert state(place.url, place.data_dir)[0] == HEAD
