"""A service's status over real sockets: once for each change that customers see, in order, as a chain, whoever was away or died."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from incidents.events import StatusChanged
from incidents.model import Status, Subject
from incidents.moving import Move
from incidents.planned import planning
from incidents.rollup import TROUBLE
from probes.result import Failure
from statuspage.channels import webhook
from statuspage.deliver import Line
from statuspage.picture.audience import Wish, wants_status
from statuspage.render.webhook import Turn, status_told
from statuspage.store.record import record
from statuspage.store.renaming import rename
from statuspage.store.scope_rows import hide
from statuspage.store.told_status import LIVELY
from statuspage.telling import deliverer
from tests.statuspage.hooks import OPEN, SECRET, Hook, listening
from tests.statuspage.tellings import House, known, telling
from tests.statuspage.test_deliver_crashes import EVERY, Crash, Fuse, fuses, mortal

GOOD, SLOW, PARTIAL, DOWN = Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR
WORK, DARK = Status.MAINTENANCE, Status.UNKNOWN
SHOWN = (GOOD, SLOW, PARTIAL, DOWN, WORK)


def wired(house: House) -> House:
    house.deliverer.door = OPEN
    house.deliverer.lines = {"webhook": Line(channel=webhook.CHANNEL, settings=webhook.Settings())}
    return house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield wired(opened)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with listening(Hook()) as opened:
        yield opened


async def subscribed(house: House, hook: Hook, wish: Wish | None = None) -> None:
    await house.subscribe(hook.url, wish, channel="webhook", secret=SECRET)


async def turn(house: House, old: Status, new: Status, service: str = "email") -> Status:
    """The service turns from *old* to *new* now; nothing else comes of it."""
    now = house.world.now
    change = StatusChanged(at=now, subject=Subject.SERVICE, id=service, since=now, old=old, new=new, cause="a test")
    await house.store.write(partial(record, events=[change], results=[], at=now))
    house.world.wait(1)
    return new


async def turns(house: House, *statuses: Status, service: str = "email") -> None:
    for old, new in pairwise(statuses):
        await turn(house, old, new, service)


def told(hook: Hook) -> list[dict[str, Any]]:
    """What a receiver makes of it that knows repetitions by their id; each must read as the first."""
    found: dict[str, dict[str, Any]] = {}
    for id, body in hook.told("component_update"):
        first = found.setdefault(id, body)
        assert (first["component_update"], first["component"]) == (body["component_update"], body["component"])
    return [body["component_update"] for body in found.values()]


def pairs(hook: Hook) -> list[tuple[str, str]]:
    return [(one["old_status"], one["new_status"]) for one in told(hook)]


def assert_chain(hook: Hook) -> None:
    by_service: dict[str, list[tuple[str, str]]] = {}
    for one in told(hook):
        by_service.setdefault(one["component_id"], []).append((one["old_status"], one["new_status"]))
    for theirs in by_service.values():
        assert all(old != new for old, new in theirs), theirs
        assert all(before[1] == after[0] for before, after in pairwise(theirs)), theirs


# --- as such pages tell it ------------------------------------------------------------------------------------------------------


async def test_a_change_is_told_as_such_pages_tell_it(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    await house.outage()
    await house.deliver()
    ((id, body),) = hook.told("component_update")
    public = house.press.public_ids["email"]
    assert body.keys() == {"meta", "page", "component_update", "component"}
    change = body["component_update"]
    assert change.keys() == {"created_at", "new_status", "old_status", "id", "component_id"}
    assert (change["old_status"], change["new_status"], change["component_id"]) == ("operational", "partial_outage", public)
    assert change["id"].isalnum()
    assert len(change["id"]) == 12
    row = body["component"]
    assert (row["id"], row["name"], row["status"], row["updated_at"]) == (public, "Email", "partial_outage", change["created_at"])
    assert (row["group"], row["group_id"], row["page_id"]) == (False, None, body["page"]["id"])
    assert body["page"] == {
        "id": house.press.installation.page_id,
        "status_indicator": "major",
        "status_description": "Partial System Outage",
    }
    assert body["meta"]["unsubscribe"].startswith("https://status.example.net/unsubscribe/")
    assert id.startswith("msg_")


async def test_a_whole_outage_is_told_turn_by_turn(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    await house.outage()
    await house.deliver()
    await house.see("imap", Failure.REFUSED)
    await house.deliver()
    for monitor in ("smtp", "imap"):
        await house.see(monitor, None)
        await house.deliver()
    await house.pass_by(600)
    await house.deliver()
    steps = ["operational", "partial_outage", "major_outage", "partial_outage", "operational"]
    assert pairs(hook) == list(pairwise(steps))
    assert len(hook.told("component_update")) == 4, "and nothing twice"
    indicators = [body["page"]["status_indicator"] for _, body in hook.told("component_update")]
    assert indicators == ["major", "critical", "major", "none"]


async def test_work_is_told_as_such_and_its_end(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    for each in ("smtp", "imap", "web"):
        await house.see(each, None)
    starts = house.world.now + timedelta(days=7)
    wish = planning.Wish(name="New disks", services=("portal",), starts=starts, ends=starts + timedelta(hours=2), body="It is away.")
    await house.pipeline.act(lambda situation, now: planning.plan(situation, now, by="anna", wish=wish))
    for hours in (7 * 24, 2):
        await house.pass_by(hours * 3600)
        await house.see("web", None)
        await house.deliver()
    assert pairs(hook) == [("operational", "under_maintenance"), ("under_maintenance", "operational")]


async def test_what_is_not_known_is_no_change_for_anybody(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    await turns(house, DARK, GOOD, DARK, GOOD, DARK, DOWN, DARK, DOWN, GOOD)
    await house.deliver()
    assert pairs(hook) == [("operational", "major_outage"), ("major_outage", "operational")]


async def test_a_hidden_service_is_nobodys_business(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    await subscribed(house, hook, Wish(services=frozenset({"portal"})))
    hidden = await house.store.write(lambda connection: hide(connection, ["portal"], []))
    house.press.forget(house.press.site, house.press.public_ids, 120.0, hidden)
    await turns(house, GOOD, DOWN, service="portal")
    await house.deliver()
    assert hook.heard == []
    assert await house.sent(house.press.public_ids["portal"]) == [], "nothing was even written down to be told"


async def test_what_is_hidden_before_it_is_handed_over_is_told_to_nobody(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    hook.answers = [web.Response(status=503)]
    await turns(house, GOOD, DOWN, service="portal")
    await house.deliver()
    hidden = await house.store.write(lambda connection: hide(connection, ["portal"], []))
    house.press.forget(house.press.site, house.press.public_ids, 120.0, hidden)
    await house.pass_by(60)
    await house.deliver()
    assert len(hook.heard) == 1
    (dropped,) = await house.sent(house.press.public_ids["portal"])
    assert dropped.reason == "it is not for the readers of the page any more"


async def test_who_asked_for_other_services_hears_nothing(house: House, hook: Hook) -> None:
    await subscribed(house, hook, Wish(services=frozenset({"portal"})))
    await turns(house, GOOD, DOWN, GOOD)
    await house.deliver()
    assert hook.heard == []


async def test_mail_is_not_written_for_it(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:
        await house.subscribe("ada@example.org")
        await turns(house, GOOD, DOWN, GOOD)
        await house.deliver()
        assert house.postbox.letters == []


async def test_a_service_that_is_renamed_goes_on_in_its_thread(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    await turns(house, GOOD, DOWN)
    await house.deliver()
    await house.store.write(partial(rename, move=Move(Subject.SERVICE, "email", "post")))
    await turns(house, DOWN, GOOD, SLOW, service="post")
    await house.deliver()
    assert pairs(hook)[:2] == [("operational", "major_outage"), ("major_outage", "operational")]
    assert_chain(hook)


# --- away, lively, dead ---------------------------------------------------------------------------------------------------------


async def test_who_was_away_hears_where_it_stands_and_not_each_turn(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    hook.answers = [web.Response(status=503)] * 1000
    await turns(house, GOOD, DOWN)
    await house.deliver()
    for _ in range(100):
        await turns(house, DOWN, GOOD, SLOW, DOWN)
        await house.pass_by(300)
        await house.deliver(rounds=1)
    await turns(house, DOWN, SLOW)
    hook.answers.clear()
    for _ in range(3):
        await house.pass_by(600)
        await house.deliver()
    assert pairs(hook) == [("operational", "major_outage"), ("major_outage", "degraded_performance")]
    waiting = [one for one in await house.sent(house.press.public_ids["email"]) if one.delivered_at is None and one.dropped_at is None]
    assert waiting == []


async def test_what_is_as_it_was_when_they_come_back_is_not_told(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    hook.answers = [web.Response(status=503)]
    await turns(house, GOOD, DOWN)
    await house.deliver()
    await turns(house, DOWN, GOOD, DOWN)
    await house.deliver(rounds=1)
    for _ in range(3):
        await house.pass_by(600)
        await house.deliver()
    assert pairs(hook) == [("operational", "major_outage")]


async def test_what_never_arrived_is_left_out_of_what_follows(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    for old, new, answer in ((GOOD, DOWN, 204), (DOWN, SLOW, 410), (SLOW, DOWN, 204), (DOWN, GOOD, 204)):
        hook.answers = [web.Response(status=answer)]
        await turn(house, old, new)
        await house.deliver()
    delivered = [one for one in await house.sent(house.press.public_ids["email"]) if one.delivered_at is not None]
    assert len(delivered) == 2
    assert pairs(hook) == [
        ("operational", "major_outage"),
        ("major_outage", "degraded_performance"),  # refused
        ("major_outage", "operational"),
    ]


async def test_what_waited_behind_something_refused_and_is_no_news_any_more_is_dropped(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    await turn(house, GOOD, DOWN)
    await house.deliver()
    hook.answers = [web.Response(status=503), web.Response(status=410)]
    await turn(house, DOWN, SLOW)
    await house.deliver()
    await turn(house, SLOW, DOWN)
    for _ in range(2):
        await house.pass_by(60)
        await house.deliver()
    assert pairs(hook) == [("operational", "major_outage"), ("major_outage", "degraded_performance")]
    assert [one.reason for one in await house.sent(house.press.public_ids["email"])][-1] == "that is what was told before"


async def test_one_that_comes_and_goes_is_told_of_now_and_then_and_in_the_end_rightly(house: House, hook: Hook) -> None:
    await subscribed(house, hook)
    status = GOOD
    for _ in range(180):  # half an hour, a turn each ten seconds
        status = await turn(house, status, GOOD if status is DOWN else DOWN)
        await house.pass_by(9)
        await house.deliver(rounds=1)
    assert LIVELY <= len(pairs(hook)) <= LIVELY + 6, "six, and one each five minutes"
    await turn(house, status, SLOW)
    for _ in range(3):
        await house.pass_by(300)
        await house.deliver()
    assert pairs(hook)[-1][1] == "degraded_performance"
    assert_chain(hook)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_death_at_any_await_leaves_a_chain(tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    for at, fuse in fuses(every=1 if is_soak else EVERY, at_least=8):
        (directory := tmp_path / str(at)).mkdir()
        async with telling(directory, known()) as opened, listening(Hook()) as hook:
            house = wired(opened)
            await subscribed(house, hook)
            await turns(house, GOOD, DOWN)
            await dying(house, fuse)
            await turns(house, SLOW, GOOD)
            await turns(house, GOOD, DOWN, service="portal")
            for _ in range(3):
                await house.pass_by(60)
                await house.deliver()
            assert_chain(hook)
            assert pairs(hook)[0] == ("operational", "major_outage"), f"at {at}"
            email = [one for one in told(hook) if one["component_id"] == house.press.public_ids["email"]]
            assert email[-1]["new_status"] == "operational", f"at {at}"
            assert len(hook.told("component_update")) <= len(told(hook)) + 1, f"at {at}: one is repeated at most"


async def dying(house: House, fuse: Fuse) -> None:
    """Deliver until the process dies, while the service turns once more; then begin again with the store alone."""
    house.deliverer.store = house.deliverer.letters.store = mortal(house.store, fuse)
    try:
        await house.deliverer.look()
        await house.deliverer.idle()
        await turns(house, DOWN, SLOW)
        await house.deliverer.look()
        await house.deliverer.idle()
    except Crash:
        await house.deliverer.idle()
        await turns(house, DOWN, SLOW)
    house.deliverer = deliverer(house.press)
    wired(house)


@pytest.mark.parametrize("seed", range(12))
async def test_by_chance_each_old_status_is_the_new_one_before(house: House, seed: int) -> None:
    chance, hooks = Random(seed), [Hook(), Hook()]
    async with listening(hooks[0]), listening(hooks[1]):
        for hook, wish in zip(hooks, (Wish(), Wish(floor=DOWN, wants_maintenance=False)), strict=True):
            await subscribed(house, hook, wish)
        stands = {"email": GOOD, "portal": GOOD}
        for _ in range(60):
            service = chance.choice(sorted(stands))
            new = chance.choice([one for one in (*SHOWN, DARK) if one is not stands[service]])
            stands[service] = await turn(house, stands[service], new, service)
            if chance.random() < 0.6:
                # Heard and answered with a failure: nobody can tell that from one that never arrived.
                hooks[chance.randrange(2)].answers += [web.Response(status=503)] * chance.randrange(3)
                await house.pass_by(chance.choice([0, 5, 60, 700]))
                await house.deliver(rounds=chance.randrange(3))
        for service, status in stands.items():
            await turns(house, status, DOWN if status is not DOWN else GOOD, service=service)
        await settled(house, hooks)
        final = {house.press.public_ids[id]: ("operational" if status is DOWN else "major_outage") for id, status in stands.items()}
        for hook in hooks:
            assert_chain(hook)
            ends = {one["component_id"]: one["new_status"] for one in told(hook)}
            assert {id: ends.get(id, "operational") for id in final} == final


async def settled(house: House, hooks: Sequence[Hook]) -> None:
    for hook in hooks:
        hook.answers.clear()
    for _ in range(4):
        await house.pass_by(700)
        await house.deliver()


# --- rules ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [SLOW, PARTIAL, DOWN])
@pytest.mark.parametrize("wants_work", [True, False])
def test_nobody_is_left_with_trouble_that_is_over(floor: Status, *, wants_work: bool) -> None:
    wish, chance = Wish(floor=floor, wants_maintenance=wants_work), Random(5)
    last = GOOD
    for _ in range(500):
        new = chance.choice(SHOWN)
        if wants_status(wish, "email", last, new):
            last = new
        assert last is new or last not in TROUBLE
        if new is floor:
            assert last is floor


def test_what_is_milder_than_asked_for_is_told_to_those_alone_who_heard_of_worse() -> None:
    wish = Wish(floor=DOWN, wants_maintenance=False)
    assert not wants_status(wish, "email", GOOD, SLOW)
    assert wants_status(wish, "email", GOOD, DOWN)
    assert wants_status(wish, "email", DOWN, SLOW)
    assert not wants_status(wish, "email", GOOD, WORK)
    assert wants_status(wish, "email", DOWN, WORK)
    assert wants_status(wish, "email", WORK, GOOD)


async def test_a_service_that_is_not_on_the_page_cannot_be_spelled(house: House) -> None:
    await house.outage()
    page = house.press.picture((), ())
    with pytest.raises(LookupError):
        status_told(page, Turn(service="nosuch", number=1, old=GOOD, new=DOWN, at=house.world.now), "")
