"""The forms of the public face over a real socket: who is written to, who is not, and what nobody finds out."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse, ClientSession, TCPConnector, web
from sqlalchemy import func, select, text

from incidents.model import Status
from statuspage.picture.audience import Rhythm, Wish
from statuspage.store import acts, outbox, subscribers
from statuspage.store.askers import Limits
from statuspage.store.errors import StoreUnavailable
from statuspage.store.outbox_tables import asked, notifications
from statuspage.store.subscribers import Subscriber
from statuspage.telling import subscribing
from statuspage.web.beside import Beside
from statuspage.web.listener import Patience
from statuspage.web.proxies import Proxies
from statuspage.web.public import public_app, public_runner
from statuspage.web.subscribing import Subscribing
from tests.rude.postbox import Letter
from tests.statuspage.desks import Whole
from tests.statuspage.tellings import House, known, telling

FORM = {"address": "anna@example.org", "floor": "degraded_performance", "maintenance": "yes"}
LINK = re.compile(r"https://status\.example\.net(/\S+)")


@dataclass
class Front:
    """The public face with its forms, and a reader's browser."""

    house: House
    forms: Subscribing
    browser: ClientSession
    port: int

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.browser.get(path, allow_redirects=False, headers=headers)

    async def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> ClientResponse:
        return await self.browser.post(path, data=dict(fields or {}), allow_redirects=False, headers=headers)

    async def ask(self, address: str = "anna@example.org", client: str = "203.0.113.7", **more: str) -> ClientResponse:
        self.house.world.wait(0.001)  # else two links would be the same, and one letter enough
        return await self.post("/subscribe", {**FORM, "address": address, **more}, **{"X-Forwarded-For": client})

    async def letters(self, address: str = "anna@example.org") -> list[Letter]:
        await self.house.deliver()
        return self.house.postbox.to(address)

    async def link(self, address: str = "anna@example.org") -> str:
        """The path of the newest link to confirm."""
        found = LINK.search((await self.letters(address))[-1].text.split("button there:")[1])
        assert found
        return found[1]

    async def subscriber(self, address: str = "anna@example.org") -> Subscriber | None:
        return await self.house.store.read(lambda connection: subscribers.subscriber_at(connection, "mail", address))

    def manage(self, subscriber: Subscriber) -> str:
        return self.house.deliverer.letters.links.manage(subscriber.id).removeprefix("https://status.example.net")

    def unsubscribe(self, subscriber: Subscriber) -> str:
        return self.house.deliverer.letters.links.unsubscribe(subscriber.id).removeprefix("https://status.example.net")


@asynccontextmanager
async def fronted(directory: Path, **patience: float) -> AsyncIterator[Front]:
    async with telling(directory, known()) as house:
        await house.press.issue()
        forms = subscribing(house.deliverer, house.press, Proxies((ip_network("127.0.0.1"),)))
        beside = Beside(older=house.press.older, forms=forms.answer)
        app = public_app(lambda: house.press.shelf, fresh=house.press.fresh, beside=beside)
        runner = public_runner(app, patience=Patience(**patience))
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            async with ClientSession(f"http://127.0.0.1:{port}", response_class=Whole, connector=TCPConnector(limit=0)) as browser:
                yield Front(house, forms, browser, port)
        finally:
            await runner.cleanup()


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with fronted(tmp_path) as opened:
        yield opened


# --- from the form to the first letter --------------------------------------------------------------------------------------------


async def test_a_subscription_from_the_form_to_the_good_bye(front: Front) -> None:
    form = await (await front.get("/subscribe")).text()
    assert 'name="address"' in form
    assert "does not depend on the services" in form
    assert "<script" not in form
    answer = await front.ask(service="email", floor="partial_outage", rhythm="weekly")
    assert answer.status == 200
    assert "look into your mail" in await answer.text()
    link = await front.link()
    assert await front.subscriber() is None
    page = await front.get(link)
    assert (page.status, await front.subscriber()) == (200, None), "looking confirms nothing"
    confirmed = await front.post(link)
    assert confirmed.status == 303
    managed = confirmed.headers["Location"]
    anna = await front.subscriber()
    assert anna is not None
    assert anna.wish == Wish(services=frozenset({"email"}), floor=Status.PARTIAL, wants_maintenance=True, rhythm=Rhythm.WEEKLY)
    assert managed == front.manage(anna)
    assert "anna@example.org" in await (await front.get(managed)).text()
    gone = await front.post(managed, {"act": "erase"})
    assert "unsubscribed" in await gone.text()
    assert await front.subscriber() is None
    assert (await front.get(managed)).status == 404


