"""The table, every legal and every illegal cell of it."""

import itertools
from pathlib import Path

import pytest

from incidents.lifecycle import SAID, TRANSITIONS, IllegalTransition, Trigger, move
from incidents.model import State

OPEN = (State.INVESTIGATING, State.IDENTIFIED, State.MONITORING)
LEGAL = {
    **{(state, Trigger.FAILED): State.INVESTIGATING for state in OPEN},
    **{(state, Trigger.RECOVERED): State.MONITORING for state in OPEN},
    **{(state, Trigger.SAID_INVESTIGATING): State.INVESTIGATING for state in OPEN},
    **{(state, Trigger.SAID_IDENTIFIED): State.IDENTIFIED for state in OPEN},
    **{(state, Trigger.SAID_MONITORING): State.MONITORING for state in OPEN},
    **{(state, Trigger.SAID_RESOLVED): State.RESOLVED for state in OPEN},
    (State.MONITORING, Trigger.WATCHED): State.RESOLVED,
    (State.RESOLVED, Trigger.RETURNED): State.INVESTIGATING,
    (State.RESOLVED, Trigger.SAID_POSTMORTEM): State.POSTMORTEM,
    (State.POSTMORTEM, Trigger.SAID_POSTMORTEM): State.POSTMORTEM,
}


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(State, Trigger)))
def test_every_cell_of_the_table_is_as_written_or_refused(state: State, trigger: Trigger) -> None:
    if (state, trigger) in LEGAL:
        assert move(state, trigger) is LEGAL[state, trigger]
    else:
        with pytest.raises(IllegalTransition, match=trigger.value):
            move(state, trigger)


def test_only_what_is_resolved_can_come_back_and_only_by_failing_again() -> None:
    assert not set(TRANSITIONS[State.POSTMORTEM].values()) & set(OPEN)
    assert {trigger for trigger, state in TRANSITIONS[State.RESOLVED].items() if state in OPEN} == {Trigger.RETURNED}


def test_an_agent_can_ask_for_every_state() -> None:
    assert set(SAID) == set(State)


def drawn() -> str:
    """The table as a Mermaid picture and a list of what the edges mean."""
    edges: dict[tuple[State, State], list[str]] = {(state, target): [] for state, row in TRANSITIONS.items() for target in row.values()}
    for state, row in TRANSITIONS.items():
        for trigger, target in row.items():
            edges[state, target].append(trigger.value)
    picture = [f"    {state} --> {target}: {', '.join(triggers)}" for (state, target), triggers in edges.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {State.INVESTIGATING}", *picture, "```"])


def test_the_picture_in_the_documents_is_the_table(checkout: Path) -> None:
    assert drawn() in (checkout / "docs" / "lifecycle.md").read_text(encoding="utf-8")


def test_every_trigger_is_explained_in_the_documents(checkout: Path) -> None:
    text = (checkout / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    assert [trigger.value for trigger in Trigger if f"`{trigger}`" not in text] == []
