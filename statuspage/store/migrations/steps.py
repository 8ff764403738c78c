"""Whether a store is up to date, and how it gets there. Alembic is loaded only where there is a step to take."""

import importlib
from pathlib import Path
from types import ModuleType

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select

from statuspage.store.errors import StoreError
from statuspage.store.tables import metadata

HEAD = "0047b"
"""The newest step; each names the one before it, and their numbers tell no order."""

# Alembic's own table, as Alembic makes it; it reads there where the next step begins.
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def is_behind(connection: Connection) -> bool:
    """Whether steps are missing. Errors: StoreError for a store that a newer release wrote."""
    return version_of(connection) != HEAD


def bring_up_to_date(connection: Connection) -> None:
    """Take the steps that are missing, all or none of them; none where another process has just done so.

    A store that is new has nothing to take along: its tables are made as they are now. Errors: as ``is_behind``.
    """
    found = version_of(connection)
    if found is None:
        _make(connection)
    elif found != HEAD:
        _steps().upgrade(connection)


def build(connection: Connection, schema: str) -> None:
    """Make the tables of an empty store as they were in *schema*, one of ``known``."""
    _steps().upgrade(connection, schema)


def version_of(connection: Connection) -> str | None:
    """At which step a store is; None where there is none yet. Errors: as ``is_behind``."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    found = connection.execute(select(_VERSION)).scalar()
    if found is not None and found not in known():
        raise StoreError(f"The store was written by a newer release (schema {found}, this one knows {HEAD}): run that release.")
    return found


def known() -> frozenset[str]:
    """Every step of this release: a store that is at another one is of a newer."""
    return frozenset(path.name.partition("_")[0] for path in Path(__file__).with_name("versions").glob("[0-9]*.py"))


def _make(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=HEAD))


def _steps() -> ModuleType:
    # Alembic takes 0.17 s to load, and an ordinary start has no step to take.
    return importlib.import_module("statuspage.store.migrations.upgrade")
