"""mutmut, with tests that are collected once and not once a mutant: ``python -m tests.mutating run`` is ``mutmut run``, only quicker.

The fork that is made for a mutant inherits the collected tests, and runs those that reach what is broken until one fails.
"""

import sys
from collections.abc import Iterable
from typing import Any

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

    def execute_pytest(self, params: list[str], **more: Any) -> int:  # noqa: ANN401 - pytest's own
        """As ever, but that no test works with what another has worked out."""
        return int(super().execute_pytest(params, plugins=[*more.pop("plugins", ()), Forgetful()], **more))

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
        """Collect, forget what the whole code has worked out, and begin as ever."""
        self.test_runner.collect()
        forget()
        super().startup()


def forget() -> None:
    """Empty the caches of what is broken: who inherits what is worked out does not come to what works it out."""
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "incidents"]:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


class Forgetful:
    """A plugin by which each test comes to all that it asks for, so that it is known what it reaches."""

    def pytest_runtest_setup(self) -> None:
        """Begin without what other tests have left."""
        forget()


if __name__ == "__main__":
    mutmut.get_mutant_runner = lambda most=1: Forks(most)
    mutmut.cli()
