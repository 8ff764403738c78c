"""Two tellings of the same time, set against each other; and what a topology has no place for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from incidents import act, pausing
from incidents.events import Acknowledged, Event, Joined, Opened, Resolved, Updated
from incidents.model import Origin, Subject, Topology
from incidents.replaying.differences import Pair, Told, differences, told
from incidents.replaying.narrowing import narrowed
from tests.incidents import deeds, lives
from tests.incidents.world import START, World, need, service, topology

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def opened(id: str, root: str | None, *, began: int, known: int, name: str = "Email is not working") -> Opened:
    """That many minutes after START it began, and was known."""
    return Opened(
        at=START + known * MINUTE,
        incident=id,
        name=name,
        origin=Origin.MACHINE,
        root=root,
        started_at=START + began * MINUTE,
        publish_at=None,
        by=None,
        reason="it failed",
    )


def ended(id: str, minutes: int) -> Resolved:
    return Resolved(at=START + minutes * MINUTE, incident=id, by=None)


def joined(id: str, component: str) -> Joined:
    return Joined(at=START, incident=id, component=component, reason="fails with it")


def ids(some: Sequence[Told]) -> list[str]:
    return [one.id for one in some]


# --- one telling


def test_an_incident_is_told_with_its_root_parts_name_and_end() -> None:
    world = lives.a_cause_that_is_seen_late()
    first, second = told(world.events)
    assert first == Told(
        id=first.id,
        name="Problem with Email and Portal",
        root="disk",
        started_at=START + timedelta(seconds=18),
        opened_at=START + timedelta(seconds=21),
        components=frozenset({"smtp", "disk", "web"}),
        notices=_heard(world.events, first.id),
        ended_at=START + timedelta(minutes=12, seconds=35),
    )
    assert second == Told(
        id=second.id,
        name="Portal is not working",
        root="web",
        started_at=START + timedelta(seconds=24),
        opened_at=START + timedelta(seconds=27),
        components=frozenset({"web"}),
        notices=_heard(world.events, second.id),
        ended_at=START + timedelta(seconds=33),
    )


def _heard(events: Sequence[Event], incident: str) -> int:
    """How often somebody is told: when it opens, at each word, when somebody owns it, at its end."""
    return sum(isinstance(e, Opened | Updated | Resolved | Acknowledged) and e.incident == incident for e in events)


def test_one_that_came_back_is_open_until_its_last_end() -> None:
    world = lives.an_outage_that_comes_back()
    first, last = told(world.events)
    reopened = [place for place, event in enumerate(world.events) if type(event).__name__ == "Reopened"]
    (back,) = told(world.events[: reopened[0] + 1])
    assert back.ended_at is None
    assert back.notices == told(world.events[: reopened[0]])[0].notices + 1
    assert first.ended_at is not None
    assert last.ended_at is None


def test_one_opened_by_hand_has_no_root_and_no_parts() -> None:
    (only,) = told(deeds.an_incident_opened_by_hand().events)
    assert (only.name, only.root, only.components) == ("Slow mail", None, frozenset())


def test_what_is_said_of_an_incident_that_began_before_is_nobodys() -> None:
    assert told([ended("old", 5), opened("new", "smtp", began=1, known=2)]) == told([opened("new", "smtp", began=1, known=2)])


def test_incidents_are_told_oldest_first() -> None:
    events: list[Event] = [
        opened("c", "web", began=1, known=3),
        opened("b", "smtp", began=2, known=2),
        opened("a", "disk", began=1, known=2),
    ]
    assert ids(told(events)) == ["a", "b", "c"]


# --- two tellings


def test_the_same_root_at_the_same_time_is_the_same_trouble_known_sooner_or_later() -> None:
    recorded: list[Event] = [opened("a", "smtp", began=1, known=4), ended("a", 20), opened("b", "web", began=30, known=31)]
    other: list[Event] = [opened("x", "smtp", began=1, known=2), ended("x", 20), opened("y", "web", began=30, known=36)]
    found = differences(recorded, other)
    assert found.both == (
        Pair(recorded=told(recorded)[0], otherwise=told(other)[0]),
        Pair(recorded=told(recorded)[1], otherwise=told(other)[1]),
    )
    assert [pair.gained for pair in found.both] == [2 * MINUTE, -5 * MINUTE]
    assert found.gained == -3 * MINUTE
    assert (found.fewer, found.more) == ((), ())
    assert (found.notices_recorded, found.notices_otherwise) == (3, 3)


def test_another_time_is_other_trouble() -> None:
    recorded: list[Event] = [opened("a", "smtp", began=1, known=2), ended("a", 20)]
    for began, is_same in ((20, True), (21, False)):
        found = differences(recorded, [opened("x", "smtp", began=began, known=25), ended("x", 30)])
        assert (ids(found.fewer), ids(found.more)) == (([], []) if is_same else (["a"], ["x"]))
        again = differences([opened("x", "smtp", began=began, known=25), ended("x", 30)], recorded)
        assert (ids(again.fewer), ids(again.more)) == (([], []) if is_same else (["x"], ["a"]))


def test_the_same_id_or_a_part_in_common_is_the_same_trouble() -> None:
    by_hand: list[Event] = [opened("a", None, began=1, known=2), ended("a", 9)]
    assert len(differences(by_hand, by_hand).both) == 1
    other: list[Event] = [opened("x", None, began=1, known=2), ended("x", 9)]
    assert differences(by_hand, other).both == (), "that neither has a root is nothing in common"
    parts: list[Event] = [opened("b", "disk", began=1, known=2), joined("b", "smtp")]
    assert [pair.otherwise.id for pair in differences(parts, [opened("y", "smtp", began=1, known=2)]).both] == ["y"]


def test_the_same_root_comes_before_a_part_in_common() -> None:
    recorded: list[Event] = [opened("a", "disk", began=1, known=2), joined("a", "smtp"), opened("b", "smtp", began=1, known=3)]
    (pair,) = differences(recorded, [opened("x", "smtp", began=1, known=2)]).both
    assert pair.recorded.id == "b"


def test_what_only_one_telling_has_is_fewer_or_more() -> None:
    recorded: list[Event] = [opened("a", "smtp", began=1, known=2), opened("b", "web", began=1, known=2)]
    found = differences(recorded, [opened("x", "web", began=1, known=2), opened("y", "disk", began=1, known=2)])
    assert (ids(found.fewer), [pair.recorded.id for pair in found.both], ids(found.more)) == (["a"], ["b"], ["y"])


# --- what a topology has no place for


def test_what_a_topology_does_not_name_is_left_out_and_comes_back_with_one_that_does() -> None:
    services = [service("email", need("smtp")), service("portal", need("web"))]
    whole, part = topology(services, {"smtp": ("disk",)}, stale_after=HOUR), topology(services[:1], stale_after=HOUR)
    world = World(whole)
    world.good("smtp", "web", "disk")
    world.act(pausing.pause, monitor="web", by="ada", reason="The vendor works on it.")
    world.act(pausing.resume, monitor="web", by="ada")
    world.act(pausing.pause, monitor="disk", by="ada", reason="The vendor works on it.")
    world.fail("web")
    world.fail("smtp")
    held = {one.root: one.id for one in world.situation.incidents.values()}
    world.act(act.resolve, incident=held["web"], by="ada", body="It is over.", override="The probe lags.")
    known = world.situation
    left = narrowed(known, part)
    assert left.topology == part
    assert (set(known.waived), set(left.waived)) == ({"web"}, set())
    assert left.streaks.keys() == left.seen.keys() == {("smtp", "local")}
    assert left.standings.keys() == {(Subject.MONITOR, "smtp"), (Subject.COMPONENT, "smtp"), (Subject.SERVICE, "email")}
    assert (set(known.paused), set(left.paused)) == ({"disk"}, set())
    assert left.incidents == known.incidents
    assert narrowed(known, whole) == known


def test_an_incident_keeps_of_its_parts_and_services_what_the_topology_names() -> None:
    world = lives.a_cause_that_is_seen_late()
    (ended_one,) = world.situation.ended.values()
    wide = replace(ended_one, pinned=frozenset({"smtp", "web"}))
    only_email: Topology = topology([service("email", need("smtp"))])
    known = replace(world.situation, incidents={wide.id: wide}, ended={wide.id: wide})
    left = narrowed(known, only_email)
    assert left.incidents == left.ended
    (found,) = left.incidents.values()
    assert (list(found.components), set(found.services), set(found.worst), set(found.pinned)) == (["smtp"], {"email"}, {"email"}, {"smtp"})
    assert replace(found, components=wide.components, services=wide.services, worst=wide.worst, pinned=wide.pinned) == wide
