"""Every address of the internal listener, as data: who may use it is part of the row, so that no address can be without a policy."""

import asyncio
import json
from collections.abc import Sequence
from functools import cache

from aiohttp import web
from pydantic import BaseModel

from statuspage.bundled import templates
from statuspage.monthly import Kind
from statuspage.render.console import Console
from statuspage.web import (
    advisories,
    advisory_bodies,
    advisory_forms,
    advisory_pages,
    api,
    availability,
    bodies,
    call_bodies,
    caller_bodies,
    callers,
    calls,
    change_bodies,
    changes,
    console,
    corrections,
    duty,
    further_pages,
    ledger_bodies,
    live,
    looking_back,
    maintenance,
    monitor_bodies,
    monitors,
    monthlies,
    pings,
    postmortem,
    preview,
    queue,
    regrouping,
    report_bodies,
    reviewing,
    rewording,
    signal_bodies,
    signals,
    striking,
    subscriber_bodies,
    subscribers,
    surroundings,
    template_bodies,
    triage,
    triage_bodies,
    trials,
    window_bodies,
    window_forms,
    windows,
    word_bodies,
)
from statuspage.web import templates as update_templates
from statuspage.web.auth import CALLER, Access, Permission, Policy, admit
from statuspage.web.desk import DESK, Desk
from statuspage.web.handling_routes import HANDLING
from statuspage.web.login import DOOR, Door
from statuspage.web.once import ONCE, Once, answered_once
from statuspage.web.openapi import describe
from statuspage.web.people_routes import PEOPLE
from statuspage.web.planned_word_routes import PLANNED_WORDS
from statuspage.web.problems import told
from statuspage.web.reach import demand_reach
from statuspage.web.room_routes import ROOMS
from statuspage.web.route import Face, Handler, Route
from statuspage.web.route import act as _act
from statuspage.web.route import read as _read
from statuspage.web.route import see as _see
from statuspage.web.route import send as _send
from statuspage.web.scopes import SCOPES, USES, Uses, scope_of
from statuspage.web.scraping import SCRAPED, spell_problem
from statuspage.web.screens import CONSOLE, spell_rejection
from statuspage.web.security import hardening

MOST_BYTES_IN = 1024 * 1024


def _ping(path: str, handler: Handler) -> tuple[Route, Route]:
    """Clients ping with GET (HEAD comes with it) or POST, and know nothing but the address."""
    return (
        Route(method="GET", path=path, handler=handler, policy=Access.PINGER, face=Face.PROGRAM),
        Route(method="POST", path=path, handler=handler, policy=Access.PINGER, face=Face.PROGRAM),
    )


_API = "/api/v1"
_ONE = "/incidents/{id}"
_SAID = f"{_ONE}/updates/{{number}}"
_WORK = "/maintenance/{id}"
_WINDOW = "/maintenances/{id}"
_SUBSCRIBER = "/subscribers/{id}"


def _planned(
    path: str, handler: Handler, takes: type[BaseModel], status: int = 200, *, policy: Policy = Permission.PLAN, method: str = "POST"
) -> Route:
    """An act on a window of planned work; each answers with the window as it is then."""
    return _act(f"{_API}/maintenances{path}", handler, takes, window_bodies.MaintenanceShown, status, policy, method)


def _warned(path: str, handler: Handler, takes: type[BaseModel], status: int = 200, *, method: str = "POST") -> Route:
    """An act on an advisory; each answers with the advisory as it is then."""
    return _act(f"{_API}/advisories{path}", handler, takes, advisory_bodies.AdvisoryShown, status, Permission.PLAN, method)


def _corrected(path: str, handler: Handler, takes: type[BaseModel], status: int = 200, policy: Policy = Permission.CORRECT) -> Route:
    """An act on a correction; each answers with the correction as it is then."""
    return _act(f"{_API}{path}", handler, takes, ledger_bodies.CorrectionShown, status, policy)


def _naming(path: str) -> tuple[Route, ...]:
    """The forms that give another name, and that strike words out."""
    return (
        _see(f"{path}/rename", striking.show_rename, Permission.ACT),
        _send(f"{path}/rename", striking.rename_by_form),
        _see(f"{path}/strike", striking.show_strike, Permission.REDACT),
        _send(f"{path}/strike", striking.strike_by_form, Permission.REDACT),
    )


