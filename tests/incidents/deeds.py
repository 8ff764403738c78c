"""Lives in which people act: they own, tell, end, open, merge, split, pause and correct."""

from incidents import act, advising, correction, handling, pausing, regroup
from incidents.handled import Ticket
from incidents.model import State, Status
from tests.incidents.lives import HOUR, MINUTE, incident_of, mail, well
from tests.incidents.world import START, World, need, service, topology


def what_agents_do() -> World:
    """Somebody owns it, writes, promises, resolves against the probes; the component waits for its recovery."""
    world = mail()
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


def words_at_the_gate() -> World:
    """Words are dismissed, wait again since it got worse, and are confirmed; it is weighed, linked, and callers hear something else."""
    world = well(World(topology([service("email", need("smtp"), need("imap"), publish_after=HOUR)], stale_after=HOUR)))
    world.fail("smtp")
    id = world.incident.id
    world.act(handling.dismiss, incident=id, by="ada", reason="A test of ours.")
    world.fail("imap")
    world.act(handling.weigh, incident=id, by="ada", affected_share=0.25, cost_to_resolve=100.0)
    world.act(handling.brief, incident=id, by="ada", body="Use webmail.", bodies={"de": "Webmail geht."})
    world.act(handling.link, incident=id, by="ada", ticket=Ticket(name="OPS-7"))
    world.act(handling.link, incident=id, by="ada", ticket=Ticket(name="OPS-8"))
    world.act(handling.unlink, incident=id, by="ada", name="OPS-8")
    world.act(handling.confirm, incident=id, by="ben", voices=world.policy.speaks)
    return world


def an_incident_opened_by_hand() -> World:
    """Somebody opens one, the machine leaves it alone, and somebody ends it."""
    world = mail()
    world.act(act.open_incident, by="anna", name="Slow mail", services={"email": Status.DEGRADED}, body="Mail is slow.")
    world.tick(60)
    world.act(act.update, incident=world.incident.id, by="anna", body="It gets better.", state=State.MONITORING)
    world.tick(600)
    world.act(act.resolve, incident=world.incident.id, by="anna", body="All is well.")
    return world


def two_that_become_one_and_part() -> World:
    """Two incidents are merged by hand, and one part is taken out again."""
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = well(World(topology(services, stale_after=HOUR)))
    world.fail("smtp")
    world.fail("web")
    into = incident_of(world, "smtp")
    world.act(regroup.merge, incident=incident_of(world, "web"), into=into, by="ada", body="It is the same switch.")
    world.tick(30)
    world.act(regroup.split, incident=into, by="ada", name="Portal alone", body="It is another switch.", components=("web",))
    world.mend("smtp")
    world.mend("web")
    world.tick(1801)
    return world


def incidents_that_are_taken_apart() -> World:
    """Two parts of three leave before anybody outside knows; then one service of two leaves what was opened by hand, public and not."""
    services = [service(id, need(part), publish_after=HOUR) for id, part in (("files", "disk"), ("email", "smtp"), ("portal", "web"))]
    world = well(World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=HOUR)))
    for _ in range(2):
        world.bad("disk", "smtp", "web")
    held = world.incident.id
    world.act(regroup.split, incident=held, by="ada", name="Two alone", body="It is another cause.", components=("web", "smtp"))
    both = {"email": Status.MAJOR, "portal": Status.PARTIAL}
    for name, is_draft in (("Customers call", False), ("Two called", True)):
        world.act(act.open_incident, by="anna", name=name, services=both, body="They call.", is_draft=is_draft)
        id = next(one.id for one in world.situation.incidents.values() if one.name == name)
        world.act(regroup.split, incident=id, by="ada", name=f"{name} of portal", body="That is another.", services=("portal",))
    return world


