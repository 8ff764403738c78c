"""Field types that the kinds' settings share. What they refuse, they refuse with a sentence for the person who wrote the file."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from probes.addresses import literal

CLOSED = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
"""How every settings model is made: unknown keys are errors, values are never changed, errors do not quote a secret."""

# --- durations ----------------------------------------------------------------------------------------------------------------

_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_LONGEST = timedelta(days=36525)
"""Beyond it the calendar ends before the duration does."""
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def duration(text: object) -> timedelta:
    """Read ``500ms``, ``10s``, ``5m``, ``2h`` or ``14d``; a timedelta passes. Errors: ValueError."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("not a duration: write a whole number and its unit, such as 500ms, 10s, 5m, 2h or 14d")
    span = int(match[1]) * _UNITS[match[2]]
    if span > _LONGEST:
        raise ValueError("a duration of more than 100 years")
    return span


def spelled(span: timedelta) -> str:
    """Write *span* the way the file does, in the largest unit that divides it."""
    for unit in ("d", "h", "m", "s"):
        if span and span % _UNITS[unit] == timedelta(0):
            return f"{span // _UNITS[unit]}{unit}"
    return f"{span // _UNITS['ms']}ms" if span else "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(spelled, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,9}(ms|s|m|h|d)$", "examples": ["500ms", "10s", "5m", "2h", "14d"]}),
]
PositiveDuration = Annotated[Duration, Field(gt=timedelta(0))]

# --- places -------------------------------------------------------------------------------------------------------------------

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)


def host(text: str) -> str:
    """Return the name or address *text* in the form in which it is looked up: brackets off, IDNA encoded. Errors: ValueError."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if literal(bare) is not None:
        return bare
    if ":" in bare or "/" in bare or "@" in bare:
        raise ValueError("write a host name or an address alone: no scheme, no port, no path")
    try:
        name = bare if bare.isascii() else bare.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("not a host name") from None
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("not a host name or an address")
    if labels[-1].isdigit() or labels[-1].lower().startswith("0x"):
        raise ValueError("not an IPv4 address: write four numbers from 0 to 255, without leading zeros")
    return name


def host_and_port(text: str, default: int | None = None) -> tuple[str, int]:
    """Read a typed ``host:port``, ``[::1]:port``, or a host alone where there is a *default*. Errors: ValueError."""
    if literal(text) is not None and default is not None:
        return text, default
    name, colon, port = text.rpartition(":")
    if not colon or name.endswith(":") or (text.startswith("[") and text.endswith("]")):
        name, port = text, str(default or "")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise ValueError("write HOST:PORT, with a port from 1 to 65535")
    return host(name), int(port)


def authority(name: str, port: int) -> str:
    """Write a host and port for people: an IPv6 address in brackets."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


Host = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(host)]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
CaFile = Annotated[FilePath, WithJsonSchema({"type": "string", "description": "A PEM file of certificate authorities."})]
CertificateFile = Annotated[FilePath, WithJsonSchema({"type": "string", "description": "A PEM file of the certificate that we show."})]
KeyFile = Annotated[FilePath, WithJsonSchema({"type": "string", "description": "A PEM file of its private key, unencrypted."})]
IpVersion: TypeAlias = Literal["any", 4, 6]
"""By which version of the internet protocol a name is reached; any follows the system's preference."""

# --- secrets ------------------------------------------------------------------------------------------------------------------

_REFERENCE: JsonSchemaValue = {
    "description": "A reference to a secret: the name of an environment variable, or the path of a file.",
    "oneOf": [
        {"type": "object", "properties": {name: {"type": "string", "minLength": 1}}, "required": [name], "additionalProperties": False}
        for name in ("env", "file")
    ],
}


class Secret:
    """A text that is printed and written out as ``***`` wherever it goes; ``reveal`` is the only way to it.

    In the file it is a reference, ``{env: NAME}`` or ``{file: PATH}``; it has been looked up before it comes here.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, to be sent and not to be kept."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def _accept(cls, given: object) -> Self:
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            return cls(given)
        raise ValueError("not a secret: write {env: NAME} or {file: PATH}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema())
        return core_schema.no_info_plain_validator_function(cls._accept, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(_REFERENCE)


class Login(BaseModel):
    """A name and its password. A monitor gives the name of an entry of ``credentials``; that entry stands here when it is validated."""

    model_config = CLOSED

    user: Annotated[str, Field(min_length=1, max_length=320)]
    password: Secret

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "description": "The name of an entry of credentials."}


class TlsPolicy(StrEnum):
    """How a mail connection is encrypted."""

    NEVER = "never"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    OPTIONAL = "optional"
    """STARTTLS where it is offered, in clear where it is not."""


def refuse_controls(text: str) -> str:
    """Refuse a text that would break out of its line on the wire. Errors: ValueError."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("control characters and line ends are not allowed here")
    return text


Line = Annotated[str, AfterValidator(refuse_controls), Field(min_length=1, max_length=1000)]
