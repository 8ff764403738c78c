"""Corrections in the store: whatever was decided of them, a restart knows what the running process knew."""

from sqlalchemy import Connection, Table, func, select

from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped
from incidents.levels.availability import Correction
from incidents.model import Status
from incidents.situation import fold
from incidents.times.spans import Span
from statuspage.store.engine import Database
from statuspage.store.ledger_rows import CorrectionState, corrections_of, newest_corrections, read_correction
from statuspage.store.ledger_tables import correction_decisions, corrections
from statuspage.store.spelling import kind, spell, understand
from tests.statuspage.store.worlds import after, begin, known, write

SPAN = Span(after(0), after(3600))


def made(id_: str, seconds: float, *, needs_approval: bool = True, status: Status = Status.OPERATIONAL) -> Corrected:
    return Corrected(
        at=after(seconds),
        correction=id_,
        service="mail",
        since=SPAN.since,
        until=SPAN.until,
        status=status,
        reason=f"reason of {id_}",
        by="ada",
        needs_approval=needs_approval,
    )


ALONE = made("alone", 4000, needs_approval=False)
AGREED, WAITING, DROPPED = made("agreed", 3990, status=Status.DEGRADED), made("waiting", 4010), made("dropped", 4020)
LIFE = (
    ALONE,
    AGREED,
    WAITING,
    DROPPED,
    CorrectionApproved(at=after(5000), correction="agreed", by="meg"),
    CorrectionDropped(at=after(5001), correction="dropped", by="meg", reason="another day"),
)


def count(connection: Connection, table: Table) -> int:
    found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def counted(database: Database) -> tuple[Correction, ...]:
    return database.read(lambda connection: corrections_of(connection, "mail", SPAN))


def test_what_waits_is_read_back_as_the_fold_makes_it(database: Database) -> None:
    situation = begin(database)
    for event in LIFE:
        write(database, event)
        situation = fold(situation, [event])
        assert known(database).proposals == situation.proposals
    assert situation.proposals == {"waiting": "ada"}


def test_only_what_counts_is_in_a_ledger_from_when_it_did(database: Database) -> None:
    begin(database)
    write(database, *LIFE)
    told = [(one.reason, one.status, one.at, one.author) for one in counted(database)]
    assert told == [
        ("reason of alone", Status.OPERATIONAL, after(4000), "ada"),
        ("reason of agreed", Status.DEGRADED, after(5000), "ada"),  # made before the other, and agreed to after it: it holds
    ]


def test_nothing_that_was_written_is_changed_or_removed(database: Database) -> None:
    begin(database)
    write(database, *LIFE)
    tables = (corrections, correction_decisions)
    rows = [database.read(lambda connection, one=one: count(connection, one)) for one in tables]  # type: ignore[misc]
    assert rows == [4, 2]


def test_each_is_told_with_what_became_of_it_newest_first(database: Database) -> None:
    begin(database)
    write(database, *LIFE)
    told = database.read(lambda connection: newest_corrections(connection, service="mail", after=None, limit=9))
    assert [(one.correction, one.state, one.decided_by, one.decision) for one in told] == [
        ("dropped", CorrectionState.DROPPED, "meg", "another day"),
        ("waiting", CorrectionState.WAITING, None, None),
        ("alone", CorrectionState.COUNTS, None, None),
        ("agreed", CorrectionState.COUNTS, "meg", None),
    ]
    page = database.read(lambda connection: newest_corrections(connection, service="mail", after=(told[1].at, told[1].correction), limit=1))
    assert page == (told[2],)
    assert database.read(lambda connection: newest_corrections(connection, service="files", after=None, limit=9)) == ()
    assert database.read(lambda connection: read_correction(connection, "agreed")) == told[3]


def test_every_event_reads_back_and_old_ones_needed_nobody() -> None:
    for event in LIFE:
        assert understand(kind(event), spell(event)) == event
    old = spell(ALONE)
    assert isinstance(old, dict)
    del old["needs_approval"]
    assert understand("corrected", old) == ALONE
