"""What must hold in every situation and of every history, whatever happened. Each truth is told from the outside: by standings,
incidents and events, never by how the engine comes to them.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from incidents.corrected import Corrected
from incidents.events import (
    Acknowledged,
    Called,
    Calmed,
    Counted,
    Event,
    Flapped,
    Impacted,
    IncidentEvent,
    Joined,
    MaintenanceEvent,
    MaintenanceMoved,
    MaintenanceUpdated,
    Moved,
    Noted,
    Opened,
    Parted,
    Paused,
    Planned,
    Published,
    Reclaimed,
    Renamed,
    Reopened,
    Rerooted,
    Resolved,
    Resumed,
    Settled,
    StateChanged,
    StatusChanged,
    Updated,
    Waived,
)
from incidents.handled import Handled
from incidents.impairment import Impaired, Proven, Unimpaired
from incidents.imported import Imported, Quoted
from incidents.lifecycle import MAINTENANCE_MOVES, TRANSITIONS, Trigger
from incidents.maintenance import Maintenance, MaintenanceState
from incidents.model import Incident, Origin, Situation, State, Status, Subject, Topology, Update
from incidents.policy import Policy
from incidents.reviewed import ReviewEvent
from incidents.rollup import ORDER, TROUBLE, component_status, declared, hit_services, service_status, standing, worst
from incidents.votes import Level
from tests.incidents.chance import MARK
from tests.incidents.reading import GERMAN, sentences

LONGEST_SILENCE = timedelta(seconds=100)
"""The longest ``stale_after`` in these worlds: by then every part was probed again, or is unknown."""

Machine = Mapping[str, Incident]


def machines(situation: Situation) -> Machine:
    return {id: incident for id, incident in situation.incidents.items() if incident.origin is Origin.MACHINE}


# --- of a situation -----------------------------------------------------------------------------------------------------------


def one_open_incident_a_root(situation: Situation) -> None:
    roots = Counter(incident.root for incident in machines(situation).values())
    assert None not in roots
    assert all(count == 1 for count in roots.values()), roots
    known = situation.topology.components
    assert all(incident.root in incident.components or incident.root not in known for incident in machines(situation).values())


def no_part_is_in_two_incidents(situation: Situation) -> None:
    held = Counter(id for incident in machines(situation).values() for id in incident.components)
    assert all(count == 1 for count in held.values()), held


def what_nobody_watches_or_needs_is_over(situation: Situation) -> None:
    topology = situation.topology
    for incident in machines(situation).values():
        watching = [id for part in incident.components for id in topology.monitors_of.get(part, ()) if not situation.stands_still(id)]
        assert watching, "nobody watches anything of it any more"
        assert incident.services.keys() & topology.services.keys(), "nobody needs anything of it any more"
        assert incident.pinned <= set(incident.components), "what a person put into it is not in it"


def every_broken_part_that_hurts_is_explained(situation: Situation, now: datetime, policy: Policy) -> None:
    held = {id for incident in machines(situation).values() for id in incident.components}
    for id in situation.topology.components:
        if hit_services(situation, id) and id not in situation.waived and not _is_cause_in_doubt(situation, id, now, policy):
            assert id in held, f"{id} hits {hit_services(situation, id)} and no incident says so"


def _is_cause_in_doubt(situation: Situation, component: str, now: datetime, policy: Policy) -> bool:
    """Whether a parent has begun to fail so lately that nobody can say yet whose fault it is."""
    for ancestor in situation.topology.ancestors[component]:
        for (monitor, _), streak in situation.streaks.items():
            is_bad = bool(streak.runs) and streak.runs[-1].level is not Level.GOOD
            if monitor in situation.topology.monitors_of[ancestor] and is_bad and streak.runs[-1].since > now - policy.waits_for_cause:
                return True
    return False


def no_part_stays_with_a_cause_that_is_long_back(situation: Situation, now: datetime) -> None:
    """*now* is an instant at which the machine has looked."""
    for incident in machines(situation).values():
        root = situation.standings.get((Subject.COMPONENT, incident.root or ""))
        if root is not None and root.status is Status.OPERATIONAL and root.since + LONGEST_SILENCE <= now:
            free = [id for id in incident.components if id not in incident.pinned]
            broken = [id for id in free if standing(situation, Subject.COMPONENT, id) in TROUBLE]
            assert broken == [], f"{incident.root} is back, and {broken} are still said to be its victims"


def every_service_in_trouble_is_named(situation: Situation) -> None:
    """With the status that it has, wherever an open incident holds a part that hurts it."""
    for incident in machines(situation).values():
        for service in {id for component in incident.components for id in hit_services(situation, component)}:
            assert incident.services.get(service) is standing(situation, Subject.SERVICE, service)


def roll_ups_agree_with_what_they_are_made_of(situation: Situation) -> None:
    topology, said = situation.topology, declared(situation.incidents)
    for id in topology.components:
        judging = [topology.monitors[monitor] for monitor in topology.monitors_of[id] if not situation.stands_still(monitor)]
        status = component_status(judging, lambda monitor: standing(situation, Subject.MONITOR, monitor))
        assert standing(situation, Subject.COMPONENT, id) is status
    for id, service in topology.services.items():
        probed = service_status(service, lambda part: standing(situation, Subject.COMPONENT, part))
        measured = worst((probed, said.get(id, Status.OPERATIONAL)))
        found = situation.standings.get((Subject.SERVICE, id))
        if not any(_covers(window, id) for window in situation.maintenances.values()):
            assert (standing(situation, Subject.SERVICE, id), found and found.covered) == (measured, None)
        else:
            assert found is not None
            assert found.covered is measured, "what was measured is lost"
            assert found.status is worst((Status.MAINTENANCE, _without_planned_work(situation, id), said.get(id, Status.OPERATIONAL)))


def _covers(window: Maintenance, service: str) -> bool:
    return window.state is MaintenanceState.IN_PROGRESS and service in window.services


def _without_planned_work(situation: Situation, service: str) -> Status:
    """The service's status, were all parts good that some running window works on, told part by part."""

    def as_if(part: str) -> Status:
        for window in situation.maintenances.values():
            if _covers(window, service) and _touches(situation, window, part) and part not in window.spared:
                return Status.OPERATIONAL
        return standing(situation, Subject.COMPONENT, part)

    return service_status(situation.topology.services[service], as_if)


