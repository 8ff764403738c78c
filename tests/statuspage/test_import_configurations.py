"""``statuspage import uptime-kuma`` and ``gatus``: their files become a configuration that ours accepts, and no secret stands in it."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statuspage.cli.importing import gatus, kuma
from statuspage.cli.importing.configurations import verified
from statuspage.cli.importing.drafting import duration
from statuspage.cli.importing.drafts import Draft
from statuspage.cli.importing.findings import CannotImport
from statuspage.cli.importing.gatus_conditions import Expected, judge, seconds
from statuspage.cli.importing.statuses import spelled as spelled_statuses
from statuspage.cli.importing.statuses import understood
from statuspage.cli.importing.writing import spelled
from statuspage.config.yaml import parse
from tests.statuspage.products import GATUS, MONITORS, SECRET, TABLES, backup, database
from tests.statuspage.terminal import statuspage

TODAY = date(2026, 3, 2)  # a Monday


def of_kuma(directory: Path) -> Draft:
    database(directory / "kuma.db")
    return verified(kuma.draft(directory / "kuma.db", TODAY))


def of_gatus(directory: Path) -> Draft:
    return drafted(gatus.draft, GATUS.encode(), directory)


def of_backup(directory: Path) -> Draft:
    return drafted(kuma.draft, backup(), directory)


def drafted(read: Callable[[Path, date], Draft], octets: bytes, directory: Path) -> Draft:
    (directory / "theirs").write_bytes(octets)
    return verified(read(directory / "theirs", TODAY))


@pytest.fixture(scope="module")
def aside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for many files, one after the other."""
    return tmp_path_factory.mktemp("aside")


def monitors(draft: Draft) -> Mapping[str, Mapping[str, Any]]:
    return {id: entry.values for id, entry in draft.monitors.items()}


def left(draft: Draft) -> str:
    return "\n".join(map(str, draft.left))


@pytest.mark.parametrize("read", [of_kuma, of_backup, of_gatus])
def test_no_secret_stands_in_the_file_or_in_the_report(tmp_path: Path, read: Callable[[Path], Draft]) -> None:
    draft = read(tmp_path)
    assert SECRET not in spelled(draft)
    assert SECRET not in left(draft)
    assert SECRET not in repr(draft.secrets)
    named = {one.name for one in draft.secrets}
    assert named
    assert all(f"{{env: {name}}}" in spelled(draft) for name in named)


@pytest.mark.parametrize(("words", "file"), [(("gatus",), "gatus.yaml"), (("uptime-kuma",), "kuma.db"), (("uptime-kuma",), "backup.json")])
async def test_what_is_written_passes_check_config_once_its_secrets_are_set(tmp_path: Path, words: tuple[str, ...], file: str) -> None:
    (tmp_path / "gatus.yaml").write_text(GATUS, encoding="utf-8")
    (tmp_path / "backup.json").write_bytes(backup())
    database(tmp_path / "kuma.db")
    ended = await statuspage("import", *words, file, "--out", "draft.yaml", "--json", here=tmp_path)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    environ = {one["name"]: f"{number:032x}" for number, one in enumerate(found["secrets"])}
    checked = await statuspage("check-config", "draft.yaml", "--json", here=tmp_path, environ=environ)
    assert checked.code == 0, checked.out
    assert json.loads(checked.out)["summary"]["monitors"] == found["imported"]["monitors"] > 10
    again = await statuspage("import", *words, file, "--out", "draft.yaml", here=tmp_path)
    assert (again.code, again.err) == (1, "draft.yaml: it is there already; give another name, or move it away\n")


async def test_without_a_name_the_file_is_printed_and_the_report_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "gatus.yaml").write_text(GATUS, encoding="utf-8")
    ended = await statuspage("import", "gatus", "gatus.yaml", here=tmp_path)
    assert ended.out.startswith("# Made from gatus.yaml")
    assert parse(ended.out, "out")[1] == []
    assert "imported from gatus.yaml: 14 services, 14 monitors, 2 maintenance windows" in ended.err
    dry = await statuspage("import", "gatus", "gatus.yaml", "--out", "draft.yaml", "--dry-run", here=tmp_path)
    assert dry.out.startswith("would be imported from gatus.yaml: 14 services")
    assert not (tmp_path / "draft.yaml").exists()


# --- Uptime Kuma ----------------------------------------------------------------------------------------------------------------


