"""Outlets in a whole hub: a reload takes them into use, and the desk and the metrics name them and nothing of where they lead."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from statuspage.config.loading import Loaded, load
from statuspage.hub import Hub
from tests.statuspage.audiences import FILE, fails, housed, works
from tests.statuspage.outlets import TOKEN, Room, listening
from tests.stories.surfaces import body, text
from tests.stories.test_broken_mail_frozen import Clock


async def reloaded(directory: Path, announce: str, environ: Mapping[str, str]) -> Loaded:
    path = directory / "statuspage.yaml"
    await asyncio.to_thread(path.write_text, f"{FILE}\n{announce}\n", encoding="utf-8")
    return await asyncio.to_thread(load, path, environ)


async def deliver(hub: Hub) -> None:
    for _ in range(4):
        await hub.deliverer.look()
        await hub.deliverer.idle()


async def test_a_reload_takes_outlets_into_use_and_the_desk_sees_who_was_told(tmp_path: Path) -> None:
    async with housed(tmp_path, Clock()) as house, listening(Room(answers=[503])) as room:
        environ = {"OPS_URL": room.url(), "STAFF_URL": room.url("form")}
        metrics = await text(house.internal, "/metrics")
        assert "statuspage_announcement" not in metrics
        await house.hub.apply(await reloaded(tmp_path, "announce: {ops: {url: {env: OPS_URL}}}", environ))
        await works(house)
        await fails(house, "submission")
        (incident,) = house.hub.pipeline.situation.incidents
        house.clock.wait(seconds=120)
        await house.settle()
        await deliver(house.hub)
        card = await text(house.internal, f"/incidents/{incident}", await house.token("ada"))
        assert "the outlet ops by apprise: waiting, to be tried" in card
        assert "status 503" in card
        house.clock.now += timedelta(minutes=6)
        await deliver(house.hub)
        assert room.titles == ["Problem with Email – investigating"]
        shown = await body(house.internal, f"/incidents/{incident}", await house.token("bob"))
        assert b"the outlet ops by apprise: delivered" in shown
        metrics = (await body(house.internal, "/metrics")).decode()
        assert 'statuspage_announcements_waiting{outlet="ops"} 0.0' in metrics
        assert 'statuspage_announcement_tries_total{outcome="delivered",outlet="ops"} 1.0' in metrics
        assert TOKEN.encode() not in shown + metrics.encode()
        await house.hub.apply(await reloaded(tmp_path, "announce: {staff: {url: {env: STAFF_URL}, language: de}}", environ))
        await fails(house, "submission", "home")
        house.clock.wait(seconds=120)
        await house.settle()
        await deliver(house.hub)
        assert room.titles[1:] == ["Portal: Ausfall – in Untersuchung"], "only the new outlet heard it, in its language"


async def test_what_is_not_public_is_announced_nowhere(tmp_path: Path) -> None:
    async with housed(tmp_path, Clock()) as house, listening(Room()) as room:
        await house.hub.apply(await reloaded(tmp_path, "announce: {ops: {url: {env: OPS_URL}}}", {"OPS_URL": room.url()}))
        await works(house)
        await fails(house, "books", "board")
        house.clock.wait(seconds=300)
        await house.settle()
        await deliver(house.hub)
        assert len(house.hub.pipeline.situation.incidents) == 2
        assert room.knocks == 0
