"""The pages for those who have logged in, whatever their role: as public ones are, and drawn from the same."""

from aiohttp import web

from statuspage.web.desk import DESK
from statuspage.web.doors import PAGES
from statuspage.web.problems import Rejected


async def show_page(request: web.Request) -> web.StreamResponse:
    """Answer what is asked of a page, if there is one of that id for agents."""
    id_ = request.match_info["page"]
    door = request.app[DESK].doors().by_id.get(id_)
    if door is None:
        raise Rejected(404, "There is no such page.")
    return await door.enter(request, request.path.removeprefix(f"{PAGES}{id_}") or "/")
