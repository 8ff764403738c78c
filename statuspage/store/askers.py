"""How often somebody may ask for mail: counted in the store, so that a restart forgets nothing, by digests that name nobody."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select

from statuspage.store.outbox_tables import asked, spent_links
from statuspage.store.upsert import put_missing


class Allowed(StrEnum):
    """What becomes of a request for mail."""

    YES = "yes"
    IN_SILENCE = "in silence"
    """That address has got enough letters for today: nothing is sent, and whoever asked is told what everybody is told."""
    NOT_YOU = "not you"
    """Too many from one place."""
    NOBODY = "nobody"
    """Too many altogether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many letters go out because somebody asked: to one address a day, for one client an hour and a day, altogether an hour."""

    address_a_day: int = 3
    client_an_hour: int = 6
    client_a_day: int = 20
    all_an_hour: int = 300


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ask(connection: Connection, *, address: str, client: str, limits: Limits, at: datetime) -> Allowed:
    """Count a request of *client* for mail to *address* (digests both), and say what becomes of it. What is refused is not counted."""
    counted = select(func.count()).select_from(asked)

    def since(span: timedelta, **named: str) -> int:
        chosen = counted.where(asked.c.at > at - span, *(asked.c[column] == value for column, value in named.items()))
        return connection.execute(chosen).scalar_one()

    if since(HOUR, client=client) >= limits.client_an_hour or since(DAY, client=client) >= limits.client_a_day:
        return Allowed.NOT_YOU
    if since(HOUR) >= limits.all_an_hour:
        return Allowed.NOBODY
    is_enough = since(DAY, address=address) >= limits.address_a_day
    connection.execute(insert(asked).values(at=at, address=address, client=client))
    return Allowed.IN_SILENCE if is_enough else Allowed.YES


def spend(connection: Connection, digest: str, until: datetime) -> bool:
    """Use up a link that may be used once, and remember it *until* it ends by itself; False where it was used before."""
    is_new = connection.execute(select(spent_links.c.digest).where(spent_links.c.digest == digest)).first() is None
    put_missing(connection, spent_links, [{"digest": digest, "until": until}])
    return is_new


def digest_of(secret: str, kind: str, text: str) -> str:
    """A digest of an address or a client by which it is counted; without *secret* nobody finds out whose it is by trying."""
    return hmac.new(secret.encode(), f"{kind}\n{text}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
