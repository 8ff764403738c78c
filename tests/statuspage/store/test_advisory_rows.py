"""Advisories in the store: whatever happened to them, a restart knows what the running process knew, and feeds keep their places."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from incidents.advisory import Advised, Advisory, AdvisoryEnded, AdvisoryEvent, AdvisoryMoved, AdvisoryTurn, AdvisoryUpdate, AdvisoryUpdated
from incidents.events import Moved
from incidents.model import Subject
from incidents.situation import fold
from incidents.times.spans import Span
from statuspage.picture.news import About, Strand, Tail, Topic, Untold
from statuspage.picture.search import asked
from statuspage.store import outbox_tables, tables
from statuspage.store.advisory_rows import bulletins_before, bulletins_in, newest_bulletins, read_advisories, read_bulletins
from statuspage.store.engine import Database
from statuspage.store.feed_rows import told
from statuspage.store.queries import journal_of_advisory
from statuspage.store.spelling import KINDS, spell, understand
from statuspage.store.words import bring_words_up_to_date, find
from tests.statuspage.store.worlds import T0, after, begin, known, write

ID = "stormstormst"
STORM = Advisory(
    id=ID,
    name={"en": "Storm warning", "de": "Sturmwarnung"},
    services=("mail", "files"),
    starts=after(3600),
    ends=after(7200),
    published_at=T0,
    published_by="ada",
)
NOTICE = replace(STORM, id="phonephoneph", services=(), ends=None, published_at=after(1))


def said(number: int, turn: AdvisoryTurn, seconds: float, id: str = ID, **body: str) -> AdvisoryUpdated:
    update = AdvisoryUpdate(number=number, turn=turn, body=body, at=after(seconds), by="ada", starts=after(3600), ends=None)
    return AdvisoryUpdated(at=after(seconds), advisory=id, update=update)


LIFE: tuple[AdvisoryEvent, ...] = (
    Advised(at=T0, advisory=ID, plan=STORM),
    said(1, AdvisoryTurn.PUBLISHED, 0, en="Lines may fail.", de="Leitungen können ausfallen."),
    said(2, AdvisoryTurn.UPDATED, 10, en="It comes nearer."),
    AdvisoryMoved(at=after(20), advisory=ID, starts=after(1800), ends=None, by="ben"),
    said(3, AdvisoryTurn.MOVED, 20),
    said(4, AdvisoryTurn.WITHDRAWN, 30, en="It has passed."),
    AdvisoryEnded(at=after(30), advisory=ID, since=after(30), by="ada"),
)


def lived(database: Database) -> None:
    begin(database)
    write(database, *LIFE, at=after(30))


def test_every_step_of_an_advisory_reads_back_as_the_fold_makes_it(database: Database) -> None:
    situation = begin(database)
    for event in LIFE:
        write(database, event, at=event.at)
        situation = fold(situation, (event,))
        assert known(database) == situation
    assert situation.advisories == {}
    kept = database.read(lambda connection: read_advisories(connection, [ID]))[ID]
    assert (kept.starts, kept.ends, kept.ended_at, kept.withdrawn_by, kept.updates) == (after(1800), None, after(30), "ada", 4)


def test_the_whole_life_in_one_batch_reads_back_the_same(database: Database) -> None:
    situation = fold(begin(database), LIFE[:5])
    write(database, *LIFE[:5], at=after(20))
    assert known(database) == situation
    (bulletin,) = database.read(lambda connection: read_bulletins(connection, [ID]))
    assert list(bulletin.updates) == [event.update for event in LIFE[:5] if isinstance(event, AdvisoryUpdated)]


@pytest.mark.parametrize("event", LIFE, ids=lambda event: type(event).__name__)
def test_every_event_of_an_advisory_is_spelled_and_understood(event: AdvisoryEvent) -> None:
    words = {of: word for word, of in KINDS.items()}
    assert understand(words[type(event)], spell(event)) == event


def test_each_change_stands_in_the_journal_and_each_word_in_the_outbox(database: Database) -> None:
    lived(database)
    assert [row.event for row in database.read(lambda connection: journal_of_advisory(connection, ID))] == list(LIFE)
    rows = database.read(lambda connection: connection.execute(select(outbox_tables.outbox)).all())
    assert [(row.key, row.advisory, row.incident, row.maintenance) for row in rows] == [
        (f"{ID}:advisory_updated:{number}", ID, None, None) for number in (1, 2, 3, 4)
    ]
    changes = database.read(lambda connection: connection.execute(select(tables.status_changes)).all())
    assert changes == []


def test_an_event_of_an_advisory_that_is_not_there_is_an_error(database: Database) -> None:
    begin(database)
    with pytest.raises(LookupError, match=ID):
        write(database, LIFE[1])


def test_words_have_their_places_in_the_feeds_of_all_and_of_each_service_and_in_none_with_a_floor(database: Database) -> None:
    lived(database)
    write(database, Advised(at=after(40), advisory=NOTICE.id, plan=NOTICE), said(1, AdvisoryTurn.PUBLISHED, 40, NOTICE.id, en="Closed."))
    tails = database.read(lambda connection: told(connection, {}, Untold(is_everything=True)))
    assert set(tails) == {Topic(About.EVERYTHING), Topic(About.SERVICE, "mail"), Topic(About.SERVICE, "files")}
    (*storm, phone) = tails[Topic(About.EVERYTHING)].said
    assert [(one.strand, one.subject, one.number) for one in storm] == [(Strand.ADVISORY, ID, number) for number in (1, 2, 3, 4)]
    assert [one.warned.update for one in storm if one.warned] == [event.update for event in LIFE if isinstance(event, AdvisoryUpdated)]
    assert [one.warned.is_notice for one in (*storm, phone) if one.warned] == [False] * 4 + [True]
    assert list(tails[Topic(About.SERVICE, "mail")].said) == storm


def test_new_words_are_put_to_what_feeds_know(database: Database) -> None:
    lived(database)
    topic = Topic(About.EVERYTHING)
    before = database.read(lambda connection: told(connection, {}, Untold(is_everything=True)))
    write(database, Advised(at=after(40), advisory=NOTICE.id, plan=NOTICE), said(1, AdvisoryTurn.PUBLISHED, 40, NOTICE.id, en="Closed."))
    untold = Untold(is_everything=False)
    untold.hear([said(1, AdvisoryTurn.PUBLISHED, 40, NOTICE.id, en="Closed.")])
    after_ = database.read(lambda connection: told(connection, before, untold))
    assert set(after_) == {topic}
    assert after_[topic] == database.read(lambda connection: told(connection, {}, Untold(is_everything=True)))[topic]
    assert isinstance(after_[topic], Tail)


def test_what_it_concerns_goes_along_when_a_service_is_called_otherwise(database: Database) -> None:
    begin(database)
    write(database, *LIFE[:2], at=T0)
    write(database, Moved(at=after(5), subject=Subject.SERVICE, old="mail", new="post"), at=after(5))
    kept = database.read(lambda connection: read_advisories(connection, [ID]))[ID]
    assert kept.services == ("post", "files")
    tails = database.read(lambda connection: told(connection, {}, Untold(is_everything=True)))
    assert Topic(About.SERVICE, "post") in tails
    assert Topic(About.SERVICE, "mail") not in tails


def test_words_are_found_in_every_language_and_again_after_all_are_put_in_anew(database: Database) -> None:
    lived(database)

    def found(words: str) -> list[str]:
        return [one.advisory.id for one in database.read(lambda connection: find(connection, asked(words), 10)).bulletins]

    assert found("storm lines") == found("leitungen") == found("passed") == [ID]
    assert found("earthquake") == []
    database.write(lambda connection: connection.execute(tables.installation.delete().where(tables.installation.c.name == "words")))
    while database.write(bring_words_up_to_date):
        pass
    assert found("sturmwarnung") == [ID]


def test_those_of_a_month_held_in_it_or_were_withdrawn_in_it(database: Database) -> None:
    lived(database)
    write(database, Advised(at=after(40), advisory=NOTICE.id, plan=NOTICE), at=after(40))

    def between(since: datetime, until: datetime) -> list[str]:
        return [one.advisory.id for one in database.read(lambda connection: bulletins_in(connection, Span(since, until)))]

    month = timedelta(days=31)
    assert between(T0, T0 + month) == [ID, NOTICE.id]
    assert between(T0 + month, T0 + 2 * month) == [NOTICE.id], "a notice without an end holds on"
    assert between(T0 - month, T0) == []


def test_the_newest_are_those_that_hold_and_the_last_that_did(database: Database) -> None:
    lived(database)
    write(database, Advised(at=after(1), advisory=NOTICE.id, plan=NOTICE), at=after(40))
    assert {one.advisory.id for one in database.read(newest_bulletins)} == {ID, NOTICE.id}
    first = database.read(lambda connection: bulletins_before(connection, None, 1))
    assert [one.advisory.id for one in first] == [NOTICE.id]
    rest = database.read(lambda connection: bulletins_before(connection, (NOTICE.published_at, NOTICE.id), 5))
    assert [one.advisory.id for one in rest] == [ID]
    older = (datetime(2026, 1, 1, tzinfo=UTC), ID)
    assert database.read(lambda connection: bulletins_before(connection, older, 5)) == []
