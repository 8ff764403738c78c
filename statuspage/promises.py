"""Keeps how promised updates were kept, for the metrics: read from the store, so that nothing is lost with a process or said by another."""

import logging
from dataclasses import dataclass, field

from statuspage.picture.promised import Promises
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.promised_words import words_after, words_so_far

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Promised:
    """What is known of promises; *until* is the journal's row up to which it is (None: nothing was read yet)."""

    store: Store
    promises: Promises = field(default_factory=Promises)
    until: int | None = None

    async def renew(self) -> Promises:
        """Take in what was said since the last time. While the store is away, what was known then stands."""
        until = self.until
        try:
            read = await self.store.read(lambda connection: words_so_far(connection) if until is None else words_after(connection, until))
        except StoreUnavailable as error:
            log.debug("promised updates are counted as they were: %s", error)
        else:
            self.promises.hear(read.words)
            self.until = read.until
        return self.promises
