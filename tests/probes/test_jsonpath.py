import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.jsonpath import MOST, select, steps


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", ()),
        ("$.a", ("a",)),
        ("$.ä_1-b", ("ä_1-b",)),
        ("$.a[0][-1]", ("a", 0, -1)),
        ("$['a.b']", ("a.b",)),
        ('$["a\'b"]', ("a'b",)),
        (r"$['a\'b\\']", ("a'b\\",)),
        ("$.*", (None,)),
        ("$[*].a", (None, "a")),
    ],
)
def test_a_path_is_taken_apart(path: str, found: tuple[object, ...]) -> None:
    assert steps(path) == found


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$[", "$[]", "$[01]", "$[-0]", "$[1:2]", "$[?(@.a)]", "$['']", "$['a", "$.a ", "$.1a"]
)
def test_what_is_not_understood_is_refused_in_words(path: str) -> None:
    with pytest.raises(ValueError, match=r"write|begins"):
        steps(path)


def test_every_place_is_found_and_no_other() -> None:
    document = {"a": [{"b": 1}, {"c": 2}, [3]], "b": {"b": 4}}
    assert select(document, steps("$.a[*].b")) == [1]
    assert select(document, steps("$.*.b")) == [4]
    assert select(document, steps("$.a[-1][0]")) == [3]
    assert select(document, steps("$.a.b")) == []
    assert select(document, steps("$[0]")) == []
    assert select(document, steps("$.a[-4]")) == select(document, steps("$.a[3]")) == []


def test_more_places_than_anybody_looks_at_are_an_error() -> None:
    assert len(select([0] * MOST, (None,))) == MOST
    with pytest.raises(ValueError, match="places"):
        select([[0] * 100] * 100, (None, None))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)


@given(json, st.lists(st.sampled_from(["a", "b", 0, -1, 3, None]), max_size=4))
def test_selecting_agrees_with_following_every_way(document: object, path: list[str | int | None]) -> None:
    def ways(place: object, left: list[str | int | None]) -> list[object]:
        if not left:
            return [place]
        step, rest = left[0], left[1:]
        if isinstance(place, dict):
            below = [place[key] for key in place if step is None or key == step]
        elif isinstance(place, list):
            size = len(place)
            below = [place[at] for at in range(size) if step is None or (isinstance(step, int) and step in (at, at - size))]
        else:
            return []
        return [found for one in below for found in ways(one, rest)]

    assert select(document, path) == ways(document, path)


@given(st.text(alphabet="$.[]*'\"\\a0-", max_size=12))
def test_no_path_crashes_the_reader(text: str) -> None:
    try:
        found = steps(text)
    except ValueError:
        return
    assert text.startswith("$")
    assert all(step is None or isinstance(step, str | int) for step in found)
