"""Keeps how the desk does, for the metrics: from this process's start on, whoever did it and through whichever process."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from statuspage.picture.desk_tallies import Tallied, Tallies, Tally
from statuspage.store.desk_tallies import newest_row, tallied_after
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Timed:
    """What is known of it; *until* is the journal's row up to which it is (None: nothing was read yet)."""

    store: Store
    tallies: Tallies = field(default_factory=Tallies)
    until: int | None = None

    async def renew(self) -> Mapping[Tallied, Tally]:
        """Take in what was done since the last time. While the store is away, what was known then stands."""
        until = self.until
        try:
            if until is None:
                self.until = await self.store.read(newest_row)
            else:
                read = await self.store.read(lambda connection: tallied_after(connection, until))
                self.tallies.hear(read.found)
                self.until = read.until
        except StoreUnavailable as error:
            log.debug("what the desk does is counted as it was: %s", error)
        return self.tallies.figures()
