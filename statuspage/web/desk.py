"""What the internal listener needs from the rest of the house, handed in as one value, and how an act is done through it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy import Connection

from incidents import act
from incidents.callers import Calling
from incidents.drift import Trend
from incidents.escalation import NOBODY, Rules
from incidents.events import Event
from incidents.levels.service_level import Offer
from incidents.planned.conduct import Conduct
from incidents.priority import Scale
from incidents.reviewed import Causes
from incidents.rewording import digest
from incidents.voices import ENGLISH, Voices
from probes.addresses import Network
from statuspage.asking import Beside
from statuspage.clock import Now
from statuspage.config.alertmanager import Alertmanager
from statuspage.config.calls import Roster
from statuspage.config.charters import Charter
from statuspage.knowledge import Knowledge
from statuspage.message_templates import MessageTemplate
from statuspage.picture.levels import Level
from statuspage.picture.page import Page, Story
from statuspage.picture.urgency import ORDINARY
from statuspage.pipeline import Command, Pipeline
from statuspage.store import queries
from statuspage.store.acts import write_audit
from statuspage.store.engine import Store
from statuspage.vitals import BackupFigures, MirrorFigures
from statuspage.web.doors import Doors, no_doors
from statuspage.web.problems import Rejected
from statuspage.web.provider import Provider
from statuspage.web.proxies import Proxies


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningPolicy:
    """What planned work must keep, by service, and whether a second person must agree to it, and to corrections."""

    conducts: Mapping[str, Conduct]
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The store, the road in, the clock and the settings. *console_url* is the configured address, of which https makes cookies Secure.

    *metrics* returns the exposition's bytes and their whole ``Content-Type``, *kinds* the monitors' kinds of probe by their ids;
    *is_healthy* whether every part of the house is at work;
    *heartbeats* the monitors that report by themselves, by the digests of their tokens; *trends* what probes take lately and usually;
    *levels* every service's availability, *offers* what the file says beside its promise, *planning_policy* what planned work must keep,
    *page_at* what the public page said at a past instant (None: nothing was kept), *mirror* and *backups* how those are doing,
    *stories* the open incidents and the newest closed ones where they are at hand (None: the store is to be asked),
    *knowledge* the symptoms that are known, *doors* the further pages, *rules* how teams
    are called, *roster* who they are, *is_separated* whether nobody may do by themselves what a second person should see,
    *charters* what the file says for the desk of each service, *causes* what incidents may come from, *alertmanager* what its alerts
    mean here, *provider* who vouches for agents beside their passwords (None: nobody).
    *languages* are those that the site speaks, its own first, and *asked_in* the others in which forms ask for words, because the file
    names them.
    """

    store: Store
    pipeline: Pipeline
    now: Now
    site_name: str
    console_url: str
    public_url: str
    timezone: str
    language: str
    acknowledgement_lasts: timedelta
    proxies: Proxies
    metrics: Callable[[], Awaitable[tuple[bytes, str]]]
    is_healthy: Callable[[], bool]
    heartbeats: Callable[[], Mapping[bytes, str]]
    planning_policy: Callable[[], PlanningPolicy]
    page_at: Callable[[Connection, datetime], Page | None]
    knowledge: Knowledge
    kinds: Callable[[], Mapping[str, str]] = dict
    trends: Callable[[], Mapping[tuple[str, str], Trend]] = dict
    levels: Callable[[], Mapping[str, Level]] = dict
    offers: Callable[[], Mapping[str, Offer]] = dict
    mirror: Callable[[], MirrorFigures] = MirrorFigures
    backups: Callable[[], BackupFigures] = BackupFigures
    stories: Callable[[], Sequence[Story] | None] = lambda: None
    languages: Callable[[], Sequence[str]] = lambda: (ENGLISH,)
    asked_in: Callable[[], Sequence[str]] = tuple
    scale: Callable[[], Scale] = lambda: ORDINARY
    calling: Callable[[], Calling] = Calling
    templates: Callable[[], Sequence[MessageTemplate]] = tuple
    hidden: Callable[[], Collection[str]] = frozenset
    probe_now: Callable[[Collection[str]], None] = lambda _: None
    doors: Callable[[], Doors] = no_doors
    rules: Callable[[], Rules] = lambda: NOBODY
    roster: Callable[[], Roster] = Roster
    charters: Callable[[], Mapping[str, Charter]] = dict
    causes: Callable[[], Causes] = lambda: Causes(listed=())
    is_separated: Callable[[], bool] = lambda: False
    alertmanager: Callable[[], Alertmanager] = Alertmanager
    allowed: Callable[[], Sequence[Network]] = tuple
    provider: Callable[[], Provider | None] = lambda: None

    @property
    def own(self) -> str:
        """The site's own language."""
        return self.languages()[0]

    @property
    def voices(self) -> Voices:
        """Every language in which the site publishes, its own first."""
        return self.pipeline.policy.speaks

    @property
    def is_tls(self) -> bool:
        """Whether agents reach the console through TLS."""
        return self.console_url.startswith("https://")


DESK: web.AppKey[Desk] = web.AppKey("DESK", Desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What the audit says of an act: who, what, to which incident (None: it is about to be opened), and with which words.

    *subject* is what else it was done to.
    """

    by: str
    act: str
    incident: str | None = None
    subject: str = ""
    detail: Mapping[str, str | None] = field(default_factory=dict)


def fingerprint(words: str | None) -> Mapping[str, str | None]:
    """What the audit keeps of words that go public: they may have to be removed one day, and no row of the audit ever changes."""
    return {} if words is None else {"sha256": digest(words)}


async def perform(desk: Desk, deed: Deed, command: Command, beside: Beside | None = None) -> Sequence[Event]:
    """Do an act and write the audit. *beside* may write more of its own, after what the act itself wrote.

    Errors: act.Refused (which stands in the audit too); Rejected 409 where the incident is over; StoreUnavailable.
    """
    at = desk.now()

    def write(connection: Connection, events: Sequence[Event]) -> None:
        subject = deed.incident or deed.subject or _subject_of(events)
        write_audit(connection, at=at, actor=deed.by, act=deed.act, subject=subject, detail=deed.detail)
        if beside is not None:
            beside(connection, events)

    try:
        return await desk.pipeline.act(command, write)
    except act.Refused as refusal:
        subject, detail = deed.incident or deed.subject, {**deed.detail, "refused": refusal.reason}
        await desk.store.write(
            lambda connection: write_audit(connection, at=at, actor=deed.by, act=deed.act, subject=subject, detail=detail)
        )
        if isinstance(refusal, act.NotFound) and deed.incident is not None:
            await _demand_open(desk, deed.incident)
        raise


def _subject_of(events: Sequence[Event]) -> str:
    """What was made by the act: the incident, the window or the advisory that its first event names."""
    named = (getattr(event, kind, None) for event in events for kind in ("incident", "maintenance", "advisory"))
    return next((id_ for id_ in named if id_), "")


async def story_of(desk: Desk, incident: str) -> Story:
    """Return an incident, open or closed, with its public words. Errors: Rejected 404."""
    story = await desk.store.read(lambda connection: queries.story(connection, incident))
    if story is None:
        raise Rejected(404, "There is no incident with this id.")
    return story


async def _demand_open(desk: Desk, incident: str) -> None:
    story = await story_of(desk, incident)
    ended = story.incident.resolved_at
    if ended is not None:
        raise Rejected(409, f"This incident was resolved at {ended:%H:%M} UTC on {ended:%d %b %Y}.", more={"resolved_at": ended})
