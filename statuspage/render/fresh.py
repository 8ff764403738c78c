"""How old the picture is, to the second, and which publication is the newest: what the page's own bytes must not say.

They would change all the time. A page that is open asks for it, or is told.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The exact age, ready to be sent: *as_of* for a header beside every answer, *body* as ``/fresh.json``.

    *publication* names all that is public now: whatever else is to be read has another. *stale_after* is the age in seconds past which
    the page should turn grey.
    """

    as_of: str
    body: bytes
    publication: str
    stale_after: float


def fresh(*, as_of: datetime, publication: str, stale_after: float, seen: Mapping[str, datetime | None]) -> Fresh:
    """Tell a script on the page whether what it shows still holds.

    *as_of* is when the picture was last known to be true, *seen* the newest result of each service by its id (None: nothing yet).
    """
    text = spell(as_of)
    services = {service: None if at is None else spell(at) for service, at in seen.items()}
    said = {"as_of": text, "publication": publication, "stale_after": stale_after, "services": services}
    return Fresh(as_of=text, body=_json(said), publication=publication, stale_after=stale_after)


def published(fresh: Fresh, *, now: datetime, within: float) -> bytes:
    """Tell an open page of a publication, as a server-sent event (HTML Living Standard, section 9.2.6). All it may need is in it.

    *now* is our clock, since the reader's may be wrong. The page is to ask for its bytes some time *within* so many seconds.
    """
    said = {
        "as_of": fresh.as_of,
        "now": spell(now),
        "publication": fresh.publication,
        "stale_after": fresh.stale_after,
        "within": round(within, 1),
    }
    return b"id: %b\nevent: published\ndata: %b\n\n" % (fresh.publication.encode("ascii"), _json(said))


def _json(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def spell(at: datetime) -> str:
    """Spell an aware instant in UTC to the second: ``2026-11-22T16:00:00Z`` (RFC 3339)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
