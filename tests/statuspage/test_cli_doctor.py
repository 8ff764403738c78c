"""What ``statuspage doctor`` finds, each thing by the look that is for it; the command as a whole is in tests/test_readme.py."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult

from statuspage.cli.examining import finding, machine, network, telling
from statuspage.cli.examining.finding import Finding, Findings, Place, Standing, aside, looked
from statuspage.config.loading import load
from statuspage.demo.ports import free_address
from tests.statuspage.terminal import statuspage

pytestmark = pytest.mark.asyncio(loop_scope="module")

Placed = Callable[..., Place]


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    """An installation with a configuration of one line and some more."""

    def place(
        more: str = "", *, environ: Mapping[str, str] | None = None, url: str = "http://127.0.0.1:8080", mail_to: str | None = None
    ) -> Place:
        path = tmp_path / "statuspage.yaml"
        path.write_text(f"site: {{name: A, url: {url!r}, timezone: UTC}}\n{more}\n")
        (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
        config = load(path, environ or {}).config
        return Place(config=config, path=path, data_dir=tmp_path / "data", running=None, mail_to=mail_to, time_server="127.0.0.1:9")

    return place


def only(findings: Findings) -> Finding:
    (found,) = findings
    return found


@pytest.mark.parametrize(
    ("url", "listen", "standing", "mend"),
    [
        ("http://127.0.0.1:8080", "{}", Standing.GOOD, ""),
        ("https://status.example.org", "{}", Standing.BAD, "trusted_proxies: [127.0.0.1/32]"),
        ("https://status.example.org", "{trusted_proxies: [127.0.0.0/8]}", Standing.GOOD, ""),
        ("https://status.example.org", "{trusted_proxies: [10.0.0.0/8]}", Standing.BAD, "127.0.0.1/32"),
        ("https://status.example.org", "{public: '0.0.0.0:8080', trusted_proxies: [10.0.0.7/32]}", Standing.GOOD, ""),
        ("http://status.example.org:8080", "{public: '0.0.0.0:8080'}", Standing.GOOD, ""),
        ("https://status.example.org", "{public: '0.0.0.0:8080'}", Standing.BAD, "the address of the proxy"),
        ("https://status.example.org", "{trusted_proxies: ['0.0.0.0/0']}", Standing.BAD, "own address"),
        ("http://127.0.0.1:8080", "{internal: '0.0.0.0:8081'}", Standing.DOUBTFUL, "TLS"),
    ],
)
async def test_whom_the_listeners_believe_fits_what_stands_before_them(
    placed: Placed, url: str, listen: str, standing: Standing, mend: str
) -> None:
    found = only(network.proxies(placed(f"listen: {listen}", url=url)))
    assert (found.standing, mend in found.mend) == (standing, True), found


async def test_files_that_strangers_may_read_or_write_are_named(placed: Placed, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    place = placed("credentials: {box: {user: me, password: {file: password}}}")
    assert only(machine.modes(place)).standing is Standing.GOOD
    secret.chmod(0o644)
    place.path.chmod(0o666)
    place.data_dir.chmod(0o755)
    (place.data_dir / "statuspage.db").touch(mode=0o644)
    told = {one.found for one in machine.modes(place)}
    assert told == {
        f"anybody may write to {place.path}",
        *(f"anybody on this machine may read {file}" for file in (secret, place.data_dir, place.data_dir / "statuspage.db")),
    }
    assert all("hunter2" not in one for one in told)


async def test_names_and_controls_that_do_not_answer_are_bad(placed: Placed) -> None:
    closed = free_address()
    place = placed(
        f"locations: {{local: {{controls: [{{probe: tcp, host: 127.0.0.1, port: {closed.port}}}]}}}}\n"
        "services: {web: {monitors: [{probe: http, url: 'https://nowhere.invalid/'}, {probe: tcp, host: localhost, port: 1}]}}"
    )
    assert (await network.names(place))[0].found == "nowhere.invalid is not found"
    blind = only(await network.controls(place))
    assert (blind.standing, "none answers" in blind.found) == (Standing.BAD, True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mail() -> AsyncIterator[int]:
    def authenticate(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    def server() -> SMTP:
        return SMTP(Sink(), authenticator=authenticate, auth_require_tls=False)

    async with await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0) as listening:
        yield int(listening.sockets[0].getsockname()[1])


async def test_mail_is_tried_as_far_as_the_login_and_sent_where_that_is_said(placed: Placed, mail: int) -> None:
    section = f"mail: {{host: 127.0.0.1, port: {mail}, tls: never, from: 'status@example.org'}}"
    reached = only(await telling.mail(placed(section)))
    assert (reached.standing, "--mail" in reached.found) == (Standing.GOOD, True), reached
    sent = only(await telling.mail(placed(section, mail_to="anna@example.org")))
    assert (sent.standing, "was taken" in sent.found) == (Standing.GOOD, True), sent
    login = section.replace("from", "login: me, from") + "\ncredentials: {me: {user: me, password: {env: PASSWORD}}}"
    shut = only(await telling.mail(placed(login, environ={"PASSWORD": "hunter2"})))
    assert (shut.standing, "auth_rejected" in shut.found, "hunter2" in shut.found) == (Standing.BAD, True, False), shut
    assert only(await telling.mail(placed(mail_to="anna@example.org"))).standing is Standing.BAD
    assert only(await telling.mail(placed(section, mail_to="nobody"))).standing is Standing.BAD


async def test_a_look_that_hangs_or_breaks_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "PATIENCE", 0.05)
    gone = asyncio.Event()

    async def hangs() -> Findings:
        await gone.wait()
        return ()

    def breaks() -> Findings:
        raise ZeroDivisionError("ours")

    assert only(await looked("disk", hangs())).standing is Standing.BAD
    broken = only(await looked("disk", aside(breaks)))
    assert (broken.standing, "ZeroDivisionError: ours" in broken.found) == (Standing.UNKNOWN, True)


@pytest.mark.parametrize("written", [None, "site: [", "site: {name: A}"])
async def test_a_configuration_that_cannot_be_used_is_all_that_is_told(written: str | None, tmp_path: Path) -> None:
    if written is not None:
        (tmp_path / "statuspage.yaml").write_text(written)
    ended = await statuspage("doctor", "--json", here=tmp_path)
    assert ended.code == 1
    assert {one["about"] for one in json.loads(ended.out)["findings"]} == {"configuration"}
    assert os.listdir(tmp_path) == ([] if written is None else ["statuspage.yaml"])  # noqa: PTH208
