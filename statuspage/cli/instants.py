"""Instants as people type them."""

from datetime import UTC, datetime

from statuspage.cli.options import fail


def instant(typed: str, option: str) -> datetime:
    """The instant that was *typed* for *option*: ``2026-03-03``, ``2026-03-03T14:05Z``, with any offset; UTC where none is named."""
    try:
        read = datetime.fromisoformat(typed)
    except ValueError:
        fail(f"{option} {typed}: not an instant; write one such as 2026-03-03 or 2026-03-03T14:05Z")
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def spoken(at: datetime) -> str:
    """An instant for people, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
