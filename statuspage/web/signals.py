"""Signals of other monitoring systems: what Alertmanager's webhook sends opens incidents that wait for a person, and ends them."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from incidents.events import Event
from incidents.model import Situation, Status
from incidents.signals import Heard, Signal, hear
from probes.text import plain
from statuspage.config.alertmanager import Alertmanager
from statuspage.render.alertmanager import INCIDENT
from statuspage.store.signals import going_on, keep_signals, known_signals
from statuspage.web.auth import CALLER, Permission
from statuspage.web.desk import DESK, Deed, Desk, perform
from statuspage.web.entry import body_of
from statuspage.web.problems import Rejected
from statuspage.web.reach import reach_of
from statuspage.web.signal_bodies import AlertSent, GroupSent, SignalsHeard

HEARING: web.AppKey[asyncio.Lock] = web.AppKey("HEARING", asyncio.Lock)
"""One message after the other: each is judged by what those before it left."""

MOST_GOING_ON = 5000
"""Alerts of one service that are known at a time."""

_LONGEST_WORDS = 500
_MOST_FAULTS = 50


async def hear_alertmanager(request: web.Request) -> web.Response:
    """Take in alerts of Alertmanager. What names no service of ours is refused by name, after all the others were taken in."""
    desk, by = request.app[DESK], request[CALLER].name
    sent = await body_of(request, GroupSent)
    rules, known = desk.alertmanager(), desk.pipeline.situation.topology.services
    ours = [(number, one) for number, one in enumerate(sent.alerts) if _is_meant(one, rules)]
    reach = reach_of(request, Permission.INGEST)
    placed = [(number, one) for number, one in ours if (id_ := one.labels[rules.service_label]) in known and reach.holds([id_])]
    spelled = {number: _signal(one, rules, desk) for number, one in placed}
    async with request.app[HEARING]:
        flooding = await _flooding(desk, spelled)
        told = [signal for number, signal in spelled.items() if number not in flooding]
        incidents = await _heard(desk, by, told, sent.truncated_alerts)
    if len(told) < len(ours):
        raise _misplaced([one for one in ours if one[0] in flooding or one[0] not in spelled], rules, known, flooding)
    return web.json_response(SignalsHeard(heard=len(told), ignored=len(sent.alerts) - len(told), incidents=incidents).model_dump())


def _is_meant(alert: AlertSent, rules: Alertmanager) -> bool:
    """Whether it is about a service, bad enough, and not our own word that comes back to us."""
    severity = alert.labels.get(rules.severity_label)
    return INCIDENT not in alert.labels and rules.service_label in alert.labels and (severity is None or severity in rules.severities)


def _signal(alert: AlertSent, rules: Alertmanager, desk: Desk) -> Signal:
    severity = alert.labels.get(rules.severity_label)
    service = alert.labels[rules.service_label]
    return Signal(
        # Within its service alone: who may speak for one must not end, nor keep from being heard, what another's is known by.
        fingerprint=f"{service}:{alert.fingerprint}",
        service=service,
        status=Status.PARTIAL if severity is None else Status(rules.severities[severity]),
        since=min(alert.starts_at, desk.now()),
        until=None if alert.status == "firing" else alert.ends_at or desk.now(),
        words=_words(alert, severity),
    )


def _words(alert: AlertSent, severity: str | None) -> str:
    """What it says, for the desk: cleaned and cut, since whoever may write an alert wrote it."""
    name, said = alert.labels.get("alertname", ""), alert.annotations
    telling = said.get("summary") or said.get("description") or said.get("message") or ""
    head = f"{name or 'an alert without a name'}{f' ({severity})' if severity else ''}"
    return plain(f"{head}: {telling}" if telling else head, _LONGEST_WORDS)


async def _heard(desk: Desk, by: str, told: Sequence[Signal], left_out: int) -> list[str]:
    """Take in *told*; give the open incidents that they belong to. Errors: as ``perform``."""
    fingerprints, open_ones = {one.fingerprint for one in told}, tuple(desk.pipeline.situation.incidents)
    known = await desk.store.read(lambda connection: known_signals(connection, fingerprints, open_ones))
    judge = partial(hear, by=by, told=told, known=known, left_out=left_out, voices=desk.voices)
    heard = judge(desk.pipeline.situation, desk.now())
    if heard.events:
        heard = await _done(desk, by, judge)
    elif heard.kept:
        await desk.store.write(lambda connection: keep_signals(connection, heard.kept.values()))
    now_known, going_on = {**known, **heard.kept}, desk.pipeline.situation.incidents
    theirs = (now_known[id].incident for id in fingerprints if id in now_known)
    return sorted({id for id in theirs if id is not None and id in going_on})


async def _done(desk: Desk, by: str, judge: partial[Heard]) -> Heard:
    """Judge again where the road leads, and keep what comes of it together with the events."""
    last = Heard()

    def command(situation: Situation, now: object) -> Sequence[Event]:
        nonlocal last
        last = judge(situation, now)
        return last.events

    def beside(connection: Connection, events: Sequence[Event]) -> None:
        del events
        keep_signals(connection, last.kept.values())

    await perform(desk, Deed(by=by, act="hear signals"), command, beside)
    return last


async def _flooding(desk: Desk, told: Mapping[int, Signal]) -> frozenset[int]:
    """The numbers of those that are one too many: of their service so many go on that whoever sends more has lost count."""
    services, fingerprints = {one.service for one in told.values()}, {one.fingerprint for one in told.values()}
    room, known = await desk.store.read(lambda connection: (going_on(connection, services), known_signals(connection, fingerprints, ())))
    count, found = Counter(room), set[int]()
    lasting = {id_ for id_, one in known.items() if one.until is None}
    for number, signal in told.items():
        if signal.until is None and signal.fingerprint not in lasting:
            count[signal.service] += 1
            if count[signal.service] > MOST_GOING_ON:
                found.add(number)
    return frozenset(found)


def _misplaced(
    refused: Sequence[tuple[int, AlertSent]], rules: Alertmanager, known: Collection[str], flooding: Collection[int]
) -> Rejected:
    label = rules.service_label

    def why(number: int, service: str) -> str:
        if number in flooding:
            return f"{MOST_GOING_ON} alerts of {service} go on already: group them, or let some be resolved"
        return f"{service} is another team's" if service in known else f"there is no service {plain(service, 100)!r}"

    faults = [{"path": f"alerts.{number}.labels.{label}", "message": why(number, one.labels[label])} for number, one in refused]
    words = "; ".join(f"{one['path']}: {one['message']}" for one in faults[:5])
    return Rejected(422, f"{words}. All other alerts were taken in.", more={"errors": faults[:_MOST_FAULTS]})
