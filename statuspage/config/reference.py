"""Every key of the configuration in words: ``docs/configuration.md``, made from the same models that validate it.

``python -m statuspage.config.reference`` writes it and ``config/schema.json`` anew, from the top of a checkout.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from probes.catalog import KINDS
from probes.kind import ProbeKind
from statuspage.config.advice import INACTIVE
from statuspage.config.schema import JsonSchema, json_schema
from statuspage.formula import INPUTS

INTRODUCTION = """\
# The configuration

One YAML 1.2 file, or a directory of `*.yaml` files whose sections are merged. `statuspage check-config FILE` tells everything that is
wrong with it at once, with line and column, and what it would change of what runs ([changes](changes.md)). `config/examples/` holds a
short and a long example, `config/schema.json` the JSON Schema for editors. This page is made from the models that validate the file.

* **Ids** are the keys of entries: lowercase letters, digits and hyphens. They stay; names change freely.
* **Durations** are a whole number and a unit: `500ms` `10s` `5m` `2h` `14d`.
* **Texts** for customers are one text in the site's language, or one by language: `{en: Email, de: E-Mail}`.
* **Secrets** never stand in the file: `{env: NAME}` is an environment variable, `{file: PATH}` a file beside the one that names it.
  What is put into such a file is used within a second, without a restart; an environment variable is as it was at the start.
* **Plain YAML**: `no`, `010`, `12:30` and dates are text; a key that stands twice, an unknown key, a tag or a merge key is an error.
* **Not active yet** marks what is validated in full and nothing acts on in this version; `check-config` names what a file uses of it.
* **Required** are `site.name`, `site.url`, a monitor's `probe` and its kind's own required keys.
"""


def reference() -> str:
    """Return the page."""
    schema = json_schema()
    parts = [INTRODUCTION]
    for section, described in schema["properties"].items():
        parts.append(f"## {section}\n\n{_meaning(described, schema)}\n\n{_table(_rows(section, described, schema))}")
    parts += [f"## Probe kind {kind.name}\n\n{_kind(kind, schema)}" for kind in KINDS.values()]
    inputs = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in INPUTS.items())
    parts.append(
        "## Inputs of the formula\n\n`priority.score` is a formula in CEL (Common Expression Language). Every input is a double, so write\n"
        f"numbers with a point: `2.0 * hours_down`.\n\n| Input | Meaning |\n|---|---|\n{inputs}\n"
    )
    return "\n".join(parts)


Row = tuple[str, str, str, str]


def _table(rows: Iterator[Row]) -> str:
    lines = [f"| `{key}` | {kind} | {default} | {meaning} |" for key, kind, default, meaning in rows]
    return "\n".join(["| Key | Type | Default | Meaning |", "|---|---|---|---|", *lines]) + "\n"


def _kind(kind: ProbeKind[BaseModel], schema: JsonSchema) -> str:
    """Describe the keys that only this kind has."""
    own = schema["$defs"][f"Monitor.{kind.name}"]
    names = [name for name in own["properties"] if name in kind.settings.model_fields]
    mine = {"properties": {name: own["properties"][name] for name in names}, "required": own["required"]}
    told = " ".join((kind.settings.__doc__ or "").split())
    return f"{kind.summary}. {told}\n\n{_table(_keys('', mine, schema))}"


def _rows(key: str, described: JsonSchema, schema: JsonSchema) -> Iterator[Row]:
    """Walk down from the section *key* to every key that may be written below it."""
    below = _target(described, schema)
    if "patternProperties" in below:
        (entry,) = below["patternProperties"].values()
        yield from _rows(f"{key}.ID", entry, schema)
    elif "oneOf" in below:
        yield from _keys(key, _common(below, schema), schema)
    else:
        yield from _keys(key, below, schema)


def _common(choice: JsonSchema, schema: JsonSchema) -> JsonSchema:
    """Keep what every alternative of *choice* has, in the words of the first."""
    found = [_target(one, schema) for one in choice["oneOf"]]
    shared = set.intersection(*(set(one["properties"]) for one in found))
    properties = {name: entry for name, entry in found[0]["properties"].items() if name in shared}
    kinds = " ".join(f"`{one['properties']['probe']['const']}`" for one in found)
    return {"properties": {**properties, "probe": {"type": "string", "description": f"The kind of probe: {kinds}."}}, "required": ["probe"]}


def _keys(key: str, below: JsonSchema, schema: JsonSchema) -> Iterator[Row]:
    for name, entry in below.get("properties", {}).items():
        path = f"{key}.{name}" if key else name
        target = _target(entry, schema)
        needed = "required" if name in below.get("required", ()) else _default(entry)
        meaning = _meaning(entry, schema).replace("|", "\\|")
        yield path, _type(entry, schema), needed, f"{meaning} *Not active yet.*" if is_inactive(path) else meaning
        if path != "services.ID.monitors":
            yield from _deeper(path, target, schema)


def is_inactive(path: str) -> bool:
    """Whether nothing acts yet on the key at *path*, in which entries are called ID."""
    idle = (pattern.replace("*", "ID") for patterns in INACTIVE.values() for pattern in patterns)
    return any(
        path == start or path.startswith((f"{start}.", f"{start}[")) for start in idle if start.split(".")[-1] not in ("probe", "ID")
    )


def _deeper(path: str, target: JsonSchema, schema: JsonSchema) -> Iterator[Row]:
    match target:
        case {"properties": _}:
            yield from _keys(path, target, schema)
        case {"oneOf": [{"$ref": _}, *_]}:
            yield from _keys(path, _common(target, schema), schema)
        case {"type": "array", "items": {"$ref": _} as entry} | {"type": "array", "items": {"anyOf": [_, {"$ref": _} as entry]}}:
            yield from _deeper(f"{path}[]", _target(entry, schema), schema)
        case _:
            return


def _target(described: JsonSchema, schema: JsonSchema) -> JsonSchema:
    found: JsonSchema = schema["$defs"][described["$ref"].removeprefix("#/$defs/")] if "$ref" in described else described
    return found


def _meaning(entry: JsonSchema, schema: JsonSchema) -> str:
    return str(entry.get("description") or _target(entry, schema).get("description", ""))


def _default(entry: JsonSchema) -> str:
    return f"`{json.dumps(entry['default'], ensure_ascii=False)}`" if "default" in entry else ""


def _type(entry: JsonSchema, schema: JsonSchema) -> str:
    target = _target(entry, schema)
    match target:
        case {"enum": list() as choices}:
            return " ".join(f"`{choice}`" for choice in dict.fromkeys(map(str, choices)))
        case {"anyOf": list() as choices}:
            return " or ".join(dict.fromkeys(_type(choice, schema) for choice in choices))
        case {"type": "array", "items": dict() as items}:
            return f"list of {_type(items, schema)}"
        case {"type": "string", "pattern": str() as pattern} if pattern.startswith(r"^\d{1,9}"):
            return "duration"
        case {"type": "object"} | {"oneOf": _}:
            return "mapping"
        case {"type": list() as types}:
            return " or ".join(_type({**target, "type": one}, schema) for one in types)
        case {"type": "string"}:
            return "text"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer"}:
            return "whole number"
        case _:
            return str(target.get("type", "any"))


def main() -> None:
    """Write the page and the schema where they belong in a checkout."""
    Path("docs/configuration.md").write_text(reference(), encoding="utf-8")
    Path("config/schema.json").write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
