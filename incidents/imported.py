"""History that another page told, taken over: it is over and public, and nobody is told of it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.model import Status, Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where something was told first: the *page*, as people write its address, and the *id* that it has there."""

    page: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An incident of another page is kept as history. *services* are ours, each with the worst status that it had.

    Where that page named none, *impact* still tells how bad it was. What has no service of ours keeps the name that it had there.
    *ids* are what its *updates* are called there, in their order, so that they are known again.
    """

    at: datetime
    incident: str
    source: Source
    name: str
    started_at: datetime
    published_at: datetime
    resolved_at: datetime
    services: Mapping[str, Status]
    impact: Status
    updates: tuple[Update, ...]
    ids: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """The other page has said more since about an incident that was imported."""

    at: datetime
    incident: str
    updates: tuple[Update, ...]
    ids: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceImported:
    """Planned work of another page is kept as history: *window* is over. *ids* as in ``Imported``."""

    at: datetime
    maintenance: str
    source: Source
    window: Maintenance
    updates: tuple[MaintenanceUpdate, ...]
    ids: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceQuoted:
    """The other page has said more since about planned work that was imported."""

    at: datetime
    maintenance: str
    updates: tuple[MaintenanceUpdate, ...]
    ids: tuple[str, ...]
    by: str
