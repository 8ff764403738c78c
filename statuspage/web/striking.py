"""Other names for incidents, windows and advisories, and words struck out of them for good: for programs and, by form, for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act, striking
from incidents.events import Event
from incidents.rewording import digest
from incidents.striking import Named, digest_of_name, names_of
from statuspage.pipeline import Command
from statuspage.store.advisory_rows import read_advisories, read_bulletins
from statuspage.store.incident_rows import read_incidents
from statuspage.store.maintenance_rows import read_maintenances
from statuspage.store.striking import spoken_of
from statuspage.web import api
from statuspage.web.advisory_bodies import AdvisoryShown
from statuspage.web.auth import CALLER
from statuspage.web.by_language import put_together
from statuspage.web.console import by_language, fit, text, trouble_of
from statuspage.web.desk import DESK, Deed, Desk, perform
from statuspage.web.entry import body_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected, refused
from statuspage.web.screens import screen, see_other
from statuspage.web.window_bodies import MaintenanceShown
from statuspage.web.word_bodies import RenameBody, StrikeBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is named: its *subject* as the record calls it, what people call it, its *page* at the console, and how it is read and shown."""

    subject: str
    noun: str
    page: str
    read: Callable[[Connection, Sequence[str]], Mapping[str, Named]]
    show: Callable[[Desk, Connection, str], BaseModel]


def _window(_: Desk, connection: Connection, id_: str) -> BaseModel:
    return MaintenanceShown.of(read_maintenances(connection, [id_])[id_])


def _advisory(desk: Desk, connection: Connection, id_: str) -> BaseModel:
    return AdvisoryShown.of(read_bulletins(connection, [id_])[0], desk.now())


KINDS: Mapping[str, Kind] = {
    "incidents": Kind(subject="incident", noun="incident", page="incidents", read=read_incidents, show=api.shown),
    "maintenances": Kind(subject="maintenance", noun="maintenance", page="maintenance", read=read_maintenances, show=_window),
    "advisories": Kind(subject="advisory", noun="advisory", page="advisories", read=read_advisories, show=_advisory),
}


_TYPED = ("words", "instead", "reason")


async def rename_incident(request: web.Request) -> web.Response:
    """Give an incident another name."""
    return await _rename(request)


async def rename_maintenance(request: web.Request) -> web.Response:
    """Give a window another name."""
    return await _rename(request)


async def rename_advisory(request: web.Request) -> web.Response:
    """Give an advisory another name."""
    return await _rename(request)


async def strike_incident(request: web.Request) -> web.Response:
    """Strike words out of an incident, wherever they stand, for good."""
    return await _strike(request)


async def strike_maintenance(request: web.Request) -> web.Response:
    """Strike words out of a window, wherever they stand, for good."""
    return await _strike(request)


async def strike_advisory(request: web.Request) -> web.Response:
    """Strike words out of an advisory, wherever they stand, for good."""
    return await _strike(request)


async def _rename(request: web.Request) -> web.Response:
    body = await body_of(request, RenameBody)
    deed, command = await _renaming(request, body, body.was)
    return await done_once(request, deed, command, status=200, spell=_after(request))


async def _strike(request: web.Request) -> web.Response:
    deed, command = await _striking(request, await body_of(request, StrikeBody))
    response = await done_once(request, deed, command, status=200, spell=_after(request))
    await request.app[DESK].store.purge()
    return response


async def show_rename(request: web.Request) -> web.Response:
    """Draw the form that gives it another name, with the one that it has."""
    named, own = await _named(request), request.app[DESK].own
    names = names_of(named, own)
    return await _rename_form(request, name=names.get(own, ""), names=names, was=digest_of_name(named))


async def rename_by_form(request: web.Request) -> web.Response:
    """Give it another name, and go on to its page; where somebody was faster, both names are shown."""
    form, desk = await request.post(), request.app[DESK]
    name, names, was = text(form.get("name")), by_language(form, "name"), text(form.get("was"))
    try:
        body = fit(RenameBody, desk.languages(), name=put_together(desk.own, name, names))
        await perform(desk, *await _renaming(request, body, was))
    except (act.Refused, Rejected) as error:
        return await _rename_form(request, name=name, names=names, was=was, error=error)
    return see_other(f"/{_kind(request).page}/{request.match_info['id']}")