async def test_the_letter_to_confirm_is_plain_and_no_newsletter(front: Front) -> None:
    await front.ask()
    (letter,) = await front.letters()
    assert letter.subject == "Please confirm: mail about Muster IT"
    assert letter.message["List-Unsubscribe"] is None
    assert letter.message["References"] is None
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert "If it was not you, do nothing" in letter.text
    assert await front.link() in letter.html


async def test_nothing_is_kept_of_an_address_that_was_not_confirmed(front: Front) -> None:
    await front.ask()
    await front.letters()
    store = front.house.store
    tables = await store.read(
        lambda connection: connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
    )
    for table in tables:
        rows = await store.read(lambda connection, table=table: connection.execute(text(f"SELECT * FROM {table}")).all())  # type: ignore[misc]
        assert "anna@" not in str(rows), table


async def test_a_link_that_was_used_brings_nobody_back(front: Front) -> None:
    await front.ask()
    link = await front.link()
    assert (await front.post(link)).status == 303
    assert (await front.post(link)).status == 303, "a second click is no fault"
    anna = await front.subscriber()
    assert anna is not None
    await front.post(front.unsubscribe(anna))
    again = await front.post(link)
    assert (again.status, await front.subscriber()) == (410, None)


async def test_a_link_that_is_too_old_or_not_whole_confirms_nothing(front: Front) -> None:
    await front.ask()
    link = await front.link()
    assert (await front.post(link[:-3] + "AAA")).status == 404
    front.house.world.wait(timedelta(hours=48).total_seconds())
    assert (await front.post(link)).status == 404
    assert (await front.get(link)).status == 404
    assert await front.subscriber() is None


async def test_a_letter_that_would_come_after_its_link_has_ended_is_not_sent(front: Front) -> None:
    front.house.postbox.replies["anna@example.org"] = ["451 4.2.1 Not now"]
    await front.ask()
    assert await front.letters() == []
    front.house.world.wait(timedelta(hours=49).total_seconds())
    assert await front.letters() == []
    left = await front.house.store.read(lambda connection: connection.execute(select(notifications.c.reason, notifications.c.letter)).all())
    assert [tuple(row) for row in left] == [("its link would lead nowhere any more", None)]


async def test_who_confirms_again_is_told_what_was_wished_last(front: Front) -> None:
    await front.ask()
    await front.post(await front.link())
    first = await front.subscriber()
    front.house.world.wait(60)
    await front.ask("ANNA@example.org", floor="major_outage")
    await front.post(await front.link("ANNA@example.org"))
    second = await front.subscriber()
    assert first is not None
    assert second is not None
    assert (second.id, second.wish.floor) == (first.id, Status.MAJOR)


# --- what nobody finds out ----------------------------------------------------------------------------------------------------------


async def test_the_answer_never_tells_whether_an_address_is_known(front: Front) -> None:
    await front.ask()
    await front.post(await front.link())
    answers = []
    for number, address in enumerate(("anna@example.org", "nobody@example.org")):
        answer = await front.ask(address, client=f"198.51.100.{number}")
        headers = {name: value for name, value in answer.headers.items() if name != "Date"}
        answers.append((answer.status, headers, await answer.read()))
    assert answers[0] == answers[1]
    assert len(await front.letters()) == 2
    assert len(await front.letters("nobody@example.org")) == 1


async def test_an_address_that_has_got_enough_letters_gets_no_more_and_the_answer_is_the_same(front: Front) -> None:
    answers = [await (await front.ask(client=f"198.51.100.{number}")).read() for number in range(8)]
    assert len(set(answers)) == 1
    assert len(await front.letters()) == 3
    front.house.world.wait(timedelta(days=1).total_seconds())
    await front.ask(client="198.51.100.99")
    assert len(await front.letters()) == 4


async def test_an_address_with_a_tag_is_the_mailbox_that_it_is_delivered_to(front: Front) -> None:
    for number in range(8):
        await front.ask(f"anna+{number}@example.org", client=f"198.51.100.{number}")
    await front.house.deliver()
    assert len(front.house.postbox.letters) == 3


