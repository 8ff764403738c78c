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


def mail_month(connection: Connection, month: str, reports: Sequence[str], recipients: Sequence[str], at: datetime) -> None:
    """Write the letters with the *reports* of *month*, which is over, unless they were written already.

    Who looks for the first time mails nothing: what was before anybody asked for reports is not sent after them.
    """
    last = connection.execute(select(installation.c.value).where(installation.c.name == MAILED)).scalar()
    if last is not None and last >= month:
        return
    put(connection, installation, [{"name": MAILED, "value": month}])
    if last is None:
        return
    for number, to in enumerate(recipients):
        for report in reports:
            key, letter = f"{KIND}:{report}:{month}:{number}", {"kind": KIND, "to": to, "report": report, "period": month}
            write_letter(connection, key=key, channel="mail", recipient=key, letter=letter, at=at)
