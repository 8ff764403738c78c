"""Mail to subscribers: the picture as a letter, plain and as HTML, with the headers by which mail programs thread, trust and end it.

Every text is hostile: HTML is escaped, and nothing that ends a line reaches a header. What is said is said in both parts alike.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup

from incidents.advisory import AdvisoryTurn
from incidents.model import Status
from probes.text import plain
from statuspage.picture.advisories import AdvisoryUpdateView, AdvisoryView
from statuspage.picture.marking import marked
from statuspage.picture.page import IncidentView, Page, UpdateView
from statuspage.picture.planned import MaintenanceUpdateView, MaintenanceView
from statuspage.picture.roundup import RoundUp
from statuspage.picture.site import Site
from statuspage.render import advisories, words
from statuspage.render.instants import moment, span
from statuspage.render.monthly import Monthly
from statuspage.render.monthly_page import spelled
from statuspage.render.speaking import speaking
from statuspage.render.tongue import Tongue, tongue_of

_LONGEST_SUBJECT = 200
_NAMED = 3
"""Incidents, windows and advisories that the subject of a round-up names; of the rest it says how many there are."""

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


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """What a customer reported *at* an instant, and turned out to be the incident *incident*, whose public name is *name*.

    *name_in* is the language that the name is in; empty where that is the letter's.
    """

    at: datetime
    name: str
    incident: str
    is_mended: bool
    name_in: str = ""


class Mail:
    """Spells letters, each in its reader's language. *templates* holds ``mail/`` and ``languages/``."""

    def __init__(self, templates: Path) -> None:
        self._templates = templates

    def update(self, head: Letterhead, page: Page, incident: IncidentView, update: UpdateView, earlier: Sequence[UpdateView] = ()) -> bytes:
        """Public words about an incident, within what *page* tells in the reader's language; with *earlier* ones that were not told."""
        able = {service.id: service.capabilities for group in page.groups for service in group.services}
        values = {"incident": incident, "update": update, "able": able, "earlier": earlier}
        return self._letter(head, _Around(page.site, page.language, page.root), update.title, "update", values)

    def work(self, head: Letterhead, page: Page, window: MaintenanceView, update: MaintenanceUpdateView) -> bytes:
        """Public words about planned work."""
        values = {"window": window, "update": update}
        return self._letter(head, _Around(page.site, page.language, page.root), update.title, "work", values)

    def advisory(self, head: Letterhead, page: Page, advisory: AdvisoryView, update: AdvisoryUpdateView) -> bytes:
        """Public words about an advisory."""
        subject = advisories.title(advisory.name.text, update.turn, self._tongue(page.language), is_notice=advisory.is_notice)
        values = {"advisory": advisory, "update": update, "subject": subject, "AdvisoryTurn": AdvisoryTurn}
        return self._letter(head, _Around(page.site, page.language, page.root), subject, "advisory", values)

    def round_up(self, head: Letterhead, page: Page, told: RoundUp) -> bytes:
        """All that there was to tell of a day or a week."""
        named = [*(one.about.name for one in told.incidents), *(one.about.name for one in told.work)]
        named += [one.about.name.text for one in told.advisories]
        named = named or [one.name for one in told.coming]
        subject = self._tongue(page.language).gettext(
            "Round-up of %(site)s status: %(names)s", site=page.site.name, names=self._few(named, page)
        )
        values = {"told": told, "subject": subject, "Status": Status, "AdvisoryTurn": AdvisoryTurn}
        return self._letter(head, _Around(page.site, page.language, page.root), subject, "round_up", values)

    def _few(self, names: Sequence[str], page: Page) -> str:
        """The first of *names*, and how many there are beside them."""
        shown, more = "; ".join(names[:_NAMED]), len(names) - _NAMED
        if more <= 0:
            return shown
        return self._tongue(page.language).counted("%(names)s and one more", "%(names)s and %(number)s more", more) % {
            "names": shown,
            "number": more,
        }

    def confirm(self, head: Letterhead, site: Site, language: str, link: str, hours: int) -> bytes:
        """The question whether it was really them."""
        subject = self._tongue(language).gettext("Please confirm: mail about %(site)s", site=site.name)
        return self._letter(head, _Around(site, language), subject, "confirm", {"link": link, "hours": hours})

    def report(self, head: Letterhead, site: Site, language: str, reported: ReportAnswer) -> bytes:
        """Who reported it was right: it is known, or works again."""
        right = marked("You were right, and it works again: %(incident)s") if reported.is_mended else marked("You were right: %(incident)s")
        subject = self._tongue(language).gettext(right, incident=reported.name)
        return self._letter(head, _Around(site, language), subject, "report", {"reported": reported})

    def test(self, head: Letterhead, site: Site) -> bytes:
        """A letter that says that letters arrive."""
        subject = self._tongue(site.language).gettext("Test: mail from %(site)s status arrives", site=site.name)
        return self._letter(head, _Around(site, site.language), subject, "test", {})

    def monthly(self, head: Letterhead, site: Site, paper: Monthly, console: str) -> bytes:
        """A monthly report, for whom the operator named; *console* is where it leads."""
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = plain(f"{paper.headline} {paper.period}: {site.name}", _LONGEST_SUBJECT)
        for name, value in _headers(head).items():
            message[name] = value
        plain_part, whole = (spelled(self._templates, f"monthly.{form}", paper, site=site.name, home=console) for form in ("txt", "html"))
        message.set_content(plain_part)
        message.add_alternative(whole, subtype="html")
        return message.as_bytes()

    def _tongue(self, language: str) -> Tongue:
        return tongue_of(language, self._templates / "languages")

    def _letter(self, head: Letterhead, around: "_Around", subject: str, template: str, values: Mapping[str, object]) -> bytes:
        site, tongue = around.site, self._tongue(around.language)
        zone = ZoneInfo(site.timezone)
        context = {
            **values,
            "head": head,
            "site": site,
            "home": f"{site.url}{around.root}",
            "language": tongue.tag,
        }
        spans = {"moment": partial(moment, zone=zone, tongue=tongue), "span": partial(span, zone=zone, tongue=tongue)}
        bare = {name: partial(_bare, spell) for name, spell in spans.items()}
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = plain(subject, _LONGEST_SUBJECT)
        for name, value in _headers(head).items():
            message[name] = value
        templates = _environment(self._templates / "mail", tongue)
        message.set_content(templates.get_template(f"{template}.txt").render(context, **bare))
        html = templates.get_template(f"{template}.html").render(context, **spans)
        message.add_alternative(html, subtype="html")
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class _Around:
    """The site that writes, and the language in which it does, with the root of what is told in that."""

    site: Site
    language: str
    root: str = ""


def _bare(spell: Callable[..., Markup], *instants: datetime) -> str:
    return spell(*instants).striptags()


@cache
def _environment(directory: Path, tongue: Tongue) -> Environment:
    environment = speaking(directory, tongue)
    environment.globals["CAPABILITY"] = words.spoken(words.CAPABILITY, tongue, "capability")
    return environment


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
