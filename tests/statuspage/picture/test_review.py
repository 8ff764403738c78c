"""What a month teaches, reckoned from a handful of incidents whose answer is known beforehand."""

from datetime import UTC, datetime, timedelta

from incidents.model import Component, Incident, Monitor, Origin, State, Status, Topology
from incidents.priority import Impact
from statuspage.picture.desk_report import Lived
from statuspage.picture.review import Altered, review

NOW = datetime(2026, 3, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)
IMPACTS = {"mail": Impact(customers=100, cost_of_quality=2.0), "files": Impact(customers=10)}
PARTS = {id: Component(id=id, name=id) for id in ("smtp", "disk")}
WATCHED = {f"{id}-port": Monitor(id=f"{id}-port", component=id) for id in PARTS}
TOPOLOGY = Topology(services={}, components=PARTS, monitors=WATCHED)


def lived(id: str, day: int, hours: float, cause: str | None, hit: dict[str, Status], root: str = "smtp") -> Lived:
    began = datetime(2026, 3, day, 12, tzinfo=UTC)
    incident = Incident(
        id=id,
        name=id,
        origin=Origin.MACHINE,
        state=State.RESOLVED,
        started_at=began,
        opened_at=began + timedelta(minutes=1),
        resolved_at=began + hours * HOUR,
        root=root,
        components=(root,),
        worst=hit,
        cause=cause,
    )
    return Lived(incident=incident)


MONTH = (
    lived("long", 2, 10, "supplier", {"files": Status.MAJOR}, root="disk"),
    lived("short", 5, 1, "release", {"mail": Status.MAJOR}),
    lived("again", 9, 1, "release", {"mail": Status.PARTIAL, "files": Status.DEGRADED}),
    lived("unsaid", 12, 1, None, {"mail": Status.DEGRADED}),
    lived("none", 20, 99, "false-alarm", {"mail": Status.MAJOR}),
)


def test_causes_are_ranked_by_what_they_cost_and_nothing_counts_twice() -> None:
    found = review(MONTH, {}, (), topology=TOPOLOGY, impacts=IMPACTS, before=24 * HOUR, now=NOW)
    assert [(one.id, one.toll.incidents, round(one.toll.cost, 6), one.toll.downtime) for one in found.causes] == [
        ("release", 2, 280.0, 2 * HOUR),
        ("", 1, 20.0, HOUR),
        ("supplier", 1, 0.0, 10 * HOUR),
    ]
    assert round(found.causes[2].toll.customer_hours, 6) == 100.0, "nobody said what an hour costs; how many were hit is known"
    assert [(one.id, one.toll.incidents) for one in found.offenders] == [("smtp", 3)]
    assert found.whole.incidents == 4


def test_a_monitor_is_noisy_by_the_turns_that_no_incident_explains() -> None:
    turns = {"smtp-port": 5, "disk-port": 1, "gone-port": 9}
    found = review(MONTH, turns, (), topology=TOPOLOGY, impacts={}, before=24 * HOUR, now=NOW)
    assert [(one.monitor, one.turns, one.incidents) for one in found.noisy] == [("smtp-port", 5, 3)]


def test_a_change_preceded_what_began_within_a_day_and_what_it_touches() -> None:
    def at(day: int, hour: int, what: str, *services: str) -> Altered:
        return Altered(at=datetime(2026, 3, day, hour, tzinfo=UTC), by="pipeline", what=what, services=services)

    altered = (
        at(5, 11, "mail 2.0", "mail"),
        at(5, 11, "files 1.1", "files"),
        at(8, 12, "the whole house"),
        at(8, 11, "too long ago", "mail"),
        at(5, 13, "the cure", "mail"),
    )
    found = review(MONTH, {}, altered, topology=TOPOLOGY, impacts={}, before=24 * HOUR, now=NOW)
    assert [(one.what, [incident.id for incident in one.incidents]) for one in found.changes] == [
        ("the whole house", ["again"]),
        ("mail 2.0", ["short"]),
    ]
