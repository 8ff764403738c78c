"""What was said in public, as feeds tell it: about each topic in the order in which it was said, every word in its place for ever.

A place is given once, when the words are written down, so that neither a restart nor what is said later moves an entry from the page on
which a reader may look for it. Pure, like ``page``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from incidents.advisory import Advisory, AdvisoryRenamed, AdvisoryReworded, AdvisoryUpdate, AdvisoryUpdated, ByLanguage
from incidents.events import (
    Acknowledged,
    Event,
    Impacted,
    IncidentEvent,
    Joined,
    MaintenanceUpdated,
    Noted,
    Opened,
    Parted,
    Published,
    Renamed,
    Reopened,
    Rerooted,
    Resolved,
    StateChanged,
    Updated,
)
from incidents.handled import Handled
from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.model import Incident, State, Status
from incidents.reviewed import ReviewEvent
from incidents.rewording import MaintenanceReworded, RewordingEvent, Struck
from incidents.rollup import ORDER, worst
from statuspage.picture.planned import is_loud

PAGE = 50
"""Entries of a closed archive. The newest document of a feed has as many at least, once there are so many, and never twice as many."""


ADDS = (
    Opened
    | Joined
    | Parted
    | Rerooted
    | Renamed
    | Impacted
    | Published
    | StateChanged
    | Acknowledged
    | Updated
    | Noted
    | Resolved
    | Reopened
    | ReviewEvent
    | Handled
)
"""What adds to an incident and leaves its earlier words alone. After whatever else happens they may read otherwise."""


class About(StrEnum):
    """What a feed is about. Those with a floor tell of incidents that hit a service so badly, or worse, and of no planned work."""

    EVERYTHING = "everything"
    DEGRADED = "degraded"
    PARTIAL = "partial"
    MAJOR = "major"
    MAINTENANCE = "maintenance"
    SERVICE = "service"
    SERVICE_MAINTENANCE = "service_maintenance"
    GROUP = "group"


OF_SERVICES = frozenset({About.SERVICE, About.SERVICE_MAINTENANCE})
"""What each service has, whoever reads of it."""

FLOORS = MappingProxyType({About.DEGRADED: Status.DEGRADED, About.PARTIAL: Status.PARTIAL, About.MAJOR: Status.MAJOR})


class Topic(NamedTuple):
    """One feed's subject: *of* which service, or of which circle; empty where it is of no single one, and everybody's."""

    about: About
    of: str = ""


PARTED = "."
"""Stands between a page and a group there; no public id has one."""


def circle_of(page: str, group: str = "") -> str:
    """What a further page, or a group there, is called as a circle; both by their public ids."""
    return f"{page}{PARTED}{group}" if group else page


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """Services that some readers follow together: those of a group, of a further page, or of a group there. *of* names it for good.

    Where it *is_page*, its readers have the feeds that everybody has; else a single one.
    """

    of: str
    services: frozenset[str]
    is_page: bool = False

    def concerns(self, services: Iterable[str]) -> bool:
        """Whether any of *services* is followed."""
        return not self.services.isdisjoint(services)


class Strand(StrEnum):
    """What words are said of; each has pages and ids of its own."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Words of an advisory, in every language that they were said in: a feed tells them in its own."""

    name: ByLanguage
    is_notice: bool
    update: AdvisoryUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Public words of the incident, the window or the advisory called *subject*; *body* is empty once withdrawn, and so are *bodies*.

    Those of an advisory are in *warned*, and *title* and *body* are empty.

    *updated* is later than *at* where they were corrected or withdrawn. *takes_back* counts the words before them that hold no longer:
    work was announced and does not take place. *services* are those that it hit when this was said, or that the work is announced for.
    Of an incident, *state* is how far it was; *is_automatic* what the machine said, *is_named_by_us* where the title is its own, too.
    *language*, *titles* and *bodies* are as they were kept.
    """

    strand: Strand
    subject: str
    number: int
    title: str
    body: str
    at: datetime
    updated: datetime
    is_withdrawn: bool = False
    takes_back: int = 0
    warned: Warned | None = None
    services: frozenset[str] = frozenset()
    state: State | None = None
    is_automatic: bool = False
    is_named_by_us: bool = False
    language: str | None = None
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bodies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The newest of what was said about a topic, oldest first: all that no closed archive has. *count* is how much was said in all.

    *withdrawn* are words in closed archives that were taken back, the last PAGE of them: who has read an archive does not look there again.
    """

    count: int = 0
    said: tuple[Said, ...] = ()
    withdrawn: tuple[Said, ...] = ()

    @property
    def archives(self) -> int:
        """How many archives are closed; they are numbered from 1, the oldest first."""
        return closed(self.count)


