"""Years of a small company's life, written into a store as the service itself would: incidents, outages and planned work."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from incidents.events import Event, Impacted, MaintenanceUpdated, Opened, Planned, Published, Resolved, StateChanged, StatusChanged, Updated
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.model import Origin, State, Status, Subject, Update
from statuspage.store.engine import Database
from statuspage.store.record import record

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AT_ONCE = 400


def changed(service: str, since: datetime, new: Status, *, decided: datetime | None = None, old: Status = Status.OPERATIONAL) -> Event:
    """A service turns; *decided* where that is known later."""
    return StatusChanged(at=decided or since, subject=Subject.SERVICE, id=service, since=since, old=old, new=new, cause="2 × timeout")


def outage(
    id_: str,
    began: datetime,
    lasted: timedelta,
    *,
    service: str = "email",
    name: str = "Email is not working",
    said: tuple[str, ...] = ("We are looking into it.", "It works again."),
    is_published: bool = True,
    is_over: bool = True,
) -> Iterator[Event]:
    """An incident of *service* that was down for *lasted*; it was closed five minutes after its end."""
    opened, over = began + timedelta(minutes=1), began + lasted
    yield changed(service, began, Status.MAJOR, decided=opened)
    yield Opened(
        at=opened, incident=id_, name=name, origin=Origin.AGENT, root=None, started_at=began, publish_at=opened, by=None, reason=""
    )
    yield Impacted(at=opened, incident=id_, services={service: Status.MAJOR})
    if is_published:
        yield Published(at=opened, incident=id_)
        for number, body in enumerate(said, 1):
            at = opened + timedelta(seconds=number)
            words = Update(number=number, state=State.INVESTIGATING, title=f"{name} – {number}", body=body, at=at, automatic=True)
            yield Updated(at=at, incident=id_, update=words)
    if is_over:
        yield changed(service, over, Status.OPERATIONAL, old=Status.MAJOR)
        closing = over + timedelta(minutes=5)
        moved = StateChanged(at=over, incident=id_, old=State.INVESTIGATING, new=State.MONITORING, by=None, recovered_at=over)
        yield replace(moved, resolves_at=closing)
        yield Impacted(at=over, incident=id_, services={})
        yield Resolved(at=closing, incident=id_, by=None)


def work(id_: str, starts: datetime, lasts: timedelta, *, service: str = "email", name: str = "Patches", **more: object) -> Iterator[Event]:
    """A window of planned work that went as planned."""
    plan = Maintenance(id=id_, name={"en": name}, services=(service,), starts=starts, ends=starts + lasts, planned_at=starts - DAY)
    yield Planned(at=plan.planned_at, maintenance=id_, plan=replace(plan, **more))  # type: ignore[arg-type]  # the test's own keywords
    words = MaintenanceUpdate(number=1, state=MaintenanceState.SCHEDULED, title=name, body=f"{name}: we patch.", at=plan.planned_at)
    yield MaintenanceUpdated(at=plan.planned_at, maintenance=id_, update=words)


def lived(born: datetime, until: datetime, *, incidents_a_month: int = 4) -> Iterator[Event]:
    """Evenly spread incidents of 42 minutes from *born* on, and a window each month."""
    yield changed("email", born, Status.OPERATIONAL, old=Status.UNKNOWN)
    number, at, apart = 0, born + DAY, DAY * 30 / incidents_a_month
    while at < until:
        yield from outage(f"incident{number:04d}", at, timedelta(minutes=42))
        if number % incidents_a_month == 0:
            yield from work(f"windowww{number:04d}", at + DAY, 2 * HOUR)
        number, at = number + 1, at + apart


def write(database: Database, *events: Event, at: datetime | None = None) -> None:
    """Put *events* into the store, a few hundred in one decision."""
    for start in range(0, len(events), AT_ONCE):
        some = events[start : start + AT_ONCE]
        database.write(partial(record, events=some, results=(), at=at or datetime(2026, 1, 1, tzinfo=UTC)))
