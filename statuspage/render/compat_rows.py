"""What every row of the Statuspage v2 API shares: how an instant, an id and a row are spelled."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeAlias

Row: TypeAlias = dict[str, object]


def spelled(row: Row) -> str:
    """A row as JSON."""
    return json.dumps(row, separators=(",", ":"))


def listed(rows: Iterable[str]) -> str:
    """Spelled rows as a JSON array."""
    return f"[{','.join(rows)}]"


def update_id(story: str, number: int) -> str:
    """Name an update for good: 12 lowercase letters and digits, from the id of its incident or window and its number."""
    drawn = int.from_bytes(hashlib.sha256(f"{story}/{number}".encode()).digest())
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(letters[drawn // 36**place % 36] for place in range(12))


def instant(at: datetime | None) -> str | None:
    """Spell an instant as this API does: UTC, cut to milliseconds, with a Z."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
