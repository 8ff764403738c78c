import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from probes import webmail
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Script, closed_port, rude
from tests.rude.site import everything, serving
from tests.rude.webmail import OUT_BY_FORM, PASSWORD, USER, Webmail

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
LOGIN = {"user": USER, "password": PASSWORD}


async def ask(url: str, *, timeout: float = 5, ear: Ear | None = None, **settings: Any) -> ProbeResult:  # noqa: ANN401
    given = {"url": url, "login": LOGIN, "inbox": {"selector": "#messages tr.message"}, **settings}
    return await run(webmail.KIND, webmail.Settings.model_validate(given), door=Door(), timeout=timeout, listener=ear, started=NOW)


async def visit(mail: Webmail, **settings: Any) -> ProbeResult:  # noqa: ANN401
    async with serving(mail.app()) as port:
        return await ask(f"http://127.0.0.1:{port}/", **settings)


# --- a real webmail -----------------------------------------------------------------------------------------------------------


async def test_the_whole_way_is_gone_and_no_session_is_left_behind() -> None:
    mail = Webmail()
    result = await visit(mail)
    assert (result.failure, result.stage, result.warnings) == (None, None, ())
    assert mail.asked == ["GET /", "POST /", "GET /mail/inbox", "GET /mail/inbox"]
    assert not mail.sessions
    assert result.facts["inbox.listed"] == 2
    assert result.facts["login.redirects"] == 1
    steps = [phase.name.partition(".")[0] for phase in result.phases]
    assert list(dict.fromkeys(steps)) == ["login_page", "login", "logout"]


async def test_the_form_goes_back_as_a_browser_would_send_it() -> None:
    mail = Webmail()
    await visit(mail, fields={"others": {"_zone": "utc"}})
    (form,) = mail.forms
    assert len(form.pop("_token")) == 32
    assert form == {"_url": "a=1&b=2", "_user": USER, "_pass": PASSWORD, "_zone": "utc", "_go": "in"}


async def test_the_form_and_its_fields_may_be_named() -> None:
    assert (await visit(Webmail(), fields={"form": "#login", "user": "_user", "password": "_pass"})).failure is None
    for wrong in ({"form": "#search"}, {"password": "pw"}, {"form": "table"}):
        result = await visit(Webmail(), fields=wrong)
        assert (result.failure, result.stage) == (Failure.CONTENT, "login_page")


async def test_a_refused_password_is_auth_rejected_and_is_shown_nowhere() -> None:
    ear = Ear()
    result = await visit(Webmail(), login={"user": USER, "password": "falsch"}, ear=ear)
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "login")
    assert "falsch" not in repr(result) + repr(ear.lines)


@pytest.mark.parametrize(
    ("notice", "fields"),
    [("Connection to storage server failed.", {}), ("Der Speicher ist <b>gerade</b> nicht da", {"unavailable": "speicher ist gerade"})],
)
async def test_a_form_that_comes_back_because_the_mail_store_is_away_is_not_our_password(notice: str, fields: dict[str, str]) -> None:
    result = await visit(Webmail(refuses=True, notice=notice), fields=fields)
    assert (result.failure, result.stage) == (Failure.AUTH_UNAVAILABLE, "login")


async def test_an_inbox_that_lists_nothing_fails_and_the_session_is_ended_all_the_same() -> None:
    mail = Webmail(messages=[])
    result = await visit(mail)
    assert (result.failure, result.stage) == (Failure.CONTENT, "inbox")
    assert "#messages tr.message" in result.detail
    assert not mail.sessions
    assert mail.asked[2:] == ["GET /mail/inbox", "GET /mail/inbox"]


async def test_a_connection_that_breaks_at_the_inbox_ends_the_session_all_the_same() -> None:
    async def cut(request: web.Request) -> web.Response:
        transport = request.transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return web.Response()

    mail = Webmail()
    app = mail.app()
    app.router.add_get("/cut", cut)
    async with serving(app) as port:
        result = await ask(f"http://127.0.0.1:{port}/", inbox={"url": "/cut", "contains": "x"})
    assert (result.failure, result.stage) == (Failure.RESET, "inbox.first_byte")
    assert not mail.sessions


@pytest.mark.parametrize(("wanted", "failure"), [("Your invoice", None), ("Inbox Welcome", None), ("Drafts", Failure.CONTENT)])
async def test_the_inbox_may_be_told_by_its_text(wanted: str, failure: Failure | None) -> None:
    result = await visit(Webmail(), inbox={"contains": wanted})
    assert result.failure is failure


