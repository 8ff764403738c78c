"""The page as it was: the same picture, drawn from what was known at a past instant."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from incidents.levels.availability import Change, availability, planned
from incidents.levels.service_level import midnight
from incidents.times.spans import Span
from statuspage.picture.days import Day, bars_of, last_known, strip
from statuspage.picture.levels import earliest
from statuspage.picture.page import Page, Snapshot, build
from statuspage.picture.planned import shown
from statuspage.picture.scope import Cutter, Scope
from statuspage.press import seen_by_service
from statuspage.store.earlier import Earlier, earlier
from statuspage.store.scope_rows import hidden


def page_at(connection: Connection, at: datetime) -> Page | None:
    """What the page said *at* an instant; None where nothing was kept that is so old. Its bars are as of the last whole minute."""
    known = earlier(connection, at)
    if known is None:
        return None
    return build(Cutter(scope=Scope(hidden=hidden(connection))).snapshot(_snapshot(known, at)), at)


def _snapshot(known: Earlier, at: datetime) -> Snapshot:
    services = known.situation.topology.services
    past = {id: _changes(known, id, at) for id in services}
    return Snapshot(
        site=known.site,
        situation=known.situation,
        stories=known.stories,
        days={id: _days(known, id, changes, at) for id, changes in past.items()},
        seen=seen_by_service(known.situation),
        public_ids=known.public_ids,
        page_id=known.installation.page_id,
        authority=known.installation.authority,
        minted=known.installation.minted,
        born=known.installation.born,
        created={id: known.created[id] for id in services if id in known.created},
        last_known={id: last_known(changes) for id, changes in past.items()},
        bulletins=known.bulletins,
        windows=shown(known.situation, known.over, known.words, at),
    )


def _changes(known: Earlier, service: str, at: datetime) -> Sequence[Change]:
    """From the one in force on: what the books keep of the past."""
    changes, since = known.changes.get(service, ()), earliest(at, known.site.timezone)
    return changes[max(bisect_right(changes, since, key=lambda one: one.since) - 1, 0) :]


def _days(known: Earlier, service: str, changes: Sequence[Change], at: datetime) -> tuple[Day, ...]:
    """The bars as of the last whole minute, by what was known and corrected by then."""
    zone, as_of = ZoneInfo(known.site.timezone), at.replace(second=0, microsecond=0)
    first, last = bars_of(as_of.astimezone(zone).date())
    corrections, terms = known.corrections.get(service, ()), known.terms.get(service, ())
    born = known.created.get(service, known.installation.born)
    ledger = availability(changes, Span(midnight(first, zone), as_of), born=born, terms=terms, corrections=corrections)
    return strip(ledger, planned(changes, corrections, as_of), first=first, last=last, until=as_of, zone=zone)
