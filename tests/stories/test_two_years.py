"""Two years of a company with 30 services and 100 monitors on a clock that the test moves; without ``--soak`` a few weeks of them.

What is asked: that retention holds the store's size and backups rotate, that page and reports cost at the end what they cost at the
beginning, and that the ledger counts every outage and nothing else, over upgrades, passwords that run out and renewed certificates.
"""

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from sqlalchemy import Connection, func, select

from probes.result import Failure, ProbeResult, Result, Warning
from statuspage.backups.keeping import backups_in
from statuspage.config.loading import load
from statuspage.store import tables
from tests.statuspage.statements import statements
from tests.stores import Place, stepped
from tests.stories.surfaces import read_json
from tests.stories.test_broken_mail_frozen import Clock, House, housed

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVICES, MONITORS = 30, 100
ANCHORS = ("0033", "0039", "0043")
"""Schemas of older releases: the store is put back to each, one after the other, and upgraded with all that it holds."""

BACKUPS = 2
"""How many are kept."""

WARNED_FOR = 14
"""Days before its end in which a certificate is warned of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How long, how often everything is probed, and what is kept of it; *most* is what the store may hold at the end, in bytes.

    Each service fails twice in a row every *breaks* days; a password and a certificate run out every *renews* days; the house is
    kept and the page looked at every *shown* days, and what was in a *period* every *reports* days.
    """

    days: int
    every: timedelta
    results: str
    hourly: str
    breaks: int
    renews: int
    shown: int
    reports: int
    period: str
    most: int

    def breaks_on(self, day: int, service: int) -> bool:
        """Whether *service* fails at the beginning of *day*."""
        return day % self.breaks == 1 + service % (self.breaks - 2)

    def outages(self, service: int) -> int:
        """How often *service* fails in all."""
        return sum(self.breaks_on(day, service) for day in range(self.days))


WEEKS = Life(days=24, every=8 * HOUR, results="3d", hourly="6d", breaks=24, renews=9, shown=6, reports=6, period="7d", most=3_000_000)
YEARS = Life(
    days=730, every=2 * HOUR, results="14d", hourly="400d", breaks=20, renews=90, shown=5, reports=30, period="30d", most=50_000_000
)


@dataclass(slots=True, kw_only=True)
class Company:
    """What happens by the plan of *life*, and what it costs us."""

    life: Life
    clock: Clock
    pages: list[float] = field(default_factory=list)
    reports: list[float] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @property
    def day(self) -> int:
        return (self.clock.now - BEGAN).days

    def is_renewal(self, since: timedelta = timedelta(0)) -> bool:
        """Whether today (or *since* then) is a day on which the password no longer holds."""
        day = (self.clock.now + since - BEGAN).days
        return day > 0 and day % self.life.renews == 0

    def __str__(self) -> str:
        """Tell what it came to."""
        sizes = " → ".join(f"{size / 1e6:.1f}" for size in self.sizes)
        costs = f"a page {median(self.pages) * 1000:.1f} ms of CPU, three reports {median(self.reports) * 1000:.1f} ms"
        return f"{sizes} MB, {costs}, by {self.asked} statements"

    def written(self) -> str:
        services = "".join(f"  s{n}: {{needs: [c{n}]}}\n" for n in range(SERVICES))
        components = "".join(f"  c{n}: {{}}\n" for n in range(SERVICES))
        monitors = "".join(f"  m{n}: {{component: c{n % SERVICES}, probe: tcp, host: 127.0.0.1, port: 9}}\n" for n in range(1, MONITORS))
        keeps = f"{{results: {self.life.results}, hourly: {self.life.hourly}}}"
        return (
            'site: {name: Example Networks, url: "https://status.example.net"}\n'
            f'store: {{url: "sqlite:///kept.db", retention: {keeps}, backup: {{keep: {BACKUPS}}}}}\n'
            "defaults: {monitor: {every: 30m, stale_after: 2d}}\n"
            f"services:\n{services}components:\n{components}credentials: {{probe: {{user: probe, password: {{file: password}}}}}}\n"
            f"monitors:\n  m0: {{component: c0, probe: imap, host: 127.0.0.1, port: 993, tls: implicit, login: probe}}\n{monitors}"
        )

    def result(self, number: int) -> Result:
        """The newest of the monitor of that *number*."""
        return Result(monitor=f"m{number}", location="local", slot=self.clock.now, started=self.clock.now, measured=self.found(number))

    def found(self, number: int) -> ProbeResult:
        """What the monitor of that *number* finds now."""
        service, into = number % SERVICES, self.clock.now - BEGAN - self.day * DAY
        if self.life.breaks_on(self.day, service) and into < 2 * self.life.every:
            return ProbeResult(took=0.1, failure=Failure.REFUSED, stage="connect")
        if number == 0 and self.is_renewal():
            return ProbeResult(took=0.1, failure=Failure.AUTH_REJECTED, stage="auth")
        is_ending = self.life.renews - self.day % self.life.renews <= WARNED_FOR
        return ProbeResult(
            took=0.02 + number / 1e4, warnings=(Warning(name="expires_soon", text="renew it"),) if number == 1 and is_ending else ()
        )


