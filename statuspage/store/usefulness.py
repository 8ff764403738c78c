"""Whether readers found an update useful: counted once for each client, for the desk alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, tuple_

from statuspage.store import queries
from statuspage.store.upsert import put
from statuspage.store.usefulness_tables import usefulness


@dataclass(frozen=True, slots=True, kw_only=True)
class Useful:
    """How many found the update of this *number* useful, and how many did not."""

    number: int
    yes: int
    no: int


def answer(connection: Connection, incident: str, number: int, *, client: str, is_useful: bool, at: datetime) -> bool:
    """Keep what *client* (a digest) thinks; it takes the place of what they thought before. False where there is no such update to read."""
    story = queries.story(connection, incident)
    if story is None or not any(update.number == number and update.redacted_at is None for update in story.updates):
        return False
    put(connection, usefulness, [{"incident": incident, "number": number, "client": client, "is_useful": is_useful, "at": at}])
    return True


def useful(connection: Connection, incident: str) -> Sequence[Useful]:
    """What readers thought of each update of *incident* that anybody thought anything of, by its number."""
    return useful_by_incident(connection, [incident])[incident]


def useful_by_incident(connection: Connection, incidents: Collection[str]) -> Mapping[str, Sequence[Useful]]:
    """The same of each of *incidents*."""
    update = (usefulness.c.incident, usefulness.c.number)
    says = (func.count().filter(usefulness.c.is_useful).label("yes"), func.count().filter(~usefulness.c.is_useful).label("no"))
    counted = select(*update, *says).where(usefulness.c.incident.in_(incidents)).group_by(*update).order_by(*update)
    found: dict[str, list[Useful]] = {id: [] for id in incidents}
    for row in connection.execute(counted):
        found[row.incident].append(Useful(number=row.number, yes=row.yes, no=row.no))
    return found


def prune_usefulness(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what was answered *before*, at most *limit* of it; gives how much."""
    key = (usefulness.c.incident, usefulness.c.number, usefulness.c.client)
    old = select(*key).where(usefulness.c.at < before).limit(limit)
    return connection.execute(delete(usefulness).where(tuple_(*key).in_(old))).rowcount
