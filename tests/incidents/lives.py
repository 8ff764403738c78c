"""Lives of outages, from their beginning to their end."""

from collections.abc import Sequence
from datetime import timedelta

from incidents import act, sight
from incidents.decide import rejudge
from incidents.events import Event
from incidents.heartbeat import Every, Heartbeat
from incidents.impairment import Hindrance
from incidents.model import Component, Monitor, Severity, Topology
from incidents.sight import Glance, Look
from probes.result import Failure
from tests.incidents.world import World, need, service, topology

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


# --- what they have in common


def mail(**more: object) -> World:
    """Email needs sending and receiving, and both are known to work."""
    shape = topology([service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), **more)], stale_after=HOUR)
    return well(World(shape))


def well(world: World) -> World:
    for monitor in world.situation.topology.monitors:
        world.mend(monitor)
    return world


def incident_of(world: World, root: str) -> str:
    return next(one.id for one in world.situation.incidents.values() if one.root == root)


class Watched(World):
    """A world whose only location is watched itself."""

    def look(self, *failing: str) -> None:
        """Three controls are asked; *failing* ones time out."""
        found = {one: Failure.TIMEOUT if one in failing else None for one in ("gateway", "neighbour", "resolver")}
        glances = tuple(Glance(control=control, failure=failure) for control, failure in found.items())
        self._notice(sight.judge(self.situation, self.now, look=Look(location="local", at=self.now, since=self.now, glances=glances)))

    def miss(self, seconds: float) -> None:
        """Nobody was here for so long."""
        span = {"since": self.now, "until": self.now + timedelta(seconds=seconds)}
        self.wait(seconds + 5)
        why = f"nobody looked for {seconds:.0f} s"
        self._notice(sight.absence(self.situation, self.now, location="local", reason=Hindrance.ABSENT, **span, detail=why))

    def _notice(self, said: Sequence[Event]) -> None:
        self._take(said)
        self._take(rejudge(self.situation, self.policy, self.now))


# --- lives


def an_outage_that_grows_and_ends() -> World:
    """One need fails, then the other, both recover; it is watched, and resolved."""
    world = mail()
    world.fail("smtp")
    world.tick(60)
    world.fail("imap")
    world.tick(300)
    world.mend("smtp")
    world.tick(30)
    world.mend("imap")
    world.tick(299)
    world.tick(1)
    world.tick(1800)
    return world


def an_outage_that_comes_back() -> World:
    """It fails again while it is watched, then again after its end, and at last when it is over for good."""
    world = mail()
    world.fail("smtp")
    world.mend("smtp")
    world.tick(60)
    world.fail("smtp")
    world.mend("smtp")
    world.tick(400)
    world.tick(1500)
    world.fail("smtp")
    world.mend("smtp")
    world.tick(400)
    world.tick(1801)
    world.fail("smtp")
    return world


def an_outage_that_comes_and_goes() -> World:
    """It fails too often, calms, and has one more outage."""
    world = mail()
    for _ in range(world.policy.flaps_at + 1):
        world.fail("smtp")
        world.tick(60)
        world.mend("smtp")
        world.tick(60)
    world.tick(world.policy.calms_after.total_seconds())
    world.tick(120)
    world.fail("smtp")
    return world


def an_outage_that_is_only_slow() -> World:
    """It is slow, then down, then slow again, and well."""
    world = mail()
    for failure in (Failure.SLOW, Failure.REFUSED, Failure.SLOW):
        world.bad("smtp", failure=failure)
        world.bad("smtp", failure=failure)
        world.tick(600)
    world.mend("smtp")
    world.tick(301)
    return world


def words_that_wait() -> World:
    """Words are held back: two outages are over before they are due, for one they are."""
    world = mail(publish_after=MINUTE)
    world.fail("smtp")
    world.mend("smtp")
    world.tick(1801)
    world.tick(1801)
    world.fail("imap")
    world.fail("smtp")
    world.mend("imap")
    world.mend("smtp")
    world.tick(1801)
    world.tick(1801)
    world.fail("imap")
    world.tick(61)
    return world


def words_that_wait_no_longer() -> World:
    """Words are held back until it gets worse."""
    world = mail(publish_after=MINUTE)
    for failure in (Failure.SLOW, Failure.REFUSED):
        world.bad("imap", failure=failure)
        world.bad("imap", failure=failure)
    return world


def a_cause_and_its_victims() -> World:
    """A disk fails, and what stands on it; one part stays broken when the disk is back, and gets an incident of its own."""
    services = [service("email", need("smtp")), service("portal", need("web")), service("files", need("disk"))]
    world = well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=2 * MINUTE)))
    for _ in range(2):
        world.bad("disk", "smtp", "web")
    for _ in range(20):
        world.good("disk", "web")
        world.bad("smtp")
        world.tick(6)
    for _ in range(80):
        world.good("disk", "web", "smtp")
        world.tick(6)
    return world