def _named(path: str, gives: type[BaseModel], rename: Handler, strike: Handler) -> tuple[Route, ...]:
    """The same for programs; each answers with what it is then."""
    return (
        _act(f"{_API}{path}/rename", rename, word_bodies.RenameBody, gives, 200),
        _act(f"{_API}{path}/strike", strike, word_bodies.StrikeBody, gives, 200, Permission.REDACT),
    )


ROUTES: tuple[Route, ...] = (
    _see("/", queue.show_queue),
    _see("/live", queue.show_live),
    _see("/pages/{page}", further_pages.show_page, Access.AGENT),
    _see("/pages/{page}/{tail:.*}", further_pages.show_page, Access.AGENT),
    *PEOPLE,
    _see("/open", console.show_open, Permission.ACT),
    _send("/open", console.open_incident),
    _see(_ONE, console.show_card),
    _send(f"{_ONE}/acknowledge", console.acknowledge),
    _send(f"{_ONE}/updates", console.update),
    _send(f"{_ONE}/updates/preview", preview.preview),
    _see(f"{_SAID}/correct", rewording.show_correct, Permission.ACT),
    _send(f"{_SAID}/correct", rewording.correct_by_form),
    *_naming(_ONE),
    *_naming(_WORK),
    *_naming("/advisories/{id}"),
    _see(f"{_SAID}/redact", rewording.show_redact, Permission.REDACT),
    _send(f"{_SAID}/redact", rewording.redact_by_form, Permission.REDACT),
    _send(f"{_ONE}/notes", console.note),
    _send(f"{_ONE}/resolve", console.resolve),
    _send(f"{_ONE}/cause", reviewing.attribute_by_form, Permission.CORRECT),
    _send(f"{_ONE}/missed", reviewing.explain_by_form, Permission.CORRECT),
    _send("/callers", callers.log_by_form),
    _see("/triage", triage.show_triage),
    _send("/triage", triage.record),
    _see(f"{_ONE}/take", calls.show_take),
    _send(f"{_ONE}/escalate", calls.escalate_by_form, Permission.ESCALATE),
    _send(f"{_ONE}/assign", calls.assign_by_form),
    _send(f"{_ONE}/merge", regrouping.merge, Permission.REGROUP),
    _send(f"{_ONE}/split", regrouping.split, Permission.REGROUP),
    _see("/monitors/{id}", monitors.show_monitor),
    _send("/monitors/{id}/pause", monitors.pause_by_form),
    _send("/monitors/{id}/resume", monitors.resume_by_form),
    _see("/maintenance", windows.show_windows),
    _see("/maintenance/plan", windows.show_plan, Permission.PLAN),
    _send("/maintenance/plan", window_forms.plan, Permission.PLAN),
    _see(_WORK, windows.show_window),
    _send(f"{_WORK}/reschedule", window_forms.reschedule, Permission.PLAN),
    _send(f"{_WORK}/extend", window_forms.extend, Permission.PLAN),
    _send(f"{_WORK}/finish", window_forms.finish, Permission.PLAN),
    _send(f"{_WORK}/cancel", window_forms.cancel, Permission.PLAN),
    _send(f"{_WORK}/approve", window_forms.approve, Permission.APPROVE),
    _see("/advisories", advisory_pages.show_advisories),
    _see("/advisories/publish", advisory_pages.show_publish, Permission.PLAN),
    _send("/advisories/publish", advisory_forms.publish_by_form, Permission.PLAN),
    _see("/advisories/{id}", advisory_pages.show_advisory),
    _send("/advisories/{id}/updates", advisory_forms.update_by_form, Permission.PLAN),
    _send("/advisories/{id}/move", advisory_forms.move_by_form, Permission.PLAN),
    _send("/advisories/{id}/withdraw", advisory_forms.withdraw_by_form, Permission.PLAN),
    *ROOMS,
    _see("/changes", changes.show_changes),
    _send("/changes", changes.tell_by_form),
    _see("/on-call", duty.show_on_call),
    _send("/on-call/stand-ins", duty.arrange_by_form),
    _send("/on-call/stand-ins/{id}/end", duty.dissolve_by_form),
    _see("/as-it-was", looking_back.show_past),
    *(_see(f"/reports/{kind}", monthlies.show_page(kind)) for kind in Kind),
    *(_see(f"/reports/{kind}.csv", monthlies.show_csv(kind)) for kind in Kind),
    _see("/reports/availability.json", monthlies.show_kept),
    _see("/reports/desk.json", monthlies.show_desk_report),
    _see("/reports/review.json", monthlies.show_review),
    _see("/corrections", corrections.show_corrections),
    _send("/corrections", corrections.correct_by_form, Permission.CORRECT),
    _send("/corrections/{id}/approve", corrections.approve_by_form, Permission.APPROVE),
    _send("/corrections/{id}/drop", corrections.drop_by_form, Permission.CORRECT),
    _see("/assets/{name}", surroundings.show_asset, Access.PUBLIC),
    *SCRAPED,
    *_ping("/ping/{token}", pings.ping),
    *_ping("/ping/{token}/{how}", pings.ping),
    *_ping("/api/push/{token}", pings.push),
    _read(f"{_API}/openapi.json", surroundings.show_openapi, None, Access.PUBLIC),
    _read(f"{_API}/incidents", api.list_incidents, bodies.IncidentList),
    _act(f"{_API}/incidents", api.open_incident, bodies.OpenBody, bodies.IncidentShown, 201),
    _read(f"{_API}{_ONE}", api.show_incident, bodies.IncidentShown),
    _act(f"{_API}{_ONE}/acknowledge", api.acknowledge, bodies.AcknowledgeBody, bodies.IncidentShown, 200),
    _act(f"{_API}{_ONE}/updates", api.update, bodies.UpdateBody, bodies.UpdateShown, 201),
    _act(f"{_API}{_SAID}", rewording.reword, word_bodies.RewordBody, bodies.UpdateShown, 200, Permission.ACT, "PATCH"),
    _act(f"{_API}{_SAID}/redact", rewording.redact, word_bodies.RedactBody, bodies.UpdateShown, 200, Permission.REDACT),
    *PLANNED_WORDS,
    *_named(_ONE, bodies.IncidentShown, striking.rename_incident, striking.strike_incident),
    *_named(_WINDOW, window_bodies.MaintenanceShown, striking.rename_maintenance, striking.strike_maintenance),
    *_named("/advisories/{id}", advisory_bodies.AdvisoryShown, striking.rename_advisory, striking.strike_advisory),
    _act(f"{_API}{_ONE}/notes", api.note, bodies.NoteBody, bodies.NoteShown, 201),
    _act(f"{_API}{_ONE}/resolve", api.resolve, bodies.ResolveBody, bodies.IncidentShown, 200),
    _act(f"{_API}{_ONE}/cause", reviewing.attribute, bodies.CauseBody, bodies.IncidentShown, 200, Permission.CORRECT),
    _act(f"{_API}{_ONE}/missed", reviewing.explain, bodies.MissedBody, bodies.MissedShown, 200, Permission.CORRECT),
    _read(f"{_API}{_ONE}/escalation", calls.show_escalation, call_bodies.EscalationShown),
    _act(f"{_API}{_ONE}/escalate", calls.escalate, call_bodies.EscalateBody, call_bodies.EscalationShown, 200, Permission.ESCALATE),
    _act(f"{_API}{_ONE}/assign", calls.assign, call_bodies.AssignBody, call_bodies.EscalationShown, 200),
    *HANDLING,
    _act(f"{_API}{_ONE}/merge", api.merge, bodies.MergeBody, bodies.IncidentShown, 200, Permission.REGROUP),
    _act(f"{_API}{_ONE}/split", api.split, bodies.SplitBody, bodies.IncidentShown, 201, Permission.REGROUP),
    _read(f"{_API}/monitors", monitors.list_monitors, monitor_bodies.MonitorList),
    _act(f"{_API}/monitors/{{id}}/pause", monitors.pause, monitor_bodies.PauseBody, monitor_bodies.MonitorShown, 200),
    _act(f"{_API}/monitors/{{id}}/resume", monitors.resume, monitor_bodies.ResumeBody, monitor_bodies.MonitorShown, 200),
    _read(f"{_API}/services", api.list_services, bodies.ServiceList),
    _read(f"{_API}/templates", update_templates.list_templates, template_bodies.TemplateList),
    _read(f"{_API}/triage", triage.look_up, triage_bodies.TriageShown),
    _read(f"{_API}/changes", changes.list_changes, change_bodies.ChangeList),
    _act(f"{_API}/changes", changes.tell_change, change_bodies.ChangeBody, change_bodies.ChangeShown, 201),
    _read(f"{_API}/on-call", duty.list_crews, call_bodies.CrewList),
    _act(f"{_API}/on-call/stand-ins", duty.arrange, call_bodies.StandInBody, call_bodies.StandInShown, 201),
    Route(
        method="DELETE",
        path=f"{_API}/on-call/stand-ins/{{id}}",
        handler=duty.dissolve,
        policy=Permission.ACT,
        face=Face.PROGRAM,
        gives=call_bodies.StandInEnded,
    ),
    _read(f"{_API}/reports/availability", monthlies.show_kept, report_bodies.AvailabilityShown),
    _read(f"{_API}/reports/desk", monthlies.show_desk_report, report_bodies.DeskReportShown),
    _read(f"{_API}/reports/review", monthlies.show_review, report_bodies.ReviewShown),
    _read(f"{_API}/reports", api.list_reports, bodies.ReportList),
    Route(
        method="DELETE",
        path=f"{_API}/reports/{{id}}",
        handler=api.erase_report,
        policy=Permission.KNOW_SUBSCRIBERS,
        face=Face.PROGRAM,
        gives=bodies.ReportErased,
    ),
    _read(f"{_API}/callers", callers.list_callers, caller_bodies.CallerList),
    _act(f"{_API}/callers", callers.log_caller, caller_bodies.CallerBody, caller_bodies.CallerShown, 201),
    Route(
        method="DELETE",
        path=f"{_API}/callers/tickets/{{id}}",
        handler=callers.erase_callers,
        policy=Permission.KNOW_SUBSCRIBERS,
        face=Face.PROGRAM,
        gives=caller_bodies.CallersErased,
    ),
    _act(
        f"{_API}/ingest/alertmanager",
        signals.hear_alertmanager,
        signal_bodies.GroupSent,
        signal_bodies.SignalsHeard,
        200,
        Permission.INGEST,
    ),
    _read(f"{_API}/known-errors", api.list_known_errors, bodies.KnownErrorList),
    _read(f"{_API}/services/{{id}}/availability", availability.show_availability, ledger_bodies.LedgerShown),
    _read(f"{_API}/services/{{id}}/service-level", availability.show_service_level, ledger_bodies.ServiceLevelShown),
    _read(f"{_API}/services/{{id}}/corrections", availability.list_corrections, ledger_bodies.CorrectionList),
    _corrected("/services/{id}/corrections", availability.correct_availability, ledger_bodies.CorrectionBody, 201),
    _corrected("/corrections/{id}/approve", availability.approve_correction, window_bodies.ApproveBody, policy=Permission.APPROVE),
    _corrected("/corrections/{id}/drop", availability.drop_correction, ledger_bodies.DropBody),
    _read(f"{_API}/impairments", api.list_impairments, bodies.ImpairmentList),
    _read(f"{_API}/maintenances", maintenance.list_maintenances, window_bodies.MaintenanceList),
    _planned("", maintenance.plan, window_bodies.PlanBody, 201),
    _read(f"{_API}{_WINDOW}", maintenance.show_maintenance, window_bodies.MaintenanceShown),
    _planned("/{id}", maintenance.reschedule, window_bodies.RescheduleBody, method="PATCH"),
    _planned("/{id}/extend", maintenance.extend, window_bodies.ExtendBody),
    _planned("/{id}/finish", maintenance.finish, window_bodies.EndBody),
    _planned("/{id}/cancel", maintenance.cancel, window_bodies.EndBody),
    _planned("/{id}/approve", maintenance.approve, window_bodies.ApproveBody, policy=Permission.APPROVE),
    _read(f"{_API}/advisories", advisories.list_advisories, advisory_bodies.AdvisoryList),
    _warned("", advisories.publish_advisory, advisory_bodies.AdvisoryBody, 201),
    _read(f"{_API}/advisories/{{id}}", advisories.show_advisory, advisory_bodies.AdvisoryShown),
    _warned("/{id}/updates", advisories.update_advisory, advisory_bodies.AdvisoryWordsBody, 201),
    _warned("/{id}", advisories.move_advisory, advisory_bodies.AdvisoryMoveBody, method="PATCH"),
    _warned("/{id}/withdraw", advisories.withdraw_advisory, advisory_bodies.AdvisoryWithdrawBody),
    _read(f"{_API}/subscribers", subscribers.list_subscribers, subscriber_bodies.SubscriberList, Permission.KNOW_SUBSCRIBERS),
    _act(
        f"{_API}/subscribers",
        subscribers.add_subscriber,
        subscriber_bodies.SubscribeBody,
        subscriber_bodies.SubscriberAdded,
        201,
        Permission.KNOW_SUBSCRIBERS,
    ),
    _read(f"{_API}{_SUBSCRIBER}", subscribers.export_subscriber, subscriber_bodies.SubscriberExport, Permission.KNOW_SUBSCRIBERS),
    Route(
        method="DELETE",
        path=f"{_API}{_SUBSCRIBER}",
        handler=subscribers.erase_subscriber,
        policy=Permission.KNOW_SUBSCRIBERS,
        face=Face.PROGRAM,
        gives=subscriber_bodies.SubscriberErased,
    ),
)


