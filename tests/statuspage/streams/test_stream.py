"""Open pages that are told, over real sockets: what they hear, who is let in, and who is dropped."""

import asyncio
import json
import resource
import select
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from aiohttp import ClientSession

from incidents import act
from incidents.model import Status
from statuspage.app import Service
from statuspage.web.stream import AT_ONCE, COMES_AGAIN, MOST, PER_SECOND, QUIETLY, room
from tests.statuspage.pictures import NOW, service, snapshot, story, update
from tests.statuspage.serving import Served, serving

WELL = snapshot(service("email"))
ILL = snapshot(service("email"), statuses={"email": Status.MAJOR})
LATER = NOW + timedelta(minutes=1)
SOON = 10.0
"""Seconds after which a test gives up."""


@dataclass
class Reader:
    """An open page, as far as the wire is concerned."""

    incoming: asyncio.StreamReader
    outgoing: asyncio.StreamWriter
    head: bytes = b""
    heard: list[dict[str, str]] = field(default_factory=list)

    async def message(self) -> dict[str, str]:
        """The next event or comment, by its fields; a comment has no name."""
        async with asyncio.timeout(SOON):
            lines = (await self.incoming.readuntil(b"\n\n")).decode().splitlines()
        parted = (line.partition(": ") for line in lines if line)
        fields = {name: rest for name, _, rest in parted}
        self.heard.append(fields)
        return fields

    async def event(self) -> dict[str, object]:
        """What the next event says."""
        while "data" not in (fields := await self.message()):
            pass
        return {"id": fields["id"], **json.loads(fields["data"])}

    async def is_over(self) -> bool:
        async with asyncio.timeout(SOON):
            try:
                while await self.incoming.read(4096):
                    pass
            except ConnectionResetError:
                pass
        return True


