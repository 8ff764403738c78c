"""Their past into our store: the one writer of all imports, a few incidents a transaction: what was cut off is simply done again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.events import Event
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.importing import Page, PastIncident, PastWindow, id_of, take_over
from incidents.model import Situation
from statuspage.store import queries
from statuspage.store.acts import write_audit
from statuspage.store.engine import Database
from statuspage.store.imports import kept
from statuspage.store.record import record

AT_ONCE = 50
"""Incidents or windows of one transaction: nobody else who writes waits for more."""

Past = PastIncident | PastWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is to be kept of *page*, by whom and when; *language* is that of its words, *url* that of our own page."""

    page: Page
    pasts: Sequence[Past]
    by: str
    at: datetime
    language: str
    url: str


@dataclass(slots=True)
class Tally:
    """What was brought so far; *known* is what brought nothing new."""

    incidents: int = 0
    windows: int = 0
    updates: int = 0
    known: int = 0

    def count(self, events: Sequence[Event]) -> None:
        """Count what one incident or window brought."""
        self.known += not events
        for event in events:
            self.incidents += isinstance(event, Imported)
            self.windows += isinstance(event, MaintenanceImported)
            if isinstance(event, Imported | Quoted | MaintenanceImported | MaintenanceQuoted):
                self.updates += len(event.updates)

    def named(self) -> dict[str, int]:
        """The numbers by what people call them."""
        return {"incidents": self.incidents, "maintenance windows": self.windows, "updates": self.updates, "known already": self.known}


def keep(database: Database, job: Import, progress: Callable[[int], None]) -> Tally:
    """Write what is new, oldest first; *progress* hears how much is done. Errors: StoreUnavailable, and what was written stays."""
    tally = Tally()
    database.write(lambda connection: queries.installation(connection, url=job.url, now=job.at))
    done = 0
    for some in _portions(job.pasts):
        for events in database.write(lambda connection, some=some: _write(connection, job, some)):  # type: ignore[misc]
            tally.count(events)
        done += len(some)
        progress(done)
    return tally


def _portions(pasts: Sequence[Past]) -> Iterator[Sequence[Past]]:
    return (pasts[start : start + AT_ONCE] for start in range(0, len(pasts), AT_ONCE))


def would_keep(database: Database, job: Import) -> Tally:
    """What ``keep`` would bring, by what the store has now."""
    tally = Tally()
    for some in _portions(job.pasts):
        for events in database.read(lambda connection, some=some: _news(connection, queries.nothing_known(connection), job, some)):  # type: ignore[misc]
            tally.count(events)
    return tally


def all_of(job: Import) -> Tally:
    """What ``keep`` would bring into a store that is not there yet."""
    updates = sum(len(one.quotes) for one in job.pasts)
    incidents = sum(isinstance(one, PastIncident) for one in job.pasts)
    return Tally(incidents=incidents, windows=len(job.pasts) - incidents, updates=updates)


def _write(connection: Connection, job: Import, some: Sequence[Past]) -> list[tuple[Event, ...]]:
    news = _news(connection, queries.nothing_known(connection), job, some)
    events = [event for told in news for event in told]
    if events:
        record(connection, events=events, results=(), at=job.at)
        detail = {"page": job.page.address, "brought": str(len(events))}
        write_audit(connection, at=job.at, actor=job.by, act="import history", subject=job.page.id, detail=detail)
    return news


def _news(connection: Connection, situation: Situation, job: Import, some: Sequence[Past]) -> list[tuple[Event, ...]]:
    ids = [id_of(situation, job.page, past) for past in some]
    known = kept(connection, ids)
    return [
        take_over(situation, job.at, page=job.page, past=past, kept=known.get(id), by=job.by, language=job.language)
        for id, past in zip(ids, some, strict=True)
    ]
