"""Whether readers found an update useful: counted once for each client, for the desk alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

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
    counted = select(usefulness.c.number, usefulness.c.is_useful, func.count()).where(usefulness.c.incident == incident)
    found: dict[int, dict[bool, int]] = {}
    for number, is_useful, count in connection.execute(counted.group_by(usefulness.c.number, usefulness.c.is_useful)):
        found.setdefault(number, {})[bool(is_useful)] = count
    return [Useful(number=number, yes=told.get(True, 0), no=told.get(False, 0)) for number, told in sorted(found.items())]


def prune_usefulness(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what was answered *before*, at most *limit* of it; gives how much."""
    table = usefulness
    old = connection.execute(select(table.c.incident, table.c.number, table.c.client).where(table.c.at < before).limit(limit)).all()
    for row in old:
        mine = (table.c.incident == row.incident, table.c.number == row.number, table.c.client == row.client)
        connection.execute(delete(table).where(*mine))
    return len(old)
