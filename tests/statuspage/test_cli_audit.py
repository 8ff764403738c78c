"""``statuspage audit verify``: beside a running service or without one."""

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection

from statuspage.store.acts import write_audit
from statuspage.store.engine import Store
from tests.statuspage.store.worlds import after
from tests.statuspage.terminal import configured, statuspage


@pytest.fixture
def here(tmp_path: Path) -> Path:
    configured(tmp_path)
    return tmp_path


def acted(here: Path, count: int = 3) -> str:
    """So many acts; gives the head as the journal tells it."""

    def act(connection: Connection) -> None:
        for number in range(count):
            write_audit(connection, at=after(number), actor="ada", act="note", subject=f"i{number}", detail={})

    with Store.blocking("sqlite:///statuspage.db", here / "data") as database:
        database.write(act)
    return (here / "data" / "audit.head").read_text(encoding="ascii").strip()


def forged(here: Path) -> None:
    connection = sqlite3.connect(here / "data" / "statuspage.db")
    connection.execute("DROP TRIGGER audit_kept_as_written")
    connection.execute("UPDATE audit SET actor = 'berta' WHERE sequence = 2")
    connection.commit()
    connection.close()


async def test_an_audit_as_it_was_written_is_said_to_be_unbroken_with_its_head(here: Path) -> None:
    head = acted(here)
    told = await statuspage("audit", "verify", "--head", f"audit head {head}", here=here)
    assert (told.code, told.err) == (0, "")
    assert told.out == f"3 rows, unbroken. Keep this elsewhere, to prove it later: {head}\n"


async def test_a_row_that_was_changed_is_named_and_the_command_fails(here: Path) -> None:
    acted(here)
    forged(here)
    told = await statuspage("audit", "verify", here=here)
    assert told.code == 1
    assert told.out == "row 2 is not as it was written, or what stood before it is not\n"
    assert told.err == "The audit is broken in 1 place; 3 rows were read.\n"
    asked = await statuspage("audit", "verify", "--json", here=here)
    assert asked.code == 1
    assert [one["row"] for one in json.loads(asked.out)["breaks"]] == [2]


async def test_an_empty_store_has_an_audit_too(here: Path) -> None:
    told = await statuspage("audit", "verify", here=here)
    assert (told.code, told.out) == (0, "nobody has done anything yet\n")


async def test_what_is_no_head_is_refused_with_what_one_is(here: Path) -> None:
    told = await statuspage("audit", "verify", "--head", "yesterday", here=here)
    assert told.code == 2
    assert told.err == "--head yesterday: a head is a row's number, a colon and 64 hexadecimal digits\n"
