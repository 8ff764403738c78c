"""What agents do with advisories, and what time does: each act is a pure function of the situation, giving events, or a refusal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType

from incidents.act import NotFound, Unfit
from incidents.advisory import (
    NO_WORDS,
    Advised,
    Advisory,
    AdvisoryEnded,
    AdvisoryMoved,
    AdvisoryTurn,
    AdvisoryUpdate,
    AdvisoryUpdated,
    ByLanguage,
    progressed,
)
from incidents.events import Event
from incidents.model import Situation
from incidents.naming import new_id

LONGEST = timedelta(days=366)
"""How long an advisory with an end may hold, and how far ahead it may begin: what lies beyond is a slip of the pen."""

EARLIEST = timedelta(days=7)
"""How long ago what it warns of may have begun: the storm that has raged since yesterday."""


class Same(Enum):
    """Stands for an end that stays as it is: None means that nobody knows it."""

    SAME = "same"


SAME = Same.SAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to warn of: name and *body* by language. Without *services* it is a notice, without *ends* it stays."""

    name: ByLanguage
    services: tuple[str, ...]
    starts: datetime
    ends: datetime | None
    body: ByLanguage


def publish(situation: Situation, now: datetime, *, by: str, wish: Wish) -> tuple[Event, ...]:
    """Publish an advisory, or a notice. Errors: Unfit with everything that makes no sense."""
    known = situation.topology.services
    wrong = [("services", f"There is no service {id!r}.") for id in wish.services if id not in known]
    wrong += [] if _filled(wish.name) else [("name", "An advisory needs a name.")]
    wrong += [] if _filled(wish.body) else [("body", "An advisory needs words for the public.")]
    wrong += _impossible(now, wish.starts, wish.ends)
    if wrong:
        raise Unfit(wrong)
    advisory = Advisory(
        id=new_id(situation, "advisory", by, *wish.name.values(), now.isoformat(), str(len(situation.advisories))),
        name=_filled(wish.name),
        services=tuple(dict.fromkeys(wish.services)),
        starts=wish.starts,
        ends=wish.ends,
        published_at=now,
        published_by=by,
    )
    return (Advised(at=now, advisory=advisory.id, plan=advisory), _said(advisory, now, AdvisoryTurn.PUBLISHED, by, wish.body))


def update(situation: Situation, now: datetime, *, advisory: str, by: str, body: ByLanguage) -> tuple[Event, ...]:
    """Add public words. Errors: NotFound, Unfit."""
    found = _current(situation, advisory)
    if not _filled(body):
        raise Unfit([("body", "An update needs words.")])
    return (_said(found, now, AdvisoryTurn.UPDATED, by, body),)


def move(
    situation: Situation,
    now: datetime,
    *,
    advisory: str,
    by: str,
    starts: datetime | None = None,
    ends: datetime | Same | None = SAME,
    body: ByLanguage = NO_WORDS,
) -> tuple[Event, ...]:
    """Let it hold from or until another time; an end of None leaves it open. Errors: NotFound, Unfit."""
    found = _current(situation, advisory)
    begins = found.starts if starts is None else starts
    stops = found.ends if isinstance(ends, Same) else ends
    if (begins, stops) == (found.starts, found.ends):
        raise Unfit([("ends", "These are the times that it has.")])
    # What began long ago may last longer all the same.
    if wrong := _impossible(now, begins, stops, is_new=begins != found.starts):
        raise Unfit(wrong)
    after = progressed(found, moved := AdvisoryMoved(at=now, advisory=found.id, starts=begins, ends=stops, by=by))
    return (moved, _said(after, now, AdvisoryTurn.MOVED, by, body))


def withdraw(situation: Situation, now: datetime, *, advisory: str, by: str, body: ByLanguage = NO_WORDS) -> tuple[Event, ...]:
    """It holds no longer, or never comes. Errors: NotFound."""
    found = _current(situation, advisory)
    return (_said(found, now, AdvisoryTurn.WITHDRAWN, by, body), AdvisoryEnded(at=now, advisory=found.id, since=now, by=by))


def lapsed(situation: Situation, now: datetime) -> tuple[Event, ...]:
    """The end of those whose time is over. Nothing is said of it, since everybody was told until when."""
    due = sorted((one.ends, one.id) for one in situation.advisories.values() if one.ends is not None and one.ends <= now)
    return tuple(AdvisoryEnded(at=now, advisory=id, since=ends, by=None) for ends, id in due)


def _current(situation: Situation, id: str) -> Advisory:
    if id not in situation.advisories:
        raise NotFound("There is no advisory with this id that is not over.")
    return situation.advisories[id]


def _filled(texts: ByLanguage) -> ByLanguage:
    """Those that say anything: nobody need write in every language."""
    return MappingProxyType({language: text for language, text in texts.items() if text.strip()})


def _said(advisory: Advisory, now: datetime, turn: AdvisoryTurn, by: str, body: ByLanguage) -> AdvisoryUpdated:
    """The next public words about it."""
    update = AdvisoryUpdate(
        number=advisory.updates + 1,
        turn=turn,
        body=_filled(body),
        at=now,
        by=by,
        starts=advisory.starts,
        ends=advisory.ends,
    )
    return AdvisoryUpdated(at=now, advisory=advisory.id, update=update)


def _impossible(now: datetime, starts: datetime, ends: datetime | None, *, is_new: bool = True) -> list[tuple[str, str]]:
    wrong = []
    if ends is not None and ends <= starts:
        wrong.append(("ends", "It must end after it starts."))
    elif ends is not None and ends <= now:
        wrong.append(("ends", "It must end later than now; to end it now, withdraw it."))
    elif ends is not None and ends - starts > LONGEST:
        wrong.append(("ends", "An advisory lasts a year at most; leave its end open instead."))
    if is_new and starts < now - EARLIEST:
        wrong.append(("starts", "It must not have begun more than a week ago."))
    elif starts - now > LONGEST:
        wrong.append(("starts", "It must start within a year."))
    return wrong
