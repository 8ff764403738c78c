"""Left out where nobody is root, for Postfix cannot run then; where the variable CI is set they fail instead, and say what to do."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import uvloop

from tests.deadline import until
from tests.probes.real_mail.servers import CannotStart, MailServers, mail_servers, own_connections

collect_ignore_glob = [] if os.geteuid() == 0 or os.environ.get("CI") else ["test_*.py"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """One loop is enough to see that two parties understand each other."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
async def closes_its_sockets(servers: MailServers) -> AsyncIterator[None]:
    """A probe's connections end by themselves, soon after it; TLS takes a moment to say goodbye."""
    yield
    await until(lambda: not own_connections(servers))


@pytest.fixture(scope="session")
def servers() -> Iterator[MailServers]:
    try:
        with mail_servers() as running:
            yield running
    except CannotStart as absence:
        pytest.fail(str(absence), pytrace=False)
