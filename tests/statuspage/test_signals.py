"""Alertmanager's webhook: who may send it, what is taken, what is refused by name, and that nothing of it becomes public by itself."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from statuspage.render.alertmanager import INCIDENT
from statuspage.store.people import Role
from statuspage.store.signal_tables import signals
from statuspage.store.signals import prune_signals
from tests.statuspage.desks import House, Program, housed
from tests.statuspage.test_reach import OTHER, OWN, OWNED

ROUTE = "/ingest/alertmanager"
HOSTILE = "\x1b[31m</script><img src=x onerror=alert(1)>\u202e" + "A" * 5000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        await opened.all_good()
        yield opened


@pytest.fixture
async def prometheus(house: House) -> Program:
    return await house.program("prometheus")


def alert(house: House, fingerprint: str = "1a30ba71cca2921f", **labels: str) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "MailQueue", "service": "email", "severity": "critical", **labels},
        "annotations": {"summary": "The queue grows", "runbook_url": "https://wiki.example.net"},
        "startsAt": f"{house.now - timedelta(minutes=2):%Y-%m-%dT%H:%M:%S}.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.net",
        "fingerprint": fingerprint,
    }


def group(*alerts: Mapping[str, Any], **more: object) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "desk", "alerts": list(alerts), **more}


async def count(house: House) -> int:
    return await house.store.read(lambda connection: connection.execute(select(func.count()).select_from(signals)).scalar_one())


async def test_an_alert_opens_a_draft_once_and_ends_it(house: House, prometheus: Program) -> None:
    firing = alert(house)
    answers = [await (await prometheus.send(ROUTE, group(firing))).json() for _ in range(3)]
    (incident,) = house.pipeline.situation.incidents.values()
    assert answers == [{"heard": 1, "ignored": 0, "incidents": [incident.id]}] * 3
    assert incident.published_at is None
    assert incident.started_at == house.now - timedelta(minutes=2) + timedelta(microseconds=123456)
    assert [row.subject for row in await house.audit("hear signals")] == [incident.id]
    resolved = {**firing, "status": "resolved", "endsAt": house.now.isoformat()}
    answer = await prometheus.send(ROUTE, group(resolved, status="resolved"))
    assert await answer.json() == {"heard": 1, "ignored": 0, "incidents": []}
    assert not house.pipeline.situation.incidents
    assert await house.store.write(lambda connection: prune_signals(connection, house.now + timedelta(days=1), house.now, 10)) == 1


async def test_what_names_no_service_of_ours_is_refused_by_its_place_and_the_rest_is_taken(house: House, prometheus: Program) -> None:
    answer = await prometheus.send(ROUTE, group(alert(house), alert(house, "b", service="fax\x1b[2J"), alert(house, "c", service="portal")))
    told = await answer.json()
    assert answer.status == 422
    assert answer.content_type == "application/problem+json"
    assert told["errors"] == [{"path": "alerts.1.labels.service", "message": "there is no service 'fax[2J'"}]
    assert "All other alerts were taken in" in told["detail"]
    (incident,) = house.pipeline.situation.incidents.values()
    assert set(incident.services) == {"email", "portal"}


async def test_what_is_not_for_us_is_left_alone(house: House, prometheus: Program) -> None:
    """Among it our own incidents, which may be routed back to us."""
    unlabelled = alert(house)
    del unlabelled["labels"]["service"]
    answer = await prometheus.send(ROUTE, group(unlabelled, alert(house, severity="none"), alert(house, **{INCIDENT: "abc"})))
    assert await answer.json() == {"heard": 0, "ignored": 3, "incidents": []}
    assert await count(house) == 0


async def test_hostile_words_reach_the_desk_clean_and_short_and_name_nothing(house: House, prometheus: Program) -> None:
    hostile = {**alert(house, alertname=HOSTILE), "annotations": {"summary": HOSTILE}}
    assert (await prometheus.send(ROUTE, group(hostile))).status == 200
    (incident,) = house.pipeline.situation.incidents.values()
    await house.agent("ada")
    ada = house.browser()
    await ada.log_in("ada")
    page = await ada.page(f"/incidents/{incident.id}")
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "A" * 501 not in page
    assert "AAAA" not in incident.name


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"version": "5", "alerts": []}, 422, "version"),
        ({"version": "4"}, 422, "alerts"),
        ({"version": "4", "alerts": [{"status": "maybe"}]}, 422, "alerts.0.status"),
        ({"version": "4", "alerts": [], "truncatedAlerts": -1}, 422, "truncatedAlerts"),
        ([], 422, ""),
    ],
)
async def test_what_is_no_such_message_is_refused_with_its_place(prometheus: Program, body: object, status: int, path: str) -> None:
    answer = await prometheus.session.post(f"/api/v1{ROUTE}", json=body)
    assert answer.status == status
    assert path in [one["path"] for one in (await answer.json())["errors"]]


async def test_only_a_token_that_may_tell_is_heard(house: House) -> None:
    viewer = await house.program("viewer", Role.VIEWER)
    assert (await viewer.send(ROUTE, group(alert(house)))).status == 403
    stranger = await viewer.session.post(f"/api/v1{ROUTE}", json=group(alert(house)), headers={"Authorization": "Bearer nobody"})
    assert stranger.status == 401
    assert not house.pipeline.situation.incidents


async def test_a_token_that_teams_bind_tells_of_their_services_alone(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        await house.all_good()
        bound = await house.program("prometheus", Role.LEVEL_ONE, teams=("mail",))
        answer = await bound.send(ROUTE, group(alert(house), alert(house, "b", service=OTHER)))
        assert answer.status == 422
        assert (await answer.json())["errors"] == [{"path": "alerts.1.labels.service", "message": f"{OTHER} is another team's"}]
        (incident,) = house.pipeline.situation.incidents.values()
        assert set(incident.services) == {OWN}


async def test_a_token_that_teams_bind_ends_and_silences_no_other_teams_alert(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        await house.all_good()
        everybodys, bound = await house.program("prometheus"), await house.program("mail", Role.LEVEL_ONE, teams=("mail",))
        assert (await everybodys.send(ROUTE, group(alert(house, service=OTHER)))).status == 200
        (incident,) = house.pipeline.situation.incidents
        over = {**alert(house), "status": "resolved", "endsAt": house.now.isoformat()}
        assert (await (await bound.send(ROUTE, group(over))).json())["incidents"] == []
        assert set(house.pipeline.situation.incidents) == {incident}
        await bound.send(ROUTE, group(alert(house, "b")))
        told = await (await everybodys.send(ROUTE, group(alert(house, "b", service=OTHER)))).json()
        assert told["incidents"] == [incident]
        assert house.incident(incident).notes == 2


async def test_what_nobody_tells_any_more_is_forgotten_and_what_still_is_told_is_not(house: House, prometheus: Program) -> None:
    lost, told = alert(house), alert(house, "b")
    await prometheus.send(ROUTE, group(lost, told))
    (incident,) = house.pipeline.situation.incidents
    until = house.now + timedelta(days=180)

    async def forgotten() -> int:
        return await house.store.write(lambda connection: prune_signals(connection, until, house.now, 10))

    house.wait(days=200)
    await prometheus.send(ROUTE, group(told))
    assert await forgotten() == 0, "its incident is open"
    await (await house.program("pager", Role.LEVEL_TWO)).send(f"/incidents/{incident}/resolve", {"body": "It is over."})
    assert await forgotten() == 1
    assert (await (await prometheus.send(ROUTE, group(told))).json())["incidents"] == [], "a person has resolved it"


async def test_a_flood_is_refused_by_its_place_and_what_ends_is_taken_in(
    house: House, prometheus: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statuspage.web.signals.MOST_GOING_ON", 2)
    first = await prometheus.send(ROUTE, group(*(alert(house, f"f{number}") for number in range(4))))
    assert [one["path"] for one in (await first.json())["errors"]] == ["alerts.2.labels.service", "alerts.3.labels.service"]
    assert await count(house) == 2
    over = {**alert(house, "f0"), "status": "resolved", "endsAt": house.now.isoformat()}
    assert (await prometheus.send(ROUTE, group(over, alert(house, "f1")))).status == 200
    assert (await prometheus.send(ROUTE, group(alert(house, "f2")))).status == 200
