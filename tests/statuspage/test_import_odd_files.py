"""Files of Uptime Kuma and Gatus at their worst: longer, older and odder than any that its makers had in mind."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from statuspage.cli.importing import gatus, kuma
from statuspage.cli.importing.configurations import verified
from statuspage.cli.importing.documents import MOST
from statuspage.cli.importing.drafting import Drafting
from statuspage.cli.importing.drafts import Draft
from statuspage.cli.importing.findings import CannotImport
from statuspage.cli.importing.kuma_files import MOST_ROWS
from statuspage.cli.importing.naming import Ids
from tests.statuspage.products import TABLES, database

TODAY = date(2026, 3, 2)  # a Monday


def of_kuma(directory: Path, **tables: Sequence[dict[str, Any]]) -> Draft:
    database(directory / "kuma.db", {**TABLES, **tables})
    return verified(kuma.draft(directory / "kuma.db", TODAY))


def of_gatus(directory: Path, octets: bytes) -> Draft:
    (directory / "gatus.yaml").write_bytes(octets)
    return verified(gatus.draft(directory / "gatus.yaml", TODAY))


def left(draft: Draft) -> str:
    return "\n".join(map(str, draft.left))


# --- windows of Uptime Kuma -----------------------------------------------------------------------------------------------------


def window(directory: Path, like: str, **more: Any) -> Draft:  # noqa: ANN401 - a row's own columns
    row = {**next(row for row in TABLES["maintenance"] if row["strategy"] == like), "title": "Work", **more}
    return of_kuma(directory, maintenance=[row], monitor_maintenance=[{"maintenance_id": row["id"], "monitor_id": 2}])


@pytest.mark.parametrize(
    ("days", "first", "rule"),
    [
        ('["lastDay2"]', "2026-03-30", "BYMONTHDAY=-2"),
        ('["lastDay4", 31]', "2026-03-28", "BYMONTHDAY=-4,31"),
        ("[31]", "2026-03-31", "BYMONTHDAY=31"),
    ],
)
def test_days_before_the_last_of_a_month_are_found(tmp_path: Path, days: str, first: str, rule: str) -> None:
    found = window(tmp_path, "recurring-day-of-month", days_of_month=days).maintenance["work"].values
    assert (found["starts"], found["repeats"]) == (f"{first} 02:00", f"FREQ=MONTHLY;{rule}")


@pytest.mark.parametrize(
    ("told", "first"),
    [
        ({"start_date": "2026-02-25 00:00:00"}, "2026-03-04"),
        ({"start_date": "2026-02-23 00:00:00"}, "2026-03-02"),
        ({"start_date": "2026-02-20 00:00:00", "last_start_date": "2026-02-25 02:00:00"}, "2026-03-04"),
        ({"start_date": "2026-05-01 00:00:00"}, "2026-05-01"),
        ({}, "2026-03-02"),
    ],
)
def test_what_comes_each_seventh_day_keeps_its_day(tmp_path: Path, told: Mapping[str, str], first: str) -> None:
    draft = window(tmp_path, "recurring-day-of-month", **{**told, "strategy": "recurring-interval", "interval_day": 7})
    found = draft.maintenance["work"].values
    assert (found["starts"], found["repeats"]) == (f"{first} 02:00", "FREQ=DAILY;INTERVAL=7")


@pytest.mark.parametrize(
    ("strategy", "told", "why"),
    [
        ("recurring-weekday", {"end_date": "2026-03-01 00:00:00"}, "it is over"),
        ("single", {"end_date": "2026-03-01 00:00:00"}, "it is over"),
        ("single", {"end_date": None}, "it does not say from when until when"),
        ("single", {"end_date": "9999-12-31 23:59:00", "timezone": "America/New_York"}, "it does not say from when until when"),
    ],
)
def test_a_window_that_is_over_or_never_ends_is_left_out(tmp_path: Path, strategy: str, told: Mapping[str, Any], why: str) -> None:
    draft = window(tmp_path, strategy, **told)
    assert not draft.maintenance
    assert why in left(draft)


def test_a_window_that_begins_at_the_end_of_time_is_one_of_today(tmp_path: Path) -> None:
    draft = window(tmp_path, "recurring-weekday", start_date="9999-12-31 00:00:00")
    assert draft.maintenance["work"].values["starts"] == "2026-03-04 23:30"


# --- long, slow and odd ---------------------------------------------------------------------------------------------------------


def test_a_database_is_read_however_long_its_history_is(tmp_path: Path) -> None:
    database(tmp_path / "kuma.db")
    with sqlite3.connect(tmp_path / "kuma.db") as connection:
        connection.execute("CREATE TABLE heartbeat (msg)")
        connection.execute("INSERT INTO heartbeat VALUES (zeroblob(?))", (MOST + 1,))
    connection.close()
    before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    assert len(verified(kuma.draft(tmp_path / "kuma.db", TODAY)).monitors) == 16
    assert sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()) == before


def test_what_lies_in_the_log_beside_the_database_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "-wal" not in left(of_kuma(tmp_path))
    (tmp_path / "kuma.db-wal").write_bytes(b"x")
    assert f"{tmp_path / 'kuma.db'}-wal: what Uptime Kuma wrote last stands there" in left(
        verified(kuma.draft(tmp_path / "kuma.db", TODAY))
    )


def test_a_table_with_more_rows_than_anybody_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotImport, match=r"kuma.db: the table tag has more than 20000 rows"):
        of_kuma(tmp_path, tag=[{"id": number, "name": "x"} for number in range(MOST_ROWS + 1)])


def test_a_row_that_grows_when_it_is_read_is_refused(tmp_path: Path) -> None:
    database(tmp_path / "kuma.db")
    with sqlite3.connect(tmp_path / "kuma.db") as connection:
        connection.execute("CREATE TABLE proxy (id, name AS (hex(zeroblob(400000000))))")
        connection.execute("INSERT INTO proxy (id) VALUES (1)")
    connection.close()
    with pytest.raises(CannotImport, match="the database cannot be read: string or blob too big"):
        kuma.draft(tmp_path / "kuma.db", TODAY)


def test_endpoints_beyond_the_most_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatus, "MOST", 2)
    draft = of_gatus(tmp_path, b"endpoints:\n" + b"".join(b"- {name: e%d, url: 'tcp://a:1'}\n" % number for number in range(4)))
    assert list(draft.monitors) == ["e0", "e1"]
    assert f"{tmp_path / 'gatus.yaml'}:4: endpoints[2] and those after it: no more than 2 are read" in left(draft)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"conditions": ["[BODY]." + "a" * 60 + "! == 1"]}, "is no plain path into JSON"),
        ({"conditions": ["[BODY]" + " " * 50_000 + "x"]}, "it has more than 2000 letters"),
        ({"conditions": ["[RESPONSE_TIME] < \u00b2"]}, "only an upper bound of the time is known here"),
        ({"interval": "1" * 200_000}, ""),
    ],
    ids=["path", "blanks", "digit", "duration"],
)
def test_what_was_made_to_be_slow_or_odd_is_not(tmp_path: Path, row: Mapping[str, Any], why: str) -> None:
    begun = time.process_time()
    draft = of_gatus(tmp_path, json.dumps({"endpoints": [{"name": "a", "url": "http://a.example/", **row}]}).encode())
    assert time.process_time() - begun < 5.0
    assert list(draft.monitors) == ["a"]
    assert why in left(draft)


def test_a_number_that_nobody_could_print_is_none(tmp_path: Path) -> None:
    assert list(of_gatus(tmp_path, b"endpoints:\n- {name: a, url: 'tcp://a:1', group: 0x" + b"f" * 20_000 + b"}").monitors) == ["a"]


def test_many_of_one_name_take_no_longer_than_others() -> None:
    ids, begun = Ids(), time.process_time()
    given = [ids.new("Mail", "monitor") for _ in range(20_000)]
    assert (given[0], given[1], given[-1], len(set(given))) == ("mail", "mail-2", "mail-20000", 20_000)
    assert time.process_time() - begun < 5.0


def test_two_secrets_never_share_a_variable() -> None:
    drafting = Drafting()
    references = [
        drafting.secret("shop", "api-token", "the header Api-Token of the shop"),
        drafting.secret("shop-api", "token", "the bearer token of the shop's API"),
        drafting.secret("shop", "api-token", "the header Api-Token of the shop"),
    ]
    assert [one["env"] for one in references] == ["SHOP_API_TOKEN", "SHOP_API_TOKEN_2", "SHOP_API_TOKEN"]
