"""Run Alembic's steps inside a transaction that is already open."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration(connection: Connection | None = None) -> Config:
    """Return what Alembic needs to find the steps, and the connection to run them on."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, until: str = "head") -> None:
    """Take every step that is missing on *connection*, up to *until*; the caller commits."""
    command.upgrade(configuration(connection), until)
