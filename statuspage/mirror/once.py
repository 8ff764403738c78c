"""One publication from the store alone: beside a running hub, without one, and from a store that is still to be made."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from incidents.model import Situation
from statuspage.books import Books
from statuspage.bundled import templates
from statuspage.circles import admit
from statuspage.clock import Now
from statuspage.config import loading as configuration
from statuspage.config.loading import Loaded
from statuspage.config.terms import offers
from statuspage.library import Library
from statuspage.mirror.run import Mirror
from statuspage.mirror.target import Target
from statuspage.pipeline import Pipeline
from statuspage.press import Press
from statuspage.publish import Publisher
from statuspage.readings import policy_of, site_of, stale_after_of
from statuspage.render.html import Html
from statuspage.store import queries
from statuspage.store.engine import Database, Store, leave_to_the_service


async def publish_once(loaded: Loaded, data_dir: Path, target: Target, now: Now) -> datetime:
    """Write to *target* what is public; gives the instant as of which it is true.

    That is the store's last sign of life: without a hub nobody has looked since, and the page must not claim to be newer.
    Errors: OSError, and what was there stays; StoreError.
    """
    url = loaded.config.store.url
    store = Store(await asyncio.to_thread(partial(Database.open, url, data_dir, checkpoints=False, before_steps=leave_to_the_service)))
    try:
        press = await _press(loaded, store, now)
        await press.issue()
        library = Library.beside(press, Html(templates()))
        await Mirror.beside(press, past=library.find, to=lambda: target).publish(target, at_once=True)
        return press.now()
    finally:
        await store.close()


async def _press(loaded: Loaded, store: Store, now: Now) -> Press:
    """A press for whose clock it is as late as the store knows."""
    config = loaded.config
    topology, site = configuration.topology(config), site_of(config, loaded.logos)

    def prepare(connection: Connection) -> tuple[queries.Installation, Mapping[str, str], datetime | None, Situation, frozenset[str]]:
        installed = queries.installation(connection, url=site.url, now=now())
        public, hidden = admit(connection, config, topology, site)
        return installed, public, queries.last_sign_of_life(connection), queries.situation(connection, topology), hidden

    installed, public, lived_until, situation, hidden = await store.write(prepare)
    as_of = min(now(), lived_until or now())
    pipeline = Pipeline(store=store, situation=situation, policy=policy_of(config), now=lambda: as_of)
    return Press(
        store=store,
        pipeline=pipeline,
        books=Books(store=store, zone=site.timezone, services=topology.services, offers=offers(config)),
        publisher=Publisher(Html(templates()), loaded.logos.get("site")),
        site=site,
        installation=installed,
        public_ids=public,
        now=lambda: as_of,
        stale_after=stale_after_of(loaded),
        true_at=as_of,
        hidden=hidden,
    )
