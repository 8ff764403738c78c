"""Planned windows in the store: whatever happened to them, a restart knows what the running process knew."""

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from sqlalchemy import select

from incidents.events import (
    Approved,
    MaintenanceEvent,
    MaintenanceMoved,
    MaintenanceUpdated,
    Planned,
    Redescribed,
    Rescheduled,
    Spared,
)
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.situation import fold
from statuspage.store import outbox_tables, tables
from statuspage.store.engine import Database
from statuspage.store.maintenance_rows import maintenance_words, maintenances_between, newest_maintenances, read_maintenances
from statuspage.store.spelling import KINDS, spell, understand
from tests.statuspage.store.worlds import T0, after, begin, known, write

ID = "abcdefghijkl"
PLAN = Maintenance(
    id=ID,
    name=MappingProxyType({"en": "Storage patches", "de": "Speicher"}),
    description=MappingProxyType({"en": "We patch the storage."}),
    services=("mail", "files"),
    components=("storage", "imap"),
    starts=after(3600),
    ends=after(7200),
    planned_at=T0,
    planned_by="ada",
    needs_approval=True,
    override_by="meg",
    override_reason="The vendor has no other day.",
)
SERIES = replace(PLAN, id="bbbbbbbbbbbb", series="patches", occurrence=after(3600), needs_approval=False, planned_by=None)


def moved(old: MaintenanceState, new: MaintenanceState, seconds: float, *, by: str | None = None, id: str = ID) -> MaintenanceMoved:
    return MaintenanceMoved(
        at=after(seconds), maintenance=id, since=after(seconds), old=old, new=new, by=by, reason="it is time", overran=False
    )


LIFE: tuple[MaintenanceEvent, ...] = (
    Planned(at=T0, maintenance=ID, plan=PLAN),
    MaintenanceUpdated(
        at=T0,
        maintenance=ID,
        update=MaintenanceUpdate(
            number=1,
            state=MaintenanceState.SCHEDULED,
            title="Storage patches",
            body="Soon.",
            at=T0,
            by="ada",
            language="en",
            titles={"de": "Speicher"},
            bodies={"de": "Bald."},
        ),
    ),
    Approved(at=after(10), maintenance=ID, by="meg"),
    Rescheduled(at=after(20), maintenance=ID, starts=after(5000), ends=after(9000), by="ada", override_reason="moved"),
    Redescribed(at=after(30), maintenance=ID, name={"en": "Other"}, description={}, services=("files",), components=()),
    moved(MaintenanceState.SCHEDULED, MaintenanceState.IN_PROGRESS, 5000),
    Spared(at=after(5001), maintenance=ID, components=("imap",)),
    moved(MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING, 9000),
    moved(MaintenanceState.VERIFYING, MaintenanceState.COMPLETED, 9600),
)


def test_every_step_of_a_window_reads_back_as_the_fold_makes_it(database: Database) -> None:
    situation = begin(database)
    for event in LIFE:
        write(database, event, at=event.at)
        situation = fold(situation, (event,))
        assert known(database) == situation
    assert situation.maintenances == {}
    kept = database.read(lambda connection: read_maintenances(connection, [ID]))[ID]
    assert (kept.state, kept.began_at, kept.ended_at, kept.changes) == (MaintenanceState.COMPLETED, after(5000), after(9600), 2)
    assert [(one.announced_at, one.starts) for one in kept.promises] == [(after(10), after(3600)), (after(20), after(5000))]


def test_the_whole_life_in_one_batch_reads_back_the_same(database: Database) -> None:
    situation = fold(begin(database), LIFE)
    write(database, *LIFE, at=after(9600))
    assert known(database) == situation


def test_an_occurrence_that_is_over_is_remembered_and_forgotten_long_after(database: Database) -> None:
    first = (
        Planned(at=T0, maintenance=SERIES.id, plan=SERIES),
        moved(MaintenanceState.SCHEDULED, MaintenanceState.CANCELLED, 60, by="ada", id=SERIES.id),
    )
    situation = begin(database)
    for event in first:
        write(database, event, at=event.at)
        situation = fold(situation, (event,))
    assert situation.spent == {SERIES.id: after(7200)} == known(database).spent
    later = T0 + timedelta(days=140)
    plan = replace(SERIES, id="cccccccccccc", planned_at=later, starts=later, ends=later + timedelta(hours=1), occurrence=later)
    event = Planned(at=later, maintenance=plan.id, plan=plan)
    write(database, event, at=later)
    situation = fold(situation, (event,))
    assert situation.spent == {}
    assert known(database) == situation


@pytest.mark.parametrize("event", LIFE, ids=lambda event: type(event).__name__)
def test_every_event_of_a_window_is_spelled_and_understood(event: MaintenanceEvent) -> None:
    words = {of: word for word, of in KINDS.items()}
    assert understand(words[type(event)], spell(event)) == event


def test_each_change_has_words_and_a_notice_of_its_own(database: Database) -> None:
    begin(database)
    write(database, *LIFE, at=after(9600))
    rows = database.read(
        lambda connection: connection.execute(select(outbox_tables.outbox.c.key, outbox_tables.outbox.c.maintenance)).all()
    )
    assert [tuple(row) for row in rows] == [(f"{ID}:maintenance_updated:1", ID)]
    words = database.read(lambda connection: maintenance_words(connection, [ID]))
    assert [update.body for update in words[ID]] == ["Soon."]
    journal = database.read(lambda connection: connection.execute(select(tables.journal.c.kind, tables.journal.c.maintenance)).all())
    assert len(journal) == len(LIFE)
    assert {row.maintenance for row in journal} == {ID}


def test_an_event_of_a_window_that_is_not_there_is_an_error(database: Database) -> None:
    begin(database)
    with pytest.raises(LookupError, match="abcdefghijkl"):
        write(database, LIFE[2], at=after(10))


def test_windows_are_found_by_when_they_are_planned_or_ran(database: Database) -> None:
    begin(database)
    write(database, *LIFE, at=after(9600))

    def between(since: float, until: float) -> list[str]:
        return [one.id for one in database.read(lambda connection: maintenances_between(connection, after(since), after(until)))]

    assert between(4000, 5001) == [ID]
    assert between(9100, 9200) == [ID], "it ran on past its end"
    assert between(0, 5000) == between(9600, 20_000) == []
    assert [one.id for one in database.read(lambda connection: newest_maintenances(connection, 5))] == [ID]
