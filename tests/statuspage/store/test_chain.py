"""The audit is a chain: whatever was changed, taken away or put elsewhere is found, by whoever has the database alone or more."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Executable, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from statuspage.store.acts import forget_audit, head_of_audit, read_audit, verify_audit, write_audit
from statuspage.store.audit_tables import audit
from statuspage.store.chain import BEGINNING, AuditRow, Break, Head, Verification, Witness, at_end, forgotten_in, linked
from statuspage.store.engine import Database
from statuspage.store.errors import StoreError
from tests.stores import Place

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = b"k" * 64


def act(database: Database, number: int, at: datetime = NOW) -> None:
    detail = {"reason": f"because of {number}", "none": None}
    database.write(lambda connection: write_audit(connection, at=at, actor="anna", act="note", subject=f"i{number}", detail=detail))


def acts(database: Database, count: int) -> None:
    for number in range(count):
        act(database, number, NOW + number * timedelta(seconds=1))


def broken(database: Database, place: Place, heads: Sequence[Head] = ()) -> list[Break]:
    _, _, breaks = database.read(lambda connection: verify_audit(connection, Witness(place.data_dir), heads))
    return list(breaks)


def tampered(database: Database, change: Callable[[Connection], object]) -> None:
    """Whoever owns the database can take the triggers away first."""

    def write(connection: Connection) -> None:
        is_sqlite = connection.dialect.name == "sqlite"
        for name in ("audit_kept", "audit_kept_as_written" if is_sqlite else "audit_kept_whole"):
            connection.execute(text(f"DROP TRIGGER {name}" + ("" if is_sqlite else " ON audit")))
        change(connection)

    database.write(write)


# --- what is written ----------------------------------------------------------------------------------------------------------------


def test_what_was_written_is_unbroken_and_ends_where_the_data_directory_says(database: Database, place: Place) -> None:
    acts(database, 12)
    end, count, breaks = database.read(lambda connection: verify_audit(connection, Witness(place.data_dir), ()))
    assert (count, breaks) == (12, ())
    assert end == Witness(place.data_dir).head == database.read(head_of_audit)
    assert end.sequence == 12


def test_an_audit_without_a_row_is_unbroken(database: Database, place: Place) -> None:
    assert database.read(lambda connection: verify_audit(connection, Witness(place.data_dir), ())) == (BEGINNING, 0, ())
    assert database.read(head_of_audit) == BEGINNING


def test_an_act_that_is_taken_back_leaves_no_place(database: Database, place: Place) -> None:
    acts(database, 2)

    def regret(connection: Connection) -> None:
        write_audit(connection, at=NOW, actor="anna", act="note", subject="x", detail={})
        raise RuntimeError("regretted")

    with pytest.raises(RuntimeError, match="regretted"):
        database.write(regret)
    assert Witness(place.data_dir).head.sequence == 2
    act(database, 3)
    assert not broken(database, place)


def test_two_processes_write_one_chain(database: Database, place: Place) -> None:
    with place.opened() as other:
        for number in range(6):
            act(database if number % 2 else other, number)
    assert not broken(database, place)


def old_rows(database: Database, count: int) -> None:
    """What was written before there was a chain."""

    def write(connection: Connection) -> None:
        for number in range(1, count + 1):
            row = {"sequence": number, "at": NOW + number * DAY, "actor": "anna", "act": "note", "subject": f"i{number}", "detail": {}}
            connection.execute(insert(audit).values(row))

    database.write(write)


def test_rows_from_before_the_chain_are_vouched_for_by_the_first_that_is_in_it(database: Database, place: Place) -> None:
    old_rows(database, 3)
    act(database, 4)
    assert not broken(database, place)
    tampered(database, lambda connection: connection.execute(update(audit).where(audit.c.sequence == 2).values(actor="berta")))
    assert [one.sequence for one in broken(database, place)] == [4]


# --- what the database refuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [update(audit).values(actor="berta"), delete(audit).where(audit.c.sequence == 2)])
def test_the_database_itself_refuses_to_change_a_row(database: Database, place: Place, change: Executable) -> None:
    acts(database, 3)
    with pytest.raises(DBAPIError, match="the audit is only added to"):
        database.write(lambda connection: connection.execute(change))
    assert not broken(database, place)


# --- what is found ------------------------------------------------------------------------------------------------------------------


def test_a_tail_that_was_cut_off_is_missed_also_after_more_was_written(database: Database, place: Place) -> None:
    acts(database, 9)
    tampered(database, lambda connection: connection.execute(delete(audit).where(audit.c.sequence > 6)))
    assert [one.told for one in broken(database, place)] == ["is missing: the audit ends at row 6, and once came to 9"]
    act(database, 10)
    assert broken(database, place) == [Break(7, "and all up to row 9 are missing")]


def test_a_head_that_was_kept_elsewhere_finds_out_who_has_key_and_database(database: Database, place: Place) -> None:
    acts(database, 5)
    head, key = Witness(place.data_dir).head, Witness(place.data_dir).key

    def forge(connection: Connection) -> None:
        before = BEGINNING
        for row in reversed(read_audit(connection, before=None, limit=100)):
            told = replace(row, actor="nobody") if row.sequence == 2 else row
            before = Head(row.sequence, linked(key, before.digest, told))
            values = {"actor": told.actor, "digest": before.digest}
            connection.execute(update(audit).where(audit.c.sequence == row.sequence).values(values))

    tampered(database, forge)
    Witness(place.data_dir).keep(database.read(head_of_audit))
    assert not broken(database, place)
    assert [one.sequence for one in broken(database, place, [head])] == [5]


def test_a_thousand_random_changes_are_all_found() -> None:
    chance = random.Random(20261128)
    rows, before = [], BEGINNING
    for number in range(1, 61):
        row = AuditRow(sequence=number, at=NOW + number * DAY, actor=f"a{number % 3}", act="note", subject=f"i{number % 7}", detail={})
        before = Head(number, linked(KEY, before.digest, row))
        rows.append(replace(row, digest=before.digest))
    assert not list(Verification(KEY, [before]).breaks(rows, {}))
    for _ in range(1000):
        changed, told = _changed(rows, chance)
        assert list(Verification(KEY, [before]).breaks(changed, forgotten_in(changed))), told


def _changed(rows: Sequence[AuditRow], chance: random.Random) -> tuple[list[AuditRow], str]:
    place, other = sorted(chance.sample(range(len(rows)), 2))
    changed = list(rows)
    match chance.randrange(7):
        case 0:
            edited: dict[str, object] = {"actor": "x", "act": "x", "subject": "x", "at": NOW, "detail": {"x": None}, "digest": "0" * 64}
            name = chance.choice(list(edited))
            changed[place] = replace(changed[place], **{name: edited[name]})  # type: ignore[arg-type]
            return changed, f"{name} of {place}"
        case 1:
            del changed[place]
            return changed, f"without {place}"
        case 2:
            del changed[place:other]
            return changed, f"without {place} to {other}"
        case 3:
            a, b = changed[place], changed[other]
            changed[place], changed[other] = replace(b, sequence=a.sequence), replace(a, sequence=b.sequence)
            return changed, f"{place} and {other}, each in the other's place"
        case 4:
            return changed[: max(1, place)], f"cut at {place}"
        case 5:
            changed[max(1, place)] = replace(changed[max(1, place)], digest=None)
            return changed, f"{max(1, place)} as if it were older than the chain"
        case _:
            del changed[place]
            return [replace(row, sequence=number) for number, row in enumerate(changed, 1)], f"closed up over {place}"


# --- what is forgotten -------------------------------------------------------------------------------------------------------------


def test_what_is_past_its_retention_goes_and_the_rest_is_still_vouched_for(database: Database, place: Place) -> None:
    for number in range(10):
        act(database, number, NOW + number * DAY)
    gone = database.write(lambda connection: forget_audit(connection, NOW + 6 * DAY, NOW + 10 * DAY, 100))
    assert gone == 6
    kept = database.read(lambda connection: connection.scalars(select(audit.c.sequence).order_by(audit.c.sequence)).all())
    assert kept == [7, 8, 9, 10, 11]
    assert not broken(database, place)
    act(database, 11, NOW + 11 * DAY)
    assert database.write(lambda connection: forget_audit(connection, NOW + 6 * DAY, NOW + 11 * DAY, 100)) == 0
    assert database.write(lambda connection: forget_audit(connection, NOW + 8 * DAY, NOW + 12 * DAY, 1)) == 1
    assert not broken(database, place)


def test_nothing_goes_before_a_whole_day_may(database: Database) -> None:
    acts(database, 3)
    assert database.write(lambda connection: forget_audit(connection, NOW + DAY, NOW + 9 * DAY, 100)) == 0
    assert database.write(lambda connection: forget_audit(connection, NOW + DAY + timedelta(seconds=1), NOW + 9 * DAY, 100)) == 3


def test_what_was_forgotten_excuses_no_gap_behind_the_beginning(database: Database, place: Place) -> None:
    for number in range(6):
        act(database, number, NOW + number * DAY)
    rows = database.read(lambda connection: read_audit(connection, before=None, limit=100))[::-1]
    assert database.write(lambda connection: forget_audit(connection, NOW + 4 * DAY, NOW + 9 * DAY, 100)) == 4
    forgotten = forgotten_in(database.read(lambda connection: read_audit(connection, before=None, limit=100)))
    told = Verification(Witness(place.data_dir).key, ()).breaks([*rows[:2], *rows[4:]], forgotten)
    assert list(told) == [Break(3, "and all up to row 4 are missing")]


def test_rows_from_before_the_chain_are_forgotten_in_steps_too(database: Database, place: Place) -> None:
    old_rows(database, 5)
    act(database, 6, NOW + 9 * DAY)
    for _ in range(2):
        assert database.write(lambda connection: forget_audit(connection, NOW + 8 * DAY, NOW + 20 * DAY, 2)) == 2
        assert not broken(database, place)


def test_taking_away_the_beginning_without_saying_so_is_found(database: Database, place: Place) -> None:
    acts(database, 5)
    tampered(database, lambda connection: connection.execute(delete(audit).where(audit.c.sequence <= 2)))
    assert broken(database, place) == [Break(1, "and all up to row 2 are missing")]


def test_a_forged_word_that_the_beginning_was_forgotten_is_found(database: Database, place: Place) -> None:
    acts(database, 5)

    def forge(connection: Connection) -> None:
        digest = connection.scalar(select(audit.c.digest).where(audit.c.sequence == 2))
        row = {"sequence": 6, "at": NOW, "actor": "statuspage", "act": "forget audit", "subject": "2", "detail": {"digest": digest}}
        connection.execute(insert(audit).values(**row, digest="0" * 64))
        connection.execute(delete(audit).where(audit.c.sequence <= 2))

    database.write(forge)  # even the triggers let it
    assert [one.sequence for one in broken(database, place)] == [6]


# --- what lies beside the store ------------------------------------------------------------------------------------------------


def test_key_and_head_are_for_nobody_else(database: Database, place: Place) -> None:
    act(database, 1)
    modes = {file.name: file.stat().st_mode & 0o777 for file in place.data_dir.glob("audit.*")}
    assert modes == {"audit.key": 0o600, "audit.head": 0o600}
    assert not list(place.data_dir.glob(".audit*"))


def test_without_its_key_nothing_is_written_and_the_mend_is_named(database: Database, place: Place) -> None:
    (place.data_dir / "audit.key").write_text("short", encoding="ascii")
    with pytest.raises(StoreError, match=r"audit\.key, with which the audit is sealed, is not whole: put back"):
        act(database, 1)


def test_a_head_that_cannot_be_read_is_named(database: Database, place: Place) -> None:
    act(database, 1)
    (place.data_dir / "audit.head").write_text("12:zz", encoding="ascii")
    with pytest.raises(StoreError, match=r"audit\.head says how far the audit has come, and cannot be read"):
        act(database, 2)


@pytest.mark.parametrize("told", ["", "12", "12:", "x:" + "0" * 64, "12:" + "g" * 64, "-1:" + "0" * 64, "12:" + "0" * 63])
def test_what_is_no_head_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="a head is a row's number"):
        Head.read(told)


def test_a_head_is_read_as_it_is_told() -> None:
    head = at_end(KEY, [AuditRow(sequence=1, at=NOW, actor="a", act="b", subject="c", detail={})])
    assert Head.read(str(head)) == head


def test_a_disk_that_takes_no_head_is_said_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Witness(tmp_path / "gone").keep(Head(1, "0" * 64))
    assert "could not be noted" in caplog.text
