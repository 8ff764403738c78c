"""Words that are public already: they are corrected, or removed for good. The same two acts for programs and, by form, for people."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act, redacting
from incidents.events import Event
from incidents.model import Update
from incidents.rewording import digest, digests, whole_digest
from statuspage.picture.page import Story
from statuspage.pipeline import Command
from statuspage.store import queries
from statuspage.web import bodies as shown
from statuspage.web import word_bodies
from statuspage.web.auth import CALLER
from statuspage.web.by_language import NOTHING, put_together, words_of
from statuspage.web.console import by_language, fit, text, trouble_of
from statuspage.web.desk import DESK, Deed, perform, story_of
from statuspage.web.entry import body_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected, refused
from statuspage.web.screens import screen, see_other


async def reword(request: web.Request) -> web.Response:
    """Correct public words; the public sees that they were."""
    deed, command = await _rewording(request, body := await body_of(request, word_bodies.RewordBody), body.was)
    return await done_once(request, deed, command, status=200, spell=_update_after(request))


async def redact(request: web.Request) -> web.Response:
    """Remove public words everywhere; what stays is that something was said, and the digest of it."""
    deed, command = await _redaction(request, body := await body_of(request, word_bodies.RedactBody), body.was)
    response = await done_once(request, deed, command, status=200, spell=_update_after(request))
    await request.app[DESK].store.purge()
    return response


async def show_correct(request: web.Request) -> web.Response:
    """Draw the form that corrects, with the words that stand there."""
    _, said = await _said(request)
    return await _form(request, "correct.html", typed=said.body, bodies=said.bodies, was=_whole(said))


async def correct_by_form(request: web.Request) -> web.Response:
    """Correct public words."""
    form = await request.post()
    typed, others, was = text(form.get("body")), by_language(form, "body"), text(form.get("was"))
    again = partial(_form, request, "correct.html", typed=typed, bodies=others, was=was)
    return await _acted(request, _correct(request, typed, others, was), again)


async def _correct(request: web.Request, typed: str, others: Mapping[str, str], was: str) -> None:
    desk = request.app[DESK]
    body = fit(word_bodies.RewordBody, desk.languages(), body=put_together(desk.own, typed, others))
    await perform(desk, *await _rewording(request, body, was))


async def show_redact(request: web.Request) -> web.Response:
    """Ask whether the words are really to be removed, and say what that does."""
    _, said = await _said(request)
    return await _form(request, "redact.html", typed="", was=_whole(said))


async def redact_by_form(request: web.Request) -> web.Response:
    """Remove public words everywhere."""
    form = await request.post()
    typed, was = text(form.get("reason")), text(form.get("was"))
    return await _acted(request, _redact(request, typed, was), partial(_form, request, "redact.html", typed=typed, was=was))


async def _redact(request: web.Request, typed: str, was: str) -> None:
    desk = request.app[DESK]
    await perform(desk, *await _redaction(request, fit(word_bodies.RedactBody, reason=typed), was))
    await desk.store.purge()


# --- both -----------------------------------------------------------------------------------------------------------------------


async def _rewording(request: web.Request, body: word_bodies.RewordBody, seen: str | None) -> tuple[Deed, Command]:
    (story, said), by, now = await _said(request), request[CALLER].name, words_of(request.app[DESK].voices, body)
    detail = {"number": str(said.number), **_proof("was", said), **now.detail}
    deed = Deed(by=by, act="correct words", incident=story.incident.id, detail=detail)
    command = partial(redacting.reword, incident=story.incident.id, said=said, by=by, body=now.body, speech=now.speech, seen=seen)
    return deed, command


async def _redaction(request: web.Request, body: word_bodies.RedactBody, seen: str | None) -> tuple[Deed, Command]:
    (story, said), by = await _said(request), request[CALLER].name
    # What is gone already left its digest when it went: this one would be of nothing.
    gone = {} if said.redacted_at else _proof("sha256", said)
    deed = Deed(by=by, act="redact", incident=story.incident.id, detail={"number": str(said.number), "reason": body.reason, **gone})
    return deed, partial(redacting.redact, incident=story.incident.id, said=said, by=by, reason=body.reason, seen=seen)


def _whole(said: Update) -> str:
    """By what a form knows again the words that it showed."""
    return whole_digest(said.body, said.bodies)


def _proof(name: str, said: Update) -> Mapping[str, str]:
    """What the audit keeps of words that stood there, in each language."""
    return {name: digest(said.body), **{f"{name}.{language}": one for language, one in digests(said.bodies).items()}}


async def _said(request: web.Request) -> tuple[Story, Update]:
    """The incident, open or over, and the update that the address names. Errors: Rejected 404."""
    story = await story_of(request.app[DESK], request.match_info["id"])
    return story, _numbered(story, request.match_info["number"])


def _numbered(story: Story, number: str) -> Update:
    found = next((one for one in story.updates if str(one.number) == number), None)
    if found is None:
        raise Rejected(404, "This incident has no update with this number.")
    return found


def _update_after(request: web.Request) -> Callable[[Connection, Sequence[Event]], BaseModel]:
    id_, number = request.match_info["id"], request.match_info["number"]

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        story = queries.story(connection, id_)
        if story is None:
            raise LookupError(f"incident {id_} was written and cannot be read")
        return shown.UpdateShown.of(_numbered(story, number))

    return spell


async def _form(
    request: web.Request, template: str, *, typed: str, was: str, bodies: Mapping[str, str] = NOTHING, rejected: Rejected | None = None
) -> web.Response:
    """Draw the form with what was typed into it; where other words were seen (*was*) than stand there now, with those beside it."""
    story, said = await _said(request)
    return screen(
        request,
        template,
        status=rejected.status if rejected else 200,
        incident=story.incident,
        page=f"/incidents/{story.incident.id}",
        name=story.incident.name,
        said=said,
        typed=typed,
        bodies=bodies,
        was=_whole(said),
        is_outrun=was != _whole(said),
        trouble=trouble_of(rejected),
    )


async def _acted(request: web.Request, deed: Awaitable[None], again: Callable[..., Awaitable[web.Response]]) -> web.Response:
    """Wait for the deed; go on to the card, or draw the form *again* with what stood in the way."""
    try:
        await deed
    except act.Refused as refusal:
        return await again(rejected=refused(refusal))
    except Rejected as rejected:
        return await again(rejected=rejected)
    return see_other(f"/incidents/{request.match_info['id']}#timeline")
