"""Addresses behind walls, in a network of its own: filtered, unreachable, dead beside living ones."""

import json
from typing import Any

import pytest

from probes.result import Failure
from tests.rude.island import NoIsland, sent_to
from tests.rude.walled import DEAD, FILTERED, UNREACHABLE


@pytest.fixture(scope="module")
def walled() -> dict[str, dict[str, Any]]:
    """What was found behind walls, in a network of its own."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(sent_to("tests.rude.walled"))
    except NoIsland as error:
        pytest.fail(str(error), pytrace=False)
    return found


def test_filtered_and_unreachable_are_told_apart(walled: dict[str, dict[str, Any]]) -> None:
    filtered, unreachable = walled[FILTERED], walled[UNREACHABLE]
    assert (filtered["failure"], filtered["stage"]) == (Failure.TIMEOUT, "connect")
    assert (unreachable["failure"], unreachable["stage"]) == (Failure.UNREACHABLE, "connect")
    assert unreachable["took"] < filtered["took"] <= 1.5 + 0.25


def test_a_dead_address_before_a_living_one_is_good_and_both_are_shown(walled: dict[str, dict[str, Any]]) -> None:
    assert (walled["dead.example"]["failure"], walled["dead.example"]["stage"]) == (Failure.TIMEOUT, "connect")
    for name in ("half.example", "worst.example"):
        assert walled[name]["failure"] is None
        assert walled[name]["version"] == 4
    assert [warned for warned in walled["half.example"]["warned"] if DEAD in warned]
