"""Stores of every release, with rows in every table, are brought up to date with what they hold."""

import shutil
from pathlib import Path

import pytest

from statuspage.store.connect import database_file
from statuspage.store.engine import Database, Store, StoreError, go_on
from statuspage.store.migrations.steps import HEAD
from tests.statuspage.store.filling import ROWS, counted, grown, schemas
from tests.statuspage.store.test_migrations import differences
from tests.stores import Place, Postgresql

ANCHORS = ("0001", "0015", "0029")
"""Schemas through which a store grows each time, in few steps, with rows in each table of each; in the long form through all."""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(url="sqlite:///old.db", data_dir=tmp_path)
    server: Postgresql = request.getfixturevalue("postgresql")
    return Place(url=server.empty(), data_dir=tmp_path)


def up_to_date(place: Place, before: dict[str, int], told: list[tuple[str, str]]) -> None:
    """Open the store as the service does, and see that it is what today's tables say and holds what it held."""
    database = Database.open(place.url, place.data_dir, before_steps=lambda *steps: told.append(steps))
    try:
        assert database.read(differences) == []
        after = database.read(counted)
    finally:
        database.close()
    assert {name: after.get(name, 0) for name in before} == {name: max(before[name], after.get(name, 0)) for name in before}
    assert all(count >= ROWS for count in before.values())


def test_a_store_that_grew_through_the_releases_loses_nothing_on_the_way(place: Place, *, is_soak: bool) -> None:
    told: list[tuple[str, str]] = []
    wanted = tuple(schemas()) if is_soak else ANCHORS
    for schema, database in grown(place, wanted):
        before = database.read(counted)
        if schema == wanted[-1]:
            database.close()
            if schema != HEAD:
                with pytest.raises(StoreError, match="start the service once"), Store.blocking(place.url, place.data_dir):
                    pytest.fail("the command line brought it up to date")
            up_to_date(place, before, told)
        elif is_soak and (file := database_file(place.url, place.data_dir)) is not None:
            copy = Place(url="sqlite:///copy.db", data_dir=place.data_dir)
            database.purge()  # what stands in the log comes into the file
            shutil.copy(file, place.data_dir / "copy.db")
            up_to_date(copy, before, told)
            (place.data_dir / "copy.db").unlink()
    assert {new for _, new in told} <= {HEAD}
    assert (wanted[-1], HEAD) in told or wanted[-1] == HEAD


def test_who_must_consent_first_can_keep_a_store_as_it_is(tmp_path: Path) -> None:
    place = Place(url="sqlite:///old.db", data_dir=tmp_path)
    for _, database in grown(place, ("0041",)):
        database.close()

    def refuse(*_: str) -> None:
        raise StoreError("no")

    for _ in range(2):
        with pytest.raises(StoreError, match="no"):
            Database.open(place.url, place.data_dir, before_steps=refuse)
    Database.open(place.url, place.data_dir, before_steps=go_on).close()
    Database.open(place.url, place.data_dir, before_steps=refuse).close()
