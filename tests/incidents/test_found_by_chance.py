"""What the random engine found, told again in the smallest way."""

from datetime import timedelta

from incidents import act
from incidents.events import Reclaimed, Resolved
from incidents.flapping import calms_at
from incidents.maintenance import MaintenanceState
from incidents.model import Status
from incidents.planned import planning
from incidents.replaying.narrowing import narrowed
from incidents.situation import fold
from probes.result import Failure
from tests.incidents.world import World, need, service, topology


def test_a_result_that_comes_late_does_not_make_newer_ones_unseen() -> None:
    world = World(topology([service("email", need("smtp"))]))
    late = world.result("smtp", Failure.REFUSED)
    world.wait(3)
    world.good("smtp")
    seen = world.situation.seen
    world.hear(late)
    assert world.situation.seen == seen
    assert world.service("email") is Status.OPERATIONAL
    assert world.hear(late) == ()


def test_a_waived_component_that_is_unknown_for_a_while_opens_no_second_incident() -> None:
    world = World(topology([service("email", need("smtp"))]))
    world.good("smtp")
    world.fail("smtp")
    world.act(act.resolve, incident=world.incident.id, by="ada", body="Known and accepted.", override="replaced tomorrow")
    world.tick(200)
    assert world.component("smtp") is Status.UNKNOWN
    world.fail("smtp")
    assert world.component("smtp") is Status.MAJOR
    assert not world.situation.incidents
    world.mend("smtp")
    world.fail("smtp")
    assert world.incident.root == "smtp"


def test_the_public_is_never_sent_on_to_an_incident_that_it_cannot_see() -> None:
    files = service("files", need("storage"), publish_after=timedelta(minutes=5))
    world = World(topology([service("email", need("smtp")), files], {"smtp": ("storage",)}))
    world.good("smtp", "storage")
    world.fail("smtp")
    known = world.incident.id
    for _ in range(2):
        world.bad("storage", failure=Failure.SLOW)
    assert [incident.published_at is None for incident in world.situation.incidents.values()] == [False, True]
    world.fail("storage")
    assert world.incident.id == known
    assert world.incident.root == "storage"
    (ended,) = [event for event in world.events if isinstance(event, Resolved)]
    assert ended.merged_into == known


def test_what_was_read_for_another_file_is_not_changed_by_what_happens_next() -> None:
    world = World(topology([service("email", need("smtp"))]))
    world.good("smtp")
    world.fail("smtp")
    world.act(act.resolve, incident=world.incident.id, by="ada", body="Known and accepted.", override="replaced tomorrow")
    known = narrowed(world.situation, world.situation.topology)
    after = fold(known, (Reclaimed(at=world.now, component="smtp"),))
    assert (sorted(known.waived), sorted(after.waived)) == (["smtp"], [])
    assert all(isinstance(held.waived, frozenset) for held in (known, after))


def test_a_part_that_nobody_sees_has_not_recovered_because_another_is_known_to_be_broken() -> None:
    world = World(topology([service("mail", need("smtp"), need("imap"))]))
    for _ in range(2):
        world.good("smtp", "imap")
    world.fail("smtp")
    known = world.incident.id
    world.good("imap")
    world.fail("imap")
    for _ in range(3):
        world.hear(world.result("smtp", Failure.CRASHED), world.result("imap", Failure.REFUSED))
    assert (world.component("smtp"), world.service("mail")) == (Status.UNKNOWN, Status.PARTIAL)
    assert world.situation.incidents[known].recovered_at is None
    assert not any("affected" in update.body for update in world.updates(known))
    world.mend("smtp")
    assert world.situation.incidents[known].recovered_at is not None


def test_a_part_that_nobody_sees_has_not_recovered_while_planned_work_is_verified_beside_it() -> None:
    world = World(topology([service("mail", need("smtp"), need("imap"))]))
    for _ in range(2):
        world.good("smtp", "imap")
    world.fail("smtp")
    begins = world.now + timedelta(seconds=1)
    ends = begins + timedelta(seconds=20)
    wish = planning.Wish(name="Patches", services=("mail",), components=("imap",), starts=begins, ends=ends, body="We patch.")
    world.act(planning.plan, by="ada", wish=wish)
    world.tick(2)
    world.fail("imap")
    world.tick(20)
    for _ in range(3):
        world.hear(world.result("smtp", Failure.CRASHED), world.result("imap", Failure.REFUSED))
    assert [window.state for window in world.situation.maintenances.values()] == [MaintenanceState.VERIFYING]
    assert world.component("smtp") is Status.UNKNOWN
    assert world.incident.recovered_at is None


def test_what_flaps_has_not_calmed_where_planned_work_hides_that_nobody_sees_it() -> None:
    world = World(topology([service("mail", need("smtp"))], recovers_after=1, fails_after=1))
    world.good("smtp")
    for _ in range(4):
        world.bad("smtp")
        world.good("smtp")
    assert world.incident.is_flapping
    begins = world.now + timedelta(seconds=1)
    wish = planning.Wish(name="Patches", services=("mail",), starts=begins, ends=begins + timedelta(minutes=50), body="We patch.")
    world.act(planning.plan, by="ada", wish=wish)
    world.tick(2)
    world.tick(40 * 60)
    assert (world.component("smtp"), world.service("mail")) == (Status.UNKNOWN, Status.MAINTENANCE)
    assert world.incident.is_flapping
    assert world.incident.recovered_at is None
    seen = world.now
    world.good("smtp")
    assert calms_at(world.situation, world.incident, world.policy) == seen + world.policy.calms_after
