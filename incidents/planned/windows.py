"""How planned windows run their course by the clock and by what is measured: planned from their series, begun, ended, verified.

A window is a function of time: nobody switches it on. What is late here (a stopped hub) is dated back to when it should have been.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from incidents.course import SPENT_FOR
from incidents.coverage import HIDING, judged_parts, scope
from incidents.draft import Draft
from incidents.events import MaintenanceMoved, Planned, Redescribed, Rescheduled, Spared
from incidents.lifecycle import move_window
from incidents.maintenance import Maintenance, MaintenanceState, Series
from incidents.model import Origin, Situation, Status, Subject
from incidents.naming import new_id
from incidents.planned import announcing
from incidents.policy import Policy
from incidents.rollup import TROUBLE, measured, standing
from incidents.voices import Speech, in_each

LONGEST_HORIZON = timedelta(days=366)
"""How far ahead occurrences of a series become windows at most, whatever notice is asked for."""

MOST_AHEAD = 400
"""How many of one series at most."""

LOOKED_FOR = timedelta(days=32)
"""How far beyond that the next one is looked for, where it is asked when it will come near."""

Near = tuple[Series, datetime, datetime, str]
"""An occurrence that should be a window: its series, start, end and id."""


def is_due(situation: Situation, policy: Policy, now: datetime) -> bool:
    """Whether some window's clock has run out, or one that is past its end is known to work."""
    return any(_is_due(situation, policy, window, now) for window in situation.maintenances.values())


def _is_due(situation: Situation, policy: Policy, window: Maintenance, now: datetime) -> bool:
    at = due_at(situation, policy, window)
    return at is not None and at <= now


def due_at(situation: Situation, policy: Policy, window: Maintenance) -> datetime | None:
    """From when on the machine has something to do about it, were nothing more heard; None for one that is over."""
    match window.state:
        case MaintenanceState.SCHEDULED:
            return window.starts if window.is_public else window.ends
        case MaintenanceState.IN_PROGRESS:
            return window.ends
        case MaintenanceState.VERIFYING:
            return window.ends if _all_work(situation, window) else window.ends + policy.verifies_for
        case MaintenanceState.COMPLETED | MaintenanceState.CANCELLED:
            return None


def follows_at(situation: Situation, policy: Policy, series: Series, since: datetime) -> datetime:
    """A lower bound, from *since* on, of when its next occurrence is planned: it is looked for a month ahead at most."""
    ahead = _horizon(series, policy) if series.key in situation.known_series else LONGEST_HORIZON
    spans = series.spans(since, since + ahead + LOOKED_FOR)
    for place, (starts, _) in enumerate(spans):
        if _is_new(situation, occurrence_id(situation, series.key, starts)):
            return starts - ahead if place < MOST_AHEAD else spans[0][1]
    return since + LOOKED_FOR


# --- from the configuration ---------------------------------------------------------------------------------------------------


def occurrence_id(situation: Situation, key: str, starts: datetime) -> str:
    """The id of a series' occurrence, the same before it is a window and after."""
    return new_id(situation, "maintenance", key, starts.isoformat())


def has_strayed(situation: Situation, policy: Policy, now: datetime) -> bool:
    """Whether the windows are no longer what their series make of them: one is near, was changed, or is gone."""
    return next(_near(situation, policy, now), None) is not None or next(_strays(situation), None) is not None


def follow(draft: Draft) -> None:
    """Plan the occurrences that have come near; let what nobody touched follow its series, or end with it.

    A series that is new, or comes at other times now, is announced at once, with its next occurrence however far ahead that is.
    """
    moved = set()
    for window in list(_strays(draft.situation)):
        series = draft.situation.topology.series.get(window.series or "")
        _lead_back(draft, window, series)
        if series is not None and window.id not in draft.situation.maintenances:
            moved.add(series.key)
    for series, starts, ends, id in list(_near(draft.situation, draft.policy, draft.now, moved)):
        is_news = series.key in moved or series.key not in draft.situation.known_series
        is_quiet = not series.is_loud and not is_news and came_before(draft.situation, series, draft.now)
        plan = occurrence(series, starts, ends, id, draft.now, is_quiet=is_quiet)
        again = _next_after(series, starts) if is_news else None
        draft.say(Planned(at=draft.now, maintenance=id, plan=plan), announcing.planned(plan, draft.now, draft.policy.speaks, again=again))
        moved.discard(series.key)


