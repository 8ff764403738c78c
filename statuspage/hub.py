"""The hub: the process that judges and shows. Everything between the wire and the listeners is put together here.

Everything is made here and handed to those who need it; nobody fetches anything from the air.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from aiohttp import web
from sqlalchemy import Connection

from incidents.events import Event, Paused, Resumed
from incidents.model import Situation, Topology
from incidents.priority import Scale
from incidents.sight import Look
from incidents.tending import removals
from probes import run as probes_run
from probes.egress import Door
from probes.result import ProbeResult, Result
from statuspage import journal
from statuspage.alertmanager import Alerting
from statuspage.as_it_was import page_at
from statuspage.backups.keeping import Backups
from statuspage.backups.making import Installation
from statuspage.books import Books
from statuspage.bundled import templates
from statuspage.circles import admit
from statuspage.clock import Now
from statuspage.config import identity
from statuspage.config import loading as configuration
from statuspage.config.alertmanager import Alertmanager as AlertmanagerSection
from statuspage.config.answering import answering
from statuspage.config.causes import causes
from statuspage.config.charters import charters
from statuspage.config.loading import Control, Loaded, Plan
from statuspage.config.message_templates import message_templates
from statuspage.config.scale import scale
from statuspage.config.series import conducts
from statuspage.config.terms import offers, terms
from statuspage.controls import Controls
from statuspage.deliver import Deliverer
from statuspage.desk_tallies import Timed
from statuspage.entrances import Entrances, ledgers, proxies_of
from statuspage.escalating import Escalation
from statuspage.knowledge import Knowledge
from statuspage.last_page import LAST_PAGE, LastPage
from statuspage.library import Library
from statuspage.mirror.run import Mirror
from statuspage.mirror.target import target_of
from statuspage.paces import Paces, Watched
from statuspage.picture.known_errors import KnownError
from statuspage.pipeline import Pipeline
from statuspage.press import Press
from statuspage.promises import Promised
from statuspage.readings import (
    calling_of,
    door_of,
    fixed_at_start,
    known_errors_of,
    policy_of,
    site_of,
    spoken_by,
    stale_after_of,
)
from statuspage.render.html import Html
from statuspage.render.level_metrics import level_metrics
from statuspage.render.metrics import CONTENT_TYPE, Health, Metrics
from statuspage.schedule import Schedule
from statuspage.store import past, queries
from statuspage.store.carrying import Carried, carry_over
from statuspage.store.configurations import SIGNAL, Origin
from statuspage.store.engine import Store
from statuspage.store.ledger_rows import state_terms
from statuspage.store.recall import newest_batch
from statuspage.telling import PublicForms, alertmanagers_of, forms_of, rewire
from statuspage.upkeep import Upkeep
from statuspage.web.beside import Beside
from statuspage.web.desk import Desk, PlanningPolicy
from statuspage.web.doors import Doors
from statuspage.web.hammering import Hammering
from statuspage.web.listener import PatientRunner
from statuspage.web.provider import BACK, Provider
from statuspage.web.public import public_app, public_runner
from statuspage.web.routes import internal_app, metrics_app
from statuspage.web.security import HEADERS, PRIVATE
from statuspage.web.stream import Streams, room

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Hub:
    """The process that judges and shows: everything between the wire and the listeners."""

    loaded: Loaded
    store: Store
    pipeline: Pipeline
    press: Press
    books: Books
    door: Door
    now: Now
    reloaded_at: datetime
    data_dir: Path
    tokens: Mapping[bytes, str]
    deliverer: Deliverer
    schedule: Schedule = field(init=False)
    controls: Controls = field(init=False)
    upkeep: Upkeep = field(init=False)
    mirror: Mirror = field(init=False)
    backups: Backups = field(init=False)
    last_page: LastPage = field(init=False)
    library: Library = field(init=False)
    paces: Paces = field(init=False)
    streams: Streams = field(init=False)
    forms: PublicForms = field(init=False)
    entrances: Entrances = field(init=False)
    doors: Doors = field(init=False)
    escalation: Escalation = field(init=False)
    alerting: Alerting = field(init=False)
    promised: Promised = field(init=False)
    timed: Timed = field(init=False)
    metrics: Metrics = field(default_factory=Metrics)
    spelling: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_reload_good: bool = True
    _scale: tuple[Loaded, int, Scale] | None = None
    _provider: Provider | None = None
    knowledge: Knowledge = field(init=False)
    _named_errors: tuple[Loaded, Sequence[KnownError]] | None = None

    def __post_init__(self) -> None:
        """The schedule probes through the hub, and the hub owns the schedule; what needs the present configuration asks the hub."""
        self.library = Library.beside(self.press, Html(templates()))
        self.knowledge = Knowledge(store=self.store, named=self.named_errors, language=lambda: self.loaded.config.site.language)
        self.promised, self.timed = Promised(store=self.store), Timed(store=self.store)
        self.paces = Paces(
            store=self.store, now=self.now, zone=lambda: self.press.site.timezone, watched=self.answering, told=self.press.redraw
        )
        self.press.paces = lambda: self.paces.paces
        self.press.publisher.logo = self.loaded.logos.get("site")
        self.streams = Streams(lambda: self.press.shelf, self.press.fresh, most=room(), now=self.now)
        self.press.issued.append(self.streams.tell)
        proxies = proxies_of(self.loaded.config)
        self.forms = forms_of(self.deliverer, self.press, proxies)
        self.entrances = Entrances(press=self.press, hammering=Hammering(proxies), streams=self.streams, forms=self.forms.of_page)
        self.doors = self.entrances.doors(self.loaded)
        self.schedule = Schedule(probing=self, now=self.now)
        self.escalation = Escalation(pipeline=self.pipeline, store=self.store, now=self.now, loaded=lambda: self.loaded, scale=self.scale)
        self.deliverer.places, self.deliverer.quiet = self.escalation.lines, self.escalation.quiet
        self.alerting = Alerting(
            pipeline=self.pipeline,
            store=self.store,
            now=self.now,
            told=lambda: alertmanagers_of(self.loaded.config),
            door=lambda: self.door,
        )
        rewire(self.deliverer, self.loaded.config, self.door)
        self.controls = Controls(seeing=self, now=self.now, configured=configuration.controls(self.loaded.config))
        self.upkeep = Upkeep(
            store=self.store, pipeline=self.pipeline, config=lambda: self.loaded.config, now=self.now, remembered_at=self.reloaded_at
        )
        self.backups = Backups(installation=self.installation, settings=lambda: self.loaded.config.store.backup, now=self.now)
        self.last_page = LastPage(press=self.press, file=self.data_dir / LAST_PAGE)
        self.press.issued.append(self.last_page.wake)
        self.mirror = Mirror.beside(self.press, past=self.library.find, to=lambda: target_of(self.loaded.config, self.data_dir))

    # --- what the schedule needs

    async def probe(self, plan: Plan) -> ProbeResult:
        """Measure once."""
        return await probes_run.run(plan.kind, plan.settings, door=self.door, timeout=plan.timeout, started=self.now())

    async def observe(self, result: Result) -> None:
        """Take a result into the road; one that may turn a verdict only once it is known whether we could see at all."""
        if result.location == self.controls.location and self.pipeline.is_surprising(result):
            await self.controls.confirm(result.started)
        await self.pipeline.observe(result)

    def is_suspect(self, monitor: str, location: str) -> bool:
        """Whether a quick re-check should follow."""
        return self.pipeline.is_suspect(monitor, location)

    async def tick(self) -> None:
        """A second has passed."""
        await self.pipeline.tick()

    def plans(self) -> tuple[Plan, ...]:
        """What is to be probed: all that is configured and not paused."""
        paused = self.pipeline.situation.paused
        return tuple(plan for plan in configuration.plans(self.loaded.config) if plan.monitor not in paused)

    def installation(self) -> Installation:
        """What a backup is of."""
        return Installation(url=self.loaded.config.store.url, data_dir=self.data_dir, config=self.loaded.path)

    def answering(self) -> Watched:
        """Whose response times are told of each service."""
        return answering(self.loaded.config, self.pipeline.situation.topology)

    def hear(self, events: Sequence[Event], results: Sequence[Result]) -> None:
        """Tell those who need to know of a committed turn."""
        self.press.hear(events, results)
        self.mirror.hear(events)
        self.deliverer.hear(events, results)
        self.escalation.hear(events)
        self.alerting.hear(events)
        journal.tell(events)
        if any(isinstance(event, Paused | Resumed) for event in events):
            self.schedule.replace(self.plans(), self.pipeline.situation.seen)

    # --- what the controls need

    async def ask(self, control: Control, timeout: float) -> ProbeResult:
        """Ask a control once."""
        return await probes_run.run(control.kind, control.settings, door=self.door, timeout=timeout, started=self.now())

    async def notice(self, look: Look) -> None:
        """Take in what the controls say."""
        await self.pipeline.notice(look)

    def known(self) -> Situation:
        """Give the situation as it is."""
        return self.pipeline.situation

    # --- what the listeners need

    def public_runner(self) -> web.AppRunner:
        """The public face."""
        is_tls = self.loaded.config.site.url.startswith("https://")
        shelf, press = (lambda: self.press.shelf), self.press
        own = partial(ledgers, press, press.own)
        beside = Beside(older=press.older, past=self.library.find, services=press.of_service, ledgers=own, forms=self.forms.answer)
        hammering, doors = self.entrances.hammering, lambda: self.doors
        app = public_app(shelf, fresh=press.fresh, beside=beside, streams=self.streams, hammering=hammering, is_tls=is_tls, doors=doors)
        return public_runner(app, is_tls=is_tls)

    def internal_runner(self) -> web.AppRunner:
        """The console, the API and the metrics."""
        return PatientRunner(internal_app(self._desk()), headers={**HEADERS, "Cache-Control": PRIVATE})

    def metrics_runner(self) -> web.AppRunner:
        """The metrics alone, for an address of their own."""
        return PatientRunner(metrics_app(self._desk()), headers={**HEADERS, "Cache-Control": PRIVATE})

    def _desk(self) -> Desk:
        config = self.loaded.config
        return Desk(
            store=self.store,
            pipeline=self.pipeline,
            now=self.now,
            site_name=config.site.name,
            console_url=config.console.url,
            public_url=config.site.url,
            timezone=config.site.timezone,
            language=config.site.language,
            acknowledgement_lasts=config.acknowledgement.lasts,
            proxies=proxies_of(config),
            metrics=self._metrics,
            is_healthy=lambda: not self.pipeline.figures.store_is_away,
            heartbeats=lambda: self.tokens,
            planning_policy=self.planning_policy,
            page_at=page_at,
            kinds=lambda: {id_: monitor.probe for id_, monitor in self.loaded.config.monitors.items()},
            trends=lambda: self.upkeep.trends,
            levels=lambda: self.books.levels,
            stories=lambda: self.press.stories,
            offers=lambda: self.books.offers,
            mirror=lambda: self.mirror.figures,
            backups=lambda: self.backups.figures,
            knowledge=self.knowledge,
            languages=lambda: spoken_by(self.loaded.config),
            asked_in=lambda: (self.loaded.config.site.languages or ())[1:],
            scale=self.scale,
            calling=lambda: calling_of(self.loaded.config),
            doors=lambda: self.doors,
            templates=lambda: message_templates(self.loaded.config),
            hidden=lambda: self.press.hidden,
            probe_now=self.schedule.probe_now,
            rules=self.escalation.rules,
            roster=self.escalation.roster,
            charters=lambda: charters(self.loaded.config),
            causes=lambda: causes(self.loaded.config),
            is_separated=lambda: self.loaded.config.duties.separated,
            allowed=lambda: self.loaded.config.egress.allow,
            alertmanager=lambda: self.loaded.config.alertmanager or AlertmanagerSection(),
            provider=self.provider,
        )

    async def _metrics(self) -> tuple[bytes, str]:
        """Spelled beside the event loop, one after the other: the text of ten thousand monitors would hold up every probe."""
        async with self.spelling:
            promises, tallied = await self.promised.renew(), await self.timed.renew()
            situation, latest, now = self.pipeline.situation, dict(self.pipeline.latest), self.now()
            health, self.schedule.pace.worst_lag = replace(self.health(), promised=promises.figures(now), tallied=tallied), 0.0
            levels, trends = self.books.levels, self.upkeep.trends
            text = await asyncio.to_thread(
                lambda: self.metrics.text(situation, latest, health, now, level_metrics(levels), trends),
            )
        return text, CONTENT_TYPE

    def planning_policy(self) -> PlanningPolicy:
        """What planned work must keep, by the configuration in use."""
        config = self.loaded.config
        return PlanningPolicy(conducts=conducts(config, self.now().year), needs_approval=config.duties.separated)

    def provider(self) -> Provider | None:
        """Who vouches for agents, by the configuration in use; kept as long as it stays the same, since it remembers what it was told."""
        console, settings = self.loaded.config.console, self.loaded.config.login.oidc
        if settings is None:
            return None
        if self._provider is None or self._provider.settings != settings:
            self._provider = Provider(settings=settings, back=f"{console.url}{BACK}", door=lambda: self.door, now=self.now)
        return self._provider

    def named_errors(self) -> Sequence[KnownError]:
        """Symptoms that the file names; made once for each configuration, since there may be thousands."""
        if self._named_errors is None or self._named_errors[0] is not self.loaded:
            self._named_errors = (self.loaded, known_errors_of(self.loaded.config))
        return self._named_errors[1]

    def scale(self) -> Scale:
        """What priority is reckoned by, by the configuration in use; made once for each and each year."""
        year = self.now().year
        if self._scale is None or self._scale[:2] != (self.loaded, year):
            self._scale = (self.loaded, year, scale(self.loaded.config, year))
        return self._scale[2]

    def health(self) -> Health:
        """How the service itself is doing."""
        figures, pace = self.pipeline.figures, self.schedule.pace
        return Health(
            loop_lag=pace.worst_lag,
            queue_depth=self.pipeline.waiting,
            crashed_turns=figures.crashed_turns,
            failed_writes=figures.failed_writes,
            is_reload_good=self.is_reload_good,
            reloaded_at=self.reloaded_at,
            readers=self.streams.readers,
            mirror=None if self.loaded.config.mirror is None else self.mirror.figures,
            backup=None if self.loaded.config.store.backup is None else self.backups.figures,
            delivery=self.deliverer.tally,
            on_call=self.escalation.manned(self.now()),
            alertmanagers_away=self.alerting.away,
        )

    # --- change

    def removals(self, loaded: Loaded) -> tuple[str, ...]:
        """What *loaded* takes away that somebody may still need: each as a phrase that goes on after "it"."""
        moves = identity.moves(loaded.config)
        return removals(self.pipeline.situation, configuration.topology(loaded.config), {move[:2] for move in moves})

    async def apply(self, loaded: Loaded, origin: Origin = SIGNAL) -> None:
        """Take a valid configuration into use: what stays untouched keeps its cadence and its counters."""
        for section in fixed_at_start(self.loaded.config, loaded.config):
            log.warning("what changed in `%s` takes effect at the next start", section)
        config = loaded.config
        topology, site = configuration.topology(config), site_of(config, loaded.logos)
        at = self.now()

        def write(connection: Connection) -> tuple[Carried, Mapping[str, str], frozenset[str]]:
            moved = carry_over(connection, identity.moves(config), identity.measures(config), at)
            state_terms(connection, terms(config, at.year), at)
            version = apply_version(connection, loaded, topology, at, origin)
            newest, situation = newest_batch(connection), queries.situation(connection, topology)
            carried = Carried(version=version, newest=newest, moved=moved, situation=situation)
            return carried, *admit(connection, config, topology, site)

        async def carry() -> Carried:
            carried, public_ids, hidden = await self.store.write(write)
            # Before as well: what changes on the way may already ask for a page, and each service on it must have its public id.
            self.press.forget(site, public_ids, stale_after_of(loaded), hidden)
            return carried

        await self.pipeline.replace(topology, policy_of(config), carry)
        self.press.forget(site, self.press.public_ids, stale_after_of(loaded), self.press.hidden)
        self.books.forget(site.timezone, topology.services, offers(config))
        self.loaded, self.door, self.tokens = loaded, door_of(config), configuration.tokens(config)
        rewire(self.deliverer, config, self.door)
        self.press.publisher.logo, self.doors = loaded.logos.get("site"), self.entrances.doors(loaded)
        self.paces.forget()
        self.schedule.replace(self.plans(), self.pipeline.situation.seen)
        self.controls.configured = configuration.controls(config)
        self.mirror.forget()
        self.is_reload_good, self.reloaded_at = True, at


def apply_version(connection: Connection, loaded: Loaded, topology: Topology, at: datetime, origin: Origin) -> int:
    """Keep *loaded* as the configuration in use from *at* on; return its version."""
    compiled = past.compiled(topology, policy_of(loaded.config), site_of(loaded.config))
    return queries.apply_configuration(connection, text=loaded.text, digest=loaded.digest, at=at, compiled=compiled, origin=origin)
