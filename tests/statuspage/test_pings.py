"""The addresses where monitors report by themselves, over a real socket with a real store behind it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from aiohttp import ClientResponse, ClientSession
from sqlalchemy import text
from yarl import URL

from incidents.heartbeat import Every, Heartbeat
from incidents.model import Component, Monitor, Need, Service, Status, Subject
from incidents.policy import Policy
from incidents.rollup import standing
from probes.heartbeat import digest
from probes.result import Failure, ProbeResult, Result
from statuspage.store import queries
from statuspage.store.errors import StoreUnavailable
from tests.statuspage.desks import TOPOLOGY, House, housed

TOKEN, OTHER = "1f8a64b2-c0de-4d7f-9a3b", "with space/and?more%"
NIGHTLY = Heartbeat(rhythm=Every(gap=timedelta(hours=24)), grace=timedelta(hours=1), finish_within=timedelta(hours=2))
PLACE = ("nightly", "local")


SILENT = timedelta(seconds=100)
"""How long the other monitors may say nothing."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        monitors = {
            id_: Monitor(id=id_, component="backup", fails_after=1, recovers_after=1, heartbeat=NIGHTLY) for id_ in ("nightly", "odd")
        }
        topology = replace(
            TOPOLOGY,
            services={
                **TOPOLOGY.services,
                "copies": Service(id="copies", name=MappingProxyType({"en": "Copies"}), needs=(Need(of=("backup",)),)),
            },
            components={**TOPOLOGY.components, "backup": Component(id="backup", name="Backup")},
            monitors={**{id_: replace(one, stale_after=SILENT) for id_, one in TOPOLOGY.monitors.items()}, **monitors},
        )
        await opened.pipeline.replace(topology, Policy())
        opened.heartbeats = {digest(TOKEN): "nightly", digest(OTHER): "odd"}
        yield opened


def browser(house: House) -> ClientSession:
    return house.browser().session


def status(house: House, monitor: str = "nightly") -> Status:
    return standing(house.pipeline.situation, Subject.MONITOR, monitor)


async def rows(house: House) -> int:
    """How many results stand in the store."""
    return await house.store.read(lambda connection: int(connection.execute(text("SELECT count(*) FROM results")).scalar_one()))


async def stored(house: House) -> tuple[object, object]:
    """What a hub that starts now would know of the monitor."""
    topology = house.pipeline.situation.topology
    found = await house.store.read(lambda connection: queries.situation(connection, topology))
    return found.seen.get(PLACE), found.streaks.get(PLACE)


# --- Healthchecks' form


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_ping_makes_it_operational_and_is_stored_before_it_is_answered(house: House, method: str) -> None:
    answer = await browser(house).request(method, f"/ping/{TOKEN}")
    assert answer.status == 200
    assert await answer.text() == ("" if method == "HEAD" else "OK")
    assert status(house) is Status.OPERATIONAL
    assert await stored(house) == (house.now, house.pipeline.situation.streaks[PLACE])


@pytest.mark.parametrize(
    ("how", "failure", "detail"),
    [
        ("0", None, ""),
        ("00", None, ""),
        ("fail", Failure.STATUS, "it reported a failure"),
        ("1", Failure.STATUS, "exit code 1"),
        ("255", Failure.STATUS, "exit code 255"),
    ],
)
async def test_what_it_says_of_itself_becomes_its_result(house: House, how: str, failure: Failure | None, detail: str) -> None:
    answer = await browser(house).post(f"/ping/{TOKEN}/{how}", data=b"rsync: no space left on device")
    measured = house.pipeline.latest[PLACE].measured
    assert (answer.status, measured.failure, measured.detail) == (200, failure, detail)
    assert status(house) is (Status.MAJOR if failure else Status.OPERATIONAL)
    assert len(house.pipeline.situation.incidents) == (1 if failure else 0)


@pytest.mark.parametrize("how", ["256", "999", "-1", "1.0", "\u0661", "starts", "Fail", "1e1", "0x1"])
async def test_a_word_that_is_none_is_not_found_and_changes_nothing(house: House, how: str) -> None:
    answer = await browser(house).get(f"/ping/{TOKEN}/{how}")
    assert (answer.status, await stored(house)) == (404, (None, None))


async def test_a_start_is_kept_and_its_finish_says_what_it_took(house: House) -> None:
    session = browser(house)
    began = house.now
    assert (await session.get(f"/ping/{TOKEN}/start")).status == 200
    seen, streak = await stored(house)
    assert (seen, getattr(streak, "began", None)) == (None, began)
    house.wait(minutes=7)
    assert (await session.get(f"/ping/{TOKEN}")).status == 200
    result = house.pipeline.latest[PLACE]
    assert (result.measured.took, result.started) == (420.0, began)
    assert house.pipeline.situation.streaks[PLACE].began is None


