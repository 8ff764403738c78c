"""What the reports are read by, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incidents.events import Acknowledged, Impacted, Resolved, StatusChanged
from incidents.model import Acknowledgement, Status, Subject
from incidents.reviewed import Causes
from incidents.times.spans import Span
from statuspage.monthly import Company, Kind, ReviewReport, report_of
from statuspage.picture.desk_tallies import Tallied
from statuspage.store.callers import Call, log_caller
from statuspage.store.changes import Change, tell_change
from statuspage.store.desk_tallies import tallied_after
from statuspage.store.engine import Database
from statuspage.store.reviewed import lived_in, missed_with_incidents, promises_in, turns_in
from tests.statuspage.store.test_record import ID, said
from tests.statuspage.store.worlds import T0, after, begin, opened, write

PERIOD = Span(T0, T0 + timedelta(days=1))


def test_a_period_is_read_with_its_callers_promises_and_turns(database: Database) -> None:
    begin(database)
    database.write(lambda connection: log_caller(connection, Call(service="mail"), by="anna", at=after(-60)))
    write(database, opened(ID), Impacted(at=after(31), incident=ID, services={"mail": Status.PARTIAL}), at=after(31))
    first = said(1, 34)
    write(database, replace(first, update=replace(first.update, next_update_by=after(300))), said(2, 200), at=after(34))
    held = Acknowledgement(by="ada", at=after(40), expires_at=after(940))
    write(database, Acknowledged(at=after(40), incident=ID, acknowledgement=held), at=after(40))
    went_bad = StatusChanged(
        at=after(30), subject=Subject.MONITOR, id="smtp-greets", since=T0, old=Status.OPERATIONAL, new=Status.MAJOR, cause="2 × timeout"
    )
    write(database, went_bad, replace(went_bad, old=Status.MAJOR, new=Status.OPERATIONAL), at=after(50))
    write(database, Resolved(at=after(360), incident=ID, by="ada"), at=after(360))
    ((one,), promises, turns, missed, tallies) = database.read(
        lambda connection: (
            lived_in(connection, PERIOD),
            promises_in(connection, PERIOD),
            turns_in(connection, PERIOD),
            missed_with_incidents(connection, PERIOD),
            tallied_after(connection, 0),
        )
    )
    assert (one.owned_at, one.told_at, one.first_called_at, one.callers) == (after(40), after(34), after(-60), 1)
    assert [(promise.incident, promise.answered_at) for promise in promises] == [(ID, after(200))]
    assert turns == {"smtp-greets": 1}
    assert [(found.incident, found.callers) for found, _ in missed] == [(ID, 1)]
    assert {tallied for tallied, _ in tallies.found} == set(Tallied)
    assert dict(tallies.found)[Tallied.LEAD] == (after(-60) - one.incident.opened_at).total_seconds() < 0
    assert dict(tallies.found)[Tallied.CALLERS] == 1


def test_what_was_altered_before_an_incident_counts_although_it_began_before_the_month_in_which_it_was_opened(database: Database) -> None:
    situation, april = begin(database), datetime(2026, 4, 1, tzinfo=UTC)
    born = replace(opened(ID), at=april + timedelta(minutes=10), started_at=april - timedelta(minutes=50))
    release = Change(id=0, at=april - timedelta(hours=24, minutes=30), by="pipeline", what="A release")
    database.write(lambda connection: tell_change(connection, release))
    hit = Impacted(at=born.at, incident=ID, services={"mail": Status.PARTIAL})
    write(database, born, hit, at=born.at)
    company = Company(name="x", zone="UTC", language="en", topology=situation.topology, impacts={}, causes=Causes(listed=()))
    now = april + timedelta(days=40)
    found = database.read(lambda connection: report_of(connection, Kind.REVIEW, "2026-04", now, company))
    assert isinstance(found, ReviewReport)
    assert [one.what for one in found.review.changes] == ["A release"]
