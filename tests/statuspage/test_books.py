"""The books: figures of every service as of the last whole minute, the same on every surface."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from incidents.correction import Claim, correct
from incidents.levels.service_level import Credit, Offer
from incidents.levels.terms import Terms
from incidents.model import Status
from incidents.planned.planning import Wish, plan
from probes.result import Failure, ProbeResult, Result
from statuspage.books import Books
from statuspage.ledgers import ledger_of
from statuspage.picture.spending import spending
from statuspage.render.level_metrics import level_metrics
from statuspage.store.errors import StoreUnavailable
from statuspage.store.ledger_rows import state_terms
from tests.statuspage.desks import TOPOLOGY, House, housed
from tests.statuspage.pasts import ANYTIME

HOUR = timedelta(hours=1)
THREE_NINES = Terms(target=Fraction(999, 1000))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as house:
        yield house


class Reader:
    """Books over a desk's store, which hear of what is committed there."""

    def __init__(self, house: House, **offers: Offer) -> None:
        services = house.pipeline.situation.topology.services
        self.books = Books(store=house.store, zone="Europe/Berlin", services=services, offers=offers)
        house.pipeline.audience = lambda events, _: self.books.hear(events)


async def outage_of_an_hour(house: House) -> Reader:
    """The portal works for nine hours, is down for one, and works again."""
    await house.store.write(lambda connection: state_terms(connection, {"portal": THREE_NINES}, house.now))
    reader = Reader(house)
    await house.see("portal-web", None)
    house.now += 9 * HOUR
    await house.see("portal-web", Failure.REFUSED)
    house.now += HOUR - timedelta(seconds=3 * 2)
    await house.see("portal-web", None)
    house.now += timedelta(minutes=10)
    await reader.books.renew(house.now)
    return reader


async def test_every_figure_is_that_of_the_ledger_of_its_period(house: House) -> None:
    level = (await outage_of_an_hour(house)).books.levels["portal"]
    for word, ledger in level.periods.items():
        anew = await house.store.read(partial(ledger_of, service="portal", period=ledger.period))
        assert ledger == anew, word
    assert level.periods["24h"].measured.down == HOUR // timedelta(microseconds=1)
    assert level.as_of == house.now.replace(second=0, microsecond=0)


async def test_a_service_that_was_never_watched_has_no_figure(house: House) -> None:
    assert "email" not in (await outage_of_an_hour(house)).books.levels


async def test_a_budget_that_burns_fast_and_is_spent_says_so(house: House) -> None:
    level = (await outage_of_an_hour(house)).books.levels["portal"]
    assert level.is_spent
    assert level.runs_out_at == level.as_of
    assert [(burn.window, burn.is_fast) for burn in level.burns] == [("1h", False), ("6h", True), ("3d", True)]


async def test_the_desk_is_cautioned_of_a_promise_that_is_missed_or_soon_will_be(house: House) -> None:
    reader = await outage_of_an_hour(house)
    (missed,) = spending(reader.books.levels)
    assert (missed.service, missed.is_spent) == ("portal", True)
    assert missed.words == "The downtime that a promise of 99.9 % a month allows is used up: 90.163 % so far."
    fast = "9.84 times as fast over 3d as a promise of 99 % a month allows"
    for target, words in ((Fraction(99, 100), fast), (Fraction(9, 10), None), (None, None)):
        await house.store.write(partial(state_terms, stated={"portal": Terms(target=target)}, at=house.now))
        reader.books.forget("UTC", reader.books.services, {})
        await reader.books.renew(house.now)
        told = [one.words for one in spending(reader.books.levels) if not one.is_spent]
        assert len(told) == (words is not None), target
        assert words is None or words in told[0], told


