"""Every public word has a place in each feed that tells it: given once, in the order in which it was said, and kept for ever."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from alembic import command
from sqlalchemy import Connection, select, text, update

from incidents.events import Event, Impacted, IncidentEvent, MaintenanceMoved, MaintenanceUpdated, Planned, Published, Settled, Updated
from incidents.maintenance import MaintenanceState, MaintenanceUpdate
from incidents.model import State, Status, Subject, Update
from incidents.moving import Move
from statuspage.picture.news import PAGE, About, Said, Tail, Topic, Untold
from statuspage.store import feed_rows, tables
from statuspage.store.engine import Database
from statuspage.store.feed_rows import archive, tails
from statuspage.store.feed_tables import feed_entries
from statuspage.store.migrations.upgrade import configuration
from statuspage.store.renaming import rename
from tests.statuspage.store.test_maintenance_rows import PLAN, SERIES
from tests.statuspage.store.worlds import after, begin, opened, write

ID = "abcdefghijkl"
ALL, MAIL, FILES = Topic(About.EVERYTHING), Topic(About.SERVICE, "mail"), Topic(About.SERVICE, "files")
PARTIAL, MAJOR = Topic(About.PARTIAL), Topic(About.MAJOR)


def said(number: int, id: str = ID, body: str = "We are looking into it.") -> Updated:
    told = Update(number=number, state=State.INVESTIGATING, title=f"Mail: {number}", body=body, at=after(number))
    return Updated(at=after(number), incident=id, update=told)


def hit(id: str = ID, **services: Status) -> Impacted:
    return Impacted(at=after(0), incident=id, services=services)


def life(*events: IncidentEvent, id: str = ID, root: str = "smtp") -> Sequence[IncidentEvent]:
    return (replace(opened(id), root=root), *events[:1], Published(at=after(0), incident=id), *events[1:])


def numbers(words: Iterable[Said]) -> list[int]:
    return [one.number for one in words]


def told(database: Database, *topics: Topic) -> list[list[int]]:
    found = database.read(lambda connection: tails(connection, topics))
    return [numbers(found[topic].said) for topic in topics]


def test_words_are_told_of_what_is_hit_by_then_and_never_moved_afterwards(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), said(1), hit(mail=Status.MAJOR, files=Status.DEGRADED), said(2)), at=after(9))
    assert told(database, ALL, Topic(About.DEGRADED), PARTIAL, MAJOR, MAIL, FILES) == [[1, 2], [1, 2], [1, 2], [2], [1, 2], [2]]
    write(database, hit(mail=Status.OPERATIONAL, files=Status.OPERATIONAL), said(3), at=after(10))
    assert told(database, PARTIAL, MAJOR, MAIL, FILES) == [[1, 2, 3], [2, 3], [1, 2, 3], [2, 3]]


def test_what_an_incident_no_longer_hits_is_told_how_it_goes_on(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), said(1), hit(files=Status.PARTIAL), said(2)), at=after(9))
    assert told(database, MAIL, FILES) == [[1, 2], [2]]


def test_the_order_is_that_in_which_it_was_said_whatever_the_clock_did(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), said(1)), at=after(9))
    early = replace(said(2).update, at=after(-3600))
    write(database, replace(said(2), update=early), at=after(-3600))
    assert told(database, ALL) == [[1, 2]]


@pytest.mark.parametrize("count", [0, 1, PAGE, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE + 7])
def test_archives_and_the_newest_document_have_every_word_once_between_them(database: Database, count: int) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), *map(said, range(1, count + 1))), at=after(count))
    newest = database.read(lambda connection: tails(connection, [ALL])[ALL])
    pages = [database.read(lambda connection, page=page: archive(connection, ALL, page)) for page in range(1, newest.archives + 1)]  # type: ignore[misc]
    assert [len(page) for page in pages] == [PAGE] * newest.archives
    assert numbers(one for page in (*pages, newest.said) for one in page) == list(range(1, count + 1))
    assert min(count, PAGE) <= len(newest.said) < 2 * PAGE


def test_a_closed_archive_stays_as_it_is(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), *map(said, range(1, 2 * PAGE + 1))), at=after(0))
    first = database.read(lambda connection: archive(connection, ALL, 1))
    write(database, *life(hit("mnopqrstuvwx", files=Status.MAJOR), said(1, "mnopqrstuvwx"), id="mnopqrstuvwx", root="storage"), at=after(1))
    write(database, *map(said, range(2 * PAGE + 1, 4 * PAGE)), at=after(2))
    assert database.read(lambda connection: archive(connection, ALL, 1)) == first


def test_what_was_never_spoken_of_has_an_empty_tail(database: Database) -> None:
    begin(database)
    assert database.read(lambda connection: tails(connection, [MAIL])) == {MAIL: Tail()}
    assert retold(database, {}, is_everything=True) == {}


def retold(database: Database, known: dict[Topic, Tail], *events: Event, is_everything: bool = False) -> dict[Topic, Tail]:
    untold = Untold(is_everything=is_everything)
    untold.hear(events)
    return {**known, **database.read(lambda connection: feed_rows.told(connection, known, untold))}


def test_what_is_told_word_by_word_is_what_would_be_told_at_once(database: Database) -> None:
    begin(database)
    known: dict[Topic, Tail] = {}
    window = replace(PLAN, needs_approval=False)
    turns: list[Sequence[Event]] = [
        life(hit(mail=Status.PARTIAL), said(1)),
        (Planned(at=after(0), maintenance=window.id, plan=window), word(1)),
        *([said(number)] for number in range(2, 3 * PAGE)),
        (hit(mail=Status.MAJOR, files=Status.MAJOR), said(3 * PAGE), word(2), said(3 * PAGE + 1)),
    ]
    for turn in turns:
        write(database, *turn, at=after(9))
        known = retold(database, known, *turn)
    assert known == retold(database, {}, is_everything=True)
    assert len(known) == 9


def test_a_word_that_nobody_heard_of_is_told_with_the_next(database: Database) -> None:
    begin(database)
    first = life(hit(mail=Status.PARTIAL), said(1))
    write(database, *first, at=after(9))
    known = retold(database, {}, *first)
    write(database, said(2), said(3), said(4), at=after(9))
    assert numbers(retold(database, known, said(4))[ALL].said) == [1, 2, 3, 4]


def test_heard_twice_is_told_once(database: Database) -> None:
    begin(database)
    first = life(hit(mail=Status.PARTIAL), said(1))
    write(database, *first, at=after(9))
    known = retold(database, {}, *first)
    assert retold(database, known, *first) == known
    assert retold(database, known, *first[:1]) == known


def test_words_that_may_read_otherwise_are_read_again(database: Database) -> None:
    begin(database)
    first = life(hit(mail=Status.PARTIAL), said(1))
    write(database, *first, at=after(9))
    known = retold(database, {}, *first)
    database.write(lambda connection: connection.execute(update(tables.updates).values(redacted_at=after(70))))
    assert retold(database, known, said(1)) == known
    assert [one.is_withdrawn for one in retold(database, known, Settled(at=after(70), incident=ID))[MAIL].said] == [True]


# --- planned work ---------------------------------------------------------------------------------------------------------------------


def word(number: int, state: MaintenanceState = MaintenanceState.SCHEDULED, by: str | None = None, id: str = PLAN.id) -> MaintenanceUpdated:
    told = MaintenanceUpdate(number=number, state=state, title=f"Patches: {number}", body="Soon.", at=after(number), by=by)
    return MaintenanceUpdated(at=after(number), maintenance=id, update=told)


def plan(database: Database, *events: MaintenanceUpdated | MaintenanceMoved) -> None:
    window = replace(PLAN, needs_approval=False)
    write(database, Planned(at=after(0), maintenance=window.id, plan=window), word(1), *events, at=after(9))


def test_single_windows_are_told_everywhere_and_quiet_ones_beside_maintenance_alone(database: Database) -> None:
    begin(database)
    plan(database)
    quiet = replace(SERIES, is_quiet=True, services=("mail",))
    write(database, Planned(at=after(0), maintenance=quiet.id, plan=quiet), word(1, id=quiet.id), at=after(9))
    subjects = database.read(lambda connection: tails(connection, [ALL, Topic(About.MAINTENANCE)]))
    assert [[one.subject for one in tail.said] for tail in subjects.values()] == [[PLAN.id], [PLAN.id, SERIES.id]]
    write(database, word(2, MaintenanceState.CANCELLED, id=quiet.id), at=after(10))
    assert told(database, ALL, Topic(About.SERVICE_MAINTENANCE, "mail")) == [[1, 2], [1, 1, 2]]


def test_work_that_does_not_take_place_takes_back_what_announced_it(database: Database) -> None:
    begin(database)
    off = MaintenanceMoved(
        at=after(3),
        maintenance=PLAN.id,
        since=after(3),
        old=MaintenanceState.SCHEDULED,
        new=MaintenanceState.CANCELLED,
        by="ada",
        reason="called off",
    )
    plan(database, word(2), word(3, MaintenanceState.CANCELLED), off)
    (tail,) = database.read(lambda connection: tails(connection, [ALL])).values()
    assert [one.takes_back for one in tail.said] == [0, 0, 2]


def test_work_that_was_stopped_had_been_announced_rightly(database: Database) -> None:
    begin(database)
    ran, stopped = (
        MaintenanceMoved(at=after(2), maintenance=PLAN.id, since=after(2), old=old, new=new, by=None, reason="so it went")
        for old, new in (
            (MaintenanceState.SCHEDULED, MaintenanceState.IN_PROGRESS),
            (MaintenanceState.IN_PROGRESS, MaintenanceState.CANCELLED),
        )
    )
    plan(database, ran, word(2, MaintenanceState.CANCELLED), stopped)
    assert [one.takes_back for one in database.read(lambda connection: tails(connection, [ALL])[ALL]).said] == [0, 0]


# --- what changes afterwards ----------------------------------------------------------------------------------------------------------


def test_a_correction_moves_updated_and_a_withdrawal_takes_the_words_away(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), said(1), said(2)), at=after(9))

    def correct(connection: Connection) -> None:
        mine = tables.updates.c.number
        connection.execute(update(tables.updates).where(mine == 1).values(body="Better.", edited_at=after(60)))
        connection.execute(update(tables.updates).where(mine == 2).values(edited_at=after(60), redacted_at=after(70)))

    database.write(correct)
    first, second = database.read(lambda connection: tails(connection, [ALL])[ALL]).said
    assert (first.body, first.at, first.updated, first.is_withdrawn) == ("Better.", after(1), after(60), False)
    assert (second.body, second.at, second.updated, second.is_withdrawn) == ("", after(2), after(70), True)


def test_words_withdrawn_from_a_closed_archive_are_told_of_beside_the_newest(database: Database) -> None:
    begin(database)
    first = life(hit(mail=Status.PARTIAL), *map(said, range(1, 2 * PAGE)))
    write(database, *first, at=after(9))

    def withdraw(*numbers: int) -> None:
        mine = update(tables.updates).where(tables.updates.c.number.in_(numbers))
        database.write(lambda connection: connection.execute(mine.values(redacted_at=after(60 + numbers[0]))))

    withdraw(7)
    known = retold(database, {}, is_everything=True)
    assert known[MAIL].withdrawn == ()  # it is still in the newest document itself
    write(database, said(2 * PAGE), at=after(9))
    known = retold(database, known, said(2 * PAGE))
    assert (numbers(known[MAIL].withdrawn), known[MAIL].archives) == ([7], 1)
    withdraw(3)
    known = retold(database, known, Settled(at=after(70), incident=ID))
    assert [(one.number, one.body) for one in known[MAIL].withdrawn] == [(3, ""), (7, "")]
    assert known == retold(database, {}, is_everything=True)
    archived = database.read(lambda connection: archive(connection, MAIL, 1))
    assert [one.number for one in archived if one.is_withdrawn] == [3, 7]


def test_a_service_that_is_renamed_keeps_its_feed(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL), said(1)), at=after(9))
    database.write(lambda connection: rename(connection, Move(Subject.SERVICE, "mail", "email")))
    assert told(database, MAIL, Topic(About.SERVICE, "email")) == [[], [1]]


def test_an_older_store_gets_the_places_that_it_would_have_given(database: Database) -> None:
    begin(database)
    write(database, *life(hit(mail=Status.PARTIAL, files=Status.DEGRADED), said(1), said(2)), at=after(1))
    quiet = replace(SERIES, is_quiet=True)
    planned = Planned(at=after(0), maintenance=quiet.id, plan=quiet)
    write(database, planned, word(3, id=quiet.id), word(4, MaintenanceState.IN_PROGRESS, id=quiet.id), at=after(9))
    write(database, word(5, by="ada", id=quiet.id), word(6, MaintenanceState.CANCELLED, id=quiet.id), at=after(9))
    # That step knew of no advisories.
    rows = select(*(column for column in feed_entries.c if column.name != "advisory")).order_by(*feed_entries.primary_key)
    before = database.read(lambda connection: [tuple(row) for row in connection.execute(rows)])

    def take_the_step_again(connection: Connection) -> None:
        feed_entries.drop(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0014'"))
        command.upgrade(configuration(connection), "0015")

    database.write(take_the_step_again)
    assert database.read(lambda connection: [tuple(row) for row in connection.execute(rows)]) == before
    assert len(before) > 20
