"""What is searched: all that is public, and never a word more."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from incidents.events import Approved, Opened, Published, Renamed, Updated
from incidents.model import Origin, State, Update
from statuspage.picture.search import asked, folded, is_found
from statuspage.store.engine import Database
from statuspage.store.tables import incidents, updates
from statuspage.store.word_tables import public_words
from statuspage.store.words import Found, bring_words_up_to_date, find, keep_words
from tests.statuspage.store.worlds import T0, begin
from tests.statuspage.years import DAY, HOUR, outage, work, write

NAMES = ("incident0001", "incident0002", "incident0003")
VOCABULARY = ("disk", "Disks", "Störung", "storm", "mail-server", "o'clock", "100%", "NULL", "ß")


def found(database: Database, text: str, most: int = 30) -> set[str]:
    told = look(database, text, most)
    return {story.incident.id for story in told.stories} | {window.maintenance.id for window in told.windows}


def look(database: Database, text: str, most: int = 30) -> Found:
    return database.read(lambda connection: find(connection, asked(text), most))


def test_names_and_words_of_incidents_and_windows_are_found(database: Database) -> None:
    write(database, *outage(NAMES[0], T0, HOUR, name="Sending fails", said=("A disk is full.",)))
    write(database, *work("window000001", T0, HOUR, name="Neue Festplatten"))
    assert found(database, "sending") == found(database, "DISK") == found(database, "full sending") == {NAMES[0]}
    assert found(database, "festplatt") == found(database, "we patch") == {"window000001"}
    assert found(database, "sending patch") == found(database, "tape") == set()


@pytest.mark.parametrize("typed", ["störung", "STORUNG", "Sto\u0308rung", "stör"])
def test_neither_capitals_nor_accents_nor_endings_matter(database: Database, typed: str) -> None:
    write(database, *outage(NAMES[0], T0, HOUR, name="Eine Störung"))
    assert found(database, typed) == {NAMES[0]}


def test_a_letter_or_two_are_found_as_a_word_alone(database: Database) -> None:
    write(database, *outage(NAMES[0], T0, HOUR, name="An x ray"), *outage(NAMES[1], T0, HOUR, name="Another xylophone"))
    assert found(database, "an") == found(database, "x") == {NAMES[0]}
    assert found(database, "another x") == set()


def test_the_newest_come_first_and_it_is_said_that_there_are_more(database: Database) -> None:
    for number, name in enumerate(NAMES):
        write(database, *outage(name, T0 + number * HOUR, HOUR))
    assert found(database, "email", 2) == set(NAMES[1:])
    assert (look(database, "email", 2).is_more, look(database, "email", 3).is_more) == (True, False)


HOSTILE = [
    '"', "'", '""" OR 1=1 --', "a* OR b*", "NEAR(a b)", "words:disk", "^disk", "-disk", "disk) AND (x", "disk:*&!mail", "<-> disk",
    "\\", "%", "_", "\x00", "disk\x00", "\ud800", "'; DROP TABLE public_words; --", "x" * 1_000_000, "a " * 500_000, "",
    "\U0001d507\U0001d526\U0001d530\U0001d528",  # as in a mathematician's hand
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_nothing_that_is_typed_means_anything_but_words(database: Database, text: str) -> None:
    write(database, *outage(NAMES[0], T0, HOUR, name="Full disk"))
    words = asked(text).words
    assert len(words) <= 8
    assert found(database, text) == ({NAMES[0]} if words and set(words) <= {"disk", "full"} else set())


def test_words_without_end_are_kept_as_far_as_they_go(database: Database) -> None:
    endless = " ".join(f"w{number:07}" for number in range(120_000)) + " " + "y" * 10_000
    write(database, *outage(NAMES[0], T0, HOUR, name="Full disk", said=(endless,)))
    assert found(database, "disk") == found(database, "w0000001") == {NAMES[0]}


# --- never a secret


def test_a_draft_is_found_when_it_is_published_and_not_before(database: Database) -> None:
    write(database, *outage(NAMES[0], T0, HOUR, name="Secret", is_published=False, is_over=False))
    assert found(database, "secret") == set()
    write(database, Published(at=T0 + HOUR, incident=NAMES[0]))
    assert found(database, "secret") == {NAMES[0]}
    write(database, Renamed(at=T0 + HOUR, incident=NAMES[0], name="Known"))
    assert (found(database, "secret"), found(database, "known")) == (set(), {NAMES[0]})


def test_planned_work_is_found_when_it_is_approved_and_not_before(database: Database) -> None:
    write(database, *work("window000001", T0, HOUR, name="Secret", needs_approval=True))
    assert found(database, "secret") == found(database, "patch") == set()
    write(database, Approved(at=T0, maintenance="window000001", by="ada"))
    assert found(database, "secret") == {"window000001"}


