"""One turn of the road, whatever it came from; and acts that are done again in another past."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from incidents import act, pausing, turns
from incidents.decide import rejudge
from incidents.events import Acknowledged, Counted, Event, Noted, Opened, Published, Rerooted, Resumed, StatusChanged, Updated
from incidents.heartbeat import Every, Heartbeat
from incidents.impairment import Hindrance, Impaired, Impairment, Proven
from incidents.model import Acknowledgement, Component, Monitor, Note, Situation, State, Status, Subject, Topology, Update
from incidents.policy import Policy
from incidents.reacting import Acts
from incidents.situation import fold
from probes.result import Failure, ProbeResult, Result
from tests.incidents.world import START, World, need, service, topology

MINUTE, HOUR, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=1)
POLICY = Policy()
PULSE = Heartbeat(rhythm=Every(gap=HOUR), grace=10 * MINUTE, finish_within=HOUR)


def mail() -> World:
    world = World(topology([service("email", need("smtp"), need("imap"))], stale_after=HOUR))
    for _ in range(2):
        world.good("smtp", "imap")
    return world


def kinds(events: Sequence[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


# --- a turn


def test_results_alone_are_judged_and_nothing_else_is_noticed() -> None:
    world = mail()
    world.wait(7200)
    found = turns.judge(world.situation, [world.result("smtp", None)], POLICY, world.now)
    assert {event.id for event in found.events if isinstance(event, StatusChanged)} == {"smtp", "email"}, "imap is silent as well"
    assert found.results == (world.result("smtp", None),)
    assert found.situation == fold(world.situation, found.events, found.results)


def test_a_tick_notices_silence_after_what_has_come() -> None:
    world = mail()
    world.wait(7200)
    found = turns.judge(world.situation, [world.result("smtp", None)], POLICY, world.now, is_tick=True)
    unknown = {event.id for event in found.events if isinstance(event, StatusChanged) and event.new is Status.UNKNOWN}
    assert "imap" in unknown
    assert found.results == (world.result("smtp", None),)
    assert turns.judge(found.situation, (), POLICY, world.now, is_tick=True).events == ()


def test_a_turn_without_results_and_tick_is_a_decision_all_the_same() -> None:
    world = mail()
    world.wait(7200)
    found = turns.judge(world.situation, (), POLICY, world.now)
    assert {event.id for event in found.events if isinstance(event, StatusChanged)} == {"smtp", "imap", "email"}


def test_what_another_topology_brought_is_judged_before_the_results() -> None:
    world = mail()
    world.fail("smtp")
    wider = topology([service("email", need("smtp"), need("imap")), service("portal", need("smtp"))], stale_after=HOUR)
    changed = replace(world.situation, topology=wider)
    plain = turns.judge(changed, [world.result("imap", None)], POLICY, world.now)
    assert plain.events == ()
    found = turns.judge(changed, [world.result("imap", None)], POLICY, world.now, is_rejudged=True)
    assert found.events == rejudge(changed, POLICY, world.now)
    assert found.situation == fold(changed, found.events, found.results)


def beating() -> World:
    shape = Topology(
        services={"backup": service("backup", need("nightly"))},
        components={"nightly": Component(id="nightly", name="Nightly")},
        monitors={"job": Monitor(id="job", component="nightly", heartbeat=PULSE, fails_after=1, recovers_after=1)},
    )
    world = World(shape)
    world.ping("job")
    return world


def test_a_tick_misses_a_ping_only_where_somebody_was_here_to_hear_it() -> None:
    world = beating()
    world.wait(4201)
    missed = turns.judge(world.situation, (), POLICY, world.now, is_tick=True, present_since=START)
    assert [result.measured.failure for result in missed.results] == [Failure.OVERDUE]
    assert any(isinstance(event, Opened) for event in missed.events)
    assert missed.situation == fold(world.situation, missed.events, missed.results)
    just_here = turns.judge(world.situation, (), POLICY, world.now, is_tick=True)
    assert [result.measured.failure for result in just_here.results] == [Failure.MISSED]
    promised = {"job": world.now}
    anew = turns.judge(world.situation, (), POLICY, world.now, is_tick=True, present_since=START, promised_since=promised)
    assert [result.measured.failure for result in anew.results] != [Failure.OVERDUE]
    assert turns.judge(world.situation, (), POLICY, world.now, present_since=START).results == (), "it is no tick"


def test_what_is_noticed_is_noticed_one_after_another() -> None:
    world = mail()

    def first(situation: Situation, _: object) -> Sequence[Event]:
        assert situation == world.situation
        return [Proven(at=world.now, location="local", control="gateway")]

    def second(situation: Situation, _: object) -> Sequence[Event]:
        assert situation.proven == {("local", "gateway")}
        return [Impaired(at=world.now, location="local", since=world.now, reason=Hindrance.CLOCK, detail="it was set")]

    events, after = turns.noticed([first, second], world.situation, world.now)
    assert kinds(events) == [Proven, Impaired]
    assert after == fold(world.situation, events)


def test_only_what_may_change_a_verdict_has_all_judged_anew() -> None:
    world = mail()
    world.fail("smtp")
    stale = replace(world.situation, incidents={})
    counted = next(event for event in world.events if isinstance(event, Counted))
    proven = Proven(at=world.now, location="local", control="gateway")
    assert turns.settle(stale, (), POLICY, world.now) == turns.settle(stale, (counted, proven), POLICY, world.now) == ()
    resumed = Resumed(at=world.now, monitor="imap", by="ada")
    assert turns.settle(stale, (counted, resumed), POLICY, world.now) == rejudge(stale, POLICY, world.now) != ()


def test_when_a_result_began_is_kept_where_that_says_whether_it_was_seen() -> None:
    def result(began: float, took: float, slot: float) -> Result:
        at = START + MINUTE
        measured = ProbeResult(took=took, failure=None)
        return Result(monitor="smtp", location="local", slot=at + slot * SECOND, started=at + began * SECOND, measured=measured)

    blind = Impairment(location="local", since=START, until=START + MINUTE, reason=Hindrance.BLIND, detail="no route")
    known = replace(mail().situation, impairments={("local", Hindrance.BLIND): blind})
    some = [result(2, 1, 2), result(-3, 1, 2), result(-9, 1, -9), result(-1, 3, 0)]
    assert turns.timed(known, some) == {1: (some[1].started, 1), 3: (some[3].started, 3)}
    assert turns.timed(mail().situation, some) == {}


def test_a_promise_that_is_new_or_other_than_it_was_holds_from_now_on() -> None:
    def having(**pulses: Heartbeat | None) -> Topology:
        return Topology(
            services={},
            components={"nightly": Component(id="nightly", name="Nightly")},
            monitors={id: Monitor(id=id, component="nightly", heartbeat=pulse) for id, pulse in pulses.items()},
        )

    other = replace(PULSE, grace=MINUTE)
    before, after = having(same=PULSE, other=PULSE, gone=PULSE, plain=None), having(same=PULSE, other=other, new=PULSE, plain=None)
    known = {"same": START, "gone": START, "plain": START}
    assert turns.promised(before, after, known, START + HOUR) == {
        "same": START,
        "plain": START,
        "other": START + HOUR,
        "new": START + HOUR,
    }
    events: list[Event] = [Resumed(at=START + HOUR, monitor="same", by="ada"), Proven(at=START, location="local", control="gateway")]
    assert turns.resumed(events, {"same": START, "old": START}) == {"same": START + HOUR, "old": START}


# --- acts in another past


def failing() -> World:
    world = mail()
    world.fail("smtp")
    return world


def renamed(world: World) -> tuple[World, Acts, str]:
    """The same trouble, in a past in which the incident had another id; and who followed the one that was recorded."""
    acts = Acts()
    (event,) = [event for event in world.events if isinstance(event, Opened)]
    acts.follow([replace(event, incident="recorded"), world.events[0]])
    return world, acts, event.incident


def test_an_act_is_done_again_on_the_incident_of_the_same_root() -> None:
    world, acts, id = renamed(failing())
    note = Noted(at=world.now, incident="recorded", note=Note(number=7, body="The queue is full.", at=world.now, by="anna"))
    owned = Acknowledged(
        at=world.now, incident="recorded", acknowledgement=Acknowledgement(by="anna", at=world.now, expires_at=world.now + HOUR)
    )
    word = Update(number=9, state=State.IDENTIFIED, title="Email", body="We know why.", at=world.now, by="anna")
    said = Updated(at=world.now, incident="recorded", update=word)
    first = note.note
    assert acts.adapted(world.situation, [note, owned, said, said]) == (
        replace(note, incident=id, note=replace(first, number=1)),
        replace(owned, incident=id),
        replace(said, incident=id, update=replace(word, number=2)),
        replace(said, incident=id, update=replace(word, number=3)),
    )
    assert acts.lost == 0


def test_what_is_public_already_is_not_published_again() -> None:
    world, acts, id = renamed(failing())
    assert acts.adapted(world.situation, [Published(at=world.now, incident="recorded")]) == ()
    incident = replace(world.situation.incidents[id], published_at=None)
    held = replace(world.situation, incidents={id: incident})
    assert acts.adapted(held, [Published(at=world.now, incident="recorded")]) == (Published(at=world.now, incident=id),)
    assert acts.lost == 0


def test_an_act_on_what_never_was_is_lost_and_counted() -> None:
    world, acts, _ = renamed(failing())
    note = Noted(at=world.now, incident="other", note=Note(number=1, body="What?", at=world.now, by="anna"))
    resumed = Resumed(at=world.now, monitor="imap", by="ada")
    assert acts.adapted(world.situation, [note, resumed, note]) == (resumed,)
    assert acts.lost == 2
    assert Acts().adapted(world.situation, [note]) == ()


def test_an_incident_is_found_by_its_newest_root_and_among_the_parts_of_others() -> None:
    world, acts, id = renamed(failing())
    note = Noted(at=world.now, incident="recorded", note=Note(number=1, body="Here.", at=world.now, by="anna"))
    acts.follow([Rerooted(at=world.now, incident="recorded", root="disk", reason="it lies deeper")])
    assert acts.adapted(world.situation, [note]) == ()
    held = world.situation.incidents[id]
    wide = replace(world.situation, incidents={id: replace(held, components=("smtp", "disk"))})
    assert [event.incident for event in acts.adapted(wide, [note]) if isinstance(event, Noted)] == [id]
    assert acts.lost == 1


def test_an_incident_of_the_same_id_is_itself_even_when_it_is_over() -> None:
    world = failing()
    id = world.incident.id
    world.act(act.update, incident=id, by="anna", body="We know why.")
    world.act(act.resolve, incident=id, by="anna", body="It is over.", override="The probe lags.")
    note = Noted(at=world.now, incident=id, note=Note(number=4, body="Late.", at=world.now, by="anna"))
    acts = Acts()
    assert acts.adapted(world.situation, [note]) == ()
    machine = mail()
    machine.fail("smtp")
    machine.mend("smtp")
    machine.tick(400)
    (ended,) = machine.situation.ended
    again = replace(note, incident=ended)
    assert acts.adapted(machine.situation, [again]) == (replace(again, note=replace(note.note, number=1)),)
    assert acts.lost == 1


# --- what else a decision holds to


def test_two_failures_that_arrive_together_are_two() -> None:
    world = mail()
    first, second = world.result("smtp", Failure.REFUSED), replace(world.result("smtp", Failure.REFUSED), slot=world.now + SECOND)
    world.hear(second, first)
    assert world.incident.started_at == first.slot


def test_what_nobody_knows_or_asks_for_has_no_say_and_stops_nobody_else() -> None:
    world = mail()
    world.act(pausing.pause, monitor="imap", by="ada", reason="The vendor works on it.")
    for _ in range(2):
        strange = replace(world.result("smtp", Failure.REFUSED), monitor="fax")
        said = world.hear(strange, world.result("imap", Failure.REFUSED), world.result("smtp", Failure.REFUSED))
        assert [event.monitor for event in said if isinstance(event, Counted)] == ["smtp"]
    assert world.incident.root == "smtp"


def test_silence_lasts_as_long_as_it_may_and_no_longer() -> None:
    world = mail()
    heard = world.situation.seen["smtp", "local"]
    world.tick((heard + HOUR - SECOND - world.now).total_seconds())
    assert world.component("smtp") is Status.OPERATIONAL
    world.tick(1)
    assert world.component("smtp") is Status.UNKNOWN
    assert world.situation.standings[Subject.COMPONENT, "smtp"].since == world.now


def test_a_result_that_comes_just_in_time_ends_no_silence() -> None:
    world = mail()
    heard = world.situation.seen["smtp", "local"]
    world.wait((heard + HOUR - world.now).total_seconds())
    assert world.good("smtp", "imap") == ()
    late = mail()
    late.wait((heard + HOUR + SECOND - late.now).total_seconds())
    assert {event.new for event in late.good("smtp", "imap") if isinstance(event, StatusChanged)} == {Status.UNKNOWN, Status.OPERATIONAL}