def test_a_monitor_of_kuma_keeps_its_pace_and_its_patience(tmp_path: Path) -> None:
    shop = monitors(of_kuma(tmp_path))["shop"]
    assert shop == {
        "name": "Shop",
        "probe": "http",
        "url": "https://shop.example/",
        "headers": {"X-Token": {"env": "SHOP_X_TOKEN"}, "Accept": "text/html"},
        "login": "shop",
        "redirects": 3,
        "expect": {"status": ["200-299", 404]},
        "every": "1m",
        "timeout": "48s",
        "recheck": "20s",
        "fails_after": 3,
    }


def test_the_backup_and_the_database_come_to_the_same_monitors(tmp_path: Path) -> None:
    assert monitors(of_backup(tmp_path)) == monitors(of_kuma(tmp_path))


def test_each_kind_of_kuma_becomes_ours(tmp_path: Path) -> None:
    found = monitors(of_kuma(tmp_path))
    assert {id: one["probe"] for id, one in found.items()} == {
        "shop": "http",
        "news": "http",
        "api": "http",
        "queue": "http",
        "database-port": "tcp",
        "router": "icmp",
        "names": "dns",
        "backup": "heartbeat",
        "orders": "postgresql",
        "wiki": "mysql",
        "cache": "redis",
        "mail": "smtp",
        "secret-address": "http",
        "socket": "websocket",
        "rpc": "grpc",
        "bearer": "http",
    }
    assert (found["news"]["expect"], found["news"]["verify"]) == ({"body_contains": "Today"}, False)
    assert found["api"]["expect"] == {"json_values": {"$.health.state": {"equals": "ok"}}}
    assert found["database-port"]["enabled"] is False
    orders = {"port": 5433, "database": "orders", "query": "SELECT 1", "login": "orders"}
    assert {key: found["orders"][key] for key in orders} == orders
    assert (found["cache"]["tls"], found["cache"]["database"], found["cache"]["login"]) == (True, 2, "cache")
    assert (found["secret-address"]["enabled"], found["secret-address"]["url"]) == (False, "https://x.example/?api_key=REMOVED")
    assert found["bearer"]["allow_plaintext"] is True


def test_what_stands_on_a_page_of_kuma_is_a_service_and_the_rest_is_for_the_desk(tmp_path: Path) -> None:
    services = {id: entry.values.get("group") for id, entry in of_kuma(tmp_path).services.items()}
    assert services == {"shop": "Web", "news": "For customers", "api": "For customers", "backup": "For customers"}
    shown = {id: entry.values.get("group") for id, entry in of_backup(tmp_path).services.items()}
    assert (len(shown), shown["shop"], shown["database-port"]) == (16, "Web", "prod")


def test_windows_that_come_again_are_written_and_a_single_one_is_a_command(tmp_path: Path) -> None:
    draft = of_kuma(tmp_path)
    weekly, monthly = draft.maintenance["weekly"].values, draft.maintenance["month-s-end"].values
    assert (weekly["starts"], weekly["lasts"], weekly["repeats"]) == ("2026-03-04 23:30", "90m", "FREQ=WEEKLY;BYDAY=WE,SU")
    assert (weekly["timezone"], weekly["services"]) == ("Europe/Berlin", ["news"])
    assert (monthly["starts"], monthly["repeats"]) == ("2026-03-15 02:00", "FREQ=MONTHLY;BYMONTHDAY=-1,15")
    assert "statuspage maintenance plan Once --service news --starts 2031-02-03T21:00Z --ends 2031-02-03T22:00Z --body 'We move.'" in left(
        draft
    )


def test_what_kuma_has_and_we_have_not_is_named(tmp_path: Path) -> None:
    told = left(of_kuma(tmp_path))
    for piece in (
        "monitor 13 “Container”: nothing here measures the kind docker — watch what the container offers, by http or tcp",
        "monitor 14 “Broker”: nothing here measures the kind mqtt",
        "monitor 16 “Down is good”: it is upside down",
        "monitor 5 “Queue”: $sum(a.b): only plain paths into JSON are known here",
        "monitor 8 “Names”: one name server is asked here",
        "notice “We move” of 2024-02-03 10:00",
        "notifications: Telegram",
        "maintenance 4 “By cron”: the strategy cron has no equal here",
        "tags: prod",
    ):
        assert piece in told


# --- Gatus ----------------------------------------------------------------------------------------------------------------------


