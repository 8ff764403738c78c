"""Sessions end where they are kept, whoever ends them and in whichever process; invitations; the pages of agents and of oneself."""

import re
from asyncio import FIRST_COMPLETED, create_task, gather, to_thread, wait
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from typer import Exit

from statuspage.cli import people as commands
from statuspage.store import people, sessions
from statuspage.store.people import Role, Unfit
from statuspage.store.sessions import INVITATION_LASTS
from statuspage.web.doors import INVITATIONS
from statuspage.web.login import DOOR, Door
from tests.statuspage.desks import PASSWORD, Browser, House, housed
from tests.statuspage.terminal import statuspage
from tests.statuspage.test_reach import ROSTER

NEW = "another long password"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        opened.roster = ROSTER
        yield opened


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/live")).status == 200


async def test_the_command_line_beside_a_running_hub_ends_sessions_within_a_second(house: House) -> None:
    (house.data_dir / "statuspage.yaml").write_text(
        "site: {name: Example, url: http://127.0.0.1:1}\nstore: {url: 'sqlite:///desk.db'}\nteams: {mail: {}}\n", encoding="utf-8"
    )
    browser = await house.logged_in("anna")
    words = ("agents", "roles", "anna", "--role", "viewer", "--team", "mail", "--data-dir", ".")
    ended = await statuspage(*words, here=house.data_dir)
    done = monotonic()
    assert (ended.code, ended.out) == (0, "anna is viewer in mail from now on\n"), ended.err
    answers = [(await browser.get(path)).headers.get("Location", "") for path in ("/live", "/", "/account")]
    assert all(where.startswith("/login") for where in answers), answers
    assert monotonic() - done < 1
    (row,) = await house.store.read(people.list_agents)
    assert (set(row.roles), set(row.teams)) == ({Role.VIEWER}, {"mail"})


