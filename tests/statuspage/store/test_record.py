"""Whatever is written down, the situation read back is the one that the fold makes of the same events."""

import gc
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError, StatementError

from incidents.events import (
    Acknowledged,
    Called,
    Calmed,
    Counted,
    Event,
    Flapped,
    Impacted,
    IncidentEvent,
    Joined,
    Noted,
    Parted,
    Published,
    Reclaimed,
    Renamed,
    Rerooted,
    Resolved,
    StateChanged,
    StatusChanged,
    Updated,
    Waived,
)
from incidents.handled import Brief, Briefed, Gated, Linked, Ticket, Unlinked, Weighed
from incidents.impairment import Hindrance, Impaired, Proven, Unimpaired
from incidents.model import Acknowledgement, Note, Origin, State, Status, Subject, Update
from incidents.reviewed import Attributed, Explained
from incidents.votes import Level, Run, Streak
from probes.result import Failure
from statuspage.store import outbox_tables, tables
from statuspage.store.engine import Database
from statuspage.store.queries import journal, notes, situation, story
from statuspage.store.spelling import KINDS, understand_runs
from tests.statuspage.store.worlds import T0, TOPOLOGY, after, begin, known, live, opened, result, write

ID = "abcdefghijkl"


def said(number: int, seconds: float, *, body: str = "We are looking into it.", by: str | None = "ada") -> Updated:
    is_in_german = by is None
    update = Update(
        number=number,
        state=State.IDENTIFIED,
        title=f"Mail: {number}",
        body=body,
        at=after(seconds),
        by=by,
        automatic=by is None,
        language="en",
        titles={"de": f"Post: {number}"} if is_in_german else {},
        bodies={"de": "Wir gehen dem nach."} if is_in_german else {},
    )
    return Updated(at=after(seconds), incident=ID, update=update)


def changed(subject: Subject, id: str, new: Status, seconds: float = 30, old: Status = Status.UNKNOWN) -> StatusChanged:
    return StatusChanged(at=after(seconds), subject=subject, id=id, since=T0, old=old, new=new, cause="2 × timeout")


STREAK = Streak(
    judged=Level.DOWN,
    runs=(
        Run(level=Level.GOOD, since=T0 - timedelta(minutes=1)),
        Run(level=Level.DEGRADED, since=T0 - timedelta(seconds=9), failure="slow"),
        Run(level=Level.DOWN, since=T0, count=2, last=after(30), failure="timeout", stage="connect", detail="no answer — \N{SNOWMAN}"),
    ),
    unknown=1,
    unknown_since=after(60),
    failure="timeout",
    stage="connect",
    detail="no answer within 10 s — \N{SNOWMAN}",
)

