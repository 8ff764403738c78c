"""The table of addresses against the matrix of roles: every cell is tried, and every answer is hardened."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

import pytest

from statuspage.store import connect
from statuspage.store.people import Role
from statuspage.web.auth import MAY, Access, Permission, Policy
from statuspage.web.route import Face, Route
from statuspage.web.routes import ROUTES
from statuspage.web.security import HEADERS
from tests.statuspage.desks import Browser, House, Program, housed

# Written out again, so that a change of the table in the code is seen here.
MATRIX: Mapping[Policy, AbstractSet[str | None]] = {
    Permission.SEE: {"viewer", "level-one", "level-two", "manager", "admin"},
    Permission.ACT: {"level-one", "level-two", "manager"},
    Permission.ESCALATE: {"level-one", "level-two", "manager"},
    Permission.TAKE_OVER: {"level-two", "manager"},
    Permission.REGROUP: {"level-two", "manager"},
    Permission.PLAN: {"level-one", "level-two", "manager"},
    Permission.INGEST: {"level-one", "level-two", "manager"},
    Permission.CORRECT: {"manager"},
    Permission.REDACT: {"level-two", "manager"},
    Permission.OVERRIDE: {"manager"},
    Permission.APPROVE: {"manager"},
    Permission.READ_OWN_AUDIT: {"level-two", "manager", "admin"},
    Permission.KNOW_SUBSCRIBERS: {"level-two", "manager"},
    Permission.APPOINT: {"admin"},
    Permission.CONFIGURE: {"admin"},
    Access.PUBLIC: {"viewer", "level-one", "level-two", "manager", "admin", None},
    Access.AGENT: {"viewer", "level-one", "level-two", "manager", "admin"},
    Access.SCRAPER: {"viewer", "level-one", "level-two", "manager", "admin", None},
    Access.PINGER: {"viewer", "level-one", "level-two", "manager", "admin", None},  # the token in the address decides
}
WHO = [*Role, None]
ENDING = {"/logout", "/account/log-out"}
"""What ends the session in which it is asked for: tried last."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


def named(value: object) -> str | None:
    return f"{value.method} {value.path}" if isinstance(value, Route) else str(value or "nobody")


def address(route: Route) -> str:
    path = route.path.replace("{id}", "nosuchid0000").replace("{name}", "nosuch.css").replace("{number}", "1")
    return path.replace("{code}", "nosuchcode").replace("{page}", "nosuchpage").replace("{tail:.*}", "services/email")


async def as_person(browser: Browser, route: Route, role: Role | None, token: str) -> tuple[int, str]:
    """*token* is that of the session's forms; the forms that come before a login have one of their own."""
    if role and route.path in ENDING:
        await browser.log_in(f"person {role}")
        token = await browser.form_token("/")
    if route.method == "GET" and route.path.endswith("/events"):  # whoever is let in would read for ever
        answer = await browser.session.head(address(route), allow_redirects=False)
    elif route.method == "GET":
        answer = await browser.get(address(route))
    else:
        sent = token if role and route.policy is not Access.PUBLIC else await browser.form_token("/login")
        answer = await browser.session.request(route.method, address(route), data={"form_token": sent}, allow_redirects=False)
    return answer.status, answer.headers.get("Location", "")


async def as_program(program: Program, route: Route) -> tuple[int, str]:
    body: dict[str, str] | None = None if route.method == "GET" else {}
    answer = await program.session.request(route.method, address(route), allow_redirects=False, json=body)
    return answer.status, ""


def is_let_in(route: Route, status: int, location: str) -> bool:
    """Whether the answer is the handler's own: it found nothing to do, or did it, but nobody stopped the caller."""
    if route.path in {"/login", "/login/code"}:
        return status in {200, 403}  # the form, or a name without a password
    if route.path in ENDING:
        return status == 303
    return status not in {401, 403, 405, 500} and not location.startswith("/login")


def is_stopped(route: Route, status: int, location: str, role: Role | None) -> bool:
    if role is not None:
        return status == 403
    return location.startswith("/login") if route.face is Face.PERSON else status == 401


def test_the_matrix_says_of_everything_who_may() -> None:
    assert set(MATRIX) == {*Permission, *Access}
    assert {one: set(roles) for one, roles in MAY.items()} == {one: MATRIX[one] for one in Permission}


async def test_every_role_gets_through_where_the_matrix_says_so_and_nowhere_else(house: House) -> None:
    wrong = []
    for role in WHO:
        browser = await house.logged_in(f"person {role}", role) if role else house.browser()
        program = await house.program(f"program {role}", role) if role else Program(session=house.browser().session)
        token = await browser.form_token("/") if role else ""
        for route in sorted(ROUTES, key=lambda route: route.path in ENDING):
            status, location = await (as_person(browser, route, role, token) if route.face is Face.PERSON else as_program(program, route))
            judge = is_let_in(route, status, location) if role in MATRIX[route.policy] else is_stopped(route, status, location, role)
            wrong += [] if judge else [f"{role} {named(route)}: {status} {location}"]
    assert wrong == []


async def test_nothing_that_changes_anything_goes_through_without_a_form_or_a_token(house: House) -> None:
    browser = await house.logged_in("anna", *Role)
    changing = [route for route in ROUTES if route.method != "GET" and route.policy is not Access.PINGER]
    for route in changing:
        answer = await browser.session.request(route.method, address(route), json={}, allow_redirects=False)
        assert answer.status == 403, named(route)
    assert len(changing) > 70
    assert all(row.act == "log in" for row in await house.audit())


