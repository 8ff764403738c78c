"""Lives that are written down to the letter, in ``records/``: each event of each with all that it says.

``python -m tests.incidents.lives`` writes them anew; read what changed before you commit it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from incidents import act, correction, pausing, regroup, sight
from incidents.decide import rejudge
from incidents.events import Event, Opened, Planned
from incidents.heartbeat import Every, Heartbeat
from incidents.impairment import Hindrance
from incidents.maintenance import Series
from incidents.model import Component, Monitor, Need, Severity, State, Status, Topology
from incidents.planned import planning, windows
from incidents.planned.planning import Terms, Wish
from incidents.policy import Policy
from incidents.sight import Glance, Look
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from probes.result import Failure
from tests.incidents.world import START, World, need, service, topology

RECORDS = Path(__file__).parent / "records"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ANYTIME = Terms(override="The vendor has no other day.")


def record(world: World) -> str:
    """All that happened, an event a line. What a field says by default is left out; incidents and windows bear numbers in place of ids."""
    ids = [e.incident if isinstance(e, Opened) else e.maintenance for e in world.events if isinstance(e, Opened | Planned)]
    told = "\n".join(_spelled(event) for event in world.events)
    for number, id in enumerate(dict.fromkeys(ids), start=1):
        told = re.sub(rf"\b{id}\b", f"#{number}", told)
    return told + "\n"


def _spelled(one: object) -> str:
    match one:
        case datetime():
            return f"{one:%H:%M:%S}" if one.date() == START.date() else f"{one:%Y-%m-%d %H:%M:%S}"
        case str():
            return one or '""'
        case Mapping():
            return "{" + ", ".join(f"{_spelled(key)}: {_spelled(value)}" for key, value in one.items()) + "}"
        case frozenset():
            return "{" + ", ".join(sorted(map(_spelled, one))) + "}"
        case tuple():
            return "[" + ", ".join(map(_spelled, one)) + "]"
        case _ if is_dataclass(one):
            return f"{type(one).__name__}({', '.join(_said(one))})"
        case _:
            return str(one)


def _said(one: Any) -> Iterable[str]:  # noqa: ANN401 - any event, and any value in one
    for field in fields(one):
        value = getattr(one, field.name)
        if value != _default(field):
            yield f"{field.name}={_spelled(value)}"


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


# --- what they have in common


def _mail(**more: object) -> World:
    """Email needs sending and receiving, and both are known to work."""
    shape = topology([service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), **more)], stale_after=HOUR)
    return _well(World(shape))


def _well(world: World) -> World:
    for monitor in world.situation.topology.monitors:
        world.mend(monitor)
    return world


def _incident(world: World, root: str) -> str:
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
    world = _mail()
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
    world = _mail()
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
    world = _mail()
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
    world = _mail()
    for failure in (Failure.SLOW, Failure.REFUSED, Failure.SLOW):
        world.bad("smtp", failure=failure)
        world.bad("smtp", failure=failure)
        world.tick(600)
    world.mend("smtp")
    world.tick(301)
    return world


def words_that_wait() -> World:
    """Words are held back: one outage is over before they are due, one gets worse, one becomes due."""
    world = _mail(publish_after=MINUTE)
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


def a_cause_and_its_victims() -> World:
    """A disk fails, and what stands on it; one part stays broken when the disk is back, and gets an incident of its own."""
    services = [service("email", need("smtp")), service("portal", need("web")), service("files", need("disk"))]
    world = _well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=2 * MINUTE)))
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
    world = _well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=HOUR)))
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
    world = _well(World(topology([service("email", need("mx1", "mx2", at_least=1, label="Receiving"))], stale_after=HOUR)))
    world.fail("mx1")
    world.fail("mx2")
    world.mend("mx1")
    world.tick(301)
    return world


def silence_and_other_gaps() -> World:
    """Nothing comes, then our password is refused, then we crash; nothing of that is an outage."""
    world = _mail()
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
    world = Watched(_mail().situation.topology)
    _well(world)
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


def what_agents_do() -> World:
    """Somebody owns it, writes, promises, resolves against the probes; the component waits for its recovery."""
    world = _mail()
    world.fail("smtp")
    id = world.incident.id
    world.act(act.acknowledge, incident=id, by="anna", lasts=HOUR)
    world.act(act.note, incident=id, by="anna", body="The queue is full.")
    promised = world.now + HOUR
    world.act(act.update, incident=id, by="anna", body="We know why.", state=State.IDENTIFIED, next_update_by=promised)
    world.tick(60)
    world.fail("imap")
    world.mend("imap")
    world.act(act.resolve, incident=id, by="ben", body="Mended by hand.", cause="queue", override="The probe lags.")
    world.tick(10)
    world.mend("smtp")
    return world


def an_incident_opened_by_hand() -> World:
    """Somebody opens one, the machine leaves it alone, and somebody ends it."""
    world = _mail()
    world.act(act.open_incident, by="anna", name="Slow mail", services={"email": Status.DEGRADED}, body="Mail is slow.")
    world.tick(60)
    world.act(act.update, incident=world.incident.id, by="anna", body="It gets better.", state=State.MONITORING)
    world.tick(600)
    world.act(act.resolve, incident=world.incident.id, by="anna", body="All is well.")
    return world


def two_that_become_one_and_part() -> World:
    """Two incidents are merged by hand, and one part is taken out again."""
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = _well(World(topology(services, stale_after=HOUR)))
    world.fail("smtp")
    world.fail("web")
    into = _incident(world, "smtp")
    world.act(regroup.merge, incident=_incident(world, "web"), into=into, by="ada", body="It is the same switch.")
    world.tick(30)
    world.act(regroup.split, incident=into, by="ada", name="Portal alone", body="It is another switch.", components=("web",))
    world.mend("smtp")
    world.mend("web")
    world.tick(1801)
    return world


def what_is_no_longer_watched() -> World:
    """One monitor is paused with its incident open and resumed; then the file takes the other away."""
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = _well(World(topology(services, stale_after=HOUR)))
    world.fail("smtp")
    world.act(pausing.pause, monitor="smtp", by="ada", reason="The vendor works on it.")
    world.tick(60)
    world.act(pausing.resume, monitor="smtp", by="ada")
    world.fail("smtp")
    world.fail("web")
    world.configure(topology(services[:1], stale_after=HOUR))
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
    world = _well(World(shape))
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


def _planned(world: World, starts: int, lasts: int = 3600, *, name: str = "Patches", language: str = "en", terms: Terms = ANYTIME) -> str:
    """A window for receiving, that many seconds after START."""
    begins = START + timedelta(seconds=starts)
    ends = begins + timedelta(seconds=lasts)
    wish = Wish(name=name, services=("email",), components=("imap",), starts=begins, ends=ends, body="We patch.")
    before = set(world.situation.maintenances)
    world.act(planning.plan, by="ada", wish=wish, terms=replace(terms, language=language))
    (id,) = set(world.situation.maintenances) - before
    return id


def work_that_keeps_its_time() -> World:
    """It is planned, moved, begins, breaks what it works on, mends it, ends in time; another one is cancelled."""
    world = _mail()
    id = _planned(world, 1800)
    world.act(planning.reschedule, maintenance=id, by="ada", starts=START + HOUR, terms=ANYTIME)
    world.tick(3600)
    world.fail("imap")
    world.tick(600)
    world.mend("imap")
    world.tick(3000)
    other = _planned(world, 9000)
    world.act(planning.cancel, maintenance=other, by="ada", body="Not needed.")
    return world


def work_that_takes_too_long() -> World:
    """What it broke is still broken ten minutes after its end, and another part fails meanwhile that no window explains."""
    world = _mail()
    id = _planned(world, 600, 600)
    world.tick(600)
    world.fail("imap")
    world.tick(60)
    world.act(planning.extend, maintenance=id, by="ada", ends=START + timedelta(seconds=1800), body="A little longer.", terms=ANYTIME)
    world.fail("smtp")
    world.mend("smtp")
    world.tick(1120)
    world.tick(601)
    world.mend("imap")
    world.tick(301)
    return world


def work_that_is_finished_early() -> World:
    """One part was broken before it began, which it does not explain; it is finished by hand before its end."""
    world = _mail()
    id = _planned(world, 600)
    world.fail("imap")
    world.tick(600)
    world.tick(600)
    world.mend("imap")
    world.act(planning.finish, maintenance=id, by="ada", body="Done sooner.")
    world.tick(301)
    return world


def an_outage_told_in_german() -> World:
    """The names are German where there are German ones; a part comes and goes, and what is planned is named too."""
    names = {"en": "Email", "de": "E-Mail"}
    labels = MappingProxyType({"en": "Sending", "de": "Versand"})
    email = replace(service("email", need("smtp")), name=MappingProxyType(names), needs=(Need(of=("smtp",), label=labels), need("imap")))
    world = _well(World(topology([email, service("files", need("disk"))], stale_after=HOUR), Policy(language="de")))
    id = _planned(world, 1200, name="Patches", language="de")
    for _ in range(2):
        world.fail("smtp")
        world.mend("smtp")
        world.tick(20)
    world.tick(301)
    world.fail("smtp")
    world.tick(60)
    world.fail("imap")
    world.tick(60)
    world.mend("imap")
    world.tick(301)
    world.act(planning.cancel, maintenance=id, by="ada", language="de")
    return world


def one_disk_and_what_the_public_knows() -> World:
    """Two are slow long before the disk fails, and get worse after. The one that is public takes the disk's over, which still waits;
    what a person holds goes on by itself.
    """
    services = [service("email", need("smtp")), service("portal", need("web")), service("files", need("disk"), publish_after=HOUR)]
    world = _well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=HOUR)))
    for _ in range(2):
        world.bad("smtp", "web", failure=Failure.SLOW)
    world.act(act.acknowledge, incident=_incident(world, "web"), by="anna", lasts=HOUR)
    world.tick(180)
    world.fail("disk")
    for _ in range(2):
        world.bad("smtp", "web")
    world.tick(60)
    for id in ("disk", "smtp", "web"):
        world.mend(id)
    world.tick(301)
    return world


SUNDAYS = Series(
    key="patch-day",
    name=MappingProxyType({"en": "Patch day", "de": "Flicktag"}),
    description=MappingProxyType({"en": "We patch.", "de": "Wir flicken."}),
    services=("email",),
    components=("imap",),
    recurrence=Recurrence(starts=datetime(2026, 2, 22, 2, 0), timezone="Europe/Berlin", rule=parse("FREQ=WEEKLY;BYDAY=SU")),  # noqa: DTZ001 - by the wall clock
    lasts=2 * HOUR,
    announce=timedelta(hours=72),
)


def _sundays(series: Series | None) -> Topology:
    shape = topology([service("email", need("smtp", label="Sending"), need("imap", label="Receiving"))], stale_after=timedelta(days=99))
    return replace(shape, series=MappingProxyType({series.key: series} if series else {}))


def work_that_comes_again() -> World:
    """A weekly window comes near, is described anew, made shorter, runs; the next is quiet, moved by hand; then the file drops it."""
    world = _well(World(_sundays(SUNDAYS)))
    (known,) = (starts for starts, _ in SUNDAYS.spans(world.now, world.now + timedelta(days=7)))
    world.tick((known - timedelta(hours=72) - world.now).total_seconds())
    world.configure(_sundays(replace(SUNDAYS, components=(), lasts=HOUR, description=MappingProxyType({}))))
    world.tick((known - world.now).total_seconds())
    world.tick(3600)
    world.tick(5 * 86400)
    far = windows.occurrence_id(world.situation, SUNDAYS.key, known + timedelta(days=14))
    world.act(planning.cancel, maintenance=far, by="ada")
    starts = known + timedelta(days=7, hours=3)
    world.act(planning.reschedule, maintenance=SUNDAYS.key, by="ada", starts=starts, body="Not so early.", terms=ANYTIME)
    world.tick((starts + timedelta(days=11, hours=-2) - world.now).total_seconds())
    world.configure(_sundays(replace(SUNDAYS, is_loud=True)))
    world.tick(86400)
    world.configure(_sundays(None))
    return world


def work_that_waits_for_a_second_person() -> World:
    """One is approved and gets longer past its end; one is not approved in time; one is public nowhere and is cancelled."""
    world = _mail()
    asked = replace(ANYTIME, needs_approval=True)
    id = _planned(world, 600, 600, terms=asked)
    world.act(planning.approve, maintenance=id, by="ben")
    other = _planned(world, 1200, 60, terms=asked)
    _planned(world, 1300, 60, terms=asked)
    world.act(planning.cancel, maintenance=other, by="ada")
    world.tick(600)
    world.fail("imap")
    world.tick(660)
    world.act(planning.extend, maintenance=id, by="ada", ends=START + timedelta(seconds=1500), terms=ANYTIME)
    world.act(planning.reschedule, maintenance=id, by="ada", ends=START + timedelta(seconds=1400), terms=ANYTIME)
    world.tick(120)
    world.act(planning.finish, maintenance=id, by="ada")
    world.act(planning.finish, maintenance=id, by="ada")
    world.tick(600)
    return world


def _waiting(world: World) -> str:
    (id,) = world.situation.proposals
    return id


def a_correction_that_is_approved() -> World:
    """Somebody knows better, another agrees; a second one is dropped."""
    world = _mail()
    world.tick(3600)
    claim = correction.Claim(service="email", since=START, until=START + MINUTE, status=Status.MAJOR, reason="The switch hung.")
    world.act(correction.correct, claim=claim, by="ada")
    world.act(correction.correct, claim=claim, by="ada", needs_approval=True)
    world.act(correction.approve, correction=_waiting(world), by="ben")
    world.act(correction.correct, claim=claim, by="ada", needs_approval=True)
    world.act(correction.drop, correction=_waiting(world), by="ada", reason="It was yesterday.")
    return world


LIVES: tuple[Callable[[], World], ...] = (
    an_outage_that_grows_and_ends,
    an_outage_that_comes_back,
    an_outage_that_comes_and_goes,
    an_outage_that_is_only_slow,
    words_that_wait,
    a_cause_and_its_victims,
    a_cause_that_is_seen_late,
    a_need_with_a_spare,
    silence_and_other_gaps,
    a_blind_location,
    what_agents_do,
    an_incident_opened_by_hand,
    two_that_become_one_and_part,
    what_is_no_longer_watched,
    warnings_and_what_only_degrades,
    a_job_that_reports_by_itself,
    work_that_keeps_its_time,
    work_that_takes_too_long,
    work_that_is_finished_early,
    an_outage_told_in_german,
    one_disk_and_what_the_public_knows,
    work_that_comes_again,
    work_that_waits_for_a_second_person,
    a_correction_that_is_approved,
)


def file_of(life: Callable[[], World]) -> Path:
    """Where its record is kept."""
    return RECORDS / f"{life.__name__}.txt"


def main() -> None:
    """Write all records anew."""
    for life in LIVES:
        file_of(life).write_text(record(life()), encoding="utf-8")


if __name__ == "__main__":
    main()
