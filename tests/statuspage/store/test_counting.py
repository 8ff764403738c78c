"""What is counted of many incidents is counted together, on both databases: as by one after another, with few statements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random

from sqlalchemy import Connection, func, insert, select

from incidents.model import Incident, Origin, Status
from incidents.situation import begun
from statuspage.store import callers
from statuspage.store.callers import Call, count_by_incident, unexplained, unexplained_by_service
from statuspage.store.engine import Database
from statuspage.store.usefulness import Useful, prune_usefulness, useful_by_incident
from statuspage.store.usefulness_tables import usefulness
from tests.statuspage.statements import statements
from tests.statuspage.store.worlds import T0, after, begin, opened

SERVICES = ("mail", "files", "portal", "wiki")


def incidents_by_chance(chance: Random, count: int) -> list[Incident]:
    found = []
    for number in range(count):
        event = replace(opened(f"incident{number:04}", root=None, origin=Origin.AGENT), started_at=after(chance.randrange(10_000)))
        worst = dict.fromkeys(chance.sample(SERVICES, chance.randrange(4)), Status.MAJOR)
        ended = event.started_at + timedelta(seconds=chance.randrange(1, 5_000)) if chance.random() < 0.5 else None
        found.append(replace(begun(event), worst=worst, resolved_at=ended))
    return found


def calls_by_chance(connection: Connection, chance: Random, incidents: Sequence[Incident]) -> None:
    for _ in range(400):
        named = chance.choice(incidents).id if chance.random() < 0.3 else None
        at = after(chance.randrange(-4_000, 16_000))
        callers.log_caller(connection, Call(service=chance.choice(SERVICES), incident=named), by="anna", at=at)


def one_by_one(connection: Connection, incidents: Sequence[Incident]) -> dict[str, int]:
    return {one.id: connection.execute(select(func.count()).where(callers._of(one))).scalar_one() for one in incidents}


def test_callers_of_many_incidents_are_those_of_each(database: Database) -> None:
    begin(database)
    for seed in range(3):
        chance = Random(seed)
        incidents = incidents_by_chance(chance, 40)
        database.write(partial(calls_by_chance, chance=chance, incidents=incidents))
        expected = database.read(partial(one_by_one, incidents=incidents))
        assert sum(expected.values()) > 100
        assert database.read(partial(count_by_incident, incidents=incidents)) == expected


def test_they_are_counted_by_one_statement(database: Database) -> None:
    begin(database)
    for count in (1, 5, 500):
        incidents = incidents_by_chance(Random(1), count)
        with statements(database) as asked:
            counted = database.read(partial(count_by_incident, incidents=incidents))
        assert len(counted) == count
        assert len([one for one in asked if "callers" in one]) == 1


def test_many_incidents_of_many_services_are_no_more_than_a_statement_takes(database: Database) -> None:
    begin(database)
    many = dict.fromkeys((f"service{number}" for number in range(300)), Status.MAJOR)
    incidents = [replace(one, worst=many) for one in incidents_by_chance(Random(2), 500)]
    database.write(lambda connection: callers.log_caller(connection, Call(service="service7"), by="anna", at=incidents[0].started_at))
    assert database.read(partial(count_by_incident, incidents=incidents))[incidents[0].id] == 1
    assert database.read(partial(count_by_incident, incidents=[])) == {}


def test_what_explains_nothing_is_counted_by_service(database: Database) -> None:
    begin(database)
    chance = Random(3)
    incidents = incidents_by_chance(chance, 5)
    database.write(lambda connection: calls_by_chance(connection, chance, incidents))
    with statements(database) as asked:
        counted = database.read(lambda connection: unexplained_by_service(connection, [*SERVICES, "nobody"], after(0)))
    assert len([one for one in asked if "callers" in one]) == 1
    assert counted == {id: database.read(partial(unexplained, service=id, since=after(0))) for id in (*SERVICES, "nobody")}
    assert counted["mail"] > 0


def answers(connection: Connection, count: int) -> None:
    rows = [
        {"incident": f"incident{one % 7}", "number": one % 3, "client": f"{one}", "is_useful": one % 2 == 0, "at": after(one)}
        for one in range(count)
    ]
    connection.execute(insert(usefulness), rows)


def test_what_readers_thought_is_counted_for_many_at_once(database: Database) -> None:
    begin(database)
    database.write(lambda connection: answers(connection, 42))
    ids = [*(f"incident{number}" for number in range(7)), "nosuch"]
    with statements(database) as asked:
        found = database.read(lambda connection: useful_by_incident(connection, ids))
    assert len([one for one in asked if "usefulness" in one]) == 1
    assert found["incident0"] == [Useful(number=number, yes=1, no=1) for number in range(3)]
    assert found["nosuch"] == []


def test_old_answers_are_forgotten_by_one_statement_and_no_more_than_asked_for(database: Database) -> None:
    begin(database)
    database.write(lambda connection: answers(connection, 100))
    with statements(database) as asked:
        gone = [database.write(lambda connection: prune_usefulness(connection, T0 + timedelta(seconds=50), 30)) for _ in range(3)]
    assert gone == [30, 20, 0]
    assert len([one for one in asked if "usefulness" in one]) == 3
    assert database.read(lambda connection: connection.execute(select(func.min(usefulness.c.at))).scalar_one()) == after(50)
