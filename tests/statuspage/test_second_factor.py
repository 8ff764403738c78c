"""The second factor: an app's codes, each taken once, recovery codes, and the ways to be rid of it."""

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pyotp
import pytest
from aiohttp import ClientResponse
from yarl import URL

from statuspage.store import second_factors
from statuspage.store.people import Role
from tests.statuspage.desks import PASSWORD, Browser, House, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


def found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match is not None, pattern
    return match[1]


def shown(secret: str, house: House) -> str:
    """What the app shows now."""
    return pyotp.TOTP(secret).at(house.now)


async def set_up(browser: Browser, house: House) -> tuple[str, list[str]]:
    """Set it up as a person does; gives the secret and the recovery codes. The next code is fresh."""
    await browser.send("/account/factor", {"now": PASSWORD}, of="/account")
    page = await browser.page("/account")
    secret = found(r"type <code>(\w+)</code>", page)
    assert "<svg" in page
    answer = await browser.send("/account/factor/confirm", {"code": shown(secret, house)}, of="/account")
    codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", await answer.text())
    assert len(codes) == 10
    house.wait(seconds=30)
    return secret, codes


async def code_asked(house: House, name: str = "anna") -> tuple[Browser, str]:
    """Somebody who gave the right password, and the page that asks for the code."""
    browser = house.browser()
    answer = await browser.log_in(name)
    assert answer.status == 200
    assert "desk" not in browser.session.cookie_jar.filter_cookies(URL(house.url))
    return browser, await answer.text()


async def give(browser: Browser, page: str, code: str) -> ClientResponse:
    fields = {name: found(rf'name="{name}" value="([^"]*)"', page) for name in ("form_token", "name", "ticket", "next")}
    return await browser.session.post("/login/code", data={**fields, "code": code}, allow_redirects=False)


async def test_a_login_asks_for_a_code_that_is_taken_once(house: House) -> None:
    anna = await house.logged_in("anna")
    secret, _ = await set_up(anna, house)
    assert (await anna.get("/live")).status == 200  # who sets it up stays where they are
    code = shown(secret, house)
    browser, page = await code_asked(house)
    for wrong in ("", "000000" if code != "000000" else "111111"):
        assert (await give(browser, page, wrong)).status == 403
    assert (await browser.get("/live")).headers["Location"].startswith("/login")
    assert (await give(browser, page, f" {code[:3]} {code[3:]} ")).status == 303
    assert (await browser.get("/live")).status == 200
    other, page = await code_asked(house)
    assert (await give(other, page, code)).status == 403  # whoever looked over the shoulder
    house.wait(seconds=30)
    assert (await give(other, page, shown(secret, house))).status == 303


async def test_it_is_set_up_with_the_password_and_ends_what_began_without_it(house: House) -> None:
    anna, elsewhere = await house.logged_in("anna"), house.browser()
    await elsewhere.log_in("anna")
    assert (await anna.send("/account/factor", {"now": "a guess"}, of="/account")).status == 422
    assert await house.store.read(partial(second_factors.offered_factor, agent="anna")) is None
    await set_up(anna, house)
    assert (await anna.get("/live")).status == 200
    assert (await elsewhere.get("/live")).status == 303


async def test_a_code_is_good_beside_the_right_password_alone_and_for_some_minutes(house: House) -> None:
    anna = await house.logged_in("anna")
    secret, _ = await set_up(anna, house)
    browser, page = await code_asked(house)
    eve = house.browser()
    guess = await (await eve.log_in("anna", "a guess")).text()
    forged = page.replace(found(r'name="ticket" value="([^"]*)"', page), "9999999999." + "0" * 64)
    own = found(r'name="form_token" value="([^"]*)"', guess)
    forged = forged.replace(found(r'name="form_token" value="([^"]*)"', page), own)
    assert (await give(eve, forged, shown(secret, house))).status == 403
    house.wait(minutes=5)
    assert "took too long" in await (await give(browser, page, shown(secret, house))).text()


async def test_codes_cannot_be_guessed_in_a_row(house: House) -> None:
    anna = await house.logged_in("anna")
    secret, _ = await set_up(anna, house)
    browser, page = await code_asked(house)
    statuses = [(await give(browser, page, f"{number:06}")).status for number in range(8)]
    assert statuses[-1] == 429
    assert (await give(browser, page, shown(secret, house))).status == 429
    # In the browser from which she logged in before, she herself is not locked out.
    answer = await anna.log_in("anna")
    assert (await give(anna, await answer.text(), shown(secret, house))).status == 303


async def test_a_recovery_code_logs_in_once(house: House) -> None:
    anna = await house.logged_in("anna")
    _, codes = await set_up(anna, house)
    browser, page = await code_asked(house)
    assert (await give(browser, page, codes[3].upper())).status == 303
    assert (await give(browser, page, codes[3])).status == 403
    assert "9 recovery codes left" in await browser.page("/account")
    kept = b"".join(path.read_bytes() for path in house.data_dir.iterdir() if path.is_file())
    assert codes[4].replace("-", "").encode() not in kept
    assert codes[4].encode() not in kept


async def test_what_was_offered_and_never_confirmed_asks_nothing(house: House) -> None:
    anna = await house.logged_in("anna")
    await anna.send("/account/factor", {"now": PASSWORD}, of="/account")
    assert (await anna.send("/account/factor/confirm", {"code": "000000"}, of="/account")).status == 422
    assert (await house.browser().log_in("anna")).status == 303


async def test_it_is_removed_with_a_code_or_by_an_admin_and_either_ends_the_sessions(house: House) -> None:
    anna, admin = await house.logged_in("anna"), await house.logged_in("root", Role.ADMIN)
    secret, _ = await set_up(anna, house)
    assert (await anna.send("/account/factor", {"now": PASSWORD}, of="/account")).status == 409
    assert (await anna.send("/account/factor/remove", {"code": "000000"}, of="/account")).status == 422
    assert "second factor</span>" in await admin.page("/agents")
    assert (await admin.send("/agents/factor/remove", {"name": "anna"}, of="/agents")).status == 303
    assert (await anna.get("/live")).status == 303
    assert (await anna.log_in("anna")).status == 303
    secret, _ = await set_up(anna, house)
    assert (await anna.send("/account/factor/remove", {"code": shown(secret, house)}, of="/account")).status == 303
    assert (await anna.get("/live")).status == 303
    assert not await house.store.read(partial(second_factors.has_second_factor, agent="anna"))
    acts = [row.act for row in await house.audit("set up second factor", "remove second factor")]
    assert acts == ["set up second factor", "remove second factor"] * 2
