"""Who is on call: the page where agents see it and stand in for each other, and the same for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import Connection

from incidents.escalation import Absence
from incidents.rota import StandIn
from incidents.times.spans import Span
from statuspage.config.calls import Crew, Roster
from statuspage.store import stand_ins
from statuspage.store.acts import write_audit
from statuspage.store.stand_ins import Arranged
from statuspage.web.auth import CALLER
from statuspage.web.call_bodies import CrewList, CrewShown, StandInBody, StandInEnded, StandInShown
from statuspage.web.console import fit, text, trouble_of
from statuspage.web.desk import DESK, Desk
from statuspage.web.entry import body_of, row_of
from statuspage.web.once import written_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_team
from statuspage.web.screens import screen, see_other

LONGEST = timedelta(days=92)
AHEAD = timedelta(days=28)
STEP = timedelta(minutes=30)
"""How finely the days ahead are looked at: people hand over at whole and half hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is on call in a stretch that is shown; nobody is told by an empty tuple."""

    people: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewRow:
    """A team as the desk sees it: why it would not hear a call (None: it would), who is on call now and in the days ahead."""

    crew: Crew
    absence: Absence | None
    on_call: tuple[str, ...]
    ahead: tuple[Watch, ...]
    arranged: tuple[Arranged, ...]
    services: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedStandIn:
    """What was typed into the form by which somebody stands in."""

    team: str = ""
    person: str = ""
    since: str = ""
    until: str = ""


# --- the page -------------------------------------------------------------------------------------------------------------------


async def show_on_call(request: web.Request) -> web.Response:
    """Draw who is on call."""
    return await _page(request, TypedStandIn())


async def _page(request: web.Request, typed: TypedStandIn, rejected: Rejected | None = None) -> web.Response:
    desk, now = request.app[DESK], request.app[DESK].now()
    arranged = await desk.store.read(lambda connection: stand_ins.arranged_from(connection, now))
    roster = desk.roster()
    rows = [_row(desk, roster, crew, arranged, now) for crew in roster.crews.values()]
    status = rejected.status if rejected else 200
    return screen(
        request,
        "on_call.html",
        status=status,
        rows=rows,
        people=roster.names,
        days=AHEAD.days,
        typed=typed,
        trouble=trouble_of(rejected),
    )


def _row(desk: Desk, roster: Roster, crew: Crew, arranged: Sequence[Arranged], now: datetime) -> CrewRow:
    theirs = tuple(one for one in arranged if one.team == crew.id)
    covers = [StandIn(person=one.person, span=one.span) for one in theirs]
    return CrewRow(
        crew=crew,
        absence=roster.absent(crew.id, now, covers),
        on_call=tuple(roster.names.get(id, id) for id in roster.on_call(crew.id, now, covers)),
        ahead=tuple(_ahead(roster, crew, covers, now)) if crew.rota is not None else (),
        arranged=theirs,
        services=tuple(_called_for(desk, crew.id)),
    )


def _called_for(desk: Desk, team: str) -> list[tuple[str, int]]:
    """The services for which a team is called, each with the tier on which it is."""
    ladders = desk.rules().ladders
    return [(service, ladder.tiers.index(team) + 1) for service, ladder in ladders.items() if team in ladder.tiers]


def _ahead(roster: Roster, crew: Crew, covers: Sequence[StandIn], now: datetime) -> list[Watch]:
    """Who is on call from now on, stretch by stretch."""
    found: list[Watch] = []
    at, end = now.replace(minute=0, second=0, microsecond=0), now + AHEAD
    while at < end:
        people = tuple(roster.names.get(id, id) for id in roster.on_call(crew.id, at, covers))
        if found and found[-1].people == people:
            found[-1] = Watch(people=people, since=found[-1].since, until=at + STEP)
        else:
            found.append(Watch(people=people, since=at, until=at + STEP))
        at += STEP
    return found


async def arrange_by_form(request: web.Request) -> web.Response:
    """Have somebody stand in, and draw the page again."""
    desk, by, form = request.app[DESK], request[CALLER].name, await request.post()
    typed = TypedStandIn(**{name: text(form.get(name)) for name in ("team", "person", "since", "until")})
    try:
        zone = ZoneInfo(desk.timezone)
        spans = {name: _local(getattr(typed, name), zone) for name in ("since", "until")}
        body = fit(StandInBody, team=typed.team, person=typed.person, **spans)
        demand_team(request, body.team)
        await desk.store.write(partial(_arranged, _demand(desk, body), desk, by))
    except Rejected as rejected:
        return await _page(request, typed, rejected)
    return see_other("/on-call")


def _local(typed: str, zone: ZoneInfo) -> datetime:
    """What a field for a local time holds. Errors: Rejected 422."""
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=zone)
    except ValueError:
        raise Rejected(422, "Say from when and until when, such as 2026-01-05 09:00.") from None


async def dissolve_by_form(request: web.Request) -> web.Response:
    """Take an arrangement back, and draw the page again."""
    desk, by = request.app[DESK], request[CALLER].name
    await desk.store.write(partial(_dissolved, row_of(request.match_info["id"]), desk, by))
    return see_other("/on-call")


# --- for programs ---------------------------------------------------------------------------------------------------------------


async def list_crews(request: web.Request) -> web.Response:
    """Give all teams, with who of them is on call."""
    desk, now = request.app[DESK], request.app[DESK].now()
    arranged, roster = await desk.store.read(lambda connection: stand_ins.arranged_from(connection, now)), desk.roster()
    items = [_crew_shown(roster, crew, arranged, now) for crew in roster.crews.values()]
    return web.Response(text=CrewList(items=items, next=None).model_dump_json(), content_type="application/json")


def _crew_shown(roster: Roster, crew: Crew, arranged: Sequence[Arranged], now: datetime) -> CrewShown:
    theirs = [one for one in arranged if one.team == crew.id]
    covers = [StandIn(person=one.person, span=one.span) for one in theirs]
    return CrewShown(
        id=crew.id,
        name=crew.name,
        is_open=roster.absent(crew.id, now, covers) is not Absence.CLOSED,
        on_call=list(roster.on_call(crew.id, now, covers)),
        stand_ins=[_shown(one) for one in theirs],
    )


async def arrange(request: web.Request) -> web.Response:
    """Have somebody stand in."""
    desk, by = request.app[DESK], request[CALLER].name
    body = _demand(desk, await body_of(request, StandInBody))
    demand_team(request, body.team)
    return await written_once(request, by, partial(_arranged, body, desk, by), status=201)


async def dissolve(request: web.Request) -> web.Response:
    """Take an arrangement back."""
    desk, by, number = request.app[DESK], request[CALLER].name, row_of(request.match_info["id"])
    await desk.store.write(partial(_dissolved, number, desk, by))
    return web.Response(text=StandInEnded(id=number).model_dump_json(), content_type="application/json")


def _demand(desk: Desk, body: StandInBody) -> StandInBody:
    """Errors: Rejected 422 for what names nobody, or no time to come."""
    roster = desk.roster()
    if body.team not in roster.crews:
        raise Rejected(422, f"There is no team {body.team!r}.")
    if body.person not in roster.names:
        raise Rejected(422, f"There is nobody {body.person!r} in people, so nobody knows where to call them.")
    if not body.since < body.until or body.until <= desk.now():
        raise Rejected(422, "It ends after it begins, and not in the past.")
    if body.until - body.since > LONGEST:
        raise Rejected(422, f"Somebody stands in for {LONGEST.days} days at most; for longer, change the file.")
    return body


def _arranged(body: StandInBody, desk: Desk, by: str, connection: Connection) -> StandInShown:
    span = Span(body.since, body.until)
    number = stand_ins.arrange(connection, team=body.team, person=body.person, span=span, by=by)
    detail = {"person": body.person, "since": body.since.isoformat(), "until": body.until.isoformat()}
    write_audit(connection, at=desk.now(), actor=by, act="stand in", subject=body.team, detail=detail)
    return StandInShown(id=number, team=body.team, person=body.person, since=body.since, until=body.until, by=by)


def _dissolved(number: int, desk: Desk, by: str, connection: Connection) -> None:
    """Errors: Rejected 404."""
    if not stand_ins.dissolve(connection, number):
        raise Rejected(404, "There is no such arrangement; it may have been taken back meanwhile.")
    write_audit(connection, at=desk.now(), actor=by, act="end stand-in", subject=str(number), detail={})


def _shown(one: Arranged) -> StandInShown:
    return StandInShown(id=one.id, team=one.team, person=one.person, since=one.span.since, until=one.span.until, by=one.by)
