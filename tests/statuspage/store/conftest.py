"""Every test of the store runs on both databases: ``place`` and ``database`` are parametrised."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from statuspage.store.engine import Database
from tests.stores import Place, Postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where an empty store with today's schema is, or will be at the first opening."""
    if request.param == "sqlite":
        return Place(url="sqlite:///statuspage.db", data_dir=tmp_path / "store")
    server: Postgresql = request.getfixturevalue("postgresql")
    return Place(url=server.migrated(), data_dir=tmp_path / "store")


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    """An open, empty store."""
    with place.opened() as opened:
        yield opened
