"""Why a service or a part stands as it does, for the desk: what is not known and why, what is broken and for which true reason."""

from dataclasses import replace
from datetime import timedelta

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
