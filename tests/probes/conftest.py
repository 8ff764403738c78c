"""What tests of probes are handed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network

import pytest
import uvloop

from probes.addresses import Network
from probes.egress import Door
from tests.rude.certificates import Certificates
from tests.rude.mail import mailboxes


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Probes run on both loops, and each has its own ways with a broken connection; round trips only join what is tested so."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if item.path.stem != "test_mail_roundtrip":
        factories["asyncio"] = asyncio.new_event_loop
    return factories


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def loopback() -> Network:
    return ip_network("127.0.0.0/8")


@pytest.fixture(scope="session")
def mailboxes_port() -> Iterator[int]:
    """Where a real IMAP server listens."""
    with mailboxes() as port:
        yield port
