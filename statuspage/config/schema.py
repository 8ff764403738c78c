"""The JSON Schema of the configuration, for editors: made from the same models that validate it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from probes.catalog import KINDS
from probes.kind import ProbeKind
from probes.settings import authority, spelled
from statuspage.config.models import Config
from statuspage.config.types import Address

JsonSchema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kinds: Mapping[str, ProbeKind[Any]] = KINDS) -> JsonSchema:
    """Return the schema; where a kind of probe stands, *kinds* say which other keys may stand beside it."""
    schema = Config.model_json_schema(schema_generator=_AsInTheFile)
    definitions = schema["$defs"]
    for name in ("Monitor", "Control"):
        own = definitions[name]
        definitions[name] = _choice(name, own, kinds)
        definitions |= {f"{name}.{kind}": _with_settings(own, described) for kind, described in kinds.items()}
    for kind, described in kinds.items():
        nested = _settings(described).get("$defs", {})
        definitions |= {f"{kind}.{name}": definition for name, definition in nested.items()}
    return {"$schema": DIALECT, **_tidied(schema), "title": "Configuration of the status page service"}


class _AsInTheFile(GenerateJsonSchema):
    """Spells defaults the way they would be written in the file."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - a default is any value
        """Spell *dft*."""
        match dft:
            case timedelta():
                return spelled(dft)
            case Address():
                return authority(dft.host, dft.port)
            case BaseModel():
                return dft.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            case _:
                return super().encode_default(dft)


def _tidied(schema: Any) -> Any:  # noqa: ANN401 - a schema is any JSON value
    """Leave out what tells an editor nothing: titles made from keys, null where a key is simply left out, empty defaults."""
    match schema:
        case {"anyOf": [{**only}, {"type": "null"}]}:
            return _tidied({**only, **{key: value for key, value in schema.items() if key not in ("anyOf", "default")}})
        case {"anyOf": [*choices, {"type": "null"}]}:
            return _tidied({**schema, "anyOf": choices})
        case dict():
            kept = schema.items()
            return {key: _tidied(value) for key, value in kept if not _is_noise(key, value)}
        case list():
            return [_tidied(entry) for entry in schema]
        case _:
            return schema


def _is_noise(key: str, value: object) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, {}, []))


def _settings(kind: ProbeKind[Any]) -> JsonSchema:
    schema: JsonSchema = kind.settings.model_json_schema(ref_template=f"#/$defs/{kind.name}.{{model}}", schema_generator=_AsInTheFile)
    return schema


def _choice(name: str, own: JsonSchema, kinds: Mapping[str, ProbeKind[Any]]) -> JsonSchema:
    return {
        "description": own["description"],
        "type": "object",
        "required": ["probe"],
        "discriminator": {"propertyName": "probe"},
        "oneOf": [{"$ref": f"#/$defs/{name}.{kind}"} for kind in kinds],
    }


def _with_settings(own: JsonSchema, kind: ProbeKind[Any]) -> JsonSchema:
    settings = _settings(kind)
    named = {"const": kind.name, "description": kind.summary}
    return {
        "description": f"{kind.summary}.",
        "type": "object",
        "properties": {**own["properties"], "probe": named, **settings.get("properties", {})},
        "required": ["probe", *settings.get("required", ())],
        "additionalProperties": False,
    }
