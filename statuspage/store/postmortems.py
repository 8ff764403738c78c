"""Postmortems that somebody is writing: one for each incident, kept at the desk until its words are published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from incidents.rewording import whole_digest
from statuspage.store.postmortem_tables import postmortems
from statuspage.store.upsert import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What *by* wrote last: *body* in the site's own language, *bodies* in others."""

    body: str
    bodies: Mapping[str, str]
    by: str
    at: datetime

    @property
    def digest(self) -> str:
        """By which a form knows again what it showed."""
        return whole_digest(self.body, self.bodies)


def draft_of(connection: Connection, incident: str) -> Draft | None:
    """What is being written about *incident*; None where nothing is."""
    row = connection.execute(select(postmortems).where(postmortems.c.incident == incident)).one_or_none()
    return None if row is None else Draft(body=row.body, bodies=row.bodies, by=row.by, at=row.at)


def keep_draft(connection: Connection, incident: str, draft: Draft) -> None:
    """Keep it in the place of what was written before."""
    row = {"incident": incident, "body": draft.body, "bodies": draft.bodies, "by": draft.by, "at": draft.at}
    put(connection, postmortems, [row])


def drop_draft(connection: Connection, incident: str) -> None:
    """Forget what was being written."""
    connection.execute(delete(postmortems).where(postmortems.c.incident == incident))
