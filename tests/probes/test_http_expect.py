import pytest

from probes.http import Settings
from probes.result import Failure
from probes.wire.expectations import Condition, is_among, objection, spelled
from tests.rude.peer import Peer, rude
from tests.rude.web import ask, page, saying

JSON = "Content-Type: application/json"
QUEUES = b"""{"status": "ok", "ready": true, "queues": [{"name": "in.mail", "length": 3}, {"name": "out.mail", "length": 7}],
 "a.b": {"x y": null}, "load": "0.5", "tags": ["blue", 5]}"""


@pytest.mark.parametrize(
    ("status", "expected", "is_fine"),
    [
        (200, [200], True),
        (201, [200, 204], False),
        (204, ["2xx"], True),
        (304, ["2XX", 304], True),
        (300, ["2xx"], False),
        (200, ["200-299"], True),
        (299, ["200-299"], True),
        (300, ["200-299"], False),
        (400, ["200-299"], False),
        (404, ["4xx", "500-502"], True),
        (503, ["4xx", "500-502"], False),
    ],
)
async def test_statuses_are_single_ones_classes_and_ranges(status: int, expected: list[int | str], is_fine: bool) -> None:  # noqa: FBT001
    async with rude(saying(page(status=f"{status} As it is"))) as server:
        result = await ask(server, expect={"status": expected})
    assert result.failure is (None if is_fine else Failure.STATUS)


def test_a_range_is_kept_as_it_is_written() -> None:
    settings = Settings.model_validate({"url": "http://example.net/", "expect": {"status": [200, "2XX", "300-304"]}})
    assert settings.expect.status == (200, "2xx", "300-304")
    assert is_among(300, (200, "300-304"))


# --- text ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expect", "failure"),
    [
        (b"<h1>Sign in</h1>", {"body_matches": r"(?i)<h1>\s*sign\s+in"}, None),
        (b"<h1>Sign out</h1>", {"body_matches": r"(?i)<h1>\s*sign\s+in"}, Failure.CONTENT),
        (b"all is well", {"body_not_matches": r"err(or|eur)"}, None),
        (b"une erreur", {"body_not_matches": r"err(or|eur)"}, Failure.CONTENT),
        ("für".encode(), {"body_matches": "^f.r$"}, None),
        (b"f\xfcr", {"body_matches": "^f.r$"}, Failure.CONTENT),
    ],
)
async def test_a_body_is_searched_for_a_pattern(body: bytes, expect: dict[str, str], failure: Failure | None) -> None:
    async with rude(saying(page(body))) as server:
        result = await ask(server, expect=expect)
    assert (result.failure, result.stage) == (failure, "content" if failure else None)


async def test_a_pattern_is_searched_in_the_letters_of_the_page_whatever_its_encoding() -> None:
    body = "Größe".encode("utf-16-le")
    async with rude(saying(page(body, "200 OK", "Content-Type: text/plain; charset=utf-16le"))) as server:
        assert (await ask(server, expect={"body_matches": "^Gr..e$"})).failure is None


async def test_a_text_after_the_cap_is_not_found_and_the_verdict_says_how_far_it_looked() -> None:
    async with rude(saying(page(b"x" * 2000 + b"Sign in"))) as server:
        result = await ask(server, max_body=1000, expect={"body_contains": "Sign in"})
        whole = await ask(server, max_body=2007, expect={"body_contains": "Sign in"})
    assert (result.failure, result.facts["body_bytes"]) == (Failure.CONTENT, 1000)
    assert "the first 1000 bytes" in result.detail
    assert [warning.name for warning in result.warnings] == ["truncated"]
    assert (whole.failure, whole.warnings) == (None, ())


