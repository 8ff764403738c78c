"""Which services which readers follow, kept beside what was said of them: words find their places in feeds by it."""

from collections.abc import Collection, Iterable

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select

from statuspage.picture.news import Circle
from statuspage.store.scope_tables import circles, hidden_services
from statuspage.store.upsert import put_missing

_THEM = select(hidden_services.c.service)
_SERVICES: BindParameter[list[str]] = bindparam("services", expanding=True)
_CONCERNED = select(circles).where(circles.c.service.in_(_SERVICES)).order_by(circles.c.circle)


def hidden(connection: Connection) -> frozenset[str]:
    """The services that are not for everybody, also those that are no longer configured."""
    return frozenset(connection.execute(_THEM).scalars())


def hide(connection: Connection, hidden_now: Collection[str], shown: Collection[str]) -> frozenset[str]:
    """Note which services are hidden and which are shown by now; return all that are hidden. Inside a write."""
    put_missing(connection, hidden_services, [{"service": service} for service in hidden_now])
    connection.execute(delete(hidden_services).where(hidden_services.c.service.in_(shown)))
    return hidden(connection)


def circles_of(connection: Connection, services: Iterable[str]) -> tuple[Circle, ...]:
    """The circles that follow any of *services*, each with these alone: as much work as few or many circles there are of others."""
    wanted = {"services": list(dict.fromkeys(services))}
    rows = connection.execute(_CONCERNED, wanted).all() if wanted["services"] else []
    members: dict[tuple[str, bool], set[str]] = {}
    for row in rows:
        members.setdefault((row.circle, row.is_page), set()).add(row.service)
    return tuple(Circle(of=of, services=frozenset(some), is_page=is_page) for (of, is_page), some in members.items())


def form(connection: Connection, wanted: Collection[Circle]) -> Collection[Circle]:
    """Have the circles *wanted*, and no others, follow what is said from now on; return those that are new. Inside a write."""
    known = set(connection.execute(select(circles.c.circle).distinct()).scalars())
    connection.execute(delete(circles))
    rows = [{"circle": one.of, "service": service, "is_page": one.is_page} for one in wanted for service in sorted(one.services)]
    if rows:
        connection.execute(insert(circles), rows)
    return [one for one in wanted if one.of not in known]
