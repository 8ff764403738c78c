"""A new store and one that came by every step are what the tables say, on both databases, all or nothing."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, inspect, select, text
from sqlalchemy.engine.interfaces import ReflectedIndex

from statuspage.store.engine import Database, StoreError
from statuspage.store.migrations.steps import HEAD
from statuspage.store.migrations.upgrade import configuration
from statuspage.store.queries import story
from statuspage.store.tables import metadata
from tests.stores import Place, Postgresql, stepped


@pytest.fixture(params=["sqlite", "postgresql"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """Places without a store, all of one kind."""
    numbers = count(1)
    if request.param == "sqlite":
        return lambda: Place(url=f"sqlite:///{next(numbers)}.db", data_dir=tmp_path)
    server: Postgresql = request.getfixturevalue("postgresql")
    return lambda: Place(url=server.empty(), data_dir=tmp_path)


@pytest.fixture
def bare(another: Callable[[], Place]) -> Place:
    return another()


def schema(database: Database) -> dict[str, object]:
    """All that a database tells of its tables, whatever the order in which it came there, and the rows in them.

    Each is asked for by itself: all of them together may take a busy server longer than any transaction of ours is waited for.
    """
    names = database.read(lambda connection: inspect(connection).get_table_names())
    return {name: database.read(partial(told_of, name=name)) for name in names}


def told_of(connection: Connection, name: str) -> object:
    told = inspect(connection)
    constraints = (told.get_foreign_keys(name), told.get_unique_constraints(name), told.get_check_constraints(name))
    return {
        "columns": sorted((one["name"], str(one["type"]), one["nullable"], one["default"]) for one in told.get_columns(name)),
        "key": told.get_pk_constraint(name),
        "constraints": [sorted(map(str, some)) for some in constraints],
        "indexes": sorted((str(one["name"]), one["column_names"], one["unique"], condition(one)) for one in told.get_indexes(name)),
        "options": told.get_table_options(name),
        "rows": connection.execute(select(Table(name, MetaData(), autoload_with=connection))).all(),
    }


def condition(index: ReflectedIndex) -> str:
    return "".join(str(clause) for name, clause in index.get("dialect_options", {}).items() if name.endswith("_where"))


def differences(connection: Connection) -> list[object]:
    opts = {"compare_server_default": True, "include_object": is_plain}
    return list(compare_metadata(MigrationContext.configure(connection, opts=opts), metadata))


def is_plain(_: object, name: str | None, *__: object) -> bool:
    """Whether it is no index over words: what those are made of differs by database, and no table of ours says it."""
    return name is None or "public_words_index" not in name


def test_migrated_schema_is_what_the_tables_say(bare: Place) -> None:
    stepped(bare)
    with bare.opened() as database:
        assert database.read(differences) == []


def test_a_new_store_is_what_the_steps_build(another: Callable[[], Place]) -> None:
    new, old = another(), another()
    stepped(old)
    with new.opened() as made, old.opened() as grown:
        assert schema(made) == schema(grown)


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


def test_a_store_of_the_first_release_is_brought_up_to_date_with_what_it_holds(bare: Place) -> None:
    def fill(connection: Connection) -> None:
        row = "INSERT INTO streaks (monitor, location, runs, unknown, detail) VALUES ('nightly', 'local', '[]', 0, 'kept')"
        connection.execute(text(row))
        for table, extra in (("standings", "status"), ("status_changes", "at, old, new")):
            values = {"standings": "'unknown'", "status_changes": "'2026-03-02', 'major_outage', 'unknown'"}[table]
            columns = f"INSERT INTO {table} (subject, id, since, cause, {extra}) "
            connection.execute(text(columns + f"VALUES ('service', 'mail', '2026-03-02', 'silence', {values})"))

    stepped(bare, "0001", fill)
    with bare.opened() as database:
        assert database.read(differences) == []
        kept = database.read(lambda connection: connection.execute(text("SELECT detail, began FROM streaks")).one())
        was = database.read(lambda connection: connection.execute(text("SELECT old FROM standings")).scalar())
    assert tuple(kept) == ("kept", None)
    assert was == "major_outage"


def test_words_of_an_older_release_stay_as_they_are_in_no_language_that_was_kept(bare: Place) -> None:
    def fill(connection: Connection) -> None:
        incident = "id, name, origin, state, started_at, opened_at, updates, notes, asks_desk, told"
        values = "'one', 'Email is not working', 'machine', 'investigating', '2026-03-02', '2026-03-02', 1, 0, false, '[]'"
        connection.execute(text(f"INSERT INTO incidents ({incident}) VALUES ({values})"))
        said = "'one', 1, 'investigating', 'Email – investigating', 'We are looking into it.', '2026-03-02', true"
        connection.execute(text(f"INSERT INTO updates (incident, number, state, title, body, at, automatic) VALUES ({said})"))

    stepped(bare, "0020", fill)
    with bare.opened() as database:
        found = database.read(lambda connection: story(connection, "one"))
    assert found is not None
    (said,) = found.updates
    assert (found.incident.name, found.incident.language, found.incident.names) == ("Email is not working", None, {})
    assert (said.body, said.language, said.titles, said.bodies) == ("We are looking into it.", None, {}, {})


def test_what_was_decided_before_anybody_could_ask_is_told_to_nobody(bare: Place) -> None:
    def fill(connection: Connection) -> None:
        columns = "(key, created_at, incident, kind, body, next_try_at, tries)"
        row = "VALUES ('a:opened:1', '2026-03-02', 'a', 'opened', '[]', '2026-03-02', 0)"
        connection.execute(text(f"INSERT INTO outbox {columns} {row}"))

    stepped(bare, "0015", fill)
    with bare.opened() as database:
        kept = database.read(lambda connection: connection.execute(text("SELECT verdict, decided_at IS NULL FROM outbox")).one())
    assert (kept[0], bool(kept[1])) == ("earlier", False)


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

    stepped(bare, "0001")
    with monkeypatch.context() as patch:
        patch.setattr(broken, upgrade)
        with pytest.raises(RuntimeError, match="the power went"):
            Database.open(bare.url, bare.data_dir)
    with bare.opened() as database:
        assert database.read(differences) == []


def test_neither_the_first_start_nor_another_loads_alembic(bare: Place) -> None:
    script = (
        "import sys, pathlib\n"
        "from statuspage.store.engine import Database\n"
        "Database.open(sys.argv[1], pathlib.Path(sys.argv[2])).close()\n"
        "print('alembic' in sys.modules)\n"
    )
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", script, bare.url, bare.data_dir], capture_output=True, text=True, check=True)
        assert run.stdout == "False\n"
