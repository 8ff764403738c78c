import json
from functools import partial
from pathlib import Path

import pytest

from statuspage.clock import wall_clock
from statuspage.store.engine import Store
from statuspage.store.people import is_password, password_of, token_of
from statuspage.store.sessions import begin_session
from tests.statuspage.terminal import configured, statuspage

URL = "sqlite:///statuspage.db"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    configured(tmp_path)
    return tmp_path


def _may_log_in(here: Path, name: str, password: str) -> bool:
    with Store.blocking(URL, here / "data") as database:
        return is_password(database.read(lambda connection: password_of(connection, name)), password)


def _may_use(here: Path, text: str) -> bool:
    with Store.blocking(URL, here / "data") as database:
        return database.read(lambda connection: token_of(connection, text, wall_clock())) is not None


async def test_an_agent_is_taken_on_in_an_empty_directory_with_a_password_shown_once(here: Path) -> None:
    ended = await statuspage("agents", "add", "ada", "--role", "level-one", "--role", "manager", here=here)
    assert ended.code == 0, ended.err
    password = ended.out.rpartition("password, shown this once: ")[2].strip()
    assert _may_log_in(here, "ada", password)
    listed = await statuspage("agents", "list", here=here)
    assert "ada   level-one, manager" in listed.out
    assert password not in listed.out


async def test_a_piped_password_is_taken_and_not_shown(here: Path) -> None:
    ended = await statuspage("agents", "add", "ada", "--password-stdin", here=here, typed="correct horse battery\n")
    assert (ended.code, "horse" in ended.out) == (0, False)
    assert _may_log_in(here, "ada", "correct horse battery")
    changed = await statuspage("agents", "password", "ada", "--password-stdin", here=here, typed="another long one\n")
    assert changed.code == 0, changed.err
    assert not _may_log_in(here, "ada", "correct horse battery")
    assert _may_log_in(here, "ada", "another long one")


async def test_a_password_that_is_too_short_is_refused(here: Path) -> None:
    ended = await statuspage("agents", "add", "ada", "--password-stdin", here=here, typed="short\n")
    assert (ended.code, ended.err) == (2, "A password has 8 to 1024 characters.\n")


async def test_a_disabled_agent_is_shut_out_until_a_new_password(here: Path) -> None:
    await statuspage("agents", "add", "ada", "--password-stdin", here=here, typed="correct horse\n")
    assert (await statuspage("agents", "disable", "ada", here=here)).code == 0
    assert not _may_log_in(here, "ada", "correct horse")
    (row,) = json.loads((await statuspage("agents", "list", "--json", here=here)).out)["items"]
    assert row["disabled_at"] is not None
    await statuspage("agents", "password", "ada", "--password-stdin", here=here, typed="correct horse again\n")
    assert _may_log_in(here, "ada", "correct horse again")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("agents", "disable", "nobody"), 1, "There is no agent 'nobody'."),
        (("agents", "password", "nobody"), 1, "There is no agent 'nobody'."),
        (("tokens", "revoke", "nothing"), 1, "There is no token 'nothing'."),
        (
            ("agents", "add", "ada", "--role", "king"),
            2,
            "there is no role 'king': choose from viewer, level-one, level-two, manager, admin",
        ),
        (("tokens", "create", "t", "--role", "admin", "--expires", "soon"), 2, "--expires soon: not a duration"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(here: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    ended = await statuspage(*words, here=here)
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert ended.err.startswith(sentence)


async def test_a_name_is_taken_once(here: Path) -> None:
    assert (await statuspage("agents", "add", "ada", here=here)).code == 0
    again = await statuspage("agents", "add", "ada", here=here)
    assert (again.code, again.err) == (1, "There is an agent 'ada' already.\n")


async def test_a_token_is_printed_alone_and_works_until_it_is_revoked(here: Path) -> None:
    made = await statuspage("tokens", "create", "deploys", "--role", "level-two", "--expires", "90d", here=here)
    text = made.out.removesuffix("\n")
    assert (made.code, "\n" in text, " " in text) == (0, False, False)
    assert _may_use(here, text)
    (row,) = json.loads((await statuspage("tokens", "list", "--json", here=here)).out)["items"]
    assert (row["name"], row["roles"], row["revoked_at"]) == ("deploys", ["level-two"], None)
    assert row["expires_at"].endswith("Z")
    assert text not in (await statuspage("tokens", "list", here=here)).out
    assert (await statuspage("tokens", "revoke", "deploys", here=here)).code == 0
    assert not _may_use(here, text)


async def test_lists_of_nothing_say_how_to_begin(here: Path) -> None:
    assert (await statuspage("agents", "list", here=here)).out == "there are no agents: statuspage agents add NAME\n"
    assert (await statuspage("tokens", "list", here=here)).out == "there are no tokens: statuspage tokens create NAME --role ROLE\n"


async def test_a_directory_that_cannot_be_used_is_one_line(here: Path) -> None:
    (here / "file").touch()
    ended = await statuspage("agents", "list", "--data-dir", "file/inside", here=here)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


async def test_sessions_are_listed_and_ended_one_by_one(here: Path) -> None:
    await statuspage("agents", "add", "ada", "--password-stdin", here=here, typed="correct horse\n")
    with Store.blocking(URL, here / "data") as database:
        digest_of = database.read(lambda connection: password_of(connection, "ada")) or ""
        for address in ("192.0.2.1", "192.0.2.2"):
            database.write(partial(begin_session, agent="ada", digest_of=digest_of, at=wall_clock(), address=address))
    rows = json.loads((await statuspage("agents", "sessions", "--json", here=here)).out)["items"]
    assert {(row["agent"], row["address"]) for row in rows} == {("ada", "192.0.2.1"), ("ada", "192.0.2.2")}
    gone = next(row["id"] for row in rows if row["address"] == "192.0.2.1")
    assert (await statuspage("agents", "logout", "ada", "--session", gone, here=here)).code == 0
    again = await statuspage("agents", "logout", "ada", "--session", gone, here=here)
    assert (again.code, again.err) == (1, f"ada has no session {gone}\n")
    left = (await statuspage("agents", "sessions", "ada", here=here)).out
    assert ("192.0.2.1" in left, "192.0.2.2" in left) == (False, True)
