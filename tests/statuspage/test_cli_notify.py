"""``statuspage notify test``: one letter or one announcement, at once, and what is answered."""

import json
from pathlib import Path

from tests.rude.postbox import Postbox
from tests.statuspage.outlets import TOKEN, Room, listening
from tests.statuspage.terminal import configured, statuspage


def mailing(directory: Path, port: int) -> Path:
    path = configured(directory)
    mail = f'mail: {{host: 127.0.0.1, port: {port}, tls: never, from: "Example <status@example.net>"}}\n'
    path.write_text(path.read_text() + mail)
    return directory


async def test_a_letter_is_sent_and_the_answer_told(tmp_path: Path) -> None:
    async with Postbox().opened() as postbox:
        ended = await statuspage("notify", "test", "anna@Example.org", here=mailing(tmp_path, postbox.port))
    assert (ended.code, ended.err) == (0, "")
    assert f"127.0.0.1:{postbox.port} has taken the letter for anna@example.org" in ended.out
    (letter,) = postbox.letters
    assert letter.subject == "Test: mail from Example status arrives"
    assert "statuspage notify test" in letter.text
    assert not (tmp_path / "data").exists(), "a test leaves nothing behind"


async def test_what_the_server_refuses_is_told_and_the_exit_code_says_so(tmp_path: Path) -> None:
    async with Postbox(replies={"anna@example.org": ["550 5.1.1 No such mailbox"]}).opened() as postbox:
        ended = await statuspage("notify", "test", "anna@example.org", "--json", here=mailing(tmp_path, postbox.port))
    assert ended.code == 1
    told = json.loads(ended.out)
    assert (told["is_taken"], told["reason"]) == (False, "550 5.1.1 No such mailbox")


async def test_a_server_that_is_away_is_told_in_a_line(tmp_path: Path) -> None:
    async with Postbox().opened() as postbox:
        port = postbox.port
    ended = await statuspage("notify", "test", "anna@example.org", here=mailing(tmp_path, port))
    assert ended.code == 1
    assert ended.err.startswith(f"not sent: 127.0.0.1:{port}: ")


async def test_without_a_server_or_an_address_it_is_misused(tmp_path: Path) -> None:
    configured(tmp_path)
    ended = await statuspage("notify", "test", "anna@example.org", here=tmp_path)
    assert (ended.code, ended.err) == (2, "no mail is sent by this configuration; write a section `mail`\n")
    ended = await statuspage("notify", "test", "anna", here=mailing(tmp_path, 1))
    assert ended.code == 2
    assert "An address has a name" in ended.err


def announcing(directory: Path) -> Path:
    path = configured(directory)
    path.write_text(path.read_text() + "announce: {ops: {url: {env: OPS_URL}}, sales: {url: {env: SALES_URL}}}\n")
    return directory


async def test_an_outlet_is_told_at_once_and_its_answer_is_the_exit_code(tmp_path: Path) -> None:
    async with listening(Room(answers=[200, 503, 404])) as room:
        environ = {"OPS_URL": room.url(), "SALES_URL": room.url("form")}
        taken = await statuspage("notify", "test", "ops", here=announcing(tmp_path), environ=environ)
        away = await statuspage("notify", "test", "ops", here=tmp_path, environ=environ)
        gone = await statuspage("notify", "test", "sales", "--json", here=tmp_path, environ=environ)
    assert (taken.code, taken.err) == (0, "")
    assert taken.out == "ops (json://***) has taken the announcement. Whether people see it, they tell.\n"
    assert room.titles == ["Test: announcements of Example status arrive"]
    assert "Nothing is wrong" in room.heard[0]["message"]
    assert (away.code, away.out, away.err) == (1, "", "not sent to ops (json://***): status 503\n")
    assert gone.code == 1
    assert json.loads(gone.out) == {"outlet": "sales", "url": "form://***", "is_taken": False, "reason": "status 404"}
    assert TOKEN not in taken.out + away.err + gone.out
    assert not (tmp_path / "data").exists(), "a test leaves nothing behind"


async def test_a_team_is_told_with_whoever_is_on_call_and_a_person_alone(tmp_path: Path) -> None:
    async with listening(Room()) as room:
        path = configured(tmp_path)
        more = f"""
people: {{ada: {{name: Ada L., notify: ["{room.url()}"]}}, eve: {{}}}}
teams:
  desk: {{name: Service desk, notify: ["{room.url("form")}"], on_call: {{weekly: [ada], since: "2026-01-05 09:00"}}}}
  night: {{on_call: {{weekly: [eve], since: "2026-01-05 09:00"}}}}
"""
        path.write_text(path.read_text() + more)
        team = await statuspage("notify", "test", "desk", here=tmp_path)
        person = await statuspage("notify", "test", "ada", "--json", here=tmp_path)
        nobody = await statuspage("notify", "test", "night", here=tmp_path)
    assert (team.code, team.out) == (0, "Service desk (form://***) was told.\nAda L. (json://***) was told.\n")
    assert json.loads(person.out) == {
        "called": "ada",
        "places": [{"owner": "Ada L.", "url": "json://***", "is_taken": True, "reason": None}],
    }
    assert len(room.heard) == 3
    assert (nobody.code, nobody.err) == (2, "night has nowhere to be told; give notify to it, or to whoever is on call in it\n")


async def test_who_is_neither_an_address_nor_an_outlet_is_named(tmp_path: Path) -> None:
    environ = {"OPS_URL": "json://127.0.0.1:1/a", "SALES_URL": "json://127.0.0.1:1/b"}
    ended = await statuspage("notify", "test", "opps", here=announcing(tmp_path), environ=environ)
    assert (ended.code, ended.out) == (2, "")
    assert (
        ended.err == "neither an address of mail, which has an @, nor an outlet under `announce`, a team or a person; did you mean 'ops'?\n"
    )


async def test_a_url_that_leads_nowhere_is_told_by_check_config_with_its_place(tmp_path: Path) -> None:
    environ = {"OPS_URL": f"slck://{TOKEN}/b/c", "SALES_URL": f"syslog://{TOKEN}"}
    ended = await statuspage("check-config", "statuspage.yaml", here=announcing(tmp_path), environ=environ)
    assert ended.code == 2
    first, second = (line for line in (ended.out + ended.err).splitlines() if "announce" in line)
    assert "statuspage.yaml:3:23: announce.ops.url: apprise knows no service slck://; did you mean slack://? (found ***)" in first
    assert "announce.sales.url: syslog:// shows messages on this machine and tells nobody elsewhere" in second
    assert TOKEN not in ended.out + ended.err
