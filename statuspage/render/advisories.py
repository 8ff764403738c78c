"""What is said of an advisory where no page is around it: a title that stands alone, and words that say what an act alone does not."""

from datetime import UTC, datetime

from incidents.advisory import AdvisoryTurn, AdvisoryUpdate
from statuspage.picture.marking import localised, marked
from statuspage.render.tongue import Tongue

_TITLE = {
    AdvisoryTurn.PUBLISHED: marked("%(name)s – advisory"),
    AdvisoryTurn.UPDATED: marked("%(name)s – advisory updated"),
    AdvisoryTurn.MOVED: marked("%(name)s – advisory for another time"),
    AdvisoryTurn.WITHDRAWN: marked("%(name)s – advisory withdrawn"),
}
_TITLE_OF_NOTICE = {
    AdvisoryTurn.PUBLISHED: marked("%(name)s – notice"),
    AdvisoryTurn.UPDATED: marked("%(name)s – notice updated"),
    AdvisoryTurn.MOVED: marked("%(name)s – notice for another time"),
    AdvisoryTurn.WITHDRAWN: marked("%(name)s – notice withdrawn"),
}


def title(name: str, turn: AdvisoryTurn, tongue: Tongue, *, is_notice: bool) -> str:
    """Its name, what it is, and what became of it."""
    return tongue.gettext((_TITLE_OF_NOTICE if is_notice else _TITLE)[turn], name=name)


def text(update: AdvisoryUpdate, tongue: Tongue, language: str) -> str:
    """All that words say: their body, and from when until when; instants are in UTC and say so."""
    body = localised(update.body, language)
    if update.turn is AdvisoryTurn.WITHDRAWN:
        return body or tongue.gettext("It holds no longer.")
    since = _instant(update.starts, tongue)
    if update.ends is None:
        span = tongue.gettext("From %(since)s on, until we say otherwise.", since=since)
    else:
        span = tongue.gettext("From %(since)s until %(until)s.", since=since, until=_instant(update.ends, tongue))
    return " ".join(part for part in (body, span) if part)


def _instant(at: datetime, tongue: Tongue) -> str:
    there = at.astimezone(UTC)
    return f"{tongue.full_date(there.date())}, {there:%H:%M} UTC"
