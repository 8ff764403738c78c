"""The lives of an incident and of a planned window, a table each.

Rule: every transition of a state lives in this file, and this file knows nothing else. Whoever moves an incident asks ``move``, and
``move_window`` for a window; a move that is not in the table is refused and nothing happens. docs/lifecycle.md is drawn from this table.
"""

from collections.abc import Mapping
from enum import StrEnum

from incidents.maintenance import MaintenanceState
from incidents.model import State


class Trigger(StrEnum):
    """What can move an incident."""

    FAILED = "failed"
    """The machine sees it failing, after it had seen it recover."""
    RECOVERED = "recovered"
    """The machine sees everything that belongs to it work again."""
    WATCHED = "watched"
    """It stayed well for as long as it is watched."""
    RETURNED = "returned"
    """The machine sees its root fail again soon after the end."""
    SAID_INVESTIGATING = "said_investigating"
    """An agent says that the cause is being looked for."""
    SAID_IDENTIFIED = "said_identified"
    """An agent says that the cause is known."""
    SAID_MONITORING = "said_monitoring"
    """An agent says that it is mended and being watched."""
    SAID_RESOLVED = "said_resolved"
    """An agent, or the incident that it was merged into, ends it."""
    SAID_POSTMORTEM = "said_postmortem"
    """An agent publishes what was learned."""


_OPEN: Mapping[Trigger, State] = {
    Trigger.FAILED: State.INVESTIGATING,
    Trigger.RECOVERED: State.MONITORING,
    Trigger.SAID_INVESTIGATING: State.INVESTIGATING,
    Trigger.SAID_IDENTIFIED: State.IDENTIFIED,
    Trigger.SAID_MONITORING: State.MONITORING,
    Trigger.SAID_RESOLVED: State.RESOLVED,
}

TRANSITIONS: Mapping[State, Mapping[Trigger, State]] = {
    State.INVESTIGATING: _OPEN,
    State.IDENTIFIED: _OPEN,
    State.MONITORING: {**_OPEN, Trigger.WATCHED: State.RESOLVED},
    State.RESOLVED: {Trigger.RETURNED: State.INVESTIGATING, Trigger.SAID_POSTMORTEM: State.POSTMORTEM},
    State.POSTMORTEM: {Trigger.SAID_POSTMORTEM: State.POSTMORTEM},
}

SAID = {
    State.INVESTIGATING: Trigger.SAID_INVESTIGATING,
    State.IDENTIFIED: Trigger.SAID_IDENTIFIED,
    State.MONITORING: Trigger.SAID_MONITORING,
    State.RESOLVED: Trigger.SAID_RESOLVED,
    State.POSTMORTEM: Trigger.SAID_POSTMORTEM,
}
"""The trigger by which an agent asks for a state."""


class IllegalTransition(ValueError):
    """The table has no such move."""


def move(state: State, trigger: Trigger) -> State:
    """The state after *trigger*. Errors: IllegalTransition where the table has none."""
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger} does not move an incident that is {state}") from None


# --- planned work -------------------------------------------------------------------------------------------------------------

MAINTENANCE_MOVES: Mapping[MaintenanceState, frozenset[MaintenanceState]] = {
    MaintenanceState.SCHEDULED: frozenset({MaintenanceState.IN_PROGRESS, MaintenanceState.CANCELLED}),
    MaintenanceState.IN_PROGRESS: frozenset({MaintenanceState.VERIFYING, MaintenanceState.COMPLETED, MaintenanceState.CANCELLED}),
    # Extended after its end, it goes on.
    MaintenanceState.VERIFYING: frozenset({MaintenanceState.IN_PROGRESS, MaintenanceState.COMPLETED, MaintenanceState.CANCELLED}),
    MaintenanceState.COMPLETED: frozenset(),
    MaintenanceState.CANCELLED: frozenset(),
}


def move_window(state: MaintenanceState, to: MaintenanceState) -> MaintenanceState:
    """*to*, where a window that is in *state* may become so. Errors: IllegalTransition."""
    if to not in MAINTENANCE_MOVES[state]:
        raise IllegalTransition(f"maintenance that is {state} does not become {to}")
    return to
