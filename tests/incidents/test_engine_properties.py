"""The engine as a state machine: whatever happens in whatever order, certain things always hold."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from incidents import act, pausing, regroup
from incidents.decide import decide, rejudge
from incidents.events import Acknowledged, Event, Moved, Opened, Reopened, Resolved, StateChanged, Updated
from incidents.maintenance import Maintenance
from incidents.model import Incident, Monitor, Origin, Situation, State, Status, Subject, Topology, Update
from incidents.moving import Move, results_moved
from incidents.planned import planning
from incidents.policy import LEVELS, Policy
from incidents.replaying.narrowing import narrowed
from incidents.rollup import TROUBLE, hit_services, standing
from incidents.situation import fold
from incidents.votes import Level
from probes.result import Failure, ProbeResult, Result
from statuspage.bundled import templates
from statuspage.render.voicing import voices_of
from tests.incidents import files, truths
from tests.incidents.chance import FAILURES, MARK, often, topologies
from tests.incidents.tally import Tally
from tests.incidents.world import START

LASTS = timedelta(minutes=10)
ANYTIME = planning.Terms(override="It must be.")
NOTHING = Topology(services={}, components={}, monitors={})
AGENTS = ("ada", "bob")
VOICES = voices_of("en", ("en", "de"), templates() / "languages")
DRAWN = st.integers(0, 2**16)
BATCHES = st.lists(st.tuples(DRAWN, st.sampled_from(FAILURES)), min_size=1, max_size=8)


class Engine(RuleBasedStateMachine):
    """One engine with a history; every step moves the clock, so that no two decisions fall on one instant."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally
        self.met: set[str] = set()
        self.now = START
        self.policy = Policy(voices=VOICES)
        self.history: list[Event] = []
        self.heard: list[Result] = []
        self.chapters: list[tuple[list[Event], list[Result]]] = [([], [])]
        self.former: Topology | None = None
        self.votes: dict[tuple[str, str], list[Level]] = {}
        self.held: dict[str, tuple[str, datetime]] = {}
        self.placed: dict[str, str] = {}
        self.newest: dict[str, Update] = {}
        self.reader = truths.History()

    @initialize(topology=topologies())
    def begin(self, topology: Topology) -> None:
        self.situation = self.known = Situation(topology=NOTHING, seed="seed")
        self._read(topology)

    def _read(self, topology: Topology) -> None:
        """Go on by what the file says now."""
        self.topology = topology
        self.situation = narrowed(self.known, topology)
        self.watches = [(monitor, place) for monitor in topology.monitors.values() for place in monitor.locations]

    def teardown(self) -> None:
        self.tally.add(self.met)

    def _meets(self, deed: str) -> None:
        """Something is about to be done: remember in which states of incidents."""
        self.met |= {f"{deed} while {incident.state}" for incident in self.situation.incidents.values()}
        self.met |= {f"{deed} while work is {window.state}" for window in self.situation.maintenances.values()}

    # --- what can happen

    @rule(batch=BATCHES, seconds=st.sampled_from([1, 3, 30]), seed=DRAWN, repeats=st.booleans())
    def probes_report(self, batch: Sequence[tuple[int, Failure | None]], seconds: int, seed: int, repeats: bool) -> None:  # noqa: FBT001 - drawn by name
        """Results of several monitors arrive together, some of them twice, a slot at a time for each monitor, in any order."""
        if not batch or not self.watches:
            return  # the file has nobody watch it
        start = self.now + timedelta(milliseconds=1)
        self.now += timedelta(seconds=seconds)
        step = (self.now - start) / len(batch)
        results = [self._result(number, failure, start + step * place) for place, (number, failure) in enumerate(batch)]
        if repeats:
            results += [*results[:2], *self.heard[-2:]]
        shuffled = random.Random(seed).sample(results, len(results))
        before = self.situation
        events = decide(before, results, self.policy, self.now)
        assert decide(_shuffled(before, seed), shuffled, self.policy, self.now) == events, "the order of arrival, or of rows, mattered"
        voted = self._vote(results)
        self._take(events, shuffled)
        self._verdicts_have_votes(before, voted)
        self._take(decide(self.situation, (), self.policy, self.now))

    @rule(failure=st.sampled_from(FAILURES), number=DRAWN, times=st.integers(1, 3))
    def one_monitor_insists(self, failure: Failure | None, number: int, times: int) -> None:
        for _ in range(times):
            self.probes_report([(number, failure)], 3, 0, repeats=False)

    @rule(failure=st.sampled_from(FAILURES[:4]))
    def everything_is_alike(self, failure: Failure | None) -> None:
        for _ in range(3):
            self.probes_report([(number, failure) for number in range(len(self.watches))], 3, 0, repeats=False)

    @rule(number=DRAWN)
    def trouble_climbs(self, number: int) -> None:
        """A part breaks, its parent limps, and then breaks too: what looked like two causes turns out to be one."""
        for child, parent in self._pair(number):
            for part, failure in (
                (child, None),
                (parent, None),
                (child, Failure.REFUSED),
                (parent, Failure.SLOW),
                (parent, Failure.REFUSED),
            ):
                for _ in range(3):
                    self.probes_report(self._all_of(part, failure), 3, 0, repeats=False)

    @rule(number=DRAWN)
    def a_cause_comes_back_alone(self, number: int) -> None:
        """Parent and part break together; the parent is mended, and the part goes on failing by itself."""
        for child, parent in self._pair(number):
            for failure, length in ((Failure.REFUSED, 3), (None, 7)):
                for _ in range(length):
                    self.probes_report([*self._all_of(child, Failure.REFUSED), *self._all_of(parent, failure)], 30, 0, repeats=False)

    def _pair(self, number: int) -> list[tuple[str, str]]:
        pairs = [(part.id, parent) for part in self.topology.components.values() for parent in part.depends_on]
        return [pairs[number % len(pairs)]] if pairs else []

    def _all_of(self, component: str, failure: Failure | None) -> list[tuple[int, Failure | None]]:
        return [(place, failure) for place, (monitor, _) in enumerate(self.watches) if monitor.component == component]

    @rule(seconds=st.sampled_from([1, 10, 31, 61, 400, 2000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        events = decide(self.situation, (), self.policy, self.now)
        assert decide(_shuffled(self.situation, seconds), (), self.policy, self.now) == events, "the order of rows mattered"
        self._take(events)
        assert decide(self.situation, (), self.policy, self.now) == (), "a second look found more"
        assert rejudge(self.situation, self.policy, self.now) == (), "judging anew found more"

    def _any(self) -> bool:
        return bool(self.situation.incidents)

    @precondition(_any)
    @rule(number=DRAWN, by=st.sampled_from(AGENTS))
    def somebody_acknowledges(self, number: int, by: str) -> None:
        incident = self._incident(number)
        holder = self.held.get(incident.id)
        if holder is None or holder[0] == by or holder[1] <= self._next():
            self._act(act.acknowledge, incident=incident.id, by=by, lasts=LASTS)
        else:
            with pytest.raises(act.AlreadyHeld) as refusal:
                act.acknowledge(self.situation, self.now, incident=incident.id, by=by, lasts=LASTS)
            assert refusal.value.held.by == holder[0]

    @precondition(_any)
    @rule(number=DRAWN, state=st.sampled_from([None, State.INVESTIGATING, State.IDENTIFIED, State.MONITORING]))
    def somebody_updates(self, number: int, state: State | None) -> None:
        self._next()
        self._act(act.update, incident=self._incident(number).id, by="ada", state=state, body="We are on it.")

    @precondition(_any)
    @rule(number=DRAWN)
    def somebody_notes(self, number: int) -> None:
        self._next()
        self._act(act.note, incident=self._incident(number).id, by="bob", body=f"{MARK} was rebooted")

    @precondition(_any)
    @rule(number=DRAWN, override=st.sampled_from([None, f"{MARK} is replaced tomorrow"]))
    def somebody_resolves(self, number: int, override: str | None) -> None:
        self._next()
        incident = self._incident(number)
        broken = [id for id in incident.components if standing(self.situation, Subject.COMPONENT, id) in TROUBLE]
        resolve = {"incident": incident.id, "by": "ada", "body": "It is over.", "override": override}
        if broken and override is None:
            with pytest.raises(act.StillFailing):
                act.resolve(self.situation, self.now, **resolve)  # type: ignore[arg-type]  # the test's own keywords
        else:
            self._act(act.resolve, **resolve)

    @rule(number=DRAWN, status=st.sampled_from([Status.DEGRADED, Status.MAJOR]))
    def somebody_opens_one(self, number: int, status: Status) -> None:
        self._next()
        services = sorted(self.topology.services)
        said = {services[number % len(services)]: status}
        self._act(act.open_incident, by="bob", name=f"{MARK} typed by a person", services=said, body="Customers call us.")

    @precondition(_any)
    @rule(number=DRAWN, other=DRAWN)
    def somebody_merges(self, number: int, other: int) -> None:
        self._next()
        source, target = self._incident(number), self._incident(other)
        merge = {"incident": source.id, "into": target.id, "by": "ada"}
        is_typed = source.origin is Origin.AGENT
        fits = source.id != target.id and (target.origin is source.origin or (is_typed and set(source.services) <= set(target.services)))
        if not fits:
            with pytest.raises(act.Invalid):
                regroup.merge(self.situation, self.now, **merge)  # type: ignore[arg-type]  # none of them is another language
            return
        self._meets("merged")
        if source.id in self.reader.by_agents:
            self.reader.by_agents.add(target.id)  # its words may quote what a person typed
        self._act(regroup.merge, **merge)
        self.placed |= dict.fromkeys(source.components, target.id)

    @precondition(_any)
    @rule(number=DRAWN, chosen=st.sets(st.integers(0, 5), min_size=1, max_size=3))
    def somebody_splits(self, number: int, chosen: set[int]) -> None:
        self._next()
        found = self._incident(number)
        parts = found.components or tuple(sorted(found.services))
        taken = [parts[place] for place in chosen if place < len(parts)]
        if not 0 < len(taken) < len(parts) or (found.components and not any(hit_services(self.situation, id) for id in taken)):
            return
        self._meets("split")
        split = {"incident": found.id, "by": "bob", "name": "A part by itself", "body": "It has another cause."}
        key = "components" if found.components else "services"
        self._act(regroup.split, **split, **{key: taken})
        (new,) = (event.incident for event in self.history[-40:] if isinstance(event, Opened) and event.at == self.now)
        if found.components:
            self.placed |= dict.fromkeys(taken, new)

    @rule(number=DRAWN)
    def somebody_pauses_or_resumes(self, number: int) -> None:
        self._next()
        if not self.topology.monitors:
            return
        monitor = sorted(self.topology.monitors)[number % len(self.topology.monitors)]
        if monitor not in self.situation.paused:
            self._act(pausing.pause, monitor=monitor, by="ada", reason=f"{MARK} gets new disks")
            return
        self._act(pausing.resume, monitor=monitor, by="bob")
        self.votes = {place: votes for place, votes in self.votes.items() if place[0] != monitor}

    # --- planned work

    @rule(
        number=DRAWN,
        starts=st.sampled_from([1, 40, 500]),
        lasts=st.sampled_from([5, 60, 900]),
        parts=st.integers(0, 2),
        waits=st.booleans(),
    )
    def somebody_plans(self, number: int, starts: int, lasts: int, parts: int, waits: bool) -> None:  # noqa: FBT001 - drawn by name
        services, components = sorted(self.topology.services), sorted(self.topology.components)
        begins = self._next() + timedelta(seconds=starts)
        wish = planning.Wish(
            name="Patches",
            services=tuple({services[number % len(services)], services[number // 7 % len(services)]}),
            components=tuple(dict.fromkeys(components[(number + place) % len(components)] for place in range(parts))),
            starts=begins,
            ends=begins + timedelta(seconds=lasts),
            body="We patch.",
        )
        self._act(planning.plan, by="ada", wish=wish, terms=replace(ANYTIME, needs_approval=waits))

    def _has_windows(self) -> bool:
        return bool(self.situation.maintenances)

    def _window(self, number: int) -> Maintenance:
        return sorted(self.situation.maintenances.values(), key=lambda window: window.id)[number % len(self.situation.maintenances)]

    @precondition(_has_windows)
    @rule(number=DRAWN, what=st.sampled_from(["finish", "cancel", "approve"]))
    def somebody_ends_a_window(self, number: int, what: str) -> None:
        self._next()
        deeds: dict[str, Callable[..., Sequence[Event]]]
        deeds = {"finish": planning.finish, "cancel": planning.cancel, "approve": planning.approve}
        self._may(deeds[what], maintenance=self._window(number).id, by="meg")

    @precondition(_has_windows)
    @rule(number=DRAWN, seconds=st.sampled_from([-30, 10, 120, 1000]), moves=st.booleans())
    def somebody_changes_a_window(self, number: int, seconds: int, moves: bool) -> None:  # noqa: FBT001 - drawn by name
        window, now = self._window(number), self._next()
        ends = max(window.ends, now) + timedelta(seconds=seconds)
        if moves:
            starts = max(window.starts, now) + timedelta(seconds=seconds)
            self._may(planning.reschedule, maintenance=window.id, by="bob", starts=starts, terms=ANYTIME)
        else:
            self._may(planning.extend, maintenance=window.id, by="bob", ends=ends, terms=ANYTIME)

    def _may(self, deed: Callable[..., Sequence[Event]], **arguments: object) -> None:
        """Do it, unless it makes no sense as things stand."""
        with suppress(act.Invalid):
            self._act(deed, **arguments)

    # --- another file

    @rule(number=DRAWN, subject=st.sampled_from(Subject))
    def something_is_called_otherwise(self, number: int, subject: Subject) -> None:
        """Nothing happens by that: whatever was known is known under the new id, and nobody is told anything."""
        self._next()
        self._take(decide(self.situation, (), self.policy, self.now))
        known = self._ids(subject)
        if not known:
            return
        move = Move(subject, known[number % len(known)], f"{known[number % len(known)]}-{number % 7}")
        if move.new in known or (move.subject, move.new) in self.known.standings:
            return  # it was called so once, or something else was
        self._meets("renamed")
        moved = Moved(at=self.now, subject=subject, old=move.old, new=move.new)
        self.reader.read(moved)
        self.history.append(moved)
        self.chapters.append(([moved], []))
        self.heard = results_moved(self.heard, [move])
        self.known = fold(self.known, (moved,))
        if subject is Subject.MONITOR:
            self.votes = {(move.new if id == move.old else id, place): votes for (id, place), votes in self.votes.items()}
        if subject is Subject.COMPONENT:
            self.placed = {move.new if id == move.old else id: incident for id, incident in self.placed.items()}
        self._read(files.renamed(self.topology, move))
        self.former = None
        assert rejudge(self.situation, self.policy, self.now) == (), "another name, and something happened"

    @rule(number=DRAWN, subject=st.sampled_from(Subject))
    def something_is_taken_out(self, number: int, subject: Subject) -> None:
        known = self._ids(subject)
        if len(known) > 1:
            self._meets("taken out")
            self.former = self.topology
            self._go_on_by(files.without(self.topology, subject, known[number % len(known)]))

    @precondition(lambda self: self.former is not None)
    @rule()
    def the_file_is_taken_back(self) -> None:
        former, self.former = self.former, self.topology
        assert former is not None
        self._go_on_by(former)

    @rule(number=DRAWN)
    def a_monitor_is_disabled_or_enabled(self, number: int) -> None:
        known = self._ids(Subject.MONITOR)
        if known:
            self._meets("switched")
            self._go_on_by(files.switched(self.topology, known[number % len(known)]))
            self.former = None

    def _ids(self, subject: Subject) -> list[str]:
        held = {
            Subject.MONITOR: self.topology.monitors,
            Subject.COMPONENT: self.topology.components,
            Subject.SERVICE: self.topology.services,
        }
        return sorted(held[subject])

    def _go_on_by(self, topology: Topology) -> None:
        self._next()
        self._read(topology)
        self.reader.serves(topology)
        self.placed = {component: incident for component, incident in self.placed.items() if component in topology.components}
        events = rejudge(self.situation, self.policy, self.now)
        assert rejudge(_shuffled(self.situation, len(self.history)), self.policy, self.now) == events, "the order of rows mattered"
        self._take(events)
        assert rejudge(self.situation, self.policy, self.now) == (), "judging anew found more"

    @rule(seed=DRAWN)
    def everything_is_restarted(self, seed: int) -> None:
        """Nothing is left but what was written down, and a store gives it back in an order of its own."""
        self._meets("restarted")
        known = Situation(topology=NOTHING, seed="seed")
        for events, results in self.chapters:
            known = fold(known, events, results)
        assert known == self.known
        self.known = _shuffled(known, seed)
        self._read(self.topology)

    # --- what always holds

    @invariant()
    def every_truth_holds(self) -> None:
        for truth in truths.SITUATION_TRUTHS:
            truth(self.situation)
        truths.what_is_over_or_late_has_ended(self.situation, self.now, self.policy)
        truths.planned_work_opens_no_incident_before_its_grace(self.history)
        truths.every_broken_part_that_hurts_is_explained(self.situation, self.now, self.policy)
        truths.no_part_stays_with_a_cause_that_is_long_back(self.situation, self.now)
        truths.counts_are_those_of_the_words(self.situation, self.history)
        truths.newest_words_promise_nothing_better_than_is_shown(self.situation, self.newest, self.now, self.policy)

    @invariant()
    def what_a_person_put_somewhere_is_there(self) -> None:
        for component, incident in self.placed.items():
            assert component in self.situation.incidents[incident].components, f"the machine took {component} away"

    @invariant()
    def what_a_person_accepted_is_accepted(self) -> None:
        assert self.situation.waived == self.reader.waived & self.topology.components.keys()

    @invariant()
    def owners_are_those_who_acknowledged(self) -> None:
        for incident in self.situation.incidents.values():
            owned = incident.acknowledgement
            assert (None if owned is None else (owned.by, owned.expires_at)) == self.held.get(incident.id)

    # --- the road, without a store

    def _next(self) -> datetime:
        self.now += timedelta(milliseconds=7)
        return self.now

    def _incident(self, number: int) -> Incident:
        return sorted(self.situation.incidents.values(), key=lambda incident: (incident.opened_at, incident.id))[
            number % len(self.situation.incidents)
        ]

    def _result(self, number: int, failure: Failure | None, slot: datetime) -> Result:
        monitor, place = self.watches[number % len(self.watches)]
        stage = f"{MARK}-stage" if failure else None
        measured = ProbeResult(took=0.01, failure=failure, stage=stage, detail=f"{MARK}: connection to 10.0.0.1 lost" if failure else "")
        return Result(monitor=monitor.id, location=place, slot=slot, started=slot, measured=measured)

    def _act(self, deed: Callable[..., Sequence[Event]], **arguments: object) -> None:
        self._take(deed(self.situation, self.now, **arguments))
        self._take(rejudge(self.situation, self.policy, self.now))

    def _take(self, events: Sequence[Event], results: Sequence[Result] = ()) -> None:
        seen = self.situation.seen
        one_by_one = fold(self.situation, (), results)
        for event in events:
            self.reader.read(event)
            one_by_one = fold(one_by_one, (event,))
            if isinstance(event, Updated):
                truths.automatic_words_say_what_the_page_shows(one_by_one, event)
                truths.every_language_says_the_same(one_by_one, event)
                self.newest[event.incident] = event.update
        self.situation = fold(self.situation, events, results)
        assert one_by_one == self.situation
        self.known = fold(self.known, events, results)
        assert narrowed(self.known, self.topology) == narrowed(self.situation, self.topology), "what is known is not what is judged by"
        assert all(self.situation.seen[key] >= slot for key, slot in seen.items()), "an old result made new ones unseen"
        self.history.extend(events)
        self.heard.extend(results)
        self.chapters[-1][0].extend(events)
        self.chapters[-1][1].extend(results)
        for event in events:
            if isinstance(event, StateChanged) and event.recovered_at is not None:
                incident = self.situation.incidents[event.incident]
                assert truths.its_own_parts_are_known(self.situation, incident), "recovered without evidence"
        over = {event.incident for event in events if isinstance(event, Resolved)}
        self.placed = {component: incident for component, incident in self.placed.items() if incident not in over}
        for event in events:
            if isinstance(event, Reopened):
                self.held.pop(event.incident, None)
        self.held.update({e.incident: (e.acknowledgement.by, e.acknowledgement.expires_at) for e in events if isinstance(e, Acknowledged)})
        assert {e.incident for e in events if isinstance(e, Opened)} <= {*self.situation.incidents, *self.reader.over}

    # --- a verdict needs its votes

    def _vote(self, results: Sequence[Result]) -> dict[str, list[list[Level]]]:
        """Each monitor's votes at each location with those of this batch, whose length says how many are new."""
        fresh: dict[tuple[str, str, datetime], Result] = {}
        for result in results:
            if result.slot > self.situation.seen.get((result.monitor, result.location), START - timedelta(days=1)):
                fresh[result.monitor, result.location, result.slot] = result
        for key in sorted(fresh):
            level = LEVELS[fresh[key].measured.failure]
            if level is not None and key[0] in self.topology.monitors and not self.situation.stands_still(key[0]):
                self.votes.setdefault(key[:2], []).append(level)
        return {id: [votes for (monitor, _), votes in self.votes.items() if monitor == id] for id in self.topology.monitors}

    def _verdicts_have_votes(self, before: Situation, voted: dict[str, list[list[Level]]]) -> None:
        alone = {id: monitor for id, monitor in self.topology.monitors.items() if len(monitor.locations) == 1}
        for id, monitor in alone.items():
            old, new = (standing(situation, Subject.MONITOR, id) for situation in (before, self.situation))
            if old in TROUBLE and new is Status.OPERATIONAL:
                assert any(_run(votes, monitor.recovers_after, {Level.GOOD}) for votes in voted[id]), "recovered without evidence"
            if old is Status.OPERATIONAL and new in TROUBLE:
                assert any(_has_failed(votes, monitor) for votes in voted[id]), "failed without evidence"


def _shuffled(situation: Situation, seed: int) -> Situation:
    """The same, with all that it holds in another order."""
    luck = random.Random(seed)
    held = {one.name: getattr(situation, one.name) for one in fields(situation)}
    others: dict[str, Any] = {
        name: dict(luck.sample(list(value.items()), len(value))) for name, value in held.items() if isinstance(value, Mapping)
    }
    return replace(situation, **others)


def _has_failed(votes: Sequence[Level], monitor: Monitor) -> bool:
    return _run(votes, monitor.fails_after, {Level.DEGRADED, Level.DOWN})


def _run(votes: Sequence[Level], length: int, among: set[Level]) -> bool:
    """Whether *length* votes in a row were all *among* those, anywhere."""
    return any(set(votes[place : place + length]) <= among for place in range(len(votes) - length + 1))


def test_whatever_happens_certain_things_always_hold(is_soak: bool, tally: Tally) -> None:  # noqa: FBT001 - a fixture
    """By chance in the long form; the short one walks the same ways each time."""
    ways = settings(often(is_soak=is_soak, few=100, most=3000), stateful_step_count=40)
    run_state_machine_as_test(lambda: Engine(tally), settings=ways)  # type: ignore[arg-type]  # it takes whatever makes one
    states = (State.INVESTIGATING, State.IDENTIFIED, State.MONITORING)
    deeds = ("renamed", "taken out", "switched", "restarted", "merged", "split")
    planned = (f"{deed} while work is in_progress" for deed in deeds[:4])
    tally.demand(*(f"{deed} while {state}" for deed in deeds for state in states), *planned, one_in=1500, cases=3000 if is_soak else 0)
