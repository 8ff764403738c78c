"""What agents do with planned work: each act is a pure function of the situation, giving events, or a refusal in words for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents.act import Invalid, NotFound, Refused, Unfit
from incidents.course import progressed
from incidents.events import Approved, Event, MaintenanceMoved, Planned, Rescheduled
from incidents.lifecycle import IllegalTransition, move_window
from incidents.maintenance import Maintenance, MaintenanceState, Series
from incidents.model import Situation
from incidents.naming import new_id
from incidents.planned import announcing
from incidents.planned.conduct import Conduct, lateness, objections
from incidents.planned.windows import LONGEST_HORIZON, MOST_AHEAD, came_before, occurrence, occurrence_id
from incidents.times.spans import Span
from incidents.voices import PLAIN, Speech

LONGEST = timedelta(days=31)
"""What takes longer is no window of work, but a slip of the pen."""

EARLIEST = timedelta(minutes=5)
"""How long ago work may have begun that is planned only now: clocks differ, and forms take a moment to fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to plan; *body* is what customers are told."""

    name: str
    services: tuple[str, ...]
    starts: datetime
    ends: datetime
    body: str
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for an act.

    *conducts* is what each service asks for (where it is missing, what is ordinary), *override* a manager's reason to pass over it,
    *needs_approval* whether a second person must agree, *speech* the languages of what is typed.
    """

    conducts: Mapping[str, Conduct] = field(default_factory=lambda: MappingProxyType({}))
    override: str | None = None
    needs_approval: bool = False
    speech: Speech = PLAIN


ORDINARY_TERMS = Terms()


