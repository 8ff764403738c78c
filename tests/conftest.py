import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest

from tests.incidents.tally import Tally


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the long form of the tests that kill and overload")
    parser.addoption("--probes", type=int, help="how many probes tests/faults/test_memory.py runs (4000, with --soak 50000)")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the tests wait for a server rather than reckon."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


hypothesis.settings.register_profile("no clock", deadline=None)  # a busy machine is no fault of ours
hypothesis.settings.load_profile("no clock")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """In the long form all that hypothesis draws comes from one seed, another each time; it is told at the end, with what was reached."""
    if config.getoption("--soak") and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(secrets.randbelow(2**32))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--soak"):
        return
    terminalreporter.section("drawn by chance")
    terminalreporter.write_line(f"seed {config.getoption('--hypothesis-seed')}; the same again: --soak --hypothesis-seed=…")
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, value in getattr(report, "user_properties", ()):
            if name == "reached" and report.when == "teardown":
                terminalreporter.write_line(f"{report.nodeid}: {value}")


@pytest.fixture(scope="session")
def is_soak(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--soak"))


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[Tally]:
    """What the test counts in it is told at the end of a run of the long forms."""
    counted = Tally()
    yield counted
    record_property("reached", str(counted))


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A directory that costs no disk, where there is one: what is written is brought to the disk file by file."""
    with TemporaryDirectory(dir=next((place for place in ("/dev/shm",) if Path(place).is_dir()), tmp_path)) as made:
        yield Path(made)
