"""Puts together what tells people: the deliverer with its letters, as the configuration in use says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from incidents.model import Status
from incidents.words import said
from probes.egress import Door
from statuspage.alertmanager import Told, basic
from statuspage.bundled import templates
from statuspage.channels import apprise, mail, webhook
from statuspage.clock import Now
from statuspage.config.alertmanager import Alertmanager
from statuspage.config.calls import places_of
from statuspage.config.complete import named
from statuspage.config.installation import Mail as MailSection
from statuspage.config.loading import words
from statuspage.config.models import Config
from statuspage.deliver import Deliverer, Line
from statuspage.edition import Edition
from statuspage.letters import Letters
from statuspage.links import Links
from statuspage.monthly import Kind, laid_out, report_of
from statuspage.picture.audience import Wish
from statuspage.picture.page import Page
from statuspage.press import Press
from statuspage.publish import Shelf
from statuspage.readings import company_of, site_of
from statuspage.render.alertmanager import Alertbook
from statuspage.render.announcement import Announcements
from statuspage.render.calls import Callbook
from statuspage.render.html import Html
from statuspage.render.mail import Mail
from statuspage.render.monthly import Monthly
from statuspage.render.subscription import Subscription
from statuspage.store.outlets import Outlet
from statuspage.web.beside import Forms
from statuspage.web.forms import Reply
from statuspage.web.proxies import Proxies
from statuspage.web.reporting import Reporting
from statuspage.web.subscribing import Subscribing
from statuspage.web.usefulness import Usefulness


def deliverer(press: Press) -> Deliverer:
    """Make what delivers beside *press*; it tells nobody before it is given its lines by ``rewire``."""
    installation, pipeline = press.installation, press.pipeline
    letters = Letters(
        store=press.store,
        now=press.now,
        mail=Mail(templates()),
        announcements=Announcements(templates()),
        links=Links(secret=installation.seed, url=press.site.url),
        site=press.site,
        authority=installation.authority,
        picture=press.picture,
        coming=press.coming,
    )
    return Deliverer(
        store=press.store,
        now=press.now,
        services=lambda: pipeline.situation.topology.services,
        letters=letters,
        figures=pipeline.figures,
    )


def rewire(deliverer: Deliverer, config: Config, door: Door) -> None:
    """Have it deliver as *config* says from now on."""
    letters, site = deliverer.letters, site_of(config)
    outlets = outlets_of(config)
    deliverer.door = door
    deliverer.rewire(lines_of(config), outlets)
    letters.outlets = {one.recipient: one for one in outlets}
    letters.site, letters.links = site, replace(letters.links, url=site.url)
    letters.sender = config.mail.sender if config.mail else ""
    letters.callbook = callbook_of(config)
    deliverer.reports_to = config.mail.reports_to if config.mail else ()
    letters.paper = partial(_paper, config, letters.now)


def _paper(config: Config, now: Now, connection: Connection, report: str, period: str) -> Monthly:
    """A monthly report, by the configuration in use."""
    company = company_of(config, now())
    return laid_out(report_of(connection, Kind(report), period, now(), company), company)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicForms:
    """What answers public forms: on the main page all of them, on further ones reports and what readers think of updates."""

    subscriptions: Subscribing
    reports: Reporting
    useful: Usefulness

    async def answer(self, request: web.Request, path: str, language: str | None) -> Reply | None:
        """Answer at the address of a form of the main page; None where there is none."""
        if path.startswith("/incidents/"):
            return await self.useful.answer(request, path, language)
        return await (self.reports if path.startswith("/report/") else self.subscriptions).answer(request, path, language)

    def of_page(self, edition: Edition) -> Forms:
        """What answers at those of a further page. Who asks too often is counted once, whatever page they are on."""
        page = partial(_page, lambda: edition.shelf)
        reports, useful = replace(self.reports, page=page), replace(self.useful, page=page, incident=edition.incident)

        async def answer(request: web.Request, path: str, language: str | None) -> Reply | None:
            if path.startswith("/incidents/"):
                return await useful.answer(request, path, language)
            return await reports.answer(request, path, language) if path.startswith("/report/") else None

        return answer


def forms_of(deliverer: Deliverer, press: Press, proxies: Proxies) -> PublicForms:
    """Make what answers all public forms; those proxies are believed who it is that asks."""
    return PublicForms(
        subscriptions=subscribing(deliverer, press, proxies),
        reports=reporting(deliverer, press, proxies),
        useful=usefulness_of(deliverer, press, proxies),
    )


def subscribing(deliverer: Deliverer, press: Press, proxies: Proxies) -> Subscribing:
    """What answers the forms of subscriptions."""
    return Subscribing(
        store=press.store,
        now=press.now,
        pages=Subscription(Html(templates())),
        page=partial(_page, lambda: press.shelf),
        links=lambda: deliverer.letters.links,
        wake=deliverer.wake,
        proxies=proxies,
    )


def _page(newest: Callable[[], Shelf | None], language: str | None) -> Page | None:
    """The newest picture in a language that the site speaks, else in its own; None before the first."""
    shelf = newest()
    if shelf is None or language is None or language == shelf.page.site.language or language not in shelf.translations:
        return None if shelf is None else shelf.page
    return shelf.translations[language].page()


def reporting(deliverer: Deliverer, press: Press, proxies: Proxies) -> Reporting:
    """What takes reports of customers."""
    return Reporting(
        store=press.store,
        now=press.now,
        html=Html(templates()),
        page=partial(_page, lambda: press.shelf),
        secret=deliverer.letters.links.secret,
        proxies=proxies,
    )


def usefulness_of(deliverer: Deliverer, press: Press, proxies: Proxies) -> Usefulness:
    """What takes what readers think of updates."""
    return Usefulness(
        store=press.store,
        now=press.now,
        pages=Subscription(Html(templates())),
        page=partial(_page, lambda: press.shelf),
        incident=press.own.incident,
        secret=deliverer.letters.links.secret,
        proxies=proxies,
    )


def lines_of(config: Config) -> Mapping[str, Line]:
    """The channels by which somebody can be told, each with its settings."""
    lines = {webhook.CHANNEL.name: Line(channel=webhook.CHANNEL, settings=webhook.Settings())}
    if config.mail is not None:
        lines[mail.CHANNEL.name] = Line(channel=mail.CHANNEL, settings=mail_of(config.mail, config))
    site = site_of(config)
    for outlet in outlets_of(config):
        settings = apprise.Settings(url=config.announce[outlet.id].url, site=site.name, home=site.url)
        lines[outlet.channel] = Line(channel=apprise.CHANNEL, settings=settings)
    for place in places_of(config):
        settings = apprise.Settings(url=place.url, site=site.name, home=config.console.url)
        lines[place.line] = Line(channel=apprise.CALLS, settings=settings)
    return lines


def callbook_of(config: Config) -> Callbook:
    """What calls need to know."""
    language = config.site.language
    return Callbook(
        lines=frozenset(place.line for place in places_of(config)),
        services={id: said(words(service.name, language), language) or id for id, service in config.services.items()},
        teams={id: team.name or named(id) for id, team in config.teams.items()},
        zone=config.site.timezone,
        console=config.console.url,
    )


def alertmanagers_of(config: Config) -> Told:
    """Whom of Alertmanagers we tell which incidents go on."""
    given, language = config.alertmanager or Alertmanager(), config.site.language
    login = config.credentials[given.login] if given.login is not None else None
    book = Alertbook(
        services={id: said(words(service.name, language), language) or id for id, service in config.services.items()},
        severities={status: name for name, status in reversed(list(given.severities.items()))},
        labels=given.labels,
        service_label=given.service_label,
        severity_label=given.severity_label,
        console=config.console.url,
    )
    authorization = "" if login is None else basic(login.user, login.password.reveal())
    return Told(urls=given.to, every=given.repeats_every, book=book, authorization=authorization)


def outlets_of(config: Config) -> Sequence[Outlet]:
    """Where the operator has public words announced."""
    return [
        Outlet(
            id=id_,
            wish=Wish(services=frozenset(given.services) or None, floor=Status(given.floor), wants_maintenance=given.maintenance),
            language=given.language or config.site.language,
        )
        for id_, given in config.announce.items()
    ]


def mail_of(given: MailSection, config: Config) -> mail.Settings:
    """How mail goes out."""
    login = config.credentials[given.login] if given.login is not None else None
    return mail.Settings(
        host=given.host,
        port=given.port,
        tls=given.tls,
        user=login.user if login else None,
        password=login.password if login else None,
        sender=given.sender,
    )
