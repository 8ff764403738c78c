"""The composition root: a configuration and a data directory in, a running service out.

The order of the way in is the reverse of the way out.
"""

import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web

from statuspage.alive import kept_alive
from statuspage.assembly import running
from statuspage.clock import Now, wall_clock
from statuspage.config import loading as configuration
from statuspage.config.loading import ConfigError, Loaded
from statuspage.config.problems import Seen, seen
from statuspage.hub import Hub
from statuspage.last_page import LAST_PAGE, remains
from statuspage.standing_in import internal_standin, keep_aside, public_standin, what_to_do
from statuspage.store.configurations import CHANGED, SIGNAL, Origin
from statuspage.store.errors import StoreDamaged, StoreUnavailable
from statuspage.store.owner import give_to_owner_of
from statuspage.supervisor import UNWATCHED, Supervisor
from statuspage.whereabouts import announced

log = logging.getLogger(__name__)

T = TypeVar("T")
Stamp = tuple[Seen, ...]
"""The state of the configuration's files, and of those that hold its secrets."""

LOCK_FILE = "lock"
WATCH_EVERY = 1.0
"""Seconds between two looks at the configuration file."""

MIDDLE_ROUNDS = 20
"""Middle rounds of the collector between two great ones: ten minutes and more where ten thousand monitors are watched."""

OUTCOME_FILE = "reload.json"
"""Where the hub leaves word of how its last reload went, for the command that asked for it."""

YOUNG = 10_000
"""Objects that come to be before the collector looks through them: a third of a millisecond each time. Python's own 700 were a tenth
of what a probe costs."""

