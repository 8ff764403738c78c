"""Announcements: the picture as a few lines of plain text, for chats and rooms that the operator has told.

A title that stands alone, the words, and where they are told in full. Whoever sends it sees to it that no service takes it for markup.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from incidents.advisory import AdvisoryTurn, AdvisoryUpdated
from incidents.events import Event, MaintenanceUpdated, Updated
from incidents.model import Status
from probes.text import plain
from statuspage.announcing import Announcement, Tone
from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.audience import GOOD_NEWS
from statuspage.picture.page import IncidentView, Page
from statuspage.picture.planned import MaintenanceView
from statuspage.picture.site import Site
from statuspage.render import advisories, words
from statuspage.render.instants import moment, span
from statuspage.render.tongue import Tongue, tongue_of

_LONGEST_TITLE = 200
MOST_EARLIER = 20
"""Words that are told together with the last one; older ones stand on the page."""

_TONES: dict[Status, Tone] = {Status.DEGRADED: "warning", Status.PARTIAL: "failure", Status.MAJOR: "failure"}


class Announcements:
    """Writes announcements, each in its outlet's language. *templates* holds ``languages/``."""

    def __init__(self, templates: Path) -> None:
        self._languages = templates / "languages"

    def of(self, page: Page, events: Sequence[Event]) -> Announcement | None:
        """What *events* say, which are of one incident, window or advisory of *page*; the last is told, with the others beside it.

        None where nothing of it is public any more.
        """
        match events[-1]:
            case Updated(incident=id_):
                numbers = {one.update.number for one in events if isinstance(one, Updated)}
                story = next((one for one in (*page.open, *page.recent) if one.id == id_), None)
                return None if story is None else self.update(page, story, numbers)
            case MaintenanceUpdated(maintenance=id_):
                numbers = {one.update.number for one in events if isinstance(one, MaintenanceUpdated)}
                window = next((one for one in (*page.planned, *page.past) if one.id == id_), None)
                return None if window is None else self.work(page, window, numbers)
            case AdvisoryUpdated(advisory=id_):
                numbers = {one.update.number for one in events if isinstance(one, AdvisoryUpdated)}
                warning = next((one for one in (*page.advisories, *page.past_advisories) if one.id == id_), None)
                return None if warning is None else self.advisory(page, warning, numbers)
            case _:
                return None

    def update(self, page: Page, incident: IncidentView, numbers: Collection[int]) -> Announcement | None:
        """Public words about an incident: the last of *numbers*, and the others as what was said before. None where all were withdrawn."""
        said = [one for one in sorted(incident.updates, key=lambda one: one.number) if one.number in numbers and not one.redacted]
        if not said:
            return None
        last, here = said[-1], _Speaking(page, self._tongue(page.language))
        state = words.spoken(words.STATE, here.tongue)
        promised = (
            here.gettext("You will hear from us again by %(when)s.", when=here.at(last.next_update_by)) if last.next_update_by else ""
        )
        return here.announcement(
            last.title,
            last.body,
            promised,
            here.earlier([(one.at, state[one.state], one.body) for one in said[:-1]]),
            f"/incidents/{incident.id}",
            tone="success" if last.state in GOOD_NEWS else _TONES.get(incident.worst, "warning"),
        )

    def work(self, page: Page, window: MaintenanceView, numbers: Collection[int]) -> Announcement | None:
        """Public words about planned work. None where there are none any more."""
        said = [one for one in sorted(window.updates, key=lambda one: one.number) if one.number in numbers]
        if not said:
            return None
        last, here = said[-1], _Speaking(page, self._tongue(page.language))
        state = words.spoken(words.MAINTENANCE_STATE, here.tongue)
        when = here.gettext("%(state)s: %(when)s", state=state[last.state], when=here.span(window.starts, window.ends))
        named = ", ".join(one.name for one in window.services)
        return here.announcement(
            last.title,
            "\n".join(part for part in (when, here.gettext("Services: %(names)s", names=named) if named else "") if part),
            last.body,
            here.earlier([(one.at, state[one.state], one.body) for one in said[:-1]]),
            f"/maintenance/{window.id}",
        )

    def advisory(self, page: Page, advisory: AdvisoryView, numbers: Collection[int]) -> Announcement | None:
        """Public words about an advisory. None where there are none any more."""
        said = [one for one in sorted(advisory.updates, key=lambda one: one.number) if one.number in numbers]
        if not said:
            return None
        last, here = said[-1], _Speaking(page, self._tongue(page.language))
        is_over = last.turn is AdvisoryTurn.WITHDRAWN
        holds = "" if is_over else here.holds(last.starts, last.ends)
        named = here.gettext("May affect: %(names)s", names=", ".join(one.name for one in advisory.services))
        turns = words.spoken(words.ADVISORY_TURN, here.tongue)
        return here.announcement(
            advisories.title(advisory.name.text, last.turn, here.tongue, is_notice=advisory.is_notice),
            last.body.text or (here.gettext("It holds no longer.") if is_over else ""),
            "\n".join(part for part in (holds, named) if part),
            here.earlier([(one.at, turns[one.turn], one.body.text) for one in said[:-1]]),
            f"/advisories/{advisory.id}",
            tone="info" if is_over else "warning",
        )

    def test(self, site: Site) -> Announcement:
        """An announcement that says that announcements arrive."""
        tongue = self._tongue(site.language)
        return Announcement(
            title=tongue.gettext("Test: announcements of %(site)s status arrive", site=site.name),
            words=tongue.gettext("This was sent by the command “statuspage notify test”. Nothing is wrong."),
            link=site.url,
        )

    def _tongue(self, language: str) -> Tongue:
        return tongue_of(language, self._languages)


class _Speaking:
    """A page's language, and its site's instants."""

    def __init__(self, page: Page, tongue: Tongue) -> None:
        self.tongue, self._page, self._zone = tongue, page, ZoneInfo(page.site.timezone)
        self.gettext = tongue.gettext

    def at(self, instant: datetime) -> str:
        return moment(instant, self._zone, self.tongue).striptags()

    def span(self, since: datetime, until: datetime) -> str:
        return span(since, until, self._zone, self.tongue).striptags()

    def holds(self, since: datetime, until: datetime | None) -> str:
        if until is None:
            return self.gettext("From %(when)s on, until we say otherwise", when=self.at(since))
        return self.gettext("It holds: %(when)s", when=self.span(since, until))

    def earlier(self, said: Sequence[tuple[datetime, str, str]]) -> str:
        """What was said since the last word that arrived, newest first: an instant, what it was, and its body."""
        if not said:
            return ""
        lines = (f"{self.at(at)} – {what}: {body}" for at, what, body in reversed(said[-MOST_EARLIER:]))
        return "\n".join((self.gettext("Said before, and not told here:"), *lines))

    def announcement(self, title: str, *parts: str, tone: Tone = "info") -> Announcement:
        """Put it together; the last of *parts* is the path at which it is told in full."""
        *said, path = parts
        return Announcement(
            title=plain(title, _LONGEST_TITLE),
            words="\n\n".join(part.strip() for part in said if part.strip()),
            link=f"{self._page.site.url}{self._page.root}{path}",
            tone=tone,
        )
