"""Monitors that stand still: no recovery, no failure and no figure comes of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from incidents import act, pausing
from incidents.events import Noted, Opened, Resolved
from incidents.model import Monitor, State, Status, Topology
from probes.result import Failure
from tests.incidents.world import World, need, service, topology

PATIENT = timedelta(hours=2)


def mail(**more: object) -> World:
    world = World(topology([service("email", need("smtp"), need("imap"), **more)], stale_after=PATIENT))
    world.good("smtp", "imap")
    return world


def twice_watched() -> World:
    """smtp is watched by two monitors."""
    plain = topology([service("email", need("smtp"))], stale_after=PATIENT)
    second = replace(plain.monitors["smtp"], id="smtp-login")
    monitors = {**plain.monitors, "smtp-login": second}
    world = World(Topology(services=plain.services, components=plain.components, monitors=monitors))
    world.good("smtp", "smtp-login")
    return world


def pause(world: World, monitor: str = "smtp") -> None:
    world.act(pausing.pause, monitor=monitor, by="anna", reason="the disk is swapped")


def test_its_component_is_unknown_where_nothing_else_watches_it() -> None:
    world = mail()
    pause(world)
    assert (world.component("smtp"), world.service("email")) == (Status.UNKNOWN, Status.UNKNOWN)


def test_its_component_is_judged_by_the_others() -> None:
    world = twice_watched()
    pause(world)
    assert world.component("smtp") is Status.OPERATIONAL
    world.fail("smtp-login")
    assert world.component("smtp") is Status.MAJOR


def test_pausing_what_knew_nothing_lets_the_others_speak() -> None:
    world = twice_watched()
    for _ in range(2):
        world.bad("smtp", failure=Failure.AUTH_REJECTED)
    assert world.component("smtp") is Status.UNKNOWN
    pause(world)
    assert world.component("smtp") is Status.OPERATIONAL


def test_what_still_arrives_from_it_has_no_vote() -> None:
    world = mail()
    pause(world)
    world.fail("smtp")
    assert world.component("smtp") is Status.UNKNOWN
    assert not any(isinstance(event, Opened) for event in world.events)
    world.mend("smtp")
    assert world.component("smtp") is Status.UNKNOWN


def test_an_open_incident_says_so_once_to_the_desk() -> None:
    world = twice_watched()
    world.fail("smtp")
    id = world.incident.id
    pause(world, "smtp-login")
    notes = [event.note for event in world.events if isinstance(event, Noted)]
    assert [(note.by, note.body) for note in notes] == [("anna", "anna paused the monitor smtp-login: the disk is swapped")]
    assert world.incident.id == id


def test_an_incident_that_nothing_else_watches_ends_with_the_reason_and_no_word_of_recovery() -> None:
    world = mail()
    world.fail("smtp")
    id = world.incident.id
    pause(world)
    assert not world.situation.incidents
    assert not world.situation.ended
    last = world.updates(id)[-1]
    assert (last.state, last.body) == (State.RESOLVED, "We have paused the monitoring of what this incident was about, and close it here.")
    assert not any("again" in update.body for update in world.updates(id))
    (end,) = (event for event in world.events if isinstance(event, Resolved))
    assert end.cause == "monitoring is paused"
    assert end.reason == "smtp paused by anna since 2026-03-02 08:00 UTC: the disk is swapped"


def test_the_reason_stands_at_the_desk_only() -> None:
    world = mail()
    world.fail("smtp")
    id = world.incident.id
    pause(world)
    assert not any("disk" in update.body or "smtp" in update.body for update in world.updates(id))


def test_an_incident_goes_on_for_what_is_still_watched() -> None:
    world = twice_watched()
    world.fail("smtp")
    world.fail("smtp-login")
    pause(world)
    assert world.incident.state is State.INVESTIGATING
    world.mend("smtp-login")
    assert world.state() is State.MONITORING


@pytest.mark.parametrize("state", [State.INVESTIGATING, State.IDENTIFIED, State.MONITORING])
def test_in_every_state_of_its_incident_it_ends_it(state: State) -> None:
    world = mail()
    world.fail("smtp")
    if state is State.MONITORING:
        world.mend("smtp")
    elif state is State.IDENTIFIED:
        world.act(act.update, incident=world.incident.id, by="ada", body="It is the disk.", state=state)
    assert world.state() is state
    pause(world)
    assert not world.situation.incidents


def test_resumed_it_begins_anew() -> None:
    world = mail()
    world.fail("smtp")
    pause(world)
    world.act(pausing.resume, monitor="smtp", by="bob")
    assert world.component("smtp") is Status.UNKNOWN
    world.bad("smtp")
    assert world.component("smtp") is Status.UNKNOWN
    world.bad("smtp")
    assert world.component("smtp") is Status.MAJOR


def test_what_it_missed_is_not_overdue_when_it_goes_on() -> None:
    world = mail()
    pause(world)
    world.tick(86400)
    assert world.component("smtp") is Status.UNKNOWN
    world.act(pausing.resume, monitor="smtp", by="bob")
    world.good("smtp", "imap")
    assert world.service("email") is Status.OPERATIONAL
    assert not any(isinstance(event, Opened) for event in world.events)


def test_pausing_needs_a_monitor_a_reason_and_one_that_runs() -> None:
    world = mail()
    with pytest.raises(act.NotFound, match="no monitor"):
        pausing.pause(world.situation, world.now, monitor="nntp", by="ada", reason="x")
    with pytest.raises(act.Invalid, match="needs a reason"):
        pausing.pause(world.situation, world.now, monitor="smtp", by="ada", reason=" ")
    with pytest.raises(act.IllegalMove, match="smtp is not paused"):
        pausing.resume(world.situation, world.now, monitor="smtp", by="ada")
    pause(world)
    with pytest.raises(act.IllegalMove, match="anna has paused smtp at 08:00 UTC on 02 Mar 2026 already"):
        pausing.pause(world.situation, world.now, monitor="smtp", by="ada", reason="x")


def test_what_the_file_disables_stands_still_too() -> None:
    world = mail()
    world.fail("smtp")
    id = world.incident.id
    known = world.situation.topology
    still: dict[str, Monitor] = {one.id: replace(one, is_enabled=one.id != "smtp") for one in known.monitors.values()}
    world.configure(Topology(services=known.services, components=known.components, monitors=still))
    assert world.component("smtp") is Status.UNKNOWN
    assert id not in world.situation.incidents
    (end,) = (event for event in world.events if isinstance(event, Resolved))
    assert end.reason == "smtp disabled in the configuration"
