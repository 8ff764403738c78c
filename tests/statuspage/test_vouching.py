"""Coming in by the company's accounts: against a provider from the package index, in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from probes.egress import Door
from probes.settings import Secret
from probes.wire.http1 import Request
from statuspage.channels.channel import Failed
from statuspage.clock import wall_clock
from statuspage.config.login import Oidc
from statuspage.store import identities, people
from statuspage.store.people import Role
from statuspage.web.id_tokens import SKEW, Claims, believed
from statuspage.web.provider import BACK, Provider
from tests.statuspage.desks import START, Browser, House, housed
from tests.statuspage.identity_provider import IdentityProvider, identity_provider

NAME = "the account of Example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[IdentityProvider]:
    async with identity_provider() as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        opened.now = wall_clock()
        yield opened


def asks(house: House, issuer: str, **more: Any) -> None:  # noqa: ANN401 - the section's own keys
    """Have the desk ask *issuer*."""
    roles = {"desk": ("level-one",), "leads": ("level-two", "manager")}
    settings = {"name": NAME, "issuer": issuer, "client_id": "desk", "client_secret": Secret("a secret"), "roles": roles, **more}
    house.provider = Provider(settings=Oidc(**settings), back=f"{house.url}{BACK}", door=Door, now=lambda: house.now)


async def told(browser: Browser, back: str) -> str:
    """Come back, and be refused."""
    answer = await browser.get(back)
    assert answer.status == 403
    return await answer.text()


async def test_somebody_of_the_company_comes_in_with_what_their_groups_give(house: House, provider: IdentityProvider) -> None:
    asks(house, provider.issuer, teams={"leads": ("mail",)})
    await provider.knows("s-1", preferred_username="ada", groups=["desk", "canteen"])
    first = house.browser()
    assert f"Log in with {NAME}" in await first.page("/login")
    answer = await first.get(await provider.consents(first, "s-1", target="/account"))
    assert (answer.status, answer.headers.get("Location")) == (303, "/account")
    assert "level-one" in await first.page("/account")
    await provider.knows("s-1", preferred_username="renamed", groups=["leads"])
    second = house.browser()
    assert (await second.get(await provider.consents(second, "s-1"))).status == 303
    assert (await first.get("/live")).status == 303  # other roles end what began under the old ones
    (ada,) = await house.store.read(people.list_agents)
    assert (ada.name, set(ada.roles), set(ada.teams), ada.is_invited) == ("ada", {Role.LEVEL_TWO, Role.MANAGER}, {"mail"}, False)
    acts = [(row.actor, row.act) for row in await house.audit() if row.subject == "ada"]
    assert acts == [("statuspage", "link identity"), ("ada", "log in"), ("statuspage", "set roles"), ("ada", "log in")]
    out = await second.send("/logout", of="/account")
    page = await second.page(out.headers["Location"])
    assert "log out there, too" in page
    assert (
        (await second.get("/login/provider/leave")).headers["Location"].startswith(f"{provider.issuer}/oauth2/end_session?client_id=desk")
    )


async def test_who_has_no_place_here_stays_out_and_is_told_why(house: House, provider: IdentityProvider) -> None:
    asks(house, provider.issuer, allowed={"company": ("example",)})
    browser = house.browser()
    await provider.knows("s-2", preferred_username="ben", groups=["desk"], company="elsewhere")
    assert "not among those that may come in" in await told(browser, await provider.consents(browser, "s-2"))
    await provider.knows("s-2", preferred_username="ben", groups=["canteen"], company="example")
    assert "gives you nothing to do here" in await told(browser, await provider.consents(browser, "s-2"))
    assert f"You were not let in by {NAME} (access_denied)" in await told(browser, await provider.consents(browser, "s-2", action="deny"))
    assert await house.store.read(people.list_agents) == ()


async def test_an_agent_is_linked_by_whoever_may_and_shut_out_here_as_ever(house: House, provider: IdentityProvider) -> None:
    await house.agent("cleo")
    asks(house, provider.issuer, roles={})
    await provider.knows("s-3", preferred_username="cleo")
    browser = house.browser()
    assert "agents link NAME s-3" in await told(browser, await provider.consents(browser, "s-3"))  # a name proves nothing
    await house.store.write(partial(identities.link, name="cleo", issuer=provider.issuer, subject="s-3", at=house.now))
    assert (await browser.get(await provider.consents(browser, "s-3"))).status == 303
    await house.store.write(partial(people.disable_agent, name="cleo", at=house.now))
    assert (await browser.get("/live")).status == 303
    assert "was shut out" in await told(browser, await provider.consents(browser, "s-3"))


async def test_a_way_back_is_for_the_browser_that_set_out_and_once(house: House, provider: IdentityProvider) -> None:
    asks(house, provider.issuer)
    await provider.knows("s-4", preferred_username="dan", groups=["desk"])
    browser, eve = house.browser(), house.browser()
    back = await provider.consents(browser, "s-4")
    await eve.get("/login/provider")
    for other in (eve, house.browser()):
        assert "began in another browser" in await told(other, back)
    assert (await browser.get(back)).status == 303
    assert (await browser.get(back)).status == 403


async def test_a_whole_shift_comes_in_within_a_minute(house: House, provider: IdentityProvider) -> None:
    asks(house, provider.issuer)
    await provider.knows("s-5", preferred_username="eva", groups=["desk"])
    for _ in range(15):
        browser = house.browser()
        assert (await browser.get(await provider.consents(browser, "s-5"))).status == 303


async def test_teams_that_the_desk_gives_stay_where_the_provider_gives_none(house: House, provider: IdentityProvider) -> None:
    asks(house, provider.issuer)
    await provider.knows("s-6", preferred_username="fay", groups=["desk"], is_guest=False)
    first = house.browser()
    assert (await first.get(await provider.consents(first, "s-6"))).status == 303
    write = partial(people.set_roles, name="fay", roles=[Role.LEVEL_ONE], teams=["mail"], at=house.now)
    await house.store.write(write)
    asks(house, provider.issuer, allowed={"is_guest": ("false",)})
    second = house.browser()
    assert (await second.get(await provider.consents(second, "s-6"))).status == 303
    (fay,) = await house.store.read(people.list_agents)
    assert (set(fay.roles), set(fay.teams)) == ({Role.LEVEL_ONE}, {"mail"}), "or every login would unbind them"


async def test_a_crowd_at_the_login_asks_a_provider_that_is_away_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asks(house, "https://id.example")
    questions: list[str] = []

    async def unanswered(_: Door, request: Request, *__: object) -> Failed:
        questions.append(request.place.host)
        await asyncio.sleep(0.01)
        return Failed(reason="no answer within 10 s")

    monkeypatch.setattr("statuspage.web.provider.posted", unanswered)
    browsers = [house.browser() for _ in range(5)]
    answers = await asyncio.gather(*(browser.get("/login/provider") for browser in browsers))
    assert ([answer.status for answer in answers], questions) == ([503] * 5, ["id.example"])
    house.wait(seconds=6)
    await browsers[0].get("/login/provider")
    assert len(questions) == 2


async def test_while_the_provider_is_away_a_password_lets_in(house: House) -> None:
    asks(house, "http://127.0.0.1:1")
    await house.agent("anna")
    browser = house.browser()
    answer = await browser.get("/login/provider")
    assert answer.status == 503
    assert f"At this moment {NAME} cannot be asked" in await answer.text()
    assert (await browser.log_in("anna")).status == 303


# --- what it signs --------------------------------------------------------------------------------------------------------------

NOW = int(START.timestamp())
CLAIMS = {"iss": "https://id.example", "aud": "desk", "sub": "s-1", "nonce": "n", "iat": NOW, "exp": NOW + 300}


@cache
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one"})


def judged(token: str) -> object:
    strange: Claims = {"kty": "EC", "crv": "brainpoolP256r1", "kid": "two", "x": "AA", "y": "AA"}
    known = [strange, {"kty": "RSA", "kid": "three"}, key().as_dict(private=False)]
    return believed(token, known, issuer="https://id.example", client="desk", nonce="n", now=START)["sub"]


def signed(**claims: object) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, {name: value for name, value in {**CLAIMS, **claims}.items() if value}, key())


def test_a_token_is_believed_within_the_error_of_its_clock() -> None:
    for claims in ({}, {"iat": NOW + SKEW - 10}, {"exp": NOW - SKEW + 10}, {"aud": ["desk", "more"], "azp": "desk"}):
        assert judged(signed(**claims)) == "s-1"


WRONG: tuple[dict[str, object], ...] = (
    {"iss": "https://evil.example"},
    {"aud": "another"},
    {"aud": ["desk", "more"]},
    {"nonce": "another"},
    {"nonce": None},
    {"exp": NOW - SKEW - 10},
    {"exp": None},
    {"iat": NOW + SKEW + 10},
    {"sub": "a\x00b"},
    {"sub": 7},
)


def test_a_token_that_is_not_for_us_now_and_by_the_provider_is_not_believed() -> None:
    forged = (
        jwt.encode({"alg": "RS256", "kid": "one"}, CLAIMS, RSAKey.generate_key(2048, {"kid": "one"})),
        jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key(str(key().as_dict(private=False)["n"]))),
        f"eyJhbGciOiJub25lIn0.{signed().split('.')[1]}.",
        "",
        "a.b.c",
    )
    for token in (*(signed(**claims) for claims in WRONG), *forged):
        with pytest.raises(ValueError, match=r"\w"):
            judged(token)
