"""How a request gets its page: the console's drawing room with who is asking."""

from urllib.parse import quote

from aiohttp import web

from statuspage.render.console import Console
from statuspage.render.tongue import language_name
from statuspage.web.auth import Permission, form_token, known_caller
from statuspage.web.desk import DESK
from statuspage.web.problems import Rejected, problem, title

_SCRAPED = frozenset({"/metrics", "/probe", "/sd"})
CONSOLE: web.AppKey[Console] = web.AppKey("CONSOLE", Console)


def screen(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """Draw *template* for this request."""
    caller = known_caller(request)
    given = {
        "caller": caller,
        "may_act": caller is not None and caller.may(Permission.ACT),
        "may_regroup": caller is not None and caller.may(Permission.REGROUP),
        "may_appoint": caller is not None and caller.may(Permission.APPOINT),
        "may_configure": caller is not None and caller.may(Permission.CONFIGURE),
        "may_read_audit": caller is not None and caller.may(Permission.READ_OWN_AUDIT),
        "may_correct": caller is not None and caller.may(Permission.CORRECT),
        "may_redact": caller is not None and caller.may(Permission.REDACT),
        "now": request.app[DESK].now(),
        "form_token": form_token(request),
        "asked_in": [(code, language_name(code)) for code in request.app[DESK].asked_in()],
        **values,
    }
    body = request.app[CONSOLE].draw(template, **given)
    return web.Response(status=status, body=body, content_type="text/html", charset="utf-8")


async def spell_rejection(request: web.Request, rejected: Rejected) -> web.StreamResponse:
    """Tell what went wrong: problem+json to programs; to people a page, or the way to the login."""
    if request.path.startswith("/api/") or request.path in _SCRAPED:
        return problem(rejected)
    if rejected.status == 401:
        return see_other("/login" if request.method != "GET" or request.path == "/" else f"/login?next={quote(request.path)}")
    values = {"status": rejected.status, "heading": title(rejected.status), "detail": rejected.detail}
    response = screen(request, "error.html", status=rejected.status, told=values)
    response.headers.update(rejected.headers)
    return response


def see_other(address: str) -> web.Response:
    """Send the browser on with a GET, so that loading the page again repeats no act."""
    return web.Response(status=303, headers={"Location": address})
