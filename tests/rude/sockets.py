"""Which sockets this process holds, by the kernel's own account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.deadline import until

_HELD = Path("/proc/self/fd")


def held() -> int:
    """How many sockets are open."""
    return sum(_is_socket(each) for each in _HELD.iterdir())


def _is_socket(entry: Path) -> bool:
    try:
        return str(entry.readlink()).startswith("socket:")
    except FileNotFoundError:  # the one by which the list itself was read
        return False


@asynccontextmanager
async def all_closed_after() -> AsyncIterator[None]:
    """Demand that whatever is opened meanwhile is closed soon after. A server elsewhere need not be quick to answer our goodbye."""
    before = held()
    yield
    await until(lambda: held() <= before)