@asynccontextmanager
async def reading(served: Served, *lines: str, path: str = "/events", host: str = "x") -> AsyncIterator[Reader]:
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        outgoing.write("".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", f"Host: {host}", *lines, "")).encode())
        async with asyncio.timeout(SOON):
            head = await incoming.readuntil(b"\r\n\r\n")
        yield Reader(incoming, outgoing, head)
    finally:
        outgoing.close()


@pytest.fixture
def served() -> Served:
    served = Served()
    served.publish(WELL)
    return served


async def test_a_reader_is_told_at_once_how_things_stand(served: Served) -> None:
    async with serving(served), reading(served) as reader:
        assert served.shelf is not None
        assert reader.head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Content-Type: text/event-stream; charset=utf-8\r\n" in reader.head
        assert b"Connection: close\r\n" in reader.head
        assert b"Cache-Control: no-store\r\n" in reader.head
        assert b"Content-Security-Policy: default-src 'none'" in reader.head
        assert b"Set-Cookie" not in reader.head
        assert b"Access-Control-Allow-Origin" not in reader.head
        event = await reader.event()
        assert event == {
            "id": served.shelf.publication,
            "publication": served.shelf.publication,
            "as_of": "2026-11-22T16:00:30Z",
            "now": event["now"],
            "stale_after": 100.0,
            "within": 0.0,
        }
        least, most = COMES_AGAIN
        assert least * 1000 <= int(reader.heard[0]["retry"]) <= most * 1000


async def test_every_reader_is_told_of_a_publication_by_its_name_alone(served: Served) -> None:
    async with serving(served), reading(served) as one, reading(served) as other:
        first = await one.event(), await other.event()
        shelf = served.publish(ILL)
        told = await one.event(), await other.event()
        assert {event["publication"] for event in told} == {shelf.publication}
        assert shelf.publication not in {event["publication"] for event in first}
        assert b"email" not in json.dumps(one.heard).encode()


async def test_readers_hurry_where_something_happened_and_take_their_time_for_another_minute(served: Served) -> None:
    async with serving(served), reading(served) as reader:
        await reader.event()
        withins = []
        opened = snapshot(service("email"), stories=(story(update(1)),), statuses={"email": Status.MAJOR})
        for told, at in ((ILL, NOW), (ILL, LATER), (opened, LATER)):
            served.publish(told, at)
            withins.append((await reader.event())["within"])
        assert withins == [0.0, QUIETLY, 0.0]


async def test_the_more_readers_the_longer_they_take_to_ask(served: Served) -> None:
    async with serving(served), AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(reading(served)) for _ in range(PER_SECOND // 2)]
        served.publish(ILL)
        await readers[0].event()
        assert (await readers[0].event())["within"] == 0.5


async def test_a_reader_that_comes_back_is_told_only_what_it_missed(served: Served) -> None:
    async with serving(served):
        async with reading(served) as reader:
            known = str((await reader.event())["id"])
        async with reading(served, f"Last-Event-ID: {known}") as again:
            assert "retry" in await again.message()
            assert again.heard[0][""] == "alive"
            shelf = served.publish(ILL)
            assert (await again.event())["publication"] == shelf.publication
        async with reading(served, f"Last-Event-ID: {known}") as late:
            assert (await late.event())["publication"] == shelf.publication


async def test_an_edition_keeps_its_name_over_a_restart() -> None:
    first, second = Served(), Served()
    assert first.publish(WELL).publication == second.publish(WELL).publication != second.publish(ILL).publication


async def test_silence_is_broken_by_signs_of_life(served: Served) -> None:
    async with serving(served, beat=0.01), reading(served) as reader:
        await reader.event()
        assert await reader.message() == {"": "alive"}


async def test_before_anything_is_published_a_reader_waits_for_it() -> None:
    served = Served()
    async with serving(served), reading(served) as reader:
        await reader.message()
        shelf = served.publish(WELL)
        assert (await reader.event())["publication"] == shelf.publication


# --- who is let in, and who goes


async def test_past_the_cap_a_reader_is_told_to_ask_and_pages_are_served(served: Served) -> None:
    async with serving(served, most=2) as session, reading(served) as one, reading(served):
        async with session.get("/events") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
            assert "Content-Security-Policy" in answer.headers
        async with session.get("/") as answer:
            assert answer.status == 200
        one.outgoing.close()
        await until(served, 1)
        async with reading(served) as third:
            assert third.head.startswith(b"HTTP/1.1 200")


def test_readers_that_are_told_leave_most_descriptors_to_others() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        rooms = []
        for limit in (400, hard):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            rooms.append(room())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert rooms == [100, MOST if hard == resource.RLIM_INFINITY else min(MOST, hard // 4)]


async def test_there_is_no_room_for_the_visitors_of_other_sites(served: Served) -> None:
    async with serving(served) as session:
        async with session.get("/events", headers={"Sec-Fetch-Site": "cross-site"}) as answer:
            assert answer.status == 503
        async with reading(served, "Sec-Fetch-Site: same-origin") as reader:
            assert reader.head.startswith(b"HTTP/1.1 200")


async def test_who_asks_for_the_head_alone_takes_no_room(served: Served) -> None:
    async with serving(served, most=1) as session:
        async with session.head("/events") as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "text/event-stream", b"")
        assert readers(served) == 0


async def test_a_reader_that_goes_on_talking_is_dropped(served: Served) -> None:
    async with serving(served), reading(served) as reader:
        await reader.event()
        reader.outgoing.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.is_over()
        await until(served, 0)


@asynccontextmanager
async def deaf(served: Served) -> AsyncIterator[None]:
    """A reader that never reads, and whose system takes little for it."""
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        peer.connect(("127.0.0.1", served.port))
        peer.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        yield


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone gives a peer up by itself")
async def test_one_that_is_gone_without_a_word_is_given_up_though_there_is_nothing_more_to_say(served: Served) -> None:
    async with serving(served, word=0.3, beat=60), reading(served) as other, deaf(served):
        await until(served, 2)
        await other.event()
        for minutes in range(12):  # more than its system takes, and less than ours holds for it
            served.publish(WELL, NOW + timedelta(minutes=minutes + 1))
            await other.event()
        assert readers(served) == 2
        await until(served, 1)


async def test_one_that_never_reads_is_dropped_and_all_others_hear_everything(served: Served) -> None:
    """It is known by its buffers being full: here they are small, and much is published."""
    async with serving(served) as session, AsyncExitStack() as stack:
        others = [await stack.enter_async_context(reading(served)) for _ in range(AT_ONCE + 1)]
        await stack.enter_async_context(deaf(served))
        await until(served, len(others) + 1)
        for reader in others:
            await reader.event()
        published = 0
        while readers(served) > len(others):
            published += 1
            assert published < 1000, "it is never dropped"
            shelf = served.publish(WELL, NOW + timedelta(minutes=published))
            assert {(await reader.event())["publication"] for reader in others} == {shelf.publication}
            async with session.get("/") as answer:
                assert (answer.status, answer.headers["ETag"]) == (200, shelf.files["/"].etag)
        assert published > 1


async def test_readers_are_told_in_groups_between_which_others_have_their_turn(served: Served) -> None:
    async with serving(served), AsyncExitStack() as stack:
        heard = select.poll()
        for _ in range(3 * AT_ONCE):
            reader = await stack.enter_async_context(reading(served))
            await reader.event()
            line = cast("asyncio.Transport", reader.outgoing.transport)
            line.pause_reading()  # what comes now stays where it can be counted
            heard.register(line.get_extra_info("socket").fileno(), select.POLLIN)
        served.publish(ILL)
        counts = [0]
        async with asyncio.timeout(SOON):
            while counts[-1] < 3 * AT_ONCE:
                await asyncio.sleep(0)
                counts.append(len(heard.poll(0)))
        assert max(after - before for before, after in pairwise(counts)) <= AT_ONCE


async def test_all_streams_end_with_the_service_and_do_not_hold_it_up(served: Served) -> None:
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(4), serving(served):  # a second less than the listener waits for answers
            readers = [await stack.enter_async_context(reading(served)) for _ in range(3)]
        assert all([await reader.is_over() for reader in readers])


async def test_a_running_service_tells_its_readers_and_counts_them(tmp_path: Path) -> None:
    config = tmp_path / "statuspage.yaml"
    config.write_text('{site: {name: Muster IT, url: "http://status.example.net"}, services: {files: {}}}')
    loopback = ("127.0.0.1", 0)
    async with (
        Service(config_path=config, data_dir=tmp_path / "kept", public=loopback, internal=loopback) as running,
        ClientSession() as session,
    ):
        port = int(running.public_url.rpartition(":")[2])
        async with reading(Served(port=port)) as reader:
            await reader.event()
            services = {"files": Status.MAJOR}
            await running.hub.pipeline.act(partial(act.open_incident, name="Lost", services=services, by="ada", body="We are looking."))
            told = await reader.event()
            shelf = running.hub.press.shelf
            assert shelf is not None
            assert told["publication"] == shelf.publication
            async with session.get(f"{running.internal_url}/metrics") as answer:
                assert "statuspage_readers 1.0" in await answer.text()


def readers(served: Served) -> int:
    return 0 if served.streams is None else served.streams.readers


async def until(served: Served, count: int) -> None:
    """Wait until so many are told."""
    async with asyncio.timeout(SOON):
        while readers(served) != count:  # noqa: ASYNC110 - what is waited for is on the wire
            await asyncio.sleep(0.01)


async def test_nobody_is_told_of_a_publication_that_is_the_same(served: Served) -> None:
    async with serving(served), reading(served) as reader:
        await reader.event()
        served.publish(WELL)
        for _ in range(20):
            await asyncio.sleep(0)  # others get their turn
        newest = served.publish(ILL)
        assert (await reader.event())["publication"] == newest.publication
