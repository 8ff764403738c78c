"""Was this update useful? Two buttons under each update, without an account; what is answered is for the desk alone."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from aiohttp import hdrs, web

from statuspage.clock import Now
from statuspage.picture.marking import marked
from statuspage.picture.page import IncidentView, Page
from statuspage.render.subscription import Subscription
from statuspage.store import askers, usefulness
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.web.forms import Reply, Unreadable, fields_of, is_from_elsewhere
from statuspage.web.proxies import DIRECT, Proxies, place_of
from statuspage.web.throttle import Allowance, Buckets

_PLACE = re.compile(r"/incidents/(?P<incident>[a-z0-9]{12})/useful/(?P<number>[1-9][0-9]{0,5})", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Usefulness:
    """What the buttons need. *page* is the newest picture in a language (None: the site's), *incident* finds one as readers know it.

    *secret* makes digests that name nobody.
    """

    store: Store
    now: Now
    pages: Subscription
    page: Callable[[str | None], Page | None]
    incident: Callable[[str], Awaitable[IncidentView | None]]
    secret: str
    proxies: Proxies = DIRECT
    _client: Buckets = field(default_factory=lambda: Buckets(Allowance(burst=30, every=timedelta(seconds=30))))
    _everyone: Buckets = field(default_factory=lambda: Buckets(Allowance(burst=500, every=timedelta(milliseconds=200))))

    async def answer(self, request: web.Request, path: str, language: str | None) -> Reply | None:
        """Answer at the address of an update's buttons, in *language* where the path named one; None where there is no such update."""
        place = _PLACE.fullmatch(path)
        if place is None or request.method != hdrs.METH_POST:
            return None
        own, page = self.page(None), await asyncio.to_thread(self.page, language)
        if own is None or page is None:
            return None
        try:
            if not await self._take(request, own, place):
                return None
        except Unreadable as fault:
            return Reply(status=fault.status, body=self.pages.say(page, marked("Not taken"), str(fault)))
        except StoreUnavailable:
            told = marked("We cannot keep it just now. Please try again in a few minutes.")
            return Reply(status=503, body=self.pages.say(page, marked("Not taken"), told))
        thanks = marked("What you say is for our desk alone. It helps us to write better.")
        return Reply(status=200, body=self.pages.say(page, marked("Thank you"), thanks))

    async def _take(self, request: web.Request, own: Page, place: re.Match[str]) -> bool:
        """Keep what was sent; False where there is no such update. Errors: Unreadable; StoreUnavailable."""
        if is_from_elsewhere(request, own.site.url):
            raise Unreadable(403, marked("This form was sent from another site."))
        said = next(iter((await fields_of(request)).get("useful", ())), "")
        if said not in {"yes", "no"}:
            raise Unreadable(422, marked("Say yes or no."))
        client, now = place_of(self.proxies.client_of(request)), self.now()
        if self._client.wait(client, now) or self._everyone.wait("", now):
            raise Unreadable(429, marked("Too many have answered from where you are, or altogether."))
        self._client.spend(client, now)
        self._everyone.spend("", now)
        # Only now: to look for an incident that left the shelf costs a reading and a picture, and a flood must not cost a flood of them.
        incident, number = place["incident"], int(place["number"])
        view = await self.incident(incident)
        if view is None or not any(one.number == number for one in view.updates):
            return False  # readers of the page know no such words, though the desk may
        digest = askers.digest_of(self.secret, "client", client)
        keep = partial(usefulness.answer, incident=incident, number=number, client=digest, is_useful=said == "yes", at=now)
        return await self.store.write(keep)
