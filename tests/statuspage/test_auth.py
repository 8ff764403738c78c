"""Coming in: passwords, sessions, tokens, forms that are really ours, and guessers who are slowed down without harming anybody."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
from aiohttp import ClientSession, HttpVersion10
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from statuspage.store import people
from statuspage.store.people import Role, Unfit
from statuspage.store.sessions import SESSION_LASTS
from statuspage.web.security import is_on_this_machine, local_target
from statuspage.web.throttle import Allowance, Buckets
from tests.statuspage.desks import PASSWORD, Browser, House, hashed, housed

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


def cookie(browser: Browser, name: str = "desk") -> str | None:
    found = browser.session.cookie_jar.filter_cookies(URL(str(browser.session._base_url))).get(name)
    return found.value if found else None


# --- passwords ------------------------------------------------------------------------------------------------------------------


def test_passwords_are_kept_as_argon2id_and_only_the_right_one_fits() -> None:
    digest = hashed()
    assert digest.startswith("$argon2id$")
    assert PASSWORD not in digest
    assert people.is_password(digest, PASSWORD)
    assert not people.is_password(digest, PASSWORD + " ")
    assert not people.is_password(None, PASSWORD)
    assert not people.is_password(digest, "\ud800")


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_unfit_passwords_are_refused(password: str) -> None:
    with pytest.raises(Unfit):
        people.hashed(password)


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    known = people.hashed(PASSWORD)

    def cost(digest: str | None) -> float:
        begun = perf_counter()
        people.is_password(digest, "wrong password")
        return perf_counter() - begun

    times = [(cost(known), cost(None)) for _ in range(15)]
    ratio = median(unknown for _, unknown in times) / median(right for right, _ in times)
    assert 0.6 < ratio < 1.6


# --- sessions -------------------------------------------------------------------------------------------------------------------


async def test_login_leads_to_where_the_agent_wanted_to_be(house: House) -> None:
    await house.agent("anna")
    browser = house.browser()
    asked = await browser.get("/incidents/abc")
    assert (asked.status, asked.headers["Location"]) == (303, "/login?next=/incidents/abc")
    page = await browser.page(asked.headers["Location"])
    assert 'name="next" value="/incidents/abc"' in page
    answer = await browser.log_in("anna", target="/incidents/abc")
    assert (answer.status, answer.headers["Location"]) == (303, "/incidents/abc")


async def test_the_session_cookie_is_for_this_host_only_and_not_for_scripts(house: House) -> None:
    await house.agent("anna")
    answer = await house.browser().log_in("anna")
    (line,) = [line for line in answer.headers.getall("Set-Cookie") if line.startswith("desk=")]
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"):
        assert attribute in line
    assert "Domain" not in line


async def test_behind_tls_cookies_are_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    async with housed(tmp_path, console_url="https://desk.example.net") as house:
        await house.agent("anna")
        answer = await house.browser().get("/login")
        (line,) = answer.headers.getall("Set-Cookie")
        assert line.startswith("__Host-desk-form=")
        assert "Secure" in line
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_login_begins_a_new_session_each_time(house: House) -> None:
    await house.agent("anna")
    browser = house.browser()
    browser.session.cookie_jar.update_cookies({"desk": "planted"}, URL(house.url))
    await browser.log_in("anna")
    first = cookie(browser)
    await browser.log_in("anna")
    assert len({first, cookie(browser), "planted"}) == 3


async def test_the_store_holds_no_secret_of_a_session(house: House) -> None:
    browser = await house.logged_in("anna")
    secret = cookie(browser)
    assert secret is not None
    kept = b"".join(path.read_bytes() for path in house.data_dir.iterdir() if path.is_file())
    assert b"anna" in kept
    assert secret.encode() not in kept
    assert PASSWORD.encode() not in kept


async def test_logout_ends_the_session_in_the_store(house: House) -> None:
    browser = await house.logged_in("anna")
    secret = cookie(browser) or ""
    assert (await browser.send("/logout")).status == 303
    browser.session.cookie_jar.update_cookies({"desk": secret}, URL(house.url))
    assert (await browser.get("/")).status == 303


@pytest.mark.parametrize("end", ["disabled", "another password", "twelve hours"])
async def test_a_session_ends_by_disabling_a_new_password_and_time(house: House, end: str) -> None:
    browser = await house.logged_in("anna")
    assert (await browser.get("/")).status == 200
    match end:
        case "disabled":
            await house.store.write(lambda connection: people.disable_agent(connection, "anna", at=house.now))
        case "another password":
            await house.store.write(lambda connection: people.set_password(connection, "anna", password_hash=hashed(), at=house.now))
        case _:
            house.now += SESSION_LASTS
    assert (await browser.get("/")).headers["Location"] == "/login"


async def test_a_disabled_agent_cannot_log_in_and_a_new_password_lets_them_in_again(house: House) -> None:
    await house.agent("anna")
    await house.store.write(lambda connection: people.disable_agent(connection, "anna", at=house.now))
    assert (await house.browser().log_in("anna")).status == 403
    await house.store.write(lambda connection: people.set_password(connection, "anna", password_hash=hashed(), at=house.now))
    assert (await house.browser().log_in("anna")).status == 303


async def test_wrong_name_and_wrong_password_are_told_the_same_way(house: House) -> None:
    await house.agent("anna")
    pages = []
    for name, password in (("anna", "wrong password"), ("nobody", PASSWORD)):
        answer = await house.browser().log_in(name, password)
        assert answer.status == 403
        pages.append(re.sub(r'value="[^"]*"', "", await answer.text()))
    assert pages[0] == pages[1]


# --- where a login may lead -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/ /evil.example",
        "/" + "x" * 600,
        "/\u2028",
    ],
)
def test_nobody_is_sent_elsewhere_after_a_login(raw: str | None) -> None:
    assert local_target(raw) == "/"


@pytest.mark.parametrize("raw", ["/", "/incidents/abc", "/open?x=1"])
def test_a_path_of_our_own_is_kept(raw: str) -> None:
    assert local_target(raw) == raw


# --- forms that are really ours -------------------------------------------------------------------------------------------------


async def test_a_form_without_its_token_or_with_another_sessions_is_refused(house: House) -> None:
    incident = await house.outage()
    anna, eve = await house.logged_in("anna"), await house.logged_in("eve")
    path = f"/incidents/{incident.id}/acknowledge"
    for token in (None, "", "guess", await eve.form_token("/")):
        fields = {} if token is None else {"form_token": token}
        assert (await anna.session.post(path, data=fields, allow_redirects=False)).status == 403
    assert house.incident(incident.id).acknowledgement is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused_even_with_its_token(house: House, headers: dict[str, str]) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    answer = await anna.send(f"/incidents/{incident.id}/acknowledge", None, of="/", **headers)
    assert answer.status == 403
    assert house.incident(incident.id).acknowledgement is None


async def test_a_browser_that_names_our_origin_is_let_through(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    path = f"/incidents/{incident.id}/acknowledge"
    for headers in ({"Origin": house.url}, {"Origin": "http://127.0.0.1:8081"}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await anna.send(path, None, of="/", **headers)).status == 303


async def test_a_session_may_not_write_through_the_api(house: House) -> None:
    incident = await house.outage()
    anna = await house.logged_in("anna")
    assert (await anna.get(f"/api/v1/incidents/{incident.id}")).status == 200
    answer = await anna.session.post(f"/api/v1/incidents/{incident.id}/acknowledge", json={})
    assert answer.status == 403
    assert house.incident(incident.id).acknowledgement is None


# --- tokens ---------------------------------------------------------------------------------------------------------------------


async def asked(house: House, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with ClientSession() as session, session.get(f"{house.url}/api/v1/services", headers=headers) as answer:
        return answer.status


async def test_a_token_opens_the_api_until_it_is_revoked_or_out_of_date(house: House) -> None:
    token, short = await house.token("pager"), await house.token("guest", lasts=timedelta(hours=1))
    assert re.fullmatch(r"sp_[\w-]{43}", token)
    assert [await asked(house, token), await asked(house, short)] == [200, 200]
    house.wait(hours=1)
    await house.store.write(lambda connection: people.revoke_token(connection, "pager", at=house.now))
    assert [await asked(house, token), await asked(house, short)] == [401, 401]


@pytest.mark.parametrize("token", ["", "sp_", "sp_" + "x" * 43, "\xff"])
async def test_an_unknown_token_is_told_so_and_never_falls_back_to_a_cookie(house: House, token: str) -> None:
    browser = await house.logged_in("anna")
    answer = await browser.get("/api/v1/services", Authorization=f"Bearer {token}")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_names_of_agents_and_tokens_are_given_once(house: House) -> None:
    await house.agent("anna")
    await house.token("pager")
    for again in (house.agent, house.token):
        with pytest.raises(Unfit):
            await again("anna" if again == house.agent else "pager")
    for name in ("", " ", "a\nb", "x" * 81, "pager", "command line", "statuspage"):
        with pytest.raises(Unfit):
            await house.agent(name)
    with pytest.raises(Unfit, match="could not tell the two apart"):
        await house.token("anna")


async def test_changes_of_people_stand_in_the_audit(house: House) -> None:
    await house.agent("anna", Role.LEVEL_ONE, Role.MANAGER)
    await house.token("pager")
    await house.store.write(lambda connection: people.revoke_token(connection, "pager", at=house.now))
    await house.store.write(lambda connection: people.disable_agent(connection, "anna", at=house.now, by="root"))
    rows = await house.audit("add agent", "add token", "revoke token", "disable agent")
    assert [(row.act, row.actor, row.subject) for row in rows] == [
        ("add agent", "command line", "anna"),
        ("add token", "command line", "pager"),
        ("revoke token", "command line", "pager"),
        ("disable agent", "root", "anna"),
    ]
    assert rows[0].detail == {"roles": "level-one manager"}


# --- guessers -------------------------------------------------------------------------------------------------------------------


async def test_a_guesser_is_slowed_down_and_a_known_browser_of_the_agent_still_comes_in(house: House) -> None:
    anna = await house.logged_in("anna")
    guesser = house.browser()
    statuses = [(await guesser.log_in("anna", f"guess number {number}")).status for number in range(10)]
    assert set(statuses) == {403, 429}
    slowed = await guesser.log_in("anna")
    assert slowed.status == 429
    assert int(slowed.headers["Retry-After"]) > 0
    assert (await anna.log_in("anna")).status == 303
    house.wait(minutes=2)
    assert (await guesser.log_in("anna")).status == 303


async def test_a_forged_mark_of_a_browser_opens_no_way_around(house: House) -> None:
    await house.agent("anna")
    guesser = house.browser()
    for number in range(10):
        await guesser.log_in("anna", f"guess number {number}")
    guesser.session.cookie_jar.update_cookies({"desk-device": "nonce." + "0" * 64}, URL(house.url))
    assert (await guesser.log_in("anna")).status == 429


def test_a_bucket_fills_again_with_time_and_its_memory_is_bounded() -> None:
    buckets = Buckets(Allowance(burst=2, every=timedelta(seconds=10)), most=100)
    for _ in range(2):
        assert not buckets.wait("a", AT)
        buckets.spend("a", AT)
    assert buckets.wait("a", AT) == timedelta(seconds=10)
    assert buckets.wait("a", AT + timedelta(seconds=4)) == timedelta(seconds=6)
    assert not buckets.wait("a", AT + timedelta(seconds=10))
    assert not buckets.wait("b", AT)
    for number in range(1000):
        buckets.spend(str(number), AT)
    assert len(buckets) == 100


def test_a_clock_that_steps_back_locks_nobody_out_for_longer() -> None:
    buckets = Buckets(Allowance(burst=1, every=timedelta(seconds=10)))
    buckets.spend("a", AT)
    assert buckets.wait("a", AT - timedelta(days=1)) == timedelta(seconds=10)


# --- whose request it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "headers", "is_here"),
    [
        ("127.0.0.1", {"Host": "127.0.0.1:8081"}, True),
        ("::1", {"Host": "[::1]:8081"}, True),
        ("127.0.0.1", {"Host": "localhost:8081"}, True),
        ("127.0.0.1", {"Host": "rebound.example"}, False),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "203.0.113.1"}, False),
        ("203.0.113.1", {"Host": "localhost"}, False),
        ("::ffff:127.0.0.1", {"Host": "localhost"}, True),
        ("127.0.0.1", {"Host": "localhost", "Forwarded": "for=203.0.113.1"}, False),
        ("127.0.0.1", {"Host": "localhost", "Via": "1.1 proxy"}, False),
        ("127.0.0.1", {"Host": "[::1"}, False),
    ],
)
def test_only_a_program_on_this_machine_needs_no_token_for_metrics(peer: str, headers: dict[str, str], is_here: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_on_this_machine(make_mocked_request("GET", "/metrics", headers=headers).clone(remote=peer)) is is_here


def test_a_proxy_that_names_nobody_is_no_program_on_this_machine() -> None:
    plain = make_mocked_request("GET", "/metrics", headers={"Host": "127.0.0.1:8081"}, version=HttpVersion10)
    assert not is_on_this_machine(plain.clone(remote="127.0.0.1"))