class AgainstPolicy(Refused):
    """The company's rules forbid it; *reasons* are all of them. A manager may override with a reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        """Name every reason."""
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


def plan(situation: Situation, now: datetime, *, by: str, wish: Wish, terms: Terms = ORDINARY_TERMS) -> tuple[Event, ...]:
    """Plan a window. Errors: Unfit with everything that makes no sense, AgainstPolicy unless a manager overrides."""
    wrong = [*_unknown(situation, wish.services, wish.components), *_impossible(now, wish.starts, wish.ends)]
    wrong += [] if wish.name.strip() else [("name", "Maintenance needs a name.")]
    wrong += [] if wish.body.strip() else [("body", "Maintenance needs words for the public.")]
    if wrong:
        raise Unfit(wrong)
    services = tuple(dict.fromkeys(wish.services))
    override = _judged(objections(situation, terms.conducts, services, Span(wish.starts, wish.ends), now), terms)
    window = Maintenance(
        id=new_id(situation, "maintenance", by, wish.name, now.isoformat(), str(len(situation.maintenances))),
        name=MappingProxyType({terms.speech.language: wish.name, **terms.speech.names}),
        description=MappingProxyType({terms.speech.language: wish.body, **terms.speech.bodies}),
        services=services,
        components=tuple(dict.fromkeys(wish.components)),
        starts=wish.starts,
        ends=wish.ends,
        planned_at=now,
        planned_by=by,
        override_reason=override,
        override_by=by if override else None,
        needs_approval=terms.needs_approval,
    )
    told = () if terms.needs_approval else (announcing.planned(window, now, terms.speech.voices, by=by),)
    return (Planned(at=now, maintenance=window.id, plan=window), *told)


def approve(situation: Situation, now: datetime, *, maintenance: str, by: str, terms: Terms = ORDINARY_TERMS) -> tuple[Event, ...]:
    """Another person than the one who planned it agrees. Errors: NotFound, Invalid, AgainstPolicy.

    It is announced only now, so that its notice is judged once more.
    """
    window, _ = _found(situation, maintenance, now)
    if window.is_public:
        raise Invalid("It is approved already." if window.approved_by else "This maintenance needs no approval.")
    if window.planned_by == by:
        raise Invalid("Another person than the one who planned it must approve.")
    if window.ends <= now:
        raise Invalid("Its time is over; plan it anew.")
    override = _judged(_too_late(situation, window, now, terms), terms)
    approved = Approved(at=now, maintenance=window.id, by=by, override_reason=override)
    return (approved, announcing.planned(window, now, terms.speech.voices, by=by))


def _too_late(situation: Situation, window: Maintenance, now: datetime, terms: Terms) -> tuple[str, ...]:
    """The notice that is not kept any more; what was passed over when it was planned is known to whoever approves."""
    span, services = Span(window.starts, window.ends), _known(situation, window)
    late = lateness(situation, terms.conducts, services, span, now)
    was_late = lateness(situation, terms.conducts, services, span, window.planned_at) if window.override_reason else {}
    return tuple(sentence for id, sentence in late.items() if id not in was_late)


def reschedule(
    situation: Situation,
    now: datetime,
    *,
    maintenance: str,
    by: str,
    starts: datetime | None = None,
    ends: datetime | None = None,
    body: str = "",
    terms: Terms = ORDINARY_TERMS,
) -> tuple[Event, ...]:
    """Give a window other times; one that runs may only end at another time. Errors: NotFound, Invalid, AgainstPolicy."""
    window, before = _found(situation, maintenance, now)
    begins = starts or window.starts
    stops = ends or begins + (window.ends - window.starts)
    if window.state is not MaintenanceState.SCHEDULED:
        if begins != window.starts:
            raise Unfit([("starts", "It has begun: only its end can be changed.")])
        if stops <= now:
            raise Unfit([("ends", "It must end later than now; to end it now, finish it.")])
    elif wrong := _impossible(now, begins, stops):
        raise Unfit(wrong)
    if (begins, stops) == (window.starts, window.ends):
        raise Invalid("It is planned for these times already.")
    return (*before, *_given(situation, now, window, Span(begins, stops), by=by, body=body, terms=terms))


def extend(
    situation: Situation,
    now: datetime,
    *,
    maintenance: str,
    by: str,
    ends: datetime,
    body: str = "",
    terms: Terms = ORDINARY_TERMS,
) -> tuple[Event, ...]:
    """Let it end later; past its end it goes on from now. Errors: NotFound, Invalid, AgainstPolicy."""
    window, before = _found(situation, maintenance, now)
    if ends <= max(window.ends, now):
        raise Unfit([("ends", "An extension ends later than now and later than planned before.")])
    if ends - window.starts > LONGEST:
        raise Unfit([("ends", "Maintenance lasts a month at most.")])
    return (*before, *_given(situation, now, window, Span(window.starts, ends), by=by, body=body, terms=terms))


def finish(situation: Situation, now: datetime, *, maintenance: str, by: str, body: str = "", speech: Speech = PLAIN) -> tuple[Event, ...]:
    """The work is done: it ends now, and what it covered is verified as at any end. Errors: NotFound, Invalid."""
    window, _ = _found(situation, maintenance, now)
    if window.state is MaintenanceState.SCHEDULED:
        raise Invalid("It has not begun: cancel it instead.")
    if window.state is MaintenanceState.VERIFYING:
        moved = _moved(window, now, MaintenanceState.COMPLETED, by, "an agent says that it is done")
        said = speech.with_ours(body, lambda voice, theirs: theirs or announcing.done(voice))
        return (announcing.completed(window, now, speech.voices, said, by=by), moved)
    return _rescheduled(window, now, Span(window.starts, max(now, window.starts)), by=by, body=body, terms=Terms(speech=speech))


def cancel(situation: Situation, now: datetime, *, maintenance: str, by: str, body: str = "", speech: Speech = PLAIN) -> tuple[Event, ...]:
    """It does not take place, or stops being planned work now. Errors: NotFound."""
    window, before = _found(situation, maintenance, now)
    moved = _moved(window, now, MaintenanceState.CANCELLED, by, "an agent cancelled it")
    told = (announcing.cancelled(window, now, speech, body=body, by=by),) if window.is_public else ()
    return (*before, *told, moved)


# --- what they have in common -------------------------------------------------------------------------------------------------


def _found(situation: Situation, id: str, now: datetime) -> tuple[Maintenance, tuple[Event, ...]]:
    """The window, and what makes it one where it is still an occurrence far ahead. A series' key means its next that is not over."""
    window = situation.maintenances.get(id)
    if window is not None:
        return window, ()
    if id in situation.topology.series:
        return _next_of(situation, situation.topology.series[id], now)
    for series in situation.topology.series.values():
        for starts, ends in series.spans(now, now + LONGEST_HORIZON)[:MOST_AHEAD]:
            if occurrence_id(situation, series.key, starts) == id and id not in situation.spent:
                return _far(situation, series, starts, ends, id, now)
    raise NotFound("There is no maintenance with this id that is not over.")