@dataclass(slots=True)
class Untold:
    """What feeds have not been told yet.

    *words* are new ones, each as the id of what it is about and its number there, *reworded* the incidents whose earlier words may
    read otherwise by now; where *is_everything*, all is told anew.
    """

    words: set[tuple[str, int]] = field(default_factory=set)
    reworded: set[str] = field(default_factory=set)
    is_everything: bool = True

    def hear(self, events: Iterable[Event]) -> None:
        """Note what was said."""
        for event in events:
            if isinstance(event, Updated):
                self.words.add((event.incident, event.update.number))
            elif isinstance(event, MaintenanceUpdated):
                self.words.add((event.maintenance, event.update.number))
            elif isinstance(event, AdvisoryUpdated):
                self.words.add((event.advisory, event.update.number))
            elif isinstance(event, Struck | AdvisoryRenamed | AdvisoryReworded | MaintenanceReworded):
                self.is_everything = True
            elif isinstance(event, RewordingEvent) or (isinstance(event, IncidentEvent) and not isinstance(event, ADDS)):
                self.reworded.add(event.incident)

    def add(self, other: "Untold") -> None:
        """Note all that the *other* one holds."""
        self.words |= other.words
        self.reworded |= other.reworded
        self.is_everything |= other.is_everything

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.words or self.reworded or self.is_everything)


def closed(count: int) -> int:
    """How many archives are closed once so much was said."""
    return max(0, count // PAGE - 1)


def tail(count: int, newest: Sequence[Said]) -> Tail:
    """What the newest document tells, of the *newest* words (oldest first, as many of them as there may be room for)."""
    room = count - PAGE * closed(count)
    return Tail(count=count, said=tuple(newest[-room:]) if room else ())


def grown(before: Tail, new: Iterable[Said]) -> Tail:
    """What the newest document tells after *new* words."""
    said = (*before.said, *new)
    after = tail(before.count + len(said) - len(before.said), said)
    left = said[: len(said) - len(after.said)]
    return replace(after, withdrawn=last_withdrawn((*before.withdrawn, *left)))


def last_withdrawn(archived: Iterable[Said]) -> tuple[Said, ...]:
    """Those of *archived* that were withdrawn last, by when."""
    gone = (one for one in archived if one.is_withdrawn)
    return tuple(sorted(gone, key=lambda one: (one.updated, one.subject, one.number))[-PAGE:])


def topics_of_incident(incident: Incident, hidden: Collection[str] = (), circles: Iterable[Circle] = ()) -> tuple[Topic, ...]:
    """Where words about *incident*, as it is when they are said, are told. What it has hit once it goes on to be about.

    What hits services alone that are *hidden* has no place in the feeds that everybody reads.
    """
    hit = [(service, status) for hits in (incident.worst, incident.services) for service, status in hits.items()]
    public = [status for service, status in hit if service not in hidden]
    everybody = by_severity("", public) if public or not hit else ()
    told = ((circle, [status for service, status in hit if service in circle.services]) for circle in circles)
    followed = (topics_of_trouble(circle, statuses) for circle, statuses in told if statuses)
    return (*everybody, *_each(About.SERVICE, incident.worst), *chain.from_iterable(followed))


def topics_of_trouble(circle: Circle, hit: Iterable[Status]) -> tuple[Topic, ...]:
    """Where those of *circle* are told of an incident that has *hit* its services so."""
    return by_severity(circle.of, hit) if circle.is_page else (Topic(About.GROUP, circle.of),)


def by_severity(of: str, hit: Iterable[Status]) -> tuple[Topic, ...]:
    """The feed of everything and those with a floor that *hit* reaches."""
    bad = worst((*hit, Status.DEGRADED))
    return (Topic(About.EVERYTHING, of), *(Topic(about, of) for about, floor in FLOORS.items() if ORDER[bad] >= ORDER[floor]))


def topics_of_window(
    window: Maintenance, said: MaintenanceUpdate, hidden: Collection[str] = (), circles: Iterable[Circle] = ()
) -> tuple[Topic, ...]:
    """Where words about *window* are told; *hidden* as for an incident."""
    is_told, everybody = is_loud(window, said), Circle(of="", services=frozenset(window.services), is_page=True)
    is_for_all = not window.services or not set(window.services) <= set(hidden)
    concerned = (*((everybody,) if is_for_all else ()), *(one for one in circles if one.concerns(window.services)))
    each = (*_each(About.SERVICE_MAINTENANCE, window.services), *(_each(About.SERVICE, window.services) if is_told else ()))
    return (*each, *(topic for circle in concerned for topic in topics_of_work(circle, is_loud=is_told)))


def topics_of_work(circle: Circle, *, is_loud: bool) -> tuple[Topic, ...]:
    """Where those of *circle* are told of planned work on its services; in the feed of everything where it *is_loud*."""
    if not circle.is_page:
        return (Topic(About.GROUP, circle.of),) if is_loud else ()
    return (Topic(About.MAINTENANCE, circle.of), *((Topic(About.EVERYTHING, circle.of),) if is_loud else ()))


def topics_of_advisory(advisory: Advisory, hidden: Collection[str] = (), circles: Iterable[Circle] = ()) -> tuple[Topic, ...]:
    """Where words about *advisory* are told: in no feed with a floor, for nothing is broken; *hidden* as for an incident."""
    is_for_all = not advisory.services or not set(advisory.services) <= set(hidden)
    followed = (topic_of_warning(circle) for circle in circles if circle.concerns(advisory.services))
    return (*((Topic(About.EVERYTHING),) if is_for_all else ()), *_each(About.SERVICE, advisory.services), *followed)


def topic_of_warning(circle: Circle) -> Topic:
    """Where those of *circle* are told of an advisory."""
    return Topic(About.EVERYTHING if circle.is_page else About.GROUP, circle.of)


def _each(about: About, services: Iterable[str]) -> tuple[Topic, ...]:
    return tuple(Topic(about, service) for service in dict.fromkeys(services))
