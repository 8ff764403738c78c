"""Lives of planned work, from its plan to its end."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents.maintenance import Series
from incidents.model import Need, Topology
from incidents.planned import planning, windows
from incidents.planned.planning import Terms, Wish
from incidents.policy import Policy
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from incidents.voices import PLAIN, Speech
from probes.result import Failure
from statuspage.bundled import templates
from statuspage.render.voicing import voices_of
from tests.incidents.lives import HOUR, mail, well
from tests.incidents.world import START, World, need, service, topology

GERMAN = voices_of("de", ("de", "en"), templates() / "languages")
IN_GERMAN = Speech(voices=GERMAN)
"""A German site that speaks English, too."""

ANYTIME = Terms(override="The vendor has no other day.")


def planned(world: World, starts: int, lasts: int = 3600, *, name: str = "Patches", speech: Speech = PLAIN, terms: Terms = ANYTIME) -> str:
    """A window for receiving, that many seconds after START."""
    begins = START + timedelta(seconds=starts)
    ends = begins + timedelta(seconds=lasts)
    wish = Wish(name=name, services=("email",), components=("imap",), starts=begins, ends=ends, body="We patch.")
    before = set(world.situation.maintenances)
    world.act(planning.plan, by="ada", wish=wish, terms=replace(terms, speech=speech))
    (id,) = set(world.situation.maintenances) - before
    return id


def work_that_keeps_its_time() -> World:
    """It is planned, moved, begins, breaks what it works on, mends it, ends in time; another one is cancelled."""
    world = mail()
    id = planned(world, 1800)
    world.act(planning.reschedule, maintenance=id, by="ada", starts=START + HOUR, terms=ANYTIME)
    world.tick(3600)
    world.fail("imap")
    world.tick(600)
    world.mend("imap")
    world.tick(3000)
    other = planned(world, 9000)
    world.act(planning.cancel, maintenance=other, by="ada", body="Not needed.")
    return world


def work_that_takes_too_long() -> World:
    """What it broke is still broken ten minutes after its end, and another part fails meanwhile that no window explains."""
    world = mail()
    id = planned(world, 600, 600)
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
    world = mail()
    id = planned(world, 600)
    world.fail("imap")
    world.tick(600)
    world.tick(600)
    world.mend("imap")
    world.act(planning.finish, maintenance=id, by="ada", body="Done sooner.")
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
    world = well(World(_sundays(SUNDAYS)))
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


def work_told_in_german() -> World:
    """A weekly window is announced, changed, made longer, begins, and ends with nobody knowing whether all works; the next is dropped."""
    world = well(World(_sundays(SUNDAYS), Policy(language="de", voices=GERMAN)))
    ((known, _),) = SUNDAYS.spans(world.now, world.now + timedelta(days=7))
    world.tick((known - timedelta(hours=72) - world.now).total_seconds())
    world.configure(_sundays(replace(SUNDAYS, components=(), lasts=3 * HOUR)))
    world.tick((known - world.now).total_seconds())
    for _ in range(2):
        world.bad("imap", failure=Failure.CRASHED)
    world.tick((known + 3 * HOUR - world.now).total_seconds())
    world.tick(601)
    world.good("imap")
    world.tick(5 * 86400)
    world.configure(_sundays(None))
    return world


def work_that_waits_for_a_second_person() -> World:
    """One is approved and gets longer past its end; one is not approved in time; one is public nowhere and is cancelled."""
    world = mail()
    asked = replace(ANYTIME, needs_approval=True)
    id = planned(world, 600, 600, terms=asked)
    world.act(planning.approve, maintenance=id, by="ben")
    other = planned(world, 1200, 60, terms=asked)
    planned(world, 1300, 60, terms=asked)
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


def an_outage_told_in_german() -> World:
    """The names are German where there are German ones; a part comes and goes, and what is planned is named too."""
    names = {"en": "Email", "de": "E-Mail"}
    labels = MappingProxyType({"en": "Sending", "de": "Versand"})
    email = replace(service("email", need("smtp")), name=MappingProxyType(names), needs=(Need(of=("smtp",), label=labels), need("imap")))
    files = replace(service("files", need("disk")), name=MappingProxyType({"en": "Files", "de": "Dateien"}))
    world = well(World(topology([email, files], stale_after=HOUR), Policy(language="de", voices=GERMAN)))
    id = planned(world, 1200, name="Patches", speech=IN_GERMAN)
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
    for failure in (Failure.SLOW, Failure.REFUSED):
        world.bad("disk", failure=failure)
        world.bad("disk", failure=failure)
        world.tick(60)
    world.act(planning.cancel, maintenance=id, by="ada", speech=IN_GERMAN)
    return world


WORKS = (
    work_that_keeps_its_time,
    work_that_takes_too_long,
    work_that_is_finished_early,
    work_that_comes_again,
    work_told_in_german,
    work_that_waits_for_a_second_person,
    an_outage_told_in_german,
)
