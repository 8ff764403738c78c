"""Planned work as iCalendar (RFC 5545), to be subscribed to: one event for each window, which keeps its UID wherever it moves.

A reader takes over what has a higher SEQUENCE, and strikes out what is cancelled. Instants are in UTC; nothing depends on the present, so
that a quiet calendar stays the same to the byte.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from icalendar import Calendar, Event, vText

from incidents.maintenance import MaintenanceState
from statuspage.page import Page
from statuspage.planned import MaintenanceView
from statuspage.render.feeds import fit
from statuspage.render.kept import Kept

REFRESH = timedelta(hours=1)
"""How often readers are asked to look again."""

_STATUS = {MaintenanceState.SCHEDULED: "CONFIRMED", MaintenanceState.CANCELLED: "CANCELLED"}


class Calendars:
    """Spells calendars. Each event is drawn once, and again only when its window changed. Not safe for two threads at once."""

    def __init__(self) -> None:
        self._events = Kept[bytes]()

    def turn(self) -> None:
        """Begin a new round of calendars."""
        self._events.turn()

    def spell(self, page: Page, views: Sequence[MaintenanceView], *, about: str) -> bytes:
        """Spell the windows *views* as a calendar; *about* names what they concern."""
        head, end, tail = _frame(f"{about} – planned maintenance").partition(b"END:VCALENDAR")
        events = (self._events.made(view.id, _Source(view, page.site.url, page.authority), _event) for view in views)
        return head + b"".join(events) + end + tail


class _Source(NamedTuple):
    """What an event is drawn from."""

    view: MaintenanceView
    site_url: str
    authority: str


def _frame(title: str) -> bytes:
    """A calendar without events."""
    made = Calendar()
    made.add("prodid", "-//statuspage//planned maintenance//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", fit(title))
    made.add("x-wr-calname", fit(title))
    made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vText("PT1H"))
    return bytes(made.to_ical())


def _event(source: _Source) -> bytes:
    view, address = source.view, f"{source.site_url}/maintenance/{source.view.id}"
    services = ", ".join(one.name for one in view.services)
    words = view.updates[0].body if view.updates else view.description
    made = Event()
    made.add("uid", f"{view.id}@{source.authority}")
    made.add("dtstamp", view.told_at.replace(microsecond=0))
    made.add("sequence", view.changes)
    made.add("dtstart", view.starts)
    made.add("dtend", view.ends)
    made.add("summary", fit(view.name))
    made.add("description", fit("\n\n".join(filter(None, (words, f"Services: {services}" if services else "", address)))))
    made.add("url", address)
    made.add("status", _STATUS.get(view.state, "CONFIRMED"))
    made.add("transp", "TRANSPARENT")  # it takes nobody's time
    made.add("categories", ["Maintenance"])
    return bytes(made.to_ical())
