"""The second factor of a login: codes that an app makes from a shared secret and the time (RFC 6238), and recovery codes on paper.

The secret must be read to be compared with, so it is kept as it is; recovery codes are kept as digests. A code is taken once, and so is
every earlier one: whoever looks over a shoulder has nothing.
"""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime

import pyotp
from sqlalchemy import Connection, delete, insert, select, update

from statuspage.store.acts import write_audit
from statuspage.store.people import OPERATOR, Unfit, digest
from statuspage.store.people_tables import second_factors, sessions

STEP = 30
"""Seconds for which an app shows one code."""

SKEW = 1
"""Steps by which an app's clock may be wrong."""

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10  # 16 letters, 80 bits: no slow digest is needed


def has_second_factor(connection: Connection, agent: str) -> bool:
    """Whether a login of *agent* asks for a code."""
    confirmed = select(second_factors.c.confirmed_at).where(second_factors.c.agent == agent)
    return connection.scalar(confirmed) is not None


def offer_factor(connection: Connection, agent: str) -> str:
    """Make a secret for *agent* and return it; it counts once a code of it was given back. Errors: Unfit where one counts already."""
    if has_second_factor(connection, agent):
        raise Unfit("There is a second factor already; remove it first.")
    secret = pyotp.random_base32()
    connection.execute(delete(second_factors).where(second_factors.c.agent == agent))
    connection.execute(insert(second_factors).values(agent=agent, secret=secret, last_step=0, recovery=[]))
    return secret


def offered_factor(connection: Connection, agent: str) -> str | None:
    """The secret that was shown to *agent* and does not count yet."""
    unconfirmed = (second_factors.c.agent == agent, second_factors.c.confirmed_at.is_(None))
    return connection.scalar(select(second_factors.c.secret).where(*unconfirmed))


def confirm_factor(connection: Connection, agent: str, code: str, *, at: datetime, kept: str) -> Sequence[str] | None:
    """Have the factor count from now on, and return its recovery codes, which are never shown again; None where *code* is not of it.

    Sessions that began by the password alone end, but for the one of the secret *kept*, which gave the code.
    """
    if offered_factor(connection, agent) is None or not _is_taken(connection, agent, code, at):
        return None
    codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
    values = {"confirmed_at": at, "recovery": [digest(_plain(one)) for one in codes]}
    connection.execute(update(second_factors).where(second_factors.c.agent == agent).values(values))
    connection.execute(delete(sessions).where(sessions.c.agent == agent, sessions.c.token_hash != digest(kept)))
    write_audit(connection, at=at, actor=agent, act="set up second factor", subject=agent, detail={})
    return codes


def passes(connection: Connection, agent: str, code: str, *, at: datetime) -> bool:
    """Whether *code* is one of the factor that counts, or a recovery code; either is spent by that."""
    if not has_second_factor(connection, agent):
        return False
    return _is_taken(connection, agent, code, at) or _is_recovered(connection, agent, code, at)


def remove_factor(connection: Connection, agent: str, *, at: datetime, by: str = OPERATOR) -> None:
    """Let *agent* log in by the password alone, and end their sessions. Errors: Unfit where there is no factor."""
    if not connection.execute(delete(second_factors).where(second_factors.c.agent == agent)).rowcount:
        raise Unfit(f"{agent!r} has no second factor.")
    connection.execute(delete(sessions).where(sessions.c.agent == agent))
    write_audit(connection, at=at, actor=by, act="remove second factor", subject=agent, detail={})


def factors(connection: Connection) -> frozenset[str]:
    """Everybody whose login asks for a code."""
    confirmed = select(second_factors.c.agent).where(second_factors.c.confirmed_at.is_not(None))
    return frozenset(connection.scalars(confirmed))


def codes_left(connection: Connection, agent: str) -> int:
    """How many recovery codes *agent* still has."""
    kept = connection.scalar(select(second_factors.c.recovery).where(second_factors.c.agent == agent))
    return len(kept or ())


def _is_taken(connection: Connection, agent: str, code: str, at: datetime) -> bool:
    row = connection.execute(select(second_factors).where(second_factors.c.agent == agent)).one()
    app, given, now = pyotp.TOTP(row.secret, interval=STEP), _plain(code), int(at.timestamp()) // STEP
    # All are compared, whichever fits: how long it takes says nothing.
    fitting = [step for step in range(now - SKEW, now + SKEW + 1) if hmac.compare_digest(app.at(step * STEP).encode(), given.encode())]
    fresh = [step for step in fitting if step > row.last_step]
    if not fresh:
        return False
    unspent = (second_factors.c.agent == agent, second_factors.c.last_step < fresh[0])
    return bool(connection.execute(update(second_factors).where(*unspent).values(last_step=fresh[0])).rowcount)


def _is_recovered(connection: Connection, agent: str, code: str, at: datetime) -> bool:
    kept: list[str] = connection.execute(select(second_factors.c.recovery).where(second_factors.c.agent == agent)).scalar_one()
    given = digest(_plain(code))
    left = [one for one in kept if not hmac.compare_digest(one, given)]
    if len(left) == len(kept):
        return False
    connection.execute(update(second_factors).where(second_factors.c.agent == agent).values(recovery=left))
    write_audit(connection, at=at, actor=agent, act="spend recovery code", subject=agent, detail={"left": str(len(left))})
    return True


def _recovery_code() -> str:
    letters = b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _plain(code: str) -> str:
    """A code as it is compared, however it was typed."""
    return "".join(letter for letter in code.lower() if letter.isascii() and letter.isalnum())[:64]