def internal_app(desk: Desk) -> web.Application:
    """Build the console, the API and the metrics for the internal listener."""
    app = web.Application(middlewares=[told(spell_rejection)], client_max_size=MOST_BYTES_IN)
    _open(app, desk)
    app[DOOR] = Door()
    app[ONCE] = Once()
    app[SCOPES] = known_scopes()
    app[signals.HEARING] = asyncio.Lock()
    app[postmortem.WRITING] = asyncio.Lock()
    app[looking_back.LOOKS] = asyncio.Semaphore(1)
    app[trials.TRIALS] = asyncio.Semaphore(trials.AT_ONCE)
    app[pings.PINGS] = pings.buckets()
    app[CONSOLE] = Console(templates(), site_name=desk.site_name, public_url=desk.public_url, zone=desk.timezone)
    # Made once somebody asks: it would be half of what a start costs.
    app[surroundings.DESCRIPTION] = lambda: _description()  # noqa: PLW0108 - what is cached has a type of its own
    live.told_live(app)
    _answer(app, ROUTES)
    return app


def metrics_app(desk: Desk) -> web.Application:
    """Build what ``listen.metrics`` serves: what Prometheus reads, and nothing else."""
    app = web.Application(middlewares=[told(spell_problem)], client_max_size=MOST_BYTES_IN)
    _open(app, desk)
    _answer(app, SCRAPED)
    return app


def _open(app: web.Application, desk: Desk) -> None:
    """What everybody needs who asks who somebody is."""
    app[DESK], app[USES] = desk, Uses()
    app.cleanup_ctx.append(app[USES].at_end)


def _answer(app: web.Application, routes: Sequence[Route]) -> None:
    app.on_response_prepare.append(hardening(is_tls=app[DESK].is_tls))
    for route in routes:
        app.router.add_route(route.method, route.path, guarded(route))
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, guarded(route))


def known_scopes() -> frozenset[str]:
    """Every scope that a token may have."""
    found = (scope_of(route.method, route.path) for route in ROUTES if route.policy is not Access.PUBLIC)
    return frozenset(scope for scope in found if scope is not None)


@cache
def _description() -> bytes:
    """What the API is, made from models and table once: it is the same in every app."""
    return json.dumps(describe(ROUTES)).encode()


def guarded(route: Route) -> Handler:
    """Return the route's handler behind its policy."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await admit(request, route.policy, is_for_programs=route.face is Face.PROGRAM)
        await demand_reach(request, route)
        if route.face is Face.PROGRAM and CALLER in request:
            return await answered_once(request, request[CALLER].name, route.handler)
        return await route.handler(request)

    return handler
