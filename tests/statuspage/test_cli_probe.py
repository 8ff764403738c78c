import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from statuspage.demo import configuration
from statuspage.demo.company import Company
from statuspage.demo.configuration import Listeners
from statuspage.demo.ports import free_address
from tests.statuspage.terminal import configured, statuspage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[Company]:
    async with Company() as opened:
        yield opened


@pytest.fixture
def here(company: Company, tmp_path: Path) -> Path:
    """A directory with the demo's configuration in it, under the default name."""
    listeners = Listeners(public=free_address(), internal=free_address(), control=free_address())
    return configuration.write(tmp_path, listeners=listeners, addresses=company.addresses, mailbox=company.mailbox).parent


async def test_a_monitor_is_probed_with_its_dialogue_phases_and_verdict_and_without_its_password(company: Company, here: Path) -> None:
    ended = await statuspage("probe", "submission", here=here)
    assert ended.code == 0, ended.out + ended.err
    assert "→ EHLO " in ended.out
    assert "← 250" in ended.out
    assert "█" in ended.out
    assert f"works: smtp {company.addresses['outgoing-mail']} in " in ended.out
    assert "***" in ended.out
    password = company.mailbox.password
    for spelled in (password, base64.b64encode(f"\0{company.mailbox.user}\0{password}".encode()).decode()):
        assert spelled not in ended.out


async def test_the_settings_that_held_are_told_with_their_defaults_and_without_secrets(company: Company, here: Path) -> None:
    told = (await statuspage("probe", "submission", here=here)).out
    shown = dict(line.strip().split(None, 1) for line in told.partition("\nsettings\n")[2].partition("\n\n")[0].splitlines())
    assert shown["login"] == f"{company.mailbox.user}, password ***"
    assert shown["timeout"].endswith("s")
    assert shown["verify"] in {"true  (default)", "false"}
    assert shown["host"] == "127.0.0.1"
    assert "helo" in shown["not"]
    spelled = json.loads((await statuspage("probe", "submission", "--json", here=here)).out)
    assert spelled["settings"]["login"] == {"user": company.mailbox.user, "password": "***"}
    assert (spelled["works"], spelled["settings"]["host"], spelled["settings"]["helo"]) == (True, "127.0.0.1", None)
    assert company.mailbox.password not in told + json.dumps(spelled)


async def test_a_failing_monitor_leaves_with_one_and_says_where(company: Company, here: Path) -> None:
    await company.break_("outgoing-mail", "refusing")
    try:
        ended = await statuspage("probe", "submission", "--json", here=here)
    finally:
        await company.mend("outgoing-mail")
    told = json.loads(ended.out)
    assert (ended.code, told["failure"], told["stage"]) == (1, "rejected", "greeting")
    assert {"direction": "received", "text": "554 5.3.2 mail.example.net takes no mail"} in told["dialogue"]
    assert told["phases"][0]["name"] == "connect"


async def test_a_typed_target_is_probed_without_any_configuration(company: Company, tmp_path: Path) -> None:
    address = company.addresses["portal"]
    ended = await statuspage("probe", "--kind", "http", f"http://{address}/", here=tmp_path)
    assert (ended.code, f"works: http http://{address}/ in " in ended.out) == (0, True), ended.err
    await company.break_("portal", "stalling")
    try:
        silent = await statuspage("probe", "--kind", "http", f"http://{address}/", "--timeout", "300ms", here=tmp_path)
    finally:
        await company.mend("portal")
    assert (silent.code, "fails: http" in silent.out, "timeout" in silent.out) == (1, True, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nothing",), "has no monitor 'nothing': choose one of submission"),
        (("--kind", "gopher", "x"), "there is no probe kind 'gopher'"),
        (("--kind", "tcp", "nowhere"), "nowhere: write HOST:PORT"),
        (("--kind", "mail_roundtrip", "x"), "cannot be probed by a target alone"),
        (("--kind", "tcp", "127.0.0.1:1", "--set", "expect"), "--set expect: write KEY=VALUE"),
        (("--kind", "tcp", "127.0.0.1:1", "--set", "expekt=220"), "expekt: "),
        (("--kind", "tcp", "127.0.0.1:1", "--set", "expect={env: NO_SUCH}"), "--set expect: "),
        (("--kind", "tcp", "127.0.0.1:1", "--set", "host.name=x"), "--set host.name: host has no keys of its own"),
        (("submission", "--set", "port=1"), "--set needs --kind"),
        (("--kind", "tcp", "127.0.0.1:1", "--timeout", "2"), "--timeout 2: not a duration"),
        (("--kind", "tcp", "127.0.0.1:1", "--timeout", "0s"), "--timeout 0s: longer than nothing"),
    ],
)
async def test_what_cannot_be_probed_is_said_in_one_line(here: Path, words: tuple[str, ...], sentence: str) -> None:
    ended = await statuspage("probe", *words, here=here)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert sentence in ended.err


async def test_a_passive_monitor_is_told_from_one_that_does_not_exist(tmp_path: Path) -> None:
    configured(tmp_path, "  nightly: {probe: heartbeat, every: 24h, token: {env: PING}}\n")
    ended = await statuspage("probe", "nightly", here=tmp_path, environ={"PING": "x" * 40})
    assert (ended.code, "its results come from outside" in ended.err) == (2, True)


async def test_a_typed_target_takes_settings_as_the_file_does(company: Company, tmp_path: Path) -> None:
    address = company.addresses["portal"]
    words = ("probe", "--kind", "http", f"http://{address}/", "--set", "expect.status=[599]", "--set", "expect.slower_than=9s")
    login = ("--set", "login.user=ann", "--set", "login.password={env: PW}")
    told = await statuspage(*words, *login, here=tmp_path, environ={"PW": "hunter2"})
    assert (told.code, "fails: http" in told.out) == (1, True), told.err
    assert "[599]" in told.out
    assert "ann, password ***" in told.out
    assert "hunter2" not in told.out


def plugin_in(directory: Path) -> Path:
    script = directory / "check_it"
    script.write_text("#!/bin/sh\necho fine\n", encoding="utf-8")
    script.chmod(0o755)
    return script


async def test_a_program_that_is_typed_runs_without_being_allowed_and_one_in_the_file_does_not(tmp_path: Path) -> None:
    script = plugin_in(tmp_path)
    typed = await statuspage("probe", "--kind", "plugin", f"{script} --all", here=tmp_path)
    assert (typed.code, "← fine" in typed.out) == (0, True), typed.out
    configured(tmp_path, f"  it: {{probe: plugin, command: [{script}]}}\n")
    refused = await statuspage("probe", "it", here=tmp_path)
    assert (refused.code, f"write plugins: {{allow: [{tmp_path}]}}" in refused.err) == (2, True)
    configured(tmp_path, f"  it: {{probe: plugin, command: [{script}]}}\nplugins: {{allow: [{tmp_path}]}}\n")
    assert (await statuspage("probe", "it", here=tmp_path)).code == 0