async def test_the_inbox_may_be_at_a_place_of_its_own() -> None:
    mail = Webmail()
    result = await visit(mail, inbox={"url": "inbox", "selector": "table > tr:not(.read) + tr, #messages > tbody tr + tr"})
    assert result.failure is None
    assert mail.asked[2:4] == ["GET /mail/inbox", "GET /mail/inbox"]
    assert result.facts["inbox.listed"] == 1


async def test_an_error_behind_the_login_is_the_logins() -> None:
    result = await visit(Webmail(broken=True))
    assert (result.failure, result.stage) == (Failure.STATUS, "login")
    assert "500" in result.detail


async def test_a_form_that_logs_out_is_sent_with_its_token() -> None:
    mail = Webmail(way_out=OUT_BY_FORM)
    result = await visit(mail)
    assert (result.failure, result.warnings) == (None, ())
    assert mail.asked[-1] == "POST /logout"
    assert not mail.sessions


@pytest.mark.parametrize("way", ["", '<a href="#logout">', '<a href="javascript:logout()">', '<a href="https://elsewhere.example/logout">'])
async def test_a_page_without_a_way_out_is_a_warning(way: str) -> None:
    mail = Webmail(way_out=way)
    result = await visit(mail)
    assert result.failure is None
    assert len(mail.asked) == 3
    assert [warning.name for warning in result.warnings] == ["still_logged_in"]


async def test_a_logout_after_which_the_page_still_offers_one_is_a_warning() -> None:
    mail = Webmail(way_out='<a href="/mail/inbox?x=logout">Log out</a>')
    result = await visit(mail)
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["still_logged_in"]
    assert len(mail.asked) == 4


async def test_words_that_stood_there_before_the_login_excuse_nothing() -> None:
    text = "<p>If it is temporarily unavailable, call us.</p>" + FORM
    async with site(GET=page(text), POST=page(text)) as (url, _):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "login")


async def test_a_way_out_that_is_named_and_missing_fails_at_logout() -> None:
    result = await visit(Webmail(), logout="a.quit")
    assert (result.failure, result.stage) == (Failure.CONTENT, "logout")
    assert (await visit(Webmail(), logout="a[href*=logout]")).failure is None


async def test_a_logout_that_is_refused_fails_at_logout() -> None:
    result = await visit(Webmail(way_out='<a href="/?_task=logout&_token=wrong">out</a>'))
    assert (result.failure, result.stage) == (Failure.STATUS, "logout")


async def test_it_works_over_tls(certificates: Certificates) -> None:
    async with serving(Webmail().app(), tls=certificates.good()) as port:
        result = await ask(f"https://127.0.0.1:{port}/", ca=certificates.ca)
    assert result.failure is None


async def test_the_dialogue_shows_neither_password_nor_session() -> None:
    mail, ear = Webmail(), Ear()
    assert (await visit(mail, ear=ear)).failure is None
    said = "\n".join(ear.lines)
    assert "C cookie: ***" in said
    assert "S set-cookie: ***" in said
    assert not [secret for secret in (*mail.tokens, PASSWORD, "geheim") if secret in said]


async def test_two_visits_share_no_cookies() -> None:
    mail = Webmail()
    async with serving(mail.app()) as port:
        for _ in range(2):
            assert (await ask(f"http://127.0.0.1:{port}/")).failure is None
    assert len(mail.tokens) == 4
    assert len(mail.forms) == 2


# --- rude ones ----------------------------------------------------------------------------------------------------------------


Answer = Callable[[web.Request], web.Response]


@asynccontextmanager
async def site(**answers: Answer) -> AsyncIterator[tuple[str, list[tuple[str, Mapping[str, str]]]]]:
    """Serve a page per method; gives the URL and what was asked with which headers."""
    asked: list[tuple[str, Mapping[str, str]]] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append((f"{request.method} {request.path}", {name.lower(): value for name, value in request.headers.items()}))
        return answers[request.method](request)

    async with serving(everything(handler)) as port:
        yield f"http://127.0.0.1:{port}/", asked


