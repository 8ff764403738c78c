"""From one configuration to the next: what is known goes with ids that moved; old votes stay behind where something else is measured."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.events import Moved
from incidents.model import Situation
from incidents.moving import Move
from statuspage.store.record import record
from statuspage.store.renaming import due_moves, forgotten_votes


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a new configuration, *version*, was taken over with: the ids that *moved*, and what is known by it, as of the batch *newest*."""

    situation: Situation
    version: int = 0
    newest: int | None = None
    moved: Sequence[Moved] = ()


Carry = Callable[[], Awaitable[Carried]]
"""Writes what follows from another configuration, and reads what is known by it."""


def carry_over(connection: Connection, moves: Iterable[Move], measures: Mapping[str, str], at: datetime) -> tuple[Moved, ...]:
    """Do what of *moves* is still to be done, and forget the votes of monitors whose digest in *measures* is another than before.

    Called inside a write, before anything is written under the new ids.
    """
    moved = due_moves(connection, moves, at)
    if moved:
        record(connection, events=moved, results=(), at=at)
    forgotten = forgotten_votes(connection, measures)
    if forgotten:
        record(connection, events=forgotten, results=(), at=at)
    return moved
