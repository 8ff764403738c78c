"""What is written down of whole lives, in ``records/``: each event with all that it says, and what became of it.

``python -m tests.incidents.recording`` writes it anew; read what changed before you commit it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from incidents import advisory
from incidents.advisory import Advised, Advisory, AdvisoryEvent
from incidents.course import born, progressed
from incidents.events import Event, Opened, Planned
from incidents.maintenance import Maintenance
from incidents.model import Incident, Situation
from incidents.situation import advance, opened
from tests.incidents import deeds, lives, works
from tests.incidents.world import START, World

RECORDS = Path(__file__).parent / "records"
LIVES: tuple[Callable[[], World], ...] = (*lives.LIVES, *deeds.DEEDS, *works.WORKS)


def record(world: World) -> str:
    """All that happened, an event a line, and what became of each incident, each window and each advisory.

    What a field says by default is left out; incidents, windows and advisories bear numbers in place of ids.
    """
    became = _became(world.events)
    told = "\n".join([*map(_spelled, world.events), "", *map(_spelled, became.values()), "", *_kept(world.situation), ""])
    for number, id in enumerate(became, start=1):
        told = re.sub(rf"\b{id}\b", f"#{number}", told)
    return told


def _became(events: Iterable[Event]) -> dict[str, Incident | Maintenance | Advisory]:
    """The incidents, the windows and the advisories at the end, over or not, in the order in which they began."""
    found: dict[str, Incident | Maintenance | Advisory] = {}
    for event in events:
        match event:
            case Opened():
                found[event.incident] = opened(event)
            case Planned():
                found[event.maintenance] = born(event)
            case Advised():
                found[event.advisory] = event.plan
            case _ if isinstance(event, AdvisoryEvent):
                warned = found[event.advisory]
                assert isinstance(warned, Advisory)
                found[event.advisory] = advisory.progressed(warned, event)
            case _:
                id = getattr(event, "incident", None) or getattr(event, "maintenance", None)
                before = found.get(id or "")
                if isinstance(before, Incident):
                    found[before.id] = advance(before, event)  # type: ignore[arg-type]  # it is about an incident
                elif isinstance(before, Maintenance):
                    found[before.id] = progressed(before, event)  # type: ignore[arg-type]  # it is about a window
    return found


def _kept(situation: Situation) -> Iterable[str]:
    """What else the situation remembers in the end."""
    for name in ("ended", "spent", "paused", "waived", "impairments", "proposals"):
        if kept := getattr(situation, name):
            yield f"{name}: {_spelled(tuple(kept))}"


def _spelled(one: object) -> str:
    match one:
        case datetime():
            return f"{one:%H:%M:%S}" if one.date() == START.date() else f"{one:%Y-%m-%d %H:%M:%S}"
        case str():
            return one or '""'
        case Mapping():
            return "{" + ", ".join(f"{_spelled(key)}: {_spelled(value)}" for key, value in one.items()) + "}"
        case frozenset():
            return "{" + ", ".join(sorted(map(_spelled, one))) + "}"
        case tuple():
            return "[" + ", ".join(map(_spelled, one)) + "]"
        case _ if is_dataclass(one):
            return f"{type(one).__name__}({', '.join(_said(one))})"
        case _:
            return str(one)


def _said(one: Any) -> Iterable[str]:  # noqa: ANN401 - any event, and any value in one
    for field in fields(one):
        value = getattr(one, field.name)
        if value != _default(field):
            yield f"{field.name}={_spelled(value)}"


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def file_of(life: Callable[[], World]) -> Path:
    """Where its record is kept."""
    return RECORDS / f"{life.__name__}.txt"


def main() -> None:
    """Write all records anew."""
    for life in LIVES:
        file_of(life).write_text(record(life()), encoding="utf-8")


if __name__ == "__main__":
    main()