async def test_years_go_by_and_the_store_the_page_and_the_reports_stay_as_they_were(in_memory: Path, *, is_soak: bool) -> None:
    company = Company(life=YEARS if is_soak else WEEKS, clock=Clock(now=BEGAN))
    life, parts = company.life, len(ANCHORS) + 1
    _choose_password(in_memory, 0)
    for part in range(1, parts + 1):
        until = BEGAN + life.days * part // parts * DAY
        async with housed(in_memory, company.clock, company.written()) as house:
            token = await house.token(f"reader {part}")
            while company.clock.now < until:
                await _a_day(house, company, in_memory, token)
            if part == parts:
                await _demand_what_was(house, life, token)
        company.sizes.append(_size(in_memory))
        if part < parts:
            _leave_as_an_older_release(in_memory, ANCHORS[part - 1])
    print(f"\n{life.days} days: {company}")
    assert company.sizes[-1] <= life.most, company.sizes
    _demand_equal_cost(company, is_soak=is_soak)


async def _a_day(house: House, company: Company, directory: Path, token: str) -> None:
    clock, life, tomorrow = company.clock, company.life, company.clock.now + DAY
    while clock.now < tomorrow:
        # All at once, as probes come in that started together.
        await asyncio.gather(*(house.hub.pipeline.observe(company.result(number)) for number in range(MONITORS)))
        await house.hub.pipeline.flush()
        # The steady clock is the machine's: without a word it would say that the other one was set forward.
        house.hub.pipeline.presence.here(clock.now, asyncio.get_running_loop().time())
        await house.hub.pipeline.tick()
        clock.now += life.every
    if company.is_renewal(-DAY):
        _choose_password(directory, company.day)
        await house.hub.apply(load(directory / "statuspage.yaml", {}))
        (inbox,) = (plan.settings for plan in house.hub.plans() if plan.monitor == "m0")
        assert inbox.login.password.reveal() == f"correct horse {company.day}"  # type: ignore[attr-defined]  # those of imap
    if company.day % life.shown == 0:
        await _keep_house(house, clock.now)
        began = process_time()
        await house.hub.press.issue()
        company.pages.append(process_time() - began)
    if company.day % life.reports == 0:
        await _read_reports(house, company, token)


async def _keep_house(house: House, now: datetime) -> None:
    upkeep = house.hub.upkeep
    await upkeep.forget(now)
    await upkeep.restate(now)
    await upkeep.remember(now)
    await upkeep.compare(now)
    await house.hub.backups.look()


async def _read_reports(house: House, company: Company, token: str) -> None:
    began = process_time()
    with statements(house.hub.store._database) as asked:
        for kind in ("availability", "desk", "review"):
            await read_json(house.internal, f"/api/v1/reports/{kind}?period={company.life.period}", token)
    company.reports.append(process_time() - began)
    company.asked.append(len(asked))


