"""The public listener over a real socket, with a shelf that the test fills."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from aiohttp import ClientSession, TCPConnector, web

from statuspage import bundled
from statuspage.clock import Now, wall_clock
from statuspage.picture.page import Snapshot
from statuspage.publish import Publisher, Shelf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh, fresh
from statuspage.render.html import Html
from statuspage.web.beside import Beside
from statuspage.web.hammering import Hammering
from statuspage.web.listener import Patience
from statuspage.web.public import public_app, public_runner
from statuspage.web.stream import BEAT, MOST, Streams
from tests.statuspage.pictures import NOW, heard


@cache
def templates() -> Html:
    """The templates, compiled once for all tests."""
    return Html(bundled.templates())


def nothing(_: str) -> None:
    """No ledger is there."""


@dataclass
class Served:
    """What is served and from where; a test puts another shelf in place, or older incidents and ledgers behind it."""

    shelf: Shelf | None = None
    fresh: Fresh | None = None
    older: dict[str, Finished] = field(default_factory=dict)
    past: dict[str, Finished] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    asked_past: list[str] = field(default_factory=list)
    find_ledger: Callable[[str], Callable[[], Finished] | None] = nothing
    hammering: Hammering | None = None
    now: Now = wall_clock
    port: int = 0
    streams: Streams | None = None
    publisher: Publisher = field(default_factory=lambda: Publisher(templates()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def find(self, incident: str) -> Finished | None:
        """Stands behind the shelf, as the store does."""
        self.asked.append(incident)
        return self.older.get(incident)

    async def find_past(self, path: str) -> Finished | None:
        """Stands behind the shelf, as the library does."""
        self.asked_past.append(path)
        return self.past.get(path)

    def ledger(self, path: str) -> Callable[[], Finished] | None:
        """Stands beside the shelf, as the books do."""
        return self.find_ledger(path)

    def of_service(self, path: str) -> Callable[[], Finished] | None:
        """Stands beside the shelf, as the press does."""
        return None if self.shelf is None else self.publisher.of_service(self.shelf.page, path)

    def publish(self, snapshot: Snapshot, now: datetime = NOW) -> Shelf:
        """Put a new publication on the shelf."""
        self.shelf = self.publisher.publish(heard(snapshot), now)
        self.fresh = fresh(as_of=now, publication=self.shelf.publication, stale_after=100.0, seen={"email": now})
        if self.streams is not None:
            self.streams.tell()
        return self.shelf


@asynccontextmanager
async def serving(served: Served, *, most: int = MOST, beat: float = BEAT, **patience: float) -> AsyncIterator[ClientSession]:
    """Serve on a free port; the session neither unpacks nor follows anything. So many readers are told at *most*."""
    streams = served.streams = Streams(lambda: served.shelf, lambda: served.fresh, most=most, beat=beat)
    beside = Beside(older=served.find, past=served.find_past, services=served.of_service, ledgers=served.ledger)
    app = public_app(
        lambda: served.shelf,
        fresh=lambda: served.fresh,
        beside=beside,
        streams=streams,
        hammering=served.hammering,
        now=served.now,
    )
    runner = public_runner(app, patience=Patience(**patience))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.port = runner.addresses[0][1]
        connector = TCPConnector(limit=0)
        async with ClientSession(served.url, auto_decompress=False, connector=connector, skip_auto_headers=["Accept-Encoding"]) as session:
            yield session
    finally:
        await runner.cleanup()