# --- headers ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "name", "condition", "objection"),
    [
        (["X-Cache: HIT"], "x-cache", {"equals": "HIT"}, None),
        (["X-Cache: MISS"], "X-Cache", {"equals": "HIT"}, "the header X-Cache is 'MISS', not 'HIT'"),
        ([], "X-Cache", {}, "the header X-Cache is missing"),
        (["X-Powered-By: PHP"], "X-Powered-By", {"exists": False}, "the header X-Powered-By is there, and must not be"),
        ([], "X-Powered-By", {"exists": False}, None),
        (["Strict-Transport-Security: max-age=31536000"], "Strict-Transport-Security", {"matches": r"max-age=[1-9]\d{7}"}, None),
        (["Age: 70"], "Age", {"at_most": 60}, "the header Age is '70', more than 60"),
        (["Age: 50"], "Age", {"at_most": 60, "at_least": 50}, None),
        (["Age: soon"], "Age", {"at_most": 60}, "the header Age is 'soon' and no number"),
        (["Vary: a", "Vary: b"], "Vary", {"contains": "a"}, "the header Vary is 'b' and does not contain 'a'"),
    ],
)
async def test_headers_meet_their_conditions(headers: list[str], name: str, condition: dict[str, object], objection: str | None) -> None:
    async with rude(saying(page(b"", "200 OK", *headers))) as server:
        result = await ask(server, expect={"headers": {name: condition}})
    assert (result.failure, result.stage) == ((None, None) if objection is None else (Failure.CONTENT, "headers"))
    assert result.detail == (objection or "")


# --- JSON ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "condition", "objection"),
    [
        ("$", {}, None),
        ("$.status", {"equals": "ok"}, None),
        ("$.status", {"equals": "down"}, "$.status is 'ok', not 'down'"),
        ("$.status", {"not_equals": "ok"}, "$.status is 'ok'"),
        ("$.gone", {"exists": False}, None),
        ("$.gone", {}, "$.gone is missing"),
        ("$.status.deeper", {}, "$.status.deeper is missing"),
        ("$.status", {"exists": False}, "$.status is there, and must not be"),
        ("$.ready", {"equals": True}, None),
        ("$.ready", {"equals": 1}, "$.ready is true, not 1"),
        ("$.queues[0].length", {"equals": 3.0}, None),
        ("$.queues[-1].length", {"at_most": 5}, "$.queues[-1].length is 7, more than 5"),
        ("$.queues[2]", {"exists": False}, None),
        ("$.queues[*].length", {"at_most": 10, "at_least": 3}, None),
        ("$.queues[*].length", {"at_least": 4}, "$.queues[*].length is 3, less than 4"),
        ("$.queues.*.name", {"contains": ".mail"}, None),
        ("$.queues[*].none", {}, "$.queues[*].none is missing"),
        ("$['a.b']['x y']", {"is_null": True}, None),
        ('$["a.b"]["x y"]', {"is_null": False}, '$["a.b"]["x y"] is null'),
        ("$.load", {"at_most": 0.8}, None),
        ("$.status", {"at_most": 0.8}, "$.status is 'ok' and no number"),
        ("$.ready", {"at_least": 0}, "$.ready is true and no number"),
        ("$.tags", {"contains": "blue", "not_contains": "red"}, None),
        ("$.tags", {"not_contains": "blue"}, "$.tags is a list of 2 and contains 'blue'"),
        ("$.queues[0]", {"contains": "name"}, None),
        ("$.tags[1]", {"contains": "5"}, "$.tags[1] is 5 and does not contain '5'"),
        ("$.queues[*].name", {"matches": r"^(in|out)\.mail$"}, None),
        ("$.status", {"matches": "^down"}, "$.status is 'ok' and does not match"),
        ("$.ready", {"matches": "^true$"}, None),
        ("$.tags", {"matches": "."}, "$.tags is a list of 2 and does not match"),
    ],
)
async def test_values_in_json_meet_their_conditions(path: str, condition: dict[str, object], objection: str | None) -> None:
    async with rude(saying(page(QUEUES, "200 OK", JSON))) as server:
        result = await ask(server, expect={"json_values": {path: condition}})
    assert (result.failure, result.stage) == ((None, None) if objection is None else (Failure.CONTENT, "content"))
    assert result.detail == (objection or "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"1" * 1_000_000,
        b"-" + b"9" * 5_000,
        b"[" + b"[]," * 300_000 + b"[]]",
        b'{"a": NaN}',
        b'"\xff"',
        b'{"a": 1} x',
    ],
)
async def test_what_is_no_json_that_can_be_read_says_so(body: bytes) -> None:
    async with rude(saying(page(body, "200 OK", JSON))) as server:
        result = await ask(server, timeout=5, expect={"json_values": {"$": {}}})
    assert (result.failure, result.stage) == (Failure.CONTENT, "content")
    assert "unreadable" in result.detail


