"""What one page may tell of: some services and nothing that belongs to others alone. Cut before anything is drawn. Pure, like ``page``.

Whatever is made from a picture that was cut can give away nothing: what is not for its readers is not in it. Machine words are made of
the names of all services that a problem hits, so that those about others too are said anew here; what people write is theirs to weigh.
Source: ADR 0026.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from incidents.model import Incident, Origin, Situation, State, Status, Subject, Topology, Update
from incidents.rollup import TROUBLE
from incidents.voices import Voices
from statuspage.picture import retold
from statuspage.picture.advisories import Bulletin
from statuspage.picture.news import OF_SERVICES, PARTED, About, Said, Tail, Topic, circle_of
from statuspage.picture.page import Snapshot, Story
from statuspage.picture.planned import Window
from statuspage.picture.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The services of a page: those of *only*, or, where that is None, all there are and ever were; in either case none of *hidden*."""

    only: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether it leaves nothing out."""
        return self.only is None and not self.hidden

    def tells_of(self, service: str) -> bool:
        """Whether the page tells of *service*."""
        return service in self.only if self.only is not None else service not in self.hidden

    def hits(self, services: Collection[str]) -> bool:
        """Whether the page tells of something that concerns *services*: of one of them, or, on the main page, of no service at all."""
        return any(map(self.tells_of, services)) if services else self.only is None


WHOLE = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """Whose page it is, and by which id its readers know it: entries of its feeds have ids of their own, since their words are."""

    site: Site
    page_id: str


@dataclass(slots=True)
class Cutter:
    """Cuts pictures to a *scope*, and keeps what is the same from one to the next. *dress* is another page's than the main one's."""

    scope: Scope = WHOLE
    dress: Dress | None = None
    _topology: tuple[Topology, Topology] | None = None
    _told: dict[Topic, tuple[Tail, Tail]] = field(default_factory=dict)

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """All of *snapshot* that the page may tell of."""
        scope = self.scope
        if scope.is_whole:
            return snapshot
        topology, voices = snapshot.situation.topology, snapshot.site.voices
        stories = (story(one, scope, snapshot.situation, voices) for one in snapshot.stories)
        worn = (self.dress.site, self.dress.page_id, f"{self.dress.page_id}.{snapshot.authority}") if self.dress else None
        site, page_id, authority = worn or (snapshot.site, snapshot.page_id, snapshot.authority)
        return replace(
            snapshot,
            site=site,
            page_id=page_id,
            authority=authority,
            situation=replace(snapshot.situation, topology=self._services(topology)),
            stories=tuple(one for one in stories if one is not None),
            windows=windows(snapshot.windows, scope),
            agenda=windows(snapshot.agenda, scope),
            bulletins=bulletins(snapshot.bulletins, scope),
            news=self._news(snapshot.news, topology, voices),
        )

    def _services(self, topology: Topology) -> Topology:
        """*topology* with no services but the page's. To derive it costs more than a page, so it is done once."""
        if self._topology is None or self._topology[0] is not topology:
            services = {id: service for id, service in topology.services.items() if self.scope.tells_of(id)}
            self._topology = topology, replace(topology, services=services)
        return self._topology[1]

    def _news(self, news: Mapping[Topic, Tail], topology: Topology, voices: Voices) -> Mapping[Topic, Tail]:
        """What feeds tell, by the topics that the page's readers know."""
        known = ((self._known(topic), topic, tail) for topic, tail in news.items())
        return {mine: self._tail(topic, tail, topology, voices) for mine, topic, tail in known if mine is not None}

    def kept(self, topic: Topic) -> Topic:
        """The topic under which the words of the page's *topic* have their places: a further page has places of its own."""
        if self.dress is None or topic.about in OF_SERVICES:
            return topic
        return Topic(topic.about, circle_of(self.dress.page_id, topic.of))

    def _known(self, kept: Topic) -> Topic | None:
        """What is *kept* so, as the page's readers know it; None where it is not of their page."""
        if kept.about in OF_SERVICES:
            return kept if self.scope.tells_of(kept.of) else None
        if self.dress is None:
            return None if (kept.of and kept.about is not About.GROUP) or PARTED in kept.of else kept
        page, _, group = kept.of.partition(PARTED)
        is_mine = page == self.dress.page_id and bool(group) is (kept.about is About.GROUP)
        return Topic(kept.about, group) if is_mine else None

    def _tail(self, topic: Topic, tail: Tail, topology: Topology, voices: Voices) -> Tail:
        kept = self._told.get(topic)
        if kept is None or kept[0] is not tail:
            newest, gone = (said(words, self.scope, topology, voices) for words in (tail.said, tail.withdrawn))
            cut = replace(tail, said=newest, withdrawn=gone)
            kept = self._told[topic] = (tail, cut)
        return kept[1]