async def test_a_flood_from_one_place_is_a_few_letters(front: Front) -> None:
    statuses = []
    for number in range(200):
        answer = await front.ask(f"victim{number}@example.org")
        statuses.append(answer.status)
        if number % 25 == 24:
            front.house.world.wait(3600)
    await front.house.deliver(rounds=6)
    assert len(front.house.postbox.letters) == statuses.count(200) == 20
    assert set(statuses) == {200, 429}


async def test_all_addresses_of_one_ipv6_network_are_one_place(front: Front) -> None:
    statuses = [(await front.ask(f"v{number}@example.org", client=f"2001:db8::{number:x}")).status for number in range(9)]
    assert statuses == [200] * 6 + [429] * 3
    assert (await front.ask("other@example.org", client="2001:db8:0:1::1")).status == 200


async def test_all_together_ask_for_so_many_letters_and_no_more(front: Front) -> None:
    front.forms.limits = Limits(all_an_hour=5)
    statuses = [(await front.ask(f"v{number}@example.org", client=f"198.51.100.{number}")).status for number in range(8)]
    assert statuses == [200] * 5 + [429] * 3


async def test_limits_outlive_a_restart(front: Front) -> None:
    for number in range(6):
        await front.ask(f"v{number}@example.org")
    front.forms._client._spent.clear()
    assert (await front.ask("v7@example.org")).status == 429


async def test_a_flood_reaches_the_store_no_more_often_than_a_few_times(front: Front) -> None:
    front.forms.limits = Limits(client_an_hour=1000, client_a_day=1000)
    for number in range(60):
        await front.ask(f"v{number}@example.org")
    counted = await front.house.store.read(lambda connection: connection.scalar(select(func.count()).select_from(asked)))
    assert counted == 20


async def test_a_program_that_fills_in_everything_is_content_and_nothing_is_sent(front: Front) -> None:
    answer = await front.ask(website="http://spam.example")
    assert answer.status == 200
    assert await front.letters() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://status.example.net.evil"},
    ],
    ids=str,
)
async def test_another_sites_page_cannot_send_the_form(front: Front, headers: Mapping[str, str]) -> None:
    answer = await front.post("/subscribe", FORM, **headers)
    assert answer.status == 403
    assert await front.letters() == []


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://status.example.net"}, {"Origin": "null"}],
    ids=str,
)
async def test_our_own_page_can(front: Front, headers: Mapping[str, str]) -> None:
    assert (await front.post("/subscribe", FORM, **headers)).status == 200
    assert len(await front.letters()) == 1


# --- what is typed ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"address": ""}, "address-fault"),
        ({"address": "anna@example.org\r\nBcc: all@example.org"}, "address-fault"),
        ({"address": "anna@example.org\x00"}, "address-fault"),
        ({"address": "x" * 10_000 + "@example.org"}, "address-fault"),
        ({"address": '"><script>alert(1)</script>@example.org'}, "address-fault"),
        ({"floor": "operational"}, "floor-fault"),
        ({"floor": ""}, "floor-fault"),
        ({"service": "nosuch"}, "services-fault"),
    ],
    ids=str,
)
async def test_what_does_not_fit_is_named_beside_its_field_and_nothing_is_sent(front: Front, fields: Mapping[str, str], fault: str) -> None:
    answer = await front.post("/subscribe", {**FORM, **fields})
    page = await answer.text()
    assert answer.status == 422
    assert f'id="{fault}"' in page
    assert "<script>alert" not in page
    assert await front.letters() == []


async def test_what_was_typed_is_still_there(front: Front) -> None:
    page = await (await front.post("/subscribe", {**FORM, "address": "anna@", "service": "portal", "floor": "major_outage"})).text()
    assert 'value="anna@"' in page
    assert 'value="portal" checked' in page
    assert 'value="email" checked' not in page
    assert 'value="major_outage" checked' in page