def test_what_was_withdrawn_behind_our_back_is_not_found(database: Database) -> None:
    """Whoever changes the table itself, and not by the road: the words are compared with what is public."""
    write(database, *outage(NAMES[0], T0, HOUR, said=("Ada was at fault.",)))
    database.write(lambda connection: connection.execute(update(updates).values(redacted_at=T0)))
    assert found(database, "ada") == set()
    database.write(lambda connection: keep_words(connection, incident_ids=[NAMES[0]]))
    kept = database.read(lambda connection: connection.execute(select(public_words.c.words)).scalar())
    assert kept == "email is not working"


@dataclass(frozen=True)
class Said:
    """What a person did to an incident: opened, published, renamed or spoke, or a text was withdrawn."""

    act: str
    incident: int
    words: str


SAID = st.builds(
    Said,
    st.sampled_from(["open", "publish", "rename", "speak", "correct", "withdraw"]),
    st.integers(0, 2),
    st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3).map(" ".join),
)


class Book:
    """What is public, kept in the plainest way."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.public: set[str] = set()
        self.words: dict[str, list[str | None]] = {}

    def take(self, database: Database, said: Said) -> None:
        id = NAMES[said.incident]
        if said.act == "open" and id not in self.names:
            self.names[id], self.words[id] = said.words, []
            write(
                database,
                Opened(
                    at=T0, incident=id, name=said.words, origin=Origin.AGENT, root=None, started_at=T0, publish_at=T0, by="a", reason=""
                ),
            )
        elif id not in self.names:
            return
        elif said.act == "publish":
            self.public.add(id)
            write(database, Published(at=T0, incident=id))
        elif said.act == "rename":
            self.names[id] = said.words
            write(database, Renamed(at=T0, incident=id, name=said.words))
        elif said.act == "speak":
            self.words[id].append(said.words)
            words = Update(number=len(self.words[id]), state=State.IDENTIFIED, title="", body=said.words, at=T0, by="ada")
            write(database, Updated(at=T0, incident=id, update=words))
        elif self.words[id]:
            self.words[id][-1] = said.words if said.act == "correct" else None
            newest = (updates.c.incident == id, updates.c.number == len(self.words[id]))
            new = {"body": said.words, "edited_at": T0} if said.act == "correct" else {"redacted_at": T0}
            redacted = None if said.act == "correct" else T0
            database.write(lambda connection: connection.execute(update(updates).where(*newest).values({**new, "redacted_at": redacted})))
            database.write(lambda connection: keep_words(connection, incident_ids=[id]))

    def has(self, text: str) -> set[str]:
        found = set()
        for id in self.public:
            said = [self.names[id], *filter(None, self.words[id])]
            there = [folded(word) for one in said for word in one.replace("-", " ").replace("'", " ").replace("%", " ").split()]
            if asked(text).words and all(any(is_found(word, one) for one in there) for word in asked(text).words):
                found.add(id)
        return found


def test_whatever_is_done_what_is_found_is_what_is_public(database: Database) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(SAID, max_size=14), st.lists(st.sampled_from((*VOCABULARY, "dis", "stor", "server mail", "ss")), min_size=3, max_size=6)
    )
    def agree(acts: Sequence[Said], looks: Sequence[str]) -> None:
        book = Book()
        empty(database)
        for said in acts:
            book.take(database, said)
        for text in looks:
            told = look(database, text)
            assert {story.incident.id for story in told.stories} == book.has(text), text
            assert not told.is_more
            assert look(database, text, max(1, len(book.has(text)))).is_more is False

    agree()


def empty(database: Database) -> None:
    for table in (public_words, updates, incidents):
        database.write(lambda connection, table=table: connection.execute(delete(table)))  # type: ignore[misc]


# --- kept in step


def test_a_store_of_an_older_release_is_brought_up_to_date_once(database: Database) -> None:
    begin(database)
    write(database, *outage(NAMES[0], T0, HOUR, name="Full disk"), *work("window000001", T0, HOUR))
    database.write(lambda connection: connection.execute(delete(public_words)))
    assert found(database, "disk") == set()
    assert not database.write(bring_words_up_to_date)
    assert (found(database, "disk"), found(database, "patches")) == ({NAMES[0]}, {"window000001"})
    database.write(lambda connection: connection.execute(delete(public_words)))
    assert not database.write(bring_words_up_to_date)
    assert found(database, "disk") == set()


def test_what_there_is_is_taken_in_slices_in_the_order_in_which_it_came(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuspage.store.words.AT_ONCE", 2)
    begin(database)
    write(database, *outage(NAMES[2], T0 + 4 * DAY, HOUR), *work("window000001", T0 + 4 * DAY, HOUR))  # planned a day before
    write(database, *outage(NAMES[0], T0, HOUR), *outage(NAMES[1], T0, HOUR), *outage("incident0004", T0 + 5 * DAY, HOUR))
    database.write(lambda connection: connection.execute(delete(public_words)))
    assert [database.write(bring_words_up_to_date) for _ in range(3)] == [True, True, False]
    rows = database.read(lambda connection: connection.execute(select(public_words).order_by(public_words.c.sequence)).all())
    assert [row.incident or row.maintenance for row in rows] == [*NAMES[:2], "window000001", NAMES[2], "incident0004"]
    assert found(database, "email", 1) == {"incident0004"}
