"""What the kinds that ask a database share: how a server is named in the file, when a password may be sent, how an answer is judged."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Tls
from probes.lines import Stream
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Host, Line, Login, Port
from probes.text import excerpt


class DatabaseServer(BaseModel):
    """Where a database is and how it is spoken to. *allow_plaintext* lets the password cross a network in clear."""

    model_config = CLOSED

    host: Host
    port: Port
    verify: bool = True
    ca: CaFile | None = None
    login: Login | None = None
    allow_plaintext: bool = False
    expect: Line | None = None


Name = Annotated[Line, Field(max_length=64)]
Upgrade = Literal["never", "starttls", "optional"]
"""Whether a connection that begins in clear is then encrypted: where the server can (*optional*), or else not at all (*starttls*)."""


def tls_of(server: DatabaseServer) -> Tls:
    """How an encrypted connection to *server* is made."""
    return Tls(verify=server.verify, ca=server.ca)


def guard_password(server: DatabaseServer, stream: Stream) -> None:
    """Refuse to say a password where it may be overheard. Errors: ProbeFailed with TLS_MISSING."""
    if stream.may_be_overheard and not server.allow_plaintext:
        raise ProbeFailed(Failure.TLS_MISSING, "no encryption: the password was not sent")


def password_of(login: Login, attempt: Attempt) -> str:
    """Return the password, concealed from now on."""
    password = login.password.reveal()
    attempt.conceal(password)
    return password


def judge(answer: bytes | None, expected: str | None, attempt: Attempt) -> None:
    """Keep the *answer* as the fact ``value`` where it is a number, and compare it as text with what was *expected*.

    Errors: ProbeFailed with CONTENT.
    """
    number = _number(answer)
    if number is not None:
        attempt.fact("value", number)
    if expected is not None and answer != expected.encode():
        said = "no value" if answer is None else excerpt(answer)
        raise ProbeFailed(Failure.CONTENT, f"the answer is {said}")


def _number(answer: bytes | None) -> float | None:
    try:
        number = float(answer[:40]) if answer is not None and len(answer) <= 40 else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
