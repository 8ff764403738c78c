"""The monthly reports, against what somebody finds who reads the whole journal with a pencil."""

import csv
import io
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from incidents.levels.availability import availability
from incidents.levels.service_level import NO_OFFER
from incidents.levels.terms import Terms
from incidents.priority import Impact
from incidents.reviewed import Causes
from incidents.times.spans import Span
from probes.result import Failure
from statuspage.monthly import AvailabilityReport, Company, Kind, report_of, reported
from statuspage.render.availability_monthly import availability_monthly
from statuspage.store.ledger_rows import state_terms
from statuspage.store.people import Role
from statuspage.store.tables import journal
from tests.incidents import world
from tests.statuspage.desks import House, Program, housed
from tests.statuspage.statements import statements
from tests.statuspage.terminal import statuspage

SERVICES = {"outgoing": "email", "portal-web": "portal"}
CAUSES = ("release", "supplier", "false-alarm", None)
MONTHS = ("2026-03", "2026-04")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(slots=True)
class Desk:
    """Somebody works at the desk by chance, and notes who called."""

    house: House
    phone: Program
    chance: random.Random
    calls: list[tuple[datetime, str | None, str | None]] = field(default_factory=list)

    async def live(self, steps: int) -> None:
        for _ in range(steps):
            self.house.wait(minutes=self.chance.choice((1, 3, 20, 90, 90, 2000)))
            await self.chance.choice(
                (self._turn, self._turn, self._call, self._say, self._say, self._own, self._end, self._open, self._join)
            )()

    def _any(self) -> str | None:
        """An open incident; never chosen by its id, which is another in each installation."""
        known = [one for one in self.house.pipeline.situation.incidents.values() if one.is_open]
        return self.chance.choice(sorted(known, key=lambda one: (one.opened_at, one.name))).id if known else None

    async def _turn(self) -> None:
        await self.house.see(self.chance.choice(sorted(SERVICES)), self.chance.choice((Failure.REFUSED, None)))

    async def _call(self) -> None:
        incident, service = self._any(), self.chance.choice(sorted(SERVICES.values()))
        said = {"incident": incident} if incident and self.chance.random() < 0.5 else {"service": service}
        self.calls.append((self.house.now, said.get("service"), said.get("incident")))
        assert (await self.phone.send("/callers", said)).status == 201

    async def _say(self) -> None:
        if incident := self._any():
            by = {} if self.chance.random() < 0.3 else {"next_update_by": (self.house.now + timedelta(minutes=60)).isoformat()}
            await self.phone.send(f"/incidents/{incident}/updates", {"body": "We look.", **by})

    async def _own(self) -> None:
        if incident := self._any():
            await self.phone.send(f"/incidents/{incident}/acknowledge")

    async def _end(self) -> None:
        if incident := self._any():
            said = {"body": "It works.", "override": {"reason": "We know."}, "cause": self.chance.choice(CAUSES)}
            await self.phone.send(f"/incidents/{incident}/resolve", said)

    async def _open(self) -> None:
        said = {"name": "Fire", "services": {"portal": "degraded_performance"}, "body": "Hot.", "draft": self.chance.random() < 0.5}
        await self.phone.send("/incidents", said)

    async def _join(self) -> None:
        if (one := self._any()) and (other := self._any()) and one != other:
            await self.phone.send(f"/incidents/{one}/merge", {"into": other})


@dataclass(slots=True)
class Read:
    """One incident as the journal tells of it, line by line."""

    opened: datetime
    started: datetime
    origin: str
    public: bool = False
    owned: datetime | None = None
    words: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    ended: datetime | None = None
    cause: str | None = None
    merged: bool = False
    services: set[str] = field(default_factory=set)


