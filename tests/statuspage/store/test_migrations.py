"""The steps build what the tables say, on both databases, all or nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from statuspage.store.engine import Database, StoreError
from statuspage.store.migrations.steps import HEAD
from statuspage.store.migrations.upgrade import configuration
from statuspage.store.tables import metadata
from tests.stores import Place, Postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(url="sqlite:///statuspage.db", data_dir=tmp_path)
    server: Postgresql = request.getfixturevalue("postgresql")
    return Place(url=server.empty(), data_dir=tmp_path)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata))


def test_migrated_schema_is_what_the_tables_say(bare: Place) -> None:
    with bare.opened() as database:
        assert database.read(differences) == []


def test_a_missing_column_would_be_noticed(bare: Place) -> None:
    with bare.opened() as database:
        database.write(lambda connection: connection.execute(text("ALTER TABLE audit DROP COLUMN detail")))
        assert [difference[0] for difference in database.read(differences)] == ["add_column"]  # type: ignore[index]


def partial_index(connection: Connection) -> str:
    found = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'uq_incidents_open_root'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'uq_incidents_open_root'",
    }[connection.dialect.name]
    return str(connection.execute(text(found)).scalar_one())


def test_the_index_of_open_machine_incidents_is_unique_and_partial(bare: Place) -> None:
    # Alembic's comparison does not look at the condition of a partial index.
    with bare.opened() as database:
        definition = database.read(partial_index)
    assert "UNIQUE" in definition
    assert "origin = 'machine'" in definition
    assert "resolved_at IS NULL" in definition


def test_results_have_no_rowid_on_sqlite(tmp_path: Path) -> None:
    with Place(url="sqlite:///statuspage.db", data_dir=tmp_path).opened() as database:
        made = database.read(lambda connection: connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'results'")).scalar())
    assert "WITHOUT ROWID" in str(made)


def test_a_store_of_the_first_release_is_brought_up_to_date_with_what_it_holds(bare: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(connection: Connection) -> None:
        command.upgrade(configuration(connection), "0001")
        row = "INSERT INTO streaks (monitor, location, runs, unknown, detail) VALUES ('nightly', 'local', '[]', 0, 'kept')"
        connection.execute(text(row))
        for table, extra in (("standings", "status"), ("status_changes", "at, old, new")):
            values = {"standings": "'unknown'", "status_changes": "'2026-03-02', 'major_outage', 'unknown'"}[table]
            columns = f"INSERT INTO {table} (subject, id, since, cause, {extra}) "
            connection.execute(text(columns + f"VALUES ('service', 'mail', '2026-03-02', 'silence', {values})"))

    with monkeypatch.context() as patch:
        patch.setattr("statuspage.store.migrations.upgrade.upgrade", first)
        with bare.opened():
            pass
    with bare.opened() as database:
        assert database.read(differences) == []
        kept = database.read(lambda connection: connection.execute(text("SELECT detail, began FROM streaks")).one())
        was = database.read(lambda connection: connection.execute(text("SELECT old FROM standings")).scalar())
    assert tuple(kept) == ("kept", None)
    assert was == "major_outage"


def test_head_is_the_newest_step() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [HEAD]


def test_a_store_of_a_newer_release_is_refused_in_one_line(bare: Place) -> None:
    with bare.opened() as database:
        database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError) as refusal:
        Database.open(bare.url, bare.data_dir)
    assert str(refusal.value) == f"The store was written by a newer release (schema 9999, this one knows {HEAD}): run that release."


def test_a_step_that_breaks_off_leaves_nothing(bare: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "statuspage.store.migrations.upgrade.upgrade"

    def upgrade(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (done INTEGER)"))
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(broken, upgrade)
        with pytest.raises(RuntimeError, match="the power went"):
            Database.open(bare.url, bare.data_dir)
    with bare.opened() as database:
        assert database.read(differences) == []


def test_an_ordinary_start_does_not_load_alembic(place: Place) -> None:
    with place.opened():
        pass
    script = (
        "import sys, pathlib\n"
        "from statuspage.store.engine import Database\n"
        "Database.open(sys.argv[1], pathlib.Path(sys.argv[2])).close()\n"
        "print('alembic' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, place.url, place.data_dir], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
