"""How the hub comes to life: what it is made of is read from the store, put together, and kept at work until it is left."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from incidents.model import Topology
from statuspage.alive import kept_alive
from statuspage.backups.keeping import back_up_before
from statuspage.backups.making import Installation, NoBackup
from statuspage.books import Books
from statuspage.bundled import templates
from statuspage.circles import admit
from statuspage.clock import Now
from statuspage.config import identity
from statuspage.config import loading as configuration
from statuspage.config.loading import Loaded
from statuspage.config.terms import offers, terms
from statuspage.hub import Hub, apply_version
from statuspage.picture.site import Site
from statuspage.pipeline import Pipeline
from statuspage.presence import Presence
from statuspage.press import Press
from statuspage.publish import Publisher
from statuspage.readings import door_of, policy_of, site_of, stale_after_of
from statuspage.render.html import Html
from statuspage.store import past, queries
from statuspage.store.carrying import carry_over
from statuspage.store.configurations import START
from statuspage.store.copies import look_through
from statuspage.store.engine import Store
from statuspage.store.errors import StoreError
from statuspage.store.ledger_rows import state_terms
from statuspage.telling import deliverer

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(loaded: Loaded, data_dir: Path, now: Now, *, backs_up: bool = True) -> AsyncIterator[Hub]:
    """Open the store, read the situation, probe and publish until left. A store of an older release is backed up first, if *backs_up*."""
    before = partial(_backed_up_before, loaded, data_dir, now) if backs_up else lambda *_: None
    await asyncio.to_thread(look_through, loaded.config.store.url, data_dir)
    store = await Store.open(loaded.config.store.url, data_dir, before_steps=before)
    try:
        hub = await assembled(loaded, store, data_dir, now)
        hub.schedule.start(hub.plans(), hub.pipeline.situation.seen)
        try:
            await hub.press.issue()
            figures = hub.pipeline.figures
            async with (
                kept_alive(hub.press.run, "press", figures),
                kept_alive(hub.paces.run, "response times", figures),
                kept_alive(hub.upkeep.run, "housekeeping", figures),
                kept_alive(hub.controls.run, "controls", figures),
                kept_alive(hub.mirror.run, "mirror", figures),
                kept_alive(hub.last_page.run, "last page", figures),
                kept_alive(hub.backups.run, "backups", figures),
                kept_alive(hub.deliverer.run, "delivery", figures),
                kept_alive(hub.escalation.run, "escalation", figures),
                kept_alive(hub.alerting.run, "Alertmanagers", figures),
            ):
                yield hub
        finally:
            await hub.schedule.stop()
            await hub.controls.stop()
            await hub.pipeline.close()
    finally:
        await store.close()


def _backed_up_before(loaded: Loaded, data_dir: Path, now: Now, old: str, new: str) -> None:
    """Have what is there lie beside it as it was. Errors: StoreError, and nothing was changed."""
    settings = loaded.config.store
    try:
        installation = Installation(url=settings.url, data_dir=data_dir, config=loaded.path)
        kept = back_up_before(f"{old}-to-{new}", installation, settings.backup, now)
    except NoBackup as error:
        told = f"The store is not brought up to date (schema {old} to {new}), since it cannot be backed up first. {error}"
        raise StoreError(f"{told} Mend that, or have a backup of your own and serve --without-backup.") from error
    log.info("the store is brought up to date, from schema %s to %s; as it was before it is kept in %s", old, new, kept)


async def assembled(loaded: Loaded, store: Store, data_dir: Path, now: Now) -> Hub:
    """Put a hub together from what *store* holds; nothing of it is at work yet."""
    config, at = loaded.config, now()
    topology, site = configuration.topology(config), site_of(config, loaded.logos)
    prepared = await store.write(partial(_prepared, loaded, topology, site, at))
    installation, public_ids, lived_until, version, hidden = prepared
    pipeline = Pipeline(
        store=store,
        situation=await store.read(lambda connection: queries.situation(connection, topology)),
        policy=policy_of(config),
        now=now,
        version=version,
        presence=Presence(lived_until=lived_until),
    )
    books = Books(store=store, zone=site.timezone, services=topology.services, offers=offers(config))
    press = Press(
        store=store,
        pipeline=pipeline,
        books=books,
        publisher=Publisher(Html(templates())),
        site=site,
        installation=installation,
        public_ids=public_ids,
        now=now,
        stale_after=stale_after_of(loaded),
        hidden=hidden,
    )
    hub = Hub(
        deliverer=deliverer(press),
        loaded=loaded,
        books=books,
        store=store,
        pipeline=pipeline,
        press=press,
        door=door_of(config),
        now=now,
        reloaded_at=at,
        data_dir=data_dir,
        tokens=configuration.tokens(config),
    )
    pipeline.audience = hub.hear
    await hub.knowledge.renew()
    return hub


def _prepared(
    loaded: Loaded, topology: Topology, site: Site, at: datetime, connection: Connection
) -> tuple[queries.Installation, Mapping[str, str], datetime | None, int, frozenset[str]]:
    """Take the configuration into use; return the installation, public ids, its last sign of life, the version, and what is hidden."""
    config = loaded.config
    installed, lived_until = queries.installation(connection, url=site.url, now=at), queries.last_sign_of_life(connection)
    carry_over(connection, identity.moves(config), identity.measures(config), at)
    applied = apply_version(connection, loaded, topology, at, START)
    state_terms(connection, terms(config, at.year), at)
    past.begin(connection, version=applied, at=at)
    public, hidden = admit(connection, config, topology, site)
    return installed, public, lived_until, applied, hidden
