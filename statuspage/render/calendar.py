"""Planned work as iCalendar (RFC 5545), to be subscribed to: one event for each window, which keeps its UID wherever it moves.

A reader takes over what has a higher SEQUENCE, and strikes out what is cancelled. Instants are in UTC; nothing depends on the present, so
that a quiet calendar stays the same to the byte.
"""

from datetime import timedelta
from typing import NamedTuple

import icalendar as ical

from incidents.maintenance import MaintenanceState
from statuspage.planned import MaintenanceView
from statuspage.render.feeds import fit

REFRESH = timedelta(hours=1)
"""How often readers are asked to look again."""

_STATUS = {MaintenanceState.SCHEDULED: "CONFIRMED", MaintenanceState.CANCELLED: "CANCELLED"}


class Calendar(NamedTuple):
    """What a calendar is made from: the windows of what it is *about*."""

    about: str
    site_url: str
    authority: str
    views: tuple[MaintenanceView, ...]


def spell_calendar(source: Calendar) -> bytes:
    """Spell *source*. An event costs a fraction of a millisecond: ask again only where it is another."""
    head, end, tail = _frame(f"{source.about} – planned maintenance").rpartition(b"END:VCALENDAR")
    return head + b"".join(_event(view, source.site_url, source.authority) for view in source.views) + end + tail


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


def _event(view: MaintenanceView, site_url: str, authority: str) -> bytes:
    address = f"{site_url}/maintenance/{view.id}"
    services = ", ".join(one.name for one in view.services)
    words = view.updates[0].body if view.updates else view.description
    made = ical.Event()
    made.add("uid", f"{view.id}@{authority}")
    made.add("dtstamp", view.told_at.replace(microsecond=0))
    made.add("sequence", view.changes + view.is_announced)  # what merely comes again follows its series until it is announced
    made.add("dtstart", view.starts)
    if view.ends.replace(microsecond=0) > view.starts.replace(microsecond=0):  # RFC 5545, 3.8.2.2
        made.add("dtend", view.ends)
    made.add("summary", fit(view.name))
    made.add("description", fit("\n\n".join(filter(None, (words, f"Services: {services}" if services else "", address)))))
    made.add("url", address)
    made.add("status", _STATUS.get(view.state, "CONFIRMED"))
    made.add("transp", "TRANSPARENT")  # it takes nobody's time
    made.add("categories", ["Maintenance"])
    return bytes(made.to_ical())
