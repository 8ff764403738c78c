"""What was removed is in no table any more, and in no byte of the files, on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from incidents.events import Noted, Updated
from incidents.model import Note, State, Update
from incidents.rewording import Redacted, Struck, digest
from statuspage.store import clearing
from statuspage.store.engine import Database
from statuspage.store.traces import traces_left
from tests.statuspage.store.worlds import after, begin, opened, write
from tests.stores import Place, Postgresql

REMOVED, STRUCK = "zweiundzwanzigschwertfische", "Dreiundzwanzigschwertfische"
ID = "abcdefghijkl"


@pytest.fixture
def told(database: Database) -> Database:
    """An incident with words that must vanish, one in an update and one in a note and the audit's neighbour, the journal."""
    begin(database)
    said = Update(number=1, state=State.INVESTIGATING, title="Mail", body=f"Ask {REMOVED}.", at=after(31), by="ada")
    write(database, opened(), Updated(at=after(31), incident=ID, update=said))
    write(database, Noted(at=after(32), incident=ID, note=Note(number=1, body=f"Call {STRUCK}.", at=after(32), by="ada")))
    return database


def remove(database: Database) -> None:
    was = digest(f"Ask {REMOVED}.")
    write(database, Redacted(at=after(40), incident=ID, number=1, was=was, by="ben", reason="It names a person."))
    struck = Struck(at=after(41), incident=ID, was=digest(STRUCK), instead="a colleague", by="ben", reason="The same.", phrase=STRUCK)
    write(database, struck)


def rows(database: Database) -> str:
    """Every row of every table, as text."""

    def read(connection: object) -> str:
        names = inspect(connection).get_table_names()
        return "".join(str(connection.execute(text(f"SELECT * FROM {name}")).all()) for name in names)  # type: ignore[attr-defined]

    return database.read(read)


def files(place: Place, request: pytest.FixtureRequest, database: Database) -> Iterator[Path]:
    """The files that the rows stand in."""
    if place.url.startswith("sqlite"):
        yield from place.data_dir.glob("statuspage.db*")
        return
    server: Postgresql = request.getfixturevalue("postgresql")
    server.execute("CHECKPOINT")
    asked = text("SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()")
    directory, oid = database.read(lambda connection: connection.execute(asked).one())
    named = text("SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relkind IN ('r', 't', 'i') AND relname NOT LIKE 'pg_stat%'")
    kept = database.read(lambda connection: {str(node) for _, node in connection.execute(named) if node is not None})
    yield from (path for path in (Path(directory) / "base" / str(oid)).iterdir() if path.name in kept)


def test_what_was_removed_is_nowhere_any_more(told: Database, place: Place, request: pytest.FixtureRequest) -> None:
    assert REMOVED in rows(told)
    assert STRUCK in rows(told)
    remove(told)
    assert REMOVED not in rows(told)
    assert STRUCK not in rows(told)
    assert told.read(traces_left) is not None
    assert told.purge() == ""
    for path in files(place, request, told):
        assert not any(word.encode() in path.read_bytes() for word in (REMOVED, STRUCK)), path.name
    write(told, Noted(at=after(50), incident=ID, note=Note(number=2, body="Work goes on.", at=after(50), by="ada")))


def test_what_is_large_is_left_to_a_person(told: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "REWRITTEN_AT_MOST", 1)
    remove(told)
    assert "large; run VACUUM" in told.purge()
