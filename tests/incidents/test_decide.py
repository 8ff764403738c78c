"""From results to statuses and incidents: the machine's judgement, told in sentences."""

from datetime import timedelta

import pytest

from incidents.events import Counted, Opened, StatusChanged
from incidents.model import Origin, Severity, State, Status, Subject
from incidents.policy import LEVELS, Policy
from incidents.tending import removals
from probes.result import Failure
from tests.incidents.world import START, World, need, service, topology


def mail(**more: object) -> World:
    """Email needs sending and receiving."""
    return World(topology([service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), **more)]))


def test_first_good_result_makes_a_service_operational() -> None:
    world = mail()
    world.good("smtp", "imap")
    assert world.service("email") is Status.OPERATIONAL
    assert not world.situation.incidents


def test_one_failure_changes_no_status() -> None:
    world = mail()
    world.good("smtp", "imap")
    said = world.bad("smtp")
    assert [type(event) for event in said] == [Counted]
    assert world.service("email") is Status.OPERATIONAL


def test_second_failure_in_a_row_opens_an_incident_that_began_at_the_first() -> None:
    world = mail()
    world.good("smtp", "imap")
    first = world.now
    world.bad("smtp")
    assert not world.situation.incidents
    world.bad("smtp")
    incident = world.incident
    assert incident.started_at == first
    assert (incident.origin, incident.root, incident.state) == (Origin.MACHINE, "smtp", State.INVESTIGATING)
    assert incident.services == {"email": Status.PARTIAL}
    changes = {(e.subject, e.id): e for e in world.events if isinstance(e, StatusChanged) and e.new is not Status.OPERATIONAL}
    assert {change.since for change in changes.values()} == {first}


def test_a_success_between_two_failures_opens_nothing() -> None:
    world = mail()
    world.good("smtp", "imap")
    for _ in range(4):
        world.bad("smtp")
        world.good("smtp")
    assert not world.situation.incidents


def test_nothing_more_is_said_while_an_outage_goes_on() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    assert all(isinstance(event, Counted) for _ in range(5) for event in world.bad("smtp"))


def test_flapping_by_single_results_neither_closes_nor_opens() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    for _ in range(5):
        world.good("smtp")
        world.bad("smtp")
    assert world.state() is State.INVESTIGATING
    assert sum(isinstance(event, Opened) for event in world.events) == 1


def test_recovery_is_watched_and_then_resolved() -> None:
    world = mail(resolves_after=timedelta(minutes=5))
    world.good("smtp", "imap")
    world.fail("smtp")
    id = world.incident.id
    world.mend("smtp")
    assert world.state() is State.MONITORING
    assert world.service("email") is Status.OPERATIONAL
    world.good("smtp", "imap")
    world.tick(60)
    assert world.state() is State.MONITORING
    world.wait(200)
    world.good("smtp", "imap")
    world.tick(60)
    assert not world.situation.incidents
    states = [update.state for update in world.updates(id)]
    assert states == [State.INVESTIGATING, State.MONITORING, State.RESOLVED]
    assert all(update.automatic for update in world.updates(id))


def test_the_length_of_an_outage_ends_with_the_first_success() -> None:
    world = mail(resolves_after=timedelta(minutes=1))
    world.good("smtp", "imap")
    world.fail("smtp")
    first_success = world.now
    world.mend("smtp")
    assert world.incident.recovered_at == first_success


def test_a_failure_while_watched_brings_the_same_incident_back() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    id = world.incident.id
    world.mend("smtp")
    world.fail("smtp")
    assert (world.incident.id, world.incident.state, world.incident.resolves_at) == (id, State.INVESTIGATING, None)
    assert sum(isinstance(event, Opened) for event in world.events) == 1


def test_needs_give_partial_and_major_outages() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    assert world.service("email") is Status.PARTIAL
    world.fail("imap")
    assert world.service("email") is Status.MAJOR


def test_a_critical_need_makes_a_major_outage() -> None:
    world = World(topology([service("email", need("smtp", critical=True), need("imap"))]))
    world.good("smtp", "imap")
    world.fail("smtp")
    assert world.service("email") is Status.MAJOR


def test_losing_redundancy_is_no_outage_and_no_incident() -> None:
    world = World(topology([service("web", need("a", "b", "c", at_least=2))]))
    world.good("a", "b", "c")
    world.fail("a")
    assert world.component("a") is Status.MAJOR
    assert world.service("web") is Status.OPERATIONAL
    assert not world.situation.incidents
    world.fail("b")
    assert world.service("web") is Status.MAJOR
    assert world.incident.root == "b"
    assert set(world.incident.components) == {"a", "b"}
    assert world.incident.started_at > START + timedelta(seconds=6)