async def _demand_what_was(house: House, life: Life, token: str) -> None:
    """Every outage is an incident and stands in the ledger, to the second; a password that ran out is nobody's outage."""
    until = BEGAN + life.days * DAY
    for number in range(SERVICES):
        path = f"/api/v1/services/s{number}/availability?since={BEGAN:%Y-%m-%dT%H:%M:%SZ}&until={until:%Y-%m-%dT%H:%M:%SZ}"
        ledger = await read_json(house.internal, path, token)
        assert _lasted(ledger, "down") == life.outages(number) * 2 * life.every, number
        assert (_lasted(ledger, "unknown") > timedelta(0)) == (number == 0), number
    newest = sorted(backups_in(house.hub.data_dir / "backups"))
    assert newest == [until - life.shown * DAY, until], newest
    await house.hub.upkeep.forget(until)
    oldest, kept = await house.hub.store.read(_oldest), house.hub.loaded.config.store.retention
    assert oldest == (until - kept.results, until - kept.hourly), (
        "what is older than it is kept for is still there, or newer things are gone"
    )
    incidents = await house.hub.store.read(
        lambda connection: connection.execute(select(func.count()).select_from(tables.incidents)).scalar_one()
    )
    assert incidents == sum(map(life.outages, range(SERVICES)))


def _oldest(connection: Connection) -> tuple[datetime, datetime]:
    """Since when there are single results, and hourly roll-ups."""
    slot = connection.execute(select(func.min(tables.results.c.slot))).scalar_one()
    hour = connection.execute(select(func.min(tables.rollups_hourly.c.hour))).scalar_one()
    return datetime.fromtimestamp(slot / 1000, UTC), datetime.fromtimestamp(hour * 3600, UTC)


def _lasted(ledger: Mapping[str, Any], kind: str) -> timedelta:
    spans = [one for one in ledger["intervals"] if one["kind"] == kind]
    return sum((datetime.fromisoformat(one["until"]) - datetime.fromisoformat(one["since"]) for one in spans), timedelta(0))


def _demand_equal_cost(company: Company, *, is_soak: bool) -> None:
    """A page and the reports ask no more at the end than once the first period was full; in the long form they take no longer either."""
    assert max(company.asked[1:]) <= company.asked[1] + 2, company.asked
    if is_soak:
        for costs in (company.pages, company.reports):
            quarter = len(costs) // 4
            assert median(costs[-quarter:]) <= 2 * median(costs[quarter : 2 * quarter]), costs


def _choose_password(directory: Path, day: int) -> None:
    (directory / "password").write_text(f"correct horse {day}", encoding="utf-8")


def _size(directory: Path) -> int:
    """Bytes that the store takes, its journal included."""
    return sum(file.stat().st_size for file in directory.glob("kept.db*"))


def _leave_as_an_older_release(directory: Path, anchor: str) -> None:
    """Put the store back to the schema of *anchor*, with all that had a place in it then."""
    newer = (directory / "kept.db").rename(directory / "newer.db")
    stepped(Place(url="sqlite:///kept.db", data_dir=directory), anchor)
    with closing(sqlite3.connect(directory / "kept.db")) as older, older:
        older.execute("ATTACH ? AS newer", (str(newer),))
        for table in _tables(older, "main") & _tables(older, "newer"):
            shared = ", ".join(f'"{name}"' for name in sorted(_columns(older, "main", table) & _columns(older, "newer", table)))
            older.execute(f'DELETE FROM main."{table}"')
            older.execute(f'INSERT INTO main."{table}" ({shared}) SELECT {shared} FROM newer."{table}"')
    newer.unlink()


def _tables(store: sqlite3.Connection, where: str) -> set[str]:
    """Its tables, but for Alembic's own and the search, which fills itself."""
    rows = store.execute(f"SELECT name FROM {where}.sqlite_master WHERE type = 'table'")
    names = {name for (name,) in rows}
    return {name for name in names if name != "alembic_version" and not name.startswith(("sqlite_", "public_words_index"))}


def _columns(store: sqlite3.Connection, where: str, table: str) -> set[str]:
    return {row[1] for row in store.execute(f'PRAGMA {where}.table_info("{table}")')}