def a_cause_that_is_seen_late() -> World:
    """What stands on the disk fails first, each with an incident of its own; then the disk takes them over."""
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=HOUR)))
    world.fail("smtp")
    world.fail("web")
    world.fail("disk")
    world.tick(400)
    for id in ("disk", "smtp", "web"):
        world.mend(id)
    world.tick(301)
    return world


def a_need_with_a_spare() -> World:
    """Of two servers one is enough: the first is lost at nobody's cost, the second takes the service with it."""
    world = well(World(topology([service("email", need("mx1", "mx2", at_least=1, label="Receiving"))], stale_after=HOUR)))
    world.fail("mx1")
    world.fail("mx2")
    world.mend("mx1")
    world.tick(301)
    return world


def silence_and_other_gaps() -> World:
    """Nothing comes, then our password is refused, then we crash; nothing of that is an outage."""
    world = mail()
    world.tick(3700)
    world.good("imap", "smtp")
    for failure in (Failure.AUTH_REJECTED, Failure.AUTH_REJECTED, Failure.CRASHED):
        world.bad("smtp", failure=failure)
    world.tick(10)
    world.bad("smtp")
    world.mend("smtp")
    return world


def a_blind_location() -> World:
    """The location goes blind with an outage open, measures in the dark, sees again; and once nobody was here."""
    world = Watched(mail().situation.topology)
    well(world)
    world.look()
    world.fail("smtp")
    world.wait(20)
    world.look("gateway", "resolver")
    world.wait(5)
    world.bad("imap", "smtp")
    world.good("smtp")
    world.bad("imap")
    world.tick(30)
    world.look()
    world.wait(3)
    world.good("imap", "smtp")
    world.good("imap", "smtp")
    world.miss(45)
    world.tick(301)
    return world


def warnings_and_what_only_degrades() -> World:
    """A monitor that only warns changes nothing for anybody, one that degrades at most degrades."""
    shape = Topology(
        services={"email": service("email", need("smtp"))},
        components={"smtp": Component(id="smtp", name="Smtp")},
        monitors={
            id: Monitor(id=id, component="smtp", severity=severity, stale_after=HOUR)
            for id, severity in (("port", Severity.OUTAGE), ("queue", Severity.DEGRADED), ("posture", Severity.WARNING))
        },
    )
    world = well(World(shape))
    world.fail("posture")
    world.fail("queue")
    world.fail("port")
    for id in ("port", "queue", "posture"):
        world.mend(id)
    return world


def a_job_that_reports_by_itself() -> World:
    """A backup begins, ends, fails, forgets to report, and reports again."""
    pulse = Heartbeat(rhythm=Every(gap=HOUR), grace=10 * MINUTE, finish_within=20 * MINUTE)
    shape = Topology(
        services={"backup": service("backup", need("nightly"))},
        components={"nightly": Component(id="nightly", name="Nightly")},
        monitors={"job": Monitor(id="job", component="nightly", heartbeat=pulse, fails_after=1, recovers_after=1)},
    )
    world = World(shape)
    world.tick(5)
    world.begin("job")
    world.tick(60)
    world.ping("job")
    world.tick(3600)
    world.ping("job", Failure.REJECTED)
    world.tick(60)
    world.ping("job")
    for _ in range(8):
        world.tick(600)
    world.begin("job")
    world.tick(1300)
    world.ping("job")
    world.tick(301)
    return world


def one_disk_and_what_the_public_knows() -> World:
    """Two are slow long before the disk fails, and get worse after. The one that is public takes the disk's over, which still waits;
    what a person holds goes on by itself.
    """
    services = [service("email", need("smtp")), service("portal", need("web")), service("files", need("disk"), publish_after=HOUR)]
    world = well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=HOUR)))
    for _ in range(2):
        world.bad("smtp", "web", failure=Failure.SLOW)
    world.act(act.acknowledge, incident=incident_of(world, "web"), by="anna", lasts=HOUR)
    world.tick(180)
    world.fail("disk")
    for _ in range(2):
        world.bad("smtp", "web")
    world.tick(60)
    for id in ("disk", "smtp", "web"):
        world.mend(id)
    world.tick(301)
    return world


LIVES = (
    an_outage_that_grows_and_ends,
    an_outage_that_comes_back,
    an_outage_that_comes_and_goes,
    an_outage_that_is_only_slow,
    words_that_wait,
    words_that_wait_no_longer,
    a_cause_and_its_victims,
    a_cause_that_is_seen_late,
    a_need_with_a_spare,
    silence_and_other_gaps,
    a_blind_location,
    warnings_and_what_only_degrades,
    a_job_that_reports_by_itself,
    one_disk_and_what_the_public_knows,
)
