"""The whole demo: the company, its control page, and the real service that watches it, until somebody ends it."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from statuspage.app import Service
from statuspage.clock import wall_clock
from statuspage.demo import configuration, run_file
from statuspage.demo.company import Company
from statuspage.demo.configuration import Listeners
from statuspage.demo.control import Control, Links
from statuspage.demo.modes import Mode
from statuspage.demo.ports import LOOPBACK, Address, free_address
from statuspage.demo.watch import watch
from statuspage.store import people
from statuspage.store.engine import Store, go_on
from statuspage.store.people import Role

AGENT = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the demo is to run. Ports that are None are chosen."""

    data_dir: Path
    run_file: Path
    public_port: int | None = None
    internal_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a person needs to know about a running demo."""

    public_url: str
    internal_url: str
    control_url: str
    agent: str
    password: str
    config: Path
    data_dir: Path


async def run(wishes: Wishes, *, started: Callable[[Running], None], say: Callable[[str], None]) -> None:
    """Run the demo until SIGINT or SIGTERM. Errors: OSError for a port or a directory; StoreError; what the service raises."""
    with _ends() as ended:
        begun = asyncio.create_task(_run(wishes, started, say))
        over = asyncio.create_task(ended.wait())
        await asyncio.wait((begun, over), return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not begun.done():
            begun.cancel()
            await asyncio.wait((begun,))
        if not begun.cancelled():
            begun.result()


async def _run(wishes: Wishes, started: Callable[[Running], None], say: Callable[[str], None]) -> None:
    public, internal = _listener(wishes.public_port, "--public-port"), _listener(wishes.internal_port, "--internal-port")
    links = Links(public=f"http://{public}/", internal=f"http://{internal}/")

    def tell(name: str, mode: Mode | None) -> None:
        say(f"{wall_clock().astimezone():%H:%M:%S}  {name} is {'mended' if mode is None else f'broken: {mode.meaning}'}")

    async with Company(tell) as company, Control(company, links) as control:
        path = configuration.write(
            wishes.data_dir,
            listeners=Listeners(public=public, internal=internal, control=Address(port=control.port)),
            addresses=company.addresses,
            mailbox=company.mailbox,
        )
        password = await asyncio.to_thread(_let_in, wishes.data_dir)
        async with Service(config_path=path, data_dir=wishes.data_dir) as service, _left(wishes.run_file, control):
            running = Running(
                public_url=service.public_url,
                internal_url=service.internal_url,
                control_url=control.url,
                agent=AGENT,
                password=password,
                config=path,
                data_dir=wishes.data_dir,
            )
            started(running)
            await watch(service.public_url, say, wall_clock)


def _listener(wanted: int | None, option: str) -> Address:
    """Choose a free port, or make sure that the wanted one is."""
    if wanted is None:
        return free_address()
    address = Address(port=wanted)
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((address.host, address.port))
        except OSError as trouble:
            raise OSError(f"{option} {wanted}: {address} cannot be listened on: {trouble.strerror}") from trouble
    return address


def _let_in(data_dir: Path) -> str:
    """Make the desk's agent, or give the one of an earlier run a new password; returns it."""
    password = secrets.token_urlsafe(9)
    digest = people.hashed(password)

    def write(connection: Connection) -> None:
        if any(agent.name == AGENT for agent in people.list_agents(connection)):
            people.set_password(connection, AGENT, password_hash=digest, at=wall_clock())
        else:
            roles = (Role.LEVEL_ONE, Role.LEVEL_TWO, Role.ADMIN)
            people.add_agent(connection, name=AGENT, password_hash=digest, roles=roles, at=wall_clock())

    with Store.blocking("sqlite:///statuspage.db", data_dir, before_steps=go_on) as database:
        database.write(write)
    return password


@asynccontextmanager
async def _left(path: Path, control: Control) -> AsyncIterator[None]:
    """Leave the control server's address where a second terminal looks for it, and take it back in the end."""
    said = run_file.RunFile(pid=os.getpid(), host=LOOPBACK, port=control.port, token=control.token)
    run_file.leave(path, said)
    try:
        yield
    finally:
        run_file.take_back(path, said)


@contextmanager
def _ends() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set; further ones change nothing, so that the ending itself is not cut short."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        yield ended
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
