"""The Statuspage v2 read API: the shapes that its clients know, and a real client that reads ours."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from statuspage_prometheus_exporter.service_checker import check_service_status

from incidents.impairment import Hindrance, Impairment
from incidents.model import State, Status
from statuspage.picture import page as picture
from statuspage.picture.page import Snapshot
from statuspage.render.compat import Compat
from statuspage.render.compat_rows import update_id
from tests.statuspage.pictures import NOW, public_id, service, snapshot, story, update
from tests.statuspage.serving import Served, serving

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PAGE = {"id", "name", "url", "time_zone", "updated_at"}
COMPONENT = {
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date", "group_id", "page_id", "group",
    "only_show_if_degraded",
}  # fmt: skip
INCIDENT = {
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink", "started_at", "page_id",
    "incident_updates", "components", "reminder_intervals",
}  # fmt: skip
UPDATE = {
    "id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components", "deliver_notifications",
    "custom_tweet", "tweet_id",
}  # fmt: skip
STATUSES = {"operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"}

EMAIL, PORTAL, INTRANET = service("email"), service("portal", "Accounts"), service("intranet", None)
BROKEN = story(update(1), update(2, State.IDENTIFIED), services=("email",))


def read(told: Snapshot) -> dict[str, Any]:
    made = Compat().bodies(picture.build(told, NOW))
    return {path.removeprefix("/api/v2/").removesuffix(".json"): json.loads(body) for path, body in made.items()}


def broken() -> dict[str, Any]:
    return read(snapshot(EMAIL, PORTAL, INTRANET, stories=(BROKEN,), statuses={"email": Status.PARTIAL}))


def test_each_path_has_the_parts_that_its_clients_expect() -> None:
    parts = {name: set(body) for name, body in broken().items()}
    assert parts == {
        "summary": {"page", "components", "incidents", "scheduled_maintenances", "status"},
        "status": {"page", "status"},
        "components": {"page", "components"},
        "incidents": {"page", "incidents"},
        "incidents/unresolved": {"page", "incidents"},
        "scheduled-maintenances": {"page", "scheduled_maintenances"},
        "scheduled-maintenances/upcoming": {"page", "scheduled_maintenances"},
        "scheduled-maintenances/active": {"page", "scheduled_maintenances"},
    }


def test_every_row_has_exactly_the_known_keys() -> None:
    summary = broken()["summary"]
    assert set(summary["page"]) == PAGE
    for row in summary["components"]:
        assert set(row) == COMPONENT | ({"components"} if row["group"] else set())
    (incident,) = summary["incidents"]
    assert set(incident) == INCIDENT
    assert all(set(told) == UPDATE for told in incident["incident_updates"])
    assert set(incident["incident_updates"][0]["affected_components"][0]) == {"code", "name", "old_status", "new_status"}


def test_every_instant_is_utc_to_the_millisecond() -> None:
    def instants(value: object, key: str = "") -> list[str]:
        match value:
            case dict():
                return [found for name, inner in value.items() for found in instants(inner, name)]
            case list():
                return [found for inner in value for found in instants(inner)]
            case str() if key.endswith("_at"):
                return [value]
            case _:
                return []

    found = instants(broken())
    assert len(found) > 20
    assert all(INSTANT.fullmatch(text) for text in found), found


def test_services_stand_under_their_groups_and_groups_are_rows() -> None:
    rows = broken()["components"]["components"]
    assert [(row["name"], row["group"], row["position"]) for row in rows] == [
        ("Communication", True, 1),
        ("Email", False, 1),
        ("Accounts", True, 2),
        ("Portal", False, 1),
        ("Intranet", False, 3),
    ]
    group, email = rows[0], rows[1]
    assert group["components"] == [email["id"]] == [public_id("email")]
    assert email["group_id"] == group["id"]
    assert group["status"] == email["status"] == "partial_outage"
    assert rows[-1]["group_id"] is None


@pytest.mark.parametrize(
    ("status", "indicator", "description"),
    [
        (Status.OPERATIONAL, "none", "All Systems Operational"),
        (Status.DEGRADED, "minor", "Partially Degraded Service"),
        (Status.PARTIAL, "major", "Partial System Outage"),
        (Status.MAJOR, "critical", "Major Service Outage"),
        (Status.MAINTENANCE, "none", "Service Under Maintenance"),
        (Status.UNKNOWN, "none", "Monitoring impaired"),
    ],
)
def test_the_page_says_how_it_is(status: Status, indicator: str, description: str) -> None:
    made = read(snapshot(EMAIL, statuses={"email": status}))
    assert made["status"]["status"] == {"indicator": indicator, "description": description}
    assert {row["status"] for row in made["components"]["components"]} <= STATUSES


@pytest.mark.parametrize(("status", "description"), [(Status.OPERATIONAL, "Monitoring impaired"), (Status.MAJOR, "Major Service Outage")])
def test_what_we_cannot_see_is_said_unless_something_worse_is_known(status: Status, description: str) -> None:
    hidden = snapshot(EMAIL, PORTAL, statuses={"email": Status.UNKNOWN, "portal": status})
    record = Impairment(location="local", since=NOW, reason=Hindrance.BLIND)
    blind = replace(hidden.situation, impairments={("local", Hindrance.BLIND): record})
    assert read(replace(hidden, situation=blind))["status"]["status"]["description"] == description


def test_a_service_of_which_nothing_is_known_keeps_its_last_status_and_says_since_when() -> None:
    told = replace(snapshot(EMAIL, PORTAL, statuses={"email": Status.UNKNOWN}, since=NOW), last_known={"email": Status.PARTIAL})
    rows = {row["name"]: row for row in read(told)["components"]["components"]}
    assert rows["Email"]["status"] == "partial_outage"
    assert rows["Email"]["unknown_since"] == "2026-11-22T16:00:30.000Z"
    assert "unknown_since" not in rows["Portal"]


def test_an_incident_tells_its_story() -> None:
    (incident,) = broken()["incidents"]["incidents"]
    assert (incident["id"], incident["status"], incident["impact"]) == ("abcdefghijk1", "identified", "major")
    assert incident["shortlink"] == "https://status.example.net/incidents/abcdefghijk1"
    assert (incident["started_at"], incident["created_at"]) == ("2026-11-22T14:00:30.000Z", "2026-11-22T14:00:31.000Z")
    assert incident["updated_at"] == "2026-11-22T14:02:30.000Z"
    assert incident["monitoring_at"] is incident["resolved_at"] is None
    assert [told["status"] for told in incident["incident_updates"]] == ["identified", "investigating"]
    assert [row["id"] for row in incident["components"]] == [public_id("email")]


def test_updates_say_what_became_of_each_service() -> None:
    over = story(update(1), update(2, State.MONITORING), update(3, State.RESOLVED), recovered_at=update(2).at)
    (incident,) = read(snapshot(EMAIL, stories=(over,)))["incidents"]["incidents"]
    moves = [told["affected_components"][0] for told in reversed(incident["incident_updates"])]
    assert [(move["old_status"], move["new_status"]) for move in moves] == [
        ("operational", "partial_outage"),
        ("partial_outage", "operational"),
        ("operational", "operational"),
    ]
    assert incident["monitoring_at"] == "2026-11-22T14:02:30.000Z"
    assert incident["resolved_at"] == "2026-11-22T14:03:30.000Z"


def test_resolved_incidents_are_history_and_no_longer_unresolved() -> None:
    made = read(snapshot(EMAIL, stories=(BROKEN, story(update(1), update(2, State.RESOLVED), id_="older"))))
    assert [one["id"] for one in made["incidents"]["incidents"]] == ["older", "abcdefghijk1"]
    assert [one["id"] for one in made["incidents/unresolved"]["incidents"]] == ["abcdefghijk1"]
    assert made["summary"]["incidents"] == made["incidents/unresolved"]["incidents"]


def test_ids_of_updates_are_twelve_characters_that_never_change() -> None:
    ids = {update_id(incident, number) for incident in ("abc", "abd") for number in range(1, 500)}
    assert len(ids) == 998
    assert all(re.fullmatch(r"[a-z0-9]{12}", id_) for id_ in ids)
    assert update_id("abcdefghijk1", 1) == "rz6rqgb5bh7g"


def test_time_alone_changes_nothing() -> None:
    told = snapshot(EMAIL, stories=(BROKEN,))
    pages = (picture.build(told, at) for at in (NOW, NOW.replace(hour=23)))
    first, later = (Compat().bodies(page) for page in pages)
    assert first == later


def test_what_is_kept_between_publications_never_goes_stale() -> None:
    compat = Compat()
    compat.bodies(picture.build(snapshot(EMAIL, stories=(BROKEN,), statuses={"email": Status.PARTIAL}), NOW))
    grown = story(*BROKEN.updates, update(3))
    for told in (snapshot(EMAIL, stories=(BROKEN,)), snapshot(EMAIL, stories=(grown,)), snapshot(EMAIL), snapshot(EMAIL, stories=(grown,))):
        page = picture.build(told, NOW)
        assert compat.bodies(page) == Compat().bodies(page)


def test_no_monitor_component_or_error_is_named() -> None:
    assert "email-sending" not in json.dumps(broken())


async def test_a_real_client_reads_an_outage_and_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """statuspage-prometheus-exporter from PyPI, unmodified; it keeps a cache in the working directory."""
    monkeypatch.chdir(tmp_path)
    served = Served()
    async with serving(served):
        entry = {"name": "Example", "type": "status_page", "url": f"{served.url}/api/v2/summary.json"}
        served.publish(snapshot(EMAIL, PORTAL, stories=(BROKEN,), statuses={"email": Status.PARTIAL}))
        found = await asyncio.to_thread(check_service_status, "example", entry)
        assert found["success"]
        assert (found["status"], found["raw_status"]) == (0, "major")
        (incident,) = found["incident_metadata"]
        assert incident["id"] == "abcdefghijk1"
        assert incident["affected_components"] == ["Email"]
        states = {row["name"]: row["status_value"] for row in found["component_metadata"]}
        assert (states["Email"], states["Portal"]) == (0, 1)

        over = story(*BROKEN.updates, update(3, State.RESOLVED))
        served.publish(snapshot(EMAIL, PORTAL, stories=(over,)))
        found = await asyncio.to_thread(check_service_status, "example", entry)
        assert (found["status"], found["raw_status"], found["details"]) == (1, "none", "All Systems Operational")
        assert found["incident_metadata"] == found["maintenance_metadata"] == []


def test_the_page_was_updated_when_something_last_moved() -> None:
    assert read(snapshot(EMAIL))["status"]["page"]["updated_at"] == "2026-01-01T00:00:00.000Z"
    assert read(snapshot(EMAIL, since=NOW))["status"]["page"]["updated_at"] == "2026-11-22T16:00:30.000Z"
