import asyncio
import random
import threading
import time
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from probes.wire.patterns import Pattern

WILD = bytes(random.Random(1).choices(b"ab", k=200_000))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "characters"),
        ("a" * 1001, "characters"),
        ("(", "missing )"),
        (r"(a)\1", "invalid escape sequence"),
        ("(?=a)", "linear time"),
        ("a**", "repetition"),
        ("[a-z]{1001}", "repetition"),
        (r"\pL{60}", "too large"),
        (r"\pL\pL", "let it repeat less"),
        ("\ud800", "Unicode"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_when_it_is_read(text: str, why: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Pattern).validate_python(text)
    assert why in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_number_is_no_pattern() -> None:
    with pytest.raises(ValidationError, match="write a regular expression"):
        TypeAdapter(Pattern).validate_python(5)


def test_patterns_are_their_text() -> None:
    assert Pattern("a+") == Pattern("a+") != Pattern("a*")
    assert hash(Pattern("a+")) == hash(Pattern("a+"))
    assert TypeAdapter(Pattern).dump_python(Pattern("a+"), mode="json") == "a+"


async def test_a_pattern_that_is_exponential_elsewhere_is_linear_here() -> None:
    assert not await Pattern("(x+x+)+y").is_in(b"x" * 100_000)
    assert await Pattern("(x+x+)+y").is_in(b"x" * 100_000 + b"y")


async def test_a_long_search_leaves_the_loop_to_others() -> None:
    """The automaton of this pattern has 2^100 states: it is searched the slow way, for a good part of a second."""
    pattern = Pattern("(?:a|b)*a(?:a|b){100}c")
    searching = asyncio.ensure_future(pattern.is_in(WILD))
    began = last = time.perf_counter()
    turns, longest = 0, 0.0
    while not searching.done():
        await asyncio.sleep(0)
        turns, longest, last = turns + 1, max(longest, time.perf_counter() - last), time.perf_counter()
    assert searching.result() is False
    assert turns > 100
    assert longest < (last - began) / 2


async def test_a_search_that_nobody_waits_for_any_more_disturbs_nobody() -> None:
    pattern = Pattern("(?:a|b)*a(?:a|b){100}c")
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    searching = asyncio.ensure_future(pattern.is_in(WILD))
    await asyncio.sleep(0)
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    ours = [thread for thread in threading.enumerate() if thread.name == "probe-pattern"]
    for thread in ours:
        await asyncio.to_thread(thread.join)
    await asyncio.to_thread(str)  # whatever those threads have left for the loop has had its turn by then
    assert ours
    assert complaints == []
    assert await pattern.is_in(b"a" + b"b" * 100 + b"c")