def windows(planned: Iterable[Window], scope: Scope) -> tuple[Window, ...]:
    """Those of *planned* that concern the page, each without other services. Their words are people's, or tell of times alone."""
    return tuple(_window(one, scope) for one in planned if scope.hits(one.maintenance.services))


def _window(window: Window, scope: Scope) -> Window:
    told = tuple(service for service in window.maintenance.services if scope.tells_of(service))
    return window if told == window.maintenance.services else replace(window, maintenance=replace(window.maintenance, services=told))


def bulletins(told: Iterable[Bulletin], scope: Scope) -> tuple[Bulletin, ...]:
    """Those of the advisories *told* that concern the page, each without other services."""
    return tuple(_bulletin(one, scope) for one in told if scope.hits(one.advisory.services))


def _bulletin(one: Bulletin, scope: Scope) -> Bulletin:
    told = tuple(filter(scope.tells_of, one.advisory.services))
    return one if told == one.advisory.services else replace(one, advisory=replace(one.advisory, services=told))


def cut_to(incident: Incident, scope: Scope) -> Incident | None:
    """*incident* with no services but those of *scope*; None where it hits others alone."""
    if scope.is_whole:
        return incident
    services, worst = _only(incident.services, scope), _only(incident.worst, scope)
    return replace(incident, services=services, worst=worst) if scope.hits((*incident.worst, *incident.services)) else None


def story(story: Story, scope: Scope, situation: Situation, voices: Voices) -> Story | None:
    """What the page may tell of an incident; None where it is none of its readers' business, or nothing was said of it to them yet."""
    hit = frozenset((*story.incident.worst, *story.incident.services))
    if not scope.hits(hit):
        return None
    if all(map(scope.tells_of, hit)):
        updates = [retold.unquoting(one, voices) for one in story.updates]  # others may be quoted that are not told of
        return replace(story, updates=tuple(updates))
    updates = [one for one in story.updates if scope.hits(story.hit.get(one.number) or hit)]
    is_told = bool(updates) or story.incident.published_at is None
    return _cut(story, updates, scope, situation, voices) if is_told else None


def _cut(story: Story, updates: Sequence[Update], scope: Scope, situation: Situation, voices: Voices) -> Story:
    incident = story.incident
    hit = cut_to(incident, scope) or incident
    told, whole = (_named(situation.topology, (*one.services, *one.worst)) for one in (hit, incident))
    is_ours = incident.origin is Origin.MACHINE or retold.is_ours(incident.name, whole, voices)
    cut = replace(retold.renamed(hit, told, voices) if is_ours else hit, components=(), root=None)
    if updates and updates[0] is not story.updates[0]:  # it began elsewhere
        begun = updates[0].at
        cut = replace(cut, published_at=begun, opened_at=begun, started_at=begun, outages=())
    if _is_well(cut):
        cut = replace(cut, state=State.MONITORING, recovered_at=_well_since(cut, situation))
    return Story(incident=cut, updates=tuple(retold.update(one, cut, voices, is_renamed=is_ours) for one in updates), hit=story.hit)


def _only(statuses: Mapping[str, Status], scope: Scope) -> Mapping[str, Status]:
    return MappingProxyType({id: status for id, status in statuses.items() if scope.tells_of(id)})


def _is_well(incident: Incident) -> bool:
    """Whether it goes on elsewhere, and all that may be told of works."""
    is_troubled = incident.is_open and incident.state in {State.INVESTIGATING, State.IDENTIFIED}
    return is_troubled and not any(status in TROUBLE for status in incident.services.values())


def _well_since(incident: Incident, situation: Situation) -> datetime:
    found = (situation.standings.get((Subject.SERVICE, service)) for service in incident.worst)
    return max([incident.started_at, *(one.since for one in found if one is not None)])


def said(words: Iterable[Said], scope: Scope, topology: Topology, voices: Voices) -> tuple[Said, ...]:
    """What the page may tell of *words* in its feeds. It depends on what was hit when they were said alone, so that an entry stays."""
    return tuple(_entry(one, scope, topology, voices) for one in words if scope.hits(one.services))


def _entry(one: Said, scope: Scope, topology: Topology, voices: Voices) -> Said:
    if all(map(scope.tells_of, one.services)):
        return retold.unquoting_entry(one, voices)
    told = frozenset(filter(scope.tells_of, one.services))
    return replace(retold.entry(one, _named(topology, told), _named(topology, one.services), voices), services=told)


def _named(topology: Topology, services: Iterable[str]) -> Sequence[Mapping[str, str]]:
    """What *services* are called, in the file's order."""
    return [topology.services[id].name or {"": id} for id in topology.in_order(services)]