LIFE: Sequence[IncidentEvent] = (
    opened(ID),
    Joined(at=after(31), incident=ID, component="imap", reason="failed with it"),
    Impacted(at=after(31), incident=ID, services={"mail": Status.PARTIAL}),
    Impacted(at=after(32), incident=ID, services={"mail": Status.MAJOR, "files": Status.DEGRADED}),
    Gated(at=after(33), incident=ID, by="ada", publish_at=after(33)),
    Published(at=after(33), incident=ID),
    Flapped(at=after(33), incident=ID, since=after(30), reason="outage 3 of this incident"),
    Calmed(at=after(33), incident=ID, reason="it has been quiet"),
    said(1, 34, by=None),
    Acknowledged(at=after(40), incident=ID, acknowledgement=Acknowledgement(by="ada", at=after(40), expires_at=after(940))),
    Called(at=after(40), incident=ID, number=1, team="desk", tier=1, reason="it began"),
    Called(at=after(41), incident=ID, number=2, team="engineering", tier=2, reason="ada asked for it", by="ada"),
    Noted(at=after(41), incident=ID, note=Note(number=1, body="disk full on mx2", at=after(41), by="ada")),
    Weighed(at=after(41), incident=ID, by="ada", affected_share=0.25, cost_to_resolve=1200.0),
    Briefed(at=after(41), incident=ID, by="ada", brief=Brief(body="Try webmail.", by="ada", at=after(41), bodies={"de": "Webmail geht."})),
    Linked(at=after(41), incident=ID, by="ada", ticket=Ticket(name="OPS-7", url="https://tickets.example.net/OPS-7")),
    Linked(at=after(41), incident=ID, by="ada", ticket=Ticket(name="OPS-8")),
    Unlinked(at=after(41), incident=ID, by="ada", name="OPS-8"),
    said(2, 42),
    StateChanged(at=after(42), incident=ID, old=State.INVESTIGATING, new=State.IDENTIFIED, by="ada"),
    Rerooted(at=after(50), incident=ID, root="storage", reason="both depend on it"),
    Renamed(at=after(51), incident=ID, name="Problem with Files and Mail", language="en", names={"de": "Störung bei Dateien und Mail"}),
    Parted(at=after(52), incident=ID, component="imap", reason="still down alone"),
    Impacted(at=after(53), incident=ID, services={"files": Status.OPERATIONAL}),
    Attributed(at=after(59), incident=ID, cause="release", by="mia"),
    Explained(at=after(59), incident=ID, by="mia", words="It asks oftener now.", monitor="smtp-greets"),
    StateChanged(at=after(60), incident=ID, old=State.IDENTIFIED, new=State.MONITORING, by=None, resolves_at=after(360)),
    Resolved(at=after(360), incident=ID, by="ada", cause="disk", override_reason="switched off for good", merged_into="mnopqrstuvwx"),
)


def count(connection: Connection, table: str) -> int:
    return connection.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one()


def test_every_step_of_an_incident_reads_back_as_the_fold_makes_it(database: Database) -> None:
    expected = begin(database)
    for event in LIFE:
        expected = live(database, expected, event)
        assert known(database) == expected


def test_the_whole_life_in_one_batch_reads_back_the_same(database: Database) -> None:
    expected = live(database, begin(database), *LIFE[:-1])
    assert known(database) == expected
    assert expected.incidents[ID].worst == {"mail": Status.MAJOR, "files": Status.DEGRADED}
    assert expected.incidents[ID].components == ("storage", "smtp")


def test_results_streaks_and_standings_read_back_as_the_fold_makes_them(database: Database) -> None:
    before = begin(database)
    counted = Counted(monitor="smtp-greets", location="local", streak=STREAK)
    results = [result(seconds=s, failure=Failure.TIMEOUT) for s in (0, 3)] + [result("imap-logs-in", 1, location="far")]
    expected = live(
        database,
        before,
        Counted(monitor="smtp-greets", location="local", streak=Streak()),
        counted,
        changed(Subject.MONITOR, "smtp-greets", Status.MAJOR),
        changed(Subject.COMPONENT, "smtp", Status.MAJOR),
        changed(Subject.SERVICE, "mail", Status.PARTIAL),
        changed(Subject.SERVICE, "mail", Status.MAJOR, 31, Status.PARTIAL),
        replace(changed(Subject.SERVICE, "files", Status.MAINTENANCE, 32), covered=Status.MAJOR),
        results=results,
    )
    assert known(database) == expected
    assert expected.streaks == {("smtp-greets", "local"): STREAK}
    assert expected.seen == {("smtp-greets", "local"): after(3), ("imap-logs-in", "far"): after(1)}


BLIND = Impaired(at=after(20), location="local", since=after(18), reason=Hindrance.BLIND, detail="2 of 2 controls fail")
SIGHT: Sequence[Event] = (
    Proven(at=after(1), location="local", control="gateway 10.0.0.1"),
    Proven(at=after(1), location="far", control="gateway 10.0.0.1"),
    BLIND,
    Impaired(at=after(21), location="far", since=after(18), reason=Hindrance.BLIND, detail="no route"),
    Impaired(at=after(22), location="local", since=after(18), reason=Hindrance.ABSENT, detail="stood still"),
    Unimpaired(at=after(22), location="local", reason=Hindrance.ABSENT, until=after(22)),
    Unimpaired(at=after(30), location="local", reason=Hindrance.BLIND, until=after(29)),
    replace(BLIND, at=after(50), since=after(45)),
)


