"""Webhooks over real sockets: signed, guarded by the egress door, told as Atlassian's pages tell, and tried again."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from incidents import act
from incidents.model import State, Status
from incidents.planned import planning
from incidents.planned.planning import Wish
from probes.egress import Door
from statuspage.channels import posting, webhook
from statuspage.channels.channel import Delivered, Failed, Message, Outcome, Refused
from statuspage.deliver import Line
from statuspage.store.people import Role
from tests.deadline import until
from tests.rude.peer import Peer, rude
from tests.statuspage.desks import housed
from tests.statuspage.hooks import OPEN, SECRET, Hook, listening
from tests.statuspage.tellings import House, known, telling


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with listening(Hook()) as opened:
        yield opened


def message(to: str) -> Message:
    return Message(key="abc:updated:1>subscriber:x", to=to, body='{"über": 1}'.encode(), at=datetime.now(UTC), secret=SECRET)


async def sent(to: Message, door: Door = OPEN) -> Outcome:
    (outcome,) = [outcome async for _, outcome in webhook.send(webhook.Settings(), door, [to])]
    return outcome


async def test_a_message_is_signed_so_that_a_reader_can_verify_it(hook: Hook) -> None:
    assert await sent(message(hook.url)) == Delivered()
    ((headers, body),) = hook.heard
    assert Webhook(SECRET).verify(body, headers) == {"über": 1}
    for changed, what in (
        (body + b" ", headers),
        (body, {**headers, "webhook-id": "msg_other"}),
        (body, {**headers, "webhook-timestamp": "1"}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(changed, what)
    assert headers["Content-Type"] == "application/json"
    assert "x" not in headers["webhook-id"].removeprefix("msg_"), "an id of ours tells nobody who is subscribed"


async def test_the_id_is_the_same_for_each_try(hook: Hook) -> None:
    first = message(hook.url)
    await sent(first)
    await sent(replace(first, at=first.at + timedelta(minutes=1)))
    (one, _), (other, _) = hook.heard
    assert one["webhook-id"] == other["webhook-id"]
    assert one["webhook-signature"] != other["webhook-signature"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:9/",
        "http://localhost:9/",
        "http://0.0.0.0:9/",
        "http://[::ffff:127.0.0.1]:9/",
    ],
)
async def test_nobody_has_us_call_on_private_places(address: str) -> None:
    outcome = await sent(message(address), Door())
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("blocked: ")


@pytest.mark.parametrize("address", ["ftp://example.org/", "http://user:pass@127.0.0.1/", "nonsense", "http://127.0.0.1:1\r\nX: y/"])
async def test_what_is_no_address_fails_with_a_sentence(address: str) -> None:
    outcome = await sent(message(address))
    assert isinstance(outcome, Failed)
    assert outcome.reason


async def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.answers = [web.Response(status=307, headers={"Location": "http://169.254.169.254/"})]
    assert await sent(message(hook.url)) == Failed(reason="status 307: redirects are not followed")
    assert len(hook.heard) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((200, {}), Delivered()),
        ((500, {}), Failed(reason="status 500")),
        ((404, {}), Failed(reason="status 404")),
        ((410, {}), Refused(reason="status 410", is_gone=True)),
        ((429, {"Retry-After": "90"}), Failed(reason="status 429", wait=timedelta(seconds=90))),
        ((503, {"Retry-After": "1000000000"}), Failed(reason="status 503")),
        ((503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), Failed(reason="status 503")),
    ],
)
async def test_what_a_status_means(hook: Hook, answer: tuple[int, dict[str, str]], outcome: Outcome) -> None:
    status, headers = answer
    hook.answers = [web.Response(status=status, headers=headers, body=b"a secret of theirs")]
    assert await sent(message(hook.url)) == outcome


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT", 0.2)
    async with rude(Peer.hang) as server:
        assert await sent(message(f"http://127.0.0.1:{server.port}/")) == Failed(reason="no answer within 0 s")


async def test_no_more_is_read_than_it_takes() -> None:
    async def endless(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        await peer.flood(b"x" * 65536)

    async with rude(endless) as server:
        assert await sent(message(f"http://127.0.0.1:{server.port}/")) == Delivered()


async def test_what_is_not_http_has_failed() -> None:
    async def greeting(peer: Peer) -> None:
        await peer.say(b"220 mail.example.net ESMTP\r\n")
        await peer.hang()

    async with rude(greeting) as server:
        outcome = await sent(message(f"http://127.0.0.1:{server.port}/"))
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("protocol: ")


# --- end to end -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        opened.deliverer.door = OPEN
        opened.deliverer.lines = {"webhook": Line(channel=webhook.CHANNEL, settings=webhook.Settings())}
        yield opened


async def test_an_incident_is_told_as_such_pages_tell_it(house: House, hook: Hook) -> None:
    ada = await house.subscribe(hook.url, channel="webhook", secret=SECRET)
    incident = await house.outage()
    await house.pass_by(120)
    await house.deliver()
    ((id, told),) = hook.told("incident")
    assert told["incident"]["id"] == incident.id
    assert told["incident"]["status"] == "investigating"
    assert told["incident"]["impact"] == "major"
    assert told["incident"]["incident_updates"][0]["affected_components"][0]["new_status"] == "partial_outage"
    assert told["page"]["id"] == house.press.installation.page_id
    assert (told["page"]["status_indicator"], told["page"]["status_description"]) == ("major", "Partial System Outage")
    assert told["meta"]["unsubscribe"] == house.deliverer.letters.links.unsubscribe(ada.id)
    assert "smtp" not in json.dumps(told), "nothing of ours that is not public"
    assert id.startswith("msg_")


async def test_the_status_of_the_page_is_that_of_all_that_is_open(house: House, hook: Hook) -> None:
    """Where people say that it is not over yet, the page is not green: nor is it in what is told of something else meanwhile."""
    incident = await house.outage()
    await house.see("smtp", None)
    known_again = partial(act.update, incident=incident.id, by="anna", body="It may fail again.", state=State.INVESTIGATING)
    await house.pipeline.act(known_again)
    await house.subscribe(hook.url, channel="webhook", secret=SECRET)
    starts = house.world.now + timedelta(days=3)
    plan = Wish(name="New disks", services=("portal",), starts=starts, ends=starts + timedelta(minutes=30), body="Disks are put in.")
    await house.pipeline.act(partial(planning.plan, by="anna", wish=plan))
    await house.deliver()
    shown = json.loads((await house.press.issue()).files["/api/v2/status.json"].body)["status"]["indicator"]
    ((_, told),) = hook.told("incident")
    assert (told["incident"]["name"], told["page"]["status_indicator"], shown) == ("New disks", "minor", "minor")


async def test_one_that_is_away_is_tried_again_and_told_in_order(house: House, hook: Hook) -> None:
    incident = await house.outage()
    await house.deliver()
    await house.subscribe(hook.url, channel="webhook", secret=SECRET)
    hook.answers = [web.Response(status=503), web.Response(status=503)]
    await house.pass_by(120)
    await house.deliver()
    await house.say(incident.id, "A disk is full.")
    await house.deliver()
    for _ in range(4):
        await house.pass_by(60)
        await house.deliver()
    ids = [headers["webhook-id"] for headers, _ in hook.heard]
    assert ids == [ids[0], ids[0], ids[0], ids[-1]]
    assert ids[0] != ids[-1]
    assert "A disk is full." in hook.heard[-1][1].decode()
    assert all(one.delivered_at for one in await house.sent(incident.id))


async def test_one_slow_webhook_keeps_nobody_waiting(house: House, hook: Hook) -> None:
    async with rude(Peer.hang) as server:
        await house.subscribe(f"http://127.0.0.1:{server.port}/", channel="webhook", secret=SECRET)
        await house.subscribe(hook.url, channel="webhook", secret=SECRET)
        await house.outage()
        await house.pass_by(120)
        await house.deliverer.look()
        await until(lambda: hook.heard)
        assert house.deliverer._under_way, "the other one is still waited for"
    await house.deliverer.idle()


async def test_the_desk_adds_a_webhook_and_sees_its_secret_once(tmp_path: Path) -> None:
    async with housed(tmp_path) as desk_house:
        desk = await desk_house.program("desk", Role.MANAGER)
        body = {"channel": "webhook", "address": "https://example.org/hook?token=s3cret", "services": ["portal"], "floor": "major_outage"}
        answer = await desk.send("/subscribers", body)
        told = await answer.json()
        assert answer.status == 201
        assert answer.headers["Location"] == f"/api/v1/subscribers/{told['id']}"
        assert Webhook(told["secret"]).sign("msg_1", desk_house.now, "{}").startswith("v1,")
        assert (told["services"], told["floor"], told["added_by"]) == (["portal"], Status.MAJOR.value, "desk")
        shown = await (await desk.get(f"/subscribers/{told['id']}")).text()
        assert told["secret"] not in shown
        assert (await desk.send("/subscribers", body)).status == 409
        for wrong in ({**body, "address": "file:///etc/passwd"}, {**body, "services": ["nosuch"]}, {**body, "channel": "mail"}):
            assert (await desk.send("/subscribers", wrong)).status == 422
        level_one = await desk_house.program("phone", Role.LEVEL_ONE)
        assert (await level_one.send("/subscribers", {**body, "address": "https://example.org/"})).status == 403
