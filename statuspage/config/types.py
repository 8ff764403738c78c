"""Field types of the configuration's own keys. What they refuse, they refuse with a sentence that says how to mend it."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, NamedTuple, NoReturn, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from probes.settings import CLOSED, Secret, host

ALWAYS = "always"
"""What stands where a calendar's id may, and means every hour of every day."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?", re.ASCII)

Network: TypeAlias = IPv4Network | IPv6Network


def meant(word: str, known: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """Say which of *known* was probably meant by *word*, or which there are, as the end of a sentence."""
    names = list(known)
    if near := get_close_matches(word, names, n=1):
        return f"did you mean {near[0]!r}?"
    if not names:
        return "there are none yet"
    return "there are: " + ", ".join(names[:12]) + (", …" if len(names) > 12 else "")


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("an id is lowercase letters, digits and hyphens, at most 63, such as outgoing-mail")
    return text


def _words(given: object) -> dict[str, str]:
    by_language = {"": given} if isinstance(given, str) else given
    if not isinstance(by_language, Mapping) or not by_language:
        raise ValueError("write a text (numbers in quotes), or one by language: {en: …, de: …}")
    for language, text in by_language.items():
        if language and not _LANGUAGE.fullmatch(language):
            raise ValueError(f"{language!r} is not a language; write {{en: …, de: …}}")
        if not isinstance(text, str) or not text.strip():
            raise ValueError("a text is missing; write it (numbers in quotes), or remove the key")
    return dict(by_language)


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise ValueError("not a language; write its code, such as en, de or pt-BR")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(text, sorted(available_timezones()), n=1)
        raise ValueError("no such time zone; " + (f"did you mean {near[0]!r}?" if near else "write one such as Europe/Berlin")) from None
    return text


def web_url(text: str) -> str:
    """Take a whole http or https URL. Errors: ValueError."""
    try:
        parts = urlsplit(text)
        complete = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        complete = False
    if not complete or any(letter.isspace() for letter in text):
        raise ValueError("not a whole URL; begin with https:// or http:// and a host")
    return text


def _site_url(text: str) -> str:
    parts = urlsplit(web_url(text))
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("the canonical address is scheme, host, port and path alone; remove the rest")
    return text.rstrip("/")


def _link(text: str) -> str:
    return text if text.startswith(("mailto:", "tel:")) and len(text) > 7 else web_url(text)


def _reference(text: str) -> str:
    scheme, found, rest = text.partition("://")
    if not found or not scheme:
        raise ValueError("not a URL; it begins with a scheme, such as slack:// or mailto://")
    if not rest:
        raise ValueError(f"nothing follows {scheme}://; write where it leads")
    return text


def _store_url(text: str) -> str:
    if not re.match(r"sqlite:///[^/?]|postgresql\+psycopg://[^/]", text):
        raise ValueError("not a store; write sqlite:///NAME (in the data directory) or postgresql+psycopg://USER@HOST/DATABASE")
    return text


def _reveal(given: object) -> object:
    return given.reveal() if isinstance(given, Secret) else given


def _sender(text: str) -> str:
    _, address = parseaddr(text)
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
        raise ValueError('not a sender; write "Name <address@example.org>"')
    return text


def _address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", text):
        raise ValueError("not a mail address")
    return text


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


def _listen(given: object) -> Address:
    name, colon, port = given.rpartition(":") if isinstance(given, str) else ("", "", "")
    if not (name and colon and port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("not an address to listen on; write HOST:PORT, such as 127.0.0.1:8080 (0.0.0.0:8080 for every address)")
    if ":" in name and not name.startswith("["):
        raise ValueError("put an IPv6 address in brackets: [::1]:8080")
    return Address(host(name), int(port))


def _network(given: object) -> Network:
    try:
        return ip_network(given if isinstance(given, str) else "")
    except ValueError as error:
        hint = (
            "write a network such as 10.0.0.0/8"
            if "host bits" not in str(error)
            else "bits of a host are set; write the network's first address"
        )
        raise ValueError(f"not a network; {hint}") from None


class Hours(NamedTuple):
    """A stretch of a day, in minutes since its midnight; *closes* may be 1440."""

    opens: int
    closes: int


def _hours(given: object) -> Hours:
    found = _HOURS.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError('not hours; write "08:00-18:00" (the day ends at 24:00)')
    hours = Hours(int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4]))
    if not hours.opens < hours.closes <= 24 * 60:
        raise ValueError("hours end after they begin and by 24:00; split a night at midnight")
    return hours


