"""What tests of streams are handed."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The hub serves on uvloop, and on asyncio's own loop where that does not run; each has its own ways with a full buffer."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
