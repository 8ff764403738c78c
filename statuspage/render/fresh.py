"""How old the picture is, to the second: what the page's own bytes must not say, or they would change all the time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The exact age, ready to be sent: *as_of* for a header beside every answer, *body* as ``/fresh.json``."""

    as_of: str
    body: bytes


def fresh(*, as_of: datetime, page_etag: str, stale_after: float, seen: Mapping[str, datetime | None]) -> Fresh:
    """Tell a script on the page whether what it shows still holds.

    *as_of* is when the picture was last known to be true, *page_etag* the tag of the page's newest bytes, *stale_after* the age in
    seconds past which the page should turn grey, *seen* the newest result of each service by its id (None: nothing yet).
    """
    text = spell(as_of)
    said = {
        "as_of": text,
        "page": page_etag.strip('"'),
        "stale_after": stale_after,
        "services": {service: None if at is None else spell(at) for service, at in seen.items()},
    }
    return Fresh(as_of=text, body=json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())


def spell(at: datetime) -> str:
    """Spell an aware instant in UTC to the second: ``2026-11-22T16:00:00Z`` (RFC 3339)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