def what_is_over_or_late_has_ended(situation: Situation, now: datetime, policy: Policy) -> None:
    """*now* is an instant at which the machine has looked."""
    for window in situation.maintenances.values():
        match window.state:
            case MaintenanceState.SCHEDULED:
                assert window.starts > now or not window.is_public
            case MaintenanceState.IN_PROGRESS:
                assert window.began_at is not None
                assert window.began_at <= now < window.ends
            case MaintenanceState.VERIFYING:
                assert window.ends <= now < window.ends + policy.verifies_for
            case _:
                raise AssertionError("a window that is over is still held")
        assert window.starts <= window.ends
        assert all(promise.announced_at <= now for promise in window.promises)
        assert bool(window.promises) is window.is_public


def planned_work_opens_no_incident_before_its_grace(history: Sequence[Event]) -> None:
    """An incident that says "was planned until" began inside its window, and opened when the grace was over."""
    for event in history:
        if isinstance(event, Opened) and event.planned_until is not None:
            ended = [e for e in history if isinstance(e, MaintenanceMoved) and e.overran and e.at == event.at]
            assert ended, "said to follow planned work that did not overrun"


def _is_unsure(situation: Situation, incident: Incident) -> bool:
    """Whether planned work, or the trouble of another, hides what is not known: then nobody can say that it recovered."""
    hidden = any(
        _covers(window, id) and _without_planned_work(situation, id) is Status.UNKNOWN
        for window in situation.maintenances.values()
        for id in incident.services
    )
    return hidden or not its_own_parts_are_known(situation, incident)