def test_an_endpoint_keeps_its_conditions_its_pace_and_its_thresholds(tmp_path: Path) -> None:
    found = monitors(of_gatus(tmp_path))
    assert found["core-website"] == {
        "name": "website",
        "probe": "http",
        "url": "https://example.org/health",
        "expires_within": "48h",
        "expect": {"status": [200, 429], "json_values": {"$.status": {"equals": "UP"}}, "slower_than": "300ms"},
        "verify": False,
        "every": "90s",
        "timeout": "45s",
        "fails_after": 5,
        "recovers_after": 2,
    }
    assert found["core-inherits"]["expect"] == {"status": [200]}
    assert found["header"]["headers"] == {
        "Authorization": {"env": "HEADER_AUTHORIZATION"},
        "X-Api-Key": {"env": "API_KEY"},
        "Accept": "text/html",
    }
    assert found["header"]["expect"] == {"body_contains": "<h1>Example</h1>", "json_values": {"$.errors": {"exists": False}}}
    assert (found["in-the-address"]["url"], found["in-the-address"]["login"]) == (
        "https://example.org/x?token=REMOVED&page=2",
        "in-the-address",
    )
    assert found["dns"] == {
        "name": "dns",
        "probe": "dns",
        "query": "example.com",
        "server": "8.8.8.8",
        "type": "A",
        "expect": {"contains": ["93.184.215.14"]},
        "every": "1m",
    }
    assert (found["echo"]["send"], found["echo"]["expect"]) == ("status", "served by")
    assert (found["mail"]["starttls"], found["ping"]["enabled"], found["core-backup"]["every"]) == ("smtp", False, "30m")
    assert (found["graph"]["body"], found["graph"]["expect"]) == ('{"query": "{ shop }"}', {"status": ["100-599"]})


def test_what_gatus_has_and_we_have_not_is_named_with_its_line(tmp_path: Path) -> None:
    lines = GATUS.splitlines()
    told = left(of_gatus(tmp_path))
    length = next(number for number, text in enumerate(lines, 1) if "len([BODY]" in text)
    assert f"condition:{length} len([BODY].items) > 3: len([BODY].items) has no equal here" in told
    for name in ("sctp", "variable", "quiet"):
        number = next(number for number, text in enumerate(lines, 1) if f"name: {name}," in text)
        assert f"theirs:{number}: endpoint “{name}”: " in told
    assert "theirs:3: alerting: " in told


def test_windows_of_gatus_recur_on_their_days(tmp_path: Path) -> None:
    windows = [entry.values for entry in of_gatus(tmp_path).maintenance.values()]
    (own,) = (one for one in windows if one["services"] == ["graph"])
    (every,) = (one for one in windows if one is not own)
    assert (every["starts"], every["repeats"], every["lasts"], every["timezone"]) == (
        "2026-03-05 23:00",
        "FREQ=WEEKLY;BYDAY=MO,TH",
        "1h",
        "Europe/Amsterdam",
    )
    assert (own["starts"], own["repeats"], own["services"]) == ("2026-03-03 07:30", "FREQ=DAILY", ["graph"])


@pytest.mark.parametrize(
    ("conditions", "expect"),
    [
        (["[STATUS] == pat(2*)"], {}),
        (["[STATUS] < 300", "[STATUS] != 204"], {"status": ["100-203", "205-299"]}),
        (["500 > [STATUS]"], {"status": ["100-499"]}),
        (["[BODY] == pong"], {"status": ["100-599"], "body_matches": r"(?s)\A(?:pong)\z"}),
        (["[BODY] != pat(*error*)"], {"status": ["100-599"], "body_not_contains": "error"}),
        (["[BODY].a[0].b >= 5"], {"status": ["100-599"], "json_values": {"$.a[0].b": {"at_least": 5}}}),
        (["[BODY].n == 1.5", "[BODY].n != -2"], {"status": ["100-599"], "json_values": {"$.n": {"equals": 1.5, "not_equals": -2}}}),
        (["[BODY].ok == true"], {"status": ["100-599"], "json_values": {"$.ok": {"equals": True}}}),
        (["[RESPONSE_TIME] <= 1500", "[RESPONSE_TIME] < 2s"], {"status": ["100-599"], "slower_than": "1500ms"}),
    ],
)
def test_a_condition_is_what_ours_expect(conditions: list[str], expect: Mapping[str, Any]) -> None:
    expected = Expected()
    for condition in conditions:
        judge(expected, condition)
    assert expected.of_http() == expect


