"""Values as YAML on one line: the way in which this product writes into a configuration."""

import json
import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9][A-Za-z0-9_./-]*)*")
_MEANT = re.compile(r"(?i)true|false|null|yes|no|on|off|y|n|nan|inf")
_BREAKS = str.maketrans({"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029", "\ufeff": "\\ufeff"})


def flow(value: object) -> str:
    """*value* on one line: plain texts, numbers and booleans, mappings and sequences of them, or None. Errors: TypeError."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return scalar(value)
        case Mapping():
            return "{" + ", ".join(f"{scalar(key)}: {flow(one)}" for key, one in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(flow, value)) + "]"
        case _:
            raise TypeError(f"no YAML for {type(value).__name__}")


def scalar(value: str | float) -> str:
    """A text or a number. A text is quoted unless nobody could take it for anything else."""
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and not _MEANT.fullmatch(value):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False).translate(_BREAKS)