def _next_after(series: Series, starts: datetime) -> tuple[datetime, datetime] | None:
    """The occurrence that follows the one that *starts* then, within a year."""
    for ahead in (LOOKED_FOR, LONGEST_HORIZON):
        if later := [span for span in series.spans(starts, starts + ahead) if span[0] > starts]:
            return later[0]
    return None


def came_before(situation: Situation, series: Series, now: datetime) -> bool:
    """Whether another of its occurrences is planned or was over lately: then nobody is surprised by one more."""
    past = series.spans(now - SPENT_FOR - series.lasts, now)
    return any(window.series == series.key for window in situation.maintenances.values()) or any(
        occurrence_id(situation, series.key, starts) in situation.spent for starts, _ in past
    )


def occurrence(series: Series, starts: datetime, ends: datetime, id: str, now: datetime, *, is_quiet: bool = False) -> Maintenance:
    """One occurrence as a window of its own."""
    return Maintenance(
        id=id,
        name=series.name,
        description=series.description,
        services=series.services,
        components=series.components,
        starts=starts,
        ends=ends,
        planned_at=now,
        series=series.key,
        occurrence=starts,
        is_quiet=is_quiet,
    )


def _near(situation: Situation, policy: Policy, now: datetime, moved: Collection[str] = ()) -> Iterator[Near]:
    """What should be a window by now; of a series that is new, or has *moved*, the next one in any case."""
    for series in situation.topology.series.values():
        found = _new(situation, series, now, _horizon(series, policy))
        if not found and (series.key in moved or series.key not in situation.known_series):
            found = (_new(situation, series, now, LOOKED_FOR) or _new(situation, series, now, LONGEST_HORIZON))[:1]
        yield from found


def _new(situation: Situation, series: Series, now: datetime, ahead: timedelta) -> list[Near]:
    """The occurrences within *ahead* that were no windows yet."""
    spans = series.spans(now, now + ahead)[:MOST_AHEAD]
    ids = [occurrence_id(situation, series.key, starts) for starts, _ in spans]
    return [(series, *span, id) for span, id in zip(spans, ids, strict=True) if span[1] > now and _is_new(situation, id)]


def _horizon(series: Series, policy: Policy) -> timedelta:
    """A little more than promised: what is announced a second late would not have kept its notice."""
    return min(series.announce, LONGEST_HORIZON) + policy.announces_early


def _is_new(situation: Situation, id: str) -> bool:
    return id not in situation.maintenances and id not in situation.spent


def horizon(situation: Situation, since: datetime, until: datetime) -> tuple[Maintenance, ...]:
    """The windows that are not over and meet [*since*, *until*), ascending; occurrences of series that are no windows yet among them.

    Those are as they would be planned, and announced to nobody: they have no promises.
    """
    known = [window for window in situation.maintenances.values() if window.starts < until and window.ends > since]
    far = [
        occurrence(series, starts, ends, id, starts)
        for series in situation.topology.series.values()
        for starts, ends in series.spans(since, until)[:MOST_AHEAD]
        if _is_new(situation, id := occurrence_id(situation, series.key, starts))
    ]
    return tuple(_in_order((*known, *far)))


def _strays(situation: Situation) -> Iterator[Maintenance]:
    for window in _in_order(situation.maintenances.values()):
        is_free = window.series is not None and window.state is MaintenanceState.SCHEDULED and not window.is_touched
        if is_free and not _agrees(window, situation.topology.series.get(window.series or "")):
            yield window


