"""The form by which the desk writes a known error down, changes it, and takes it out; those of the file are the file's."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aiohttp import web
from sqlalchemy import Connection

from statuspage.store.acts import write_audit
from statuspage.store.knowledge import Written, keep_error, remove_error
from statuspage.web.auth import CALLER
from statuspage.web.bodies import Taken
from statuspage.web.console import fit, text, trouble_of
from statuspage.web.desk import DESK, Desk, fingerprint
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_services, offered
from statuspage.web.screens import screen, see_other
from statuspage.web.typed import Line, Words

_SERVICE = "service:"


class KnownErrorBody(Taken):
    """A known error as somebody types it."""

    symptom: Line
    workaround: Words
    say: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the form; *id* is empty for one that is new."""

    id: str = ""
    symptom: str = ""
    workaround: str = ""
    say: str = ""
    services: frozenset[str] = field(default_factory=frozenset)


async def show_write(request: web.Request) -> web.Response:
    """Draw the form: empty, or with one that the desk has written, by its ``id``. Errors: Rejected 404, 403."""
    id_ = request.query.get("id", "")
    if not id_:
        return _form(request, Typed(services=frozenset(filter(None, [request.query.get("service")]))))
    known = _own(request, id_)
    return _form(
        request, Typed(id=id_, symptom=known.symptom, workaround=known.workaround, say=known.say, services=frozenset(known.services))
    )


async def write_by_form(request: web.Request) -> web.Response:
    """Write one down, or put other words in the place of those that stand there."""
    desk, by, typed = request.app[DESK], request[CALLER].name, await _typed(request)
    try:
        written = _written(request, desk, typed, by)
    except Rejected as rejected:
        return _form(request, typed, rejected)

    def write(connection: Connection) -> None:
        keep_error(connection, written)
        detail: Mapping[str, str | None] = {
            "services": " ".join(written.services),
            **fingerprint(f"{written.symptom}\n{written.workaround}"),
        }
        write_audit(connection, at=written.at, actor=by, act="write known error", subject=written.id, detail=detail)

    await desk.store.write(write)
    await desk.knowledge.renew()
    return see_other(f"/known-errors#e-{written.id}")


async def remove_by_form(request: web.Request) -> web.Response:
    """Take one out that is mended."""
    desk, by, id_ = request.app[DESK], request[CALLER].name, text((await request.post()).get("id"))
    known, at = _own(request, id_), desk.now()

    def write(connection: Connection) -> None:
        if remove_error(connection, known.id):
            write_audit(connection, at=at, actor=by, act="remove known error", subject=known.id, detail={})

    await desk.store.write(write)
    await desk.knowledge.renew()
    return see_other("/known-errors")


def _written(request: web.Request, desk: Desk, typed: Typed, by: str) -> Written:
    """What was typed, as it is kept. Errors: Rejected 403, 404, 422."""
    before = _own(request, typed.id) if typed.id else None
    body = fit(KnownErrorBody, symptom=typed.symptom, workaround=typed.workaround, say=typed.say.strip() or None)
    known = desk.pipeline.situation.topology.services
    services = tuple(id_ for id_ in known if id_ in typed.services)
    if not services:
        raise Rejected(422, "Choose at least one service in which it shows.")
    demand_services(request, services)
    made = Written(
        id=secrets.token_hex(6),
        services=services,
        symptom=body.symptom,
        workaround=body.workaround,
        say=body.say or "",
        by=by,
        at=desk.now(),
    )
    return made if before is None else replace(made, id=before.id)


def _own(request: web.Request, id_: str) -> Written:
    """One that the desk has written, and that is within reach. Errors: Rejected 404, 403."""
    found = next((one for one in request.app[DESK].knowledge.written if one.id == id_), None)
    if found is None:
        raise Rejected(404, "The desk has written no known error with this id. Those of the configuration are changed there.")
    demand_services(request, found.services)
    return found


async def _typed(request: web.Request) -> Typed:
    form = await request.post()
    picked = frozenset(key.removeprefix(_SERVICE) for key in form if key.startswith(_SERVICE))
    words = {name: text(form.get(name)) for name in ("id", "symptom", "workaround", "say")}
    return Typed(services=picked, **words)


def _form(request: web.Request, typed: Typed, rejected: Rejected | None = None) -> web.Response:
    status, trouble = rejected.status if rejected else 200, trouble_of(rejected)
    return screen(request, "known_error.html", status=status, typed=typed, services=offered(request), trouble=trouble)
