"""From components to needs and services: every combination there is, against the rule said slowly."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from types import MappingProxyType

import pytest

from incidents.maintenance import Maintenance, MaintenanceState
from incidents.model import Incident, Need, Origin, Service, Situation, Standing, State, Status, Subject
from incidents.rollup import declared, hit_services, is_known, need_status, partners, service_status, worst
from tests.incidents.world import START, World, need, service, topology

UP, LIMPING, PARTIAL, DOWN = Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR
PLANNED, UNKNOWN = Status.MAINTENANCE, Status.UNKNOWN


def outcomes(statuses: Sequence[Status], at_least: int) -> set[Status]:
    """What the need may turn out to be, whatever the parts that we cannot see really do: each of them works or does not."""
    unseen = [place for place, status in enumerate(statuses) if status in (UNKNOWN, PLANNED)]
    found = set()
    for guess in product((UP, DOWN), repeat=len(unseen)):
        seen = list(statuses)
        for place, status in zip(unseen, guess, strict=True):
            seen[place] = status
        working = sum(status is UP for status in seen)
        usable = sum(status in (UP, LIMPING) for status in seen)
        found.add(UP if working >= at_least else LIMPING if usable >= at_least else DOWN)
    return found


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_need_is_what_it_must_be_whatever_we_cannot_see(size: int) -> None:
    ids = tuple("abc"[:size])
    for statuses in product((UP, LIMPING, DOWN, PLANNED, UNKNOWN), repeat=size):
        for at_least in range(1, size + 1):
            found = need_status(Need(of=ids, at_least=at_least), dict(zip(ids, statuses, strict=True)).__getitem__)
            possible = outcomes(statuses, at_least)
            if DOWN in possible and len(possible) > 1:
                assert found is UNKNOWN, (statuses, at_least)
            elif possible == {UP, LIMPING}:
                assert found is LIMPING, (statuses, at_least)  # what is known to be impaired is said
            else:
                assert {found} == possible, (statuses, at_least)


def test_a_need_that_hangs_on_what_cannot_be_seen_is_unknown() -> None:
    two_of_three = Need(of=("a", "b", "c"), at_least=2)
    for statuses in ((LIMPING, UNKNOWN, DOWN), (UP, UNKNOWN, DOWN), (UNKNOWN, UNKNOWN, DOWN), (UP, PLANNED, UNKNOWN)):
        assert need_status(two_of_three, dict(zip("abc", statuses, strict=True)).__getitem__) is UNKNOWN
    assert need_status(two_of_three, {"a": LIMPING, "b": DOWN, "c": DOWN}.__getitem__) is DOWN
    assert need_status(two_of_three, {"a": UNKNOWN, "b": DOWN, "c": DOWN}.__getitem__) is DOWN


@pytest.mark.parametrize("is_critical", [False, True])
def test_a_service_is_down_wholly_by_all_its_needs_or_a_critical_one(is_critical: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    mail = service("email", replace(need("a"), critical=is_critical), need("b"), need("c"))
    for statuses in product((UP, LIMPING, DOWN, UNKNOWN), repeat=3):
        found = service_status(mail, dict(zip("abc", statuses, strict=True)).__getitem__)
        if DOWN not in statuses:
            assert found is worst(statuses)
        elif set(statuses) == {DOWN} or (is_critical and statuses[0] is DOWN):
            assert found is DOWN
        else:
            assert found is PARTIAL


def test_nothing_is_worse_than_nothing_wrong() -> None:
    assert worst(()) is UP
    assert [worst(pair) for pair in ((UP, UNKNOWN), (UNKNOWN, PLANNED), (PLANNED, LIMPING), (LIMPING, PARTIAL), (PARTIAL, DOWN))] == [
        UNKNOWN,
        PLANNED,
        LIMPING,
        PARTIAL,
        DOWN,
    ]
    assert service_status(Service(id="empty", name=MappingProxyType({})), lambda _: UP) is UNKNOWN


def test_of_what_agents_say_of_one_service_the_worst_holds() -> None:
    def said(id: str, state: State = State.INVESTIGATING, origin: Origin = Origin.AGENT, **services: Status) -> Incident:
        given = MappingProxyType(services)
        return Incident(id=id, name=id, origin=origin, state=state, started_at=START, opened_at=START, published_at=START, services=given)

    by_id = {
        one.id: one
        for one in (
            said("first", email=DOWN),
            said("second", email=LIMPING, files=LIMPING),
            said("third", files=PARTIAL),
            said("mended", State.MONITORING, portal=DOWN),
            said("machine", origin=Origin.MACHINE, portal=DOWN),
        )
    }
    assert declared(by_id) == {"email": DOWN, "files": PARTIAL}
    assert declared(dict(reversed(by_id.items()))) == {"email": DOWN, "files": PARTIAL}


def test_partners_are_the_other_broken_parts_of_the_same_failing_need() -> None:
    world = World(topology([service("mail", need("a", "b", "c"), need("d"), need("e"))]))
    world.good("a", "b", "c", "d", "e")
    for id in ("a", "b", "d"):
        world.fail(id)
    assert partners(world.situation, "a") == ()  # c still carries the need
    world.fail("c")
    assert partners(world.situation, "a") == ("b", "c")
    assert partners(world.situation, "d") == ()
    assert partners(world.situation, "e") == ()


def covered(smtp: Status, imap: Status, *, components: tuple[str, ...] = ("imap",), shown: Status = Status.MAINTENANCE) -> Situation:
    """Email under planned maintenance of those *components*, with its parts as they are."""
    known = topology([service("email", need("smtp"), need("imap")), service("files", need("imap"))])
    standings = {
        (Subject.COMPONENT, "smtp"): Standing(status=smtp, since=START),
        (Subject.COMPONENT, "imap"): Standing(status=imap, since=START),
        (Subject.SERVICE, "email"): Standing(status=shown, since=START, covered=Status.OPERATIONAL),
        (Subject.SERVICE, "files"): Standing(status=imap, since=START),
    }
    window = Maintenance(
        id="patches",
        name={"en": "Patches"},
        services=("email",),
        components=components,
        starts=START,
        ends=START + timedelta(hours=1),
        planned_at=START,
        state=MaintenanceState.IN_PROGRESS,
    )
    return Situation(topology=known, seed="seed", standings=standings, maintenances={"patches": window})


def test_what_planned_work_excuses_need_not_be_known() -> None:
    assert is_known(covered(Status.OPERATIONAL, Status.UNKNOWN), "email")
    assert not is_known(covered(Status.UNKNOWN, Status.OPERATIONAL), "email")
    assert not is_known(covered(Status.OPERATIONAL, Status.UNKNOWN), "files"), "the work is announced for another service"
    assert is_known(covered(Status.OPERATIONAL, Status.OPERATIONAL), "files")
    assert not is_known(covered(Status.OPERATIONAL, Status.OPERATIONAL, shown=Status.UNKNOWN), "email")
    assert not is_known(Situation(topology=topology([service("email", need("smtp"))]), seed="seed"), "email")


def test_what_planned_work_excuses_hits_only_whom_it_was_not_announced_to() -> None:
    assert hit_services(covered(Status.OPERATIONAL, Status.MAJOR), "imap") == ("files",)
    assert hit_services(covered(Status.MAJOR, Status.MAJOR), "smtp") == ("email",)


def test_a_spare_that_planned_work_took_away_is_no_partner_and_fails_no_need() -> None:
    spare = replace(covered(Status.MAJOR, Status.MAJOR), topology=topology([service("email", need("smtp", "imap"))]))
    assert hit_services(spare, "smtp") == (), "for all that anybody knows the other would do"
    both = replace(covered(Status.MAJOR, Status.MAJOR), topology=topology([service("email", need("smtp", "imap", at_least=2))]))
    assert hit_services(both, "smtp") == ("email",)
    assert partners(both, "smtp") == ()
    assert partners(replace(both, maintenances={}), "smtp") == ("imap",)
