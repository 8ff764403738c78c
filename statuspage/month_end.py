"""When a month is over, its reports are mailed to whom the file names."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from incidents.levels.periods import written
from incidents.levels.terms import Period
from statuspage.monthly import Kind
from statuspage.picture.roundup import MORNING
from statuspage.store.engine import Store
from statuspage.store.mailed import mail_months


def month_over(now: datetime, timezone: str) -> str:
    """The newest month that is over in *timezone*, once it is morning there: 2026-10."""
    here = now.astimezone(ZoneInfo(timezone))
    today = here.date() if here.time() >= MORNING else here.date() - timedelta(days=1)
    return written(Period.MONTH, today.replace(day=1) - timedelta(days=1))


async def mail_reports(store: Store, timezone: str, recipients: Sequence[str], mailed: str, now: datetime) -> str:
    """Write the reports of the months that are over to *recipients*, up to the newest unless it is *mailed*; return that one.

    A month that ends while nobody is named is nobody's: it does not leave when somebody is. Errors: StoreUnavailable.
    """
    month = month_over(now, timezone)
    if month == mailed:
        return mailed
    await store.write(partial(mail_months, month=month, reports=tuple(Kind), recipients=recipients, at=now))
    return month
