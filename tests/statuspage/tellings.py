"""The road in with a deliverer behind it, a real store and a real mail server, and a clock that the test moves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from incidents import act
from incidents.model import Incident, Topology
from incidents.policy import Policy
from probes.result import Failure
from statuspage.books import Books
from statuspage.bundled import templates
from statuspage.channels import mail
from statuspage.deliver import Deliverer, Line
from statuspage.picture.audience import Wish
from statuspage.picture.site import Site
from statuspage.pipeline import Pipeline
from statuspage.press import Press, public_names
from statuspage.publish import Publisher
from statuspage.render.html import Html
from statuspage.store import outbox, queries, subscribers
from statuspage.store.engine import Store
from statuspage.store.outbox import Notification
from statuspage.store.subscribers import Subscriber
from statuspage.telling import deliverer
from tests.incidents.world import World, need, service, topology
from tests.rude.postbox import Postbox

SITE = Site(name="Muster IT", url="https://status.example.net", timezone="Europe/Berlin", support={}, links={}, takes_mail=True)
SENDER = "Muster IT Status <status@example.net>"


def known() -> Topology:
    """Email needs two parts and has been given two minutes before anybody is written to; the portal the same."""
    email = service("email", need("smtp", label="Sending"), need("imap", label="Receiving"))
    # Tests let hours pass without a result, and mean that all stays as it was.
    return topology([email, service("portal", need("web"))], stale_after=timedelta(days=99))


@dataclass
class House:
    """What tells people, and what happens to it."""

    world: World
    pipeline: Pipeline
    press: Press
    deliverer: Deliverer
    postbox: Postbox
    store: Store

    async def see(self, monitor: str, failure: Failure | None) -> None:
        for _ in range(2):
            await self.pipeline.observe(self.world.result(monitor, failure))
            self.world.wait(3)
        await self.pipeline.flush()

    async def outage(self, monitor: str = "smtp", failure: Failure = Failure.REFUSED) -> Incident:
        """Everything works, then *monitor* does not."""
        for each in ("smtp", "imap", "web"):
            await self.see(each, None)
        await self.see(monitor, failure)
        (found,) = self.pipeline.situation.incidents.values()
        return found

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and the machine notice."""
        self.world.wait(seconds)
        await self.pipeline.tick()

    async def say(self, incident: str, body: str) -> None:
        await self.pipeline.act(partial(act.update, incident=incident, by="anna", body=body))

    async def resolve(self, incident: str, body: str) -> None:
        await self.pipeline.act(partial(act.resolve, incident=incident, by="anna", body=body))

    async def deliver(self, *, rounds: int = 4) -> None:
        """As many looks into the outbox as it takes."""
        for _ in range(rounds):
            await self.deliverer.look()
            await self.deliverer.idle()

    async def subscribe(self, address: str, wish: Wish | None = None, **more: str) -> Subscriber:
        def write(connection: Connection) -> Subscriber:
            asked: Mapping[str, str] = {"channel": "mail", "language": "en", **more}
            return subscribers.subscribe(connection, address=address, wish=wish or Wish(), at=self.world.now, **asked)

        return await self.store.write(write)

    async def sent(self, thread: str) -> list[Notification]:
        """The notifications of an incident or window, oldest first."""
        found = await self.store.read(lambda connection: outbox.notifications_of(connection, thread, limit=1000))
        return list(reversed(found))


@asynccontextmanager
async def telling(directory: Path, known: Topology) -> AsyncIterator[House]:
    world, store = World(known), await Store.open("sqlite:///telling.db", directory)
    installed = await store.write(lambda connection: queries.installation(connection, url=SITE.url, now=world.now))
    public = await store.write(lambda connection: queries.public_ids(connection, public_names(known, SITE)))
    situation = await store.read(lambda connection: queries.situation(connection, known))
    pipeline = Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: world.now)
    press = Press(
        store=store,
        pipeline=pipeline,
        books=Books(store=store, zone=SITE.timezone, services=known.services, offers={}),
        publisher=Publisher(Html(templates())),
        site=SITE,
        installation=installed,
        public_ids=public,
        now=lambda: world.now,
        stale_after=120.0,
    )
    async with Postbox().opened() as postbox:
        sending = deliverer(press)
        sending.letters.sender = SENDER
        settings = mail.Settings(host="127.0.0.1", port=postbox.port, tls="never", sender=SENDER)
        sending.lines = {"mail": Line(channel=mail.CHANNEL, settings=settings)}
        pipeline.audience = press.hear
        yield House(world, pipeline, press, sending, postbox, store)
        await sending.idle()
        await pipeline.close()
    await store.close()
