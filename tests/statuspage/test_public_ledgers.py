"""The ledger behind each public figure, fetched as a customer's auditor does: finished, redone from its rows, and without a name."""

import asyncio
import csv
import io
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession

from incidents.correction import Claim, correct
from incidents.levels.availability import percent
from incidents.levels.periods import named, written
from incidents.levels.service_level import Credit, Offer
from incidents.levels.terms import Period, Terms
from incidents.model import Status
from incidents.times.calendars import Calendar
from probes.result import Failure
from statuspage.books import Books
from statuspage.render.finished import Finished, finish
from statuspage.render.ledgers import addressed
from statuspage.store.ledger_rows import state_terms
from tests.statuspage.desks import START, House, housed
from tests.statuspage.pictures import service, snapshot
from tests.statuspage.serving import Served, serving

HOUR = timedelta(hours=1)
OFFICE = Calendar(timezone="Europe/Berlin", weekly=dict.fromkeys(range(7), ((9 * 60, 16 * 60),)), closed=frozenset())
TERMS = Terms(target=Fraction(99, 100), hours=OFFICE, partial_counts=Fraction(1, 4))
OFFER = Offer(credits=(Credit(below=Fraction(1), percent=Fraction(7)),), customers=977.0, cost_of_quality=3.0)
MARCH = "/services/email/ledger/2026-03"