async def test_a_ticked_list_that_names_all_means_all(front: Front) -> None:
    body = urlencode([*FORM.items(), ("service", "email"), ("service", "portal")])
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    await front.browser.post("/subscribe", data=body, headers=kind)
    await front.post(await front.link())
    anna = await front.subscriber()
    assert anna is not None
    assert anna.wish.services is None


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=b", "text/plain", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
        (b"address=" + b"x" * 40_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=b" for _ in range(800)), "application/x-www-form-urlencoded", 400),
        (b"address=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"address=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(front: Front, body: bytes, kind: str, status: int) -> None:
    answer = await front.browser.post("/subscribe", data=body, headers={"Content-Type": kind})
    assert answer.status == status
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_body_that_never_ends_is_cut_off(front: Front) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    answer = await front.browser.post("/subscribe", data=endless(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 413


async def test_a_form_that_dawdles_is_answered_and_let_go(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuspage.web.forms.PATIENCE", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    writer.write(b"POST /subscribe HTTP/1.1\r\nHost: x\r\n" + kind + b"Content-Length: 100\r\n\r\naddress=")
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


# --- afterwards ---------------------------------------------------------------------------------------------------------------------


async def anna(front: Front) -> Subscriber:
    return await front.house.subscribe("anna@example.org")


async def test_one_click_of_a_mail_provider_ends_it(front: Front) -> None:
    subscriber = await anna(front)
    path = front.unsubscribe(subscriber)
    assert (await front.get(path)).status == 200
    assert await front.subscriber() is not None, "a program that looks at links ends nothing"
    click = {"List-Unsubscribe": "One-Click"}
    answer = await front.post(path, click, Origin="https://mail.example", **{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, await front.subscriber()) == (200, None)
    assert (await front.post(path, click)).status == 200, "a second click is no fault"
    audit = await front.house.store.read(lambda connection: acts.read_audit(connection, before=None, limit=5))
    assert [(row.actor, row.act) for row in audit] == [("subscriber", "unsubscribe"), ("subscriber", "subscribe")]
    assert {row.subject for row in audit} == {subscriber.id}


async def test_a_subscriber_changes_what_they_are_told(front: Front) -> None:
    subscriber = await anna(front)
    answer = await front.post(front.manage(subscriber), {"service": "portal", "floor": "major_outage", "act": "change"})
    assert "Saved." in await answer.text()
    changed = await front.subscriber()
    assert changed is not None
    assert changed.wish == Wish(services=frozenset({"portal"}), floor=Status.MAJOR, wants_maintenance=False)
    for nonsense in ({"floor": "nonsense"}, {"floor": "major_outage", "rhythm": "hourly"}):
        refused = await front.post(front.manage(subscriber), {**nonsense, "act": "change"})
        assert refused.status == 422
        assert "Please choose one of these." in await refused.text()
    assert await front.subscriber() == changed


async def test_a_subscriber_changes_how_often_they_are_written_to(front: Front) -> None:
    subscriber = await anna(front)
    form = {"floor": "degraded_performance", "maintenance": "yes", "act": "change"}
    for rhythm in (Rhythm.DAILY, Rhythm.WEEKLY, Rhythm.AT_ONCE):
        answer = await front.post(front.manage(subscriber), {**form, "rhythm": rhythm})
        page = await answer.text()
        assert "Saved." in page
        assert f'name="rhythm" value="{rhythm}" checked' in page
        assert len(re.findall('name="rhythm"[^>]*checked', page)) == 1
        changed = await front.subscriber()
        assert changed is not None
        assert changed.wish == Wish(rhythm=rhythm)
    empty = await (await front.get("/subscribe")).text()
    assert 'name="rhythm" value="at_once" checked' in empty
    assert "Europe/Berlin" in empty


async def test_what_is_gathered_leaves_as_soon_as_somebody_wants_it_at_once(front: Front) -> None:
    subscriber = await front.house.subscribe("anna@example.org", Wish(rhythm=Rhythm.WEEKLY))
    await front.house.outage()
    await front.house.pass_by(120)
    assert await front.letters() == []
    await front.post(
        front.manage(subscriber), {"floor": "degraded_performance", "maintenance": "yes", "rhythm": "at_once", "act": "change"}
    )
    (letter,) = await front.letters()
    assert letter.subject.startswith("Round-up of ")


async def test_a_subscriber_sees_all_that_is_kept(front: Front) -> None:
    subscriber = await anna(front)
    await front.house.outage()
    await front.house.pass_by(120)
    await front.house.deliver()
    answer = await front.get(front.manage(subscriber) + "/data.json")
    kept = json.loads(await answer.text())
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (kept["address"], kept["services"], kept["from"]) == ("anna@example.org", None, "degraded_performance")
    assert kept["rhythm"] == "at_once"
    assert [one["state"] for one in kept["told"]] == ["delivered"]
    assert (await front.get("/subscribe/manage/nonsense/data.json")).status == 404


async def test_another_sites_page_changes_nothing_even_with_the_link(front: Front) -> None:
    subscriber = await anna(front)
    answer = await front.post(front.manage(subscriber), {"act": "erase"}, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert await front.subscriber() is not None


async def test_who_asks_for_the_head_alone_gets_no_more_and_changes_nothing(front: Front) -> None:
    subscriber = await anna(front)
    for path in ("/subscribe", front.manage(subscriber), front.unsubscribe(subscriber)):
        answer = await front.browser.head(path, allow_redirects=False)
        assert (answer.status, await answer.read()) == (200, b"")
    assert await front.subscriber() == subscriber


async def test_a_wrong_link_is_a_page_that_says_so(front: Front) -> None:
    for path in ("/subscribe/manage/nonsense", "/unsubscribe/nonsense", "/subscribe/confirm/nonsense"):
        for answer in (await front.get(path), await front.post(path)):
            assert answer.status == 404
            assert answer.headers["X-Robots-Tag"] == "noindex"


async def test_pages_behind_links_name_no_token_elsewhere_and_are_kept_by_nobody(front: Front) -> None:
    subscriber = await anna(front)
    answer = await front.get(front.manage(subscriber))
    page = await answer.text()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert '<link rel="canonical" href="https://status.example.net/subscribe">' in page
    assert "<script" not in page


async def test_while_the_store_is_away_nothing_is_changed_and_that_is_said(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(front.house.store, "write", away)
    answer = await front.ask()
    assert answer.status == 503
    assert answer.headers["Retry-After"]


async def test_without_mail_the_page_tells_how_else_to_follow(front: Front) -> None:
    press = front.house.press
    press.forget(replace(press.site, takes_mail=False), press.public_ids, press.stale_after)
    await press.issue()
    page = await (await front.get("/subscribe")).text()
    assert "<form" not in page
    assert "feed" in page
    assert "/subscribe" not in await (await front.get("/")).text(), "nothing leads there"
    assert (await front.ask()).status == 503


async def test_other_methods_are_refused_and_other_paths_take_no_forms(front: Front) -> None:
    answer = await front.browser.put("/subscribe")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    for path in ("/", "/maintenance", "/subscribe/manage/x/data.json", "/subscribe/nonsense"):
        assert (await front.post(path, FORM)).status == 405
    waiting = await front.house.store.read(outbox.waiting)
    assert waiting == 0


# --- in the reader's language -------------------------------------------------------------------------------------------------------


async def test_who_asks_in_german_is_written_to_in_german(front: Front) -> None:
    press = front.house.press
    press.forget(replace(press.site, languages=("en", "de")), press.public_ids, press.stale_after)
    front.house.deliverer.letters.site = press.site
    await press.issue()
    form = await (await front.get("/subscribe", **{"Accept-Language": "de"})).text()
    assert "Ihre Adresse" in form
    assert 'action="/de/subscribe"' in form
    answer = await front.post("/de/subscribe", FORM)
    assert "Bitte sehen Sie in Ihr Postfach" in await answer.text()
    (letter,) = await front.letters()
    assert letter.subject == "Bitte bestätigen: E-Mails über Muster IT"
    link = LINK.search(letter.text.split("Schaltfläche:")[1])
    assert link
    assert "Ja, Benachrichtigungen abonnieren" in await (await front.get(link[1])).text()
    managed = (await front.post(link[1])).headers["Location"]
    assert "Ihr Abonnement" in await (await front.get(managed)).text()
    incident = await front.house.outage()
    await front.house.pass_by(120)
    told = (await front.letters())[1]
    for part in (told.text, told.html):
        assert "So steht es jetzt um die Dienste:" in part
        assert f"https://status.example.net/de/incidents/{incident.id}" in part
        assert "Email: Sending not working" in part, "what was said in public is told as it was said"
    assert 'lang="en"' in told.html


async def test_a_language_that_the_site_speaks_no_more_is_no_obstacle(front: Front) -> None:
    await front.house.subscribe("anna@example.org", language="fr")
    await front.house.outage()
    await front.house.pass_by(120)
    (letter,) = await front.letters()
    assert "How the services are now:" in letter.text
    anna = await front.subscriber()
    assert anna is not None
    assert "Your subscription" in await (await front.get(front.manage(anna))).text()