async def test_a_word_for_the_log_is_answered_and_changes_nothing(house: House) -> None:
    answer = await browser(house).post(f"/ping/{TOKEN}/log", data=b"half way")
    assert (answer.status, await stored(house)) == (200, (None, None))


async def test_a_start_judges_nothing_else_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(*_: object) -> None:
        raise AssertionError("a start alone says nothing about anybody")

    monkeypatch.setattr("incidents.turns.rejudge", judged)
    assert (await browser(house).get(f"/ping/{TOKEN}/start")).status == 200


# --- Uptime Kuma's form


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_push_is_answered_as_its_clients_expect(house: House, method: str) -> None:
    answer = await browser(house).request(method, f"/api/push/{TOKEN}?status=up&msg=OK&ping=1250")
    assert (answer.status, answer.content_type, await answer.json()) == (200, "application/json", {"ok": True})
    assert (status(house), house.pipeline.latest[PLACE].measured.took) == (Status.OPERATIONAL, 1.25)


@pytest.mark.parametrize("query", ["", "?status=", "?status=&msg=&ping=", "?msg=OK"])
async def test_a_push_without_a_word_means_up(house: House, query: str) -> None:
    assert await (await browser(house).get(f"/api/push/{TOKEN}{query}")).json() == {"ok": True}
    assert status(house) is Status.OPERATIONAL


async def test_a_push_that_says_down_opens_with_its_message_made_plain(house: House) -> None:
    await browser(house).get(f"/api/push/{TOKEN}", params={"status": "down", "msg": "disk \x1b[31mfull\u202e\r\n" + "!" * 5000})
    measured = house.pipeline.latest[PLACE].measured
    assert measured.detail.startswith("disk [31mfull !")
    assert len(measured.detail) <= 200
    assert status(house) is Status.MAJOR


@pytest.mark.parametrize("ping", ["", "abc", "nan", "inf", "-5", "1e300", "9" * 4000])
async def test_a_duration_that_is_none_is_left_out(house: House, ping: str) -> None:
    answer = await browser(house).get(f"/api/push/{TOKEN}", params={"ping": ping})
    assert (answer.status, house.pipeline.latest[PLACE].measured.took) == (200, 0.0)


async def test_a_push_to_nobody_says_so_in_json(house: House) -> None:
    answer = await browser(house).get("/api/push/nobody")
    assert (answer.status, await answer.json()) == (404, {"ok": False, "msg": "not found"})


# --- tokens


@pytest.mark.parametrize("token", ["nobody", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "%00", "%ff%fe", "x" * 3000, "nightly"])
async def test_an_unknown_token_is_not_found(house: House, token: str) -> None:
    for path in (f"/ping/{token}", f"/ping/{token}/fail", f"/api/push/{token}"):
        assert (await browser(house).get(path)).status == 404
    assert not house.pipeline.latest


async def test_a_token_of_any_letters_works_when_it_is_encoded(house: House) -> None:
    answer = await browser(house).get(_encoded("/ping/with%20space%2Fand%3Fmore%25/fail"))
    assert (answer.status, status(house, "odd")) == (200, Status.MAJOR)


def _encoded(path: str) -> URL:
    """An address that nothing decodes on its way."""
    return URL(path, encoded=True)


async def test_a_token_opens_nothing_else_and_a_session_does_not_stand_for_it(house: House) -> None:
    session = browser(house)
    assert (await session.get("/api/v1/incidents", headers={"Authorization": f"Bearer {TOKEN}"})).status == 401
    logged_in = await house.logged_in("anna")
    assert (await logged_in.get("/ping/nobody")).status == 404


async def test_a_bearer_token_that_is_wrong_does_not_keep_a_ping_out(house: House) -> None:
    """Some clients send their own header along; it counts for nothing here."""
    answer = await browser(house).get(f"/ping/{TOKEN}", headers={"Authorization": "Bearer somebody-elses"})
    assert answer.status == 200


# --- too many, too big, twice, and a store that is away


async def _statuses(answers: list[ClientResponse]) -> dict[int, int]:
    counted: dict[int, int] = {}
    for answer in answers:
        counted[answer.status] = counted.get(answer.status, 0) + 1
        await answer.read()
    return counted


