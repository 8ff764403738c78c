"""How the API reads what it is sent: strict JSON into a model, and numbers within bounds."""

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from statuspage.config.shape import sentence
from statuspage.store.listing import Place
from statuspage.web.by_language import LANGUAGES, TEXT
from statuspage.web.desk import DESK
from statuspage.web.problems import Rejected

M = TypeVar("M", bound=BaseModel)

_MOST = 100
_USUAL = 50


async def body_of(request: web.Request, model: type[M]) -> M:
    """Read the request's JSON as *model*. Errors: Rejected 400 no JSON, 415 another type, 422 what does not fit, by field."""
    raw = await request.read()
    if raw and request.content_type != "application/json":
        raise Rejected(415, "Send application/json.")
    try:
        return model.model_validate_json(raw or b"{}", strict=True, context={"languages": request.app[DESK].languages()})
    except ValidationError as error:
        raise misfit(error) from error


def misfit(error: ValidationError) -> Rejected:
    """Say what does not fit, field by field, without repeating what was sent."""
    found = error.errors(include_url=False)
    if any(one["type"] == "json_invalid" for one in found):
        return Rejected(400, f"This is not JSON. {found[0]['msg']}.")
    errors = [{"path": _path(one["loc"]), "message": _message(one)} for one in found]
    words = "; ".join(f"{one['path'] or 'body'}: {one['message']}" for one in errors[:5])
    return Rejected(422, words, more={"errors": errors})


def _path(place: Iterable[str | int]) -> str:
    """Where it stands. Which of two forms a text has is no key of the request."""
    return ".".join(str(part) for part in place if part not in {TEXT, LANGUAGES})


def _message(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "extra_forbidden":
            return "unknown key; remove it"
        case "missing":
            return "is missing; write it"
        case _:
            return sentence(fault)


def limit_of(request: web.Request) -> int:
    """Return how many rows a list may hold. Errors: Rejected 422 outside 1 to 100."""
    text = request.query.get("limit", str(_USUAL))
    if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= _MOST:
        raise Rejected(422, f"limit is a number from 1 to {_MOST}.")
    return int(text)


def cursor(place: Place) -> str:
    """Spell where a page ended, for ``next``."""
    at, id_ = place
    return base64.urlsafe_b64encode(f"{at.isoformat()} {id_}".encode()).decode().rstrip("=")


def place_of(text: str | None) -> Place | None:
    """Understand a cursor. Errors: Rejected 422 for one that ``cursor`` did not make."""
    if text is None:
        return None
    try:
        at, id_ = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode().split(" ")
        instant = datetime.fromisoformat(at)
        place = (instant.astimezone(UTC), id_)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise Rejected(422, "This cursor is not one of ours.") from error
    if instant.tzinfo is None or not id_.isprintable():
        raise Rejected(422, "This cursor is not one of ours.")
    return place


def number_of(text: str | None) -> int | None:
    """Understand a cursor that is a number. Errors: Rejected 422."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Rejected(422, "This cursor is not one of ours.")
    return int(text)


def row_of(text: str) -> int:
    """The number in an address that leads to a row; 0, which leads to none, for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def instant_typed(typed: str, zone: str) -> datetime | None:
    """The instant that a person typed, in UTC; by *zone*'s clock on the wall where it names none. None for what is no instant."""
    try:
        at = datetime.fromisoformat(typed.strip())
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant_of(request: web.Request, name: str, otherwise: datetime) -> datetime:
    """Return the instant that the query's *name* says, in UTC. Errors: Rejected 422 for one without a zone, or that is none."""
    text = request.query.get(name)
    if text is None:
        return otherwise
    refusal = Rejected(422, f"{name} is an instant with its zone, such as 2026-03-01T00:00:00Z.")
    try:
        at = datetime.fromisoformat(text)
        instant = at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refusal from error
    if at.tzinfo is None:
        raise refusal
    return instant
