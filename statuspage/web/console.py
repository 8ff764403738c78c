"""An incident's card at the console, and the forms by which an agent acts. Works without a script."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from incidents import act
from incidents.events import Event, Opened
from incidents.handling import safe_words, waits_at_gate
from incidents.model import Origin, Situation, Update
from statuspage.picture import board
from statuspage.picture.components import component_rows
from statuspage.picture.extent import extent
from statuspage.picture.known_errors import spoken
from statuspage.picture.page import Story
from statuspage.pipeline import Command
from statuspage.web import bodies, templates
from statuspage.web.auth import CALLER
from statuspage.web.by_language import put_together, words_of
from statuspage.web.causes import of_list, watching
from statuspage.web.desk import DESK, Deed, Desk, perform
from statuspage.web.dossier import dossier_of
from statuspage.web.entry import misfit
from statuspage.web.ladders import called_on
from statuspage.web.problems import Rejected, refused, title
from statuspage.web.queue import named
from statuspage.web.reach import demand_services, is_seen, offered, reach_of
from statuspage.web.screens import screen, see_other
from statuspage.web.warned import about, lasting

M = TypeVar("M", bound=BaseModel)

_PROMISES = (("", "no promise"), ("30", "in 30 minutes"), ("60", "in 1 hour"), ("120", "in 2 hours"), ("240", "in 4 hours"))
_LONGEST_PROMISE = 7 * 24 * 60
_SERVICE = "service:"


# --- a card ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What an agent had typed into a form that was refused, so that nothing is typed twice."""

    body: str = ""
    state: str = ""
    next_in: str = ""
    cause: str = ""
    override: str = ""
    monitor: str = ""
    words: str = ""
    into: str = ""
    name: str = ""
    url: str = ""
    share: str = ""
    cost: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedForms:
    """The forms of a card, each with what was typed."""

    updates: Typed = field(default_factory=Typed)
    notes: Typed = field(default_factory=Typed)
    assign: Typed = field(default_factory=Typed)
    resolve: Typed = field(default_factory=Typed)
    cause: Typed = field(default_factory=Typed)
    missed: Typed = field(default_factory=Typed)
    merge: Typed = field(default_factory=Typed)
    split: Typed = field(default_factory=Typed)
    dismiss: Typed = field(default_factory=Typed)
    weigh: Typed | None = None
    say: Typed | None = None
    link: Typed = field(default_factory=Typed)
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedOpen:
    """What was typed into the form that opens an incident; *services* by id."""

    name: str = ""
    body: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    is_draft: bool = False


async def show_card(request: web.Request) -> web.Response:
    """Draw everything about one incident, with the forms; a text that was chosen stands in that for updates."""
    return await card(request, typed=_from_template(request))


def _from_template(request: web.Request) -> TypedForms | None:
    """The form for an update, filled in by the text that was chosen."""
    desk, incident = request.app[DESK], request.app[DESK].pipeline.situation.incidents.get(request.match_info["id"])
    if incident is not None and request.query.get("words") == "safe":
        own, others = safe_words(desk.pipeline.situation, incident, desk.voices)
        return TypedForms(updates=Typed(body=own, bodies=others, state=incident.state))
    template = templates.chosen(desk, request.query.get("template", ""))
    if template is None or incident is None:
        return None
    words, promise = templates.words_for(desk, template, incident), template.next_update_in
    minutes = "" if promise is None else str(round(promise / timedelta(minutes=1)))
    others = {language: text for language, text in words.items() if language != desk.own}
    typed = Typed(body=words.get(desk.own, ""), bodies=others, state=template.state or "", next_in=minutes)
    return TypedForms(updates=typed)


