"""How agents have a monitor stand still for a while, and go on."""

from datetime import datetime

from incidents.act import IllegalMove, NotFound, demand
from incidents.events import Counted, Event, Noted, Paused, Resumed
from incidents.model import Monitor, Note, Situation
from incidents.votes import Streak


def pause(situation: Situation, now: datetime, *, monitor: str, by: str, reason: str) -> tuple[Event, ...]:
    """It is not probed and has no say until it is resumed; open incidents that it bears on say so once, to the desk.

    Errors: NotFound, Invalid without a reason, IllegalMove where it is paused already.
    """
    found = _monitor(situation, monitor)
    demand(reason, "Pausing needs a reason.")
    if held := situation.paused.get(monitor):
        raise IllegalMove(f"{held.by} has paused {monitor} at {held.at:%H:%M} UTC on {held.at:%d %b %Y} already.")
    words = f"{by} paused the monitor {monitor}: {reason}"
    return (
        Paused(at=now, monitor=monitor, by=by, reason=reason),
        *(
            Noted(at=now, incident=one.id, note=Note(number=one.notes + 1, body=words, at=now, by=by))
            for one in situation.incidents.values()
            if found.component in one.components
        ),
    )


def resume(situation: Situation, now: datetime, *, monitor: str, by: str) -> tuple[Event, ...]:
    """It goes on and begins anew: what it saw before the pause has no vote any more. Errors: NotFound, IllegalMove."""
    found = _monitor(situation, monitor)
    if monitor not in situation.paused:
        raise IllegalMove(f"{monitor} is not paused.")
    return (Resumed(at=now, monitor=monitor, by=by), *forgotten(situation, found))


def forgotten(situation: Situation, monitor: Monitor) -> tuple[Counted, ...]:
    """What makes *monitor* forget its votes, wherever it has any."""
    places = [place for place in monitor.locations if situation.streaks.get((monitor.id, place), Streak()) != Streak()]
    return tuple(Counted(monitor=monitor.id, location=place, streak=Streak()) for place in places)


def _monitor(situation: Situation, monitor: str) -> Monitor:
    found = situation.topology.monitors.get(monitor)
    if found is None:
        raise NotFound("There is no monitor with this id.")
    return found
