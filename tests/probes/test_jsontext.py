import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.attempt import ProbeFailed
from probes.result import Failure
from probes.wire.jsontext import DEPTH, read

MEGABYTE = 1024 * 1024
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
BOMBS = {
    "open brackets": b"[" * MEGABYTE,
    "nested": b"[" * 10_000 + b"]" * 10_000,
    "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "one level too deep": b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1),
    "a long number": b"9" * MEGABYTE,
    "empty lists": b"[" + b"[]," * (MEGABYTE // 3) + b"0]",
    "small objects": b"[" + b'{"aa":[]},' * (MEGABYTE // 10) + b"0]",
    "many keys": b"{" + b",".join(b'"%d":%d' % (n, n) for n in range(40_000, 110_000)) + b"}",
    "empty texts": b"[" + b'"",' * (MEGABYTE // 3) + b"0]",
    "quotes": b'"' * MEGABYTE,
    "escaped quotes": b'"' + b'\\"' * (MEGABYTE // 2),
    "wide letters": '["\U0001f600'.encode() + b"a" * MEGABYTE + b'"]',
    "trees": b"[" + (b"[" * 60 + b"]" * 60 + b",") * (MEGABYTE // 121) + b"0]",
}


@given(DOCUMENTS)
def test_what_is_json_is_read_as_it_was_written(document: object) -> None:
    assert read(json.dumps(document).encode()) == document


@given(st.binary(max_size=60) | st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b",", b"1", b"\xff"])).map(b"".join))
def test_whatever_it_is_it_is_read_or_unreadable(octets: bytes) -> None:
    with suppress(ProbeFailed):
        read(octets)


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_unreadable_and_takes_little_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProbeFailed) as refused:
            read(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.failure is Failure.CONTENT
    assert "unreadable" in refused.value.detail
    assert peak < 8 * MEGABYTE


def test_a_document_as_deep_as_allowed_is_read() -> None:
    assert read(b"[" * DEPTH + b"]" * DEPTH)
    with pytest.raises(ProbeFailed):
        read(b"[[]]", depth=1)


def test_brackets_and_quotes_within_texts_are_no_structure() -> None:
    brackets = "[" * 10_000 + '"{\\"' * 1000 + "\\"
    assert read(json.dumps({"a": brackets, brackets: "\\\\"}).encode()) == {"a": brackets, brackets: "\\\\"}


@pytest.mark.parametrize("octets", [b"NaN", b"[Infinity]", b"-Infinity", b"\xff", '{"a":1}'.encode("utf-16"), b"{'a':1}", b"[1,]"])
def test_what_only_some_readers_take_is_not_json(octets: bytes) -> None:
    with pytest.raises(ProbeFailed, match="unreadable as JSON"):
        read(octets)


def test_a_byte_order_mark_is_borne() -> None:
    assert read(b"\xef\xbb\xbf{}") == {}


def test_the_stage_is_the_callers_to_name() -> None:
    with pytest.raises(ProbeFailed) as refused:
        read(b"", stage="expiry")
    assert refused.value.stage == "expiry"