async def card(
    request: web.Request, rejected: Rejected | None = None, typed: TypedForms | None = None, preview: Update | None = None
) -> web.Response:
    """Draw the card, with what stood in the way of an act and what had been typed for it; *preview* is an update as it would be."""
    desk, incident = request.app[DESK], request.match_info["id"]

    now, situation, reach = desk.now(), desk.pipeline.situation, reach_of(request)

    known = await desk.store.read(partial(dossier_of, incident, situation, reach))
    story = known.story
    whole = board.queue_row(
        situation, component_rows(situation), story, now, language=desk.language, scale=desk.scale(), callers=known.count
    )
    row = replace(whole, components=tuple(one for one in whole.components if is_seen(reach, situation, one.id)))
    seen = replace(story.incident, components=tuple(one.id for one in row.components))
    return screen(
        request,
        "card.html",
        status=rejected.status if rejected else 200,
        row=row,
        names={hit.service: hit.name for hit in row.hits},
        incident=story.incident,
        warned=about(await lasting(desk), story.incident.worst) if story.incident.is_open else (),
        timeline=known.timeline,
        altered=known.altered,
        missed=known.missed,
        watching=watching(situation, story.incident.worst),
        record=known.record,
        lasts=desk.acknowledgement_lasts,
        promises=_promises(typed.updates.next_in if typed else ""),
        reported=named(desk, known.reported),
        who=known.who,
        useful=known.useful,
        known_errors=spoken(desk.knowledge.errors(), desk.language, story.incident.worst.keys()),
        others=[
            one for one in situation.incidents.values() if one.id != incident and one.origin in (story.incident.origin, Origin.MACHINE)
        ],
        members=_members(story, situation, desk.language),
        trouble=trouble_of(rejected),
        typed=typed or TypedForms(),
        templates=templates.choices(desk, story.incident),
        causes=desk.causes(),
        preview=preview,
        review=_review(desk, incident),
        charters=desk.charters(),
        extent=extent(situation, seen, desk.language),
        **called_on(desk, story, known.owners),
    )


def _review(desk: Desk, incident: str) -> Sequence[tuple[str, str]]:
    """What would be said in public of an incident whose words wait for somebody, by language; empty where none do."""
    found = desk.pipeline.situation.incidents.get(incident)
    if found is None or not waits_at_gate(found):
        return ()
    own, others = safe_words(desk.pipeline.situation, found, desk.voices)
    return ((desk.own, own), *others.items())


def _members(story: Story, situation: Situation, language: str) -> list[tuple[str, str]]:
    """What can be taken out of the incident: its components, or its services where no probe watches it; id and name of each."""
    incident, known = story.incident, situation.topology.components
    parts = [(id_, known[id_].name) for id_ in incident.components if id_ in known]
    if not incident.components:
        parts = [(id_, board.service_name(situation, id_, language)) for id_ in incident.services]
    return parts if len(parts) > 1 and incident.is_open else []


def trouble_of(rejected: Rejected | None) -> Mapping[str, str] | None:
    """What stood in the way, for the page."""
    return {"heading": _HEADINGS.get(rejected.status, title(rejected.status)), "detail": rejected.detail} if rejected else None


_HEADINGS: Mapping[int, str] = MappingProxyType({409: "Not done, as things stand", 422: "Not done: please look at this again"})


# --- acts by form ---------------------------------------------------------------------------------------------------------------


async def acknowledge(request: web.Request) -> web.Response:
    """Own the incident, or renew."""
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    command = partial(act.acknowledge, incident=incident, by=by, lasts=desk.acknowledgement_lasts)
    deed = Deed(by=by, act="acknowledge", incident=incident)
    return await acted(request, perform(desk, deed, command), TypedForms())


async def update(request: web.Request) -> web.Response:
    """Publish words for customers."""
    typed = await typed_in(request)
    return await acted(request, _update(request, typed), TypedForms(updates=typed))


async def _update(request: web.Request, typed: Typed) -> None:
    await perform(request.app[DESK], *update_of(request, typed))


def update_of(request: web.Request, typed: Typed) -> tuple[Deed, Command]:
    """What was typed into the form for an update, as an act. Errors: Rejected 422."""
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    promise = desk.now() + timedelta(minutes=minutes) if (minutes := _minutes(typed.next_in)) else None
    words = put_together(desk.own, typed.body, typed.bodies)
    body = fit(bodies.UpdateBody, desk.languages(), body=words, state=typed.state or None, next_update_by=promise)
    said = words_of(desk.voices, body)
    command = partial(act.update, incident=incident, by=by, state=body.state, body=said.body, next_update_by=promise, speech=said.speech)
    return Deed(by=by, act="update", incident=incident, detail=said.detail), command


