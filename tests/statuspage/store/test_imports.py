"""Imported history in the store: read back as it was told, searched, told of months before the birth, and placed in no feed."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, select

from incidents.events import Event
from incidents.importing import PastIncident, PastWindow, take_over
from incidents.model import State
from incidents.times.spans import Span
from statuspage.picture.search import asked
from statuspage.store import feed_tables, outbox_tables
from statuspage.store.engine import Database
from statuspage.store.imports import kept
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.store.months import first_told, stories_in, windows_in
from statuspage.store.queries import story
from statuspage.store.spelling import kind, spell, understand
from statuspage.store.words import find
from tests.incidents.test_importing import AGO, INCIDENT, LATER, MINUTE, PAGE, WINDOW
from tests.statuspage.store.worlds import T0, begin, known, live, write


def named(event: Event) -> str:
    return str(getattr(event, "incident", None) or getattr(event, "maintenance", None))


def events_of(database: Database, past: PastIncident | PastWindow) -> tuple[Event, ...]:
    """What an import of *past* says, by what is kept of it."""
    situation = known(database)
    (new,) = take_over(situation, T0, page=PAGE, past=past, kept=None, by="ada", language="en")
    id = named(new)
    before = database.read(lambda connection: kept(connection, [id])).get(id)
    return take_over(situation, T0, page=PAGE, past=past, kept=before, by="ada", language="en")


def brought(database: Database, past: PastIncident | PastWindow) -> str:
    (event,) = events_of(database, past)
    write(database, event)
    return named(event)


def counted(connection: Connection) -> tuple[int, int]:
    tables = (feed_tables.feed_entries, outbox_tables.outbox)
    places, letters = (connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    return places, letters


def test_an_imported_incident_reads_back_and_tells_nobody(database: Database) -> None:
    before = begin(database)
    events = events_of(database, INCIDENT)
    assert live(database, before, *events) == before == known(database)
    found = database.read(lambda connection: story(connection, named(events[0])))
    assert found is not None
    assert (found.incident.name, found.incident.imported_from, found.incident.worst) == (INCIDENT.name, PAGE.address, INCIDENT.services)
    assert [(one.number, one.body, one.at) for one in found.updates] == [(1, "We look.", AGO + MINUTE), (2, "It works.", AGO + 42 * MINUTE)]
    assert database.read(counted) == (0, 0)


def test_a_second_import_brings_nothing_and_a_third_what_was_said_since(database: Database) -> None:
    begin(database)
    id = brought(database, INCIDENT)
    assert events_of(database, INCIDENT) == ()
    assert brought(database, replace(INCIDENT, quotes=(*INCIDENT.quotes, LATER))) == id
    found = database.read(lambda connection: story(connection, id))
    assert found is not None
    assert (found.incident.state, [one.body for one in found.updates]) == (State.POSTMORTEM, ["We look.", "It works.", "A disk."])
    assert database.read(counted) == (0, 0)


def test_imported_planned_work_reads_back_and_tells_nobody(database: Database) -> None:
    before = begin(database)
    id = brought(database, WINDOW)
    assert events_of(database, WINDOW) == ()
    said = replace(WINDOW.quotes[0], id="u2", body="Done.")
    assert brought(database, replace(WINDOW, quotes=(*WINDOW.quotes, said))) == id
    window = database.read(lambda connection: read_maintenances(connection, [id]))[id]
    assert (window.imported_from, window.began_at, window.updates) == (PAGE.address, AGO + MINUTE, 2)
    words = database.read(lambda connection: maintenance_words(connection, [id]))[id]
    assert [one.body for one in words] == ["We patch.", "Done."]
    assert known(database) == before
    assert database.read(counted) == (0, 0)


def test_it_is_found_by_its_words_and_stands_in_its_month_before_the_birth(database: Database) -> None:
    begin(database)
    incident, window = brought(database, INCIDENT), brought(database, replace(WINDOW, starts=AGO - timedelta(days=40)))
    found = database.read(lambda connection: find(connection, asked("slow look"), 10))
    assert [one.incident.id for one in found.stories] == [incident]
    assert [one.maintenance.id for one in database.read(lambda connection: find(connection, asked("patch"), 10)).windows] == [window]
    assert database.read(first_told) == AGO - timedelta(days=40)
    span = Span(AGO - MINUTE, AGO + MINUTE)
    assert [one.incident.id for one in database.read(lambda connection: stories_in(connection, span))] == [incident]
    assert [one.maintenance.id for one in database.read(lambda connection: windows_in(connection, span))] == [window]


def test_every_imported_event_is_spelled_and_understood(database: Database) -> None:
    begin(database)
    told = [*events_of(database, INCIDENT), *events_of(database, WINDOW)]
    brought(database, INCIDENT)
    brought(database, WINDOW)
    told += events_of(database, replace(INCIDENT, quotes=(LATER,)))
    told += events_of(database, replace(WINDOW, quotes=(replace(WINDOW.quotes[0], id="u2"),)))
    assert {kind(event) for event in told} == {"imported", "quoted", "maintenance_imported", "maintenance_quoted"}
    for event in told:
        assert understand(kind(event), spell(event)) == event
