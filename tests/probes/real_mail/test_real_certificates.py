from datetime import UTC, datetime

import pytest

from probes import tls
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.probes.real_mail.servers import MailServers

pytestmark = pytest.mark.xdist_group("real_mail")


async def ask(servers: MailServers, service: str, **settings: object) -> ProbeResult:
    given = tls.Settings.model_validate({"host": "127.0.0.1", "port": servers.ports[service], "ca": servers.ca} | settings)
    return await run(tls.KIND, given, door=Door(), timeout=10, started=datetime.now(UTC))


@pytest.mark.parametrize("service", ["smtp", "imap", "pop3"])
async def test_the_certificate_of_postfix_and_dovecot_is_measured_behind_starttls(servers: MailServers, service: str) -> None:
    result = await ask(servers, service, starttls=service)
    assert (result.failure, result.detail, result.stage) == (None, "", None)
    assert [phase.name for phase in result.phases][-2:] == ["starttls", "tls"]
    assert result.facts["days_left"] > 0


@pytest.mark.parametrize("service", ["smtps", "imaps", "pop3s"])
async def test_the_certificate_of_postfix_and_dovecot_is_measured_from_the_first_byte(servers: MailServers, service: str) -> None:
    result = await ask(servers, service)
    assert (result.failure, result.detail, result.stage) == (None, "", None)
    assert (await ask(servers, service, server_name="other.example")).failure is Failure.TLS_WRONG_HOST
