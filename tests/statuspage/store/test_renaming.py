"""Ids that change: once, in one transaction, and nothing that was known is lost."""

import pytest
from sqlalchemy import Connection, func, select

from incidents.decide import decide
from incidents.events import Paused, Waived
from incidents.model import Component, Monitor, Need, Service, Situation, Subject, Topology
from incidents.moving import Move, moved
from incidents.policy import Policy
from incidents.votes import Streak
from probes.result import Failure
from statuspage.store import queries, renaming, tables
from statuspage.store.carrying import carry_over
from statuspage.store.engine import Database
from tests.statuspage.store.worlds import TOPOLOGY, after, begin, known, result, write

MOVES = (
    Move(Subject.SERVICE, "mail", "email"),
    Move(Subject.COMPONENT, "smtp", "submission"),
    Move(Subject.MONITOR, "smtp-greets", "submission-greets"),
)

RENAMED = Topology(
    services={
        "email": Service(id="email", name={"en": "Mail"}, needs=(Need(of=("submission",)), Need(of=("imap",)))),
        "files": TOPOLOGY.services["files"],
    },
    components={id: Component(id=id, name=id) for id in ("submission", "imap", "storage")},
    monitors={
        "submission-greets": Monitor(id="submission-greets", component="submission"),
        "imap-logs-in": TOPOLOGY.monitors["imap-logs-in"],
        "storage-opens": TOPOLOGY.monitors["storage-opens"],
    },
)


def outage(database: Database) -> Situation:
    """smtp works, then fails twice, of which the first failure was an hour ago."""
    situation = begin(database)
    database.write(lambda connection: queries.public_ids(connection, ["mail", "files"]))
    for seconds, failure in ((0, None), (60, Failure.REFUSED), (63, Failure.REFUSED)):
        heard = [result("smtp-greets", seconds, failure=failure), result("imap-logs-in", seconds), result("storage-opens", seconds)]
        events = decide(situation, heard, Policy(), after(seconds))
        write(database, *events, results=heard, at=after(seconds))
        situation = known(database)
    assert situation.incidents
    return situation


def carry(database: Database, moves: tuple[Move, ...] = MOVES) -> int:
    return len(database.write(lambda connection: carry_over(connection, moves, {}, after(100))))


def results(connection: Connection, monitor: str) -> int:
    mine = select(tables.places.c.num).where(tables.places.c.monitor == monitor)
    return int(connection.execute(select(func.count()).select_from(tables.results).where(tables.results.c.place.in_(mine))).scalar_one())


def test_what_was_known_is_known_under_the_new_ids(database: Database) -> None:
    before = outage(database)
    write(
        database,
        Waived(at=after(70), component="smtp", by="ada", reason="x"),
        Paused(at=after(70), monitor="smtp-greets", by="ada", reason="x"),
    )
    before = known(database)
    assert carry(database) == 3
    expected = before
    for move in MOVES:
        expected = moved(expected, move)
    found = known(database, RENAMED)
    assert found.incidents == expected.incidents
    assert (found.streaks, found.seen, found.standings) == (expected.streaks, expected.seen, expected.standings)
    assert (set(found.paused), set(found.waived)) == ({"submission-greets"}, {"submission"})


def test_the_incident_goes_on_under_its_own_address_and_says_nothing_new(database: Database) -> None:
    (id,) = outage(database).incidents
    carry(database)
    found = known(database, RENAMED)
    incident = found.incidents[id]
    assert (incident.root, incident.components, set(incident.services)) == ("submission", ("submission",), {"email"})
    heard = [result("submission-greets", 200, failure=Failure.REFUSED)]
    assert [type(event).__name__ for event in decide(found, heard, Policy(), after(200)) if hasattr(event, "incident")] == []


def test_its_history_and_its_results_move_with_it(database: Database) -> None:
    outage(database)
    told = database.read(lambda connection: queries.changes(connection, ["mail"], after(0)))["mail"]
    counted = database.read(lambda connection: results(connection, "smtp-greets"))
    carry(database)
    assert told
    assert database.read(lambda connection: queries.changes(connection, ["email"], after(0)))["email"] == told
    assert database.read(lambda connection: results(connection, "submission-greets")) == counted == 3


def test_the_public_id_stays(database: Database) -> None:
    outage(database)
    old = database.write(lambda connection: queries.public_ids(connection, ["mail"]))["mail"]
    carry(database)
    assert database.write(lambda connection: queries.public_ids(connection, ["email"])) == {"email": old}


def test_it_is_done_once_however_often_the_file_says_so(database: Database) -> None:
    outage(database)
    assert carry(database) == 3
    again = known(database, RENAMED)
    assert carry(database) == 0
    assert known(database, RENAMED) == again


def test_what_is_known_under_the_new_id_already_is_not_overwritten(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    before = outage(database)
    assert carry(database, (Move(Subject.COMPONENT, "smtp", "imap"),)) == 0
    assert "the component imap is known already" in caplog.text
    assert known(database) == before


def test_results_that_come_afterwards_go_to_the_same_place(database: Database) -> None:
    outage(database)
    carry(database)
    write(database, results=[result("submission-greets", 300)])
    assert database.read(lambda connection: results(connection, "submission-greets")) == 4
    assert database.read(lambda connection: results(connection, "smtp-greets")) == 0


def test_a_monitor_that_measures_something_else_forgets_its_votes(database: Database) -> None:
    outage(database)

    def streaks(digest: str) -> tuple[Streak | None, Streak | None]:
        database.write(lambda connection: carry_over(connection, (), {"smtp-greets": digest, "storage-opens": "same"}, after(100)))
        found = known(database).streaks
        return found.get(("smtp-greets", "local")), found.get(("storage-opens", "local"))

    first = streaks("one")
    assert first[0] is not None
    assert first[0].runs
    assert streaks("one") == first
    assert streaks("two") == (Streak(), first[1])


def test_the_journal_tells_of_the_move_and_keeps_what_it_said(database: Database) -> None:
    (id,) = outage(database).incidents
    before = database.read(lambda connection: queries.journal(connection, id))
    carry(database)
    assert database.read(lambda connection: queries.journal(connection, id)) == before
    kinds = database.read(lambda connection: connection.execute(select(tables.journal.c.kind)).scalars().all())
    assert list(kinds).count("moved") == 3


def test_no_column_that_names_a_subject_is_forgotten() -> None:
    named = {
        (subject, table.name, column.name)
        for table in tables.metadata.tables.values()
        for column in table.columns
        for subject in Subject
        if column.name == subject or (subject is Subject.COMPONENT and column.name == "root")
    }
    covered = {(subject, table.name, column.name) for subject, columns in renaming._COLUMNS.items() for table, column in columns}
    assert covered - named == {(Subject.SERVICE, "public_ids", "name")}
    assert named - covered == set()