def test_slow_answers_degrade_and_open_a_degraded_incident() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.bad("smtp", failure=Failure.SLOW)
    world.bad("smtp", failure=Failure.SLOW)
    assert world.service("email") is Status.DEGRADED
    assert world.incident.services == {"email": Status.DEGRADED}


def test_slow_then_down_counts_each_from_its_own_first() -> None:
    world = mail()
    world.good("smtp", "imap")
    slow_from = world.now
    world.bad("smtp", failure=Failure.SLOW)
    down_from = world.now
    world.bad("smtp")
    assert world.service("email") is Status.DEGRADED
    world.bad("smtp")
    assert world.service("email") is Status.PARTIAL
    begun = [e.since for e in world.events if isinstance(e, StatusChanged) and e.subject is Subject.MONITOR and e.id == "smtp"]
    assert begun[1:] == [slow_from, down_from]


def test_a_degraded_severity_never_takes_a_service_down() -> None:
    world = World(topology([service("email", need("smtp"))], severity=Severity.DEGRADED))
    world.good("smtp")
    world.fail("smtp")
    assert world.service("email") is Status.DEGRADED


def test_warnings_change_no_public_status() -> None:
    world = World(topology([service("email", need("smtp"))], severity=Severity.WARNING))
    world.good("smtp")
    world.fail("smtp")
    assert world.service("email") is Status.UNKNOWN
    assert not world.situation.incidents


@pytest.mark.parametrize(
    "failure",
    [Failure.CRASHED, Failure.MISSED, Failure.AUTH_REJECTED, Failure.IMPAIRED, Failure.BLOCKED, Failure.SOURCE_FAILED],
)
def test_our_own_trouble_is_unknown_and_never_an_outage(failure: Failure) -> None:
    world = mail()
    world.good("smtp", "imap")
    for _ in range(6):
        world.bad("smtp", failure=failure)
    assert world.service("email") is Status.UNKNOWN
    assert not world.situation.incidents


def test_our_own_trouble_during_an_outage_is_no_recovery() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    for _ in range(3):
        world.bad("smtp", failure=Failure.CRASHED)
    assert world.service("email") is Status.UNKNOWN
    assert world.state() is State.INVESTIGATING
    world.good("smtp")
    assert world.service("email") is Status.PARTIAL
    world.good("smtp")
    assert world.state() is State.MONITORING


def test_every_failure_has_a_meaning() -> None:
    assert set(LEVELS) == {None, *Failure}


def test_silence_is_not_health() -> None:
    world = mail()
    world.good("smtp", "imap")
    heard = START
    world.tick(100)
    assert world.service("email") is Status.UNKNOWN
    changes = [e for e in world.events if isinstance(e, StatusChanged) and e.new is Status.UNKNOWN]
    assert {change.since for change in changes} == {heard + timedelta(seconds=100)}
    assert not world.situation.incidents


def test_a_gap_that_nobody_watched_is_written_down_when_results_return() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.wait(3600)
    world.good("smtp", "imap")
    smtp = [(e.since, e.new) for e in world.events if isinstance(e, StatusChanged) and e.id == "smtp" and e.subject is Subject.MONITOR]
    assert smtp == [
        (START, Status.OPERATIONAL),
        (START + timedelta(seconds=100), Status.UNKNOWN),
        (START + timedelta(seconds=3603), Status.OPERATIONAL),
    ]
    assert world.service("email") is Status.OPERATIONAL
    for key in ((Subject.COMPONENT, "smtp"), (Subject.SERVICE, "email")):
        told = [(e.since, e.new) for e in world.events if isinstance(e, StatusChanged) and (e.subject, e.id) == key]
        assert told == smtp, key


def test_old_and_repeated_results_change_nothing() -> None:
    world = mail()
    world.good("smtp", "imap")
    repeated = world.result("smtp", Failure.REFUSED)
    world.hear(repeated)
    assert world.hear(repeated) == ()
    assert not world.situation.incidents


def test_words_wait_for_publish_after_and_a_quick_recovery_leaves_none() -> None:
    world = mail(publish_after=timedelta(seconds=60), resolves_after=timedelta(seconds=30))
    world.good("smtp", "imap")
    world.fail("smtp")
    id = world.incident.id
    assert world.incident.published_at is None
    assert world.service("email") is Status.PARTIAL
    world.mend("smtp")
    world.tick(31)
    assert not world.situation.incidents
    assert world.updates(id) == []


def test_unattended_words_are_published_when_their_time_comes() -> None:
    world = mail(publish_after=timedelta(seconds=20))
    world.good("smtp", "imap")
    world.fail("smtp")
    world.tick(10)
    assert world.incident.published_at is None
    world.tick(10)
    assert world.incident.published_at == world.now
    assert [update.state for update in world.updates(world.incident.id)] == [State.INVESTIGATING]


