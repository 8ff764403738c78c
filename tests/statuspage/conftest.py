from collections.abc import Iterator

import pytest

from tests.stores import Postgresql, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One server for each worker of the test run."""
    with postgresql_server() as server:
        yield server
