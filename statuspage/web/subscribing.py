"""Subscriptions by mail, from the form to the last good-bye, for people without an account and pages without a script.

Nothing changes by looking: every link in a letter leads to a page with a button, since programs that look for harm follow all links.
Whoever asks gets the same answer whether an address is known or not.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from aiohttp import hdrs, web
from pydantic import JsonValue
from sqlalchemy import Connection

from statuspage.clock import Now
from statuspage.links import LONGEST, Asked, Links, Purpose, digest
from statuspage.mailbox import mailbox
from statuspage.picture.marking import marked
from statuspage.picture.page import Page
from statuspage.render.subscription import Subscription
from statuspage.store import askers, outbox, subscribers
from statuspage.store.askers import Allowed, Limits
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.subscribers import Subscriber
from statuspage.web.forms import Fields, Reply, Unreadable, fields_of, is_from_elsewhere
from statuspage.web.proxies import DIRECT, Proxies, place_of
from statuspage.web.throttle import Allowance, Buckets
from statuspage.web.wishes import export, faults_of, typed_in, typed_of, wish_of

CONFIRM_WITHIN = timedelta(hours=48)

CHANNEL = "mail"
_TOO_LONG = marked("These are too many to name in a link. Choose fewer, or all; you can change it once you have confirmed.")

TRAP = "website"
"""A field that people do not see: whoever fills it in is none."""


@dataclass(slots=True, kw_only=True)
class Subscribing:
    """What the forms need. *page* is the newest picture in a language (None: the site's), *wake* has letters go out at once."""

    store: Store
    now: Now
    pages: Subscription
    page: Callable[[str | None], Page | None]
    links: Callable[[], Links]
    wake: Callable[[], None]
    proxies: Proxies = DIRECT
    limits: Limits = field(default_factory=Limits)
    # In memory and before the store: a flood of forms must not cost a flood of transactions.
    _client: Buckets = field(default_factory=lambda: Buckets(Allowance(burst=20, every=timedelta(seconds=30))))
    _everyone: Buckets = field(default_factory=lambda: Buckets(Allowance(burst=100, every=timedelta(seconds=1))))

    async def answer(self, request: web.Request, path: str, language: str | None) -> Reply | None:
        """Answer a request to the form's address *path*, in *language* where the path named one; None where there is nothing at it."""
        page = await self._page(language)
        if page is None:
            return Reply(status=503, body=b"nothing is published yet\n", headers={"Retry-After": "5"})
        try:
            return await self._answer(request, page, path)
        except Unreadable as unreadable:
            return self._say(page, unreadable.status, marked("This was not taken"), str(unreadable))
        except StoreUnavailable:
            heading = marked("Please try again in a few minutes")
            return self._say(page, 503, heading, marked("Nothing was changed."), {"Retry-After": "120"})

    async def _page(self, language: str | None) -> Page | None:
        """The surroundings; in another language than the site's they may have to be drawn first."""
        return self.page(None) if language is None else await asyncio.to_thread(self.page, language)

    async def _answer(self, request: web.Request, page: Page, path: str) -> Reply | None:
        match path.split("/")[1:]:
            case ["subscribe"]:
                return await self._subscribe(request, page)
            case ["subscribe", "confirm", token]:
                return await self._confirm(request, page, token)
            case ["subscribe", "manage", token]:
                return await self._manage(request, page, token)
            case ["subscribe", "manage", token, "data.json"]:
                return await self._export(token)
            case ["unsubscribe", token]:
                return await self._unsubscribe(request, page, token)
            case _:
                return None

    # --- asking

    async def _subscribe(self, request: web.Request, page: Page) -> Reply:
        fields = await self._fields(request, page)
        typed = typed_in(fields)
        if not page.site.takes_mail:
            return self._say(
                page, 503, marked("We cannot send mail at present"), marked("You can follow by the feeds at the foot of this page.")
            )
        if any(fields.get(TRAP, [""])):
            return self._sent(page)  # a program that fills in everything is content with that
        client = place_of(self.proxies.client_of(request))
        faults = dict(faults_of(typed, page))
        if faults:
            return Reply(status=422, body=self.pages.form(page, typed, faults))
        if not self._has_patience(client):
            return self._too_many(page)
        until, wish = self.now() + CONFIRM_WITHIN, wish_of(typed, page)
        asked = Asked(address=mailbox(typed.address), wish=wish, language=page.language, until=until)
        link = self.links().confirm(asked)
        if len(link) > LONGEST:
            faults = {"services": _TOO_LONG}
            return Reply(status=422, body=self.pages.form(page, typed, faults))
        match await self.store.write(partial(self._ask, asked, link, client)):
            case Allowed.YES | Allowed.IN_SILENCE:
                self.wake()
                return self._sent(page)
            case _:
                return self._too_many(page)

    def _ask(self, asked: Asked, link: str, client: str, connection: Connection) -> Allowed:
        """Count it and write the letter, or neither."""
        secret, at = self.links().secret, self.now()
        name, _, domain = subscribers.known_as(asked.address).rpartition("@")
        # Most providers put all of anna+1@, anna+2@… into one mailbox: whoever floods knows that.
        address = askers.digest_of(secret, "address", f"{name.partition('+')[0] or name}@{domain}")
        allowed = askers.ask(connection, address=address, client=askers.digest_of(secret, "client", client), limits=self.limits, at=at)
        if allowed is Allowed.YES:
            hours = CONFIRM_WITHIN // timedelta(hours=1)
            letter: dict[str, JsonValue] = {
                "kind": "confirm",
                "to": asked.address,
                "link": link,
                "hours": hours,
                "until": asked.until.isoformat(),
                "language": asked.language,
            }
            key = f"confirm:{digest(link)}"
            outbox.write_letter(connection, key=key, channel=CHANNEL, recipient=f"address:{address}", letter=letter, at=at)
        return allowed

    def _has_patience(self, client: str) -> bool:
        now = self.now()
        if self._client.wait(client, now) or self._everyone.wait("", now):
            return False
        self._client.spend(client, now)
        self._everyone.spend("", now)
        return True

    def _sent(self, page: Page) -> Reply:
        return Reply(status=200, body=self.pages.sent(page, CONFIRM_WITHIN // timedelta(hours=1)))

    def _too_many(self, page: Page) -> Reply:
        words = marked("Too many have asked from where you are, or altogether. Please try again in an hour.")
        return self._say(page, 429, marked("Not just now"), words, {"Retry-After": "3600"})

    # --- confirming

    async def _confirm(self, request: web.Request, page: Page, token: str) -> Reply | None:
        asked = self.links().asked(token, self.now())
        if asked is None:
            words = marked("It is too old, or not whole. Please ask for another one.")
            return self._say(page, 404, marked("This link leads nowhere any more"), words)
        page = await self._page(asked.language) or page
        if request.method != hdrs.METH_POST:
            return Reply(status=200, body=self.pages.confirm(page, asked.address))
        await self._fields(request, page)
        subscriber = await self.store.write(partial(self._confirmed, asked, token))
        if subscriber is None:
            words = marked("The subscription has ended since. Please ask for another link.")
            return self._say(page, 410, marked("This link was used before"), words)
        return Reply(status=303, headers={hdrs.LOCATION: _path(self.links().manage(subscriber.id), self.links())})

    def _confirmed(self, asked: Asked, token: str, connection: Connection) -> Subscriber | None:
        """Subscribe them, once for each link: one that was used brings nobody back who has gone since."""
        if not askers.spend(connection, digest(token), asked.until):
            return subscribers.subscriber_at(connection, CHANNEL, asked.address)
        wish, language, at = asked.wish, asked.language, self.now()
        return subscribers.subscribe(connection, channel=CHANNEL, address=asked.address, wish=wish, language=language, at=at)

    # --- afterwards

    async def _manage(self, request: web.Request, page: Page, token: str) -> Reply | None:
        subscriber = await self._known(Purpose.MANAGE, token)
        if subscriber is None:
            return self._nobody(page)
        page = await self._page(subscriber.language) or page
        if request.method != hdrs.METH_POST:
            return self._managed(page, subscriber, token)
        fields = await self._fields(request, page)
        if fields.get("act") == ["erase"]:
            await self.store.write(partial(_erase, subscriber.id, self.now()))
            return self._gone(page)
        typed, at = typed_in(fields), self.now()
        faults = {name: fault for name, fault in faults_of(typed, page) if name != "address"}
        if faults:
            return Reply(status=422, body=self.pages.manage(page, subscriber.address, self._data(token), typed, faults))
        wish, language = wish_of(typed, page), subscriber.language
        await self.store.write(lambda connection: subscribers.rewish(connection, subscriber.id, wish, language=language, at=at))
        return self._managed(page, await self._known(Purpose.MANAGE, token) or subscriber, token, is_saved=True)

    def _managed(self, page: Page, subscriber: Subscriber, token: str, *, is_saved: bool = False) -> Reply:
        body = self.pages.manage(page, subscriber.address, self._data(token), typed_of(subscriber), is_saved=is_saved)
        return Reply(status=200, body=body)

    def _data(self, token: str) -> str:
        return f"/subscribe/manage/{token}/data.json"

    async def _export(self, token: str) -> Reply | None:
        subscriber = await self._known(Purpose.MANAGE, token)
        if subscriber is None:
            return None
        told = await self.store.read(lambda connection: outbox.of_recipient(connection, subscriber.recipient))
        body = json.dumps(export(subscriber, told), ensure_ascii=False, indent=2).encode()
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: "application/json; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: 'attachment; filename="subscription.json"',
        }
        return Reply(status=200, body=body, headers=headers)

    async def _unsubscribe(self, request: web.Request, page: Page, token: str) -> Reply | None:
        """Programs of mail providers send the form of RFC 8058 from anywhere, so that here the link alone counts."""
        id = self.links().subscriber(Purpose.UNSUBSCRIBE, token)
        if id is None:
            return self._nobody(page)
        found = await self.store.read(lambda connection: subscribers.subscriber(connection, id))
        page = page if found is None else await self._page(found.language) or page
        if request.method != hdrs.METH_POST:
            return Reply(status=200, body=self.pages.unsubscribe(page))
        await self.store.write(partial(_erase, id, self.now()))
        return self._gone(page)

    async def _known(self, purpose: Purpose, token: str) -> Subscriber | None:
        id = self.links().subscriber(purpose, token)
        return None if id is None else await self.store.read(lambda connection: subscribers.subscriber(connection, id))

    async def _fields(self, request: web.Request, page: Page) -> Fields:
        if is_from_elsewhere(request, page.site.url):
            raise Unreadable(403, marked("This form was sent from another site."))
        return await fields_of(request)

    def _gone(self, page: Page) -> Reply:
        words = marked("You are unsubscribed: you get no further mail from us, and we have forgotten your address.")
        return self._say(page, 200, marked("That was it"), words)

    def _nobody(self, page: Page) -> Reply:
        return self._say(page, 404, marked("There is no such subscription"), marked("It has ended, or the link is not whole."))

    def _say(self, page: Page, status: int, heading: str, words: str, headers: dict[str, str] | None = None) -> Reply:
        return Reply(status=status, body=self.pages.say(page, heading, words), headers=headers or {})


def _path(url: str, links: Links) -> str:
    """The path of a link of ours: whatever name the reader's browser knows the site by, they stay there."""
    return url.removeprefix(links.url)


def _erase(id: str, at: datetime, connection: Connection) -> None:
    subscribers.erase(connection, id, at=at)
