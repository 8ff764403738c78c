"""The page as it was: the same picture, drawn from what was known at a past instant."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from incidents.levels.availability import Change
from statuspage.days import Day, last_known, strip
from statuspage.page import Page, Snapshot, build
from statuspage.planned import shown
from statuspage.press import STRIP_DAYS, seen_by_service
from statuspage.store.earlier import Earlier, earlier


def page_at(connection: Connection, at: datetime) -> Page | None:
    """What the page said *at* an instant; None where nothing was kept that is so old.

    Today's bar is drawn to the instant itself; the page that was served drew it at most once a minute.
    """
    known = earlier(connection, at)
    return None if known is None else build(_snapshot(known, at), at)


def _snapshot(known: Earlier, at: datetime) -> Snapshot:
    zone = ZoneInfo(known.site.timezone)
    today = at.astimezone(zone).date()
    first = today - timedelta(days=STRIP_DAYS - 1)
    since = datetime.combine(first, time.min, tzinfo=zone).astimezone(UTC)
    services = known.situation.topology.services
    past = {id: _since(known.changes.get(id, ()), since) for id in services}
    return Snapshot(
        site=known.site,
        situation=known.situation,
        stories=known.stories,
        days={id: _days(changes, first, today, zone, at, known.created.get(id, known.installation.born)) for id, changes in past.items()},
        seen=seen_by_service(known.situation),
        public_ids=known.public_ids,
        page_id=known.installation.page_id,
        authority=known.installation.authority,
        minted=known.installation.minted,
        born=known.installation.born,
        created={id: known.created[id] for id in services if id in known.created},
        last_known={id: last_known(changes) for id, changes in past.items()},
        windows=shown(known.situation, known.over, known.words, at),
    )


def _since(changes: Sequence[Change], since: datetime) -> Sequence[Change]:
    """From the change in force at *since* on: what the page reads of the past."""
    return changes[max((place for place, change in enumerate(changes) if change.since <= since), default=0) :]


def _days(changes: Sequence[Change], first: date, last: date, zone: ZoneInfo, at: datetime, born: datetime) -> tuple[Day, ...]:
    return strip(changes, first=first, last=last, zone=zone, now=at, born=born)