def its_own_parts_are_known(situation: Situation, incident: Incident) -> bool:
    """Whether each of its services could be judged, were nothing broken but what belongs to it and no planned work explains."""
    excusing = {MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING}

    def as_if(service: str, part: str) -> Status:
        windows = [one for one in situation.maintenances.values() if one.state in excusing and service in one.services]
        is_free = not any(_touches(situation, window, part) and part not in window.spared for window in windows)
        return standing(situation, Subject.COMPONENT, part) if part in incident.components and is_free else Status.OPERATIONAL

    services = situation.topology.services
    return all(service_status(services[id], partial(as_if, id)) is not Status.UNKNOWN for id in incident.services if id in services)


def _touches(situation: Situation, window: Maintenance, part: str) -> bool:
    topology = situation.topology
    needed = {id for name in window.services if name in topology.services for n in topology.services[name].needs for id in n.of}
    declared_parts = window.components or needed
    return part in declared_parts or any(parent in declared_parts for parent in topology.ancestors[part])


def an_incident_is_recovered_exactly_while_nothing_it_hit_is_in_trouble(situation: Situation) -> None:
    for incident in machines(situation).values():
        present = [standing(situation, Subject.SERVICE, id) for id in incident.services]
        is_hurting = any(status in TROUBLE for status in incident.services.values())
        assert not (incident.recovered_at and is_hurting), "seen to recover, and still hitting a service"
        if incident.recovered_at is None and not is_hurting and not incident.is_flapping:
            assert Status.UNKNOWN in present or _is_unsure(situation, incident), "everything it hit is well, and it was not seen to recover"


def counts_are_those_of_the_words(situation: Situation, history: Sequence[Event]) -> None:
    for incident in situation.incidents.values():
        assert incident.updates == sum(isinstance(e, Updated) and e.incident == incident.id for e in history)
        assert incident.notes == sum(isinstance(e, Noted) and e.incident == incident.id for e in history)


def automatic_words_say_what_the_page_shows(situation: Situation, event: Updated) -> None:
    """*situation* is that in which the words were published."""
    if event.update.automatic:
        for one in sentences(situation, event.update.body):
            assert one.agrees(situation), f"{event.update.body} But {one.service} {one.capability} is {one.shown(situation)}"
        in_title = re.search(r": (.*) (?:not working|impaired) – investigating$", event.update.title)
        working = {one.capability for one in sentences(situation, event.update.body) if one.said is Status.OPERATIONAL}
        incident = situation.incidents[event.incident]
        assert incident.asks_desk or in_title is None or working.isdisjoint(re.split(", | and ", in_title[1])), event.update


def every_language_says_the_same(situation: Situation, event: Updated) -> None:
    """What a reader takes from the German words is what another takes from the English ones."""
    update = event.update
    if update.automatic and (german := update.bodies.get("de")) is not None:
        assert list(sentences(situation, german, GERMAN)) == list(sentences(situation, update.body)), f"{update.body} But: {german}"


def newest_words_promise_nothing_better_than_is_shown(
    situation: Situation, newest: Mapping[str, Update], now: datetime, policy: Policy
) -> None:
    """*now* is an instant at which the machine has looked. What was said to work works; what got worse was said, unless only just."""
    for id, incident in machines(situation).items():
        update = newest.get(id)
        if update is None or not update.automatic or incident.is_flapping:
            continue
        for one in sentences(situation, update.body):
            is_covered = standing(situation, Subject.SERVICE, one.service) is Status.MAINTENANCE  # planned work has words of its own
            if one.said is None or one.shown(situation) not in TROUBLE or is_covered:
                continue
            is_late = update.at + policy.says_more_after <= now
            assert one.said in TROUBLE, f"{update.body} But {one.service} {one.capability} is {one.shown(situation)}"
            assert not is_late or ORDER[one.said] >= ORDER[one.shown(situation)], f"{update.body} But {one} is {one.shown(situation)}"


