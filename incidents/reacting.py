"""What people did, done again where the machine had come to something else: each act finds its incident by the root that it was about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from incidents.events import Event, Noted, Opened, Published, Rerooted, Updated
from incidents.model import Incident, Situation
from incidents.situation import fold


class Acts:
    """Follows what was recorded, and turns acts on recorded incidents into acts on the present ones; *lost* counts those without any."""

    def __init__(self) -> None:
        """Know of no incident yet."""
        self.lost = 0
        self._roots: dict[str, str | None] = {}

    def follow(self, events: Iterable[Event]) -> None:
        """Learn from what was recorded which root an incident had."""
        for event in events:
            if isinstance(event, Opened | Rerooted):
                self._roots[event.incident] = event.root

    def adapted(self, situation: Situation, acted: Iterable[Event]) -> tuple[Event, ...]:
        """*acted*, each event about an incident that is there; what is about none is left out."""
        events: list[Event] = []
        for event in acted:
            for fitting in self._fitting(situation, event):
                try:
                    situation = fold(situation, (fitting,))
                except LookupError:
                    self.lost += 1
                else:
                    events.append(fitting)
        return tuple(events)

    def _fitting(self, situation: Situation, event: Event) -> Sequence[Event]:
        about = getattr(event, "incident", None)
        if about is None or isinstance(event, Opened):
            return (event,)
        incident = self._found(situation, about)
        if incident is None:
            self.lost += 1
            return ()
        if isinstance(event, Published) and incident.published_at is not None:
            return ()
        changed: dict[str, Any] = {"incident": incident.id}
        if isinstance(event, Updated):
            changed["update"] = replace(event.update, number=incident.updates + 1)
        elif isinstance(event, Noted):
            changed["note"] = replace(event.note, number=incident.notes + 1)
        return (replace(event, **changed),)

    def _found(self, situation: Situation, about: str) -> Incident | None:
        known: Mapping[str, Incident] = {**situation.ended, **situation.incidents}
        if about in known:
            return known[about]
        root = self._roots.get(about)
        if root is None:
            return None
        mine = [incident for incident in situation.incidents.values() if incident.root == root]
        return next(iter(mine or (one for one in situation.incidents.values() if root in one.components)), None)
