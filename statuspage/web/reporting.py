"""Reports of customers, from the form on a service's own page: one click, no account, and nothing of it becomes public."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from probes.text import plain
from statuspage.clock import Now
from statuspage.mailbox import NoMailbox, mailbox
from statuspage.picture.marking import marked
from statuspage.picture.page import Page, ServiceView
from statuspage.render.html import Html
from statuspage.store import askers, reports, subscribers
from statuspage.store.askers import Allowed, Limits
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.reports import Said
from statuspage.web.forms import Fields, Reply, Unreadable, fields_of, is_from_elsewhere
from statuspage.web.proxies import DIRECT, Proxies, place_of
from statuspage.web.subscribing import TRAP
from statuspage.web.throttle import Allowance, Buckets

LONGEST_WORDS = 500
SLOW, ANOTHER = "It is slow", "Something else"
"""Symptoms that every service may have, as the desk reads them, beside what its capabilities are called."""


@dataclass(slots=True, kw_only=True)
class Reporting:
    """What the form needs. *page* is the newest picture in a language (None: the site's); *secret* makes digests that name nobody."""

    store: Store
    now: Now
    html: Html
    page: Callable[[str | None], Page | None]
    secret: str
    proxies: Proxies = DIRECT
    limits: Limits = field(default_factory=Limits)
    _client: Buckets = field(default_factory=lambda: Buckets(Allowance(burst=10, every=timedelta(minutes=2))))
    _everyone: Buckets = field(default_factory=lambda: Buckets(Allowance(burst=500, every=timedelta(milliseconds=200))))

    async def answer(self, request: web.Request, path: str, language: str | None) -> Reply | None:
        """Answer a form sent to the address of a service, in *language* where the path named one; None where there is no such service."""
        own, page = self.page(None), await asyncio.to_thread(self.page, language)
        id_ = path.removeprefix("/report/")
        known = None if own is None else _service(own, id_)
        if own is None or page is None or known is None:
            return None
        service = _service(page, id_) or known
        try:
            await self._take(request, own, known, page.language)
        except Unreadable as unreadable:
            return self._spelled(page, service, unreadable.status, str(unreadable))
        except StoreUnavailable:
            return self._spelled(page, service, 503, marked("We cannot keep it just now. Please try again in a few minutes."))
        return self._spelled(page, service)

    async def _take(self, request: web.Request, own: Page, service: ServiceView, language: str) -> None:
        """Keep what was sent. Errors: Unreadable with the sentence for whoever sent it; StoreUnavailable."""
        if is_from_elsewhere(request, own.site.url):
            raise Unreadable(403, marked("This form was sent from another site."))
        fields = await fields_of(request)
        if any(fields.get(TRAP, [""])):
            return  # a program that fills in everything is content with that
        contact = _contact(fields) if own.site.takes_mail else None
        client, now = place_of(self.proxies.client_of(request)), self.now()
        if self._client.wait(client, now) or self._everyone.wait("", now):
            raise Unreadable(429, marked("Too many have reported from where you are, or altogether. The desk knows."))
        self._client.spend(client, now)
        self._everyone.spend("", now)
        said = Said(symptom=_symptom(fields, service), words=plain(_first(fields, "words"), LONGEST_WORDS), language=language)
        await self.store.write(partial(self._keep, service.id, said, client, contact))

    def _keep(self, service: str, said: Said, client: str, contact: str | None, connection: Connection) -> None:
        """A stranger's address, given again and again, is left out: nobody is flooded through this form."""
        digest, at = askers.digest_of(self.secret, "client", client), self.now()
        if contact is not None:
            address = askers.digest_of(self.secret, "address", subscribers.known_as(contact))
            if askers.ask(connection, address=address, client=digest, limits=self.limits, at=at) is not Allowed.YES:
                contact = None
        reports.report(connection, service, said, client=digest, contact=contact, at=at)

    def _spelled(self, page: Page, service: ServiceView, status: int = 200, fault: str = "") -> Reply:
        said = self.html.tongue(page).said(fault) if fault else ""
        return Reply(status=status, body=self.html.report(page, service, is_reported=not fault, fault=said))


def _service(page: Page, id: str) -> ServiceView | None:
    return next((one for group in page.groups for one in group.services if one.id == id), None)


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _contact(fields: Fields) -> str | None:
    """Where they want to hear from us. Errors: Unreadable where nobody can be written to at it."""
    typed = _first(fields, "contact").strip()
    if not typed:
        return None
    try:
        return mailbox(typed)
    except NoMailbox as fault:
        raise Unreadable(422, str(fault)) from fault


def _symptom(fields: Fields, service: ServiceView) -> str:
    """What they chose, in the site's own words; what is none of these is nothing."""
    chosen = _first(fields, "symptom")
    known = {f"able-{place}": one.label for place, one in enumerate(service.capabilities)}
    return {**known, "slow": SLOW, "other": ANOTHER}.get(chosen, "")
