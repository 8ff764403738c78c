"""Round-ups on both databases: what was gathered before a period's end becomes one letter, and shares its fate."""

from datetime import date, timedelta
from functools import partial

from sqlalchemy import Connection

from statuspage.picture.audience import Rhythm, Wish
from statuspage.picture.roundup import Period
from statuspage.store import outbox, round_ups, subscribers
from statuspage.store.engine import Database
from statuspage.store.outbox import KEPT_FOR, Notification
from statuspage.store.subscribers import PREFIX, Subscriber
from tests.statuspage.store.test_outbox import ID, filled
from tests.statuspage.store.worlds import T0, after

DAY = timedelta(days=1)
TODAY = Period(day=date(2026, 3, 2), since=after(100) - DAY, until=after(100), next=after(100) + DAY)


def gathering(database: Database, *names: str, rhythm: Rhythm = Rhythm.DAILY) -> list[Subscriber]:
    """Subscribers for each of whom two texts are gathered: one after 90 seconds, and one after 100, when the period is over."""

    def write(connection: Connection) -> list[Subscriber]:
        wish, named = Wish(rhythm=rhythm), {"channel": "mail", "language": "en"}
        found = [subscribers.subscribe(connection, address=f"{name}@example.org", wish=wish, at=T0, **named) for name in names]
        for entry, seconds in zip(entries, (90, 100), strict=True):
            recipients = [(one.recipient, "mail") for one in found]
            outbox.notify(connection, entry, ID, recipients, after(seconds), gathered=[one.recipient for one in found])
        return found

    entries = filled(database)
    return database.write(write)


def closed(database: Database, rhythm: Rhythm = Rhythm.DAILY, period: Period = TODAY, *, limit: int = 100, last: str = "") -> str | None:
    return database.write(lambda connection: round_ups.close(connection, rhythm, period, last, prefix=PREFIX, limit=limit, at=after(101)))


def of(database: Database, one: Subscriber) -> list[Notification]:
    return list(database.read(lambda connection: outbox.of_recipient(connection, one.recipient)))


def due(database: Database) -> list[Notification]:
    found = database.read(lambda connection: outbox.due(connection, "mail", after(110), limit=100))
    return [one for one in found if "@" not in one.recipient and one.recipient not in {"subscriber:a", "subscriber:b"}]


def test_what_is_gathered_is_not_due_and_does_not_wait(database: Database) -> None:
    before = 4  # of the others
    ada, *_ = gathering(database, "ada")
    assert due(database) == []
    assert database.read(outbox.waiting) == before
    assert [one.round_up for one in of(database, ada)] == ["", ""]


def test_what_was_gathered_before_the_end_becomes_one_letter(database: Database) -> None:
    ada, ben = gathering(database, "ada", "ben")
    assert closed(database) is None
    letters = due(database)
    assert sorted(one.key for one in letters) == sorted(f"round-up:{one.recipient}:daily:2026-03-02" for one in (ada, ben))
    assert letters[0].letter == {
        "kind": "round-up",
        "since": TODAY.since.isoformat(),
        "until": TODAY.until.isoformat(),
        "next": TODAY.next.isoformat(),
    }
    key = f"round-up:{ada.recipient}:daily:2026-03-02"
    assert [one.round_up for one in of(database, ada)] == [key, "", None]
    parts = database.read(lambda connection: outbox.parts_of(connection, [key, "nothing"]))
    assert [one.key for one in parts[key]] == [f"{ID}:updated:1>{ada.recipient}"]
    assert parts["nothing"] == ()


def test_a_period_is_closed_once_however_often_somebody_tries(database: Database) -> None:
    (ada,) = gathering(database, "ada")
    for _ in range(3):
        closed(database)
    assert len(due(database)) == 1
    later = Period(day=TODAY.day, since=TODAY.since, until=after(200), next=TODAY.next)
    closed(database, period=later)
    assert len(due(database)) == 1, "of one name there is one letter"
    assert [one.round_up for one in of(database, ada)][1] == "", "what came too late for it waits for the next"
    closed(database, period=Period(day=TODAY.day + DAY, since=TODAY.until, until=TODAY.next, next=TODAY.next + DAY))
    assert "" not in [one.round_up for one in of(database, ada)]


