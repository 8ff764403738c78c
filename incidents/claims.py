"""What public words have claimed of services and of their needs, and whether it still holds.

A claim is ``service`` (it was named), ``service=status``, or ``service/need=status`` with the need's place. What is worse includes what
is better, so that a claim which is in one extent and not in another means that the outage grew. ``operational`` is claimed where words
said that it works. docs/lifecycle.md tells what the machine may claim.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import partial

from incidents.model import Need, Service, Situation, Status, Subject
from incidents.rollup import ORDER, TROUBLE, need_status, standing
from incidents.streaks import doubts

_WORKS = f"={Status.OPERATIONAL}"


def extent(situation: Situation, services: Iterable[str]) -> frozenset[str]:
    """All that is wrong with *services*, whatever the cause; of one that is not in trouble, nothing."""
    claims: set[str] = set()
    for service in _known(situation, services):
        status = standing(situation, Subject.SERVICE, service.id)
        if status not in TROUBLE:
            continue
        claims |= {service.id, *_up_to(service.id, status)}
        for place in range(len(service.needs)):
            claims |= _up_to(*_need(situation, service, place))
    return frozenset(claims)


def share(situation: Situation, services: Iterable[str], components: Collection[str]) -> frozenset[str]:
    """Of that, what is the fault of *components*: that they hit each of *services*, and every need that a broken one of them is part of."""
    claims: set[str] = set()
    for service in _known(situation, services):
        claims.add(service.id)
        for place, need in enumerate(service.needs):
            if any(id in components and standing(situation, Subject.COMPONENT, id) in TROUBLE for id in need.of):
                claims |= _up_to(*_need(situation, service, place))
    return frozenset(claims)


def working(situation: Situation, services: Iterable[str]) -> frozenset[str]:
    """That *services* work."""
    return frozenset(f"{service.id}{_WORKS}" for service in _known(situation, services))


def working_needs(situation: Situation, services: Iterable[str]) -> frozenset[str]:
    """That the capabilities of *services* work which words name as working: beside one that does not, and where they may be said to."""
    return frozenset(
        claim for service in _known(situation, services) if _names_trouble(situation, service) for claim in _capable(situation, service)
    )


def mended(situation: Situation, services: Iterable[str], told: Collection[str]) -> frozenset[str]:
    """That the capabilities of *services* work again that were *told* not to, as far as they may be said to."""
    working = (claim for service in _known(situation, services) for claim in _capable(situation, service))
    return frozenset(claim for claim in working if f"{_subject(claim)}={Status.DEGRADED}" in told)


def _names_trouble(situation: Situation, service: Service) -> bool:
    return any(need.label and _need(situation, service, place)[1] in TROUBLE for place, need in enumerate(service.needs))


def _capable(situation: Situation, service: Service) -> list[str]:
    able = capable(situation, service)
    return [f"{service.id}/{place}{_WORKS}" for place, need in enumerate(service.needs) if need in able]


def needs_of(service: Service, claims: Collection[str]) -> list[Need]:
    """The needs of *service* that are among those claimed to work."""
    return [need for place, need in enumerate(service.needs) if f"{service.id}/{place}{_WORKS}" in claims]


def capable(situation: Situation, service: Service) -> list[Need]:
    """The needs with a label that surely work: no need of the same label is in trouble or unknown, and no part has begun to fail.

    What is about to fail would have to be taken back by the next update.
    """
    status_of = partial(standing, situation, Subject.COMPONENT)
    unsure = [need for need in service.needs if need_status(need, status_of) is not Status.OPERATIONAL or _is_suspect(situation, need)]
    unsaid = {label for need in unsure for label in need.label.values()}
    return [need for need in service.needs if need.label and unsaid.isdisjoint(need.label.values())]


def _is_suspect(situation: Situation, need: Need) -> bool:
    return any(True for id in need.of for _ in doubts(situation, id))


def added(told: frozenset[str], new: Iterable[str]) -> frozenset[str]:
    """What holds of all that was claimed once *new* was said: its last word on each subject, and only the newest words say what works."""
    claimed = frozenset(new)
    anew = {_subject(claim) for claim in claimed}
    return claimed.union(claim for claim in told if not claim.endswith(_WORKS) and _subject(claim) not in anew)


def unsaid(situation: Situation, services: Iterable[str], told: frozenset[str]) -> frozenset[str]:
    """What is wrong with *services* and was not *told*."""
    # Words of a release that claimed no statuses of services said them all the same.
    silent = {claim for claim in told if "=" not in claim and not any(other.startswith(f"{claim}=") for other in told)}
    return frozenset(claim for claim in extent(situation, services) - told if _subject(claim) not in silent)


def disproved(situation: Situation, told: Iterable[str]) -> frozenset[str]:
    """The claims among *told* that something works which is in trouble now."""
    return frozenset(claim for claim in told if claim.endswith(_WORKS) and _is_broken(situation, _subject(claim)))


def services_of(claims: Iterable[str]) -> set[str]:
    """The services that *claims* are about."""
    return {_subject(claim).partition("/")[0] for claim in claims}


def _is_broken(situation: Situation, subject: str) -> bool:
    """Whether it is in trouble that is shown as such: what planned work breaks behind its cover is told by that."""
    id, _, place = subject.partition("/")
    service = situation.topology.services.get(id)
    if service is None or standing(situation, Subject.SERVICE, id) not in TROUBLE:
        return False
    return not place or (int(place) < len(service.needs) and _need(situation, service, int(place))[1] in TROUBLE)


def _known(situation: Situation, services: Iterable[str]) -> Iterator[Service]:
    known = situation.topology.services
    return (known[id] for id in services if id in known)


def _need(situation: Situation, service: Service, place: int) -> tuple[str, Status]:
    status_of = partial(standing, situation, Subject.COMPONENT)
    return f"{service.id}/{place}", need_status(service.needs[place], status_of)


def _subject(claim: str) -> str:
    return claim.partition("=")[0]


def _up_to(subject: str, status: Status) -> set[str]:
    return {f"{subject}={bad}" for bad in TROUBLE if ORDER[bad] <= ORDER[status]} if status in TROUBLE else set()
