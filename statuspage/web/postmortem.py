"""The page on which a postmortem is written: begun from what the record knows, kept as a draft, read by another, published."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import ceil

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act
from incidents.events import Event, Updated
from incidents.model import Incident, Update
from incidents.postmortem import Findings, outline, publish_postmortem
from incidents.rewording import whole_digest
from incidents.times.spans import Span
from incidents.voices import Voice
from incidents.words import said
from statuspage.ledgers import ledger_of
from statuspage.picture.board import service_rows
from statuspage.picture.page import Story
from statuspage.pipeline import Command
from statuspage.store import callers
from statuspage.store.acts import write_audit
from statuspage.store.postmortems import Draft, draft_of, drop_draft, keep_draft
from statuspage.web import bodies as shown
from statuspage.web.auth import CALLER
from statuspage.web.by_language import Spoken, put_together, words_of
from statuspage.web.console import by_language, fit, text, trouble_of
from statuspage.web.desk import DESK, Deed, Desk, perform, story_of
from statuspage.web.dossier import dossier_of
from statuspage.web.entry import body_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected, refused
from statuspage.web.reach import reach_of
from statuspage.web.screens import screen, see_other

Dropped = partial[None]
WRITING: web.AppKey[asyncio.Lock] = web.AppKey("WRITING", asyncio.Lock)
"""One publishes at a time: an incident that is over is read before the turn in which it gets its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the form: the words, and by which digest the draft is known that they were made from (empty: there was none)."""

    body: str
    bodies: Mapping[str, str]
    was: str = ""


async def show_postmortem(request: web.Request) -> web.Response:
    """Draw the form, with what was kept or what the record knows."""
    desk, incident = request.app[DESK], request.match_info["id"]
    draft = await desk.store.read(lambda connection: draft_of(connection, incident))
    if draft is not None:
        return await _form(request, Typed(body=draft.body, bodies=draft.bodies, was=draft.digest))
    story = await story_of(desk, incident)
    found = await desk.store.read(partial(_findings, desk, story))
    own, *others = [(voice.language, outline(story.incident, found[voice.language], voice)) for voice in desk.voices]
    return await _form(request, Typed(body=own[1], bodies=dict(others)))


def _findings(desk: Desk, story: Story, connection: Connection) -> Mapping[str, Findings]:
    """What the record knows of an incident, by language."""
    incident = story.incident
    called = callers.calls_by_incident(connection, [incident])[incident.id]
    hidden = desk.hidden()
    told = [id_ for id_ in incident.worst if id_ not in hidden] or list(incident.worst)
    lost = {id_: length for id_ in told if (length := _downtime(connection, incident, id_))}
    cause = desk.causes().named(incident.cause) if incident.cause else ""

    def of(voice: Voice) -> Findings:
        names = {id_: said(one.name, voice.language) for id_, one in desk.pipeline.situation.topology.services.items()}
        downtime = {names.get(id_, id_): length for id_, length in lost.items()}
        return Findings(updates=story.updates, called_at=called, downtime=downtime, cause=cause if voice.language == desk.own else "")

    return {voice.language: of(voice) for voice in desk.voices}


def _downtime(connection: Connection, incident: Incident, service: str) -> timedelta:
    """What the incident cost the service by its ledger; nothing where there is none for that time."""
    if incident.resolved_at is None or incident.resolved_at <= incident.started_at:
        return timedelta(0)
    try:
        ledger = ledger_of(connection, service, Span(incident.started_at, incident.resolved_at))
    except LookupError:  # it was never watched
        return timedelta(0)
    return timedelta(microseconds=ceil(ledger.measured.down))


async def keep_by_form(request: web.Request) -> web.Response:
    """Keep what was typed as a draft, unless somebody else has kept another since. Errors: Rejected 404."""
    desk, by, typed = request.app[DESK], request[CALLER].name, await _typed(request)
    story = await story_of(desk, request.match_info["id"])
    try:
        words = _words(desk, typed)
        await desk.store.write(partial(_kept, story.incident.id, words, by, desk, typed.was))
    except Rejected as rejected:
        return await _form(request, typed, rejected)
    return see_other(request.path.removesuffix("/draft"))


def _kept(incident: str, words: Spoken, by: str, desk: Desk, was: str, connection: Connection) -> None:
    at = desk.now()
    known = draft_of(connection, incident)
    if known is not None and known.digest != was:
        raise _outrun(known)
    keep_draft(connection, incident, Draft(body=words.body, bodies=words.speech.bodies, by=by, at=at))
    write_audit(connection, at=at, actor=by, act="draft postmortem", subject=incident, detail=words.detail)


def _outrun(draft: Draft) -> Rejected:
    return Rejected(409, f"{draft.by} has written something else meanwhile. It stands below, beside your own words.")


async def preview(request: web.Request) -> web.Response:
    """Draw the form with the postmortem as customers will see it; nothing is kept and nothing published."""
    desk, typed = request.app[DESK], await _typed(request)
    try:
        _, command = await _publishing(request, _words(desk, typed), written_by=None)
        events = command(desk.pipeline.situation, desk.now())
    except act.Refused as refusal:
        return await _form(request, typed, refused(refusal))
    except Rejected as rejected:
        return await _form(request, typed, rejected)
    return await _form(request, typed, preview=next(event.update for event in events if isinstance(event, Updated)))


async def publish_by_form(request: web.Request) -> web.Response:
    """Publish what was learned; it is an update from then on, and is corrected as others are."""
    desk, typed = request.app[DESK], await _typed(request)
    try:
        async with request.app[WRITING]:
            words = _words(desk, typed)
            await _demand_seen(request, words, typed.was)
            deed, command = await _publishing(request, words, written_by=await _author(request, words))
            await perform(desk, deed, command, _dropped(request))
    except act.Refused as refusal:
        return await _form(request, typed, refused(refusal))
    except Rejected as rejected:
        return await _form(request, typed, rejected)
    return see_other(f"/incidents/{request.match_info['id']}#timeline")


async def publish(request: web.Request) -> web.Response:
    """Publish what was learned of an incident that is over."""
    body = await body_of(request, shown.PostmortemBody)
    words = words_of(request.app[DESK].voices, body)
    async with request.app[WRITING]:
        deed, command = await _publishing(request, words, written_by=await _author(request, words))
        return await done_once(request, deed, command, status=201, spell=partial(_published, _dropped(request)))


def _published(drop: Dropped, connection: Connection, events: Sequence[Event]) -> BaseModel:
    drop(connection, events)
    return shown.UpdateShown.of(next(event.update for event in events if isinstance(event, Updated)))


def _dropped(request: web.Request) -> Dropped:
    return partial(_drop, request.match_info["id"])


def _drop(incident: str, connection: Connection, _: Sequence[Event]) -> None:
    """What is published is no draft any more."""
    drop_draft(connection, incident)


async def _demand_seen(request: web.Request, words: Spoken, was: str) -> None:
    """Errors: Rejected 409 where somebody has kept other words than were seen: with the last word they would be gone."""
    draft = await request.app[DESK].store.read(partial(draft_of, incident=request.match_info["id"]))
    if draft is not None and draft.digest not in {was, whole_digest(words.body, words.speech.bodies)}:
        raise _outrun(draft)


async def _author(request: web.Request, words: Spoken) -> str | None:
    """Whose words these are, where duties are separated: whoever kept exactly them, else whoever sends them."""
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    if not desk.is_separated():
        return None
    draft = await desk.store.read(lambda connection: draft_of(connection, incident))
    is_theirs = draft is not None and (draft.body, dict(draft.bodies)) == (words.body, dict(words.speech.bodies))
    return draft.by if draft is not None and is_theirs else by


async def _publishing(request: web.Request, words: Spoken, *, written_by: str | None) -> tuple[Deed, Command]:
    """The act. Errors: Rejected 404."""
    by, story = request[CALLER].name, await story_of(request.app[DESK], request.match_info["id"])
    deed = Deed(by=by, act="publish postmortem", incident=story.incident.id, detail=words.detail)
    speech = words.speech
    return deed, partial(publish_postmortem, incident=story.incident, by=by, body=words.body, written_by=written_by, speech=speech)


def _words(desk: Desk, typed: Typed) -> Spoken:
    """What was typed, as it is kept and published. Errors: Rejected 422."""
    body = fit(shown.PostmortemBody, desk.languages(), body=put_together(desk.own, typed.body, typed.bodies))
    return words_of(desk.voices, body)


async def _typed(request: web.Request) -> Typed:
    form = await request.post()
    return Typed(body=text(form.get("body")), bodies=by_language(form, "body"), was=text(form.get("was")))


async def _form(request: web.Request, typed: Typed, rejected: Rejected | None = None, preview: Update | None = None) -> web.Response:
    """Draw the form with what stands in it, what another kept meanwhile, and what happened beside it. Errors: Rejected 404."""
    desk, incident, by = request.app[DESK], request.match_info["id"], request[CALLER].name
    known = await desk.store.read(partial(dossier_of, incident, desk.pipeline.situation, reach_of(request)))
    draft = await desk.store.read(lambda connection: draft_of(connection, incident))
    is_outrun = draft is not None and draft.digest != typed.was
    return screen(
        request,
        "postmortem.html",
        status=rejected.status if rejected else 200,
        incident=known.story.incident,
        typed=typed,
        draft=draft,
        outrun=draft if is_outrun else None,
        was="" if draft is None else draft.digest,
        must_be_read=desk.is_separated() and (draft is None or draft.by == by),
        timeline=known.timeline,
        altered=known.altered,
        names={row.id: row.name for row in service_rows(desk.pipeline.situation, desk.language)},
        preview=preview,
        trouble=trouble_of(rejected),
    )
