"""``statuspage notify test``: one letter, at once, and what the server says."""

import json
from pathlib import Path

from tests.rude.postbox import Postbox
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
