"""A small company to judge, results and events about it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from incidents.events import Event, Opened
from incidents.model import Component, Monitor, Need, Origin, Service, Situation, Topology
from incidents.situation import fold
from probes.result import Failure, ProbeResult, Result
from statuspage.store.engine import Database
from statuspage.store.queries import installation, situation
from statuspage.store.record import record

T0 = datetime(2026, 3, 2, 8, 54, tzinfo=UTC)

TOPOLOGY = Topology(
    services={
        "mail": Service(id="mail", name={"en": "Mail"}, needs=(Need(of=("smtp",)), Need(of=("imap",)))),
        "files": Service(id="files", name={"en": "Files"}, needs=(Need(of=("storage",)),)),
    },
    components={id: Component(id=id, name=id) for id in ("smtp", "imap", "storage")},
    monitors={
        "smtp-greets": Monitor(id="smtp-greets", component="smtp"),
        "imap-logs-in": Monitor(id="imap-logs-in", component="imap", locations=("local", "far")),
        "storage-opens": Monitor(id="storage-opens", component="storage"),
    },
)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def result(
    monitor: str = "smtp-greets", seconds: float = 0, *, location: str = "local", failure: Failure | None = None, took: float = 0.0125
) -> Result:
    slot = after(seconds)
    return Result(monitor=monitor, location=location, slot=slot, started=slot, measured=ProbeResult(took=took, failure=failure))


def opened(incident: str = "abcdefghijkl", *, root: str | None = "smtp", origin: Origin = Origin.MACHINE, seconds: float = 30) -> Opened:
    return Opened(
        at=after(seconds),
        incident=incident,
        name="Problem with Mail",
        origin=origin,
        root=root,
        started_at=T0,
        publish_at=after(seconds),
        by=None,
        reason="2 failures in a row",
    )


def begin(database: Database) -> Situation:
    """The store's birth, and the situation of a company of which nothing is known yet."""
    database.write(lambda connection: installation(connection, url="https://status.example.org", now=T0))
    return known(database)


def known(database: Database, topology: Topology = TOPOLOGY) -> Situation:
    return database.read(lambda connection: situation(connection, topology))


def write(database: Database, *events: Event, results: Sequence[Result] = (), at: datetime = T0) -> int:
    return database.write(lambda connection: record(connection, events=events, results=results, at=at))


def live(database: Database, before: Situation, *events: Event, results: Sequence[Result] = ()) -> Situation:
    """Write what happened, and return what the fold makes of it, without looking into the store."""
    write(database, *events, results=results)
    return fold(before, events, results)