def _agrees(window: Maintenance, series: Series | None) -> bool:
    return series is not None and _is_of(window, series) and window.ends == window.starts + series.lasts and _is_told_by(window, series)


def _is_of(window: Maintenance, series: Series) -> bool:
    at = window.occurrence or window.starts
    return (at, at + series.lasts) in series.spans(at, at + timedelta(microseconds=1))


def _is_told_by(window: Maintenance, series: Series) -> bool:
    mine = (window.name, window.description, window.services, window.components)
    return mine == (series.name, series.description, series.services, series.components)


def _lead_back(draft: Draft, window: Maintenance, series: Series | None) -> None:
    now, voices = draft.now, draft.policy.speaks
    if series is None or not _is_of(window, series):
        draft.say(announcing.cancelled(window, now, Speech(voices=voices)))
        _move(draft, window, MaintenanceState.CANCELLED, now, "the configuration no longer plans it")
        return
    if not _is_told_by(window, series):
        draft.say(
            Redescribed(
                at=now,
                maintenance=window.id,
                name=series.name,
                description=series.description,
                services=series.services,
                components=series.components,
            ),
        )
        draft.say(announcing.changed(draft.situation.maintenances[window.id], now, voices))
    before = draft.situation.maintenances[window.id]
    ends = before.starts + series.lasts
    if before.ends != ends:
        draft.say(Rescheduled(at=now, maintenance=window.id, starts=before.starts, ends=ends, by=None))
        draft.say(*announcing.rescheduled(before, draft.situation.maintenances[window.id], now, Speech(voices=voices)))


# --- by the clock -------------------------------------------------------------------------------------------------------------


def startable(situation: Situation, now: datetime) -> list[Maintenance]:
    """The windows whose start has come, in the order of their starts."""
    return _in_order(
        w for w in situation.maintenances.values() if w.state is MaintenanceState.SCHEDULED and w.is_public and w.starts <= now
    )


def _in_order(some: Iterable[Maintenance]) -> list[Maintenance]:
    """By their starts, whatever order a situation holds them in: one that was read back has another than one that was folded."""
    return sorted(some, key=lambda window: (window.starts, window.id))


def begin(draft: Draft, window: Maintenance) -> None:
    """Let it run from its start on, and spare what was broken before."""
    _move(draft, window, MaintenanceState.IN_PROGRESS, window.starts, "its start has come")
    held = {
        component
        for incident in draft.situation.incidents.values()
        if incident.origin is Origin.MACHINE and incident.recovered_at is None
        for component in incident.components
    }
    broken = sorted(id for id in scope(draft.situation.topology, window) if id in held or _was_broken(draft.situation, id, window.starts))
    if broken:
        draft.say(Spared(at=draft.now, maintenance=window.id, components=tuple(broken)))
    if window.ends > draft.now:
        draft.say(announcing.begun(draft.situation.maintenances[window.id], draft.now, draft.policy.speaks))


def spare(draft: Draft) -> None:
    """Spare what turned out to have been broken before a window began: a failure is confirmed some time after its start."""
    for window in _in_order(draft.situation.maintenances.values()):
        if window.state not in HIDING or window.began_at is None:
            continue
        covered = scope(draft.situation.topology, window) - window.spared
        broken = sorted(id for id in covered if _was_broken(draft.situation, id, window.began_at))
        if broken:
            draft.say(Spared(at=draft.now, maintenance=window.id, components=tuple(broken)))


def _was_broken(situation: Situation, component: str, at: datetime) -> bool:
    found = situation.standings.get((Subject.COMPONENT, component))
    return found is not None and found.status in TROUBLE and found.since < at


