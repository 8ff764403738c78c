"""Whole lives, with all that each event says: what nobody asserts, nobody would miss."""

from collections.abc import Callable

import pytest

from tests.incidents.recording import LIVES, file_of, record
from tests.incidents.world import World


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_a_life_is_written_down_to_the_letter(life: Callable[[], World]) -> None:
    assert record(life()) == file_of(life).read_text(encoding="utf-8")
