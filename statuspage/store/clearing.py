"""How what was removed leaves the files of the database, too: a deleted row stays in them until they are written anew."""

import sqlite3

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from statuspage.store.advisory_tables import advisories, advisory_updates
from statuspage.store.maintenance_tables import maintenance_updates, maintenances
from statuspage.store.outbox_tables import notifications, outbox
from statuspage.store.tables import idempotency, incidents, journal, memories, notes, updates
from statuspage.store.word_tables import public_words

REWRITTEN_AT_MOST = 512 * 1024 * 1024
"""Bytes that are written anew where words were removed: some seconds in which nobody else writes."""

_TOLD = (incidents, updates, notes, maintenances, maintenance_updates, advisories, advisory_updates, journal, outbox, notifications)
_WITH_TEXTS = tuple(sorted({table.name for table in (*_TOLD, idempotency, memories, public_words)}))
"""Tables in which public words, notes or names ever stood."""


def cleared(engine: Engine) -> str:
    """Write anew what had the words; what stands in the way, as a sentence, and nothing where nothing does.

    To do that holds up whoever writes, so that what is large is left to a person.
    """
    return _sqlite(engine) if engine.dialect.name == "sqlite" else _postgresql(engine)


def _sqlite(engine: Engine) -> str:
    """SQLite overwrites what is deleted, but a row that was moved to another page stays in the gap that it left, and all in the log."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        pages, size = (cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if pages * size <= REWRITTEN_AT_MOST:
            cursor.execute("VACUUM")
        (is_busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        return f"the file could not be written anew: {error}"
    finally:
        connection.close()
    if is_busy:
        return "somebody was reading all the while, and it stands in the log until that is written anew"
    return "" if pages * size <= REWRITTEN_AT_MOST else "the file is large; run VACUUM on it when nobody minds"


def _postgresql(engine: Engine) -> str:
    """PostgreSQL keeps deleted rows as dead ones. Its log and its replicas are beyond reach."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if _size(connection) > REWRITTEN_AT_MOST:
                return f"the tables are large; run VACUUM FULL on {', '.join(_WITH_TEXTS)} when nobody minds"
            for name in _WITH_TEXTS:
                connection.exec_driver_sql(f"VACUUM FULL {name}")
    except DBAPIError as error:
        return f"the tables could not be written anew: {error.orig}"
    return ""


def _size(connection: Connection) -> int:
    asked = text("SELECT sum(pg_total_relation_size(one::regclass)) FROM unnest(cast(:names AS text[])) AS one")
    return int(connection.execute(asked, {"names": list(_WITH_TEXTS)}).scalar_one())
