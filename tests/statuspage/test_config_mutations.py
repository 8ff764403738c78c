import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statuspage.config.loading import ConfigError, load
from statuspage.config.yaml import parse

FULL = Path(__file__).resolve().parent.parent.parent / "config" / "examples" / "full.yaml"
SECRET = "xyzzy-8f3a"
ENVIRON = dict.fromkeys(["RELAY_PASSWORD", "PROBER_PASSWORD", "COPY_TOKEN", "MAIL_TEAM_CHAT"], f"json://{SECRET}")
TEXT = FULL.read_text(encoding="utf-8")
TREE = parse(TEXT, "full.yaml")[0].value

Trail = tuple[str | int, ...]


def trails(value: object, trail: Trail = ()) -> Iterator[Trail]:
    if trail:
        yield trail
    match value:
        case dict():
            for key, entry in value.items():
                yield from trails(entry, (*trail, key))
        case list():
            for index, entry in enumerate(value):
                yield from trails(entry, (*trail, index))
        case _:
            return


EVERYWHERE = list(trails(TREE))
REFERENCE = {"env": "COPY_TOKEN"}
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [[], {}, [[]], [None], {"": 1}, {"a": {"b": [1]}}, REFERENCE, [REFERENCE], {"en": REFERENCE}, "0s", "1d", "-1", "always"]
    ),
    st.sampled_from([trail[-1] for trail in EVERYWHERE if isinstance(trail[-1], str)]),
)


def changed(tree: Any, trail: Trail, value: object) -> Any:  # noqa: ANN401 - any plain value
    step, rest = trail[0], trail[1:]
    if isinstance(tree, dict) and step in tree:
        return {**tree, step: changed(tree[step], rest, value) if rest else value}
    if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
        return [(changed(entry, rest, value) if rest else value) if index == step else entry for index, entry in enumerate(tree)]
    return tree


def judged(file: Path, text: str) -> list[str]:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        return [str(warning) for warning in load(file, ENVIRON).warnings]
    except ConfigError as error:
        return [str(problem) for problem in error.problems] or ["refused without a word"]


def judge(file: Path, text: str) -> None:
    told = "\n".join(judged(file, text))
    assert SECRET not in told
    assert not re.search(r"PydanticUndefined|datetime\.|<class|Traceback|without a word", told)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "statuspage.yaml"


SIGNS = ["", " ", "\n", ":", "- ", "[", "{", "}", '"', "'", "&a ", "*a", "!", "|", "\t", "#", "%", "\0", "é", "\u2028", "\ud800"]

often = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(where=st.lists(st.tuples(st.sampled_from(EVERYWHERE), JUNK), min_size=1, max_size=4))
def test_any_value_in_any_place_is_loaded_or_refused(file: Path, where: list[tuple[Trail, object]]) -> None:
    tree = TREE
    for trail, value in where:
        tree = changed(tree, trail, value)
    judge(file, json.dumps(tree, ensure_ascii=True))


@often
@given(at=st.sampled_from(EVERYWHERE), key=st.sampled_from(EVERYWHERE))
def test_any_part_in_the_place_of_another_is_loaded_or_refused(file: Path, at: Trail, key: Trail) -> None:
    part: Any = TREE
    for step in key:
        part = part[step]
    judge(file, json.dumps(changed(TREE, at, part)))


@often
@given(cuts=st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 40), st.sampled_from(SIGNS)), min_size=1, max_size=3))
def test_any_cut_through_the_text_is_loaded_or_refused(file: Path, cuts: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for start, length, put in cuts:
        text = text[:start] + put + text[start + length :]
    judge(file, text)


@often
@given(text=st.text(max_size=200))
def test_any_text_at_all_is_loaded_or_refused(file: Path, text: str) -> None:
    judge(file, text)
