"""Where the desk reviews, weighs, briefs, links and looks back on an incident: each by the card's form, and by the API."""

from pydantic import BaseModel

from statuspage.web import bodies, handling, postmortem
from statuspage.web import handling_bodies as taken
from statuspage.web.auth import Permission
from statuspage.web.route import Face, Handler, Route


def _both(path: str, by_form: Handler, by_program: Handler, takes: type[BaseModel]) -> tuple[Route, Route]:
    """The form, which leads back to the card, and the address for programs, which answers with the incident as it is then."""
    form = Route(method="POST", path=f"/incidents/{{id}}/{path}", handler=by_form, policy=Permission.ACT)
    program = Route(
        method="POST",
        path=f"/api/v1/incidents/{{id}}/{path}",
        handler=by_program,
        policy=Permission.ACT,
        face=Face.PROGRAM,
        takes=takes,
        gives=bodies.IncidentShown,
    )
    return form, program


HANDLING: tuple[Route, ...] = (
    *_both("confirm", handling.confirm_by_form, handling.confirm, taken.ConfirmBody),
    *_both("dismiss", handling.dismiss_by_form, handling.dismiss, taken.DismissBody),
    *_both("weigh", handling.weigh_by_form, handling.weigh, taken.WeighBody),
    *_both("say", handling.say_by_form, handling.say, taken.SayBody),
    *_both("tickets", handling.link_by_form, handling.link, taken.TicketBody),
    *_both("tickets/unlink", handling.unlink_by_form, handling.unlink, taken.UnlinkBody),
    Route(method="GET", path="/incidents/{id}/postmortem", handler=postmortem.show_postmortem, policy=Permission.ACT),
    Route(method="POST", path="/incidents/{id}/postmortem", handler=postmortem.publish_by_form, policy=Permission.ACT),
    Route(method="POST", path="/incidents/{id}/postmortem/draft", handler=postmortem.keep_by_form, policy=Permission.ACT),
    Route(method="POST", path="/incidents/{id}/postmortem/preview", handler=postmortem.preview, policy=Permission.ACT),
    Route(
        method="POST",
        path="/api/v1/incidents/{id}/postmortem",
        handler=postmortem.publish,
        policy=Permission.ACT,
        face=Face.PROGRAM,
        takes=bodies.PostmortemBody,
        gives=bodies.UpdateShown,
        status=201,
    ),
)
