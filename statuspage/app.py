"""The composition root: a configuration and a data directory in, a running service out.

Everything is made here and handed to those who need it; nobody fetches anything from the air. The order of the way in is the reverse
of the way out.
"""

import asyncio
import fcntl
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from aiohttp import web
from sqlalchemy import Connection

from incidents.policy import Policy
from probes import run as probes_run
from probes.egress import Door
from probes.result import ProbeResult, Result
from statuspage import config as configuration
from statuspage.bundled import templates
from statuspage.clock import Now, wall_clock
from statuspage.config import Config, ConfigError, Loaded, Plan
from statuspage.page import Site
from statuspage.pipeline import Figures, Pipeline
from statuspage.press import Press, public_names
from statuspage.publish import Publisher
from statuspage.render.html import Html
from statuspage.render.metrics import CONTENT_TYPE, Health, Metrics
from statuspage.schedule import Schedule
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.web.desk import Desk
from statuspage.web.public import public_app, public_runner
from statuspage.web.routes import internal_app

log = logging.getLogger(__name__)

HUB_FILE = "hub.json"
RESTART_AFTER = 1.0


class CannotStart(Exception):
    """The service cannot start here; the message is one sentence for the operator."""


@dataclass(slots=True, kw_only=True)
class Service:
    """The running service, as an async context manager.

    *public* and *internal* override the configured listeners (port 0: any free one). *clock* is the wall clock.
    Errors on entry: ConfigError, StoreError, CannotStart.
    """

    config_path: Path
    data_dir: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    public: tuple[str, int] | None = None
    internal: tuple[str, int] | None = None
    clock: Now = wall_clock
    public_url: str = ""
    internal_url: str = ""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _hub: "Hub | None" = None

    async def __aenter__(self) -> Self:
        """Start everything; on any failure stop what was started."""
        async with AsyncExitStack() as stack:
            loaded = configuration.load(self.config_path, self.environ)
            stack.enter_context(alone(self.data_dir))
            hub = await stack.enter_async_context(running(loaded, self.data_dir, self.clock))
            self._hub = hub
            config = loaded.config
            self.public_url = await stack.enter_async_context(_listening(hub.public_runner(), self.public or config.listen.public))
            self.internal_url = await stack.enter_async_context(
                _listening(hub.internal_runner(), self.internal or config.listen.internal),
            )
            stack.enter_context(_announced(self.data_dir, self.public_url, self.internal_url))
            await stack.enter_async_context(_kept_alive(self._watch_file, "configuration watch", hub.pipeline.figures))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything, newest first."""
        await self._stack.aclose()

    @property
    def hub(self) -> "Hub":
        """What runs inside. Errors: RuntimeError outside the context."""
        if self._hub is None:
            raise RuntimeError("the service is not running")
        return self._hub

    async def reload(self) -> None:
        """Take the file into use again; a bad one changes nothing and is told in the log and the metrics."""
        try:
            loaded = await asyncio.to_thread(configuration.load, self.config_path, self.environ)
        except ConfigError as error:
            self.hub.is_reload_good = False
            for problem in error.problems:
                log.error("the new configuration is not used: %s", problem)  # noqa: TRY400 - a person's mistake needs no traceback
            return
        await self.hub.apply(loaded)
        log.info("the configuration was read again")

    async def _watch_file(self) -> None:
        """Reload when the file changes. SIGHUP comes by ``serve``."""
        before = await asyncio.to_thread(_stamp, self.config_path)
        while True:
            await asyncio.sleep(1)
            now = await asyncio.to_thread(_stamp, self.config_path)
            if now != before:
                before = now
                await self.reload()


async def serve(config_path: Path, data_dir: Path, *, started: Callable[[Service], None]) -> None:
    """Run the service until SIGTERM or SIGINT; SIGHUP reads the configuration again. Errors: as ``Service``."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    async with Service(config_path=config_path, data_dir=data_dir) as service:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = asyncio.ensure_future(service.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        started(service)
        await ended.wait()


@dataclass(slots=True, kw_only=True)
class Hub:
    """The process that judges and shows: everything between the wire and the listeners."""

    loaded: Loaded
    store: Store
    pipeline: Pipeline
    press: Press
    door: Door
    now: Now
    reloaded_at: datetime
    schedule: Schedule = field(init=False)
    metrics: Metrics = field(default_factory=Metrics)
    is_reload_good: bool = True

    def __post_init__(self) -> None:
        """The schedule probes through the hub, and the hub owns the schedule."""
        self.schedule = Schedule(probing=self, now=self.now)

    # --- what the schedule needs

    async def probe(self, plan: Plan) -> ProbeResult:
        """Measure once."""
        return await probes_run.run(plan.kind, plan.settings, door=self.door, timeout=plan.timeout)

    async def observe(self, result: Result) -> None:
        """Take a result into the road."""
        await self.pipeline.observe(result)

    def is_suspect(self, monitor: str, location: str) -> bool:
        """Whether a quick re-check should follow."""
        return self.pipeline.is_suspect(monitor, location)

    async def tick(self) -> None:
        """A second has passed."""
        await self.pipeline.tick()

    # --- what the listeners need

    def public_runner(self) -> web.AppRunner:
        """The public face."""
        is_tls = self.loaded.config.site.url.startswith("https://")
        app = public_app(lambda: self.press.shelf, fresh=self.press.fresh, older=self.press.older, is_tls=is_tls)
        return public_runner(app, is_tls=is_tls)

    def internal_runner(self) -> web.AppRunner:
        """The console, the API and the metrics."""
        config = self.loaded.config
        desk = Desk(
            store=self.store,
            pipeline=self.pipeline,
            now=self.now,
            site_name=config.site.name,
            console_url=config.console.url,
            public_url=config.site.url,
            timezone=config.site.timezone,
            language=config.site.language,
            acknowledgement_lasts=config.acknowledgement.lasts,
            trusted_proxies=config.listen.trusted_proxies,
            metrics=self._metrics,
            is_healthy=lambda: not self.pipeline.figures.store_is_away,
        )
        return web.AppRunner(internal_app(desk), access_log=None, keepalive_timeout=15)

    def _metrics(self) -> tuple[bytes, str]:
        return self.metrics.text(self.pipeline.situation, self.pipeline.latest, self.health(), self.now()), CONTENT_TYPE

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
        )

    # --- change

    async def apply(self, loaded: Loaded) -> None:
        """Take a valid configuration into use: what stays untouched keeps its cadence and its counters."""
        config = loaded.config
        topology, site = configuration.topology(config), site_of(config)
        names = public_names(topology, site)
        at = self.now()

        def write(connection: Connection) -> Mapping[str, str]:
            queries.apply_configuration(connection, text=loaded.text, digest=loaded.digest, at=at)
            return queries.public_ids(connection, names)

        public_ids = await self.store.write(write)
        self.loaded, self.door = loaded, door_of(config)
        await self.pipeline.replace(topology, policy_of(config))
        self.press.forget(site, public_ids, stale_after_of(loaded))
        self.schedule.replace(configuration.plans(config), self.pipeline.situation.seen)
        self.is_reload_good, self.reloaded_at = True, at


