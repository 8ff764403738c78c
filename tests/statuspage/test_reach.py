"""Teams bound viewers and level one: roles × addresses × whose it is, each cell tried, and what is named in a body or drawn in a list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete

from incidents.escalation import Ladder, Rules
from incidents.model import Component, Monitor, Need, Service
from probes.result import Failure
from statuspage.config.calls import Crew, Roster
from statuspage.store import reports
from statuspage.store.people import Role
from statuspage.store.reports import Said
from statuspage.store.tables import incident_services
from statuspage.web.auth import Permission
from statuspage.web.route import About, Face, Route
from statuspage.web.routes import ROUTES
from tests.incidents.works import SUNDAYS
from tests.statuspage.desks import TOPOLOGY, Browser, House, Program, housed
from tests.statuspage.test_routes import MATRIX

OWN, OTHER, NONE = "email", "portal", "wiki"
"""The service of the team in which everybody here is, that of another, and one that no team answers for."""

OWNED = replace(
    TOPOLOGY,
    services={
        OWN: replace(TOPOLOGY.services[OWN], owner="mail"),
        OTHER: replace(TOPOLOGY.services[OTHER], tiers=("web",)),
        NONE: Service(id=NONE, name={"en": "Wiki"}, needs=(Need(of=("wiki-web",)),)),
    },
    components={**TOPOLOGY.components, "wiki-web": Component(id="wiki-web", name="Wiki-web")},
    monitors={**TOPOLOGY.monitors, "wiki-web-port": Monitor(id="wiki-web-port", component="wiki-web", stale_after=timedelta(days=99))},
)
MONITOR = {OWN: "outgoing-port", OTHER: "portal-web-port", NONE: "wiki-web-port"}
ROSTER = Roster(crews={id_: Crew(id=id_, name=id_.title()) for id_ in ("mail", "web")}, names={"ada": "Ada"})
BOUND = {Role.VIEWER, Role.LEVEL_ONE}


@dataclass(frozen=True)
class Caller:
    role: Role
    browser: Browser
    form_token: str
    program: Program

    async def ask(self, route: Route, path: str) -> int:
        if route.face is Face.PROGRAM:
            body: dict[str, str] | None = None if route.method == "GET" else {}
            return (await self.program.session.request(route.method, path, json=body, allow_redirects=False)).status
        sent = None if route.method == "GET" else {"form_token": self.form_token}
        method = "HEAD" if route.path.endswith("/events") else route.method  # whoever is let in would read for ever
        return (await self.browser.session.request(method, path, data=sent, allow_redirects=False)).status


async def caller(house: House, role: Role) -> Caller:
    browser = await house.logged_in(f"person {role}", role, teams=("mail",))
    program = await house.program(f"program {role}", role, teams=("mail",))
    return Caller(role=role, browser=browser, form_token=await browser.form_token("/"), program=program)


def opening(service: str) -> Mapping[str, object]:
    return {"name": f"{service} is down", "services": {service: "major_outage"}, "body": "We look into it."}


def planning(house: House, service: str) -> Mapping[str, object]:
    span = {"starts": (house.now + timedelta(days=9)).isoformat(), "ends": (house.now + timedelta(days=9, minutes=30)).isoformat()}
    return {"name": f"Work on {service}", "services": [service], "body": "It is away for a while.", **span}


def standing_in(house: House, team: str) -> Mapping[str, object]:
    return {"team": team, "person": "ada", "since": house.now.isoformat(), "until": (house.now + timedelta(days=1)).isoformat()}


async def made(program: Program, path: str, body: Mapping[str, object]) -> str:
    answer = await program.send(path, body)
    assert answer.status == 201, await answer.text()
    return str((await answer.json())["id"])


async def objects(house: House, manager: Program, service: str) -> Mapping[About, str]:
    """One of each kind that concerns *service*."""
    house.wait(seconds=1)
    team = {OWN: "mail", OTHER: "web", NONE: "mail"}[service]
    return {
        About.INCIDENT: await made(manager, "/incidents", opening(service)),
        About.MONITOR: MONITOR[service],
        About.MAINTENANCE: await made(manager, "/maintenances", planning(house, service)),
        About.ADVISORY: await made(manager, "/advisories", {"name": "Storm", "services": [service], "body": "It may rain in."}),
        About.SERVICE: service,
        About.STAND_IN: await made(manager, "/on-call/stand-ins", standing_in(house, team)),
    }


def named(found: Mapping[About, str]) -> Iterator[tuple[Route, str]]:
    """Every address that is about one of those, with its path."""
    for route in ROUTES:
        if route.about is not None and route.about in found:
            yield route, route.path.replace("{id}", found[route.about]).replace("{number}", "1")


def is_as_it_should_be(route: Route, role: Role, service: str, status: int) -> bool:
    """404 for another team's monitor, 403 for whatever else is theirs or needs another role; the handler's own answer for the rest."""
    if role not in MATRIX[route.policy]:
        return status == 403
    is_private = route.about in {About.INCIDENT, About.MONITOR}
    if role in BOUND and service == OTHER and (is_private or route.policy is not Permission.SEE):
        return status == (404 if route.about is About.MONITOR else 403)
    return status not in {401, 403, 405, 500} and not (route.about is About.MONITOR and status == 404)


async def test_every_address_asks_whose_it_is_and_nobody_reaches_into_another_team(tmp_path: Path) -> None:
    wrong, tried = [], 0
    async with housed(tmp_path, topology=OWNED) as house:
        house.roster, house.rules = ROSTER, Rules(ladders={OTHER: Ladder(tiers=("web",), after=())}, absent=ROSTER.absent)
        manager = await house.program("everybody's manager", Role.MANAGER)
        for role in Role:
            asking = await caller(house, role)
            for service in (OWN, OTHER, NONE) if role in BOUND else (OTHER,):
                found = await objects(house, manager, service)
                for route, path in named(found):
                    status, tried = await asking.ask(route, path), tried + 1
                    if not is_as_it_should_be(route, role, service, status):
                        wrong.append(f"{role} {service} {route.method} {route.path}: {status}")
    assert wrong == []
    assert tried > 500


async def test_what_a_request_names_is_within_reach_or_refused(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        house.roster = ROSTER
        agent = await house.program("level one", Role.LEVEL_ONE, teams=("mail",))
        for service, status in ((OWN, 201), (NONE, 201), (OTHER, 403)):
            asked = {
                "/incidents": opening(service),
                "/maintenances": planning(house, service),
                "/advisories": {"name": "Storm", "services": [service], "body": "It may rain in."},
                "/callers": {"service": service, "symptom": "Nothing loads"},
                "/changes": {"what": "A release", "services": [service]},
            }
            answers = {path: (await agent.send(path, body)).status for path, body in asked.items()}
            assert set(answers.values()) == {status}, (service, answers)
        several = {**opening(OWN), "services": {OWN: "major_outage", OTHER: "major_outage"}}
        assert (await agent.send("/incidents", several)).status == 403
        part = {**planning(house, OWN), "components": ["portal-web"]}
        assert (await agent.send("/maintenances", part)).status == 403
        assert (await agent.send("/on-call/stand-ins", standing_in(house, "web"))).status == 403
        assert (await agent.send("/on-call/stand-ins", standing_in(house, "mail"))).status == 201


async def test_a_caller_is_put_down_under_no_other_teams_incident(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        manager = await house.program("everybody's manager", Role.MANAGER)
        agent = await house.program("level one", Role.LEVEL_ONE, teams=("mail",))
        for service, status in ((OWN, 201), (OTHER, 403)):
            incident = await made(manager, "/incidents", opening(service))
            assert (await agent.send("/callers", {"service": OWN, "incident": incident})).status == status


async def test_work_that_names_parts_alone_is_of_those_whose_services_need_them(tmp_path: Path) -> None:
    series = {part: replace(SUNDAYS, key=part, services=(), components=(part,)) for part in ("outgoing", "portal-web")}
    async with housed(tmp_path, topology=replace(OWNED, series=series)) as house:
        agent = await house.program("level one", Role.LEVEL_ONE, teams=("mail",))
        until = (house.now + timedelta(days=8)).isoformat()
        windows = (await (await agent.get("/maintenances", since=house.now.isoformat(), until=until)).json())["items"]
        answers = {one["series"]: (await agent.send(f"/maintenances/{one['id']}/cancel")).status for one in windows}
        assert answers == {"outgoing": 200, "portal-web": 403}


async def test_lists_and_pages_hold_only_what_is_within_reach(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        house.roster = ROSTER
        await house.all_good()
        manager = await house.program("everybody's manager", Role.MANAGER)
        for service in (OWN, OTHER, NONE):
            await objects(house, manager, service)
            await manager.send("/callers", {"service": service, "symptom": "Nothing loads"})
            said = Said(symptom="", words=f"My {service} is gone", language="en")
            write = partial(reports.report, service=service, said=said, client=service, contact=None, at=house.now)
            await house.store.write(write)
            await manager.send("/changes", {"what": f"A release of {service}", "services": [service]})
        viewer = await house.program("viewer", Role.VIEWER, teams=("mail",))

        async def listed(path: str) -> list[dict[str, object]]:
            return list((await (await viewer.get(path)).json())["items"])

        assert {str(one["id"]) for one in await listed("/monitors")} == {id_ for id_ in OWNED.monitors if id_ != "portal-web-port"}
        assert {tuple(one["worst"]) for one in await listed("/incidents")} == {(OWN,), (NONE,)}  # type: ignore[arg-type]  # a mapping
        assert {one["service"] for one in await listed("/callers")} == {OWN, NONE}
        assert {one["service"] for one in await listed("/reports")} == {OWN, NONE}
        assert {one["what"] for one in await listed("/changes")} == {f"A release of {service}" for service in (OWN, NONE)}
        assert len(await listed("/services")) == 3

        browser = await house.logged_in("vera", Role.VIEWER, teams=("mail",))
        queue = await browser.page("/")
        assert "portal is down" in queue  # what is said is for everybody
        assert "another team&#39;s" in queue or "another team's" in queue
        assert "portal-web-port" not in queue
        assert "outgoing-port" in queue
        assert "My email is gone" in queue
        assert "My portal is gone" not in queue
        triage = await browser.page("/triage?q=portal")
        assert "portal is down" in triage
        assert "portal-web-port" not in triage
        assert "A release of portal" not in triage
        everything = await (await house.logged_in("lea", Role.LEVEL_TWO, teams=("mail",))).page("/")
        assert "portal-web-port" in everything


async def test_the_card_of_a_shared_incident_tells_only_ones_own_changes_and_is_linked_while_it_concerns_one(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        house.roster = ROSTER
        await house.all_good()
        manager = await house.program("everybody's manager", Role.MANAGER)
        for services in ([OWN], [OTHER], []):
            assert (await manager.send("/changes", {"what": f"A release of {services}", "services": services})).status == 201
        house.wait(seconds=1)
        both = {OWN: "partial_outage", OTHER: "major_outage"}
        shared = await made(manager, "/incidents", {"name": "Both", "services": both, "body": "We look into it."})
        browser = await house.logged_in("vera", Role.VIEWER, teams=("mail",))
        card = await browser.page(f"/incidents/{shared}")
        assert f"A release of {[OWN]}".replace("'", "&#39;") in card
        assert "A release of []" in card
        assert f"A release of {[OTHER]}".replace("'", "&#39;") not in card
        rest = {"name": "The portal by itself", "body": "It goes on.", "services": [OTHER]}
        assert (await manager.send(f"/incidents/{shared}/split", rest)).status == 201
        other = await house.logged_in("wes", Role.VIEWER, teams=("web",))
        assert f'href="/incidents/{shared}"' in await other.page(f"/services/{OWN}"), "it hit theirs, too"
        await house.store.write(lambda connection: connection.execute(delete(incident_services)))
        listed = (await (await (await house.program("bound", Role.VIEWER, teams=("mail",))).get("/incidents")).json())["items"]
        assert len(listed) == 2, "what hits nothing is nobody's"


async def test_the_card_of_a_shared_incident_shows_no_part_and_no_monitor_of_another_team(tmp_path: Path) -> None:
    hanging = replace(OWNED.components["portal-web"], depends_on=("outgoing",))
    async with housed(tmp_path, topology=replace(OWNED, components={**OWNED.components, "portal-web": hanging})) as house:
        incident = await house.outage("outgoing", "refused by mail.internal")
        await house.see("portal-web", Failure.REFUSED, "refused by web.internal")
        assert house.incident(incident.id).components == ("outgoing", "portal-web")
        secrets = {"mail": ("outgoing-port", "Outgoing", "mail.internal"), "web": ("portal-web-port", "Portal-web", "web.internal")}
        for team, other in (("mail", "web"), ("web", "mail")):
            card = await (await house.logged_in(team, Role.LEVEL_ONE, teams=(team,))).page(f"/incidents/{incident.id}")
            assert [word for word in secrets[other] if word in card] == []
            assert [word for word in secrets[team] if word not in card] == []
        whole = await (await house.logged_in("lea", Role.LEVEL_TWO, teams=("mail",))).page(f"/incidents/{incident.id}")
        assert [word for words in secrets.values() for word in words if word not in whole] == []
        assert "portal-web belongs to it" in whole


async def test_metrics_through_a_proxy_are_for_those_whom_no_team_binds(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        for teams, status in (((), 200), (("mail",), 403)):
            token = await house.token(f"scraper {teams}", Role.VIEWER, teams=teams)
            headers = {"X-Forwarded-For": "203.0.113.1", "Authorization": f"Bearer {token}"}
            assert (await house.browser().get("/metrics", **headers)).status == status


@pytest.mark.parametrize("roles", [{Role.ADMIN, Role.MANAGER}, {Role.ADMIN}])
async def test_with_separated_duties_an_admin_is_nothing_else_whatever_was_given(tmp_path: Path, roles: set[Role]) -> None:
    async with housed(tmp_path) as house:
        incident = (await house.outage()).id
        house.planning_policy = replace(house.planning_policy, needs_approval=True)
        program = await house.program("both", *roles)
        assert (await program.get("/agents")).status == 200
        assert (await program.send(f"/incidents/{incident}/acknowledge")).status == 403


async def test_nobody_is_handed_an_incident_that_they_cannot_open(tmp_path: Path) -> None:
    async with housed(tmp_path, topology=OWNED) as house:
        house.roster = ROSTER
        manager = await house.program("everybody's manager", Role.MANAGER)
        await house.agent("anna", Role.LEVEL_ONE, teams=("mail",))
        await house.agent("wim", Role.LEVEL_ONE, teams=("web",))
        await house.agent("lea", Role.LEVEL_TWO, teams=("web",))
        id_ = await made(manager, "/incidents", opening(OTHER))
        card = await (await house.logged_in("mara", Role.MANAGER)).page(f"/incidents/{id_}")
        offered = {name for name in ("anna", "wim", "lea", "mara") if f'<option value="{name}"' in card}
        assert offered == {"wim", "lea", "mara"}
        statuses = {
            name: (await manager.send(f"/incidents/{id_}/assign", {"to": name, "summary": "Yours."})).status for name in ("anna", "wim")
        }
        assert statuses == {"anna": 422, "wim": 200}
