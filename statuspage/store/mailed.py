"""Of which month the reports were mailed last: each is mailed once, however often somebody starts, looks, or sets the clock back."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from statuspage.store.outbox import write_letter
from statuspage.store.tables import installation
from statuspage.store.upsert import put

KIND = "monthly"
"""What such a letter is called among those that have no cause of their own."""

MAILED = "monthly reports mailed"
"""Under which the installation keeps the month of which reports were mailed last."""


MOST_MONTHS = 12
"""How many months are mailed to whoever was away for longer: the newest."""


def mail_months(connection: Connection, month: str, reports: Sequence[str], recipients: Sequence[str], at: datetime) -> None:
    """Write the letters with the *reports* of *month* (2026-10), which is over, and of those before it that were not written yet.

    Who looks for the first time mails nothing: what was before anybody asked for reports is not sent after them.
    """
    last = connection.execute(select(installation.c.value).where(installation.c.name == MAILED)).scalar()
    if last is not None and last >= month:
        return
    put(connection, installation, [{"name": MAILED, "value": month}])
    if last is None:
        return
    for over in _months_after(last, month):
        for number, to in enumerate(recipients):
            for report in reports:
                key, letter = f"{KIND}:{report}:{over}:{number}", {"kind": KIND, "to": to, "report": report, "period": over}
                write_letter(connection, key=key, channel="mail", recipient=key, letter=letter, at=at)


def _months_after(last: str, newest: str) -> Sequence[str]:
    """The months behind *last* up to *newest*, the oldest first."""
    counted = range(max(_number(last), _number(newest) - MOST_MONTHS) + 1, _number(newest) + 1)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in counted]


def _number(month: str) -> int:
    year, within = month.split("-")
    return int(year) * 12 + int(within) - 1