@asynccontextmanager
async def running(loaded: Loaded, data_dir: Path, now: Now) -> AsyncIterator[Hub]:
    """Open the store, read the situation, probe and publish until left."""
    config = loaded.config
    store = await Store.open(config.store.url, data_dir)
    try:
        hub = await _assembled(loaded, store, now)
        hub.schedule.start(configuration.plans(config), hub.pipeline.situation.seen)
        try:
            await hub.press.issue()
            async with _kept_alive(hub.press.run, "press", hub.pipeline.figures):
                yield hub
        finally:
            await hub.schedule.stop()
            await hub.pipeline.close()
    finally:
        await store.close()


async def _assembled(loaded: Loaded, store: Store, now: Now) -> Hub:
    config, at = loaded.config, now()
    topology, site = configuration.topology(config), site_of(config)

    def prepare(connection: Connection) -> tuple[queries.Installation, Mapping[str, str]]:
        installed = queries.installation(connection, url=site.url, now=at)
        queries.apply_configuration(connection, text=loaded.text, digest=loaded.digest, at=at)
        return installed, queries.public_ids(connection, public_names(topology, site))

    installation, public_ids = await store.write(prepare)
    situation = await store.read(lambda connection: queries.situation(connection, topology))
    pipeline = Pipeline(store=store, situation=situation, policy=policy_of(config), now=now)
    press = Press(
        store=store,
        pipeline=pipeline,
        publisher=Publisher(Html(templates())),
        site=site,
        installation=installation,
        public_ids=public_ids,
        now=now,
        stale_after=stale_after_of(loaded),
    )
    pipeline.audience = press.hear
    return Hub(loaded=loaded, store=store, pipeline=pipeline, press=press, door=door_of(config), now=now, reloaded_at=at)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold the data directory: a second service on it is refused at once. Errors: CannotStart."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"The data directory {data_dir} cannot be used: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(f"Another statuspage is running on {data_dir}.") from error
        yield
    finally:
        os.close(lock)


@contextmanager
def _announced(data_dir: Path, public_url: str, internal_url: str) -> Iterator[None]:
    """Leave word of where the running hub is, for the command line beside it."""
    path = data_dir / HUB_FILE
    path.write_text(json.dumps({"pid": os.getpid(), "public": public_url, "internal": internal_url}), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@asynccontextmanager
async def _listening(runner: web.AppRunner, address: tuple[str, int]) -> AsyncIterator[str]:
    """Serve on *address*, yielding the URL under which it answers. Errors: CannotStart where the address cannot be had."""
    host, port = address
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise CannotStart(f"Cannot listen on {host}:{port}: {error.strerror}. Is another program there?") from error
        bound = runner.addresses[0][1]
        yield f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _kept_alive(work: Callable[[], Awaitable[None]], name: str, figures: Figures) -> AsyncIterator[None]:
    """Run *work* beside the rest; where it breaks by a bug of ours, say so, count it, and begin it again."""

    async def supervised() -> None:
        while True:
            try:
                await work()
            except Exception:
                figures.crashed_turns += 1
                log.exception("%s broke and is started again", name)
                await asyncio.sleep(RESTART_AFTER)

    task = asyncio.create_task(supervised(), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells one version of the file, or of a directory's files, from another."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file in files if (stat := _stat(file)) is not None)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def site_of(config: Config) -> Site:
    """Whose page it is."""
    site = config.site
    return Site(
        name=site.name,
        url=site.url,
        timezone=site.timezone,
        language=site.language,
        support=site.support.model_dump(mode="json", exclude_none=True),
        links=site.links,
    )


def policy_of(config: Config) -> Policy:
    """The numbers that hold everywhere."""
    return Policy(language=config.site.language)


def door_of(config: Config) -> Door:
    """The door out, with what the operator allows beyond public addresses."""
    return Door(allow=config.egress.allow)


def stale_after_of(loaded: Loaded) -> float:
    """Seconds past which the page as a whole should not be believed: when every monitor has been silent for too long."""
    monitors = configuration.topology(loaded.config).monitors.values()
    return max(120.0, min((monitor.stale_after.total_seconds() for monitor in monitors), default=0.0))
