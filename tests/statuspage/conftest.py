from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.stores import Postgresql, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One server for each worker of the test run."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A directory that costs no disk, where there is one: what is written is brought to the disk file by file."""
    with TemporaryDirectory(dir=next((place for place in ("/dev/shm",) if Path(place).is_dir()), tmp_path)) as made:
        yield Path(made)
