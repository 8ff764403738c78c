"""mutmut, with tests that are collected once and not once a mutant: ``python -m tests.mutating run`` is ``mutmut run``, only quicker.

The fork that is made for a mutant inherits the collected tests, and runs those that reach what is broken until one fails.
"""

import sys
from collections.abc import Iterable
from types import ModuleType

import pytest
from _pytest.config import _prepareconfig
from _pytest.runner import runtestprotocol
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.runners.harness import PytestRunner
from mutmut.utils.file_utils import change_cwd
from mutmut.workers.isolation import ForkRunner


class Collected(PytestRunner):  # type: ignore[misc]  # mutmut is not installed where types are checked
    """Runs the tests of a mutant from what was collected."""

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, pytest.Item] = {}

    def collect(self) -> None:
        """Open a session that stays open, for the forks."""
        asked = [*config().pytest_add_cli_args, *config().pytest_add_cli_args_test_selection]
        with change_cwd("mutants"):
            made = _prepareconfig(["--rootdir=.", "--tb=no", "-q", "-s", *asked])
            made._do_configure()  # as pytest.main does, which would close the session again
            session = pytest.Session.from_config(made)
            made.hook.pytest_sessionstart(session=session)
            self._items = {item.nodeid: item for item in session.perform_collect()}

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """Give 1 as soon as one of *tests* fails, else 0; without a mutant all is run as ever."""
        if mutant_name is None:
            return int(super().run_tests(mutant_name=None, tests=tests))
        with change_cwd("mutants"):
            return int(any(_fails(self._items[test]) for test in tests))


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


class Forks(ForkRunner):  # type: ignore[misc]  # as above
    """Collects before the first fork."""

    def __init__(self, most: int) -> None:
        super().__init__(most, Collected())

    def startup(self) -> None:
        """Collect, forget what the whole code has worked out, then begin as ever."""
        self.test_runner.collect()
        for name, module in sys.modules.items():
            if name.partition(".")[0] == "incidents":
                _forget(module)
        super().startup()


def _forget(module: ModuleType) -> None:
    """Empty its caches: a fork that inherits them would not come to what is broken."""
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


if __name__ == "__main__":
    mutmut.get_mutant_runner = lambda most=1: Forks(most)
    mutmut.cli()
