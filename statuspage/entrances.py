"""Puts together the further pages: each an edition of what the press knows, drawn when somebody asks, behind its own door."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from statuspage.bundled import templates
from statuspage.config.audiences import AudiencePage
from statuspage.config.loading import Config, Loaded
from statuspage.edition import Edition
from statuspage.library import Library
from statuspage.picture.scope import Cutter, Dress, Scope
from statuspage.picture.site import Site
from statuspage.press import Press
from statuspage.publish import Publisher
from statuspage.readings import known_errors_of, page_name, site_of
from statuspage.render.finished import Finished
from statuspage.render.html import Html
from statuspage.render.ledgers import addressed
from statuspage.web.beside import NOTHING_BESIDE, Beside, Forms, Manners
from statuspage.web.doors import PAGES, Door, Doors, Once, digest
from statuspage.web.hammering import Hammering
from statuspage.web.proxies import Proxies
from statuspage.web.public import Face, security_headers
from statuspage.web.stream import OpenPages, Streams

_SECRET = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrances:
    """Makes the doors of a configuration.

    *hammering* counts who asks for feeds, on any page; *streams* are open pages that are told. *forms* answers at the addresses of the
    forms that a page has.
    """

    press: Press
    hammering: Hammering
    streams: Streams
    forms: Callable[[Edition], Forms]

    def doors(self, loaded: Loaded) -> Doors:
        """All further pages that *loaded* names; what was drawn for others before is forgotten, and nobody is told of it any more."""
        self.streams.prune()
        made = {id: (page, self._door(id, page, loaded)) for id, page in loaded.config.pages.items()}
        return Doors(
            by_host={page.host: door for page, door in made.values() if page.host is not None},
            by_token={digest(page.token.reveal()): door for page, door in made.values() if page.token is not None},
            by_id={id: door for id, (page, door) in made.items() if page.access == "login"},
        )

    def _door(self, id: str, page: AudiencePage, loaded: Loaded) -> Door:
        press, site, logo = self.press, _site(id, page, loaded), loaded.logos.get(id)
        dress = Dress(site=site, page_id=press.public_ids[page_name(id)])
        edition = Edition(
            store=press.store,
            publisher=Publisher(Html(templates()), logo),
            cutter=Cutter(scope=Scope(only=frozenset(page.services)), dress=dress),
            whole=press.whole,
            now=press.now,
        )
        renew, fresh = Once(lambda: press.drawn_from, partial(_draw, press, edition)), partial(press.fresh_of, edition)
        # One behind the login is asked now and then: then no line outlives the session that it was opened in.
        is_told = page.access != "login"
        streams = self.streams if is_told else Streams(lambda: edition.shelf, fresh, most=0)
        return Door(renew=renew, answer=self._face(edition, site, streams.further(lambda: edition.shelf, fresh, renew)).answer)

    def _face(self, edition: Edition, site: Site, open_pages: OpenPages) -> Face:
        press = self.press
        library = Library.beside(press, Html(templates()), edition)
        beside = Beside(
            older=edition.older,
            past=library.find,
            services=edition.of_service,
            ledgers=partial(ledgers, press, edition),
            forms=self.forms(edition) if site.takes_answers else NOTHING_BESIDE.forms,
        )
        return Face(
            lambda: edition.shelf,
            partial(press.fresh_of, edition),
            beside,
            open_pages,
            self.hammering,
            security_headers(is_tls=site.url.startswith("https://")),
            press.now,
            Manners(base=site.base, is_private=site.is_private, headers=_SECRET if site.is_private else {}),
        )


async def _draw(press: Press, edition: Edition) -> None:
    """Draw from what the main page was drawn from: the two never contradict each other."""
    if press.drawn_from is not None:
        await edition.publish(press.drawn_from, press.now())


def ledgers(press: Press, edition: Edition, path: str) -> Callable[[], Finished] | None:
    """What makes the ledger at *path*, of a service that is on the page."""
    asked = addressed(path)
    return press.books.document(path) if asked is not None and edition.has(asked.service) else None


def proxies_of(config: Config) -> Proxies:
    """Whose word is believed about who asks, and in which header."""
    return Proxies(config.listen.trusted_proxies, config.listen.forwarded_header)


def _site(id: str, page: AudiencePage, loaded: Loaded) -> Site:
    """Whose page it is: the main one's, but for what the page says itself."""
    config, main = loaded.config, site_of(loaded.config)
    parts, logo = urlsplit(main.url), loaded.logos.get(id)
    base = "" if page.host is not None else f"{PAGES}{page.token.reveal() if page.token is not None else id}"
    own = f"{parts.scheme}://{page.host}{f':{parts.port}' if parts.port else ''}" if page.host is not None else main.url
    stem = config.console.url if page.access == "login" else own
    return replace(
        main,
        name=page.name,
        url=f"{stem}{base}",
        base=base,
        logo="" if logo is None else logo.path,
        is_main=False,
        takes_mail=False,  # letters lead to the main page, which may not tell of what is asked for here
        takes_answers=page.access != "login",  # agents say it at the desk
        is_private=page.access != "public",
        known_errors=known_errors_of(config, page.services),
    )