def test_who_has_another_rhythm_is_left_alone(database: Database) -> None:
    (ada,) = gathering(database, "ada", rhythm=Rhythm.WEEKLY)
    closed(database)
    assert [one.round_up for one in of(database, ada)] == ["", ""]
    closed(database, Rhythm.WEEKLY)
    assert [one.key for one in due(database)] == [f"round-up:{ada.recipient}:weekly:2026-03-02"]


def test_subscribers_come_in_slices(database: Database) -> None:
    names = sorted(one.id for one in gathering(database, *"abcde"))
    last: str | None = ""
    slices = []
    while last is not None:
        last = closed(database, limit=2, last=last)
        slices.append(last)
    assert slices == [names[1], names[3], None]
    assert len(due(database)) == 5


def test_the_texts_share_the_letters_fate(database: Database) -> None:
    ada, ben = gathering(database, "ada", "ben")
    closed(database)
    first, second = (next(one for one in due(database) if one.recipient == whom.recipient) for whom in (ada, ben))
    database.write(lambda connection: outbox.note_delivered(connection, first.id, after(120)))
    database.write(lambda connection: outbox.note_dropped(connection, second.id, "refused", after(121)))
    assert [one.delivered_at for one in of(database, ada)] == [after(120), None, after(120)]
    assert [(one.dropped_at, one.reason) for one in of(database, ben)] == [(after(121), "refused"), (None, ""), (after(121), "refused")]
    told = database.read(lambda connection: outbox.told(connection, incident=ID))
    assert [(one.delivered, one.dropped, one.gathered, one.waiting) for one in told] == [(1, 1, 0, 2), (0, 0, 2, 2)]


def test_what_is_gathered_is_not_given_up_before_its_letter_is(database: Database) -> None:
    (ada,) = gathering(database, "ada")
    prune = partial(outbox.prune_told, before=after(0), limit=10)
    database.write(partial(prune, now=after(101) + KEPT_FOR))
    assert [one.dropped_at for one in of(database, ada)] == [None, None]
    closed(database)
    database.write(partial(prune, now=after(100) + KEPT_FOR))
    assert [one.dropped_at for one in of(database, ada)] == [None, None, None]
    end = after(101) + KEPT_FOR
    database.write(partial(prune, now=end))
    assert [one.dropped_at for one in of(database, ada)] == [end, None, end]


def test_a_change_of_rhythm_moves_what_is_on_its_way(database: Database) -> None:
    (ada,) = gathering(database, "ada")
    rewish = partial(subscribers.rewish, id=ada.id, language="en")
    database.write(partial(rewish, wish=Wish(), at=after(105)))
    (letter,) = due(database)
    assert letter.letter == {"kind": "round-up", "until": after(105).isoformat()}
    assert [one.round_up for one in of(database, ada)] == [letter.key, letter.key, None]
    database.write(partial(rewish, wish=Wish(rhythm=Rhythm.WEEKLY), at=after(106)))
    assert [one.key for one in due(database)] == [letter.key], "a letter that is on its way stays one"
    assert database.read(lambda connection: subscribers.subscriber(connection, ada.id)).wish.rhythm is Rhythm.WEEKLY  # type: ignore[union-attr]


def test_single_letters_on_their_way_are_gathered(database: Database) -> None:
    entries = filled(database)

    def write(connection: Connection) -> Subscriber:
        ada = subscribers.subscribe(connection, channel="mail", address="ada@example.org", wish=Wish(), language="en", at=T0)
        for entry in entries:
            outbox.notify(connection, entry, ID, [(ada.recipient, "mail")], after(90))
        first = next(one for one in outbox.due(connection, "mail", after(95), limit=100) if one.recipient == ada.recipient)
        outbox.note_delivered(connection, first.id, after(95))
        subscribers.rewish(connection, ada.id, Wish(rhythm=Rhythm.DAILY), language="en", at=after(96))
        return ada

    ada = database.write(write)
    assert [one.round_up for one in of(database, ada)] == [None, ""]
    assert due(database) == []


def test_erasing_ends_what_was_gathered_too(database: Database) -> None:
    ada, ben = gathering(database, "ada", "ben")
    database.write(lambda connection: subscribers.erase(connection, ada.id, at=after(95)))
    closed(database)
    database.write(lambda connection: subscribers.erase(connection, ben.id, at=after(105)))
    assert due(database) == []
    assert all(one.dropped_at for whom in (ada, ben) for one in of(database, whom))
