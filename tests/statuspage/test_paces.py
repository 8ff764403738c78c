"""How quickly a service answered: from the hourly roll-ups, by what customers call its parts, and nothing of how it is measured."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from probes.result import Failure, ProbeResult, Result
from statuspage import bundled
from statuspage.config import loading
from statuspage.config.answering import answering
from statuspage.paces import Paces
from statuspage.picture.pace import Pace
from statuspage.publish import Publisher
from statuspage.render.html import Html
from statuspage.render.pace import spelled
from statuspage.store.engine import Database, Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.record import record
from tests.statuspage.pictures import service, snapshot

NOW = datetime(2026, 11, 22, 16, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMTP, WEB = ("smtp-port", "local"), ("web-login", "local")


def rounded(values: tuple[float | None, ...]) -> list[float | None]:
    return [None if value is None else round(value, 4) for value in values]


def measured(place: tuple[str, str], at: datetime, took: float, failure: Failure | None = None) -> Result:
    return Result(monitor=place[0], location=place[1], slot=at, started=at, measured=ProbeResult(took=took, failure=failure))


def steady(place: tuple[str, str], took: float, hours: int, until: datetime = NOW) -> Iterator[Result]:
    """A result an hour, for so many hours up to the last one that is over."""
    for back in range(hours, 0, -1):
        yield measured(place, until.replace(minute=30) - back * HOUR, took)


@dataclass
class Keeper:
    paces: Paces
    store: Store
    now: datetime = NOW
    told: list[datetime] = field(default_factory=list)
    watched: dict[str, dict[int, list[tuple[str, str]]]] = field(default_factory=dict)

    async def add(self, *results: Result) -> None:
        await self.store.write(lambda connection: record(connection, events=(), results=results, at=self.now))


@asynccontextmanager
async def keeping(directory: Path, zone: str = "UTC") -> AsyncIterator[Keeper]:
    store = Store(Database.open("sqlite:///paces.db", directory))
    paces = Paces(
        store=store,
        now=lambda: mine.now,
        zone=lambda: zone,
        watched=lambda: mine.watched,
        told=lambda: mine.told.append(mine.now),
    )
    mine = Keeper(paces, store, watched={"email": {0: [SMTP]}, "portal": {0: [WEB], 1: [SMTP, WEB]}})
    try:
        yield mine
    finally:
        await store.close()


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    async with keeping(tmp_path) as found:
        yield found


async def test_hours_and_days_tell_what_answers_took_on_average(keeper: Keeper) -> None:
    await keeper.add(*steady(SMTP, 0.2, 30), measured(SMTP, NOW - HOUR, 0.4), *steady(WEB, 0.1, 30))
    await keeper.paces.renew()
    (email,) = keeper.paces.paces["email"]
    assert rounded(email.hours) == [0.2] * 23 + [0.3]
    assert email.until == NOW.replace(minute=0, second=0)
    assert email.days[:28] == (None,) * 28
    assert rounded(email.days[28:]) == [0.2, round((15 * 0.2 + 2 * 0.3) / 17, 4)]
    assert rounded(keeper.paces.paces["portal"][1].hours[:1]) == [0.15]


async def test_an_hour_in_which_something_failed_is_left_out_and_so_is_the_one_that_goes_on(keeper: Keeper) -> None:
    await keeper.add(*steady(SMTP, 0.2, 3), measured(SMTP, NOW - 2 * HOUR, 9.0, Failure.TIMEOUT), measured(SMTP, NOW, 7.0))
    await keeper.paces.renew()
    (email,) = keeper.paces.paces["email"]
    assert rounded(email.hours[-3:]) == [0.2, None, 0.2]
    assert rounded(email.days[-1:]) == [0.2]


async def test_days_are_those_of_the_site(tmp_path: Path) -> None:
    async with keeping(tmp_path, "Pacific/Auckland") as keeper:
        midnight = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)  # there the 22nd begins
        await keeper.add(measured(SMTP, midnight - HOUR, 0.1), measured(SMTP, midnight, 0.3))
        await keeper.paces.renew()
        (email,) = keeper.paces.paces["email"]
        assert (email.today, rounded(email.days[-3:])) == (date(2026, 11, 23), [0.1, 0.3, None])


async def test_after_the_first_look_only_what_is_new_is_read_and_the_picture_is_the_same(keeper: Keeper) -> None:
    await keeper.add(*steady(SMTP, 0.2, 800))
    await keeper.paces.renew()
    for hours in (1, 5, 30):
        keeper.now = NOW + hours * HOUR
        await keeper.add(*steady(SMTP, 0.1 * hours, hours, keeper.now))
        await keeper.paces.renew()
        anew = Paces(store=keeper.store, now=lambda: keeper.now, zone=lambda: "UTC", watched=lambda: keeper.watched)
        await anew.renew()
        assert keeper.paces.paces == anew.paces
    assert len(keeper.told) == 4
    await keeper.paces.renew()
    assert len(keeper.told) == 4


async def test_a_service_that_nobody_measured_has_no_pace(keeper: Keeper) -> None:
    await keeper.add(*steady(WEB, 0.1, 2))
    await keeper.paces.renew()
    assert keeper.paces.paces.keys() == {"portal"}


async def test_while_the_store_is_away_what_is_known_stays(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    await keeper.add(*steady(SMTP, 0.2, 3))
    await keeper.paces.renew()
    known = keeper.paces.paces

    async def away(_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(keeper.store, "read", away)
    keeper.now += HOUR
    with pytest.raises(StoreUnavailable):
        await keeper.paces.renew()
    assert keeper.paces.paces is known


# --- whose pace is told

FILE = """
site: {name: Muster, url: https://status.example.net}
services:
  email:
    needs:
      - {component: sending, as: Sending}
      - {component: boxes, as: Reading}
      - {component: inner}
  portal: {monitors: [{probe: http, url: "https://portal.example.net"}]}
  dull: {needs: [certificate]}
components: {sending: {}, boxes: {}, inner: {}, certificate: {}}
monitors:
  submission: {probe: smtp, host: mail.example.net, port: 587, component: sending}
  old-submission: {probe: smtp, host: old.example.net, port: 587, component: sending, severity: warning}
  off-submission: {probe: smtp, host: off.example.net, port: 587, component: sending, enabled: false}
  login: {probe: imap, host: mail.example.net, port: 143, component: boxes}
  webmail: {probe: http, url: "https://webmail.example.net", component: boxes}
  inner-page: {probe: http, url: "https://inner.example.net", component: inner}
  certificate: {probe: tls, host: mail.example.net, port: 443, component: certificate}
"""


def test_what_customers_wait_for_is_told_by_the_names_they_know(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FILE)
    config = loading.load(file, {}).config
    assert answering(config, loading.topology(config)) == {
        "email": {0: [("submission", "local")], 1: [("webmail", "local")]},
        "portal": {0: [("portal-http", "local")]},
    }


# --- what is shown


def page(*paces: Pace, language: str | None = None) -> str:
    publisher = Publisher(Html(bundled.templates()))
    shelf = publisher.publish(replace(snapshot(service("email")), paces={"email": paces}), NOW)
    path = "/services/email" if language is None else f"/{language}/services/email"
    found = publisher.made(shelf, path)
    assert found is not None
    return found.body.decode()


def pace(need: int = 0, **more: object) -> Pace:
    hours = (*[0.2] * 22, None, 1.25)
    plain = Pace(need=need, hours=hours, days=(None, *[0.05] * 29), until=NOW.replace(minute=0, second=0), today=NOW.date())
    return replace(plain, **more)  # type: ignore[arg-type]  # the test's own keywords


def test_the_page_of_a_service_tells_its_pace_in_words_beside_the_picture() -> None:
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page(pace()).partition("Response time")[2]))
    assert "Sending" in told
    assert "Last 24 hours: 0.25 s on average, from 0.20 s to 1.25 s." in told
    assert "Slowest in the hour from 22 Nov 2026, 15:00 UTC ." in told
    assert "Last 30 days: 50 ms on average, from 50 ms to 50 ms." in told
    assert page(pace()).count('class="pace"') == 2


def test_where_nothing_is_known_there_is_no_picture() -> None:
    assert "Response time" not in page()
    assert page(pace(hours=(None,) * 24)).count('class="pace"') == 1
    assert "Response time" not in page(pace(need=9))


def test_a_gap_in_what_is_known_is_a_gap_in_the_line() -> None:
    (drawn,) = re.findall(r'class="pace".*?<path d="([^"]+)"', page(pace(days=(None,) * 30)))
    assert drawn.count("M") == 2
    assert drawn.endswith("h12.5")


def test_nothing_tells_how_it_is_measured() -> None:
    told = page(pace())
    for word in ("smtp", "email-sending", "local", "timeout", "threshold"):
        assert word not in told.partition("Response time")[2].partition("Keep up")[0]


@pytest.mark.parametrize(("seconds", "told"), [(0.0004, "1 ms"), (0.0456, "46 ms"), (0.1, "0.10 s"), (1.239, "1.24 s"), (12.4, "12 s")])
def test_times_are_told_as_people_read_them(seconds: float, told: str) -> None:
    assert spelled(seconds) == told