async def test_a_flood_is_bounded_and_others_get_through(house: House) -> None:
    session = browser(house)
    counted = await _statuses(await asyncio.gather(*(session.get(f"/ping/{TOKEN}") for _ in range(1000))))
    assert counted == {200: 30, 429: 970}
    assert await rows(house) == 30
    assert (await session.get(_encoded("/ping/with%20space%2Fand%3Fmore%25"))).status == 200
    refused = await session.get(f"/ping/{TOKEN}")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    house.wait(seconds=1)
    assert (await session.get(f"/ping/{TOKEN}")).status == 200


async def test_pings_at_one_instant_get_slots_that_ascend(house: House) -> None:
    session = browser(house)
    await asyncio.gather(*(session.get(f"/ping/{TOKEN}") for _ in range(20)))
    assert house.pipeline.situation.seen[PLACE] == house.now + timedelta(milliseconds=19)
    assert await rows(house) == 20
    assert status(house) is Status.OPERATIONAL


async def test_a_huge_body_is_neither_read_nor_a_reason_to_refuse(house: House) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(4096):
            read += 65536
            yield b"x" * 65536

    answer = await asyncio.wait_for(browser(house).post(f"/ping/{TOKEN}", data=endless()), 10)
    assert answer.status == 200
    assert read < 4096 * 65536
    assert status(house) is Status.OPERATIONAL


async def _away(*_: object) -> None:
    raise StoreUnavailable("the disk is gone")


async def test_while_the_store_is_away_a_ping_is_not_answered_well_and_yet_not_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = browser(house)
    with monkeypatch.context() as patch:
        patch.setattr(type(house.store), "write", _away)
        answer = await session.get(f"/ping/{TOKEN}")
        assert (answer.status, "Retry-After" in answer.headers) == (503, False)
        assert "do not send it again" in await answer.text()
        push = await session.get(f"/api/push/{TOKEN}")
        assert (push.status, (await push.json())["ok"]) == (503, False)
        assert status(house) is Status.UNKNOWN
    await house.pipeline.tick()
    assert status(house) is Status.OPERATIONAL
    assert (await stored(house))[0] == house.now + timedelta(milliseconds=1)


async def test_a_start_that_cannot_be_stored_is_to_be_sent_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(house.store), "write", _away)
        answer = await browser(house).get(f"/ping/{TOKEN}/start")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "send it again" in await answer.text()
    assert await stored(house) == (None, None)


async def test_a_ping_that_cannot_be_judged_is_not_said_to_be_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("incidents.turns.decide", broken)
        answer = await browser(house).get(f"/ping/{TOKEN}")
    assert (answer.status, answer.headers["Retry-After"], house.pipeline.waiting) == (503, "5", 0)


async def test_a_ping_taken_while_the_store_was_away_is_not_overdue_when_it_is_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = browser(house)
    await house.pipeline.tick()
    await session.get(f"/ping/{TOKEN}")
    house.wait(hours=24)
    with monkeypatch.context() as patch:
        patch.setattr(type(house.store), "write", _away)
        assert (await session.get(f"/ping/{TOKEN}")).status == 503
        await hours(house, 2)
    await house.pipeline.tick()
    assert (status(house), house.pipeline.situation.incidents) == (Status.OPERATIONAL, {})
    assert await rows(house) == 2


# --- the hub's part: absence


async def hours(house: House, count: int) -> None:
    """Let time pass, noticed every five seconds only around the ends of hours: nobody is away, and nobody waits for the test."""
    for _ in range(count):
        house.wait(minutes=59, seconds=55)
        house.pipeline._ticked = house.now - timedelta(seconds=1)
        await house.pipeline.tick()
        house.wait(seconds=5)
        await house.pipeline.tick()


async def test_what_does_not_come_is_a_result_like_any_other(house: House) -> None:
    await house.pipeline.tick()
    await browser(house).get(f"/ping/{TOKEN}")
    due = house.now + timedelta(hours=25)
    await hours(house, 26)
    result: Result = house.pipeline.latest[PLACE]
    assert (result.measured.failure, result.slot) == (Failure.OVERDUE, due)
    assert await stored(house) == (due, house.pipeline.situation.streaks[PLACE])
    assert status(house) is Status.MAJOR
    assert [incident.services for incident in house.pipeline.situation.incidents.values()] == [{"copies": Status.MAJOR}]


