"""Triage: what a caller says in, what is known and what to say out; and where nothing is known, a record of it and a look at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from incidents.advisory import AdvisoryStage
from incidents.callers import nothing_known
from incidents.words import said
from statuspage.picture import board
from statuspage.picture.board import QueueRow
from statuspage.picture.capabilities import CapabilityView, capabilities
from statuspage.picture.components import MonitorRow, component_rows, monitor_row
from statuspage.picture.known_errors import KnownErrorView
from statuspage.picture.page import Story
from statuspage.picture.triage import meant
from statuspage.store import callers, queries, reports
from statuspage.store.callers import Call
from statuspage.store.changes import JUST_BEFORE, Change, changes_lately
from statuspage.web.auth import CALLER
from statuspage.web.caller_bodies import noted
from statuspage.web.callers import suspect, take_down
from statuspage.web.console import text
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.reach import Reach, demand_services, reach_of
from statuspage.web.screens import screen, see_other
from statuspage.web.triage_bodies import TriageChange, TriageError, TriageIncident, TriagePlanned, TriageService, TriageShown
from statuspage.web.window_rows import WindowRow, at_work

Altered = Mapping[str, Sequence[Change]]

LATELY = timedelta(hours=1)
"""Within which callers and reports are told."""

MOST_LETTERS = 200
"""Of what a caller says; the rest is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An advisory that holds or is to come."""

    id: str
    name: str
    starts: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of a service that the caller may mean. *called* and *reported* count the last hour, *altered* is of the last day.

    One that is no *own* of whoever asks is told of without *monitors* and *altered*.
    """

    row: board.ServiceRow
    able: Sequence[CapabilityView]
    incidents: Sequence[QueueRow]
    windows: Sequence[WindowRow]
    advisories: Sequence[Told]
    monitors: Sequence[MonitorRow]
    called: int
    reported: int
    altered: Sequence[Change]
    is_own: bool

    @property
    def is_known(self) -> bool:
        """Whether there is anything to tell the caller."""
        return bool(self.incidents or self.windows or self.advisories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of *question*; *sentence* is what to say where that is nothing, once it is recorded and looked at."""

    question: str
    found: Sequence[Found]
    errors: Sequence[KnownErrorView]
    sentence: str
    others: Sequence[board.ServiceRow]


async def show_triage(request: web.Request) -> web.Response:
    """Draw what is known of what the caller says; ``tested`` says that it was recorded, and since when monitors are asked."""
    answer = await _answer(request.app[DESK], reach_of(request), _question(request), request.query.get("service"))
    return screen(request, "triage.html", answer=answer, tested=request.query.get("tested", ""))


async def look_up(request: web.Request) -> web.Response:
    """Give what is known of what a caller says."""
    desk = request.app[DESK]
    answer = await _answer(desk, reach_of(request), _question(request), request.query.get("service"))
    return web.Response(text=_shown(answer).model_dump_json(), content_type="application/json")


async def record(request: web.Request) -> web.Response:
    """Take the caller down, and have everything that watches the service probed at once, from everywhere."""
    desk, by, form = request.app[DESK], request[CALLER].name, await request.post()
    service, question = text(form.get("service")), noted(text(form.get("q"))[:MOST_LETTERS])
    situation = desk.pipeline.situation
    if service not in situation.topology.services:
        raise Rejected(422, "Choose the service that the caller means.")
    demand_services(request, [service])
    call = Call(service=service, symptom=question, ticket=noted(text(form.get("ticket"))[:MOST_LETTERS]))
    await desk.store.write(partial(take_down, call, desk, by))
    await suspect(desk, service)
    desk.probe_now([one.id for one in _monitors(desk, service)])
    return see_other(f"/triage?{urlencode({'q': question, 'service': service, 'tested': desk.now().isoformat(timespec='seconds')})}")


def _question(request: web.Request) -> str:
    return noted(request.query.get("q", "")[:MOST_LETTERS])


async def _answer(desk: Desk, reach: Reach, question: str, chosen: str | None) -> Answer:
    situation = desk.pipeline.situation
    guessed = meant(question, situation, desk.knowledge.views())
    services = (chosen,) if chosen is not None and chosen in situation.topology.services else guessed.services
    by_id = {row.id: row for row in board.service_rows(situation, desk.language)}
    return Answer(
        question=question,
        found=await _found(desk, reach, [by_id[id] for id in services]),
        errors=guessed.errors,
        sentence=nothing_known(desk.voices[0]),
        others=[row for id, row in by_id.items() if id not in services],
    )


async def _found(desk: Desk, reach: Reach, services: Sequence[board.ServiceRow]) -> Sequence[Found]:
    situation, now, ids = desk.pipeline.situation, desk.now(), [row.id for row in services]
    current = [one for one in situation.incidents.values() if one.is_open and not set(one.worst).isdisjoint(ids)]

    def read(connection: Connection) -> tuple[Sequence[Story], Mapping[str, int], Mapping[str, int], Mapping[str, int], Altered]:
        stories = queries.stories_of(connection, [one.id for one in current])
        reported = {one.service: one.count for one in reports.heard(connection, now - LATELY, ids)}
        called = callers.unexplained_by_service(connection, ids, now - LATELY)
        altered = changes_lately(connection, ids, now - JUST_BEFORE)
        return stories, callers.count_by_incident(connection, current), called, reported, altered

    stories, counted, called, reported, altered = await desk.store.read(read)
    draw = partial(board.queue_row, situation, component_rows(situation), language=desk.language, scale=desk.scale(), callers=counted)
    drawn, windows = [draw(story, now) for story in stories], at_work(desk)
    return [
        Found(
            row=row,
            able=tuple(capabilities(situation.topology.services[row.id], situation, desk.language)),
            incidents=[one for one in drawn if any(hit.service == row.id for hit in one.hits)],
            windows=[one for one in windows if row.name in one.services],
            advisories=_advisories(desk, row.id, now),
            monitors=_monitors(desk, row.id) if reach.holds([row.id]) else (),
            called=called[row.id],
            reported=reported.get(row.id, 0),
            altered=altered[row.id] if reach.holds([row.id]) else (),
            is_own=reach.holds([row.id]),
        )
        for row in services
    ]


def _advisories(desk: Desk, service: str, now: datetime) -> list[Told]:
    """Those that hold for *service*, and those to come."""
    situation = desk.pipeline.situation
    holding = (one for one in situation.advisories.values() if one.stage(now) in {AdvisoryStage.IN_FORCE, AdvisoryStage.COMING})
    return [
        Told(id=one.id, name=said(one.name, desk.language), starts=one.starts, ends=one.ends) for one in holding if service in one.services
    ]


def _monitors(desk: Desk, service: str) -> list[MonitorRow]:
    """Everything that watches what the service is made of."""
    topology = desk.pipeline.situation.topology
    parts = {part for need in topology.services[service].needs for part in need.of}
    return [monitor_row(desk.pipeline.situation, one) for one in topology.monitors.values() if one.component in parts]


def _shown(answer: Answer) -> TriageShown:
    return TriageShown(
        question=answer.question,
        is_known=any(one.is_known for one in answer.found) or bool(answer.errors),
        say=next((row.say for one in answer.found for row in one.incidents), None),
        services=[_service(one) for one in answer.found],
        known_errors=[TriageError(id=one.id, symptom=one.symptom, workaround=one.workaround, say=one.say) for one in answer.errors],
    )


def _service(found: Found) -> TriageService:
    return TriageService(
        id=found.row.id,
        name=found.row.name,
        status=found.row.status,
        capabilities={one.label: one.status for one in found.able},
        incidents=[
            TriageIncident(id=one.id, name=one.name, started_at=one.started_at, say=one.say, next_update_by=one.next_update_by)
            for one in found.incidents
        ],
        maintenances=[TriagePlanned(id=one.id, name=one.name, starts=one.starts, ends=one.ends) for one in found.windows],
        advisories=[TriagePlanned(id=one.id, name=one.name, starts=one.starts, ends=one.ends) for one in found.advisories],
        changes=[TriageChange(at=one.at, what=one.what, url=one.url) for one in found.altered],
        called=found.called,
        reported=found.reported,
    )