async def show_strike(request: web.Request) -> web.Response:
    """Ask which words are to go, and say what that does."""
    return await _strike_form(request, dict.fromkeys(_TYPED, ""))


async def strike_by_form(request: web.Request) -> web.Response:
    """Strike words out of it, and go on to its page."""
    form, desk = await request.post(), request.app[DESK]
    typed = {name: text(form.get(name)) for name in _TYPED}
    try:
        await perform(desk, *await _striking(request, fit(StrikeBody, **typed)))
    except (act.Refused, Rejected) as error:
        return await _strike_form(request, typed, error)
    await desk.store.purge()
    return see_other(f"/{_kind(request).page}/{request.match_info['id']}")


# --- both -----------------------------------------------------------------------------------------------------------------------


def _kind(request: web.Request) -> Kind:
    """What the address is about: it stands after the prefix of the API, or at its very beginning at the console."""
    parts = [part for part in request.path.split("/") if part not in {"", "api", "v1"}]
    return next(kind for collection, kind in KINDS.items() if parts[0] in {collection, kind.page})


async def _named(request: web.Request) -> Named:
    """What the address names, over or not. Errors: Rejected 404."""
    kind, id_ = _kind(request), request.match_info["id"]
    found = await request.app[DESK].store.read(lambda connection: kind.read(connection, [id_]))
    if id_ not in found:
        raise Rejected(404, f"There is no {kind.noun} with this id.")
    return found[id_]


async def _renaming(request: web.Request, body: RenameBody, seen: str | None) -> tuple[Deed, Command]:
    named, by, own = await _named(request), request[CALLER].name, request.app[DESK].own
    name = dict(body.name) if isinstance(body.name, Mapping) else {own: body.name}
    detail = {"sha256": digest(name[own]), "was": digest_of_name(named)}
    return _deed(request, by, "rename", detail), partial(striking.rename, named=named, by=by, name=name, own=own, seen=seen)


async def _striking(request: web.Request, body: StrikeBody) -> tuple[Deed, Command]:
    named, by, desk = await _named(request), request[CALLER].name, request.app[DESK]
    subject, id_ = _kind(request).subject, request.match_info["id"]
    spoken = await desk.store.read(lambda connection: spoken_of(connection, subject, id_))
    deed = _deed(request, by, "strike out", {"reason": body.reason, "sha256": digest(body.words)})
    command = partial(
        striking.strike, named=named, spoken=spoken, by=by, phrase=body.words, instead=body.instead, reason=body.reason, own=desk.own
    )
    return deed, command


def _deed(request: web.Request, by: str, name: str, detail: Mapping[str, str]) -> Deed:
    """Of the audit's row; an incident may be over, which stands in the way of neither act."""
    return Deed(by=by, act=name, subject=request.match_info["id"], detail=detail)


def _after(request: web.Request) -> Callable[[Connection, Sequence[Event]], BaseModel]:
    return lambda connection, _: _kind(request).show(request.app[DESK], connection, request.match_info["id"])


async def _rename_form(
    request: web.Request, *, name: str, names: Mapping[str, str], was: str, error: act.Refused | Rejected | None = None
) -> web.Response:
    named, kind, own = await _named(request), _kind(request), request.app[DESK].own
    stands = names_of(named, own)
    return screen(
        request,
        "rename.html",
        status=_status(error),
        kind=kind,
        id=named.id,
        stands=stands,
        title=stands.get(own) or next(iter(stands.values())),
        typed=name,
        names=names,
        was=digest_of_name(named),
        is_outrun=was != digest_of_name(named),
        trouble=trouble_of(_rejected(error)),
    )


async def _strike_form(request: web.Request, typed: Mapping[str, str], error: act.Refused | Rejected | None = None) -> web.Response:
    named, kind = await _named(request), _kind(request)
    stands = names_of(named, request.app[DESK].own)
    return screen(
        request,
        "strike.html",
        status=_status(error),
        kind=kind,
        id=named.id,
        title=stands.get(request.app[DESK].own) or next(iter(stands.values())),
        typed=typed,
        trouble=trouble_of(_rejected(error)),
    )


def _rejected(error: act.Refused | Rejected | None) -> Rejected | None:
    return refused(error) if isinstance(error, act.Refused) else error


def _status(error: act.Refused | Rejected | None) -> int:
    found = _rejected(error)
    return found.status if found else 200