def _next_of(situation: Situation, series: Series, now: datetime) -> tuple[Maintenance, tuple[Event, ...]]:
    known = [window for window in situation.maintenances.values() if window.series == series.key]
    ahead = (
        (starts, ends, occurrence_id(situation, series.key, starts))
        for starts, ends in series.spans(now, now + LONGEST_HORIZON)[:MOST_AHEAD]
    )
    far = next(((s, e, id) for s, e, id in ahead if id not in situation.spent and id not in situation.maintenances), None)
    first = min(known, key=lambda window: (window.starts, window.id), default=None)
    if first is not None and (far is None or first.starts <= far[0]):
        return first, ()
    if far is None:
        raise NotFound(f"{series.key} does not come again within a year.")
    return _far(situation, series, *far, now)


def _far(
    situation: Situation, series: Series, starts: datetime, ends: datetime, id: str, now: datetime
) -> tuple[Maintenance, tuple[Event, ...]]:
    is_quiet = not series.is_loud and came_before(situation, series, now)
    event = Planned(at=now, maintenance=id, plan=occurrence(series, starts, ends, id, now, is_quiet=is_quiet))
    return progressed(event.plan, event), (event,)


def _known(situation: Situation, window: Maintenance) -> tuple[str, ...]:
    return tuple(id for id in window.services if id in situation.topology.services)


def _unknown(situation: Situation, services: Sequence[str], components: Sequence[str]) -> list[tuple[str, str]]:
    topology = situation.topology
    wrong = [] if services else [("services", "Name at least one service that it is announced for.")]
    wrong += [("services", f"There is no service {id!r}.") for id in services if id not in topology.services]
    return wrong + [("components", f"There is no component {id!r}.") for id in components if id not in topology.components]


def _impossible(now: datetime, starts: datetime, ends: datetime) -> list[tuple[str, str]]:
    wrong = []
    if ends <= starts:
        wrong.append(("ends", "It must end after it starts."))
    elif ends - starts > LONGEST:
        wrong.append(("ends", "Maintenance lasts a month at most."))
    if starts < now - EARLIEST:
        wrong.append(("starts", "It must start now or later."))
    elif starts - now > LONGEST_HORIZON:
        wrong.append(("starts", "It must start within a year."))
    return wrong


def _judged(reasons: Sequence[str], terms: Terms) -> str | None:
    """The override, where one was needed. Errors: AgainstPolicy where it is missing."""
    if not reasons:
        return None
    if not (terms.override or "").strip():
        raise AgainstPolicy(reasons)
    return terms.override


def _given(situation: Situation, now: datetime, window: Maintenance, span: Span, *, by: str, body: str, terms: Terms) -> tuple[Event, ...]:
    """Other times, as far as policy lets them, and back to work where it was past its end."""
    is_new = window.state is MaintenanceState.SCHEDULED
    judged = span if is_new else Span(min(max(window.ends, now), span.until), span.until)
    # What is only cut short was announced with the rest.
    is_shorter = window.starts <= span.since and span.until <= window.ends
    reasons = () if is_shorter else objections(situation, terms.conducts, _known(situation, window), judged, now, is_new=is_new)
    told = _rescheduled(window, now, span, by=by, body=body, terms=replace(terms, override=_judged(reasons, terms)))
    if window.state is not MaintenanceState.VERIFYING:
        return told
    return (told[0], _moved(window, now, MaintenanceState.IN_PROGRESS, by, "an agent extended it"), *told[1:])


def _rescheduled(window: Maintenance, now: datetime, span: Span, *, by: str, body: str, terms: Terms) -> tuple[Event, ...]:
    event = Rescheduled(at=now, maintenance=window.id, starts=span.since, ends=span.until, by=by, override_reason=terms.override)
    if not window.is_public:
        return (event,)
    after = progressed(window, event)
    if window.state is MaintenanceState.VERIFYING:
        after = replace(after, state=MaintenanceState.IN_PROGRESS)
    return (event, *announcing.rescheduled(window, after, now, terms.speech, body=body, by=by))


def _moved(window: Maintenance, now: datetime, to: MaintenanceState, by: str, reason: str) -> MaintenanceMoved:
    try:
        new = move_window(window.state, to)
    except IllegalTransition as error:
        raise Invalid(f"Maintenance that is {window.state} cannot become {to}.") from error
    return MaintenanceMoved(at=now, maintenance=window.id, since=now, old=window.state, new=new, by=by, reason=reason)
