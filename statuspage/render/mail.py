"""Mail to subscribers: the picture as a letter, plain and as HTML, with the headers by which mail programs thread, trust and end it.

Every text is hostile: HTML is escaped, and nothing that ends a line reaches a header. What is said is said in both parts alike.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from probes.text import plain
from statuspage.page import IncidentView, Page, UpdateView
from statuspage.planned import MaintenanceUpdateView, MaintenanceView
from statuspage.render import words
from statuspage.render.html import speakable
from statuspage.render.instants import moment, span
from statuspage.render.tongue import ENGLISH
from statuspage.site import Site

_LONGEST_SUBJECT = 200
_POLICY = SMTP.clone(max_line_length=998)
"""As long as a line may be (RFC 5322): a link that does not fit would be encoded as words, and no mail program would find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What stands around the words of a letter.

    *key* is the notification's, the same for each try. *authority* names this installation in ids that last. *thread* is what the letter
    belongs to in the recipient's mail program; *manage* and *unsubscribe* are the recipient's own links (empty: they are no subscriber).
    """

    key: str
    to: str
    sender: str
    at: datetime
    authority: str
    thread: str = ""
    manage: str = ""
    unsubscribe: str = ""


class Mail:
    """Spells letters. *templates* is the directory that holds ``mail/``."""

    def __init__(self, templates: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(templates / "mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=speakable,
        )
        self._environment.globals.update(
            STATUS=words.STATUS, STATE=words.STATE, CAPABILITY=words.CAPABILITY, MAINTENANCE_STATE=words.MAINTENANCE_STATE
        )

    def update(self, head: Letterhead, page: Page, incident: IncidentView, update: UpdateView) -> bytes:
        """Public words about an incident."""
        able = {service.id: service.capabilities for group in page.groups for service in group.services}
        values = {"incident": incident, "update": update, "able": able}
        return self._letter(head, page.site, update.title, "update", values)

    def work(self, head: Letterhead, page: Page, window: MaintenanceView, update: MaintenanceUpdateView) -> bytes:
        """Public words about planned work."""
        return self._letter(head, page.site, update.title, "work", {"window": window, "update": update})

    def confirm(self, head: Letterhead, site: Site, link: str, hours: int) -> bytes:
        """The question whether it was really them."""
        return self._letter(head, site, f"Please confirm: mail about {site.name}", "confirm", {"link": link, "hours": hours})

    def test(self, head: Letterhead, site: Site) -> bytes:
        """A letter that says that letters arrive."""
        return self._letter(head, site, f"Test: mail from {site.name} status arrives", "test", {})

    def _letter(self, head: Letterhead, site: Site, subject: str, template: str, values: Mapping[str, object]) -> bytes:
        zone = ZoneInfo(site.timezone)
        told = {"moment": partial(moment, zone=zone, tongue=ENGLISH), "span": partial(span, zone=zone, tongue=ENGLISH)}
        context = {**values, "head": head, "site": site, **told}
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = plain(subject, _LONGEST_SUBJECT)
        for name, value in _headers(head).items():
            message[name] = value
        message.set_content(self._environment.get_template(f"{template}.txt").render(context))
        message.add_alternative(self._environment.get_template(f"{template}.html").render(context), subtype="html")
        return message.as_bytes()


def _headers(head: Letterhead) -> dict[str, str | Address]:
    name, address = parseaddr(head.sender)
    told: dict[str, str | Address] = {
        "From": Address(display_name=plain(name), addr_spec=address),
        "To": Address(addr_spec=head.to),
        "Date": format_datetime(head.at),
        "Message-ID": f"<{_name(head.key)}@{head.authority}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's holiday answers to it
    }
    if head.thread:
        # Its root is a letter that was never sent: whoever comes in late has all later ones together as well.
        root = f"<{_name(head.thread)}@{head.authority}>"
        told |= {"In-Reply-To": root, "References": root}
    if head.unsubscribe:
        told["List-Id"] = f"<status.{head.authority}>"
        told["List-Unsubscribe"] = f"<{head.unsubscribe}>"
        told["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return told


def _name(key: str) -> str:
    """The key as the left side of a message's id."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]