SITUATION_TRUTHS = (
    one_open_incident_a_root,
    no_part_is_in_two_incidents,
    what_nobody_watches_or_needs_is_over,
    every_service_in_trouble_is_named,
    roll_ups_agree_with_what_they_are_made_of,
    an_incident_is_recovered_exactly_while_nothing_it_hit_is_in_trouble,
)


# --- of a history: told event by event ----------------------------------------------------------------------------------------


class History:
    """Reads events as they come, and complains of the first that cannot follow those before."""

    def __init__(self) -> None:
        self.statuses: dict[tuple[Subject, str], StatusChanged] = {}
        self.states: dict[str, State] = {}
        self.windows: dict[str, MaintenanceState] = {}
        self.window_words: Counter[str] = Counter()
        self.updates: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.public: set[str] = set()
        self.over: set[str] = set()
        self.waived: set[str] = set()
        self.by_agents: set[str] = set()
        self.flapping: set[str] = set()
        self.ended: dict[str, Resolved] = {}
        self.services: dict[str, set[str]] = {}

    def read(self, event: Event) -> None:
        match event:
            case StatusChanged():
                self._changed(event)
            case Waived():
                self.waived.add(event.component)
            case Reclaimed():
                assert event.component in self.waived
                newest = self.statuses[Subject.COMPONENT, event.component]
                assert newest.new is Status.OPERATIONAL, "given back to the machine without having recovered"
                self.waived.remove(event.component)
            case Opened():
                self._opened(event)
            case _ if isinstance(event, MaintenanceEvent):
                self._planned(event)
            case Moved():
                self._moved(event)
            case Counted() | Corrected() | Paused() | Resumed() | Proven() | Impaired() | Unimpaired():
                return
            case _:
                if isinstance(event, IncidentEvent):
                    self._went_on(event)

    def _changed(self, event: StatusChanged) -> None:
        before = self.statuses.get((event.subject, event.id))
        assert event.old is (Status.UNKNOWN if before is None else before.new)
        assert event.old is not event.new or event.covered is not (before and before.covered)
        assert event.since <= event.at
        if before is not None:
            assert event.since >= (before.measured_since or before.since), "what was measured runs backwards"
            assert event.at >= before.at, "history runs backwards"
        self.statuses[event.subject, event.id] = event

    def _moved(self, event: Moved) -> None:
        """What was told of it was told of what is called otherwise now."""
        assert (event.subject, event.new) not in self.statuses, "two become one"
        if (found := self.statuses.pop((event.subject, event.old), None)) is not None:
            self.statuses[event.subject, event.new] = found
        if event.subject is Subject.COMPONENT:
            self.waived = {event.new if id == event.old else id for id in self.waived}
        if event.subject is Subject.SERVICE:
            self.services = {incident: {event.new if id == event.old else id for id in ids} for incident, ids in self.services.items()}

    def serves(self, topology: Topology) -> None:
        """The file names other services: nobody asks any more how those are that it left out."""
        self.services = {incident: ids & topology.services.keys() for incident, ids in self.services.items()}

    def _planned(self, event: MaintenanceEvent) -> None:
        match event:
            case Planned():
                assert event.maintenance not in self.windows, "the same id twice"
                self.windows[event.maintenance] = MaintenanceState.SCHEDULED
            case MaintenanceMoved():
                assert event.old is self.windows[event.maintenance]
                assert event.new in MAINTENANCE_MOVES[event.old]
                assert event.since <= event.at
                self.windows[event.maintenance] = event.new
            case MaintenanceUpdated():
                self.window_words[event.maintenance] += 1
                assert event.update.number == self.window_words[event.maintenance], "numbers of words have a gap"
                _says_nothing_internal(event.update.title + event.update.body, is_typed=event.update.by is not None)
            case _:
                assert MAINTENANCE_MOVES[self.windows[event.maintenance]], "something happened to it after its end"

    def _opened(self, event: Opened) -> None:
        assert event.incident not in self.states, "the same id twice"
        assert event.started_at <= event.at
        assert event.publish_at is None or event.at <= event.publish_at
        assert (event.root is None) is (event.origin is Origin.AGENT)
        assert event.root not in self.waived
        self.states[event.incident] = State.INVESTIGATING
        if event.origin is Origin.AGENT:
            self.by_agents.add(event.incident)
        _says_nothing_internal(event.name, is_typed=event.origin is Origin.AGENT)

    def _went_on(self, event: IncidentEvent) -> None:
        state = self.states[event.incident]
        if isinstance(event, Reopened):
            self._returned(event)
            return
        if isinstance(event, Settled):
            assert self.ended.pop(event.incident).reopens_until is not None
            return
        assert event.incident not in self.over, "something happened to it after its end"
        by_people = Imported | Quoted | Called | ReviewEvent | Handled
        assert not isinstance(event, by_people), "the machine's judgement is no import, no call, and nobody's act"
        match event:
            case StateChanged():
                assert event.old is state
                assert event.new in TRANSITIONS[state].values()
                assert event.new is not State.RESOLVED
                if event.resolves_at is not None:
                    self._recovered(event)
                self.states[event.incident] = event.new
            case Joined():
                assert event.component not in self.waived
            case Renamed():
                _says_nothing_internal(event.name, is_typed=False)
            case Published():
                assert event.incident not in self.public
                self.public.add(event.incident)
            case Updated():
                self._said(event, state)
            case Noted():
                self.notes[event.incident] += 1
                assert event.note.number == self.notes[event.incident]
            case Acknowledged():
                assert event.acknowledgement.at == event.at < event.acknowledgement.expires_at
            case Resolved():
                self._ended(event, state)
            case Impacted():
                self.services.setdefault(event.incident, set()).update(event.services)
            case Flapped():
                assert event.incident not in self.flapping, "it flaps already"
                self.flapping.add(event.incident)
            case Calmed():
                self.flapping.remove(event.incident)
            case Opened() | Parted() | Rerooted():
                return

    def _returned(self, event: Reopened) -> None:
        end = self.ended.pop(event.incident)
        assert end.reopens_until is not None, "it was over for good"
        assert end.at <= event.at < end.reopens_until
        assert event.since <= event.at
        assert event.publish_at is None or event.at <= event.publish_at
        self.over.remove(event.incident)
        self.states[event.incident] = State.INVESTIGATING

    def _recovered(self, event: StateChanged) -> None:
        known = {id for (subject, id), change in self.statuses.items() if subject is Subject.SERVICE and change.new is not Status.UNKNOWN}
        assert self.services[event.incident] <= known, "nobody knows whether it works again"

    def _said(self, event: Updated, state: State) -> None:
        update = event.update
        self.updates[event.incident] += 1
        assert update.number == self.updates[event.incident], "update numbers have a gap"
        assert event.incident in self.public, "words of an incident that is not public"
        assert update.automatic is (update.by is None)
        assert update.state is state or update.state is State.RESOLVED
        _says_nothing_internal(f"{update.title}\n{update.body}", is_typed=not update.automatic and event.incident in self.by_agents)

    def _ended(self, event: Resolved, state: State) -> None:
        self.over.add(event.incident)
        self.ended[event.incident] = event
        assert event.reopens_until is None or (event.merged_into is None and event.override_reason is None)
        assert State.RESOLVED in TRANSITIONS[state].values()
        if event.by is None and event.merged_into is None and event.cause not in {"monitoring is paused", "no longer monitored"}:
            # What nobody watches any more ends too, from any state.
            assert TRANSITIONS[state][Trigger.WATCHED] is State.RESOLVED
        if event.merged_into is not None:
            assert event.merged_into not in self.over
        if event.incident in self.public and event.merged_into is not None:
            assert event.merged_into in self.public, "the public is sent to an incident that it cannot see"


def _says_nothing_internal(text: str, *, is_typed: bool) -> None:
    assert text.strip()
    assert is_typed or MARK not in text, f"internal words in public: {text}"
