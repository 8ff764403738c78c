"""What events make of planned windows: the part of ``incidents.situation`` that folds them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import assert_never

from incidents.events import (
    Approved,
    MaintenanceEvent,
    MaintenanceMoved,
    MaintenanceUpdated,
    Planned,
    Redescribed,
    Rescheduled,
    Spared,
)
from incidents.imported import MaintenanceImported, MaintenanceQuoted
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate, Promise
from incidents.rewording import MaintenanceReworded

SPENT_FOR = timedelta(days=100)
"""How long past its end an occurrence that is over is remembered: nothing brings it back, and what comes each quarter is no news."""

Windows = Mapping[str, Maintenance]
Spent = Mapping[str, datetime]


def unfold(windows: Windows, spent: Spent, event: MaintenanceEvent) -> tuple[Windows, Spent]:
    """The windows that are not over, and the occurrences that are, after *event*."""
    if isinstance(event, MaintenanceImported | MaintenanceQuoted):
        return windows, spent  # history asks for no decision
    if isinstance(event, MaintenanceReworded):
        return windows, spent
    if isinstance(event, Redescribed) and event.by and event.maintenance not in windows:
        return windows, spent  # it is over, and its name decides nothing
    after = born(event) if isinstance(event, Planned) else progressed(windows[event.maintenance], event)
    others = {id: window for id, window in windows.items() if id != event.maintenance}
    if isinstance(event, Planned) and after.series is not None:
        spent = _remembered(spent, event.at)
    if not after.is_over:
        return MappingProxyType({**others, after.id: after}), spent
    if after.series is not None:
        spent = MappingProxyType({**spent, after.id: first_end(after)})
    return MappingProxyType(others), spent


def _remembered(spent: Spent, at: datetime) -> Spent:
    """Without what is long past. It is done when an occurrence is planned, so that a situation that is read back forgets the same."""
    kept = {id: ends for id, ends in spent.items() if ends >= at - SPENT_FOR}
    return spent if len(kept) == len(spent) else MappingProxyType(kept)


def first_end(window: Maintenance) -> datetime:
    """The end that it was first announced with."""
    return window.promises[0].ends if window.promises else window.ends


def born(event: Planned | MaintenanceImported) -> Maintenance:
    """The window as it is planned; what is public at once is announced by it. What was over before we heard of it promised nothing here."""
    if isinstance(event, MaintenanceImported):
        return _quoted(event.window, event.updates)
    return _announced(event.plan, event.at) if event.plan.is_public else event.plan


def progressed(window: Maintenance, event: MaintenanceEvent) -> Maintenance:
    """The window after *event*."""
    match event:
        case Planned() | MaintenanceImported():
            return born(event)
        case Approved():
            return _announced(_overridden(replace(window, approved_by=event.by), event), event.at)
        case Rescheduled():
            return _rescheduled(window, event)
        case Redescribed():
            return replace(
                window,
                name=event.name,
                description=event.description,
                services=event.services,
                components=event.components,
                changes=window.changes + 1,
            )
        case MaintenanceMoved():
            return _moved(window, event)
        case Spared():
            return replace(window, spared=window.spared.union(event.components))
        case MaintenanceUpdated():
            return replace(window, updates=event.update.number)
        case MaintenanceReworded():
            return window
        case MaintenanceQuoted():
            return _quoted(window, event.updates)
        case _:
            assert_never(event)


def _quoted(window: Maintenance, updates: Sequence[MaintenanceUpdate]) -> Maintenance:
    return replace(window, updates=updates[-1].number) if updates else window


def _announced(window: Maintenance, at: datetime) -> Maintenance:
    promise = Promise(announced_at=at, starts=window.starts, ends=window.ends)
    return replace(window, promises=(*window.promises, promise))


def _rescheduled(window: Maintenance, event: Rescheduled) -> Maintenance:
    after = replace(
        window,
        starts=event.starts,
        ends=event.ends,
        is_touched=window.is_touched or event.by is not None,
        changes=window.changes + 1,
    )
    after = _overridden(after, event)
    return _announced(after, event.at) if after.is_public else after


def _overridden(window: Maintenance, event: Approved | Rescheduled) -> Maintenance:
    """With the newest reason to pass over the policy, and whose it is."""
    if event.override_reason is None:
        return window
    return replace(window, override_reason=event.override_reason, override_by=event.by)


def _moved(window: Maintenance, event: MaintenanceMoved) -> Maintenance:
    after = replace(window, state=event.new, overran=event.overran)
    if event.by is not None:
        after = replace(after, is_touched=True)
    if event.new is MaintenanceState.CANCELLED:
        after = replace(after, changes=window.changes + 1)
    if event.new is MaintenanceState.IN_PROGRESS:
        return replace(after, began_at=window.began_at or event.since)
    return replace(after, ended_at=event.since) if after.is_over else after
