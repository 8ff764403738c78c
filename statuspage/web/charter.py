"""Services at the desk: the list, and a page for each with all that somebody must know who answers for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from aiohttp import web
from sqlalchemy import Connection

from incidents.escalation import Absence
from incidents.maintenance import MaintenanceState
from incidents.model import Incident, Service, Situation
from incidents.planned.windows import horizon
from incidents.rota import StandIn
from incidents.words import said
from statuspage.config.charters import Charter
from statuspage.picture import board
from statuspage.picture.board import ServiceRow
from statuspage.picture.capabilities import capabilities
from statuspage.picture.components import ComponentRow, component_rows
from statuspage.picture.figures import decimal
from statuspage.picture.known_errors import spoken
from statuspage.store import changes, stand_ins
from statuspage.store.changes import Change
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.reach import Reach, concerned, is_seen, reach_of
from statuspage.web.screens import screen
from statuspage.web.warned import about, lasting
from statuspage.web.window_rows import WindowRow, by_start
from statuspage.web.window_rows import row as window_row

AHEAD = timedelta(days=30)
CHANGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A tier of a service: the team *named*, how long *after* the opening it is called, who of it is on call, and why it would not hear."""

    team: str
    named: str
    after: timedelta
    on_call: tuple[str, ...]
    absence: Absence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """A service in the list: how it is, whose it is (empty: nobody's), its first *step* (None: nobody is called), what is promised."""

    row: ServiceRow
    group: str
    owner: str
    step: Step | None
    promise: str


Covers = Mapping[str, Sequence[StandIn]]


async def show_services(request: web.Request) -> web.Response:
    """Draw the list, by group."""
    desk = request.app[DESK]
    covers = await _covers(desk)
    rows = {row.id: row for row in board.service_rows(desk.pipeline.situation, desk.language)}
    lines = [_line(desk, service, rows[id], covers) for id, service in desk.pipeline.situation.topology.services.items()]
    return screen(request, "services.html", groups=_grouped(lines))


def _grouped(lines: Iterable[ServiceLine]) -> list[tuple[str, list[ServiceLine]]]:
    """The groups in the order in which each comes first; those without one last."""
    known = list(lines)
    order = {group: place for place, group in enumerate(dict.fromkeys(line.group for line in known))}
    sorted_lines = sorted(known, key=lambda line: (not line.group, order[line.group]))
    return [(group, list(some)) for group, some in groupby(sorted_lines, key=lambda line: line.group)]


def _line(desk: Desk, service: Service, row: ServiceRow, covers: Covers) -> ServiceLine:
    steps = _steps(desk, service.id, covers, desk.now())
    return ServiceLine(
        row=row,
        group=said(service.group, desk.language) if service.group else "",
        owner=_team(desk, service.owner),
        step=steps[0] if steps else None,
        promise=_promise(desk, service.id),
    )


async def show_service(request: web.Request) -> web.Response:
    """Draw one service. Errors: Rejected 404."""
    desk, id_ = request.app[DESK], request.match_info["id"]
    situation, now, reach = desk.pipeline.situation, desk.now(), reach_of(request)
    service = situation.topology.services.get(id_)
    if service is None:
        raise Rejected(404, "There is no service with this id.")

    covers = await _covers(desk)
    altered = await desk.store.read(partial(_altered, service=id_, reach=reach))
    known = {one.id: one for one in board.service_rows(situation, desk.language)}
    parts, others = _parts(desk, service, reach)
    return screen(
        request,
        "service.html",
        row=known[id_],
        description=said(service.description, desk.language),
        group=said(service.group, desk.language) if service.group else "",
        owner=_team(desk, service.owner),
        steps=_steps(desk, id_, covers, now),
        charter=desk.charters().get(id_, Charter()),
        promise=_promise(desk, id_),
        able=list(capabilities(service, situation, desk.language)),
        parts_of=parts,
        others=others,
        open=_open(situation.incidents.values(), id_),
        out_of_reach=_others_cards(situation, reach),
        known_errors=spoken(desk.knowledge.errors(), desk.language, {id_}),
        changes=altered,
        named={one.id: one.name for one in known.values()},
        windows=_windows(desk, id_, now),
        warned=about(await lasting(desk), {id_}),
    )


def _altered(connection: Connection, *, service: str, reach: Reach) -> Sequence[Change]:
    return changes.listed_changes(connection, service=service, before=None, limit=CHANGES, within=reach.services)


def _parts(desk: Desk, service: Service, reach: Reach) -> tuple[list[ComponentRow], int]:
    """The components that the service needs, as whoever asks may see them, and how many more there are."""
    situation = desk.pipeline.situation
    rows = component_rows(situation)
    needed = [id_ for id_ in dict.fromkeys(part for need in service.needs for part in need.of) if id_ in rows]
    seen = [rows[id_] for id_ in needed if is_seen(reach, situation, id_)]
    return seen, len(needed) - len(seen)


def _open(incidents: Iterable[Incident], service: str) -> list[Incident]:
    return sorted((one for one in incidents if one.is_open and service in one.services), key=lambda one: one.started_at)


def _others_cards(situation: Situation, reach: Reach) -> frozenset[str]:
    return frozenset(one.id for one in situation.incidents.values() if not reach.holds(concerned(one, situation.topology)))


def _windows(desk: Desk, service: str, now: datetime) -> list[WindowRow]:
    found = horizon(desk.pipeline.situation, now, now + AHEAD)
    rows = (window_row(desk, one) for one in found if service in one.services)
    return by_start(one for one in rows if one.state is not MaintenanceState.CANCELLED)


async def _covers(desk: Desk) -> Covers:
    """Who stands in for whom at present, by team."""
    return await desk.store.read(partial(stand_ins.stand_ins_at, at=desk.now()))


def _steps(desk: Desk, service: str, covers: Covers, now: datetime) -> list[Step]:
    """The way up, tier by tier; empty where nobody is called."""
    ladder, roster = desk.rules().ladders.get(service), desk.roster()
    if ladder is None:
        return []
    return [
        Step(
            team=team,
            named=_team(desk, team),
            after=after,
            on_call=tuple(roster.names.get(id_, id_) for id_ in roster.on_call(team, now, covers.get(team, ()))),
            absence=roster.absent(team, now, covers.get(team, ())),
        )
        for team, after in zip(ladder.tiers, (timedelta(0), *ladder.after), strict=False)
    ]


def _team(desk: Desk, team: str | None) -> str:
    crew = desk.roster().crews.get(team or "")
    return crew.name if crew is not None else team or ""


def _promise(desk: Desk, service: str) -> str:
    """What customers are promised; empty where nothing is, and every minute counts."""
    level = desk.levels().get(service)
    if level is None or level.terms.target is None:
        return ""
    return f"{decimal(level.terms.target)} % a {level.terms.period}"
