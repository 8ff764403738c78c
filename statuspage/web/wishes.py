"""What somebody wishes to be told: from the fields of a form, to what is kept, and to a file for themselves."""

from collections.abc import Sequence

from incidents.model import Status
from statuspage.mailbox import NoMailbox, mailbox
from statuspage.picture.audience import Rhythm, Wish
from statuspage.picture.marking import marked
from statuspage.picture.page import Page
from statuspage.render.subscription import Typed
from statuspage.store import outbox
from statuspage.store.subscribers import Subscriber
from statuspage.web.forms import Fields

FLOORS = (Status.DEGRADED, Status.PARTIAL, Status.MAJOR)
RHYTHMS = tuple(Rhythm)


def typed_in(fields: Fields) -> Typed:
    """What stands in the form's fields."""

    def first(name: str) -> str:
        return next(iter(fields.get(name, ())), "")[:1000]

    return Typed(
        address=first("address"),
        services=frozenset(fields.get("service", ())),
        floor=first("floor"),
        wants_maintenance="maintenance" in fields,
        rhythm=first("rhythm") or Rhythm.AT_ONCE.value,
    )


def typed_of(subscriber: Subscriber) -> Typed:
    """The form as it would have been filled in for what a subscriber is told now."""
    wish = subscriber.wish
    return Typed(
        address=subscriber.address,
        services=wish.services or frozenset(),
        floor=wish.floor.value,
        wants_maintenance=wish.wants_maintenance,
        rhythm=wish.rhythm.value,
    )


def faults_of(typed: Typed, page: Page) -> list[tuple[str, str]]:
    """What cannot be taken as it is, by field, each with a sentence that says how to mend it."""
    found = []
    try:
        mailbox(typed.address)
    except NoMailbox as fault:
        found.append(("address", str(fault)))
    if typed.services - offered(page):
        found.append(("services", marked("A service that you chose is not there any more. Please look again.")))
    if typed.floor not in FLOORS:
        found.append(("floor", marked("Please choose one of these.")))
    if typed.rhythm not in RHYTHMS:
        found.append(("rhythm", marked("Please choose one of these.")))
    return found


def offered(page: Page) -> frozenset[str]:
    """The services that one can ask for."""
    return frozenset(service.id for group in page.groups for service in group.services)


def wish_of(typed: Typed, page: Page) -> Wish:
    """What somebody wishes who filled in the form like that; nothing ticked means all, and so does everything."""
    services = None if not typed.services or typed.services == offered(page) else typed.services
    floor, rhythm = Status(typed.floor), Rhythm(typed.rhythm)
    return Wish(services=services, floor=floor, wants_maintenance=typed.wants_maintenance, rhythm=rhythm)


def export(subscriber: Subscriber, told: Sequence[outbox.Notification]) -> dict[str, object]:
    """All that is kept about a subscriber, for themselves."""
    return {
        "address": subscriber.address,
        "channel": subscriber.channel,
        "language": subscriber.language,
        "services": None if subscriber.wish.services is None else sorted(subscriber.wish.services),
        "from": subscriber.wish.floor.value,
        "maintenance": subscriber.wish.wants_maintenance,
        "rhythm": subscriber.wish.rhythm.value,
        "subscribed_at": subscriber.created_at.isoformat(),
        "added_by": subscriber.added_by,
        "told": [_told(one) for one in told],
    }


def _told(one: outbox.Notification) -> dict[str, str | None]:
    ended = one.delivered_at or one.dropped_at
    state = "delivered" if one.delivered_at else "dropped" if one.dropped_at else "waiting"
    return {"about": one.thread, "written_at": one.created_at.isoformat(), "state": state, "at": ended.isoformat() if ended else None}
