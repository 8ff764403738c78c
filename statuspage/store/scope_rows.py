"""Which services the main page does not tell of, kept beside what was said of them: words find their places in feeds by it."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select

from statuspage.store.scope_tables import hidden_services
from statuspage.store.upsert import put_missing

_THEM = select(hidden_services.c.service)


def hidden(connection: Connection) -> frozenset[str]:
    """The services that are not for everybody, also those that are no longer configured."""
    return frozenset(connection.execute(_THEM).scalars())


def hide(connection: Connection, hidden_now: Collection[str], shown: Collection[str]) -> frozenset[str]:
    """Note which services are hidden and which are shown by now; return all that are hidden. Inside a write."""
    put_missing(connection, hidden_services, [{"service": service} for service in hidden_now])
    connection.execute(delete(hidden_services).where(hidden_services.c.service.in_(shown)))
    return hidden(connection)