async def test_a_quiet_minute_reads_nothing_and_looks_as_before(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await outage_of_an_hour(house)
    house.now += 40 * 24 * HOUR
    await reader.books.renew(house.now)
    before = reader.books.views, reader.books.pasts

    async def refuse(_: object) -> None:
        raise StoreUnavailable("nobody was to ask")

    monkeypatch.setattr(house.store, "read", refuse)
    house.now += timedelta(minutes=1)
    await reader.books.renew(house.now)
    assert reader.books.levels["portal"].as_of == house.now.replace(second=0, microsecond=0)
    assert (reader.books.views, reader.books.pasts) == before


async def test_while_the_store_is_away_figures_stay_and_nothing_is_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await outage_of_an_hour(house)
    await house.see("portal-web", Failure.REFUSED)
    until = house.now
    house.now += timedelta(minutes=30)
    claim = Claim(service="portal", since=until - HOUR, until=until - HOUR / 2, status=Status.MAJOR, reason="a caller saw it")
    await house.pipeline.act(partial(correct, claim=claim, by="anna"))
    before = reader.books.levels

    async def refuse(_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(house.store, "read", refuse)
        with pytest.raises(StoreUnavailable):
            await reader.books.renew(house.now)
    assert reader.books.levels is before
    await reader.books.renew(house.now)
    level = reader.books.levels["portal"]
    assert level.whole == await house.store.read(lambda connection: ledger_of(connection, "portal", level.whole.period))
    assert any(one.author == "anna" for one in level.whole.intervals)


async def test_what_is_internal_is_in_no_public_view_unless_the_file_says_so(house: House) -> None:
    reader = await outage_of_an_hour(house)
    steps = (Credit(below=Fraction(999, 1000), percent=Fraction(10)),)
    assert reader.books.views["portal"].budget is None
    for is_public in (False, True):
        reader.books.forget("UTC", reader.books.services, {"portal": Offer(credits=steps, is_public=is_public)})
        await reader.books.renew(house.now)
        shown = reader.books.views["portal"]
        assert (shown.budget is not None, shown.credits) == (is_public, steps if is_public else ())


async def test_metrics_page_and_ledger_agree_to_the_last_digit(house: House) -> None:
    reader = await outage_of_an_hour(house)
    level, view = reader.books.levels["portal"], reader.books.views["portal"]
    text = level_metrics(reader.books.levels)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    ratios = {
        (sample.labels["period"], sample.labels["figure"]): sample.value
        for sample in families["statuspage_service_availability_ratio"].samples
    }
    assert set(ratios) == {(word, figure) for word in level.periods for figure in ("measured", "contractual")}
    for word, figure in view.figures.items():
        assert f"{ratios[word, 'measured'] * 100:.3f}" == figure.measured
        assert f"{ratios[word, 'contractual'] * 100:.3f}" == figure.contractual
    budget = families["statuspage_service_error_budget_remaining_ratio"].samples[0]
    assert level.budget is not None
    assert budget.value == pytest.approx(float(level.budget.remaining_ratio or 0), abs=1e-5)
    assert budget.value < 0


async def test_closed_months_are_told_as_what_was_promised_then(house: House) -> None:
    reader = await outage_of_an_hour(house)
    house.now += 31 * 24 * HOUR
    await house.store.write(lambda connection: state_terms(connection, {"portal": Terms(target=Fraction(1, 2))}, house.now))
    reader.books.forget("Europe/Berlin", reader.books.services, {})
    await reader.books.renew(house.now)
    present, march = reader.books.levels["portal"].months
    assert (present.first.month, present.is_over, present.terms.target) == (4, False, Fraction(1, 2))
    assert (march.first.month, march.is_over, march.is_missed, march.terms) == (3, True, True, THREE_NINES)
    assert march.ledger == await house.store.read(lambda connection: ledger_of(connection, "portal", march.ledger.period))


class Lived:
    """A house in which things happen by chance, with books that heard of all of them."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        self.books = Reader(house).books

    async def goes_on(self) -> str:
        """One thing happens, then time passes: seconds or hours, and now and then a day. Returns what it was."""
        (deed,) = self.chance.choices(["breaks", "mends", "nothing", "is planned", "is known better"], [10, 16, 6, 3, 1])
        match deed:
            case "breaks" | "mends":
                await self.house.see(self.chance.choice(list(TOPOLOGY.components)), Failure.REFUSED if deed == "breaks" else None)
            case "is known better":
                until = self.house.now - timedelta(seconds=self.chance.randint(1, 90_000))
                since = until - timedelta(seconds=self.chance.randint(1, 90_000))
                status = self.chance.choice([Status.OPERATIONAL, Status.MAJOR, Status.UNKNOWN])
                claim = Claim(service=self.chance.choice(["email", "portal"]), since=since, until=until, status=status, reason="seen")
                await self.house.pipeline.act(partial(correct, claim=claim, by="anna"))
            case "is planned":
                starts = self.house.now + timedelta(seconds=self.chance.randint(0, 100))
                ends = starts + timedelta(seconds=self.chance.randint(60, 4000))
                wish = Wish(name="Patches", services=("email", "portal"), starts=starts, ends=ends, body="We patch the servers.")
                await self.house.pipeline.act(partial(plan, by="anna", wish=wish, terms=ANYTIME))
            case _:
                pass
        self.house.wait(seconds=self.chance.choices([0.3, 7, 20, 61, 700, 9000, 90_000], [6, 6, 6, 6, 6, 6, 1])[0])
        await self.house.pipeline.tick()
        return deed

    async def as_read_anew(self) -> Books:
        books = Reader(self.house).books
        self.house.pipeline.audience = lambda events, _: self.books.hear(events)
        await books.renew(self.house.now)
        return books


@pytest.mark.parametrize("seed", range(4))
async def test_books_that_heard_it_all_are_those_that_are_read_anew(house: House, seed: int) -> None:
    lived, done = Lived(house, seed), []
    for _ in range(80):
        done.append(await lived.goes_on())
        if done[-1] == "is planned":
            house.wait(minutes=1)  # it may bear on the contract of any service, and is read with the minute
        if lived.chance.random() < 0.7:
            await lived.books.renew(house.now)
            anew = await lived.as_read_anew()
            assert (lived.books.levels, lived.books.pasts) == (anew.levels, anew.pasts)
    assert len({*done}) == 5


async def test_of_planned_work_the_contract_hears_with_the_minute(house: House) -> None:
    terms = replace(THREE_NINES, notice=timedelta(seconds=1))
    await house.store.write(lambda connection: state_terms(connection, {"portal": terms}, house.now))
    await house.all_good()
    reader = Reader(house)
    await reader.books.renew(house.now)
    starts = house.now.replace(second=0, microsecond=0) + timedelta(minutes=3)
    wish = Wish(name="Patches", services=("portal",), starts=starts, ends=starts + HOUR, body="We patch the servers.")
    await house.pipeline.act(partial(plan, by="anna", wish=wish, terms=ANYTIME))
    await reader.books.renew(house.now)
    house.now = starts
    await house.pipeline.tick()
    await house.see("portal-web", Failure.REFUSED)
    house.now = starts + timedelta(minutes=30)
    await reader.books.renew(house.now)
    day = reader.books.levels["portal"].periods["24h"]
    assert day.measured.down > day.contractual.down == 0


async def test_what_the_machine_decides_is_told_at_once_and_without_reading(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    books = (await outage_of_an_hour(house)).books
    house.now = house.now.replace(second=0) + timedelta(minutes=2, seconds=50)
    began = house.now
    await house.see("portal-web", Failure.REFUSED)
    house.wait(seconds=20)

    async def refuse(_: object) -> None:
        raise StoreUnavailable("nobody was to ask")

    monkeypatch.setattr(house.store, "read", refuse)
    await books.renew(house.now)
    today = books.pasts["portal"].days[-1]
    assert today.downtime == (HOUR + timedelta(seconds=10)).total_seconds()
    assert books.levels["portal"].periods["24h"].measured.down == today.downtime * 1_000_000
    assert books.as_of == began.replace(second=0) + timedelta(minutes=1)


async def test_an_outage_that_is_found_out_after_midnight_is_in_the_bar_of_the_day_on_which_it_began(house: House) -> None:
    books = (await outage_of_an_hour(house)).books
    midnight = house.now.replace(hour=23, minute=0, second=0, microsecond=0)  # in Berlin
    house.now = midnight - timedelta(seconds=20)
    failed = ProbeResult(took=0.01, failure=Failure.REFUSED, stage="connect")
    await house.pipeline.observe(Result(monitor="portal-web-port", location="local", slot=house.now, started=house.now, measured=failed))
    house.now = midnight + timedelta(seconds=1)
    await books.renew(house.now)
    assert [day.downtime for day in books.pasts["portal"].days[-2:]] == [3600, 0]
    await house.see("portal-web", Failure.REFUSED)
    house.now = midnight + timedelta(minutes=1)
    await books.renew(house.now)
    assert [day.downtime for day in books.pasts["portal"].days[-2:]] == [3620, 60]
