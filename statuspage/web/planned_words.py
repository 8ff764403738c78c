"""Public words about windows and advisories, one by one: seen by programs, and corrected by programs and, by form, by people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act, redacting, striking
from incidents.advisory import Advisory, AdvisoryUpdate
from incidents.events import Event
from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.rewording import digest, digests
from incidents.voices import in_each
from statuspage.picture.advisories import Bulletin
from statuspage.picture.marking import localised
from statuspage.pipeline import Command
from statuspage.store.advisory_rows import read_bulletins
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.store.rewording import planned_words_of
from statuspage.web.advisory_bodies import AdvisoryUpdateShown, by_language
from statuspage.web.auth import CALLER
from statuspage.web.by_language import put_together, words_of
from statuspage.web.console import by_language as typed_by_language
from statuspage.web.console import fit, text, trouble_of
from statuspage.web.desk import DESK, Deed, perform
from statuspage.web.entry import body_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected, refused
from statuspage.web.screens import screen, see_other
from statuspage.web.window_bodies import MaintenanceUpdateShown, MaintenanceWords
from statuspage.web.word_bodies import RedactBody, RewordBody

W = TypeVar("W", MaintenanceUpdate, AdvisoryUpdate)


async def list_maintenance_words(request: web.Request) -> web.Response:
    """Give all public words about a window, oldest first."""
    _, words = await request.app[DESK].store.read(partial(_window, request.match_info["id"]))
    shown = MaintenanceWords(items=[MaintenanceUpdateShown.of(one) for one in words])
    return web.json_response(text=shown.model_dump_json())


async def reword_maintenance(request: web.Request) -> web.Response:
    """Correct public words about a window; the public sees that they were."""
    deed, command = await rewording_of_window(request, await body_of(request, RewordBody))

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        return MaintenanceUpdateShown.of(_numbered(_window(request.match_info["id"], connection)[1], request))

    return await done_once(request, deed, command, status=200, spell=spell)


async def reword_advisory(request: web.Request) -> web.Response:
    """Correct public words of an advisory; the public sees that they were."""
    deed, command = await rewording_of_advisory(request, await body_of(request, RewordBody))

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        return AdvisoryUpdateShown.of(_numbered(_bulletin(request.match_info["id"], connection).updates, request))

    return await done_once(request, deed, command, status=200, spell=spell)


async def redact_maintenance(request: web.Request) -> web.Response:
    """Remove public words about a window everywhere; what stays is that something was said, and the digest of it."""
    deed, command = await _redaction(request, await body_of(request, RedactBody))

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        return MaintenanceUpdateShown.of(_numbered(_window(request.match_info["id"], connection)[1], request))

    answer = await done_once(request, deed, command, status=200, spell=spell)
    await request.app[DESK].store.purge()
    return answer


async def redact_advisory(request: web.Request) -> web.Response:
    """Remove public words of an advisory everywhere; what stays is that something was said, and the digest of it."""
    deed, command = await _redaction(request, await body_of(request, RedactBody))

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        return AdvisoryUpdateShown.of(_numbered(_bulletin(request.match_info["id"], connection).updates, request))

    answer = await done_once(request, deed, command, status=200, spell=spell)
    await request.app[DESK].store.purge()
    return answer


async def show_redact(request: web.Request) -> web.Response:
    """Ask whether the words are really to be removed, and say what that does."""
    return await _redact_form(request, typed="", was=(await _spoken(request)).digest)


async def redact_by_form(request: web.Request) -> web.Response:
    """Remove public words about a window or of an advisory."""
    desk, form = request.app[DESK], await request.post()
    typed, was = text(form.get("reason")), text(form.get("was"))
    try:
        await perform(desk, *await _redaction(request, fit(RedactBody, reason=typed, was=was)))
    except act.Refused as refusal:
        return await _redact_form(request, typed=typed, was=was, rejected=refused(refusal))
    except Rejected as rejected:
        return await _redact_form(request, typed=typed, was=was, rejected=rejected)
    await desk.store.purge()
    return see_other(f"{(await _spoken(request)).page}#timeline")


async def _redaction(request: web.Request, body: RedactBody) -> tuple[Deed, Command]:
    """The act that removes words, and what the audit keeps of it. Errors: Rejected 404; Outrun where others stand there than were seen."""
    desk, by, id_ = request.app[DESK], request[CALLER].name, request.match_info["id"]
    spoken = await _spoken(request)
    if body.was is not None and body.was != spoken.digest:
        raise redacting.Outrun
    removed = in_each(desk.voices, striking.removed)
    read = partial(planned_words_of, subject="maintenance" if _is_of_window(request) else "advisory", id=id_, number=spoken.number)
    said = [(language or desk.own, text) for language, text in await desk.store.read(read)]
    stood = {desk.own: spoken.body, **spoken.bodies}
    proof = {f"sha256.{language}": one for language, one in digests(stood).items()}
    deed = Deed(by=by, act="redact", subject=id_, detail={"number": str(spoken.number), "reason": body.reason, **proof})
    instead = {desk.own: removed.own, **removed.others}
    redact = partial(striking.redact, named=spoken.named, said=said, instead=instead, own=desk.own)
    return deed, partial(redact, by=by, reason=body.reason)


async def show_correct(request: web.Request) -> web.Response:
    """Draw the form that corrects, with the words that stand there."""
    said = await _spoken(request)
    return await _form(request, typed=said.body, bodies=said.bodies, was=said.digest)


async def correct_by_form(request: web.Request) -> web.Response:
    """Correct public words about a window or of an advisory."""
    desk, form = request.app[DESK], await request.post()
    typed, others, was = text(form.get("body")), typed_by_language(form, "body"), text(form.get("was"))
    try:
        body = fit(RewordBody, desk.languages(), body=put_together(desk.own, typed, others), was=was)
        await perform(desk, *await (rewording_of_window if _is_of_window(request) else rewording_of_advisory)(request, body))
    except act.Refused as refusal:
        return await _form(request, typed=typed, bodies=others, was=was, rejected=refused(refusal))
    except Rejected as rejected:
        return await _form(request, typed=typed, bodies=others, was=was, rejected=rejected)
    return see_other(f"{(await _spoken(request)).page}#timeline")


async def rewording_of_window(request: web.Request, body: RewordBody) -> tuple[Deed, Command]:
    """The act that corrects words about a window, and what the audit keeps of it. Errors: Rejected 403, 404."""
    desk, by, id_ = request.app[DESK], request[CALLER].name, request.match_info["id"]
    window, words = await desk.store.read(partial(_window, id_))
    said, now = _numbered(words, request), words_of(desk.voices, body)
    stood = {"was": digest(said.body), **{f"was.{language}": one for language, one in digests(said.bodies).items()}}
    deed = Deed(by=by, act="correct words", subject=id_, detail={"number": str(said.number), **stood, **now.detail})
    reword = partial(redacting.reword_window, window=window, said=said, by=by)
    return deed, partial(reword, body=now.body, speech=now.speech, seen=body.was)


async def rewording_of_advisory(request: web.Request, body: RewordBody) -> tuple[Deed, Command]:
    """The same of an advisory."""
    desk, by, id_ = request.app[DESK], request[CALLER].name, request.match_info["id"]
    bulletin = await desk.store.read(partial(_bulletin, id_))
    said, now = _numbered(bulletin.updates, request), by_language(body.body, desk.language)
    stood = {f"was.{language}": one for language, one in digests(said.body).items()}
    stands = {f"sha256.{language}": one for language, one in digests(now).items()}
    deed = Deed(by=by, act="correct words", subject=id_, detail={"number": str(said.number), **stood, **stands})
    return deed, partial(redacting.reword_advisory, advisory=id_, said=said, by=by, body=now, seen=body.was)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """Words as the form shows them: on which *page* of the console, what they are about, and as ``digest`` tells them from others."""

    page: str
    named: Maintenance | Advisory
    name: str
    number: int
    at: datetime
    by: str | None
    body: str
    bodies: Mapping[str, str]
    digest: str
    edited_at: datetime | None
    redacted_at: None = None


def _is_of_window(request: web.Request) -> bool:
    return "/maintenance" in request.path


async def _spoken(request: web.Request) -> _Spoken:
    """The words that the address names. Errors: Rejected 404."""
    desk, id_ = request.app[DESK], request.match_info["id"]
    if _is_of_window(request):
        window, words = await desk.store.read(partial(_window, id_))
        said, seen = _numbered(words, request), MaintenanceUpdateShown.of(_numbered(words, request)).digest
        name, body, bodies = localised(window.name, desk.language), said.body, said.bodies
        return _Spoken(
            page=f"/maintenance/{id_}",
            named=window,
            name=name,
            number=said.number,
            at=said.at,
            by=said.by,
            body=body,
            bodies=bodies,
            digest=seen,
            edited_at=said.edited_at,
        )
    bulletin = await desk.store.read(partial(_bulletin, id_))
    told = _numbered(bulletin.updates, request)
    others = {language: one for language, one in told.body.items() if language != desk.own}
    return _Spoken(
        page=f"/advisories/{id_}",
        named=bulletin.advisory,
        name=localised(bulletin.advisory.name, desk.language),
        number=told.number,
        at=told.at,
        by=told.by,
        body=told.body.get(desk.own, ""),
        bodies=others,
        digest=AdvisoryUpdateShown.of(told).digest,
        edited_at=told.edited_at,
    )


async def _form(request: web.Request, *, typed: str, bodies: Mapping[str, str], was: str, rejected: Rejected | None = None) -> web.Response:
    """Draw the form with what was typed into it; where other words were seen (*was*) than stand there now, with those beside it."""
    said = await _spoken(request)
    return screen(
        request,
        "correct.html",
        status=rejected.status if rejected else 200,
        page=said.page,
        name=said.name,
        said=said,
        typed=typed,
        bodies=bodies,
        was=said.digest,
        is_outrun=was != said.digest,
        trouble=trouble_of(rejected),
    )


async def _redact_form(request: web.Request, *, typed: str, was: str, rejected: Rejected | None = None) -> web.Response:
    said = await _spoken(request)
    return screen(
        request,
        "redact.html",
        status=rejected.status if rejected else 200,
        page=said.page,
        name=said.name,
        said=said,
        typed=typed,
        was=was if rejected is None else said.digest,
        trouble=trouble_of(rejected),
    )


def _window(id_: str, connection: Connection) -> tuple[Maintenance, Sequence[MaintenanceUpdate]]:
    found = read_maintenances(connection, [id_])
    if id_ not in found:
        raise Rejected(404, "There is no maintenance with this id.")
    return found[id_], maintenance_words(connection, [id_])[id_]


def _bulletin(id_: str, connection: Connection) -> Bulletin:
    found = read_bulletins(connection, [id_])
    if not found:
        raise Rejected(404, "There is no advisory with this id.")
    return found[0]


def _numbered(words: Sequence[W], request: web.Request) -> W:
    found = next((one for one in words if str(one.number) == request.match_info["number"]), None)
    if found is None:
        raise Rejected(404, "It has no update with this number.")
    return found