def weekdays(text: str) -> tuple[int, ...]:
    """Read ``mon``, ``mon-fri`` as days of the week, Monday 0. Errors: ValueError."""
    first, dash, last = text.partition("-")
    if first not in DAYS or (dash and last not in DAYS) or (dash and DAYS.index(last) < DAYS.index(first)):
        raise ValueError("not days of the week; write mon, or from-to such as mon-fri: " + " ".join(DAYS))
    return tuple(range(DAYS.index(first), DAYS.index(last or first) + 1))


def _days(text: str) -> str:
    weekdays(text)
    return text


def _date(given: object) -> date:
    try:
        if isinstance(given, str) and _DATE.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:
        pass  # the sentence below says it for both
    raise ValueError("not a date; write it as 2026-12-24")


def _local_time(given: object) -> datetime:
    try:
        if isinstance(given, str) and _INSTANT.fullmatch(given) and 1990 <= int(given[:4]) < 2200:
            return datetime.fromisoformat(given)
    except ValueError:
        pass  # the sentence below says it for both
    raise ValueError('not a time; write "2026-01-04 02:00", in the zone that timezone names')


Id = Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"})]
CalendarId = Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "description": "A calendar's id, or always."})]
Text = Annotated[
    Mapping[str, str],
    PlainValidator(_words),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "minProperties": 1,
                    "examples": [{"en": "Email", "de": "E-Mail"}],
                },
            ]
        }
    ),
]
"""What customers read, by language; the key is empty where the file gives one text, in the site's language."""
Title = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, AfterValidator(_language)]
Zone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[str, AfterValidator(web_url), WithJsonSchema({"type": "string", "format": "uri"})]
SiteUrl = Annotated[str, AfterValidator(_site_url), WithJsonSchema({"type": "string", "format": "uri"})]
Link = Annotated[str, AfterValidator(_link), WithJsonSchema({"type": "string", "format": "uri"})]
_SECRET_TEXT = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "description": "{env: NAME} or {file: PATH}"}]})
NotifyUrl = Annotated[str, AfterValidator(_reference), BeforeValidator(_reveal), _SECRET_TEXT]
StoreUrl = Annotated[str, AfterValidator(_store_url), BeforeValidator(_reveal), _SECRET_TEXT]
Sender = Annotated[str, AfterValidator(_sender)]
MailAddress = Annotated[str, AfterValidator(_address)]
ListenAddress = Annotated[
    Address,
    PlainValidator(_listen),
    PlainSerializer(lambda address: f"{address.host}:{address.port}", return_type=str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8080"]}),
]
Cidr = Annotated[Network, PlainValidator(_network), WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8"]})]
OpenHours = Annotated[Hours, PlainValidator(_hours), WithJsonSchema({"type": "string", "pattern": _HOURS.pattern})]
Days = Annotated[str, AfterValidator(_days)]
Date = Annotated[date, PlainValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
LocalTime = Annotated[datetime, PlainValidator(_local_time), WithJsonSchema({"type": "string", "examples": ["2026-01-04 02:00"]})]
Yes = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=1000)]
Amount = Annotated[float, Field(strict=True, ge=0, le=1e15, allow_inf_nan=False)]


class Section(BaseModel):
    """What all sections of the file share: closed to unknown keys, frozen, silent about what was typed."""

    model_config = CLOSED


def refuse(sentence: str) -> NoReturn:
    """Refuse a value with *sentence*, which says how to mend it. Errors: always."""
    raise PydanticCustomError("meaning", "{sentence}", {"sentence": sentence})