def _minutes(typed: str) -> int:
    """How soon the next update is promised; none where nothing sensible is."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 5 and int(typed) <= _LONGEST_PROMISE else 0


def _promises(typed: str) -> Sequence[tuple[str, str]]:
    """What may be promised: the usual, and what a text that was chosen promises."""
    is_usual = not _minutes(typed) or typed in dict(_PROMISES)
    return _PROMISES if is_usual else (*_PROMISES, (typed, f"in {typed} minutes"))


async def note(request: web.Request) -> web.Response:
    """Keep words for the desk."""
    typed = await typed_in(request)
    return await acted(request, _note(request, typed), TypedForms(notes=typed))


async def _note(request: web.Request, typed: Typed) -> None:
    by, incident = request[CALLER].name, request.match_info["id"]
    body = fit(bodies.NoteBody, body=typed.body)
    command = partial(act.note, incident=incident, by=by, body=body.body)
    await perform(request.app[DESK], Deed(by=by, act="note", incident=incident, detail={"body": body.body}), command)


async def resolve(request: web.Request) -> web.Response:
    """End the incident."""
    typed = await typed_in(request)
    return await acted(request, _resolve(request, typed), TypedForms(resolve=typed))


async def _resolve(request: web.Request, typed: Typed) -> None:
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    override = {"reason": typed.override} if typed.override.strip() else None
    words = put_together(desk.own, typed.body, typed.bodies)
    body = fit(bodies.ResolveBody, desk.languages(), body=words, cause=of_list(desk, typed.cause), override=override)
    reason, said = body.override.reason if body.override else None, words_of(desk.voices, body)
    command = partial(act.resolve, incident=incident, by=by, body=said.body, cause=body.cause, override=reason, speech=said.speech)
    detail = {**said.detail, "cause": body.cause, "override": reason}
    await perform(desk, Deed(by=by, act="resolve", incident=incident, detail=detail), command)


async def show_open(request: web.Request) -> web.Response:
    """Draw the form that opens an incident by hand."""
    return _open_form(request, typed=TypedOpen())


async def open_incident(request: web.Request) -> web.Response:
    """Open an incident by hand, public at once or as a draft."""
    form, by, desk = await request.post(), request[CALLER].name, request.app[DESK]
    picked = {key.removeprefix(_SERVICE): value for key, value in form.items() if key.startswith(_SERVICE) and isinstance(value, str)}
    services = {key: value for key, value in picked.items() if value}
    typed = TypedOpen(
        name=text(form.get("name")),
        names=by_language(form, "name"),
        body=text(form.get("body")),
        bodies=by_language(form, "body"),
        services=services,
        is_draft="draft" in form,
    )
    try:
        demand_services(request, typed.services)
        events = await _opened(desk, by, typed)
    except act.Refused as refusal:
        return _open_form(request, typed=typed, rejected=refused(refusal))
    except Rejected as rejected:
        return _open_form(request, typed=typed, rejected=rejected)
    opened = next(event for event in events if isinstance(event, Opened))
    return see_other(f"/incidents/{opened.incident}")


async def _opened(desk: Desk, by: str, typed: TypedOpen) -> Sequence[Event]:
    name, words = put_together(desk.own, typed.name, typed.names), put_together(desk.own, typed.body, typed.bodies)
    body = fit(bodies.OpenBody, desk.languages(), name=name, body=words, services=typed.services, draft=typed.is_draft)
    said = words_of(desk.voices, body)
    command = partial(
        act.open_incident, by=by, name=said.name, services=body.services, body=said.body, is_draft=body.draft, speech=said.speech
    )
    return await perform(desk, Deed(by=by, act="open", detail=said.named), command)


def _open_form(request: web.Request, *, typed: TypedOpen, rejected: Rejected | None = None) -> web.Response:
    status = rejected.status if rejected else 200
    return screen(request, "open.html", status=status, services=offered(request), typed=typed, trouble=trouble_of(rejected))


async def acted(request: web.Request, deed: Awaitable[object], typed: TypedForms) -> web.Response:
    """Wait for the deed; go on to the card, or draw it again with what stood in the way and what had been typed."""
    try:
        await deed
    except act.Refused as refusal:
        return await card(request, refused(refusal), typed)
    except Rejected as rejected:
        return await card(request, rejected, typed)
    return see_other(f"/incidents/{request.match_info['id']}")


async def typed_in(request: web.Request) -> Typed:
    """What stands in the form's fields."""
    form = await request.post()
    plain = {one.name: text(form.get(one.name)) for one in fields(Typed) if one.type in {str, "str"}}
    return Typed(**plain, names=by_language(form, "name"), bodies=by_language(form, "body"))


def by_language(form: Mapping[str, object], name: str) -> Mapping[str, str]:
    """What was typed into the fields of *name* for other languages than the site's own, such as ``body:de``."""
    return {key.removeprefix(f"{name}:"): text(value) for key, value in form.items() if key.startswith(f"{name}:")}


def fit(model: type[M], languages: Sequence[str] = (), /, **given: object) -> M:
    """What was typed, as the API's model; *languages* are those that the site speaks. Errors: Rejected 422."""
    try:
        return model.model_validate(given, context={"languages": languages})
    except ValidationError as error:
        raise misfit(error) from error


def text(value: object) -> str:
    """A field's text; none where it is missing or a file."""
    return value if isinstance(value, str) else ""
