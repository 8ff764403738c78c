"""Why a service or a part stands as it does, for the desk: what is not known and why, what is broken and for which true reason."""

from dataclasses import replace
from datetime import timedelta

from incidents import act
from incidents.events import StatusChanged
from incidents.model import Status, Subject
from probes.result import Failure
from tests.incidents.lives import Watched, well
from tests.incidents.world import World, need, service, topology

HOUR = timedelta(hours=1)


def causes(world: World, subject: Subject, id: str) -> list[tuple[Status, str]]:
    return [(e.new, e.cause) for e in world.events if isinstance(e, StatusChanged) and (e.subject, e.id) == (subject, id)]


def email(*needs: object) -> World:
    return well(World(topology([service("email", *needs)], stale_after=HOUR)))  # type: ignore[arg-type]  # needs, by their builder


# --- of a service


def test_a_service_that_becomes_unknown_says_which_parts_are_not_known_and_why() -> None:
    world = email(need("smtp"), need("imap"), need("web"))
    for _ in range(2):
        world.bad("smtp", failure=Failure.AUTH_REJECTED)
    assert causes(world, Subject.SERVICE, "email")[-1] == (Status.UNKNOWN, "components not known: smtp (auth rejected at connect)")


def test_parts_that_are_unknown_for_one_reason_are_told_with_it_once() -> None:
    world = email(need("smtp"), need("imap"))
    world.tick(3700)
    told = "components not known: smtp, imap (no result arrived in time)"
    assert causes(world, Subject.SERVICE, "email")[-1] == (Status.UNKNOWN, told)


def test_a_broken_spare_is_not_why_a_service_is_unknown() -> None:
    """Of three two are enough: one is down, one works, and nobody knows of the third."""
    world = email(need("one", "two", "three", at_least=2))
    world.fail("one")
    for _ in range(2):
        world.bad("two", failure=Failure.CRASHED)
    assert causes(world, Subject.SERVICE, "email")[-1] == (Status.UNKNOWN, "components not known: two (crashed at connect)")


def test_a_part_that_nobody_judged_yet_is_said_to_be_so() -> None:
    world = email(need("smtp"))
    shape = topology([service("email", need("smtp"), need("new"), need("lone"))], stale_after=HOUR)
    world.configure(replace(shape, monitors={id: shape.monitors[id] for id in ("smtp", "new")}))
    told = "components not known: new (not yet judged); lone (nothing watches it at present)"
    assert causes(world, Subject.SERVICE, "email")[-1] == (Status.UNKNOWN, told)


def test_a_service_that_works_without_a_spare_says_which_one() -> None:
    world = email(need("one", "two", at_least=1), need("imap"))
    for id in ("imap", "one"):
        world.fail(id)
    world.mend("imap")
    assert causes(world, Subject.SERVICE, "email")[-1] == (Status.OPERATIONAL, "all needs work without one")


def test_what_an_agent_says_of_a_service_is_not_blamed_on_its_parts() -> None:
    world = email(need("smtp"))
    world.act(act.open_incident, by="ada", name="Slow", services={"email": Status.DEGRADED}, body="It is slow.")
    assert causes(world, Subject.SERVICE, "email")[-1] == (Status.DEGRADED, "an incident opened by hand says so; all needs work")


# --- of a part whose outage goes on


def test_an_outage_that_goes_on_after_blindness_is_told_with_its_true_reason() -> None:
    world = Watched(topology([service("email", need("smtp"))], stale_after=HOUR))
    well(world)
    world.look()
    world.fail("smtp")
    world.look("gateway", "resolver")
    world.wait(5)
    world.good("smtp")
    world.bad("smtp", failure=Failure.TIMEOUT)
    world.look()
    world.wait(3)
    world.good("smtp")
    assert causes(world, Subject.MONITOR, "smtp")[-1] == (Status.MAJOR, "failed 2 times: refused at connect")
    assert causes(world, Subject.COMPONENT, "smtp")[-1] == (Status.MAJOR, "failed 2 times: refused at connect")


def test_an_outage_that_goes_on_after_a_crash_of_ours_is_told_with_its_true_reason() -> None:
    world = email(need("smtp"))
    world.fail("smtp")
    for _ in range(2):
        world.bad("smtp", failure=Failure.CRASHED)
    assert causes(world, Subject.MONITOR, "smtp")[-1] == (Status.UNKNOWN, "crashed at connect")
    world.good("smtp")
    assert causes(world, Subject.MONITOR, "smtp")[-1] == (Status.MAJOR, "failed 2 times: refused at connect")


def test_a_crash_of_ours_is_not_told_as_what_a_location_saw() -> None:
    """One location has just crashed, which takes no vote from it: it agrees with the other by what it saw before."""
    world = World(topology([service("email", need("smtp"))], stale_after=HOUR, locations=("local", "far")))
    failures: tuple[tuple[Failure | None, Failure | None], ...] = (
        (None, None),
        (Failure.REFUSED, None),
        (Failure.REFUSED, Failure.TIMEOUT),
        (Failure.CRASHED, Failure.TIMEOUT),
    )
    for local, far in failures:
        world.hear(world.result("smtp", local), replace(world.result("smtp", far), location="far"))
    told = "2 of 2 locations failed 2 times since 08:00:03: far: timeout at connect; local: refused at connect"
    assert causes(world, Subject.MONITOR, "smtp")[-1] == (Status.MAJOR, told)


def test_the_newest_reason_is_told_of_a_run_that_failed_differently() -> None:
    world = email(need("smtp"))
    world.bad("smtp", failure=Failure.REFUSED)
    world.bad("smtp", failure=Failure.TIMEOUT)
    assert causes(world, Subject.MONITOR, "smtp")[-1] == (Status.MAJOR, "failed 2 times since 08:00:06: timeout at connect")
