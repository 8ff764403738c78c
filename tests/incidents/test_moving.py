"""An id that changes takes along all that is known under it, and nothing else."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from incidents import act, pausing, regroup
from incidents.model import Component, Monitor, Service, Situation, Subject, Topology
from incidents.moving import Move, moved, results_moved
from incidents.planned import planning
from incidents.planned.planning import Terms, Wish
from probes.result import Failure
from tests.incidents.world import World, need, service

HOUR = timedelta(hours=1)


def part(name: str, service_id: str) -> tuple[Service, Component, Monitor]:
    return (
        service(service_id, need(f"part-{name}")),
        Component(id=f"part-{name}", name=name.capitalize()),
        Monitor(id=f"watch-{name}", component=f"part-{name}", stale_after=timedelta(days=9)),
    )


def rich() -> Situation:
    """A bit of everything: open incidents put together by hand, one that is over, a window that spares, what is paused and waived."""
    parts = [part(name, f"serves-{name}") for name in ("mail", "web", "disk", "chat", "fax")]
    topology = Topology(
        services={one.id: one for one, _, _ in parts},
        components={one.id: one for _, one, _ in parts},
        monitors={one.id: one for _, _, one in parts},
    )
    world = World(topology)
    for id in topology.monitors:
        world.mend(id)
    world.fail("watch-fax")
    world.mend("watch-fax")
    world.tick(301)
    for id in ("watch-mail", "watch-web", "watch-disk"):
        world.fail(id)
    held = {one.root: one.id for one in world.situation.incidents.values()}
    world.act(regroup.merge, incident=held["part-web"], into=held["part-mail"], by="ada", body="It is one.")
    world.act(act.resolve, incident=held["part-disk"], by="ada", body="It is over.", override="The probe lags.")
    for name in ("mail", "chat"):
        wish = Wish(
            name=name,
            services=(f"serves-{name}", "serves-disk"),
            components=(f"part-{name}", "part-disk"),
            starts=world.now + 60 * timedelta(seconds=1),
            ends=world.now + HOUR,
            body="We patch.",
        )
        world.act(planning.plan, by="ada", wish=wish, terms=Terms(override="No other day."))
    world.tick(61)
    world.act(pausing.pause, monitor="watch-chat", by="ada", reason="The vendor works on it.")
    known = world.situation
    assert all((known.incidents, known.ended, known.maintenances, known.paused, known.waived))
    assert any(window.spared for window in known.maintenances.values())
    assert any(incident.pinned for incident in known.incidents.values())
    return known


def spelled_anew(value: object, old: str, new: str) -> object:
    """*value* with every id that is *old*, wherever it stands, as *new*; a claim begins with its service's."""
    match value:
        case str():
            head = re.split("[/=]", value)[0]
            return f"{new}{value.removeprefix(old)}" if head == old else value
        case Mapping():
            return MappingProxyType({spelled_anew(key, old, new): spelled_anew(one, old, new) for key, one in value.items()})
        case tuple():
            return tuple(spelled_anew(one, old, new) for one in value)
        case frozenset():
            return frozenset(spelled_anew(one, old, new) for one in value)
        case Topology():
            return value
        case _ if is_dataclass(value) and not isinstance(value, type):
            changed = {field.name: spelled_anew(getattr(value, field.name), old, new) for field in fields(value)}
            return replace(value, **changed)
        case _:
            return value


@pytest.mark.parametrize("name", ["mail", "web", "disk", "chat", "fax"])
@pytest.mark.parametrize(
    ("subject", "before"), [(Subject.MONITOR, "watch"), (Subject.COMPONENT, "part"), (Subject.SERVICE, "serves")], ids=str
)
def test_all_that_is_known_goes_along_and_nothing_else(subject: Subject, before: str, name: str) -> None:
    known, old = rich(), f"{before}-{name}"
    found = moved(known, Move(subject, old, "other"))
    assert found == spelled_anew(known, old, "other")
    assert found != known
    assert moved(found, Move(subject, "other", old)) == known


def test_the_topology_stays_for_whoever_moves_brings_another() -> None:
    known = rich()
    assert moved(known, Move(Subject.COMPONENT, "part-mail", "other")).topology is known.topology


def test_ids_of_other_subjects_are_left_alone() -> None:
    known = rich()
    for subject, foreign in ((Subject.MONITOR, "part-mail"), (Subject.COMPONENT, "serves-mail"), (Subject.SERVICE, "watch-mail")):
        assert moved(known, Move(subject, foreign, "other")) == known


def test_results_of_a_monitor_are_heard_under_its_new_id() -> None:
    world = World(rich().topology)
    some = [world.result(id, Failure.REFUSED) for id in ("watch-mail", "watch-web")]
    moves = [
        Move(Subject.MONITOR, "watch-mail", "other"),
        Move(Subject.COMPONENT, "watch-web", "nothing"),
    ]
    assert results_moved(some, moves) == [replace(some[0], monitor="other"), some[1]]
