"""What a team is told when an incident calls it: in the desk's words, with a link to the page on which somebody takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from incidents.events import Acknowledged, Called, Event
from incidents.model import Incident, Status
from probes.text import plain
from statuspage.announcing import Announcement, Tone
from statuspage.picture.urgency import holder
from statuspage.render.words import STATUS

_LONGEST_TITLE = 200
_TONES: Mapping[Status, Tone] = {Status.DEGRADED: "warning", Status.PARTIAL: "failure", Status.MAJOR: "failure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbook:
    """What calls need to know: the *lines* that lead to somebody, names of services and teams by id, a zone's name, where the desk is."""

    lines: frozenset[str] = frozenset()
    services: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    teams: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    zone: str = "UTC"
    console: str = ""

    def told(self, incident: Incident, event: Event, now: datetime) -> Announcement:
        """What those who are called hear of *event*: how things stand *now*, so that what comes late says nothing that is over."""
        link = f"{self.console}/incidents/{incident.id}/take"
        if incident.resolved_at is not None:
            return _announcement(f"Over: {incident.name}", [f"It was resolved at {self._at(incident.resolved_at)}."], link, "success")
        owner = holder(incident, now)
        owned = (
            f"{owner.by} owns it until {self._at(owner.expires_at)}." if owner else "Nobody owns it. The link leads to where you take it."
        )
        lines = [*self._hit(incident), f"It began at {self._at(incident.started_at)}.", owned]
        if isinstance(event, Acknowledged):
            title = f"{owner.by} has taken: {incident.name}" if owner else f"Nobody owns any more: {incident.name}"
            return _announcement(title, lines, link, "info")
        if isinstance(event, Called):
            lines.insert(0, f"{self.teams.get(event.team, event.team)} is called, as tier {event.tier}: {event.reason}.")
        return _announcement(incident.name, lines, link, _tone(incident))

    def _hit(self, incident: Incident) -> list[str]:
        return [f"{self.services.get(id, id)}: {STATUS[status].lower()}" for id, status in incident.services.items()]

    def _at(self, instant: datetime) -> str:
        return f"{instant.astimezone(ZoneInfo(self.zone)):%d %b %H:%M %Z}"


def trial(console: str, site: str) -> Announcement:
    """A call that says that calls arrive."""
    return _announcement(f"Test: calls of the {site} desk arrive", ["Nothing is wrong, and nobody need do anything."], console, "info")


def _tone(incident: Incident) -> Tone:
    tones = [_TONES[status] for status in incident.services.values() if status in _TONES]
    return "failure" if "failure" in tones else "warning"


def _announcement(title: str, lines: list[str], link: str, tone: Tone) -> Announcement:
    return Announcement(title=plain(title, _LONGEST_TITLE), words="\n".join(lines), link=link, tone=tone)
