"""Quiet hours: what may wait does, is told once in the morning if it is still open, and what may not goes through."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from statuspage.config.loading import load
from statuspage.config.problems import ConfigError
from statuspage.store.outbox import FOLDED
from tests.stories.surfaces import send, text
from tests.stories.test_broken_mail_frozen import Clock
from tests.stories.test_escalation import FILE, Night, night

HOUR = timedelta(hours=1)
QUIET = (
    FILE.replace("tiers: [desk, mail], escalate_after: [5m]", "tiers: [mail]").replace(
        'bob}/TOKEN"]', 'bob}/TOKEN"], quiet: {hours: nights}'
    )
    + """
calendars: {nights: {weekly: {mon-sun: ["00:00-07:00", "22:00-24:00"]}}}
priority: {score: "callers * 10.0 + 1.0", levels: [{name: P1, from: 20}, {name: P2}]}
"""
)


@pytest.fixture
def clock() -> Clock:
    return Clock(now=datetime(2026, 3, 11, 2, 0, tzinfo=UTC))  # three at night in Berlin; bob has the week


async def queue(here: Night) -> str:
    return await text(here.house.internal, "/", await here.house.token(f"reader {here.house.clock.now:%H%M}"))


async def test_what_may_wait_is_told_once_in_the_morning_as_things_stand(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock, written=QUIET) as here:
        await here.breaks(None)
        incident = await here.breaks()
        name = here.house.hub.pipeline.situation.incidents[incident].name
        assert f"Nobody is told of “{name}” before 07:00" in await queue(here)
        for _ in range(7):
            await here.later(HOUR / 2)
        assert here.heard()["bob"] == [], "it was half past six"
        assert here.house.hub.deliverer.tally.waiting == 0, "nothing is stuck, and nobody is to be woken by that"
        assert "held back by quiet hours until" in await text(here.house.internal, f"/incidents/{incident}", await here.house.token("ada"))
        await here.later(HOUR / 2)
        assert here.heard()["bob"] == [name]
        assert "Nobody owns it." in here.rooms["bob"].heard[0]["message"]
        assert "Nobody is told" not in await queue(here)
        assert {one.reason for one in await here.sent(incident)} == {"", FOLDED}


async def test_what_was_over_before_the_morning_is_told_to_nobody(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock, written=QUIET) as here:
        await here.breaks(None)
        incident = await here.breaks()
        await here.later(HOUR)
        await here.breaks(None)
        await here.later(HOUR)
        for _ in range(4):
            await here.later(HOUR)
        assert here.heard()["bob"] == []
        assert [one.reason for one in await here.sent(incident)][-1] == "it was over before the quiet hours were"


async def test_what_matters_enough_goes_through_once_and_speaks_for_what_was_held(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock, written=QUIET + "escalation: {repeats_every: 2m}\n") as here:
        await here.breaks(None)
        incident = await here.breaks()
        assert here.heard()["bob"] == []
        ada = await here.house.token("ada")
        for _ in range(2):
            assert (await send(here.house.internal, "/callers", ada, incident=incident))[0] == 201
        await here.later(timedelta(minutes=2))
        assert len(here.heard()["bob"]) == 1
        await send(here.house.internal, f"/incidents/{incident}/acknowledge", ada)
        await here.later(timedelta(minutes=1))
        assert here.heard()["bob"][1].startswith("ada has taken")


async def test_what_comes_to_matter_enough_by_the_hour_is_told_without_another_call(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock, written=QUIET.replace("callers * 10.0", "hours_down * 10.0")) as here:
        await here.breaks(None)
        await here.breaks()
        await here.later(HOUR * 1.8)
        assert here.heard()["bob"] == []
        await here.later(HOUR * 0.2)
        assert len(here.heard()["bob"]) == 1, "it is five in the morning, and P1 by now"


async def test_where_one_sleeps_and_another_refuses_nobody_is_told_and_the_queue_says_so(tmp_path: Path, clock: Clock) -> None:
    written = QUIET.replace("mail: {name: Messaging,", 'mail: {name: Messaging, notify: ["json://127.0.0.1:{desk}/TOKEN"],')
    async with night(tmp_path, clock, written=written) as here:
        here.rooms["desk"].answers += [403] * 50
        await here.breaks(None)
        incident = await here.breaks()
        name = here.house.hub.pipeline.situation.incidents[incident].name
        told = await queue(here)
        assert f"Nobody is told of “{name}” before 07:00" in told
        assert "all who were called keep quiet hours or cannot be reached" in told
        here.rooms["desk"].answers.clear()
        await here.later(HOUR / 2)
        assert here.heard()["desk"] == [name]
        assert "Nobody is told" not in await queue(here)


async def test_who_was_called_before_hears_at_the_end_that_it_is_over(tmp_path: Path, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 10, 20, 55, tzinfo=UTC)  # five to ten at night
    async with night(tmp_path, clock, written=QUIET) as here:
        await here.breaks(None)
        await here.breaks()
        assert len(here.heard()["bob"]) == 1
        await here.later(HOUR / 4)
        await here.breaks(None)
        await here.later(2 * timedelta(minutes=1))
        for _ in range(8):
            await here.later(HOUR)
        assert len(here.heard()["bob"]) == 1
        await here.later(HOUR)
        assert [title.startswith("Over: ") for title in here.heard()["bob"]] == [False, True]


async def test_a_level_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "statuspage.yaml"
    written = QUIET.replace("{hours: nights}", "{hours: nights, lets_through: P7}").replace("TOKEN", "t").replace("{ada}", "1")
    path.write_text(written.replace("{bob}", "2").replace("{desk}", "3"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    assert "people.bob.quiet.lets_through" in str(refused.value)
    assert "no such level of priority" in str(refused.value)
