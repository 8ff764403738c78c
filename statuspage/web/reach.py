"""How far somebody reaches: all there is, or what is their teams'. Looked up in one place, by what an address is about.

Viewers and level one who are in teams see components, monitors and the cards of incidents of their teams' services alone, and act on
nothing else. What customers can read is for everybody at the desk, and so is what to say to a caller. Of a monitor of others nobody learns
whether there is one (404); what may be known of is refused (403). Source: ADR 0039.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from aiohttp import web

from incidents.maintenance import Maintenance
from incidents.model import Incident, Service, Situation, Topology
from incidents.planned.windows import LONGEST_HORIZON, horizon
from statuspage.picture.board import ServiceRow, service_rows
from statuspage.store import stand_ins
from statuspage.store.advisory_rows import read_advisories
from statuspage.store.incident_rows import read_incidents
from statuspage.store.maintenance_rows import read_maintenances
from statuspage.store.people import Agent
from statuspage.web.auth import CALLER, Caller, Permission, held
from statuspage.web.desk import DESK, Desk
from statuspage.web.entry import row_of
from statuspage.web.problems import Rejected
from statuspage.web.route import About, Route

_NOT_YOURS = "This is another team's: you act within your own."
_NOT_SEEN = "This is another team's. What customers are told of it stands on the public page."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What somebody gets at: the *services* of their *teams*; where they are bound by none (None), all there is."""

    teams: frozenset[str] | None = None
    services: frozenset[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is out of reach."""
        return self.services is None

    def holds(self, services: Collection[str]) -> bool:
        """Whether what concerns *services* is within it: one of them is, or there is none, and so no team's."""
        return self.services is None or not services or not self.services.isdisjoint(services)

    def holds_all(self, services: Collection[str]) -> bool:
        """Whether each of *services* is within it."""
        return self.services is None or self.services.issuperset(services)


WHOLE = Reach()


def teams_of(service: Service) -> frozenset[str]:
    """Whose a service is: its owner's, and that of all who are called for it."""
    return frozenset(filter(None, (service.owner, *service.tiers)))


def reach_of(request: web.Request, permission: Permission = Permission.SEE) -> Reach:
    """How far whoever asks may go where *permission* is needed."""
    return reaching(request[CALLER], permission, request.app[DESK].pipeline.situation.topology)


def reaching(caller: Caller, permission: Permission, topology: Topology) -> Reach:
    """The same of *caller*. A service that no team answers for is everybody's."""
    if not caller.is_bound(permission):
        return WHOLE
    own = (id_ for id_, service in topology.services.items() if not (teams := teams_of(service)) or teams & caller.teams)
    return Reach(teams=caller.teams, services=frozenset(own))


def owners_of(desk: Desk, incident: Incident, agents: Iterable[Agent]) -> tuple[str, ...]:
    """Names of those *agents* within whose reach the incident is: nobody owns what they cannot open."""
    topology = desk.pipeline.situation.topology
    hit = concerned(incident, topology)
    callers = (Caller(name=one.name, roles=held(desk, one.roles), teams=one.teams) for one in agents)
    able = (one for one in callers if one.may(Permission.ACT))
    return tuple(one.name for one in able if reaching(one, Permission.ACT, topology).holds(hit))


def demand_services(request: web.Request, services: Iterable[str], permission: Permission = Permission.ACT) -> None:
    """Errors: Rejected 403 where one of *services*, which whoever asks has named, is another team's."""
    reach, known = reach_of(request, permission), request.app[DESK].pipeline.situation.topology.services
    if not reach.holds_all([id_ for id_ in services if id_ in known]):
        raise Rejected(403, _NOT_YOURS)


def demand_incident(request: web.Request, incident: Incident) -> None:
    """Errors: Rejected 403 where *incident*, which whoever asks has named, is another team's."""
    if not reach_of(request, Permission.ACT).holds(concerned(incident, request.app[DESK].pipeline.situation.topology)):
        raise Rejected(403, _NOT_YOURS)


def offered(request: web.Request, permission: Permission = Permission.ACT) -> tuple[ServiceRow, ...]:
    """Services that a form may offer to whoever asks."""
    desk, reach = request.app[DESK], reach_of(request, permission)
    return tuple(row for row in service_rows(desk.pipeline.situation, desk.language) if reach.holds([row.id]))


def demand_planned(request: web.Request, services: Iterable[str], components: Iterable[str]) -> None:
    """Errors: Rejected 403 where work is to be planned on what is another team's."""
    needing = request.app[DESK].pipeline.situation.topology.services_of
    demand_services(request, services, Permission.PLAN)
    reach = reach_of(request, Permission.PLAN)
    if not all(reach.holds(needing.get(part, ())) for part in components):
        raise Rejected(403, _NOT_YOURS)


def demand_team(request: web.Request, team: str) -> None:
    """Errors: Rejected 403 where *team* is not one of those that whoever asks is bound to."""
    reach = reach_of(request, Permission.ACT)
    if reach.teams is not None and team not in reach.teams:
        raise Rejected(403, _NOT_YOURS)


async def demand_reach(request: web.Request, route: Route) -> None:
    """Let pass whom the address's object is within reach of. Errors: Rejected 403, or 404 for what they are not to know of."""
    if route.about is None or not isinstance(route.policy, Permission):
        return
    reach = reach_of(request, route.policy)
    is_open = route.policy is Permission.SEE and route.about not in _PRIVATE
    if reach.is_whole or is_open or await _OWN[route.about](request.app[DESK], reach, request.match_info["id"]):
        return
    if route.about is About.MONITOR:
        raise Rejected(404, "There is no monitor with this id.")
    raise Rejected(403, _NOT_SEEN if route.policy is Permission.SEE else _NOT_YOURS)


def concerned(incident: Incident, topology: Topology) -> frozenset[str]:
    """Services that an incident hits or has hit; where there is none, those that need its components."""
    needing = (service for part in incident.components for service in topology.services_of.get(part, ()))
    return frozenset((*incident.services, *incident.worst)) or frozenset(needing)


def touched(window: Maintenance, topology: Topology) -> frozenset[str]:
    """Services that a window is announced for; where there is none, those that need its components."""
    needing = (service for part in window.components for service in topology.services_of.get(part, ()))
    return frozenset(window.services) or frozenset(needing)


def is_seen(reach: Reach, situation: Situation, component: str) -> bool:
    """Whether *component* may be seen: a service within reach needs it, or none at all."""
    return reach.is_whole or reach.holds(situation.topology.services_of.get(component, ()))


def parts_of_others(reach: Reach, situation: Situation) -> frozenset[str]:
    """The components that may not be seen."""
    return frozenset(id_ for id_ in situation.topology.components if not is_seen(reach, situation, id_))


def seen_of(request: web.Request, window: Maintenance) -> Maintenance:
    """*window* without the components that are not for whoever asks."""
    reach, situation = reach_of(request), request.app[DESK].pipeline.situation
    return replace(window, components=tuple(part for part in window.components if is_seen(reach, situation, part)))


# --- whose is it ----------------------------------------------------------------------------------------------------------------
# What there is not is within anybody's reach: the handler says that it is not there.


async def _incident(desk: Desk, reach: Reach, id_: str) -> bool:
    situation = desk.pipeline.situation
    found = situation.incidents.get(id_) or (await desk.store.read(lambda connection: read_incidents(connection, [id_]))).get(id_)
    return found is None or reach.holds(concerned(found, situation.topology))


async def _monitor(desk: Desk, reach: Reach, id_: str) -> bool:
    situation = desk.pipeline.situation
    found = situation.topology.monitors.get(id_)
    return found is None or is_seen(reach, situation, found.component)


async def _maintenance(desk: Desk, reach: Reach, id_: str) -> bool:
    known = desk.pipeline.situation.maintenances.get(id_)
    found = known or (await desk.store.read(lambda connection: read_maintenances(connection, [id_]))).get(id_) or _far(desk, id_)
    return found is None or reach.holds(touched(found, desk.pipeline.situation.topology))


def _far(desk: Desk, id_: str) -> Maintenance | None:
    """An occurrence that no window was made of yet."""
    now = desk.now()
    return next((one for one in horizon(desk.pipeline.situation, now, now + LONGEST_HORIZON) if one.id == id_), None)


async def _advisory(desk: Desk, reach: Reach, id_: str) -> bool:
    known = desk.pipeline.situation.advisories.get(id_)
    found = known or (await desk.store.read(lambda connection: read_advisories(connection, [id_]))).get(id_)
    return found is None or reach.holds(found.services)


async def _service(desk: Desk, reach: Reach, id_: str) -> bool:
    return id_ not in desk.pipeline.situation.topology.services or reach.holds([id_])


async def _stand_in(desk: Desk, reach: Reach, id_: str) -> bool:
    team = await desk.store.read(partial(stand_ins.team_of, number=row_of(id_)))
    return team is None or reach.teams is None or team in reach.teams


async def _nobodys(_: Desk, __: Reach, ___: str) -> bool:
    return False


_PRIVATE = frozenset({About.INCIDENT, About.MONITOR})
"""What is seen within one's teams only; the rest is for all at the desk to see."""

_OWN: Mapping[About, Callable[[Desk, Reach, str], Awaitable[bool]]] = MappingProxyType(
    {
        About.INCIDENT: _incident,
        About.MONITOR: _monitor,
        About.MAINTENANCE: _maintenance,
        About.ADVISORY: _advisory,
        About.SERVICE: _service,
        About.STAND_IN: _stand_in,
        About.NOBODYS: _nobodys,
    }
)
