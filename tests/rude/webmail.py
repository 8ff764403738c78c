"""A small webmail of the tests: a real application with sessions, a token against forgery, an inbox and a way out."""

import html
import secrets
from dataclasses import dataclass, field

from aiohttp import web

USER, PASSWORD = "ann@example.net", "ge&heim=ü+1"
_LOGIN = """<!doctype html><html><head><title>Mail</title><script>if (a<b && c) {{ document.write("<form>"); }}</script></head>
<body><p class="notice">{notice}</p>
<form id="search" action="/search"><input name="q"></form>
<form id="login" method="post" action="{action}">
 <input type="hidden" name="_token" value="{token}"><input type="hidden" name="_url" value="a=1&amp;b=2">
 <label>Name <input name="_user"></label> <label>Password <input type="password" name="_pass"></label>
 <select name="_zone"><option value="utc">UTC</option><option value="cet" selected>CET</option></select>
 <input type="checkbox" name="_remember" value="1"><button type="submit" name="_go" value="in">Log in</button>
</form></body></html>"""
_INBOX = """<!doctype html><html><body><h1>Inbox</h1><table id="messages">{rows}</table>{out}</body></html>"""
_OUT = '<a href="/help">Help</a> <a href="?_task=logout&amp;_token={token}">Log out</a>'
_OUT_FORM = '<form method="post" action="/logout"><input type="hidden" name="_token" value="{token}"><button>Log out</button></form>'


@dataclass(slots=True)
class Webmail:
    """What it holds and how it behaves; *asked* is what it was asked, *sessions* who is logged in."""

    messages: list[str] = field(default_factory=lambda: ["Welcome", "Your invoice"])
    notice: str = ""
    refuses: bool = False
    broken: bool = False
    action: str = "/"
    way_out: str = _OUT
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self.page)
        app.router.add_post("/", self.log_in)
        app.router.add_get("/mail/inbox", self.page)
        app.router.add_post("/logout", self.log_out)
        return app

    async def page(self, request: web.Request) -> web.Response:
        session = request.cookies.get("sid", "")
        if request.query.get("_task") == "logout":
            return await self.log_out(request)
        self._note(request)
        if session in self.sessions:
            return self._inbox(session)
        session = secrets.token_hex(16)
        self.tokens[session] = secrets.token_hex(16)
        answer = self._login(session)
        answer.set_cookie("sid", session, httponly=True, path="/")
        return answer

    async def log_in(self, request: web.Request) -> web.Response:
        self._note(request)
        session, form = request.cookies.get("sid", ""), await request.post()
        self.forms.append({name: " ".join(map(str, form.getall(name))) for name in form})
        if form.get("_token") != self.tokens.get(session, object()):
            raise web.HTTPBadRequest(text="forged")
        if self.refuses or (form.get("_user"), form.get("_pass")) != (USER, PASSWORD):
            return self._login(session, self.notice)
        fresh = secrets.token_hex(16)
        self.sessions.add(fresh)
        self.tokens[fresh] = secrets.token_hex(16)
        answer = web.Response(status=302, headers={"Location": "/mail/inbox"})
        answer.set_cookie("sid", fresh, httponly=True, path="/")
        answer.set_cookie("lang", "en")
        return answer

    async def log_out(self, request: web.Request) -> web.Response:
        self._note(request)
        session = request.cookies.get("sid", "")
        token = request.query.get("_token") or (await request.post()).get("_token")
        if token != self.tokens.get(session, object()):
            raise web.HTTPForbidden(text="forged")
        self.sessions.discard(session)
        answer = web.Response(text="<p>Goodbye</p>", content_type="text/html")
        answer.del_cookie("sid")
        return answer

    def _note(self, request: web.Request) -> None:
        self.asked.append(f"{request.method} {request.path}")

    def _login(self, session: str, notice: str = "") -> web.Response:
        text = _LOGIN.format(notice=notice, action=self.action, token=self.tokens[session])
        return web.Response(text=text, content_type="text/html")

    def _inbox(self, session: str) -> web.Response:
        if self.broken:
            raise web.HTTPInternalServerError(text="no storage")
        rows = "".join(f'<tr class="message"><td>{html.escape(one)}</td></tr>' for one in self.messages)
        out = self.way_out.format(token=self.tokens[session])
        return web.Response(text=_INBOX.format(rows=rows, out=out), content_type="text/html")


OUT_BY_FORM = _OUT_FORM
