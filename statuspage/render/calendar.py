"""Planned work as iCalendar (RFC 5545), to be subscribed to: one event for each window, which keeps its UID wherever it moves.

A reader takes over what has a higher SEQUENCE, and strikes out what is cancelled. Instants are in UTC; nothing depends on the present, so
that a quiet calendar stays the same to the byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import icalendar as ical

from incidents.maintenance import MaintenanceState
from statuspage.picture.planned import MaintenanceView
from statuspage.render.feeds import fit
from statuspage.render.tongue import Tongue

REFRESH = timedelta(hours=1)
"""How often readers are asked to look again."""

_STATUS = {MaintenanceState.SCHEDULED: "CONFIRMED", MaintenanceState.CANCELLED: "CANCELLED"}


class Event(NamedTuple):
    """A window, spelled; and the services that it is announced for."""

    services: frozenset[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a calendar is made from: the windows of what it is *about*."""

    about: str
    events: tuple[Event, ...]

    def of_service(self, service: str, name: str) -> "Calendar":
        """Only what concerns one service, called *name*."""
        return Calendar(f"{self.about}: {name}", tuple(event for event in self.events if service in event.services))


class Calendars:
    """Spells windows as events. Each is drawn once and kept for as long as the calendar has it; not for two threads at once."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str, Tongue, MaintenanceView], Event] = {}

    def events(self, views: Iterable[MaintenanceView], stem: str, authority: str, tongue: Tongue) -> tuple[Event, ...]:
        """Spell *views*: an event that is not kept costs a fraction of a millisecond. *stem* is what links begin with."""
        wanted = [(stem, authority, tongue, view) for view in views]
        self._drawn = {key: self._drawn.get(key) or Event(_services(key[3]), _event(key[3], stem, authority, tongue)) for key in wanted}
        return tuple(self._drawn.values())


def spell_calendar(source: Calendar, tongue: Tongue) -> bytes:
    """Spell *source*."""
    title = tongue.gettext("%(about)s – planned maintenance", about=source.about)
    head, end, tail = _frame(title).rpartition(b"END:VCALENDAR")
    return head + b"".join(event.body for event in source.events) + end + tail


def _services(view: MaintenanceView) -> frozenset[str]:
    return frozenset(one.service for one in view.services)


def _frame(title: str) -> bytes:
    """A calendar without events. Nothing escapes the properties that hold its title."""
    title = " ".join(fit(title).split())
    made = ical.Calendar()
    made.add("prodid", "-//statuspage//planned maintenance//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", title)
    made.add("x-wr-calname", title)
    made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", ical.vText("PT1H"))
    return bytes(made.to_ical())


def _event(view: MaintenanceView, stem: str, authority: str, tongue: Tongue) -> bytes:
    # What merely comes again has no page of its own before it is announced.
    address = f"{stem}/maintenance/{view.id}" if view.is_announced else f"{stem}/maintenance"
    services = ", ".join(one.name for one in view.services)
    words = view.updates[0].body if view.updates else view.description
    made = ical.Event()
    made.add("uid", f"{view.id}@{authority}")
    made.add("dtstamp", view.told_at.replace(microsecond=0))
    made.add("sequence", _sequence(view))
    made.add("dtstart", view.starts)
    if view.ends.replace(microsecond=0) > view.starts.replace(microsecond=0):  # RFC 5545, 3.8.2.2
        made.add("dtend", view.ends)
    made.add("summary", fit(view.name))
    told = (words, tongue.gettext("Services: %(names)s", names=services) if services else "", address)
    made.add("description", "\n\n".join(fit(part) for part in told if part))
    made.add("url", address)
    made.add("status", _STATUS.get(view.state, "CONFIRMED"))
    made.add("transp", "TRANSPARENT")  # it takes nobody's time
    made.add("categories", [tongue.gettext("Maintenance")])
    return bytes(made.to_ical())


def _sequence(view: MaintenanceView) -> int:
    """It rises with each change of plans and with each word about it, the first of which announces it: both only ever grow."""
    return view.changes + (view.updates[0].number if view.updates else 0)
