"""The books: figures of every service as of the last whole minute, the same on every surface."""

from collections.abc import AsyncIterator
from datetime import timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from incidents.levels.service_level import Credit, Offer
from incidents.levels.terms import Terms
from probes.result import Failure
from statuspage.books import Books
from statuspage.ledgers import ledger_of
from statuspage.render.level_metrics import level_metrics
from statuspage.spending import spending
from statuspage.store.errors import StoreUnavailable
from statuspage.store.ledger_rows import state_terms
from tests.statuspage.desks import House, housed

HOUR = timedelta(hours=1)
THREE_NINES = Terms(target=Fraction(999, 1000))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as house:
        yield house


class Reader:
    """Books over a desk's store, and how often they said that there is something new to see."""

    def __init__(self, house: House, **offers: Offer) -> None:
        self.told = 0
        services = house.pipeline.situation.topology.services
        self.books = Books(store=house.store, now=lambda: house.now, zone="Europe/Berlin", services=services, offers=offers, told=self.tell)
        house.pipeline.audience = self.books.hear

    def tell(self) -> None:
        self.told += 1


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
    await reader.books.renew()
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
        await reader.books.renew()
        told = [one.words for one in spending(reader.books.levels) if not one.is_spent]
        assert len(told) == (words is not None), target
        assert words is None or words in told[0], told


async def test_a_quiet_minute_reads_nothing_and_tells_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await outage_of_an_hour(house)
    house.now += 40 * 24 * HOUR
    await reader.books.renew()
    told = reader.told
    unwatched = [id for id in reader.books.services if id not in reader.books.levels]
    reader.books.services = [id for id in reader.books.services if id not in unwatched]

    async def refuse(_: object) -> None:
        raise StoreUnavailable("nobody was to ask")

    monkeypatch.setattr(house.store, "read", refuse)
    house.now += timedelta(minutes=1)
    await reader.books.renew()
    assert reader.books.levels["portal"].as_of == house.now.replace(second=0, microsecond=0)
    assert reader.told == told


async def test_while_the_store_is_away_figures_stay_and_nothing_is_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await outage_of_an_hour(house)
    await house.see("portal-web", Failure.REFUSED)
    house.now += timedelta(minutes=30)
    before = reader.books.levels

    async def refuse(_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(house.store, "read", refuse)
        with pytest.raises(StoreUnavailable):
            await reader.books.renew()
    assert reader.books.levels is before
    await reader.books.renew()
    assert reader.books.levels["portal"].periods["24h"].measured.down > before["portal"].periods["24h"].measured.down


async def test_what_is_internal_is_in_no_public_view_unless_the_file_says_so(house: House) -> None:
    reader = await outage_of_an_hour(house)
    steps = (Credit(below=Fraction(999, 1000), percent=Fraction(10)),)
    assert reader.books.views["portal"].budget is None
    for is_public in (False, True):
        reader.books.forget("UTC", reader.books.services, {"portal": Offer(credits=steps, is_public=is_public)})
        await reader.books.renew()
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
    await reader.books.renew()
    present, march = reader.books.levels["portal"].months
    assert (present.first.month, present.is_over, present.terms.target) == (4, False, Fraction(1, 2))
    assert (march.first.month, march.is_over, march.is_missed, march.terms) == (3, True, True, THREE_NINES)
    assert march.ledger == await house.store.read(lambda connection: ledger_of(connection, "portal", march.ledger.period))