@pytest.mark.parametrize("leap", [timedelta(hours=30), timedelta(days=30)])
async def test_a_clock_set_forward_or_a_stopped_process_makes_no_outage(house: House, leap: timedelta) -> None:
    await house.pipeline.tick()
    await browser(house).get(f"/ping/{TOKEN}")
    house.now += leap
    await house.pipeline.tick()
    assert house.pipeline.latest[PLACE].failure is Failure.MISSED
    assert status(house) is Status.UNKNOWN
    assert not house.pipeline.situation.incidents
    assert (await browser(house).get(f"/ping/{TOKEN}")).status == 200
    assert status(house) is Status.OPERATIONAL


async def test_silence_is_noticed_even_while_results_of_others_keep_coming(house: House) -> None:
    await house.all_good()
    for _ in range(30):
        house.wait(seconds=5)
        house.pipeline._pending.append(_good(house, "portal-web-port"))
        await house.pipeline.tick()
    assert standing(house.pipeline.situation, Subject.MONITOR, "outgoing-port") is Status.UNKNOWN
    assert standing(house.pipeline.situation, Subject.MONITOR, "portal-web-port") is Status.OPERATIONAL


def _good(house: House, monitor: str) -> Result:
    return Result(monitor=monitor, location="local", slot=house.now, started=house.now, measured=ProbeResult(took=0.01))


async def test_the_desk_is_told_what_was_never_pinged(house: House) -> None:
    logged_in = await house.logged_in("anna")
    assert "never pinged" in await logged_in.page("/")


# --- a reload


async def _promise(house: House, heartbeat: Heartbeat | None) -> None:
    """Reload with another promise of the nightly copy; None takes the monitor away."""
    topology = house.pipeline.situation.topology
    monitors = {id_: monitor for id_, monitor in topology.monitors.items() if id_ != "nightly"}
    if heartbeat is not None:
        monitors["nightly"] = Monitor(id="nightly", component="backup", fails_after=1, recovers_after=1, heartbeat=heartbeat)
    await house.pipeline.replace(replace(topology, monitors=monitors), Policy())


HOURLY = replace(NIGHTLY, rhythm=Every(gap=timedelta(hours=1)), grace=timedelta(minutes=10))


async def test_a_quicker_rhythm_is_asked_for_only_from_the_reload_on(house: House) -> None:
    await house.pipeline.tick()
    await browser(house).get(f"/ping/{TOKEN}")
    await hours(house, 20)
    await _promise(house, HOURLY)
    changed = house.now
    house.wait(seconds=5)
    await house.pipeline.tick()
    assert (house.pipeline.latest[PLACE].failure, house.pipeline.latest[PLACE].slot) == (Failure.MISSED, changed)
    assert "it is asked for so only since" in house.pipeline.latest[PLACE].measured.detail
    assert (status(house), house.pipeline.situation.incidents) == (Status.UNKNOWN, {})
    await house.pipeline.tick()
    assert await rows(house) == 2
    await hours(house, 2)
    (incident,) = house.pipeline.situation.incidents.values()
    assert incident.started_at == changed + timedelta(hours=1)


async def test_a_monitor_that_comes_back_is_not_judged_for_the_time_it_was_not_there(house: House) -> None:
    await house.pipeline.tick()
    await browser(house).get(f"/ping/{TOKEN}")
    await _promise(house, None)
    await hours(house, 60)
    await _promise(house, NIGHTLY)
    house.wait(seconds=5)
    await house.pipeline.tick()
    assert (status(house), house.pipeline.situation.incidents) == (Status.UNKNOWN, {})


async def test_a_reload_that_changes_no_promise_excuses_nothing(house: House) -> None:
    await house.pipeline.tick()
    await browser(house).get(f"/ping/{TOKEN}")
    due = house.now + timedelta(hours=25)
    await hours(house, 24)
    house.wait(minutes=59, seconds=58)
    house.pipeline._ticked = house.now
    await house.pipeline.tick()
    house.wait(seconds=4)
    await _promise(house, replace(NIGHTLY))
    await house.pipeline.tick()
    assert (house.pipeline.latest[PLACE].failure, house.pipeline.latest[PLACE].slot) == (Failure.OVERDUE, due)
    assert status(house) is Status.MAJOR


async def test_a_clock_that_steps_back_after_a_reload_puts_nothing_into_the_future(house: House) -> None:
    await house.pipeline.tick()
    await browser(house).get(f"/ping/{TOKEN}")
    await hours(house, 20)
    await _promise(house, HOURLY)
    house.wait(hours=-3)
    await house.pipeline.tick()
    assert (house.pipeline.latest[PLACE].failure, house.pipeline.latest[PLACE].slot) == (Failure.MISSED, house.now)