def finished(situation: Situation, policy: Policy, now: datetime) -> list[Maintenance]:
    """The windows that have something to end, in the order of their ends."""
    due = [w for w in situation.maintenances.values() if w.state is not MaintenanceState.SCHEDULED and _is_due(situation, policy, w, now)]
    return sorted(due, key=lambda window: (window.ends, window.id))


def end(draft: Draft, window: Maintenance) -> None:
    """At its end: completed where everything is known to work, else verified; past the grace it is over in any case."""
    now, voices, situation = draft.now, draft.policy.speaks, draft.situation
    if _all_work(situation, window):
        since = window.ends if window.state is MaintenanceState.IN_PROGRESS else now
        say = announcing.well if _is_all_well(situation, window) else announcing.done
        draft.say(announcing.completed(window, now, voices, in_each(voices, say)))
        _move(draft, window, MaintenanceState.COMPLETED, since, "everything that it covered is known to work")
    elif window.state is MaintenanceState.IN_PROGRESS:
        _move(draft, window, MaintenanceState.VERIFYING, window.ends, "its end has come, and not everything is known to work")
        draft.say(announcing.verifying(window, now, voices))
    elif broken := still_broken(situation, window):
        reason = f"still not working after the grace: {', '.join(broken)}"
        draft.say(announcing.overran(window, now, voices))
        _move(draft, window, MaintenanceState.COMPLETED, window.ends + draft.policy.verifies_for, reason, overran=True)
    else:
        since = window.ends + draft.policy.verifies_for
        draft.say(announcing.completed(window, now, voices, in_each(voices, partial(announcing.unsure, window))))
        _move(draft, window, MaintenanceState.COMPLETED, since, "the grace is over; nothing is known to be broken")


def lapse(draft: Draft) -> None:
    """What was not approved before its end does not take place; the public never knew of it."""
    for window in _in_order(draft.situation.maintenances.values()):
        if window.state is MaintenanceState.SCHEDULED and not window.is_public and window.ends <= draft.now:
            _move(draft, window, MaintenanceState.CANCELLED, draft.now, "nobody approved it in time")


def still_broken(situation: Situation, window: Maintenance) -> list[str]:
    """What the window covers and is known not to work."""
    return [id for id in judged_parts(situation.topology, window) if standing(situation, Subject.COMPONENT, id) in TROUBLE]


def _all_work(situation: Situation, window: Maintenance) -> bool:
    return all(standing(situation, Subject.COMPONENT, id) is Status.OPERATIONAL for id in judged_parts(situation.topology, window))


def _is_all_well(situation: Situation, window: Maintenance) -> bool:
    """Whether its services work too: not where something was broken before it began, or is broken beside it."""
    found = (situation.standings.get((Subject.SERVICE, id)) for id in window.services)
    return not any(one is not None and measured(one) in TROUBLE for one in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Why a window may end before its time: all that it covers has worked *since* then, where it *is_again* after something was broken."""

    since: datetime
    is_again: bool


def early_finish(situation: Situation, window: Maintenance, policy: Policy, now: datetime) -> Rest | None:
    """Why the desk may end it before its time; None where it may not be said.

    Everything that it covers must be known to work: again, after something was broken inside; or for long enough.
    """
    parts = judged_parts(situation.topology, window)
    began = window.began_at
    if not window.is_running or began is None or not parts or not _all_work(situation, window):
        return None
    standings = [situation.standings[Subject.COMPONENT, id] for id in parts]
    known = max(began, *(one.since for one in standings))
    is_again = any(one.since > began and one.old in TROUBLE for one in standings)
    return Rest(since=known, is_again=is_again) if is_again or known + policy.offers_finish_after <= now else None


def _move(draft: Draft, window: Maintenance, to: MaintenanceState, since: datetime, reason: str, *, overran: bool = False) -> None:
    new = move_window(window.state, to)
    draft.say(
        MaintenanceMoved(
            at=draft.now, maintenance=window.id, since=since, old=window.state, new=new, by=None, reason=reason, overran=overran
        ),
    )
