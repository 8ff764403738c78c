"""Addresses of the rooms beside the queue, where an agent looks something up, and of the streams that pages are told by."""

from statuspage.web import charter, knowledge, known_errors, live, month, trials, wall
from statuspage.web.auth import Permission
from statuspage.web.route import Handler, Route, see, send


def _room(path: str, handler: Handler) -> Route:
    return Route(method="GET", path=path, handler=handler, policy=Permission.SEE)


ROOMS: tuple[Route, ...] = (
    _room("/services", charter.show_services),
    _room("/services/{id}", charter.show_service),
    _room("/known-errors", knowledge.show_known_errors),
    see("/known-errors/write", known_errors.show_write, Permission.ACT),
    send("/known-errors/write", known_errors.write_by_form),
    send("/known-errors/remove", known_errors.remove_by_form),
    _room("/templates", knowledge.show_templates),
    _room("/calendar", month.show_calendar),
    _room("/wall", wall.show_wall),
    _room("/wall/live", wall.show_wall_live),
    see("/events", live.follow),
    see("/incidents/{id}/events", live.follow),
    see("/try", trials.show_form, Permission.CONFIGURE),
    send("/try", trials.try_by_form, Permission.CONFIGURE),
)
