"""What one turn of the road is asked to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from incidents.events import Event
from incidents.turns import Command
from probes.result import Result

Beside = Callable[[Connection, Sequence[Event]], None]
"""Writes more, in the transaction of an act."""


def nothing_beside(_: Connection, __: Sequence[Event]) -> None:
    """Write nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Results to take in, notices and an act to do, whether a second has passed, and whether everything is to be judged anew."""

    results: Sequence[Result]
    command: Command | None = None
    beside: Beside = nothing_beside
    notices: Sequence[Command] = ()
    is_tick: bool = False
    is_rejudged: bool = False

    @property
    def must_be_current(self) -> bool:
        """Whether to look first what others wrote: of acts, since a refusal writes nothing and would not find out; else once a second."""
        return self.is_tick or self.command is not None
