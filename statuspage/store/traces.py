"""That words were removed and the file was not cleared of traces yet: noted with the removal, so that no death in between forgets it."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from statuspage.store.tables import installation
from statuspage.store.upsert import put

_LEFT = "traces left"


def leave_traces(connection: Connection, at: datetime) -> None:
    """Note that words were removed *at* an instant. Inside the write that removes them."""
    put(connection, installation, [{"name": _LEFT, "value": at.isoformat()}])


def traces_left(connection: Connection) -> str | None:
    """Since when traces may be left; None where there are none."""
    return connection.execute(select(installation.c.value).where(installation.c.name == _LEFT)).scalar()


def no_traces_left(connection: Connection, since: str) -> None:
    """The file was cleared of what was left *since*; what was removed after that waits for its own turn."""
    connection.execute(delete(installation).where(installation.c.name == _LEFT, installation.c.value == since))