def what_is_no_longer_watched() -> World:
    """One monitor is paused with its incident open and resumed; then the file takes the other away, and once its service alone."""
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = well(World(topology(services, stale_after=HOUR)))
    world.fail("smtp")
    world.act(pausing.pause, monitor="smtp", by="ada", reason="The vendor works on it.")
    world.tick(60)
    world.act(pausing.resume, monitor="smtp", by="ada")
    world.fail("smtp")
    world.fail("web")
    world.configure(topology(services[:1], stale_after=HOUR))
    world.configure(topology(services, stale_after=HOUR))
    world.fail("web")
    world.configure(topology(services[:1], {"smtp": ("web",)}, stale_after=HOUR))
    return world


def _waiting(world: World) -> str:
    (id,) = world.situation.proposals
    return id


def a_correction_that_is_approved() -> World:
    """Somebody knows better, another agrees; a second one is dropped."""
    world = mail()
    world.tick(3600)
    claim = correction.Claim(service="email", since=START, until=START + MINUTE, status=Status.MAJOR, reason="The switch hung.")
    world.act(correction.correct, claim=claim, by="ada")
    world.act(correction.correct, claim=claim, by="ada", needs_approval=True)
    world.act(correction.approve, correction=_waiting(world), by="ben")
    world.act(correction.correct, claim=claim, by="ada", needs_approval=True)
    world.act(correction.drop, correction=_waiting(world), by="ada", reason="It was yesterday.")
    return world


def a_storm_that_is_warned_of() -> World:
    """A storm is announced, told more of and moved; an outage comes meanwhile; it is withdrawn, and a notice is over by time."""
    world = mail()
    storm = advising.Wish(name={"en": "Storm", "de": "Sturm"}, services=("email",), starts=START, ends=None, body={"en": "It may blow."})
    world.act(advising.publish, by="ada", wish=storm)
    (id,) = world.situation.advisories
    closed = advising.Wish(name={"en": "Our phone"}, services=(), starts=START, ends=START + HOUR, body={"en": "It is closed."})
    world.act(advising.publish, by="ben", wish=closed)
    world.act(advising.update, advisory=id, by="ada", body={"en": "It comes nearer."})
    world.fail("smtp")
    world.act(advising.move, advisory=id, by="ada", ends=START + 2 * HOUR)
    world.mend("smtp")
    world.tick(3600)
    world.act(advising.withdraw, advisory=id, by="ada", body={"en": "It has passed.", "de": ""})
    return world


def drafts_and_what_nobody_saw() -> World:
    """A draft is published by its first update; another ends unseen, as does one whose words were held back."""
    world = mail(publish_after=HOUR)
    for name in ("Customers call", "Nothing after all"):
        world.act(act.open_incident, by="anna", name=name, services={"email": Status.PARTIAL}, body="Two called.", is_draft=True)
    first, second = world.situation.incidents
    world.act(act.update, incident=first, by="ben", body="We look into it.")
    world.act(act.note, incident=second, by="ben", body="It was their own line.")
    world.act(act.resolve, incident=second, by="ben", body="It was nothing.", override="Not needed.")
    world.act(act.resolve, incident=first, by="anna", body="It is over.", cause="line")
    world.fail("smtp")
    world.act(act.resolve, incident=world.incident.id, by="anna", body="We know.", override="Replaced tomorrow.")
    world.tick(60)
    world.mend("smtp")
    return world


def an_outage_that_people_follow() -> World:
    """What a person says stays: the machine asks the desk before it resolves, and a name that was said is kept."""
    world = mail(resolves_after=MINUTE)
    world.fail("smtp")
    world.act(act.update, incident=world.incident.id, by="anna", body="We are on it.")
    world.fail("imap")
    world.mend("imap")
    world.mend("smtp")
    world.act(act.update, incident=incident_of(world, "smtp"), by="anna", body="It seems well.", state=State.MONITORING)
    world.tick(301)
    world.fail("smtp")
    world.mend("smtp")
    world.tick(1801)
    world.tick(1801)
    return world


DEEDS = (
    what_agents_do,
    words_at_the_gate,
    an_incident_opened_by_hand,
    two_that_become_one_and_part,
    incidents_that_are_taken_apart,
    what_is_no_longer_watched,
    a_correction_that_is_approved,
    a_storm_that_is_warned_of,
    drafts_and_what_nobody_saw,
    an_outage_that_people_follow,
)
