"""What can be wrong with the store, each in one sentence that a person can act on."""

import sqlite3

from sqlalchemy.exc import DBAPIError

_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY: "another program holds its lock",
    sqlite3.SQLITE_LOCKED: "another program holds its lock",
    sqlite3.SQLITE_READONLY: "it cannot be written to: the file or its directory is read-only",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_NOTADB: "the file is not a database",
}
# By class or whole code: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_AWAY = {
    "08": "the connection is lost",
    "25006": "it cannot be written to: the server is read-only",
    "28": "the server refuses our name or password",
    "3D": "the database does not exist",
    "53": "the server is out of space, memory or connections",
    "55P03": "another program holds its lock",
    "57014": "the server did not answer in time",
    "57P": "the server is shutting down or starting up",
    "58": "the server's disk reports an error",
    "XX": "the server reports damage",
}


class StoreError(Exception):
    """The store cannot be used as asked. The message is one sentence for the operator."""


class StoreUnavailable(StoreError):
    """The store is away: nothing of this call was promised, a later call may succeed.

    After a connection lost in the middle of COMMIT, what was written may or may not be there: read before writing again.
    """


class StoreDamaged(StoreUnavailable):
    """What was written cannot be read any more, or is kept aside because it could not: no later call succeeds."""


DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def away(error: DBAPIError) -> StoreUnavailable | None:
    """Return why the store is away, or None where the fault lies in the statement and not in the store."""
    reason = _reason(error)
    if reason is None:
        return None
    is_damaged = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in DAMAGE
    return (StoreDamaged if is_damaged else StoreUnavailable)(f"The store is not available: {reason}.")


def _reason(error: DBAPIError) -> str | None:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # The low byte is the primary code; the rest only says more about it.
        return _SQLITE_AWAY.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        return "the connection is lost" if _is_lost(error) else None
    return next((reason for code, reason in _POSTGRESQL_AWAY.items() if state.startswith(code)), None)


def _is_lost(error: DBAPIError) -> bool:
    # psycopg gives no code to an error that it found itself: a server that is gone, or that never answered.
    return error.connection_invalidated or type(error.orig).__name__ == "OperationalError"


class Overtaken(Exception):
    """Somebody else has written since this situation was read: what was decided from it does not hold."""
