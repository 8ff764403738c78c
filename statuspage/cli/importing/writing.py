"""A draft as a file: YAML 1.2 with its comments, every text quoted that could be read as anything else."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from probes.text import plain
from statuspage.cli.importing.drafts import Draft, Entry, Value
from statuspage.cli.importing.findings import CannotImport
from statuspage.config import spelling
from statuspage.render.speaking import speakable

_LONGEST_COMMENT = 300

SITE_URL = "https://status.example.org"


def write(draft: Draft, path: Path) -> None:
    """Write *draft* to a new file. Errors: CannotImport; what stands there already stays."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
            file.write(spelled(draft))
    except FileExistsError as error:
        raise CannotImport(_there(path)) from error
    except OSError as error:
        raise CannotImport(f"{path}: {error.strerror}") from error


def demand_new(path: Path) -> None:
    """Errors: CannotImport where a file at *path* could not be made."""
    if path.exists() or path.is_symlink():
        raise CannotImport(_there(path))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise CannotImport(f"{path}: its directory is not there, or cannot be written to")


def _there(path: Path) -> str:
    return f"{path}: it is there already; give another name, or move it away"


def spelled(draft: Draft) -> str:
    """*draft* as YAML."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    yield from map(_comment, draft.head)
    yield ""
    yield f"site: {{name: {scalar(draft.site)}, url: {scalar(SITE_URL)}}}  # your own address, as readers know it"
    for name in ("credentials", "services", "monitors", "maintenance"):
        section: Mapping[str, Entry] = getattr(draft, name)
        if section:
            yield ""
            yield f"{name}:"
            for id, entry in section.items():
                yield from _entry(id, entry)


def _entry(id: str, entry: Entry) -> Iterator[str]:
    for comment in entry.comments:
        yield f"  {_comment(comment)}"
    if not entry.values:
        yield f"  {scalar(id)}: {{}}"
        return
    yield f"  {scalar(id)}:"
    for key, value in entry.values.items():
        yield f"    {scalar(key)}: {flow(value)}"


def _comment(text: str) -> str:
    return f"# {plain(text, _LONGEST_COMMENT)}".rstrip()


def flow(value: Value) -> str:
    """*value* on one line, without what no text of a configuration may hold."""
    return spelling.flow(_speakable(value))


def scalar(value: str | float) -> str:
    """A text, likewise, or a number."""
    return spelling.scalar(str(speakable(value)) if isinstance(value, str) else value)


def _speakable(value: Value) -> Value:
    match value:
        case str():
            return str(speakable(value))
        case bool() | int() | float():
            return value
        case Mapping():
            return {str(speakable(key)): _speakable(one) for key, one in value.items()}
        case Sequence():
            return [_speakable(one) for one in value]