async def test_the_command_line_invites_logs_out_and_knows_the_teams(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    file = house.data_dir / "statuspage.yaml"
    file.write_text(
        "site: {name: Example, url: http://127.0.0.1:1}\nstore: {url: 'sqlite:///desk.db'}\nduties: {separated: true}\n"
        "console: {url: https://desk.example.net}\n",
        encoding="utf-8",
    )
    here = {"config": file, "data_dir": house.data_dir}
    browser = await house.logged_in("anna")
    assert await to_thread(commands.log_out, "anna", session=None, **here) == 0
    assert not await is_in(browser)
    assert await to_thread(commands.invite, "anna", **here) == 0
    out = capsys.readouterr().out
    assert "anna was logged out of 1 session\nhttps://desk.example.net/invitations/" in out
    assert (await browser.get(invitation(out))).status == 200
    for roles, teams, words in ((["viewer"], ["mail"], "There is no team 'mail'"), (["admin", "viewer"], [], "an admin has no other role")):
        with pytest.raises(Exit):
            await to_thread(commands.set_roles, "anna", roles=roles, teams=teams, **here)
        assert words in capsys.readouterr().err


async def test_somebody_sees_where_they_are_logged_in_and_ends_one_or_all(house: House) -> None:
    first = await house.logged_in("anna")
    second, third = house.browser(), house.browser()
    for browser in (second, third):
        house.wait(minutes=5)
        await browser.log_in("anna")
    page = await first.page("/account")
    assert page.count("End it") == 3
    assert page.count('<span class="mark">here</span>') == 1
    newest = re.findall(r'name="session" value="(\w+)"', page)[0]
    assert (await first.send("/account/sessions/end", {"session": newest}, of="/account")).status == 303
    assert [await is_in(browser) for browser in (first, second, third)] == [True, True, False]
    assert (await first.send("/account/log-out", of="/account")).status == 303
    assert not await is_in(second)
    assert [row.act for row in await house.audit("end session", "log out everywhere")] == ["end session", "log out everywhere"]


async def test_nobody_ends_the_session_of_another_but_an_admin(house: House) -> None:
    anna, eve = await house.logged_in("anna"), await house.logged_in("eve")
    admin = await house.logged_in("root", Role.ADMIN)
    (stay,) = await house.store.read(partial(sessions.list_stays, now=house.now, agent="anna"))
    for guess in (stay.id, stay.id[:4], "", "%"):
        assert (await eve.send("/account/sessions/end", {"session": guess}, of="/account")).status == 404
    assert await is_in(anna)
    assert (await admin.send("/agents/sessions/end", {"session": stay.id}, of="/agents")).status == 303
    assert [await is_in(browser) for browser in (anna, eve)] == [False, True]


async def test_another_password_asks_for_the_present_one_and_ends_every_session(house: House) -> None:
    anna = await house.logged_in("anna")
    for wrong in (
        {"now": "guess", "password": NEW, "again": NEW},
        {"now": PASSWORD, "password": NEW, "again": "no"},
        {"now": PASSWORD, "password": "short", "again": "short"},
    ):
        assert (await anna.send("/account/password", wrong, of="/account")).status == 422
    assert await is_in(anna)
    assert (await anna.send("/account/password", {"now": PASSWORD, "password": NEW, "again": NEW}, of="/account")).status == 303
    assert not await is_in(anna)
    assert (await anna.log_in("anna")).status == 403
    assert (await anna.log_in("anna", NEW)).status == 303


async def test_whoever_is_shut_out_while_a_password_is_digested_stays_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, door = await house.logged_in("anna"), house.app[DOOR]
    digest = door.hashed

    async def hashed(password: str) -> str:
        await house.store.write(partial(people.disable_agent, name="anna", at=house.now))
        return await digest(password)

    monkeypatch.setattr(door, "hashed", hashed)
    assert (await anna.send("/account/password", {"now": PASSWORD, "password": NEW, "again": NEW}, of="/account")).status == 409
    (row,) = await house.store.read(people.list_agents)
    assert row.disabled_at == house.now
    assert (await anna.log_in("anna", NEW)).status == 403


async def test_a_crowd_that_chooses_passwords_is_told_to_come_again() -> None:
    door = Door()
    async with door._slots, door._slots:
        crowd = [create_task(door.hashed(NEW)) for _ in range(21)]
        told, others = await wait(crowd, return_when=FIRST_COMPLETED, timeout=5)
        for one in others:
            one.cancel()
        await gather(*others, return_exceptions=True)
    assert [str(one.exception()) for one in told] == ["Too many people log in at this moment. Please try again."]


async def test_nobody_is_logged_out_by_a_name_that_there_is_not(house: House) -> None:
    admin = await house.logged_in("root", Role.ADMIN)
    assert (await admin.send("/agents/log-out", {"name": "ana"}, of="/agents")).status == 422
    assert not await house.audit("log out everywhere")


async def test_a_token_has_no_account(house: House) -> None:
    anna = await house.logged_in("anna")
    token = await house.token("pager", *Role)
    for path in ("/account/log-out", "/account/sessions/end", "/account/password"):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await house.browser().session.post(path, headers=headers, allow_redirects=False)).status == 403
    assert await is_in(anna)


# --- agents ---------------------------------------------------------------------------------------------------------------------


def invitation(page: str) -> str:
    found = re.search(rf"{INVITATIONS}[\w-]+", page)
    assert found is not None
    return found[0]


async def test_an_admin_takes_somebody_on_who_chooses_a_password_once(house: House) -> None:
    admin = await house.logged_in("root", Role.ADMIN)
    answer = await admin.send("/agents", {"name": "ada", "role:level-one": "on", "team:mail": "on"}, of="/agents")
    link = invitation(await answer.text())
    assert "invited" in await admin.page("/agents")
    ada = house.browser()
    assert (await ada.log_in("ada", "")).status == 403  # nothing fits no password
    for wrong in ({"password": NEW, "again": "no"}, {"password": "short", "again": "short"}):
        assert (await ada.send(link, wrong, of=link)).status == 422
    token = await ada.form_token(link)
    chosen = {"password": NEW, "again": NEW, "form_token": token}
    assert (await ada.session.post(link, data=chosen, allow_redirects=False)).headers["Location"] == "/login"
    assert (await ada.session.post(link, data=chosen, allow_redirects=False)).status == 404  # once
    assert (await ada.log_in("ada", NEW)).status == 303
    assert "level-one, in Mail" in await ada.page("/account")
    acts = [(row.actor, row.act, row.subject) for row in await house.audit("add agent", "invite", "set password") if row.subject == "ada"]
    assert acts == [("root", "add agent", "ada"), ("root", "invite", "ada"), ("ada", "set password", "ada")]


