"""The answer to a reader's first question, in a headline and the sentence below it: is something wrong now?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.model import State, Status
from incidents.rollup import ORDER, TROUBLE
from statuspage.picture.marking import marked, marked_pair
from statuspage.picture.page import IncidentView, Page, ServiceView
from statuspage.render.tongue import Tongue
from statuspage.render.words import within

_FEW = {
    Status.MAJOR: marked_pair("%(names)s is not working", "%(names)s are not working"),
    Status.PARTIAL: marked_pair("Parts of %(names)s are not working", "Parts of %(names)s are not working"),
    Status.DEGRADED: marked_pair("%(names)s is degraded", "%(names)s are degraded"),
    Status.MAINTENANCE: marked_pair("%(names)s is under maintenance", "%(names)s are under maintenance"),
    Status.UNKNOWN: marked_pair("The state of %(names)s is not known", "The state of %(names)s is not known"),
    Status.OPERATIONAL: marked_pair("%(names)s is operational", "%(names)s are operational"),
}
_MANY = {
    Status.MAJOR: marked("%(number)s services are not working"),
    Status.PARTIAL: marked("Parts of %(number)s services are not working"),
    Status.DEGRADED: marked("%(number)s services are degraded"),
    Status.MAINTENANCE: marked("%(number)s services are under maintenance"),
    Status.UNKNOWN: marked("The state of %(number)s services is not known"),
    Status.OPERATIONAL: marked("%(number)s services are operational"),
}
MOST_NAMES = 3
"""Services that a headline names; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Is something wrong now? *since* is the earliest start among the services that *headline* speaks of."""

    status: Status
    headline: str
    detail: str
    since: datetime | None = None


def answer(page: Page, tongue: Tongue) -> Answer:
    """Say in words what the page's status means, naming services while they are few."""
    _ = tongue.gettext
    services = [service for group in page.groups for service in group.services if service.is_watched or service.since is not None]
    named = [service for service in services if service.status is page.status or {service.status, page.status} <= TROUBLE]
    since = _since(page, named)
    if page.impaired_since is not None and page.status is Status.UNKNOWN:
        detail = _("Our own monitoring is impaired. That does not mean that a service is down.")
        headline = _unseen(named, is_all=len(named) == len(services), tongue=tongue)
        return Answer(status=page.status, headline=headline, detail=detail, since=page.impaired_since)
    if page.status is Status.OPERATIONAL:
        return _all_well(page, services, tongue)
    if page.status is Status.UNKNOWN and all(service.checked_at is None for service in services):
        detail = _("Monitoring has started. Nothing is known yet.")
        return Answer(status=page.status, headline=_("Waiting for the first results"), detail=detail)
    headline, told = _headline(named, tongue)
    return Answer(status=page.status, headline=headline, detail=_others(told, services, tongue), since=since)


def _since(page: Page, named: Sequence[ServiceView]) -> datetime | None:
    """The earliest start among those *named*. An incident goes on across a gap in what is known, a status begins anew after it."""
    troubled = {service.id for service in named if service.status in TROUBLE}
    open_ = (view for view in page.open if any(one.service in troubled and one.status in TROUBLE for one in view.services))
    begun = [view.returned_at or view.started_at for view in open_]
    return min((*begun, *(service.since for service in named if service.since)), default=None)


def worst_first(opened: Sequence[IncidentView]) -> Sequence[IncidentView]:
    """What goes on, in the order in which readers must know of it: what is worse stands before what is newer, what recovered last."""
    looks = {view.id: Status.OPERATIONAL if view.state is State.MONITORING else view.worst for view in opened}
    return sorted(opened, key=lambda view: -ORDER[looks[view.id]])


def _all_well(page: Page, services: Sequence[ServiceView], tongue: Tongue) -> Answer:
    _ = tongue.gettext
    if page.open:
        detail = _("All services work again. We keep watching before we call it resolved.")
        return Answer(status=page.status, headline=_("Recovered, being watched"), detail=detail)
    detail = tongue.ngettext("%(number)s service watched.", "%(number)s services watched.", len(services))
    return Answer(status=page.status, headline=_("All services are operational"), detail=detail)


def _unseen(named: Sequence[ServiceView], *, is_all: bool, tongue: Tongue) -> str:
    if is_all:
        return tongue.gettext("We cannot see the state of our services")
    if len(named) > MOST_NAMES:
        return tongue.gettext("We cannot see the state of %(number)s services", number=len(named))
    return tongue.gettext("We cannot see the state of %(names)s", names=tongue.listed([service.name for service in named]))


def _headline(named: Sequence[ServiceView], tongue: Tongue) -> tuple[str, Sequence[ServiceView]]:
    """What is the matter with *named*, and of which of them it tells how they are: a sentence for each status, the worst first."""
    if not named:
        return tongue.gettext("We are looking into a problem"), ()
    statuses = sorted({one.status for one in named}, key=ORDER.__getitem__, reverse=True)
    by_status = {status: [one for one in named if one.status is status] for status in statuses}
    if len(by_status) > 1 and len(named) > MOST_NAMES:
        return tongue.gettext("%(number)s services have problems", number=len(named)), ()
    return ". ".join(_alike(status, alike, tongue) for status, alike in by_status.items()), named


def _alike(status: Status, named: Sequence[ServiceView], tongue: Tongue) -> str:
    if len(named) > MOST_NAMES:
        return tongue.said(_MANY[status]) % {"number": len(named)}
    names = tongue.listed([service.name for service in named])
    told = tongue.counted(*_FEW[status], len(named)) % {"names": names}
    return told[:1].upper() + told[1:]


def _others(told: Sequence[ServiceView], services: Sequence[ServiceView], tongue: Tongue) -> str:
    """How those are doing that the headline has not *told* of: those in trouble by name, the others by number."""
    rest = [service for service in services if service not in told]
    troubled = sorted((service for service in rest if service.status in TROUBLE), key=lambda one: -ORDER[one.status])
    parts = [
        tongue.gettext("%(service)s: %(status)s.", service=service.name, status=within(service.status, tongue))
        for service in troubled[:MOST_NAMES]
    ]
    if len(troubled) > MOST_NAMES:
        more = len(troubled) - MOST_NAMES
        parts.append(tongue.ngettext("%(number)s more with problems.", "%(number)s more with problems.", more))
    parts.extend(_calm([service for service in rest if service.status not in TROUBLE], rest, services, tongue))
    return " ".join(parts)


def _calm(calm: Sequence[ServiceView], rest: Sequence[ServiceView], services: Sequence[ServiceView], tongue: Tongue) -> Iterator[str]:
    """How those are doing that have no known trouble; where no service works, that."""
    well = sum(service.status is Status.OPERATIONAL for service in calm)
    unknown = sum(service.status is Status.UNKNOWN for service in calm)
    if well and well == len(rest):
        yield tongue.gettext("All other services are operational.")
    elif well:
        told = tongue.counted("%(number)s of %(all)s services is operational.", "%(number)s of %(all)s services are operational.", well)
        yield told % {"number": well, "all": len(services)}
    elif len(services) > 1 and all(service.status is not Status.UNKNOWN for service in services):
        yield tongue.gettext("No service is operational.")
    if unknown:
        yield tongue.ngettext("The state of %(number)s service is not known.", "The state of %(number)s services is not known.", unknown)
