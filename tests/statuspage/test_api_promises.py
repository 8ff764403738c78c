"""What the API promises of every list and of every write, for each that the table of addresses has."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert

from incidents.impairment import Hindrance
from probes.result import Failure
from statuspage.store.people import Role
from statuspage.store.postmortems import Draft, keep_draft
from statuspage.store.report_tables import reports
from statuspage.store.tables import impairments
from statuspage.web.desk import PlanningPolicy
from statuspage.web.routes import ROUTES
from tests.statuspage.desks import House, Program, housed
from tests.statuspage.test_advisories_api import storm
from tests.statuspage.test_api import OPEN
from tests.statuspage.test_calls import ROSTER, RULES
from tests.statuspage.test_maintenance_api import NIGHT, at, wish

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROGRAM = [route for route in ROUTES if route.path.startswith("/api/v1/")]
WRITES = [f"{route.method} {route.path.removeprefix('/api/v1')}" for route in PROGRAM if route.takes is not None]
LISTS = [route.path.removeprefix("/api/v1") for route in PROGRAM if route.gives is not None and "next" in route.gives.model_fields]
DESK = (Role.LEVEL_TWO, Role.MANAGER)


@dataclass(slots=True)
class Scene:
    """A desk where everything can be done, by one *boss*, and agreed to by another."""

    house: House
    boss: Program
    peer: Program
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def made(self, path: str, body: object, by: Program | None = None) -> dict[str, Any]:
        answer = await (by or self.boss).send(path, body)
        assert answer.status in {200, 201}, (path, await answer.text())
        told: dict[str, Any] = await answer.json()
        return told

    async def incident(self) -> str:
        return str((await self.made("/incidents", {**OPEN, "name": f"Trouble {next(self.numbers)}"}))["id"])

    async def draft(self) -> str:
        return str((await self.made("/incidents", {**OPEN, "name": f"Draft {next(self.numbers)}", "draft": True}))["id"])

    async def resolved(self) -> str:
        id_ = await self.incident()
        await self.made(f"/incidents/{id_}/resolve", {"body": "It works.", "cause": "hardware"})
        draft = Draft(body="We learned something.", bodies={}, by="ada", at=self.house.now)  # somebody else's words
        await self.house.store.write(partial(keep_draft, incident=id_, draft=draft))
        return id_

    async def window(self, by: Program | None = None) -> str:
        return str((await self.made("/maintenances", wish(NIGHT + timedelta(days=next(self.numbers))), by))["id"])

    async def announced(self) -> str:
        id_ = await self.window()
        await self.made(f"/maintenances/{id_}/approve", {}, self.peer)
        return id_

    async def advisory(self) -> str:
        return str((await self.made("/advisories", storm()))["id"])

    async def correction(self, by: Program | None = None) -> str:
        return str((await self.made("/services/portal/corrections", self.span(), by))["correction"])

    def span(self) -> dict[str, object]:
        begins = self.house.now - timedelta(hours=2, minutes=next(self.numbers))
        return {"since": at(begins), "until": at(begins + timedelta(seconds=20)), "status": "operational", "reason": "A false alarm."}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: Any) -> AsyncIterator[Scene]:  # noqa: ANN401 - pytest's own
    path: Path = tmp_path_factory.mktemp("promises")
    async with housed(path) as house:
        house.rules, house.roster = RULES, ROSTER
        house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
        await house.agent("ada")
        await house.all_good()
        house.wait(hours=8)
        yield Scene(house, await house.program("boss", *DESK), await house.program("peer", *DESK))


Example = Callable[[Scene], Awaitable[tuple[str, object]]]
"""Makes what is to be acted on; gives the address, and the body."""


def on_incident(rest: str, body: object) -> Example:
    async def made(scene: Scene) -> tuple[str, object]:
        return f"/incidents/{await scene.incident()}/{rest}", body

    return made


def on(kind: Callable[[Scene], Awaitable[str]], before: str, rest: str, body: object) -> Example:
    async def made(scene: Scene) -> tuple[str, object]:
        return f"{before}/{await kind(scene)}{rest}", body

    return made


def plain(path: str, body: object) -> Example:
    async def made(_: Scene) -> tuple[str, object]:
        return path, body

    return made


async def a_missed_one(scene: Scene) -> tuple[str, object]:
    await scene.made("/callers", {"service": "portal"})
    scene.house.wait(minutes=1)
    await scene.house.see("portal-web", Failure.REFUSED)
    (found,) = (one for one in scene.house.pipeline.situation.incidents.values() if one.root == "portal-web")
    return f"/incidents/{found.id}/missed", {"words": "Nobody watched the login."}


async def a_merge(scene: Scene) -> tuple[str, object]:
    return f"/incidents/{await scene.incident()}/merge", {"into": await scene.incident()}


async def a_linked_ticket(scene: Scene) -> tuple[str, object]:
    id_ = await scene.incident()
    await scene.made(f"/incidents/{id_}/tickets", {"name": "OPS-1"})
    return f"/incidents/{id_}/tickets/unlink", {"name": "OPS-1"}


async def a_split(scene: Scene) -> tuple[str, object]:
    both = {**OPEN, "services": {"email": "major_outage", "portal": "partial_outage"}}
    id_ = (await scene.made("/incidents", both))["id"]
    return f"/incidents/{id_}/split", {"name": "Two", "body": "Two things.", "services": ["portal"]}


async def an_escalation(scene: Scene) -> tuple[str, object]:
    id_ = (await scene.made("/incidents", {**OPEN, "services": {"email": "major_outage"}}))["id"]
    return f"/incidents/{id_}/escalate", {}


async def a_paused_monitor(scene: Scene) -> tuple[str, object]:
    await scene.made("/monitors/mailboxes-port/pause", {"reason": "Work"})
    return "/monitors/mailboxes-port/resume", {}


async def a_running_window(scene: Scene) -> tuple[str, object]:
    begins = scene.house.now + timedelta(minutes=1)
    id_ = (await scene.made("/maintenances", wish(begins, hours=0.5)))["id"]
    await scene.made(f"/maintenances/{id_}/approve", {}, scene.peer)
    scene.house.wait(minutes=2)
    await scene.house.pipeline.tick()
    return f"/maintenances/{id_}/finish", {}


REASON, LATER = {"reason": "Not so."}, NIGHT + timedelta(days=60)
RENAMED = {"name": "Another name"}
STRUCK = {"words": "a", "instead": "…", "reason": "A name."}
STAND_IN = {"team": "mail", "person": "bob", "since": at(NIGHT), "until": at(NIGHT + timedelta(hours=8))}
HOOK = {"channel": "webhook", "address": "https://hook.example.net/told"}

EXAMPLES: Mapping[str, Example] = {
    "POST /incidents": plain("/incidents", OPEN),
    "POST /incidents/{id}/acknowledge": on_incident("acknowledge", {}),
    "POST /incidents/{id}/updates": on_incident("updates", {"body": "We know more."}),
    "PATCH /incidents/{id}/updates/{number}": on_incident("updates/1", {"body": "Other words."}),
    "POST /incidents/{id}/updates/{number}/redact": on_incident("updates/1/redact", REASON),
    "POST /incidents/{id}/rename": on_incident("rename", RENAMED),
    "POST /incidents/{id}/strike": on_incident("strike", {**STRUCK, "words": "Trouble"}),
    "POST /incidents/{id}/notes": on_incident("notes", {"body": "It is the disk."}),
    "POST /incidents/{id}/resolve": on_incident("resolve", {"body": "It works."}),
    "POST /incidents/{id}/postmortem": on(Scene.resolved, "/incidents", "/postmortem", {"body": "We learned something."}),
    "POST /incidents/{id}/cause": on_incident("cause", {"cause": "hardware"}),
    "POST /incidents/{id}/missed": a_missed_one,
    "POST /incidents/{id}/escalate": an_escalation,
    "POST /incidents/{id}/assign": on_incident("assign", {"to": "ada", "summary": "It is yours."}),
    "POST /incidents/{id}/confirm": on(Scene.draft, "/incidents", "/confirm", {}),
    "POST /incidents/{id}/dismiss": on(Scene.draft, "/incidents", "/dismiss", REASON),
    "POST /incidents/{id}/weigh": on_incident("weigh", {"affected_share": 0.5}),
    "POST /incidents/{id}/say": on_incident("say", {"body": "We are on it."}),
    "POST /incidents/{id}/tickets": on_incident("tickets", {"name": "OPS-7"}),
    "POST /incidents/{id}/tickets/unlink": a_linked_ticket,
    "POST /incidents/{id}/merge": a_merge,
    "POST /incidents/{id}/split": a_split,
    "POST /monitors/{id}/pause": plain("/monitors/outgoing-port/pause", REASON),
    "POST /monitors/{id}/resume": a_paused_monitor,
    "POST /changes": plain("/changes", {"what": "a release"}),
    "POST /on-call/stand-ins": plain("/on-call/stand-ins", STAND_IN),
    "POST /callers": plain("/callers", {"service": "email", "ticket": "T-1"}),
    "POST /services/{id}/corrections": plain("/services/portal/corrections", None),
    "POST /corrections/{id}/approve": on(Scene.correction, "/corrections", "/approve", {}),
    "POST /corrections/{id}/drop": on(Scene.correction, "/corrections", "/drop", REASON),
    "POST /maintenances": plain("/maintenances", wish(LATER)),
    "PATCH /maintenances/{id}": on(Scene.window, "/maintenances", "", {"ends": at(NIGHT + timedelta(days=30))}),
    "POST /maintenances/{id}/extend": on(Scene.window, "/maintenances", "/extend", {"ends": at(NIGHT + timedelta(days=30))}),
    "POST /maintenances/{id}/finish": a_running_window,
    "POST /maintenances/{id}/cancel": on(Scene.window, "/maintenances", "/cancel", {}),
    "POST /maintenances/{id}/approve": on(Scene.window, "/maintenances", "/approve", {}),
    "POST /maintenances/{id}/rename": on(Scene.window, "/maintenances", "/rename", RENAMED),
    "POST /maintenances/{id}/strike": on(Scene.window, "/maintenances", "/strike", {**STRUCK, "words": "Sending"}),
    "PATCH /maintenances/{id}/updates/{number}": on(Scene.announced, "/maintenances", "/updates/1", {"body": "Other words."}),
    "POST /maintenances/{id}/updates/{number}/redact": on(Scene.announced, "/maintenances", "/updates/1/redact", REASON),
    "POST /advisories": plain("/advisories", storm()),
    "POST /advisories/{id}/updates": on(Scene.advisory, "/advisories", "/updates", {"body": "It draws near."}),
    "PATCH /advisories/{id}": on(Scene.advisory, "/advisories", "", {"ends": at(LATER)}),
    "POST /advisories/{id}/withdraw": on(Scene.advisory, "/advisories", "/withdraw", {}),
    "POST /advisories/{id}/rename": on(Scene.advisory, "/advisories", "/rename", RENAMED),
    "POST /advisories/{id}/strike": on(Scene.advisory, "/advisories", "/strike", {**STRUCK, "words": "Lines"}),
    "PATCH /advisories/{id}/updates/{number}": on(Scene.advisory, "/advisories", "/updates/1", {"body": "Other words."}),
    "POST /advisories/{id}/updates/{number}/redact": on(Scene.advisory, "/advisories", "/updates/1/redact", REASON),
    "POST /subscribers": plain("/subscribers", HOOK),
}
WITHOUT_A_KEY = {"POST /ingest/alertmanager"}
"""Its alerts have marks of their own."""
BY_ANOTHER = {"POST /corrections/{id}/approve", "POST /maintenances/{id}/approve"}


async def asked(program: Program, write: str, path: str, body: object, key: str) -> tuple[int, str, str | None]:
    method = write.partition(" ")[0]
    headers = {"Idempotency-Key": key}
    answer = await program.session.request(method, f"/api/v1{path}", json=body, headers=headers)
    return answer.status, await answer.text(), answer.headers.get("Location")


async def test_every_write_is_done_once_by_its_key(scene: Scene) -> None:
    assert set(EXAMPLES) | WITHOUT_A_KEY == set(WRITES)
    troubles: list[str] = []
    rows = await scene.house.audit()
    for number, (write, example) in enumerate(EXAMPLES.items()):
        scene.house.wait(seconds=1)  # an id is made from the instant, too
        path, body = await example(scene)
        body = scene.span() if body is None else body
        program = scene.peer if write in BY_ANOTHER else scene.boss
        send = partial(asked, program, write, path)
        both = await asyncio.gather(send(body, f"k{number}"), send(body, f"k{number}"))
        again = await send(body, f"k{number}")
        before, rows = len(rows), await scene.house.audit()
        done = [(row.act, row.subject) for row in rows[before:]]
        if both[0][0] not in {200, 201} or {*both, again} != {both[0]} or len(done) != len(set(done)):
            troubles.append(f"{write}: {both} {again} {done}")
        if (other := await send({"body": "Something else."}, f"k{number}"))[0] != 422 or "another request" not in other[1]:
            troubles.append(f"{write} with another body: {other}")
    assert not troubles, "\n".join(troubles)


# --- lists ----------------------------------------------------------------------------------------------------------------------


async def a_report(scene: Scene) -> None:
    row = {"service": "email", "at": scene.house.now, "symptom": "slow", "words": "", "language": "en", "client": "c"}
    await scene.house.store.write(lambda connection: connection.execute(insert(reports).values(row)))


async def an_impairment(scene: Scene) -> None:
    def write(connection: Connection) -> None:
        row = {"location": "local", "reason": Hindrance.BLIND, "since": scene.house.now, "until": scene.house.now, "detail": ""}
        connection.execute(insert(impairments).values(row))

    await scene.house.store.write(write)


async def a_hook(scene: Scene) -> None:
    await scene.made("/subscribers", {**HOOK, "address": f"https://hook.example.net/{next(scene.numbers)}"})


async def an_incident(scene: Scene) -> None:
    await scene.incident()


async def an_advisory(scene: Scene) -> None:
    await scene.advisory()


async def a_correction(scene: Scene) -> None:
    await scene.correction()


async def a_caller(scene: Scene) -> None:
    await scene.made("/callers", {"service": "email"})


async def a_change(scene: Scene) -> None:
    await scene.made("/changes", {"what": "a release"})


GROWING: Mapping[str, tuple[str, Callable[[Scene], Awaitable[None]]]] = {
    "/incidents": ("id", an_incident),
    "/audit": ("sequence", a_change),
    "/advisories": ("id", an_advisory),
    "/changes": ("id", a_change),
    "/callers": ("id", a_caller),
    "/reports": ("id", a_report),
    "/impairments": ("since", an_impairment),
    "/services/portal/corrections": ("correction", a_correction),
    "/subscribers": ("id", a_hook),
}
"""Lists that grow for ever: what tells their rows apart, and what adds one."""
WHOLE = {"/agents", "/maintenances", "/maintenances/{id}/updates", "/monitors", "/services", "/templates", "/on-call", "/known-errors"}
"""Lists that are given whole: as long as the file, the desk, or the span that is asked for."""


async def test_every_list_tells_each_row_once_while_others_are_added(scene: Scene) -> None:
    assert {path.replace("portal", "{id}") for path in GROWING} | WHOLE == set(LISTS)
    described = (await (await scene.boss.get("/openapi.json")).json())["paths"]
    for path, (by, add) in GROWING.items():
        known_as = {one["name"] for one in described[f"/api/v1{path.replace('portal', '{id}')}"]["get"]["parameters"]}
        assert {"limit", "cursor"} <= known_as, path
        for _ in range(5):
            scene.house.wait(seconds=path == "/impairments")
            await add(scene)
        known = [row[by] for row in (await (await scene.boss.get(path, limit="100")).json())["items"]]
        seen: list[object] = []
        cursor: dict[str, str] = {}
        while True:
            page = await (await scene.boss.get(path, limit="2", **cursor)).json()
            seen += [row[by] for row in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
            if len(seen) < 8:
                scene.house.wait(seconds=path == "/impairments")
                await add(scene)
        assert len(seen) == len(set(map(str, seen))), f"{path}: a row twice"
        assert [one for one in seen if one in known] == known, f"{path}: a row lost, or out of order"