async def test_a_number_of_a_hundred_megabytes_is_unreadable_and_read_only_to_the_cap() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        await peer.flood(b"1" * 65536)

    async with rude(script) as server:
        result = await ask(server, timeout=5, expect={"json_values": {"$": {}}})
    assert (result.failure, result.facts["body_bytes"]) == (Failure.CONTENT, 1024 * 1024)
    assert "unreadable" in result.detail


async def test_a_document_that_was_cut_is_not_read_though_its_beginning_may_be_one() -> None:
    async with rude(saying(page(b"12345", "200 OK", JSON))) as server:
        cut = await ask(server, max_body=3, expect={"json_values": {"$": {"equals": 123}}})
        whole = await ask(server, max_body=5, expect={"json_values": {"$": {"equals": 12345}}})
    assert (cut.failure, whole.failure) == (Failure.CONTENT, None)
    assert cut.detail == "unreadable as JSON: longer than 3 bytes"


async def test_a_path_that_leads_to_thousands_of_places_is_not_followed() -> None:
    async with rude(saying(page(b"[" + b"1," * 1000 + b"1]", "200 OK", JSON))) as server:
        result = await ask(server, expect={"json_values": {"$[*]": {"equals": 1}}})
        few = await ask(server, expect={"json_values": {"$[1000]": {"equals": 1}}})
    assert (result.failure, few.failure) == (Failure.CONTENT, None)
    assert "1000 places" in result.detail


async def test_one_wrong_thing_of_many_is_enough() -> None:
    async with rude(saying(page(QUEUES, "200 OK", JSON))) as server:
        result = await ask(server, expect={"body_contains": "ok", "json_values": {"$.status": {"equals": "ok"}, "$.load": {"at_least": 2}}})
    assert result.detail == "$.load is '0.5', less than 2"


async def test_an_encoded_body_is_not_unpacked_whatever_is_expected_of_it() -> None:
    expectations: list[dict[str, object]] = [{"body_matches": "a"}, {"body_not_matches": "a"}, {"json_values": {"$": {}}}]
    for expect in [*expectations, {"body_not_contains": "a"}]:
        async with rude(saying(page(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"))) as server:
            result = await ask(server, expect=expect)
        assert (result.failure, result.stage) == (Failure.CONTENT, "content")
        assert "gzip" in result.detail


# --- values, without a server ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("a\x1b[31mb", "'a[31mb'"),
        ("x" * 100, "'" + "x" * 59 + "…'"),
        (10**400, "a number of very many digits"),
        (1.5, "1.5"),
        ([1], "a list of 1"),
        ({}, "an object of 0 members"),
    ],
)
def test_a_value_is_spelled_in_a_few_safe_characters(value: object, text: str) -> None:
    assert spelled(value) == text


async def test_numbers_beyond_all_bounds_are_compared_and_not_converted() -> None:
    assert await objection(Condition(at_most=5), 10**4000) is not None
    assert await objection(Condition(at_least=5), 10**4000) is None
    assert await objection(Condition(at_most=5), "1" + "0" * 200) is not None
    assert await objection(Condition(at_most=5), float("inf")) is not None
