"""What `make mutants` asks for, which runs these tests thousands of times, and what random cases tell of themselves."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import Phase, settings

from tests.incidents.tally import Tally

# A twentieth of the cases, the same ones each time, and none made smaller.
settings.register_profile("brief", max_examples=5, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[Tally]:
    """What the test counts in it is told at the end of a run of the long forms."""
    counted = Tally()
    yield counted
    record_property("reached", str(counted))