async def test_an_invitation_is_good_for_a_day_and_the_newest_alone(house: House) -> None:
    admin = await house.logged_in("root", Role.ADMIN)
    await house.agent("anna")
    links = [invitation(await (await admin.send("/agents/invite", {"name": "anna"}, of="/agents")).text()) for _ in range(2)]
    browser = house.browser()
    assert [(await browser.get(link)).status for link in links] == [404, 200]
    assert (await browser.log_in("anna")).status == 303  # until it is used, the present password is good
    house.now += INVITATION_LASTS
    assert (await browser.get(links[1])).status == 404


async def test_roles_are_given_to_others_and_end_their_sessions(house: House) -> None:
    admin = await house.logged_in("root", Role.ADMIN)
    anna = await house.logged_in("anna")
    own = {"name": "root", "role:manager": "on", "role:admin": "on"}
    assert (await admin.send("/agents/roles", own, of="/agents")).status == 403
    assert (await admin.send("/agents/disable", {"name": "root"}, of="/agents")).status == 403
    unknown = await admin.send("/agents/roles", {"name": "anna", "role:viewer": "on", "team:nowhere": "on"}, of="/agents")
    assert unknown.status == 422
    assert await is_in(anna)
    assert (await admin.send("/agents/roles", {"name": "anna", "role:viewer": "on"}, of="/agents")).status == 303
    assert not await is_in(anna)
    assert (await admin.send("/agents/disable", {"name": "anna"}, of="/agents")).status == 303
    assert (await anna.log_in("anna")).status == 403


async def test_a_token_of_the_page_is_shown_once_and_ends_by_itself(house: House) -> None:
    admin = await house.logged_in("root", Role.ADMIN)
    fields = {"name": "pager", "role:viewer": "on", "days": "30"}
    text = re.search(r"sp_[\w-]{43}", await (await admin.send("/agents/tokens", fields, of="/agents")).text())
    assert text is not None
    assert text[0] not in await admin.page("/agents")
    headers = {"Authorization": f"Bearer {text[0]}"}
    assert (await house.browser().get("/api/v1/services", **headers)).status == 200
    house.wait(days=30)
    assert (await house.browser().get("/api/v1/services", **headers)).status == 401


def test_separated_duties_leave_an_admin_no_other_role() -> None:
    people.demand_fit({Role.ADMIN}, (), (), is_separated=True)
    people.demand_fit({Role.ADMIN, Role.LEVEL_ONE}, (), (), is_separated=False)
    with pytest.raises(Unfit, match="no other role"):
        people.demand_fit({Role.ADMIN, Role.LEVEL_ONE}, (), (), is_separated=True)


async def test_the_audit_is_a_page_of_all_or_of_ones_own_part(house: House) -> None:
    manager, second = await house.logged_in("mara", Role.MANAGER), await house.logged_in("sven", Role.LEVEL_TWO)
    await house.logged_in("<eve>")
    whole = await manager.page("/audit")
    assert [whole.count(f"<b>{name}</b> log in") for name in ("mara", "sven", "&lt;eve&gt;")] == [1, 1, 1]
    assert (await manager.page("/audit?by=sven")).count("log in") == 1
    for path in ("/audit", "/audit?by=mara"):
        own = await second.page(path)
        assert "<b>sven</b> log in" in own
        assert "mara" not in own
    first = (await house.audit("log in"))[0].sequence
    assert "Nothing was done" in await second.page(f"/audit?before={first}")
    assert (await manager.get("/audit?before=x")).status == 422
