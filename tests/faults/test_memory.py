"""A monitor runs for months: what one probe leaves behind, a million would show."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, mean

import pytest

from tests.rude.mill import AT_ONCE, Ground

FLAT = 0.02
"""How much resident memory may grow over the second half, as a part of what it is."""


def growth(resident: Sequence[int]) -> float:
    """By how much the line through all looks rises from the first to the last, as a part of their mean."""
    slope, _ = linear_regression(range(len(resident)), resident)
    return slope * (len(resident) - 1) / mean(resident)


def test_memory_and_descriptors_are_flat_over_many_probes(
    request: pytest.FixtureRequest,
    checkout: Path,
    is_soak: bool,  # noqa: FBT001 - a fixture
) -> None:
    count: int = request.config.getoption("--probes") or (50_000 if is_soak else 4_000)
    command = [sys.executable, "-m", "tests.rude.mill", str(count)]
    done = subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True, timeout=60 + count / 50)
    ground = Ground(**json.loads(done.stdout))
    risen = growth(ground.resident)
    half, end = (f"{look / 1024:.1f} MB" for look in (ground.resident[0], ground.resident[-1]))
    print(f"\n{count} probes in {ground.took:.0f} s: {half} half-way, {end} at the end, {risen:+.3%} by the line through all looks")
    assert ground.failed == 0
    assert abs(risen) <= FLAT
    assert max(ground.descriptors) <= 2 * AT_ONCE


def test_a_leak_of_a_hundred_bytes_a_probe_would_be_seen() -> None:
    """In the long form, where 25,000 probes lie between the first look and the last: half a mebibyte to a hundred megabytes."""
    leaking = [40_000 + look * 25_000 * 100 // 1024 // 19 for look in range(20)]
    assert growth(leaking) > FLAT
    assert growth([40_000, 40_020] * 10) < FLAT / 10
