"""A library over a real store that a test fills with years, with a clock that the test sets."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from incidents.events import Event
from incidents.model import Component, Monitor, Need, Service, Topology
from incidents.policy import Policy
from statuspage.books import Books
from statuspage.library import Library
from statuspage.picture.site import Site
from statuspage.pipeline import Pipeline
from statuspage.press import Press, public_names
from statuspage.publish import Publisher
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.record import record
from tests.statuspage.serving import templates
from tests.statuspage.years import write
from tests.stores import Place

TOPOLOGY = Topology(
    services={
        "email": Service(id="email", name={"en": "Email"}, needs=(Need(of=("smtp",)),)),
        "portal": Service(id="portal", name={"en": "Portal <b>"}, needs=(Need(of=("web",)),)),
    },
    components={id: Component(id=id, name=id) for id in ("smtp", "web")},
    monitors={id: Monitor(id=id, component=id) for id in ("smtp", "web")},
)


@dataclass(slots=True, kw_only=True)
class Reading:
    """A library, what it stands in, and the time."""

    library: Library
    press: Press
    books: Books
    store: Store
    now: datetime

    async def page(self, path: str) -> str:
        """The text of the page's own part, tags left out. Errors: AssertionError where there is none."""
        found = await self.library.find(path)
        assert found is not None, path
        main = found.body.decode().partition("<main")[2].partition("</main>")[0].partition(">")[2]
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))

    async def turn(self) -> None:
        """A minute's round: figures, then pages."""
        await self.press.issue()

    async def add(self, *events: Event) -> None:
        """Write what happened, as another process would."""
        await self.store.write(partial(record, events=events, results=(), at=self.now))


@asynccontextmanager
async def reading(place: Place, *events: Event, born: datetime, now: datetime, zone: str = "UTC") -> AsyncIterator[Reading]:
    """A store that was *born* with *events* in it, as it is read *now*."""
    site = Site(name="Muster IT", url="http://status.example.net", timezone=zone, languages=("en", "de"), support={}, links={})
    with place.opened() as database:
        installed = database.write(partial(queries.installation, url=site.url, now=born))
        public = database.write(partial(queries.public_ids, names=public_names(TOPOLOGY, site)))
        write(database, *events)
        situation = database.read(partial(queries.situation, topology=TOPOLOGY))
    store = await Store.open(place.url, place.data_dir)
    pipeline = Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: read.now)
    books = Books(store=store, zone=zone, services=TOPOLOGY.services, offers={})
    press = Press(
        store=store,
        pipeline=pipeline,
        books=books,
        publisher=Publisher(templates()),
        site=site,
        installation=installed,
        public_ids=public,
        now=lambda: read.now,
        stale_after=120.0,
    )
    library = Library.beside(press, templates())
    read = Reading(library=library, press=press, books=books, store=store, now=now)
    await read.turn()
    try:
        yield read
    finally:
        await pipeline.close()
        await store.close()