def test_what_we_could_not_see_reads_back_as_the_fold_makes_it(database: Database) -> None:
    expected = begin(database)
    for event in SIGHT:
        expected = live(database, expected, event)
        assert known(database) == expected
    assert expected.impairments["local", Hindrance.BLIND].since == after(45)
    assert expected.impairments["far", Hindrance.BLIND].is_open


def test_a_location_is_blind_once_at_a_time(database: Database) -> None:
    begin(database)
    write(database, BLIND)
    with pytest.raises(IntegrityError):
        write(database, replace(BLIND, at=after(50), since=after(45)))
    assert known(database).impairments["local", Hindrance.BLIND].since == after(18)


def test_a_standing_knows_the_status_before_it(database: Database) -> None:
    begin(database)
    write(database, changed(Subject.SERVICE, "mail", Status.UNKNOWN, old=Status.MAJOR))
    assert known(database).standings[Subject.SERVICE, "mail"].old is Status.MAJOR


def test_a_failure_that_goes_on_leaves_nothing_for_the_collector(database: Database) -> None:
    """Its rounds halt the event loop, and where many targets hang such a turn is written many times a second."""
    begin(database)

    def fail(number: int) -> None:
        counted = Counted(monitor="smtp-greets", location="local", streak=replace(STREAK, unknown=number))
        write(database, counted, results=[result(seconds=number, failure=Failure.TIMEOUT)])

    fail(1)
    gc.collect()
    gc.disable()
    try:
        for number in range(2, 6):
            fail(number)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_streak_is_replaced_and_others_stay(database: Database) -> None:
    situation = begin(database)
    for location, streak in (("local", STREAK), ("far", Streak(judged=Level.GOOD)), ("local", Streak())):
        situation = live(database, situation, Counted(monitor="imap-logs-in", location=location, streak=streak))
    assert known(database) == situation


def test_a_waived_component_stays_so_until_it_is_reclaimed(database: Database) -> None:
    waiving = Waived(at=T0, component="smtp", by="ada", reason="moved to the provider")
    waived = live(database, begin(database), waiving, Waived(at=T0, component="imap", by="ada", reason="it too"))
    assert known(database) == waived
    reclaimed = live(database, waived, Reclaimed(at=after(1), component="smtp"))
    assert known(database) == reclaimed
    assert reclaimed.waived == {"imap"}


def test_what_the_topology_no_longer_names_is_left_out_and_kept(database: Database) -> None:
    begin(database)
    write(
        database,
        Counted(monitor="smtp-greets", location="local", streak=STREAK),
        changed(Subject.COMPONENT, "smtp", Status.MAJOR),
        Waived(at=T0, component="smtp", by="ada", reason="gone"),
        *LIFE[:4],
        results=[result(), result("imap-logs-in", location="far")],
    )
    smaller = type(TOPOLOGY)(
        services={"files": TOPOLOGY.services["files"]},
        components={"storage": TOPOLOGY.components["storage"]},
        monitors={"storage-opens": TOPOLOGY.monitors["storage-opens"]},
    )
    left = known(database, smaller)
    assert (left.streaks, left.seen, left.standings, left.waived) == ({}, {}, {}, frozenset())
    assert left.incidents[ID].components == ()
    assert left.incidents[ID].services == {"files": Status.DEGRADED}
    assert known(database).incidents[ID].services == {"mail": Status.MAJOR, "files": Status.DEGRADED}


def test_the_machine_opens_no_second_incident_for_a_root(database: Database) -> None:
    begin(database)
    write(database, opened())
    with pytest.raises(IntegrityError):
        write(database, opened("mnopqrstuvwx"))
    assert set(known(database).incidents) == {ID}