def test_a_worsening_publishes_at_once() -> None:
    world = World(topology([service("email", need("smtp"), need("imap"), publish_after=timedelta(hours=1))], {"imap": ("smtp",)}))
    world.good("smtp", "imap")
    world.fail("smtp")
    assert world.incident.published_at is None
    world.fail("imap")
    assert world.incident.published_at is not None


def test_public_words_name_capabilities_and_nothing_internal() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    (update,) = world.updates(world.incident.id)
    assert world.incident.name == "Email: Sending not working"
    assert update.title == "Email: Sending not working – investigating"
    assert "not working: Sending; working: Receiving" in update.body
    for internal in ("smtp", "refused", "connect", "local"):
        assert internal not in update.body + update.title


def test_a_spreading_outage_is_told_in_few_updates() -> None:
    services = [service(name, need(f"{name}-part")) for name in ("a", "b", "c", "d")]
    parts = {f"{name}-part": ("storage",) for name in ("a", "b", "c", "d")}
    world = World(topology(services, parts))
    world.good("storage", *parts)
    world.fail("storage")
    for part in parts:
        world.fail(part)
    assert len(world.updates(world.incident.id)) == 1
    world.bad("storage", *parts)
    world.tick(30)
    assert len(world.updates(world.incident.id)) == 2
    assert world.incident.name == "Problem with A, B, C and D"


def test_language_of_the_machines_words_follows_the_policy() -> None:
    world = World(topology([service("email", need("smtp", label="Sending"))]), Policy(language="de"))
    world.good("smtp")
    world.fail("smtp")
    assert world.incident.name == "Email is not working"


def test_an_incident_about_what_nobody_watches_any_more_ends_and_says_so() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    id = world.incident.id
    world.configure(topology([service("email", need("imap"))]))
    assert not world.situation.incidents
    assert world.updates(id)[-1].state is State.RESOLVED
    assert "no longer monitor" in world.updates(id)[-1].body


def test_what_a_new_topology_takes_away_is_named() -> None:
    world = World(topology([service("email", need("smtp"), need("imap")), service("web", need("http"))]))
    world.good("smtp", "imap", "http")
    world.fail("smtp")
    assert removals(world.situation, world.situation.topology) == ()
    assert removals(world.situation, topology([service("email", need("imap"))])) == (
        "removes service web",
        "removes monitor smtp, which has the open incident “Email is partly not working”",
    )


def test_nothing_is_said_to_work_that_has_begun_to_fail() -> None:
    world = World(
        topology([service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), need("web", label="Webmail"))])
    )
    world.good("smtp", "imap", "web")
    world.bad("smtp")
    world.bad("smtp", "imap")
    (update,) = world.updates(world.incident.id)
    assert "working: Webmail)" in update.body
    assert "Receiving" not in update.body


def test_a_capability_that_fails_later_is_told_even_where_the_services_status_stays() -> None:
    needs = [need("smtp", label="Sending"), need("web", label="Webmail"), need("imap", label="Receiving")]
    world = World(topology([service("email", *needs)], {"smtp": ("storage",), "web": ("storage",)}))
    world.good("smtp", "web", "imap", "storage")
    world.fail("storage")
    world.fail("web")
    id = world.incident.id
    world.fail("smtp")
    assert world.service("email") is Status.PARTIAL
    last = world.updates(id)[-1]
    assert "(not working: Sending and Webmail)" in last.body
    assert world.incident.name == "Email: Sending and Webmail not working"
    world.bad("storage", "web", "smtp")
    world.tick(60)
    assert world.updates(id)[-1] == last


def test_an_outage_of_several_services_names_them_in_the_files_order() -> None:
    """Whichever of them broke first: the same outage is always told in the same words."""
    known = topology([service("webmail", need("disk")), service("email", need("disk")), service("calendar", need("disk"))])
    assert known.in_order(["calendar", "webmail", "calendar", "gone"]) == ["webmail", "calendar"]
    world = World(known)
    world.good("disk")
    world.bad("disk")
    world.bad("disk")
    (incident,) = world.situation.incidents.values()
    assert list(incident.services) == ["webmail", "email", "calendar"]
    assert incident.name == "Problem with Webmail, Email and Calendar"


def test_two_causes_in_one_service_have_names_that_differ() -> None:
    world = mail()
    world.good("smtp", "imap")
    world.fail("smtp")
    world.fail("imap")
    world.tick(60)
    names = sorted(incident.name for incident in world.situation.incidents.values())
    assert names == ["Email: Receiving not working", "Email: Sending not working"]