def test_durations_of_go_are_ours() -> None:
    assert [seconds(text) for text in ("1m30s", "500ms", "1h", "1.5h", "5", "5 m", "", "1x")] == [
        90.0,
        0.5,
        3600.0,
        5400.0,
        None,
        None,
        None,
        None,
    ]
    assert [duration(value) for value in (90.0, 0.5, 3600.0, 86_400.0, 0.0001)] == ["90s", "500ms", "1h", "1d", "1ms"]


def test_statuses_are_spelled_as_they_are_understood() -> None:
    assert spelled_statuses(understood("200-299") | understood("404") | understood("405") | understood("x")) == ["200-299", "404-405"]


# --- files that are none --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "octets", "message"),
    [
        (kuma.draft, b"{}", "it has no monitorList"),
        (kuma.draft, b'{"monitorList": []}', "it has no monitors"),
        (kuma.draft, b"\x00", "not JSON: line 1, column 1"),
        (kuma.draft, b"SQLite format 3\x00" + bytes(200), "the database cannot be read"),
        (gatus.draft, b"a: [", "line 1, column 5: not YAML"),
        (gatus.draft, b"- a", "it is no mapping"),
        (gatus.draft, b"endpoints: []", "it has no endpoints"),
        (gatus.draft, b"a: &a [*a]\nendpoints: *a", "it has no endpoints"),
        (gatus.draft, b"\xff\xfe\xff", "no UTF-8"),
        pytest.param(gatus.draft, b"[" * 20_000, "not YAML", id="deeper than anybody writes"),
        (gatus.draft, b"a: !!float 1e", "not YAML"),
    ],
)
def test_a_file_that_is_none_of_theirs_is_named_with_the_place(
    read: Callable[[Path, date], Draft], octets: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotImport) as trouble:
        drafted(read, octets, tmp_path)
    assert str(trouble.value).startswith(f"{tmp_path / 'theirs'}:")
    assert message in str(trouble.value)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["http://[", "${A}", "\u2028", "a: b #", "{env: X}", "-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted({key for row in MONITORS for key in row})


@settings(deadline=None)  # a whole configuration is read back each time
@given(kind=st.sampled_from(sorted({row["type"] for row in MONITORS})), row=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12))
def test_whatever_stands_in_a_monitor_of_kuma_what_is_written_is_a_configuration(aside: Path, kind: str, row: dict[str, Any]) -> None:
    base = next(one for one in MONITORS if one["type"] == kind)
    octets = backup([{**base, **row, "id": 1, "type": kind, "accepted_statuscodes_json": '["2"]'}])
    draft = drafted(kuma.draft, octets, aside)
    assert parse(spelled(draft), "draft")[1] == []
    assert len(draft.monitors) + len(draft.left) > 0 or kind == "group"


ENDPOINT_KEYS = (
    "name",
    "url",
    "group",
    "interval",
    "conditions",
    "alerts",
    "headers",
    "body",
    "method",
    "client",
    "dns",
    "maintenance-windows",
    "enabled",
)


@settings(deadline=None)
@given(row=st.dictionaries(st.sampled_from(ENDPOINT_KEYS), VALUES, max_size=8), more=VALUES)
def test_whatever_stands_in_an_endpoint_of_gatus_what_is_written_is_a_configuration(aside: Path, row: dict[str, Any], more: object) -> None:
    document = {
        "endpoints": [{"name": "a", "url": "https://example.org/", **row}, {"name": "b", "url": "tcp://example.org:1"}],
        "maintenance": more,
        "alerting": more,
    }
    draft = drafted(gatus.draft, json.dumps(document).encode(), aside)
    assert parse(spelled(draft), "draft")[1] == []
    assert draft.monitors


def test_tables_that_are_something_else_are_no_trouble(tmp_path: Path) -> None:
    odd = {name: [{"id": "x" * 50, "weight": "heavy", **dict.fromkeys(rows[0], b"\xff\x00")}] for name, rows in TABLES.items()}
    odd["monitor"] = [*odd["monitor"], MONITORS[1]]
    database(tmp_path / "odd.db", odd)
    draft = verified(kuma.draft(tmp_path / "odd.db", TODAY))
    assert list(draft.monitors) == ["shop"]
