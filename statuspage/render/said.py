"""The words of an update as they are read: what was said, or that it was removed."""

from datetime import UTC, datetime

from statuspage.picture.marking import marked
from statuspage.picture.page import UpdateView
from statuspage.render.tongue import Tongue

REMOVED = marked("This text was removed on %(when)s.")


def body(update: UpdateView, tongue: Tongue) -> str:
    """The words of *update* as they were said, or in the reader's language that they were removed."""
    return removed(update.edited_at or update.at, tongue) if update.redacted else update.body


def removed(at: datetime, tongue: Tongue) -> str:
    """What stands in the place of words that were removed *at* an instant, where no markup can tell the reader's own time."""
    there = at.astimezone(UTC)
    return tongue.gettext(REMOVED, when=f"{tongue.long_date(there.date())}, {there:%H:%M} UTC")