@dataclass(frozen=True)
class Auditor:
    """A customer's auditor, with nothing but the public address; and what stands behind it."""

    house: House
    books: Books
    served: Served
    session: ClientSession

    async def fetch(self, path: str) -> tuple[int, str]:
        async with self.session.get(path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def auditor(tmp_path: Path) -> AsyncIterator[Auditor]:
    """Email is partly out for two hours, one of which was none, as anna of the desk found out; it has hours, and a weight."""
    async with housed(tmp_path) as house:
        await house.store.write(lambda connection: state_terms(connection, {"email": TERMS}, START))
        await house.all_good()
        house.now = START + 5 * HOUR
        await house.see("outgoing", Failure.REFUSED)
        house.now = START + 7 * HOUR
        await house.all_good()
        since, until = START + 6 * HOUR, START + 6.5 * HOUR
        claim = Claim(service="email", since=since, until=until, status=Status.UNKNOWN, reason="=our link")
        await house.pipeline.act(partial(correct, claim=claim, by="anna"))
        house.now = START + 11 * HOUR + timedelta(seconds=11)
        services = house.pipeline.situation.topology.services
        books = Books(store=house.store, zone="Europe/Berlin", services=services, offers={"email": OFFER})
        await books.renew(house.now)
        served = Served(find_ledger=books.document)
        served.publish(snapshot(service("email")))
        async with serving(served) as session:
            yield Auditor(house, books, served, session)


def redone(rows: list[dict[str, str]]) -> tuple[Fraction, Fraction]:
    """Both figures from the rows of a CSV, by the rules in docs/service-levels.md."""
    measured, contractual = [Fraction(0), Fraction(0)], [Fraction(0), Fraction(0)]
    for row in rows:
        lasted = Fraction(row["seconds"])
        up = {"up": lasted, "degraded": lasted, "partial": lasted * (1 - Fraction(row["partial_counts"]))}.get(row["measured"], Fraction(0))
        if row["measured"] != "unknown":
            measured = [measured[0] + up, measured[1] + lasted]
            if row["kind"] != "outside_hours":
                contractual = [contractual[0] + up, contractual[1] + (lasted if row["counts"] == "true" else up)]
    return measured[0] / measured[1], contractual[0] / contractual[1]


async def test_both_figures_can_be_reckoned_anew_from_the_rows(auditor: Auditor) -> None:
    rows = list(csv.DictReader(io.StringIO((await auditor.fetch(f"{MARCH}.csv"))[1])))
    told = json.loads((await auditor.fetch(f"{MARCH}.json"))[1])
    assert {row["kind"] for row in rows} == {"up", "partial", "unknown", "outside_hours"}
    assert {row["partial_counts"] for row in rows} == {"0.25"}
    measured, contractual = redone(rows)
    assert measured != contractual
    assert [f"{told['measured']:.3f}", f"{told['contractual']:.3f}"] == [percent(measured), percent(contractual)]
    ledger = auditor.books.levels["email"].periods["month"]
    assert (measured, contractual) == (ledger.measured.ratio, ledger.contractual.ratio)
    assert sum(Fraction(row["seconds"]) for row in rows) == Fraction(ledger.period.length // timedelta(microseconds=1), 1_000_000)


async def test_the_json_has_the_fixed_shape_and_is_as_of_the_last_whole_minute(auditor: Auditor) -> None:
    told = json.loads((await auditor.fetch(f"{MARCH}.json"))[1])
    assert [*told] == ["service", "period", "since", "until", "measured", "contractual", "unknown_seconds", "intervals"]
    assert all({"since", "until", "kind", "counts", "reason"} <= one.keys() for one in told["intervals"])
    assert (told["service"], told["period"], told["until"], told["unknown_seconds"]) == ("email", "2026-03", "2026-03-02T19:00:00Z", 1800.0)
    edges = [(one["since"], one["until"]) for one in told["intervals"]]
    assert [until for _, until in edges[:-1]] == [since for since, _ in edges[1:]]
    assert (edges[0][0], edges[-1][1]) == (told["since"], told["until"])


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_the_reason_of_a_correction_is_public_and_nobodys_name_and_no_money(auditor: Auditor, form: str) -> None:
    _, told = await auditor.fetch(f"{MARCH}.{form}")
    assert "=our link" in told
    assert "anna" not in told
    assert "977" not in told
    assert "credit" not in told.lower()
    assert "author" not in told.lower()


async def test_a_cell_never_begins_like_a_formula(auditor: Auditor) -> None:
    assert ",'=our link\n" in (await auditor.fetch(f"{MARCH}.csv"))[1]


async def test_every_period_on_the_page_has_its_ledger_and_no_other(auditor: Auditor) -> None:
    assert auditor.books.levels["email"].ledgers.keys() == {"24h", "7d", "30d", "90d", "365d", "2026-03", "2026-Q1", "2026"}
    for word in auditor.books.levels["email"].ledgers:
        for form in ("json", "csv"):
            assert (await auditor.fetch(f"/services/email/ledger/{word}.{form}"))[0] == 200
    for path in ("2026-02.json", "2026-04.csv", "month.json", "2026-03.xml", "2026-03", "1000d.csv", "../email/2026-03.csv", ".json"):
        assert (await auditor.fetch(f"/services/email/ledger/{path}"))[0] == 404
    for id_ in ("portal", "fax", "email/x", "email%2fx"):
        assert (await auditor.fetch(f"/services/{id_}/ledger/2026-04.json"))[0] == 404


async def test_it_is_served_as_every_other_public_document(auditor: Auditor) -> None:
    for form, kind in (("json", "application/json"), ("csv", "text/csv")):
        async with auditor.session.get(f"{MARCH}.{form}", headers={"Accept-Encoding": "gzip"}) as answer:
            assert (answer.content_type, answer.headers["Content-Encoding"]) == (kind, "gzip")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Cache-Control"] == "public, max-age=0, stale-if-error=86400"
            tag = answer.headers["ETag"]
        async with auditor.session.get(f"{MARCH}.{form}", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with auditor.session.head(f"{MARCH}.{form}") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with auditor.session.post(f"{MARCH}.{form}") as answer:
            assert answer.status == 405


async def test_a_closed_month_keeps_its_tag_and_a_running_one_gets_another_with_the_minute(auditor: Auditor) -> None:
    auditor.house.now = START + timedelta(days=40)
    tags = []
    for _ in range(2):
        await auditor.books.renew(auditor.house.now)
        auditor.served.publish(snapshot(service("email")))
        found = []
        for word in ("2026-03", "2026-04"):
            async with auditor.session.get(f"/services/email/ledger/{word}.json") as answer:
                found.append(answer.headers["ETag"])
        tags.append(found)
        auditor.house.wait(minutes=1)
    assert tags[0][0] == tags[1][0]
    assert tags[0][1] != tags[1][1]


async def test_it_is_made_once_for_each_publication_and_never_on_the_loops_own_thread(auditor: Auditor) -> None:
    threads: list[int] = []

    def make() -> Finished:
        threads.append(threading.get_ident())
        return finish(b"{}", "application/json")

    auditor.served.find_ledger = {f"{MARCH}.json": make}.get
    asked = [auditor.fetch(f"{MARCH}.json") for _ in range(8)]
    assert await asyncio.gather(*asked) == [(200, "{}")] * 8
    made = len(threads)
    assert made <= 2  # by those who were let in together
    assert threading.get_ident() not in threads
    await auditor.fetch(f"{MARCH}.json")
    assert len(threads) == made
    auditor.served.publish(snapshot(service("email")))
    await auditor.fetch(f"{MARCH}.json")
    assert len(threads) == made + 1


async def test_where_many_are_made_the_others_wait_and_then_hear_busy_and_pages_go_on(auditor: Auditor) -> None:
    gate, count, most = threading.Event(), [0, 0], threading.Lock()

    def make() -> Finished:
        with most:
            count[0] += 1
            count[1] = max(count)
        gate.wait(20)
        with most:
            count[0] -= 1
        return finish(b"{}", "application/json")

    auditor.served.find_ledger = lambda _: make
    asking = [asyncio.create_task(auditor.fetch(f"/services/email/ledger/{number}.json")) for number in range(70)]
    done, waiting = await asyncio.wait(asking, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 6:
        more, waiting = await asyncio.wait(waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert {task.result()[0] for task in done} == {503}
    assert (await auditor.fetch("/"))[0] == 200
    gate.set()
    assert {task.result()[0] for task in (await asyncio.wait(waiting, timeout=10))[0]} == {200}
    assert count[1] == 2


async def test_large_ledgers_are_not_kept_past_a_bound_of_bytes(auditor: Auditor) -> None:
    made: list[str] = []

    def find(path: str) -> partial[Finished]:
        return partial(make, path)

    def make(path: str) -> Finished:
        made.append(path)
        return finish(b"[" + b" " * 5_000_000 + b"]", "application/json")

    auditor.served.find_ledger = find
    paths = [f"/services/email/ledger/{number}.json" for number in range(5)]
    for path in (*paths, paths[-1], paths[0]):
        await auditor.fetch(path)
    assert made == [*paths, paths[0]]


@pytest.mark.parametrize(
    ("day", "words"), [(date(2026, 1, 1), ("2026-01", "2026-Q1", "2026")), (date(2025, 12, 31), ("2025-12", "2025-Q4", "2025"))]
)
def test_a_period_is_written_as_it_is_read(day: date, words: tuple[str, ...]) -> None:
    assert tuple(written(kind, day) for kind in Period) == words
    for word in words:
        period = named(word, START, "UTC")
        assert period.since.date() <= day < period.until.date()


def test_an_address_is_that_of_a_ledger_or_of_nothing() -> None:
    assert addressed("/services/email/ledger/2026-Q4.csv") is not None
    for path in (
        "/services//ledger/2026.csv",
        "/services/a/b/ledger/2026.csv",
        "/services/a/ledger/2026.csv/",
        "/services/a/ledger/20.26.csv",
    ):
        assert addressed(path) is None
