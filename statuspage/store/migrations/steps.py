"""Whether a store is up to date, and how it gets there. Alembic is loaded only where there is a step to take."""

import importlib
from types import ModuleType

from sqlalchemy import Connection, inspect, text

from statuspage.store.errors import StoreError

HEAD = "0011"
"""The newest step. Steps are numbered, so that a store of a newer release is told from one of an older."""


def is_behind(connection: Connection) -> bool:
    """Whether steps are missing. Errors: StoreError for a store that a newer release wrote."""
    found = _version(connection)
    if found is not None and found > HEAD:
        raise StoreError(f"The store was written by a newer release (schema {found}, this one knows {HEAD}): run that release.")
    return found != HEAD


def bring_up_to_date(connection: Connection) -> None:
    """Take the steps that are missing, all or none of them; none where another process has just done so."""
    if is_behind(connection):
        _steps().upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _steps() -> ModuleType:
    # Alembic takes 0.17 s to load, and an ordinary start has no step to take.
    return importlib.import_module("statuspage.store.migrations.upgrade")
