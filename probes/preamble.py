"""What is said in clear before a handshake where a protocol turns to TLS in the middle of a connection."""

import re
from collections.abc import Awaitable, Callable
from enum import StrEnum

from probes.attempt import Attempt, ProbeFailed
from probes.imap import Imap
from probes.ldap import UNBIND, Ldap
from probes.lines import Stream
from probes.pop3 import Pop3
from probes.result import Failure
from probes.smtp import Smtp
from probes.text import excerpt

_MOST_LINES = 100
_FTP = re.compile(rb"([1-5][0-9]{2})([ -]|$)")
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""PostgreSQL's request for encryption: its length, and a number that is no version of the protocol."""


class StartTls(StrEnum):
    """Protocols that begin in clear and turn to TLS when asked."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    FTP = "ftp"
    POSTGRESQL = "postgresql"
    LDAP = "ldap"


PORTS = {25: StartTls.SMTP, 587: StartTls.SMTP, 143: StartTls.IMAP, 110: StartTls.POP3, 21: StartTls.FTP} | {
    5432: StartTls.POSTGRESQL,
    389: StartTls.LDAP,
}
"""Which one a port stands for that somebody typed alone."""

FAREWELLS = {
    StartTls.SMTP: b"QUIT\r\n",
    StartTls.IMAP: b"Z LOGOUT\r\n",
    StartTls.POP3: b"QUIT\r\n",
    StartTls.FTP: b"QUIT\r\n",
    StartTls.POSTGRESQL: b"",
    StartTls.LDAP: UNBIND,
}
"""How each takes leave, so that the server's log holds a visit and not a broken connection."""


async def ask_for_tls(protocol: StartTls, stream: Stream, attempt: Attempt) -> None:
    """Bring an open connection to the point where the handshake is due.

    Errors: ProbeFailed with TLS_MISSING where the server does not offer encryption or refuses it. What it said in clear between its
    consent and the handshake is thrown away and flagged.
    """
    refusal = await _DIALOGUES[protocol](stream, attempt)
    if refusal is not None:
        raise ProbeFailed(Failure.TLS_MISSING, refusal, stage=f"{attempt.prefix}starttls")
    if unasked := stream.discard():
        attempt.warn("plaintext_before_tls", f"{len(unasked)} bytes came in clear after encryption was agreed, and were thrown away")


async def _smtp(stream: Stream, attempt: Attempt) -> str | None:
    dialogue = Smtp(stream, attempt)
    await dialogue.greet()
    await dialogue.hello(None)
    if "STARTTLS" not in dialogue.capabilities:
        return "the server does not offer STARTTLS"
    with attempt.phase("starttls"):
        return await dialogue.begin_tls()


async def _imap(stream: Stream, attempt: Attempt) -> str | None:
    dialogue = Imap(stream, attempt)
    await dialogue.greet()
    await dialogue.learn()
    if "STARTTLS" not in dialogue.capabilities or dialogue.is_preauthenticated:
        return "the server does not offer STARTTLS"
    with attempt.phase("starttls"):
        return await dialogue.begin_tls()


async def _pop3(stream: Stream, attempt: Attempt) -> str | None:
    """Ask without looking for an offer: the answer to STLS says as much as CAPA (RFC 2595 section 4)."""
    dialogue = Pop3(stream, attempt)
    await dialogue.greet()
    with attempt.phase("starttls"):
        return await dialogue.begin_tls()


async def _ftp(stream: Stream, attempt: Attempt) -> str | None:
    """RFC 4217 section 4; 334 asks for security data, which TLS has none of."""
    with attempt.phase("greeting"):
        code, said = await _ftp_reply(stream, attempt)
        while code < 200:
            code, said = await _ftp_reply(stream, attempt)
        if code != 220:
            raise ProbeFailed(Failure.DEFERRED if 400 <= code < 500 else Failure.REJECTED, said)
    with attempt.phase("starttls"):
        attempt.sent("AUTH TLS")
        stream.write(b"AUTH TLS\r\n")
        code, said = await _ftp_reply(stream, attempt)
    return None if code == 234 else said


async def _ftp_reply(stream: Stream, attempt: Attempt) -> tuple[int, str]:
    """Read one reply: of several lines, it ends at the one that begins with the first one's code and a blank (RFC 959 section 4.2)."""
    line = await _heard(stream, attempt)
    first = _FTP.match(line)
    if first is None:
        raise ProbeFailed(Failure.PROTOCOL, f"not FTP: {excerpt(line)}")
    said = excerpt(line)
    for _ in range(_MOST_LINES):
        if line == first[1] or line.startswith(first[1] + b" "):
            return int(first[1]), said
        line = await _heard(stream, attempt)
    raise ProbeFailed(Failure.TOO_LARGE, f"a reply of more than {_MOST_LINES} lines")


async def _postgresql(stream: Stream, attempt: Attempt) -> str | None:
    with attempt.phase("starttls"):
        attempt.sent("(SSLRequest)")
        stream.write(_SSL_REQUEST)
        answer = await stream.exactly(1)
        attempt.received(answer)
        if answer not in (b"S", b"N", b"E"):
            raise ProbeFailed(Failure.PROTOCOL, f"not PostgreSQL: {excerpt(answer)}")
    return None if answer == b"S" else "the server does not offer encryption"


async def _ldap(stream: Stream, attempt: Attempt) -> str | None:
    with attempt.phase("starttls"):
        outcome = await Ldap(stream, attempt).begin_tls()
    return None if outcome.code == 0 else str(outcome)


async def _heard(stream: Stream, attempt: Attempt) -> bytes:
    line = await stream.line()
    attempt.received(line)
    return line


_DIALOGUES: dict[StartTls, Callable[[Stream, Attempt], Awaitable[str | None]]] = {
    StartTls.SMTP: _smtp,
    StartTls.IMAP: _imap,
    StartTls.POP3: _pop3,
    StartTls.FTP: _ftp,
    StartTls.POSTGRESQL: _postgresql,
    StartTls.LDAP: _ldap,
}
