"""The pages of subscriptions: a form, what becomes of it, and what a subscriber may change. None of them runs a script."""

from collections.abc import Mapping
from dataclasses import dataclass

from incidents.model import Status
from statuspage.picture.audience import Rhythm
from statuspage.picture.marking import marked
from statuspage.picture.page import Page
from statuspage.render.html import Html

FLOORS = {
    Status.DEGRADED: marked("Any trouble, also where something is merely slow or impaired"),
    Status.PARTIAL: marked("When a part of a service does not work, or worse"),
    Status.MAJOR: marked("Only when a service does not work at all"),
}

RHYTHMS = {
    Rhythm.AT_ONCE: marked("At once, a letter for each piece of news"),
    Rhythm.DAILY: marked("Once a day, at 08:00, all news in one letter"),
    Rhythm.WEEKLY: marked("Once a week, on Monday at 08:00, all news in one letter"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the form; no ticked service means all of them."""

    address: str = ""
    services: frozenset[str] = frozenset()
    floor: str = Status.DEGRADED.value
    wants_maintenance: bool = True
    rhythm: str = Rhythm.AT_ONCE.value


NO_FAULTS: Mapping[str, str] = {}


class Subscription:
    """Spells the pages. *html* knows what stands around them."""

    def __init__(self, html: Html) -> None:
        self._html = html

    def form(self, page: Page, typed: Typed, faults: Mapping[str, str] = NO_FAULTS) -> bytes:
        """The form; where the site writes no mail, how else one can follow."""
        return self._drawn(page, "subscribe.html", typed=typed, faults=faults)

    def sent(self, page: Page, hours: int) -> bytes:
        """What everybody is told who has asked."""
        words = marked(
            "If the address is right, a letter is on its way to it. Open the link in it and press the button there: only then you are "
            "subscribed. The link is good for %(hours)s hours. Nothing there after ten minutes? Look into the folder for junk."
        )
        return self.say(page, marked("Please look into your mail"), words, hours=str(hours))

    def confirm(self, page: Page, address: str) -> bytes:
        """The page behind the link in the letter."""
        return self._drawn(page, "subscribe_confirm.html", address=address)

    def manage(
        self, page: Page, address: str, data: str, typed: Typed, faults: Mapping[str, str] = NO_FAULTS, *, is_saved: bool = False
    ) -> bytes:
        """What is told to *address*, to be changed, seen or ended; *data* is the path of all that is kept."""
        values = {"address": address, "data": data, "typed": typed, "faults": faults, "is_saved": is_saved}
        return self._drawn(page, "subscribe_manage.html", **values)

    def unsubscribe(self, page: Page) -> bytes:
        """The page behind the link that ends it, for those who open it in a browser."""
        return self._drawn(page, "unsubscribe.html")

    def say(self, page: Page, heading: str, words: str, **values: str) -> bytes:
        """A few words of ours, marked for the catalogues, and nothing to do."""
        tongue = self._html.tongue(page)
        return self._drawn(page, "said.html", heading=tongue.gettext(heading), words=tongue.gettext(words, **values))

    def _drawn(self, page: Page, template: str, **values: object) -> bytes:
        return self._html.drawn(page, template, "/subscribe", FLOORS=FLOORS, RHYTHMS=RHYTHMS, **values)