ASKED_FILE = "asked.json"
"""Where a command leaves word of the reload that it is about to ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A reload that a command asks for: *by* whom, on what *occasion*, whether it may remove what is in use; the *id* is answered to."""

    id: str
    by: str
    occasion: str
    accepts_removals: bool = False

    def leave(self, data_dir: Path) -> None:
        """Have the next reload on *data_dir* be this one. Errors: OSError."""
        (data_dir / ASKED_FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


class CannotStart(Exception):
    """The service cannot start here; the message is one sentence for the operator."""


@dataclass(slots=True, kw_only=True)
class Service:
    """The running service, as an async context manager.

    *public* and *internal* override the configured listeners (port 0: any free one). *clock* is the wall clock. *backs_up*: before the
    store is brought up to date.
    Errors on entry: ConfigError, StoreError, CannotStart.
    """

    config_path: Path
    data_dir: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    public: tuple[str, int] | None = None
    internal: tuple[str, int] | None = None
    clock: Now = wall_clock
    backs_up: bool = True
    supervisor: Supervisor = UNWATCHED
    public_url: str = ""
    internal_url: str = ""
    metrics_url: str = ""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _hub: Hub | None = None
    _read: Stamp = ()
    _secret_files: tuple[Path, ...] = ()
    _reloading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __aenter__(self) -> Self:
        """Start everything; on any failure stop what was started."""
        async with AsyncExitStack() as stack:
            before = _stamp(self.config_path)
            loaded = configuration.load(self.config_path, self.environ)
            self._take(before, loaded)
            stack.enter_context(alone(self.data_dir))
            (self.data_dir / ASKED_FILE).unlink(missing_ok=True)
            hub = await stack.enter_async_context(running(loaded, self.data_dir, self.clock, backs_up=self.backs_up))
            self._hub = hub
            config = loaded.config
            self.public_url = await stack.enter_async_context(_listening(hub.public_runner(), self.public or config.listen.public))
            self.internal_url = await stack.enter_async_context(
                _listening(hub.internal_runner(), self.internal or config.listen.internal),
            )
            if config.listen.metrics is not None:
                self.metrics_url = await stack.enter_async_context(_listening(hub.metrics_runner(), config.listen.metrics))
            stack.enter_context(announced(self.data_dir, self.public_url, self.internal_url))
            figures, alive = hub.pipeline.figures, partial(self.supervisor.keep, hub.schedule.is_at_work)
            await stack.enter_async_context(kept_alive(self._watch_file, "configuration watch", figures))
            if self.supervisor.is_watching:
                await stack.enter_async_context(kept_alive(alive, "word to the supervisor", figures))
            self.supervisor.ready(self._status)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything, newest first."""
        await self._stack.aclose()

    @property
    def hub(self) -> Hub:
        """What runs inside. Errors: RuntimeError outside the context."""
        if self._hub is None:
            raise RuntimeError("the service is not running")
        return self._hub

    @property
    def _status(self) -> str:
        return f"page at {self.public_url}/, console at {self.internal_url}/"

    async def reload(self, origin: Origin = SIGNAL) -> None:
        """Take the file into use again; a bad one changes nothing and is told in the log and the metrics.

        One after another, so that the newest file wins. What cannot be taken into use because the store is away is tried again.
        """
        async with self._reloading:
            self.supervisor.reloading()
            asked = await asyncio.to_thread(_asked, self.data_dir / ASKED_FILE)
            try:
                refused = await self._reload(origin, asked)
            except StoreUnavailable as error:
                refused, self._read = (f"the new configuration waits for the store: {error}",), ()
            self.hub.is_reload_good = not refused
            for reason in refused:
                log.error("%s", reason)
            if not refused:
                log.info("the configuration was read again")
            if asked is not None and origin is SIGNAL:  # only then the file says all that was meant
                await asyncio.to_thread(self._answer, asked, refused)
            self.supervisor.ready(f"the last configuration was not taken: {refused[0]}" if refused else self._status)

    def _answer(self, asked: Request, refused: tuple[str, ...]) -> None:
        (self.data_dir / ASKED_FILE).unlink(missing_ok=True)
        (self.data_dir / OUTCOME_FILE).write_text(json.dumps({"id": asked.id, "refused": refused}), encoding="utf-8")

    async def _reload(self, origin: Origin, asked: Request | None) -> tuple[str, ...]:
        """Take the file into use, or say in a line each why not. Errors: StoreUnavailable."""
        self._read = await asyncio.to_thread(self._stamped)
        before = await asyncio.to_thread(_stamp, self.config_path)
        try:
            loaded = await asyncio.to_thread(configuration.load, self.config_path, self.environ)
        except ConfigError as error:
            return tuple(f"the new configuration is not used: {problem}" for problem in error.problems)
        losses = self.hub.removals(loaded)
        if losses and not (asked and asked.accepts_removals):
            return tuple(f"the new configuration waits: it {loss}; use `statuspage reload --accept-removals`" for loss in losses)
        await self.hub.apply(loaded, origin if asked is None else Origin(by=asked.by, occasion=asked.occasion))
        self._take(before, loaded)
        return ()

    def _take(self, before: Stamp, loaded: Loaded) -> None:
        """Remember which state of the files *loaded* was read from; those of the configuration were as *before*."""
        self._secret_files = tuple(Path(name) for name, _, _ in sorted(loaded.secret_files))
        self._read = (*before, *sorted(loaded.secret_files))

    def _stamped(self) -> Stamp:
        return (*_stamp(self.config_path), *_states(self._secret_files))

    async def _watch_file(self) -> None:
        """Reload when the file changes, or one that holds a secret. SIGHUP comes by ``serve``."""
        while True:
            await asyncio.sleep(WATCH_EVERY)
            if await asyncio.to_thread(self._stamped) != self._read:
                await self.reload(CHANGED)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end on the fastest loop that this system has."""
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop  # noqa: PLC0415 - it does not exist on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(config_path: Path, data_dir: Path, *, started: Callable[[Service], None], backs_up: bool = True) -> None:
    """Run the service until SIGTERM or SIGINT; SIGHUP reads the configuration again. Errors: as ``Service``."""
    loop, ended, supervisor = asyncio.get_running_loop(), asyncio.Event(), Supervisor.of(os.environ)
    # Before anybody can see that it runs: who asks it to end at its first sign of life is heard.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with Service(config_path=config_path, data_dir=data_dir, backs_up=backs_up, supervisor=supervisor) as service:
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = asyncio.ensure_future(service.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        started(service)
        spare_the_collector()
        await ended.wait()
        supervisor.stopping()


async def stand_in(config_path: Path, data_dir: Path, damage: StoreDamaged, *, started: Callable[[str, str], None]) -> None:
    """Keep the damaged store aside, and serve the last good bytes until SIGTERM or SIGINT. Errors: ConfigError, CannotStart, OSError."""
    loop, ended, supervisor = asyncio.get_running_loop(), asyncio.Event(), Supervisor.of(os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, log.warning, "nothing is reloaded: the store is damaged")
    config = configuration.load(config_path, os.environ).config
    with alone(data_dir):
        aside = keep_aside(config.store.url, data_dir, wall_clock())
        told = what_to_do(str(damage), aside, data_dir, config.store.backup)
        log.critical("%s", told)
        public = public_standin(remains(data_dir / LAST_PAGE), is_tls=config.site.url.startswith("https://"))
        async with (
            _listening(public, config.listen.public) as public_url,
            _listening(internal_standin(told), config.listen.internal) as internal_url,
        ):
            started(public_url, internal_url)
            supervisor.ready("the store is damaged: the last page is served")
            watched = asyncio.ensure_future(supervisor.keep(lambda: True))
            await ended.wait()
            supervisor.stopping()
            watched.cancel()
            await asyncio.wait((watched,))


def spare_the_collector() -> None:
    """Set aside what was made on the way here: it stays for good, and each great round of the collector would go through all of it.

    Great rounds are made rare besides. Each holds the event loop, and with it every probe in flight, for as long as it takes to go
    through all that is known of all monitors: a tenth of a second for ten thousand. And young objects may be many before they are looked
    through: what works steadily leaves no rings behind, so that there is little to collect.
    """
    gc.collect()
    gc.freeze()
    _, middle, _ = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, MIDDLE_ROUNDS)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold the data directory: a second service on it is refused at once. Errors: CannotStart."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        give_to_owner_of(data_dir, lock)
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


def _asked(path: Path) -> Request | None:
    """The reload that a command asked for, if one did."""
    try:
        return Request(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as trouble:
        log.warning("who asked for this reload cannot be read: %s", trouble)
        return None


def _stamp(path: Path) -> Stamp:
    return _states(sorted(path.glob("*.yaml")) if path.is_dir() else [path])


def _states(files: Iterable[Path]) -> Stamp:
    return tuple(seen(file, stat) for file in files if (stat := _stat(file)) is not None)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
