"""What the desk knows beforehand: known errors, and texts for updates, each on a page where somebody finds it without an incident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from incidents.voices import Voice
from incidents.words import said
from statuspage.message_templates import PLACEHOLDERS, MessageTemplate, called, filled
from statuspage.picture import board
from statuspage.picture.capabilities import capabilities
from statuspage.picture.known_errors import KnownErrorView
from statuspage.picture.triage import errors_about
from statuspage.store.knowledge import Written
from statuspage.web.auth import Permission
from statuspage.web.desk import DESK, Desk
from statuspage.web.reach import reach_of
from statuspage.web.screens import screen
from statuspage.web.templates import told_clock

LONGEST_QUESTION = 200
SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShown:
    """A text for updates: *written* as the file has it and *read* as customers would, each by language."""

    template: MessageTemplate
    name: str
    services: tuple[str, ...]
    written: Mapping[str, str]
    read: Mapping[str, str]


async def show_known_errors(request: web.Request) -> web.Response:
    """Draw the known errors: those with all the words that are asked for, of the service that is."""
    desk = request.app[DESK]
    question, service = request.query.get("q", "").strip()[:LONGEST_QUESTION], request.query.get("service", "")
    found = [one for one in errors_about(question, desk.knowledge.views()) if not service or service in one.services]
    rows = board.service_rows(desk.pipeline.situation, desk.language)
    return screen(
        request,
        "known_errors.html",
        errors=found[:SHOWN],
        left=max(len(found) - SHOWN, 0),
        total=len(desk.knowledge.views()),
        question=question,
        service=service,
        services=[row for row in rows if row.id in _concerned(desk.knowledge.views())],
        named={row.id: row.name for row in rows},
        written=_within_reach(request),
    )


def _within_reach(request: web.Request) -> Mapping[str, Written]:
    """Those that the desk has written and that whoever asks may change, by id."""
    reach = reach_of(request, Permission.ACT)
    return {one.id: one for one in request.app[DESK].knowledge.written if reach.holds_all(one.services)}


def _concerned(errors: Sequence[KnownErrorView]) -> frozenset[str]:
    return frozenset(service for one in errors for service in one.services)


async def show_templates(request: web.Request) -> web.Response:
    """Draw the texts for updates, each as it is written and as customers would read it."""
    desk = request.app[DESK]
    shown = [_shown(desk, one) for one in desk.templates()]
    return screen(request, "templates.html", texts=shown, placeholders=PLACEHOLDERS, is_several=len(desk.voices) > 1)


def _shown(desk: Desk, template: MessageTemplate) -> TextShown:
    situation = desk.pipeline.situation
    known = [id_ for id_ in template.services if id_ in situation.topology.services]
    read = {voice.language: filled(template, voice.language, _example(desk, template, voice)) for voice in desk.voices}
    return TextShown(
        template=template,
        name=called(template, desk.language),
        services=tuple(board.service_name(situation, id_, desk.language) for id_ in known),
        written={voice.language: text for voice in desk.voices if (text := said(template.body, voice.language))},
        read={language: text for language, text in read.items() if text},
    )


def _example(desk: Desk, template: MessageTemplate, voice: Voice) -> Mapping[str, str]:
    """What the placeholders would stand for if the first service that it is for broke just now."""
    services = desk.pipeline.situation.topology.services
    service = next((services[id_] for id_ in template.services or services if id_ in services), None)
    name = "" if service is None else said(service.name, voice.language) or service.id
    able = [] if service is None else [one.label for one in capabilities(service, desk.pipeline.situation, voice.language)]
    now = desk.now()
    return {
        "service": name,
        "capabilities": voice.listed(able[:1] or [name]),
        "since": told_clock(desk, now),
        "next_update": told_clock(desk, now + (template.next_update_in or timedelta(0))),
    }
