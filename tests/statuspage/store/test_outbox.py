"""The outbox on both databases: one notification for each key, in order, and a record of all of them."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, func, select, text

from incidents.events import Published, Updated
from incidents.model import State, Status, Subject, Update
from incidents.moving import Move
from statuspage.picture.audience import Verdict, Wish
from statuspage.store import outbox, outbox_tables, subscribers
from statuspage.store.columns import metadata
from statuspage.store.engine import Database
from statuspage.store.outbox import Entry
from statuspage.store.renaming import rename
from tests.statuspage.store.worlds import T0, after, begin, opened, write

ID = "abcdefghijkl"


def said(number: int, seconds: float) -> Updated:
    update = Update(number=number, state=State.INVESTIGATING, title="Problem", body="We look.", at=after(seconds), automatic=True)
    return Updated(at=after(seconds), incident=ID, update=update)


def filled(database: Database) -> tuple[Entry, ...]:
    """An incident with two public updates, of which the first is told to two recipients."""
    begin(database)
    write(database, opened(), Published(at=after(30), incident=ID), said(1, 31), said(2, 60))
    entries = [one for one in undecided(database) if isinstance(one.event, Updated)]

    def spread(connection: Connection) -> None:
        for entry in entries:
            outbox.notify(connection, entry, ID, [("subscriber:a", "mail"), ("subscriber:b", "mail")], after(90))
            outbox.decide(connection, entry.id, Verdict.TOLD, after(90))

    database.write(spread)
    return tuple(entries)


def undecided(database: Database) -> tuple[Entry, ...]:
    return database.read(lambda connection: outbox.undecided(connection, after(9000), limit=100))


def due(database: Database, seconds: float, **more: object) -> list[str]:
    found = database.read(lambda connection: outbox.due(connection, "mail", after(seconds), limit=100, **more))  # type: ignore[arg-type]
    return [one.key for one in found]


def test_what_was_said_waits_for_its_verdict_in_order(database: Database) -> None:
    begin(database)
    write(database, opened(), Published(at=after(30), incident=ID), said(1, 31), said(2, 60))
    assert [one.key for one in undecided(database)] == [f"{ID}:opened:1", f"{ID}:updated:1", f"{ID}:updated:2"]
    first = undecided(database)[0]
    database.write(lambda connection: outbox.decide(connection, first.id, Verdict.INSIDE, after(61)))
    assert [one.key for one in undecided(database)] == [f"{ID}:updated:1", f"{ID}:updated:2"]


def test_a_notification_is_written_once_for_each_key(database: Database) -> None:
    entries = filled(database)
    again = [("subscriber:a", "mail"), ("subscriber:c", "mail")]
    database.write(lambda connection: outbox.notify(connection, entries[0], ID, again, after(99)))
    kept = database.read(lambda connection: outbox.notifications_of(connection, ID, limit=100))
    assert sorted(one.key for one in kept) == [
        f"{ID}:updated:1>subscriber:a",
        f"{ID}:updated:1>subscriber:b",
        f"{ID}:updated:1>subscriber:c",
        f"{ID}:updated:2>subscriber:a",
        f"{ID}:updated:2>subscriber:b",
    ]
    assert {one.created_at for one in kept if one.recipient == "subscriber:a"} == {after(90)}


def test_only_the_oldest_of_a_thread_is_due_for_each_recipient(database: Database) -> None:
    filled(database)
    assert due(database, 90) == [f"{ID}:updated:1>subscriber:a", f"{ID}:updated:1>subscriber:b"]
    assert due(database, 89) == []
    assert due(database, 90, without=["subscriber:a"]) == [f"{ID}:updated:1>subscriber:b"]


@pytest.mark.parametrize("how", ["delivered", "dropped"])
def test_the_next_one_is_due_once_the_first_has_ended(database: Database, how: str) -> None:
    filled(database)
    (first, _) = database.read(lambda connection: outbox.due(connection, "mail", after(90), limit=100))

    def end(connection: Connection) -> None:
        if how == "delivered":
            outbox.note_delivered(connection, first.id, after(91))
        else:
            outbox.note_dropped(connection, first.id, "refused", after(91))

    database.write(end)
    assert due(database, 91) == [f"{ID}:updated:1>subscriber:b", f"{ID}:updated:2>subscriber:a"]


def test_what_failed_is_due_again_when_its_pause_is_over_and_holds_up_what_follows(database: Database) -> None:
    filled(database)
    (first, _) = database.read(lambda connection: outbox.due(connection, "mail", after(90), limit=100))
    database.write(lambda connection: outbox.note_failed(connection, first.id, "451 not now", after(120)))
    assert due(database, 119) == [f"{ID}:updated:1>subscriber:b"]
    assert due(database, 120) == [f"{ID}:updated:1>subscriber:a", f"{ID}:updated:1>subscriber:b"]
    (again, _) = database.read(lambda connection: outbox.due(connection, "mail", after(120), limit=100))
    assert (again.tries, again.reason) == (1, "451 not now")


def test_letters_go_first_and_are_forgotten_once_they_are_delivered(database: Database) -> None:
    filled(database)
    letter = {"kind": "confirm", "to": "ada@example.org"}
    database.write(
        lambda connection: outbox.write_letter(connection, key="confirm:1", channel="mail", recipient="x", letter=letter, at=after(90))
    )
    assert due(database, 90)[0] == "confirm:1"
    (first, *_) = database.read(lambda connection: outbox.due(connection, "mail", after(90), limit=100))
    assert (first.letter, first.entry) == (letter, None)
    database.write(lambda connection: outbox.note_delivered(connection, first.id, after(91)))
    left = database.read(lambda connection: connection.execute(text("SELECT * FROM notifications WHERE key = 'confirm:1'")).one())
    assert "ada@example.org" not in str(left)


def test_the_record_tells_how_far_everything_is(database: Database) -> None:
    filled(database)
    first, second = database.read(lambda connection: outbox.due(connection, "mail", after(90), limit=100))
    database.write(lambda connection: outbox.note_delivered(connection, first.id, after(91)))
    database.write(lambda connection: outbox.note_dropped(connection, second.id, "refused", after(92)))
    told = database.read(lambda connection: outbox.told(connection, incident=ID))
    assert [(one.verdict, one.delivered, one.waiting, one.dropped, one.last_at) for one in told] == [
        (Verdict.TOLD, 1, 0, 1, after(91)),
        (Verdict.TOLD, 0, 2, 0, None),
    ]
    assert database.read(outbox.waiting) == 2
    assert database.read(lambda connection: outbox.told_recipients(connection, ID, ["subscriber:a", "subscriber:z"])) == {"subscriber:a"}
    assert database.read(lambda connection: outbox.told_threads(connection, incidents=[ID, "other"], advisories=[])) == {ID}


def test_old_records_are_forgotten_in_slices_and_what_waits_stays(database: Database) -> None:
    filled(database)
    first, second = database.read(lambda connection: outbox.due(connection, "mail", after(90), limit=100))
    for number in (first.id, second.id):
        database.write(partial(outbox.note_delivered, id=number, at=after(91)))
    assert database.write(lambda connection: outbox.prune_told(connection, after(99), after(91), 10)) == 0
    assert database.write(lambda connection: outbox.prune_told(connection, after(99), after(92), 1)) == 1
    assert database.write(lambda connection: outbox.prune_told(connection, after(99), after(92), 10)) == 2
    assert database.read(outbox.waiting) == 2
    assert [one.key for one in undecided(database)] == [f"{ID}:opened:1"]


def test_what_has_waited_for_three_days_is_dropped_with_its_reason(database: Database) -> None:
    filled(database)
    (first, _) = database.read(lambda connection: outbox.due(connection, "mail", after(90), limit=100))
    database.write(lambda connection: outbox.note_failed(connection, first.id, "451 not now", after(120)))
    end = after(90) + outbox.KEPT_FOR
    for now, waiting in ((end - timedelta(seconds=1), 4), (end, 0)):
        database.write(partial(outbox.prune_told, now=now, before=after(0), limit=10))
        assert database.read(outbox.waiting) == waiting
    kept = database.read(lambda connection: outbox.notifications_of(connection, ID, limit=100))
    told = {one.key: one.reason for one in kept}
    assert told[first.key] == "given up after three days: 451 not now"
    assert {reason for key, reason in told.items() if key != first.key} == {"given up after three days"}


# --- subscribers ----------------------------------------------------------------------------------------------------------------


def subscribed(database: Database, address: str = "Ada@example.org", wish: Wish | None = None) -> subscribers.Subscriber:
    asked = {"channel": "mail", "address": address, "language": "en"}
    return database.write(lambda connection: subscribers.subscribe(connection, wish=wish or Wish(), at=T0, **asked))


def test_a_subscriber_is_read_back_as_they_were_written(database: Database) -> None:
    wish = Wish(services=frozenset({"mail", "files"}), floor=Status.MAJOR, wants_maintenance=False)
    ada = subscribed(database, wish=wish)
    assert (ada.address, ada.wish, ada.created_at, ada.refusals) == ("Ada@example.org", wish, T0, 0)
    assert database.read(lambda connection: subscribers.subscriber(connection, ada.id)) == ada
    assert database.read(lambda connection: subscribers.subscriber_at(connection, "mail", "ada@EXAMPLE.org")) == ada
    assert database.read(subscribers.count_subscribers) == {"mail": 1}


def test_the_same_address_is_never_there_twice(database: Database) -> None:
    ada = subscribed(database)
    again = subscribed(database, "ada@Example.ORG", Wish(floor=Status.MAJOR))
    assert (again.id, again.wish.floor) == (ada.id, Status.MAJOR)
    assert database.read(lambda connection: connection.scalar(select(func.count()).select_from(outbox_tables.subscribers))) == 1


def test_erasing_leaves_an_id_that_leads_to_nobody(database: Database) -> None:
    ada = subscribed(database)
    entries = filled(database)
    database.write(lambda connection: outbox.notify(connection, entries[0], ID, [(ada.recipient, "mail")], after(90)))
    assert database.write(lambda connection: subscribers.erase(connection, ada.id, at=after(95)))
    assert not database.write(lambda connection: subscribers.erase(connection, ada.id, at=after(96)))
    everything = []
    for table in metadata.sorted_tables:
        everything += database.read(lambda connection, table=table: connection.execute(select(table)).all())  # type: ignore[misc]
    assert "ada@example.org" not in str(everything).casefold()
    assert [one.reason for one in database.read(lambda connection: outbox.of_recipient(connection, ada.recipient))] == [
        "the subscriber is gone"
    ]


def test_a_service_that_is_called_otherwise_keeps_its_subscribers(database: Database) -> None:
    ada = subscribed(database, wish=Wish(services=frozenset({"mail", "files"})))
    ben = subscribed(database, "ben@example.org")
    database.write(lambda connection: rename(connection, Move(Subject.SERVICE, "mail", "post")))
    found = database.read(lambda connection: subscribers.subscribers_of(connection, [ada.id, ben.id]))
    assert found[ada.id].wish.services == frozenset({"post", "files"})
    assert found[ben.id].wish.services is None


def test_subscribers_come_in_slices_of_some_channels(database: Database) -> None:
    ids = sorted(subscribed(database, f"reader{number}@example.org").id for number in range(5))
    first = database.read(lambda connection: subscribers.subscribers_after(connection, "", limit=3))
    rest = database.read(lambda connection: subscribers.subscribers_after(connection, first[-1].id, limit=3))
    assert [one.id for one in (*first, *rest)] == ids
    assert database.read(lambda connection: subscribers.subscribers_after(connection, "", limit=3, channels=["webhook"])) == ()
    assert T0 + timedelta(0) == first[0].created_at
