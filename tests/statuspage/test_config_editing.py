"""Additions to a configuration as a person wrote it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statuspage.config.editing import END, CannotAdd, added
from statuspage.config.spelling import flow
from statuspage.config.yaml import parse

MONITOR = {"probe": "http", "url": "https://example.org/"}
TRAIL = ("services", "website", "monitors", END)
WRITTEN = [
    "",
    "# a remark alone\n",
    "site: {name: A}",
    "site: {name: A}\n\nservices:\n  website:\n    monitors:\n      - {probe: tcp}   # why\n      # off\n\n# next\nmonitors: {}\n",
    "services:\n  website:\n    monitors:\n    - probe: tcp\n      host: a\n\n  email: {}\n",
    "services: {website: {monitors: []}}\n",
    "services: {website: {}, a: {\n  b: 1,\n  }}\n",
    "services:\n  website: {monitors: [{probe: tcp}, ], }\n",
    "services:\n  website:\n  # a remark\n  email: {}\n",
    "services:\nsite: {}\n",
    "{site: {name: A}}\n",
    "services:\n    mail:\n        description: |\n            words\n\n            more\n\n\nsite: {}\n",
    "a: &x {b: 1}\nservices:\n  mail: *x\n\nsite: {}\n",
    '"services":\n  ? website\n  : monitors:\n      - {probe: tcp}\n',
    "site: {name: A}\r\n\r\nservices:\r\n  mail: {}\r\n\r\n# end\r\n",
]


@pytest.mark.parametrize("before", WRITTEN)
def test_what_stands_there_stays_to_the_letter_and_the_new_is_read_beside_it(before: str) -> None:
    after = added(before, TRAIL, MONITOR)
    same = next((place for place, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), len(before))
    assert after.endswith(before[same:])
    assert "\n" not in after.replace("\r\n", "") or "\r\n" not in before
    found, problems = parse(after, "")
    assert problems == []
    assert found.value["services"]["website"]["monitors"][-1] == MONITOR


@pytest.mark.parametrize(
    "before", ["services: 3\n", "a: [1\n", "services: ~\n", "site: {}\n...\n", "a: &x {}\nservices: *x\nb: {}\n", "- list\n", "\0"]
)
def test_what_cannot_be_added_to_is_refused(before: str) -> None:
    with pytest.raises(CannotAdd):
        added(before, TRAIL, MONITOR)


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


@settings(max_examples=50)
@given(st.dictionaries(_TEXT.filter(bool), st.recursive(_TEXT | st.booleans() | st.integers(-9999, 9999), st.lists, max_leaves=4)))
def test_every_value_is_read_as_it_was_meant(value: dict[str, object]) -> None:
    found, problems = parse(f"it: {flow(value)}\n", "")
    assert (problems, found.value) == ([], {"it": value})
