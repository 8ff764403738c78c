"""Why a component or a service stands as it does, in words for the desk: never public, and by their ids."""

from functools import partial

from incidents.model import Service, Severity, Situation, Status, Subject
from incidents.rollup import TROUBLE, need_status, service_status, standing


def of_component(situation: Situation, component: str) -> str:
    """What the monitors say, by their ids where those tell more than the component's: those that see trouble, else all."""
    topology = situation.topology
    watching = (topology.monitors[id] for id in topology.monitors_of[component] if not situation.stands_still(id))
    judging = [one.id for one in watching if one.severity is not Severity.WARNING]
    if not judging:
        return "nothing watches it at present"
    known = {id: found for id in judging if (found := situation.standings.get((Subject.MONITOR, id))) is not None}
    bad = {id: found for id, found in known.items() if found.status in TROUBLE}
    told = (found.cause if id == component else f"{id} {found.cause}" for id, found in (bad or known).items())
    return "; ".join(told) or "not yet judged"


def of_service(situation: Situation, service: Service, measured: Status) -> str:
    """Which of its parts make it *measured*: what is broken, or what nobody can say and why; and whose word it is where it is theirs."""
    probed = service_status(service, partial(standing, situation, Subject.COMPONENT))
    said = _by_parts(situation, service, probed)
    return said if measured is probed else f"an incident opened by hand says so; {said}"


def _by_parts(situation: Situation, service: Service, probed: Status) -> str:
    if probed is Status.UNKNOWN:
        return _unknown(situation, service)
    parts = dict.fromkeys(id for need in service.needs for id in need.of)
    broken = [id for id in parts if standing(situation, Subject.COMPONENT, id) in TROUBLE]
    if probed is Status.OPERATIONAL:
        return f"all needs work without {', '.join(broken)}" if broken else "all needs work"
    return f"components not working: {', '.join(broken)}"


def _unknown(situation: Situation, service: Service) -> str:
    """What is not known of the needs that nobody can judge, each reason once."""
    status_of = partial(standing, situation, Subject.COMPONENT)
    unsure = [need for need in service.needs if need_status(need, status_of) is Status.UNKNOWN]
    parts = dict.fromkeys(id for need in unsure for id in need.of if status_of(id) is Status.UNKNOWN)
    by_reason: dict[str, list[str]] = {}
    for id in parts:
        found = situation.standings.get((Subject.COMPONENT, id))
        by_reason.setdefault(of_component(situation, id) if found is None else found.cause, []).append(id)
    told = "; ".join(f"{', '.join(ids)} ({reason})" for reason, ids in by_reason.items())
    return f"components not known: {told}" if told else "it needs nothing that could be watched"
