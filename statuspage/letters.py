"""From notifications to messages: whom each reaches, what is said of it now, and how their channel spells that.

Words are read when they are sent and not when they were decided: what was withdrawn meanwhile goes out to nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias

from pydantic import JsonValue
from sqlalchemy import Connection

from incidents.advisory import AdvisoryUpdated
from incidents.events import Acknowledged, Called, Event, MaintenanceUpdated, Resolved, StatusChanged, Updated
from incidents.model import Status
from statuspage.channels import mail, webhook
from statuspage.channels.apprise import spelled
from statuspage.channels.channel import Failed, Message
from statuspage.links import Links
from statuspage.picture.advisories import Bulletin
from statuspage.picture.page import Page, Story
from statuspage.picture.planned import Window
from statuspage.picture.roundup import LONGEST, Coming, nothing_comes, round_up
from statuspage.picture.site import Site
from statuspage.render.announcement import Announcements
from statuspage.render.calls import Callbook
from statuspage.render.mail import Letterhead, Mail, ReportAnswer
from statuspage.render.monthly import Monthly
from statuspage.render.webhook import Turn, advisory_told, incident_told, status_told, work_told
from statuspage.store import queries
from statuspage.store.advisory_rows import read_bulletins
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.mailed import KIND as MONTHLY
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.store.outbox import Notification, called_already, parts_of
from statuspage.store.outlets import GONE, Outlet, folded_into, outlet_of
from statuspage.store.round_ups import KIND
from statuspage.store.subscribers import Subscriber, id_of, subscribers_of
from statuspage.store.told_status import heard_before

log = logging.getLogger(__name__)


class Picture(Protocol):
    """Draws the public picture of some stories and windows, in a language (None: the site's)."""

    def __call__(
        self, stories: Sequence[Story], windows: Sequence[Window], language: str | None, bulletins: Sequence[Bulletin] = ()
    ) -> Page:
        """Return the picture as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Nothing is to be sent any more."""

    reason: str


_Words = Updated | MaintenanceUpdated | AdvisoryUpdated
_OfIncidents = Updated | Called | Acknowledged | Resolved

Composed: TypeAlias = Message | Dropped | Failed

_PERIOD = ("since", "until", "next")
"""What the letter of a round-up holds: instants, of which the last one that somebody asked for at once has *until* alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the store says of some notifications: who is told, and the stories, windows and advisories that they tell of, by their ids.

    *parts* is what each round-up tells of, by its key.
    *folded* is what some speak for beside themselves, by their numbers. Where any is for a program, *open* are the incidents that go on,
    since all of them make the page's status. *before* has what each that tells of a service's status follows, by its number.
    *called* are recipients and threads where anything has arrived, of those that quiet hours held back. *papers* are monthly reports, each
    by which it is and its period; those that could not be made are not there.
    """

    subscribers: Mapping[str, Subscriber]
    stories: Mapping[str, Story]
    windows: Mapping[str, Window]
    bulletins: Mapping[str, Bulletin]
    folded: Mapping[int, tuple[Event, ...]]
    open: tuple[Story, ...]
    before: Mapping[int, Status]
    parts: Mapping[str, Sequence[Notification]]
    called: frozenset[tuple[str, str]] = frozenset()
    papers: Mapping[tuple[str, str], Monthly] = field(default_factory=dict)

    @classmethod
    def read(cls, notifications: Collection[Notification], connection: Connection) -> "_Known":
        ids = {id for one in notifications if (id := id_of(one.recipient)) is not None}
        parts = parts_of(connection, [one.key for one in notifications if _is_round_up(one)])
        each = [*notifications, *(part for told in parts.values() for part in told)]
        events = [one.entry.event for one in each if one.entry is not None]
        answered = {str(one.letter["incident"]) for one in notifications if one.letter is not None and "incident" in one.letter}
        told = {event.incident for event in events if isinstance(event, _OfIncidents)}
        stories = queries.stories_of(connection, told | answered)
        planned = {event.maintenance for event in events if isinstance(event, MaintenanceUpdated)}
        warned = {event.advisory for event in events if isinstance(event, AdvisoryUpdated)}
        said = maintenance_words(connection, planned)
        windows = read_maintenances(connection, planned)
        turns = [one for one in notifications if _is_of_status(one)]
        held = {(one.recipient, one.thread) for one in notifications if one.held_until is not None}
        return cls(
            subscribers=subscribers_of(connection, ids),
            stories={story.incident.id: story for story in stories},
            windows={id: Window(maintenance=window, updates=said[id]) for id, window in windows.items()},
            bulletins={one.advisory.id: one for one in read_bulletins(connection, warned)},
            folded=folded_into(
                connection, [one.id for one in notifications if one.entry is not None and isinstance(one.entry.event, _Words)]
            ),
            open=queries.open_stories(connection) if any(one.channel == webhook.CHANNEL.name for one in notifications) else (),
            before=heard_before(connection, turns) if turns else {},
            parts=parts,
            called=called_already(connection, held) if held else frozenset(),
        )


def _made(paper: Callable[[Connection, str, str], Monthly], report: str, period: str, connection: Connection) -> Monthly:
    return paper(connection, report, period)


def _is_of_status(one: Notification) -> bool:
    return one.entry is not None and isinstance(one.entry.event, StatusChanged)


@dataclass(slots=True, kw_only=True)
class Letters:
    """Writes messages. *sender* is who writes mail, *authority* names this installation for good; *outlets* are by their recipient's id.

    *paper* lays out one of the monthly reports for a period (None: they are mailed to nobody).
    """

    store: Store
    now: Callable[[], datetime]
    mail: Mail
    links: Links
    site: Site
    authority: str
    picture: Picture
    announcements: Announcements
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    callbook: Callbook = field(default_factory=Callbook)
    paper: Callable[[Connection, str, str], Monthly] | None = None
    coming: Coming = nothing_comes
    sender: str = ""

    async def compose(self, notifications: Sequence[Notification]) -> Mapping[int, Composed]:
        """Make what each of *notifications* sends, by their numbers; one that we cannot write has failed. Errors: StoreUnavailable."""
        papers = await self._papers(notifications)
        known = replace(await self.store.read(partial(_Known.read, notifications)), papers=papers)
        drawn: dict[tuple[str, str], Page] = {}
        return await asyncio.to_thread(lambda: {one.id: self._attempt(one, known, drawn) for one in notifications})

    async def _papers(self, notifications: Sequence[Notification]) -> Mapping[tuple[str, str], Monthly]:
        """The monthly reports that are asked for, each made once; one that cannot be made keeps nothing else from being written."""
        letters = [one.letter for one in notifications if one.letter is not None and one.letter.get("kind") == MONTHLY]
        papers: dict[tuple[str, str], Monthly] = {}
        if self.paper is None:
            return papers
        for report, period in {(str(letter["report"]), str(letter["period"])) for letter in letters}:
            try:
                papers[report, period] = await self.store.read(partial(_made, self.paper, report, period))
            except StoreUnavailable:
                raise
            except Exception:  # whatever is wrong with it: the letters of everybody else go out, and its own fails and is tried again
                log.exception("the report %s of %s cannot be made", report, period)
        return papers

    def _attempt(self, one: Notification, known: _Known, drawn: dict[tuple[str, str], Page]) -> Composed:
        try:
            return self._composed(one, known, drawn)
        except Exception as error:
            log.exception("notification %s cannot be written", one.key)
            return Failed(reason=f"a bug of ours: {type(error).__name__}")

    def _composed(self, one: Notification, known: _Known, drawn: dict[tuple[str, str], Page]) -> Message | Dropped:
        if one.letter is not None and not _is_round_up(one):
            return self._letter(one, one.letter, known, drawn)
        if outlet_of(one.recipient) is not None:
            return self._announced(one, known, drawn)
        if one.channel in self.callbook.lines:
            return self._called(one, known)
        subscriber = known.subscribers.get(id_of(one.recipient) or "")
        if subscriber is None:
            return Dropped(reason="the subscriber is gone")
        if one.letter is not None:
            return self._round_up(one, one.letter, subscriber, known, drawn)
        if _is_of_status(one):
            return self._turned(one, subscriber, known, drawn)
        page, is_mail = self._drawn(one.thread, subscriber.language, known, drawn), subscriber.channel == mail.CHANNEL.name
        whole = page if is_mail else self._whole(subscriber.language, known, drawn)
        return self._told(one, subscriber, page, whole, known.folded.get(one.id, ()))

    def _drawn(self, thread: str, language: str, known: _Known, drawn: dict[tuple[str, str], Page]) -> Page:
        """The picture of a thread in a reader's language, drawn once."""
        if (thread, language) not in drawn:
            stories = [known.stories[thread]] if thread in known.stories else []
            windows = [known.windows[thread]] if thread in known.windows else []
            bulletins = [known.bulletins[thread]] if thread in known.bulletins else []
            drawn[thread, language] = self.picture(stories, windows, self._chosen(language), bulletins)
        return drawn[thread, language]

    def _whole(self, language: str, known: _Known, drawn: dict[tuple[str, str], Page]) -> Page:
        """The picture of all that is open in a reader's language, drawn once: what programs are told of the page as a whole."""
        if ("", language) not in drawn:
            drawn["", language] = self.picture(known.open, (), self._chosen(language))
        return drawn["", language]

    def _announced(self, one: Notification, known: _Known, drawn: dict[tuple[str, str], Page]) -> Message | Dropped:
        outlet = self.outlets.get(one.recipient)
        if outlet is None or one.entry is None:
            return Dropped(reason=GONE)
        page = self._drawn(one.thread, outlet.language, known, drawn)
        said = self.announcements.of(page, [*known.folded.get(one.id, ()), one.entry.event])
        return (
            Dropped(reason="its words were withdrawn")
            if said is None
            else Message(key=one.key, to=outlet.id, body=spelled(said), at=self.now())
        )

    def _called(self, one: Notification, known: _Known) -> Message | Dropped:
        """How things stand, for a team that was called."""
        story = known.stories.get(one.thread)
        if story is None or one.entry is None:
            return Dropped(reason="nobody knows any more what it was about")
        if one.held_until is not None and not story.incident.is_open and (one.recipient, one.thread) not in known.called:
            return Dropped(reason="it was over before the quiet hours were")
        now = self.now()
        said = self.callbook.told(story.incident, one.entry.event, now)
        return Message(key=one.key, to=one.recipient, body=spelled(said), at=now)

    def _round_up(
        self,
        one: Notification,
        letter: Mapping[str, JsonValue],
        subscriber: Subscriber,
        known: _Known,
        drawn: dict[tuple[str, str], Page],
    ) -> Message | Dropped:
        place = ("", subscriber.language)
        if place not in drawn:
            ahead = (one for one in self.coming(self.now() + LONGEST) if one.maintenance.id not in known.windows)
            windows, bulletins = (*known.windows.values(), *ahead), tuple(known.bulletins.values())
            drawn[place] = self.picture(tuple(known.stories.values()), windows, self._chosen(subscriber.language), bulletins)
        since, until, following = (None if text is None else datetime.fromisoformat(str(text)) for text in map(letter.get, _PERIOD))
        events = [part.entry.event for part in known.parts[one.key] if part.entry is not None]
        page, head = drawn[place], self._head(one, subscriber.address, subscriber)
        told = round_up(page, events, subscriber.wish, since=since, until=until or one.created_at, following=following)
        if told.is_empty:
            return Dropped(reason="its words were withdrawn")
        return Message(key=one.key, to=subscriber.address, body=self.mail.round_up(replace(head, thread=""), page, told), at=head.at)

    def _chosen(self, language: str) -> str | None:
        """The language that a reader chose, where the site still speaks it and it is another than the site's."""
        return language if language in self.site.languages and language != self.site.language else None

    def _letter(
        self, one: Notification, letter: Mapping[str, JsonValue], known: _Known, drawn: dict[tuple[str, str], Page]
    ) -> Message | Dropped:
        to, site = str(letter.get("to")), self.site
        language = str(letter.get("language", site.language))
        head = self._head(one, to)
        match letter:
            case {"kind": "confirm", "until": str(until)} if self.now() >= datetime.fromisoformat(until):
                return Dropped(reason="its link would lead nowhere any more")
            case {"kind": "confirm", "link": str(link), "hours": int(hours)}:
                body = self.mail.confirm(head, site, language, link, hours)
            case {"kind": "monthly", "report": str(report), "period": str(period)} if self.paper is not None:
                body = self.mail.monthly(head, site, known.papers[report, period], self.callbook.console)
            case {"kind": "report_confirmed" | "report_mended" as kind, "at": str(at), "incident": str(incident)}:
                page = self._drawn(incident, language, known, drawn)
                view = next((view for view in (*page.open, *page.recent) if view.id == incident), None)
                if view is None:
                    return Dropped(reason="it is not for the readers of the page any more")
                answer = ReportAnswer(datetime.fromisoformat(at), view.name, incident, kind == "report_mended", view.name_in)
                body = self.mail.report(head, site, language, answer)
            case _:
                return Dropped(reason="an older release wrote this letter")
        return Message(key=one.key, to=to, body=body, at=head.at)

    def _told(self, one: Notification, subscriber: Subscriber, page: Page, whole: Page, before: Sequence[Event]) -> Message | Dropped:
        head = self._head(one, subscriber.address, subscriber)
        match one.entry and one.entry.event:
            case Updated(incident=incident, update=said):
                view = next((view for view in (*page.open, *page.recent) if view.id == incident), None)
                numbers = {said.number, *(event.update.number for event in before if isinstance(event, Updated))}
                told = [update for update in view.updates if update.number in numbers and not update.redacted] if view else []
                if view is None or not told:
                    return Dropped(reason="its words were withdrawn")
                last, *earlier = sorted(told, key=lambda update: update.number, reverse=True)
                is_mail = subscriber.channel == mail.CHANNEL.name
                body = (
                    self.mail.update(head, page, view, last, earlier) if is_mail else incident_told(page, incident, whole, head.unsubscribe)
                )
            case MaintenanceUpdated(maintenance=maintenance, update=planned):
                window = next((view for view in (*page.planned, *page.past) if view.id == maintenance), None)
                words = next((update for update in window.updates if update.number == planned.number), None) if window else None
                if window is None or words is None:
                    return Dropped(reason="its words were withdrawn")
                is_mail = subscriber.channel == mail.CHANNEL.name
                body = self.mail.work(head, page, window, words) if is_mail else work_told(page, maintenance, whole, head.unsubscribe)
            case AdvisoryUpdated(advisory=id_, update=warned):
                return self._warned(head, subscriber, page, whole, id_, warned.number)
            case _:
                return Dropped(reason="nothing for subscribers")
        return Message(key=one.key, to=subscriber.address, body=body, at=head.at, secret=subscriber.secret or "")

    def _turned(self, one: Notification, subscriber: Subscriber, known: _Known, drawn: dict[tuple[str, str], Page]) -> Message | Dropped:
        """A service's new status, beside all that is open, as the page has it."""
        page, event = self._whole(subscriber.language, known, drawn), one.entry and one.entry.event
        shown = {service.public_id for group in page.groups for service in group.services}
        if one.entry is None or not isinstance(event, StatusChanged) or one.thread not in shown:
            return Dropped(reason="it is not for the readers of the page any more")
        if known.before[one.id] is event.new:
            return Dropped(reason="that is what was told before")
        turn = Turn(service=one.thread, number=one.entry.id, old=known.before[one.id], new=event.new, at=event.at)
        head = self._head(one, subscriber.address, subscriber)
        body = status_told(page, turn, head.unsubscribe)
        return Message(key=one.key, to=subscriber.address, body=body, at=head.at, secret=subscriber.secret or "")

    def _warned(self, head: Letterhead, subscriber: Subscriber, page: Page, whole: Page, advisory: str, number: int) -> Message | Dropped:
        view = next((view for view in (*page.advisories, *page.past_advisories) if view.id == advisory), None)
        said = next((update for update in view.updates if update.number == number), None) if view else None
        if view is None or said is None:
            return Dropped(reason="it is not for the readers of the page any more")
        is_mail = subscriber.channel == mail.CHANNEL.name
        body = self.mail.advisory(head, page, view, said) if is_mail else advisory_told(page, view, whole, head.unsubscribe)
        return Message(key=head.key, to=subscriber.address, body=body, at=head.at, secret=subscriber.secret or "")

    def _head(self, one: Notification, to: str, subscriber: Subscriber | None = None) -> Letterhead:
        return Letterhead(
            key=one.key,
            to=to,
            sender=self.sender,
            at=self.now(),
            authority=self.authority,
            thread=one.thread if subscriber else "",
            manage=self.links.manage(subscriber.id) if subscriber else "",
            unsubscribe=self.links.unsubscribe(subscriber.id) if subscriber else "",
        )


def _is_round_up(one: Notification) -> bool:
    return one.letter is not None and one.letter.get("kind") == KIND
