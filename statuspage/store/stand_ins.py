"""Who stands in for others on call: written by agents, read by the clock that calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from incidents.rota import StandIn
from incidents.times.spans import Span
from statuspage.store.duty_tables import stand_ins


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """Somebody is on call for *team* in *span*, arranged *by* an agent."""

    id: int
    team: str
    person: str
    span: Span
    by: str


def stand_ins_at(connection: Connection, at: datetime) -> Mapping[str, Sequence[StandIn]]:
    """Everybody who stands in at an instant, by team; who was arranged last comes first."""
    found: dict[str, list[StandIn]] = {}
    for one in arranged_from(connection, at):
        if one.span.holds(at):
            found.setdefault(one.team, []).append(StandIn(person=one.person, span=one.span))
    return found


def arranged_from(connection: Connection, at: datetime) -> tuple[Arranged, ...]:
    """What is arranged and not over *at* that instant, the newest first."""
    rows = connection.execute(select(stand_ins).where(stand_ins.c.until > at).order_by(stand_ins.c.id.desc()))
    return tuple(Arranged(id=row.id, team=row.team, person=row.person, span=Span(row.since, row.until), by=row.by) for row in rows)


def arrange(connection: Connection, *, team: str, person: str, span: Span, by: str) -> int:
    """Have *person* stand in for *team*; return the number of the arrangement."""
    row = {"team": team, "person": person, "since": span.since, "until": span.until, "by": by}
    number: int = connection.execute(insert(stand_ins).values(row).returning(stand_ins.c.id)).scalar_one()
    return number


def dissolve(connection: Connection, number: int) -> bool:
    """Take an arrangement back; whether there was one."""
    return connection.execute(delete(stand_ins).where(stand_ins.c.id == number)).rowcount == 1


def team_of(connection: Connection, number: int) -> str | None:
    """For which team the arrangement is; None where there is none."""
    return connection.scalar(select(stand_ins.c.team).where(stand_ins.c.id == number))
