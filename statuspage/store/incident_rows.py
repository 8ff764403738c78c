"""An incident as rows and back. What an event makes of it is said once, in ``incidents.situation``; here it is only kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, delete, insert, select, update

from incidents.climb import Call, Climb
from incidents.handled import Brief, Ticket
from incidents.model import Acknowledgement, Incident, Outage, Status
from statuspage.store.tables import incident_components as components
from statuspage.store.tables import incident_services as services
from statuspage.store.tables import incidents
from statuspage.store.values import built, plain

_ELSEWHERE = {"acknowledgement", "components", "services", "worst", "told", "outages", "pinned", "climb", "brief", "tickets"}
_PLAIN = tuple(field.name for field in fields(Incident) if field.name not in _ELSEWHERE)
"""Fields that are columns as they stand; one that has no column fails at the first write."""

# Written down once: to put such a statement together costs more than to run it, and these are run at every change.
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_THEM = select(incidents).where(incidents.c.id.in_(_IDS))
_THEIR_COMPONENTS = select(components).where(components.c.incident.in_(_IDS)).order_by(components.c.position)
_THEIR_SERVICES = select(services).where(services.c.incident.in_(_IDS))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What hangs on an incident in rows of its own."""

    components: list[str] = field(default_factory=list)
    pinned: set[str] = field(default_factory=set)
    services: dict[str, Status] = field(default_factory=dict)
    worst: dict[str, Status] = field(default_factory=dict)


def read_incidents(connection: Connection, ids: Collection[str]) -> Mapping[str, Incident]:
    """The incidents of those *ids* that exist."""
    if not ids:
        return {}
    wanted = {"ids": list(ids)}
    rows = connection.execute(_THEM, wanted).all()
    parts = {row.id: _Parts() for row in rows}
    for row in connection.execute(_THEIR_COMPONENTS, wanted):
        parts[row.incident].components.append(row.component)
        if row.pinned:
            parts[row.incident].pinned.add(row.component)
    for row in connection.execute(_THEIR_SERVICES, wanted):
        _add_service(parts[row.incident], row)
    return {row.id: _incident(row, parts[row.id]) for row in rows}


def _add_service(parts: _Parts, row: Row[Any]) -> None:
    for kept, status in ((parts.services, row.status), (parts.worst, row.worst)):
        if status is not None:
            kept[row.service] = status


def _incident(row: Row[Any], parts: _Parts) -> Incident:
    return Incident(
        **{name: getattr(row, name) for name in _PLAIN},
        acknowledgement=_acknowledgement(row),
        components=tuple(parts.components),
        services=MappingProxyType(parts.services),
        worst=MappingProxyType(parts.worst),
        told=frozenset(row.told),
        outages=tuple(_outage(*span) for span in row.outages or ()),
        pinned=frozenset(parts.pinned),
        climb=None if row.climb is None else _climb(row.climb),
        brief=built(Brief | None, row.brief),
        tickets=built(tuple[Ticket, ...], row.tickets or []),
    )


def _outage(since: str, until: str) -> Outage:
    return Outage(since=datetime.fromisoformat(since), until=datetime.fromisoformat(until))


def _climb(kept: Mapping[str, Any]) -> Climb:
    calls = (Call(at=datetime.fromisoformat(at), team=team, tier=tier, by=by) for at, team, tier, by in kept["calls"])
    return Climb(
        since=datetime.fromisoformat(kept["since"]),
        held=timedelta(microseconds=kept["held"]),
        calls=tuple(calls),
        earlier=kept["earlier"],
    )


def _spelled_climb(climb: Climb) -> dict[str, Any]:
    calls = [[call.at.isoformat(), call.team, call.tier, call.by] for call in climb.calls]
    held = climb.held // timedelta(microseconds=1)
    return {"since": climb.since.isoformat(), "held": held, "calls": calls, "earlier": climb.earlier}


def _acknowledgement(row: Row[Any]) -> Acknowledgement | None:
    if row.acknowledged_by is None:
        return None
    return Acknowledgement(by=row.acknowledged_by, at=row.acknowledged_at, expires_at=row.acknowledgement_expires_at)


def add_incident(connection: Connection, incident: Incident) -> None:
    """Write a new one. Errors: IntegrityError where its id is taken, or where the machine has an open one for its root."""
    connection.execute(insert(incidents).values(_columns(incident)))
    _write_parts(connection, incident)


def change_incident(connection: Connection, incident: Incident) -> None:
    """Write what it has become. Errors: LookupError where it is not there; IntegrityError as ``add_incident``."""
    changed = update(incidents).where(incidents.c.id == incident.id).values(_columns(incident))
    if connection.execute(changed).rowcount != 1:
        raise LookupError(f"incident {incident.id} is not in the store")
    connection.execute(delete(components).where(components.c.incident == incident.id))
    connection.execute(delete(services).where(services.c.incident == incident.id))
    _write_parts(connection, incident)


def _columns(incident: Incident) -> dict[str, Any]:
    held = incident.acknowledgement
    return {name: getattr(incident, name) for name in _PLAIN} | {
        "told": sorted(incident.told),
        "outages": [[outage.since.isoformat(), outage.until.isoformat()] for outage in incident.outages],
        "climb": None if incident.climb is None else _spelled_climb(incident.climb),
        "brief": plain(incident.brief),
        "tickets": plain(incident.tickets) or None,
        "acknowledged_by": None if held is None else held.by,
        "acknowledged_at": None if held is None else held.at,
        "acknowledgement_expires_at": None if held is None else held.expires_at,
    }


def _write_parts(connection: Connection, incident: Incident) -> None:
    parts = [
        {"incident": incident.id, "component": component, "position": position, "pinned": component in incident.pinned}
        for position, component in enumerate(incident.components)
    ]
    if parts:
        connection.execute(insert(components), parts)
    affected = [_service(incident, service) for service in incident.worst]
    if affected:
        connection.execute(insert(services), affected)


def _service(incident: Incident, service: str) -> dict[str, Any]:
    # Everything that is affected has a worst status: it is the wider of the two.
    return {
        "incident": incident.id,
        "service": service,
        "status": incident.services.get(service),
        "worst": incident.worst[service],
    }
