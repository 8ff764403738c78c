"""Public words about windows and advisories, one by one: seen by programs, and corrected by programs and, by form, by people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act, redacting
from incidents.advisory import AdvisoryUpdate
from incidents.events import Event
from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.rewording import digest, digests
from statuspage.picture.advisories import Bulletin
from statuspage.picture.marking import localised
from statuspage.pipeline import Command
from statuspage.store.advisory_rows import read_bulletins
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
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
from statuspage.web.word_bodies import RewordBody

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
    name: str
    number: int
    body: str
    bodies: Mapping[str, str]
    digest: str
    edited_at: datetime | None
    redacted_at: None = None


def _is_of_window(request: web.Request) -> bool:
    return request.path.startswith("/maintenance")


async def _spoken(request: web.Request) -> _Spoken:
    """The words that the address names. Errors: Rejected 404."""
    desk, id_ = request.app[DESK], request.match_info["id"]
    if _is_of_window(request):
        window, words = await desk.store.read(partial(_window, id_))
        said, seen = _numbered(words, request), MaintenanceUpdateShown.of(_numbered(words, request)).digest
        name, body, bodies = localised(window.name, desk.language), said.body, said.bodies
        return _Spoken(
            page=f"/maintenance/{id_}", name=name, number=said.number, body=body, bodies=bodies, digest=seen, edited_at=said.edited_at
        )
    bulletin = await desk.store.read(partial(_bulletin, id_))
    told = _numbered(bulletin.updates, request)
    others = {language: one for language, one in told.body.items() if language != desk.own}
    return _Spoken(
        page=f"/advisories/{id_}",
        name=localised(bulletin.advisory.name, desk.language),
        number=told.number,
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