def test_agents_and_other_roots_open_as_many_as_they_like(database: Database) -> None:
    begin(database)
    write(database, opened(), opened("mnopqrstuvwx", root="imap"))
    write(database, *(opened(f"agent{n}", root=None, origin=Origin.AGENT) for n in range(2)))
    write(database, *(opened(f"same{n}", root="smtp", origin=Origin.AGENT) for n in range(2)))
    assert len(known(database).incidents) == 6


def test_a_root_is_free_again_in_the_very_batch_in_which_its_incident_ends(database: Database) -> None:
    begin(database)
    write(database, opened("older0000000"))
    write(database, opened("newer0000000"), Resolved(at=after(60), incident="older0000000", by=None))
    assert set(known(database).incidents) == {"newer0000000"}


def test_a_root_is_free_again_in_the_very_batch_in_which_its_incident_moves_on(database: Database) -> None:
    begin(database)
    write(database, opened("older0000000"))
    write(database, opened("newer0000000"), Rerooted(at=after(70), incident="older0000000", root="storage", reason="deeper"))
    assert {one.id: one.root for one in known(database).incidents.values()} == {"older0000000": "storage", "newer0000000": "smtp"}


def test_an_event_of_an_unknown_incident_is_an_error_and_leaves_nothing(database: Database) -> None:
    begin(database)
    with pytest.raises(LookupError, match=r"published: incident nowhere is not in the store"):
        write(database, opened(), Published(at=T0, incident="nowhere"), results=[result()])
    assert known(database).incidents == {}
    left = [database.read(lambda connection, name=name: count(connection, name)) for name in ("batches", "results", "journal", "outbox")]  # type: ignore[misc]
    assert left == [0, 0, 0, 0]


def test_a_number_given_out_in_a_write_that_failed_is_forgotten(database: Database) -> None:
    begin(database)
    with pytest.raises(LookupError):
        write(database, Published(at=T0, incident="nowhere"), results=[result("storage-opens")])
    write(database, results=[result("imap-logs-in", location="far")])
    write(database, results=[result("storage-opens", 5)])
    assert known(database).seen == {("imap-logs-in", "far"): T0, ("storage-opens", "local"): after(5)}


def test_the_journal_holds_every_event_but_counted_and_reads_back(database: Database) -> None:
    begin(database)
    batch = write(database, Counted(monitor="smtp-greets", location="local", streak=STREAK), *LIFE, at=after(99))
    lines = database.read(lambda connection: journal(connection, ID))
    assert [line.event for line in lines] == list(LIFE)
    assert {(line.batch, line.at) for line in lines} == {(batch, after(99))}
    assert [line.sequence for line in lines] == sorted(line.sequence for line in lines)


def test_status_changes_and_waivers_stand_in_the_journal_without_an_incident(database: Database) -> None:
    begin(database)
    write(database, changed(Subject.SERVICE, "mail", Status.MAJOR), Waived(at=T0, component="smtp", by="ada", reason="gone"))
    kinds = database.read(lambda connection: connection.execute(select(tables.journal.c.kind, tables.journal.c.incident)).all())
    assert sorted(tuple(row) for row in kinds) == [("status_changed", None), ("waived", None)]


def test_the_words_of_the_journal_never_change() -> None:
    every = set(Event.__args__)
    assert set(KINDS.values()) == every - {Counted}
    assert sorted(KINDS) == [
        "acknowledged",
        "advised",
        "advisory_ended",
        "advisory_moved",
        "advisory_renamed",
        "advisory_reworded",
        "advisory_updated",
        "approved",
        "attributed",
        "briefed",
        "called",
        "calmed",
        "corrected",
        "correction_approved",
        "correction_dropped",
        "explained",
        "flapped",
        "gated",
        "impacted",
        "impaired",
        "imported",
        "joined",
        "linked",
        "maintenance_imported",
        "maintenance_moved",
        "maintenance_quoted",
        "maintenance_reworded",
        "maintenance_updated",
        "moved",
        "noted",
        "opened",
        "parted",
        "paused",
        "planned",
        "proven",
        "published",
        "quoted",
        "reclaimed",
        "redacted",
        "redescribed",
        "renamed",
        "reopened",
        "rerooted",
        "rescheduled",
        "resolved",
        "resumed",
        "reworded",
        "settled",
        "spared",
        "state_changed",
        "status_changed",
        "struck",
        "unimpaired",
        "unlinked",
        "updated",
        "waived",
        "weighed",
    ]