def page(text: str, **headers: str) -> Answer:
    return lambda _: web.Response(
        text=text, content_type="text/html", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


FORM = '<form method="post"><input name="u"><input type="password" name="p"></form>'
INBOX = '<table id="messages"><tr class="message"><td>x</td></tr></table>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<p>Maintenance",
        "<form><input name=u></form>",
        "<form method=post><input type=password></form>",
        "<form method=post><input type=password name=p></form>",
        "<div>" * 4000,
        "<b></b>" * 60_000,
        "<a " + " ".join(f"a{n}" for n in range(50_000)) + ">",
        "<a x='\">'" + ' b=">"' * 20_000,
        "<\0a " + " ".join(f"a{n}" for n in range(5_000)) + ">",
        "\0",
        "<script>" + FORM,
        "<!--" + FORM,
        f"<form method=get action=/in>{FORM[20:]}",
    ],
    ids=range(14),
)
async def test_a_page_without_a_login_form_that_can_be_used_fails_there(text: str) -> None:
    async with site(GET=page(text)) as (url, asked):
        result = await ask(url)
    assert result.failure in {Failure.CONTENT, Failure.TOO_LARGE}
    assert result.stage == "login_page"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "action", ["https://evil.example/", "http://127.0.0.1:9/", "//evil.example/x", "javascript:x", "http://[", "/\n/x y\\"]
)
async def test_a_form_that_leads_elsewhere_is_not_sent(action: str) -> None:
    form = f'<form method="post" action="{action}">{FORM[20:]}'
    async with site(GET=page(form), POST=page(INBOX)) as (url, asked):
        result = await ask(url)
    assert (result.failure, result.stage) in {(Failure.REDIRECT, "login"), (Failure.STATUS, "login")}
    assert [what for what, _ in asked if what.startswith("POST")] == []


async def test_a_base_that_leads_elsewhere_leads_nowhere() -> None:
    async with site(GET=page(f'<base href="https://evil.example/">{FORM}'), POST=page(INBOX)) as (url, asked):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.REDIRECT, "login")
    assert len(asked) == 1


async def test_a_redirect_elsewhere_after_the_login_is_not_followed_and_no_cookie_goes_there() -> None:
    heard: list[str] = []

    async def listen(peer: Peer) -> None:
        heard.extend(await peer.hear_head())

    async with (
        rude(listen) as elsewhere,
        site(
            GET=page(FORM, Set_Cookie="sid=12345678"),
            POST=lambda _: web.Response(status=302, headers={"Location": elsewhere.url()}),
        ) as (url, _),
    ):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.REDIRECT, "login")
    assert not heard


async def test_redirects_come_to_an_end() -> None:
    async with site(GET=lambda request: web.Response(status=302, headers={"Location": request.path + "x"})) as (url, asked):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.REDIRECT, "login_page")
    assert len(asked) == 11


async def test_cookies_are_kept_taken_back_and_limited() -> None:
    def answer(_: web.Request) -> web.Response:
        response = web.Response(text=FORM, content_type="text/html")
        gone = "Thu, 01-Jan-1970 00:00:01 GMT"
        for cookie in (
            "a=1",
            "b=2; Max-Age=0",
            "a2=x; expires=never",
            f"c=3; expires={gone}",
            "d=4; Expires=Wed, 22 Nov 2028 00:00:00 GMT",
        ):
            response.headers.add("Set-Cookie", cookie)
        for odd in ("=x", "noequals", "", "e=" + "y" * 5000, ";;;", "f=1; max-age=-5"):
            response.headers.add("Set-Cookie", odd)
        return response

    async with site(GET=answer, POST=page(INBOX)) as (url, asked):
        assert (await ask(url)).failure is None
    assert asked[1][1]["cookie"] == "a=1; a2=x; d=4"


async def test_a_page_may_not_make_us_carry_a_mountain_of_cookies() -> None:
    def answer(request: web.Request) -> web.Response:
        response = web.Response(text=FORM if request.method == "GET" else '<a href="/out?logout">Log out</a>', content_type="text/html")
        for n in range(80):
            response.headers.add("Set-Cookie", f"{request.method}{n}=1")
        return response

    async with site(GET=answer, POST=answer) as (url, asked):
        assert (await ask(url, inbox={"contains": "Log out"})).failure is None
    assert [headers.get("cookie", "").count("=") for _, headers in asked] == [0, 30, 30]


async def test_a_form_of_a_thousand_fields_is_not_sent() -> None:
    fields = "".join(f"<input type=hidden name=n{n} value=1>" for n in range(300))
    async with site(GET=page(FORM.replace("</form>", fields)), POST=page(INBOX)) as (url, asked):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "login_page")
    assert len(asked) == 1


