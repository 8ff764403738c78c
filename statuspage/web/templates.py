"""Texts for updates at the desk: which there are for an incident, and one of them filled in. Choosing publishes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from incidents.model import Incident, Situation, Status
from incidents.voices import Voice
from incidents.words import said
from statuspage.message_templates import MessageTemplate, called, filled, offered
from statuspage.picture.capabilities import capabilities
from statuspage.web.desk import DESK, Desk
from statuspage.web.template_bodies import TemplateList, TemplateShown

WORKS = frozenset({Status.OPERATIONAL, Status.UNKNOWN, Status.MAINTENANCE})


def choices(desk: Desk, incident: Incident) -> Sequence[tuple[str, str]]:
    """The id of each text that suits *incident*, and what the desk calls it."""
    return [(one.id, called(one, desk.language)) for one in offered(desk.templates(), incident.worst)]


def chosen(desk: Desk, id: str) -> MessageTemplate | None:
    """The text of this id; None where there is none."""
    return next((one for one in desk.templates() if one.id == id), None)


def words_for(desk: Desk, template: MessageTemplate, incident: Incident) -> Mapping[str, str]:
    """What *template* says of *incident*, in each of the site's languages in which it has a text."""
    told = {voice.language: filled(template, voice.language, _facts(desk, template, incident, voice)) for voice in desk.voices}
    return {language: text for language, text in told.items() if text}


async def list_templates(request: web.Request) -> web.Response:
    """Give the texts for updates, in the file's order."""
    shown = [
        TemplateShown(
            id=one.id,
            name=dict(one.name),
            state=one.state,
            services=list(one.services),
            body=dict(one.body),
            next_update_seconds=None if one.next_update_in is None else one.next_update_in.total_seconds(),
        )
        for one in request.app[DESK].templates()
    ]
    return web.Response(text=TemplateList(items=shown, next=None).model_dump_json(), content_type="application/json")


def _facts(desk: Desk, template: MessageTemplate, incident: Incident, voice: Voice) -> Mapping[str, str]:
    situation = desk.pipeline.situation
    known = [id for id in incident.services if id in situation.topology.services]
    # What everybody reads names what everybody may know of; of an incident that hits hidden services alone only their own readers hear.
    known = [id for id in known if id not in desk.hidden()] or known
    names = [said(situation.topology.services[id].name, voice.language) or id for id in known]
    return {
        "service": voice.listed(names),
        "capabilities": voice.listed(_broken(situation, known, voice.language) or names),
        "since": told_clock(desk, incident.started_at),
        "next_update": told_clock(desk, desk.now() + (template.next_update_in or timedelta(0))),
    }


def _broken(situation: Situation, services: Sequence[str], language: str) -> list[str]:
    """What of *services* does not work, in the customers' words, each once."""
    able = (one for id in services for one in capabilities(situation.topology.services[id], situation, language))
    return list(dict.fromkeys(one.label for one in able if one.status not in WORKS))


def told_clock(desk: Desk, at: datetime) -> str:
    """The time of day as a text for customers has it, in the site's zone."""
    here = at.astimezone(ZoneInfo(desk.timezone))
    return f"{here:%H:%M} {here.tzname()}"