def read_line(known: dict[str, Read], kind: str, body: dict[str, Any]) -> None:
    at = datetime.fromisoformat(body["at"])
    if kind == "opened":
        known[body["incident"]] = Read(at, datetime.fromisoformat(body["started_at"]), body["origin"])
        return
    one = known[body["incident"]]
    match kind:
        case "published":
            one.public = True
        case "impacted":
            one.services |= body["services"].keys()
        case "acknowledged":
            one.owned = one.owned or at
        case "updated":
            by = body["update"]["next_update_by"]
            one.words.append((at, datetime.fromisoformat(by) if by else None))
        case "resolved":
            one.ended, one.cause, one.merged = at, body["cause"] or one.cause, body["merged_into"] is not None
        case "reopened":
            one.ended = None
        case _:
            return


async def by_pencil(desk: Desk, month: str) -> dict[str, Any]:
    """The figures of *month*, reckoned the long way."""
    chosen = select(journal.c.kind, journal.c.body).where(journal.c.incident.is_not(None)).order_by(journal.c.sequence)
    rows = await desk.house.store.read(lambda connection: connection.execute(chosen).all())
    known: dict[str, Read] = {}
    for kind, body in rows:
        read_line(known, kind, body)
    called: dict[str, list[datetime]] = defaultdict(list)
    for id, one in known.items():
        for at, service, incident in desk.calls:
            near = service in one.services and one.started - timedelta(hours=2) <= at < (one.ended or datetime.max.replace(tzinfo=UTC))
            if incident == id or near:
                called[id].append(at)
    mine = {id: one for id, one in known.items() if one.opened.strftime("%Y-%m") == month}
    real = {
        id: one for id, one in mine.items() if (one.origin == "machine" or one.public) and one.cause != "false-alarm" and not one.merged
    }
    alarms = [one for one in mine.values() if one.origin == "machine" and not one.merged]
    due = [
        (by, one.words[place + 1][0] if place + 1 < len(one.words) else None)
        for one in known.values()
        for place, (_, by) in enumerate(one.words)
        if by is not None and by.strftime("%Y-%m") == month
    ]

    def times(ends: dict[str, datetime | None]) -> list[float]:
        return sorted((end - real[id].opened).total_seconds() for id, end in ends.items() if end is not None)

    return {
        "incidents": len(real),
        "left_out": len(mine) - len(real),
        "called": sum(bool(called[id]) for id in real),
        "known_first": sum(bool(called[id]) and min(called[id]) > one.opened for id, one in real.items()),
        "callers": sum(len(called[id]) for id in real),
        "most_callers": max((len(called[id]) for id in real), default=0),
        "alarms": len(alarms),
        "false_alarms": sum(one.cause == "false-alarm" for one in alarms),
        "kept": sum(answer is not None and answer <= by for by, answer in due),
        "missed": sum(by < desk.house.now if answer is None else answer > by for by, answer in due),
        "lead": times({id: min(called[id], default=None) for id in real}),
        "acknowledge": times({id: one.owned for id, one in real.items()}),
        "first_word": times({id: one.words[0][0] if one.words else None for id, one in real.items()}),
        "resolve": times({id: one.ended for id, one in real.items()}),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """Weeks of a desk's life, in UTC's own zone so that a pencil finds its months."""
    async with housed(tmp_path_factory.mktemp("desk"), timezone="UTC") as house:
        house.scale = replace(house.scale, impacts={"email": Impact(customers=1000.0, cost_of_quality=2.0)})
        living = Desk(house, await house.program("phone", Role.MANAGER), random.Random(3))
        await house.store.write(lambda connection: state_terms(connection, {"portal": Terms(target=Fraction(999, 1000))}, house.now))
        await house.all_good()
        await living.live(140)
        yield living


@pytest.mark.parametrize("month", MONTHS)
async def test_the_desks_figures_are_what_the_journal_says(desk: Desk, month: str) -> None:
    told = await (await desk.phone.get("/reports/desk", period=month)).json()
    found = await by_pencil(desk, month)
    assert found["incidents"], "a month without incidents shows nothing"
    flat = {**told, "kept": told["promises"]["kept"], "missed": told["promises"]["missed"]}
    for name in ("incidents", "left_out", "called", "known_first", "callers", "most_callers", "alarms", "false_alarms", "kept", "missed"):
        assert flat[name] == found[name], name
    for name in ("lead", "acknowledge", "first_word", "resolve"):
        seconds, shown = found[name], told[name]
        assert (shown["count"], shown["none"]) == (len(seconds), found["incidents"] - len(seconds)), name
        assert shown["longest"] == (seconds[-1] if seconds else None)
        assert sum(shown["up_to"].values()) == len(seconds)
        if seconds:
            below = sum(one <= shown["median"] for one in seconds)
            assert below >= len(seconds) / 2
            assert sum(one <= shown["nine_of_ten"] for one in seconds) >= 0.9 * len(seconds)
            assert shown["up_to"]["300"] == sum(60 < one <= 300 for one in seconds)


@pytest.mark.parametrize("kind", ["desk", "review"])
async def test_a_report_asks_the_store_as_often_for_a_year_as_for_a_week(desk: Desk, kind: str) -> None:
    asked = []
    for period in ("7d", "2026"):
        with statements(desk.house.store._database) as seen:
            assert (await desk.phone.get(f"/reports/{kind}", period=period)).status == 200
        asked.append(len(seen))
    assert asked[1] <= asked[0] + 4 < 25, "what is not there is not asked about"


async def test_the_pages_draw_what_the_figures_say_and_csv_has_each_incident(desk: Desk) -> None:
    mia = await desk.house.logged_in("mia", Role.MANAGER)
    told = await (await desk.phone.get("/reports/desk", period="2026-03")).json()
    page = await mia.page("/reports/desk?period=2026-03")
    assert page.count('<svg class="times"') == 4
    assert f"{told['known_first']} of {told['called']} about which anybody called" in page
    assert '<input id="period" type="month" name="period" value="2026-03"' in page
    answer = await mia.get("/reports/desk.csv?period=2026-03")
    rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert sum(row["counts"] == "yes" for row in rows) == told["incidents"]
    assert len(rows) == told["incidents"] + told["left_out"]
    assert (await (await mia.get("/reports/desk.json?period=2026-03")).json())["period"] == "2026-03"
    empty = await mia.page("/reports/desk?period=2025-01")
    assert "no data" in empty
    assert "None was opened." in empty
    assert (await mia.get("/reports/desk?period=soon")).status == 422
    assert (await mia.get("/reports/review?period=9999-12")).status == 422
    bound = await desk.house.program("bound", Role.VIEWER, teams=("mail",))
    assert (await bound.get("/reports/desk")).status == 403, "a team's viewer reads of no other team's incidents"


async def test_the_review_ranks_what_it_found_and_says_what_the_probes_missed(desk: Desk) -> None:
    mia = await desk.house.logged_in("mona", Role.MANAGER)
    told = await (await desk.phone.get("/reports/review", period="2026")).json()
    figures = await (await desk.phone.get("/reports/desk", period="2026")).json()
    assert told["incidents"] == figures["incidents"] == sum(one["incidents"] for one in told["causes"])
    assert told["cost"] == pytest.approx(sum(one["cost"] for one in told["causes"]))
    costs = [one["cost"] for one in told["causes"]]
    assert costs == sorted(costs, reverse=True)
    assert told["cost"] > 0
    assert all(one["incidents"] >= 2 for one in told["offenders"])
    early = figures["called"] - figures["known_first"]
    assert len(told["missed"]) == early > 0, "whoever was not known first was missed"
    page = await mia.page("/reports/review?period=2026")
    assert page.count("to be answered for</a>") == early
    rows = list(csv.DictReader(io.StringIO(await (await mia.get("/reports/review.csv?period=2026")).text())))
    assert [row["id"] for row in rows if row["part"] == "cause"] == [one["id"] for one in told["causes"]]


async def test_availability_tells_of_each_service_what_its_own_ledger_tells(desk: Desk) -> None:
    mia = await desk.house.logged_in("mara", Role.MANAGER)
    told = await (await desk.phone.get("/reports/availability", period="2026-03")).json()
    items = {one["service"]: one for one in told["items"]}
    assert items.keys() == desk.house.pipeline.situation.topology.services.keys()
    for service in SERVICES.values():
        ledger = await (await desk.phone.get(f"/services/{service}/availability", since=told["since"], until=told["until"])).json()
        one = items[service]
        assert (one["measured"], one["contractual"]) == (ledger["measured"], ledger["contractual"])
        assert one["unknown_seconds"] == ledger["unknown_seconds"]
    assert (items["portal"]["target"], items["email"]["target"]) == (99.9, None)
    is_kept = items["portal"]["budget_left_seconds"] >= 0
    page = await mia.page("/reports/availability?period=2026-03")
    assert f"{int(is_kept)} of 1" in page
    assert f"{items['portal']['measured']:.3f} %" in page
    rows = list(csv.DictReader(io.StringIO(await (await mia.get("/reports/availability.csv?period=2026-03")).text())))
    assert {row["service"]: float(row["measured_percent"]) for row in rows} == {id: one["measured"] for id, one in items.items()}
    before = await mia.page("/reports/availability?period=2025-01")
    assert "none can be told" in before, "nothing is known of the time before anything was watched"


async def test_large_figures_are_written_in_full(desk: Desk) -> None:
    now = desk.house.now.replace(second=0, microsecond=0)
    period = Span(now - timedelta(days=900), now)
    found = await desk.house.store.read(lambda connection: reported(connection, "portal", "Portal", period, now, NO_OFFER))
    paper = availability_monthly([replace(found, cost=1234567.89)], word="900d")
    row = dict(zip(paper.columns, paper.rows[0], strict=True))
    assert (row["cost"], float(row["unknown_seconds"])) == ("1234567.89", found.figure.unknown.total_seconds())


async def test_a_promise_of_which_nothing_is_known_all_month_is_not_kept_but_not_known(desk: Desk) -> None:
    now = desk.house.now.replace(second=0, microsecond=0)
    period = Span(now - timedelta(days=30), now)
    seen = await desk.house.store.read(lambda connection: reported(connection, "portal", "Portal", period, now, NO_OFFER))
    unseen = replace(seen, ledger=availability([], period, born=period.since))
    assert (seen.budget is not None, unseen.left) == (True, None)
    kept = next(one for one in availability_monthly([unseen], word="30d").figures if one.name == "Promises kept")
    assert (kept.value, kept.note) == ("no data", "none can be told")
    kept = next(one for one in availability_monthly([seen, unseen], word="30d").figures if one.name == "Promises kept")
    assert kept.note.endswith(" of 1; of 1 more nothing is known")


async def test_a_service_bears_its_own_name_where_a_component_has_its_id_too(desk: Desk) -> None:
    web = replace(world.service("web", world.need("web")), name={"en": "Customer portal"})
    company = Company(name="Example", zone="UTC", language="en", topology=world.topology([web]), impacts={}, causes=Causes(listed=()))
    found = await desk.house.store.read(partial(report_of, kind=Kind.AVAILABILITY, word="2026-03", now=desk.house.now, company=company))
    assert isinstance(found, AvailabilityReport)
    assert [one.name for one in found.services] == ["Customer portal"]
    assert company.named("web") == "Web"


async def test_of_a_period_that_begins_this_minute_nothing_is_known(desk: Desk) -> None:
    period = Span(desk.house.now.replace(second=0, microsecond=0), desk.house.now + timedelta(days=30))
    found = await desk.house.store.read(lambda connection: reported(connection, "portal", "Portal", period, period.since, NO_OFFER))
    assert (found.ledger, found.figure.measured, found.left) == (None, None, None)


async def test_the_command_line_prints_the_same_report_as_one_file(tmp_path: Path) -> None:
    (tmp_path / "statuspage.yaml").write_text("site: {name: Example, url: http://127.0.0.1:1}\n")
    done = await statuspage("report", "desk", "--format", "html", here=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("<svg") == 4
    assert "no data" in done.out