async def test_a_form_is_measured_as_it_is_sent_and_one_that_is_too_large_is_not() -> None:
    held = f"<input type=hidden name=n value={'ü' * 8_000}></form>"
    async with site(GET=page(FORM.replace("</form>", held)), POST=page(INBOX)) as (url, asked):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "login")
    assert result.detail.startswith("a form of 480")
    assert len(asked) == 1


async def test_of_links_that_speak_of_logging_out_only_the_first_fifty_are_followed_up() -> None:
    found = []
    for count in (49, 50):
        links = '<a href="https://elsewhere.example/logout">' * count + '<a href="/out?logout">'
        async with site(GET=page(FORM), POST=page(INBOX + links)) as (url, asked):
            result = await ask(url)
        found.append((len(asked), [warning.name for warning in result.warnings]))
    assert found[1] == (2, ["still_logged_in"])
    assert found[0][0] == 3


@pytest.mark.parametrize("status", [401, 403])
async def test_a_login_that_is_answered_with_a_refusal_is_auth_rejected(status: int) -> None:
    async with site(GET=page(FORM), POST=lambda _: web.Response(status=status)) as (url, _):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "login")


async def test_a_login_page_that_is_an_error_is_a_status() -> None:
    async with site(GET=lambda _: web.Response(status=503, text=FORM)) as (url, _):
        result = await ask(url)
    assert (result.failure, result.stage) == (Failure.STATUS, "login_page")


async def test_a_server_that_is_away_or_silent_fails_at_the_login_page() -> None:
    result = await ask(f"http://127.0.0.1:{closed_port()}/")
    assert (result.failure, result.stage) == (Failure.REFUSED, "login_page.connect")
    async with rude(lambda peer: peer.hang()) as server:
        result = await ask(server.url(), timeout=0.3)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "login_page.first_byte")


async def test_what_a_page_says_is_read_in_the_letters_in_which_it_is_written() -> None:
    def saying(octets: bytes, charset: str) -> Script:
        async def script(peer: Peer) -> None:
            await peer.hear_head()
            body = octets if peer.heard[0].startswith("POST") else FORM.encode()
            await peer.say(f"HTTP/1.1 200 OK\r\nContent-Type: text/html{charset}\r\n\r\n".encode() + body)
            peer.heard.clear()

        return script

    for octets, charset in (
        (b"<p>Post f\xfcr", "; charset=ISO-8859-1"),
        ("<meta charset='utf-8'><p>Post für".encode(), ""),
        (b"Post f\xc3\xbcr", "; charset=zip"),
    ):
        async with rude(saying(octets, charset)) as server:
            assert (await ask(server.url(), inbox={"contains": "Post für"})).failure is None


# --- settings -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"url": "http://mail.example.net/"}, "in clear"),
        ({"inbox": {}}, "say selector or contains"),
        ({"inbox": {"selector": "tr["}}, "not a CSS selector"),
        ({"inbox": {"selector": "tr:first-child"}}, "only :not"),
        ({"inbox": {"selector": "tr::before"}}, "only :not"),
        ({"logout": "a:has(b)"}, "only :not"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(more: dict[str, object], problem: str) -> None:
    given = {"url": "https://mail.example.net/", "login": LOGIN, "inbox": {"contains": "x"}}
    webmail.Settings.model_validate(given)
    webmail.Settings.model_validate(given | {"url": "http://mail.example.net/", "allow_plaintext": True})
    with pytest.raises(ValidationError, match=problem) as refused:
        webmail.Settings.model_validate({**given, **more})
    assert PASSWORD not in str(refused.value)


def test_the_target_is_the_page_without_its_query() -> None:
    given = webmail.Settings.model_validate({"url": "https://mail.example.net/?a=b", "login": LOGIN, "inbox": {"contains": "x"}})
    assert webmail.target(given) == "https://mail.example.net/"


async def test_authorities_that_are_gone_are_our_trouble(certificates: Certificates, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    async with rude(Peer.hang, tls=certificates.good()) as server:
        settings = webmail.Settings.model_validate(
            {"url": server.url("/", scheme="https"), "login": LOGIN, "inbox": {"selector": "li"}, "ca": ca}
        )
        ca.unlink()
        assert (await run(webmail.KIND, settings, door=Door(), timeout=5)).failure is Failure.IMPAIRED