def test_only_the_addresses_of_pings_ask_for_neither() -> None:
    assert {route.path for route in ROUTES if route.policy is Access.PINGER} == {
        "/ping/{token}",
        "/ping/{token}/{how}",
        "/api/push/{token}",
    }


def test_a_route_without_a_policy_cannot_be_written_down() -> None:
    with pytest.raises(TypeError, match="policy"):
        Route(method="GET", path="/", handler=ROUTES[0].handler)  # type: ignore[call-arg]  # that is the point


def test_an_address_with_an_id_whose_owner_nobody_looks_up_cannot_be_written_down() -> None:
    with pytest.raises(ValueError, match=r"say in statuspage.web.route.ABOUT what an id after /novelties names"):
        Route(method="GET", path="/api/v1/novelties/{id}/words", handler=ROUTES[0].handler, policy=Permission.SEE)


def test_nothing_is_served_that_the_table_does_not_name(house: House) -> None:
    served = {(route.method, route.resource.canonical) for route in house.app.router.routes() if route.resource is not None}
    listed = {(route.method, route.path.replace(":.*", "")) for route in ROUTES}
    assert served == listed | {("HEAD", path) for method, path in listed if method == "GET"}


def test_no_get_leads_to_an_act() -> None:
    assert not [route for route in ROUTES if route.method == "GET" and "acknowledge" in route.path]
    assert {route.method for route in ROUTES} == {"GET", "POST", "PATCH", "DELETE"}


def broken(house: House) -> None:
    """Make every page of the desk break by a bug of ours."""
    object.__setattr__(house.pipeline, "situation", None)


def untouched(_: House) -> None:
    """Leave everything as it is."""


@pytest.mark.parametrize(
    ("path", "status", "prepare"),
    [
        ("/", 200, untouched),
        ("/login", 200, untouched),
        ("/healthz", 200, untouched),
        ("/metrics", 200, untouched),
        ("/api/v1/services", 200, untouched),
        ("/api/v1/nothing", 404, untouched),
        ("/nothing", 404, untouched),
        ("/incidents/nosuch", 404, untouched),
        ("/logout", 405, untouched),
        ("/live", 200, untouched),
        ("/", 500, broken),
        ("/api/v1/services", 500, broken),
    ],
)
async def test_every_answer_is_hardened_private_and_names_no_software(
    house: House, path: str, status: int, prepare: Callable[[House], None]
) -> None:
    await house.all_good()
    browser = await house.logged_in("anna")
    situation = house.pipeline.situation
    prepare(house)
    answer = await browser.get(path)
    text = await answer.text()
    house.pipeline.situation = situation
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Server" not in answer.headers
    for telltale in ("Traceback", "aiohttp", "Python", "sqlalchemy"):
        assert telltale not in text


async def test_redirects_are_hardened_too(house: House) -> None:
    answer = await house.browser().get("/")
    assert answer.status == 303
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)


async def test_a_bug_of_ours_is_told_by_a_number_that_stands_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    program = await house.program("pager")
    situation = house.pipeline.situation
    broken(house)
    told = await (await program.get("/services")).json(content_type=None)
    house.pipeline.situation = situation
    assert told["request"] in caplog.text
    assert told["request"] in told["detail"]


async def test_pages_hold_no_script_and_no_style_of_their_own(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("anna")
    for path in ("/", f"/incidents/{incident.id}", "/open", "/login"):
        page = await browser.page(path)
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page
        assert page.count("<script") == page.count('<script src="/assets/')


async def test_assets_are_found_by_the_hash_in_their_name_and_by_nothing_else(house: House) -> None:
    browser = house.browser()
    page = await browser.page("/login")
    (style,) = [word for word in page.split('"') if word.startswith("/assets/console-") and word.endswith(".css")]
    answer = await browser.get(style)
    assert (answer.status, answer.content_type) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    for path in ("/assets/console.css", "/assets/../console.css", "/assets/..%2fconsole.css", "/assets/%00"):
        assert (await browser.get(path)).status == 404


async def test_health_says_whether_every_part_is_at_work(house: House) -> None:
    house.is_healthy = False
    answer = await house.browser().get("/healthz")
    assert (answer.status, await answer.text()) == (503, "not well\n")


async def test_metrics_come_as_they_were_spelled_and_need_a_token_through_a_proxy(house: House) -> None:
    browser = house.browser()
    answer = await browser.get("/metrics")
    assert (answer.headers["Content-Type"], await answer.text()) == ("text/plain; version=1.0.0", "statuspage_up 1\n")
    assert (await browser.get("/metrics", **{"X-Forwarded-For": "203.0.113.1"})).status == 401
    token = await house.token("prometheus", Role.VIEWER)
    headers = {"X-Forwarded-For": "203.0.113.1", "Authorization": f"Bearer {token}"}
    assert (await browser.get("/metrics", **headers)).status == 200


async def test_a_store_that_is_away_is_503_and_never_a_promise(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = (await house.outage()).id
    program = await house.program("pager")
    monkeypatch.setattr(connect, "PATIENCE", 0.2)
    with closing(sqlite3.connect(house.data_dir / "desk.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = await program.send(f"/incidents/{incident}/acknowledge")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert house.incident(incident).acknowledgement is None