def test_batches_are_numbered_in_order(database: Database) -> None:
    first = write(database)
    second = write(database, results=[result()])
    assert second == first + 1


def keys(connection: Connection) -> list[str]:
    return list(connection.execute(select(outbox_tables.outbox.c.key).order_by(outbox_tables.outbox.c.id)).scalars())


def test_outbox_rows_are_written_with_their_cause(database: Database) -> None:
    begin(database)
    write(database, *LIFE)
    assert database.read(keys) == [
        f"{ID}:opened:1",
        f"{ID}:updated:1",
        f"{ID}:acknowledged:{int(after(40).timestamp() * 1000)}",
        f"{ID}:called:1",
        f"{ID}:called:2",
        f"{ID}:updated:2",
        f"{ID}:resolved:{int(after(360).timestamp() * 1000)}",
    ]


def test_a_refused_incident_leaves_no_outbox_row(database: Database) -> None:
    begin(database)
    write(database, opened())
    with pytest.raises(IntegrityError):
        write(database, said(1, 31), opened("mnopqrstuvwx"))
    assert database.read(keys) == [f"{ID}:opened:1"]


def test_an_acknowledgement_renewed_is_told_again(database: Database) -> None:
    begin(database)
    write(database, opened())
    for seconds in (40, 50):
        held = Acknowledgement(by="ada", at=after(40), expires_at=after(940 + seconds))
        write(database, Acknowledged(at=after(seconds), incident=ID, acknowledgement=held))
    assert len(database.read(keys)) == 3


def test_words_are_kept_in_their_order(database: Database) -> None:
    begin(database)
    write(database, *LIFE)
    kept = database.read(lambda connection: story(connection, ID))
    assert kept is not None
    assert kept.updates == tuple(event.update for event in LIFE if isinstance(event, Updated))
    assert database.read(lambda connection: notes(connection, ID)) == tuple(event.note for event in LIFE if isinstance(event, Noted))


def test_a_resolved_incident_is_whole_in_its_story(database: Database) -> None:
    begin(database)
    write(database, *LIFE)
    kept = database.read(lambda connection: story(connection, ID))
    assert kept is not None
    incident = kept.incident
    assert (incident.state, incident.resolved_at, incident.cause) == (State.RESOLVED, after(360), "disk")
    assert incident.merged_into == "mnopqrstuvwx"
    assert incident.acknowledgement == Acknowledgement(by="ada", at=after(40), expires_at=after(940))
    assert (incident.services, incident.worst) == ({"files": Status.OPERATIONAL}, {"mail": Status.MAJOR, "files": Status.DEGRADED})


def naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def test_a_naive_instant_is_refused(database: Database) -> None:
    begin(database)
    with pytest.raises(StatementError, match="only aware instants are kept"):
        write(database, opened(), Published(at=naive(T0), incident=ID))
    assert known(database).incidents == {}


def test_instants_come_back_aware_to_the_microsecond(database: Database) -> None:
    situation = begin(database)
    precise = opened(seconds=0.123457)
    assert live(database, situation, precise) == known(database)
    kept = known(database).incidents[ID].opened_at
    assert (kept, kept.utcoffset()) == (precise.at, timedelta(0))


def test_a_situation_before_the_first_start_is_an_error(database: Database) -> None:
    with pytest.raises(LookupError, match="no installation yet"):
        database.read(lambda connection: situation(connection, TOPOLOGY))


def test_runs_of_a_release_that_kept_no_reasons_are_read_as_they_are() -> None:
    rows: list[list[object]] = [["good", T0.isoformat(), 3], ["down", T0.isoformat(), 2, after(30).isoformat()]]
    assert understand_runs(rows) == (Run(level=Level.GOOD, since=T0, count=3), Run(level=Level.DOWN, since=T0, count=2, last=after(30)))
