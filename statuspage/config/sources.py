"""Bring a configuration together: one file or a directory of them, with its references to secrets looked up."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from probes.settings import Secret
from statuspage.config.problems import ConfigError, Place, Problem, Sources, Trail, seen, shown
from statuspage.config.yaml import parse

MAX_BYTES = 4 * 1024 * 1024
MAX_SECRET_BYTES = 64 * 1024
Drafts: TypeAlias = Mapping[Path, str | None]
NO_DRAFTS: Drafts = MappingProxyType({})
_PART = re.compile(r"^# --- ([^/\n]+\.yaml)\n", re.MULTILINE)


def read(path: Path, drafts: Drafts = NO_DRAFTS) -> Sources:
    """Read *path*: a file, or a directory's ``*.yaml`` in the order of their names, top-level sections merged.

    *drafts* are what files are about to say, None where one is about to go.
    Errors: ConfigError where anything cannot be read as YAML, with every such place.
    """
    files = files_of(path, drafts)
    merged, problems = Sources(places={(): Place(str(files[0]), 1, 1)}), list[Problem]()
    for file in files:
        draft = drafts.get(file)
        source, found = _read_file(file) if draft is None else parse(draft.removeprefix("\ufeff"), str(file))
        problems += found
        problems += _merge(merged, source)
        merged.text += source.text if not path.is_dir() else f"# --- {file.name}\n{source.text.rstrip()}\n"  # as parts_of reads it
    if problems:
        raise ConfigError(tuple(problems))
    return merged


def parts_of(text: str) -> tuple[tuple[str, str], ...]:
    """The files that *text*, as ``Sources`` keep it, was read from, with their names; one without a name where it was no directory."""
    if not _PART.match(text):
        return (("", text),)
    _, *rest = _PART.split(text)
    return tuple(zip(rest[::2], rest[1::2], strict=True))


def files_of(path: Path, drafts: Drafts = NO_DRAFTS) -> list[Path]:
    """The files of a configuration, in their order, as if *drafts* were written. Errors: ConfigError where a directory holds none."""
    if not path.is_dir():
        return [path]
    found = {file for file in path.glob("*.yaml") if not file.name.startswith(".")} | drafts.keys()
    files = sorted(file for file in found if drafts.get(file, "") is not None)
    if not files:
        raise ConfigError((_whole_file(path, "this directory holds no file named *.yaml; put one there"),))
    return files


def _whole_file(file: Path, message: str) -> Problem:
    return Problem(str(file), None, None, "", message)


def _read_file(file: Path) -> tuple[Sources, list[Problem]]:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return Sources(), [_whole_file(file, f"cannot be read: {error.strerror}")]
    if len(raw) > MAX_BYTES:
        return Sources(), [_whole_file(file, f"is larger than {MAX_BYTES >> 20} MiB; split it into a directory of files")]
    try:
        return parse(raw.decode("utf-8-sig"), str(file))
    except UnicodeDecodeError as error:
        line, column = raw.count(b"\n", 0, error.start) + 1, error.start - raw.rfind(b"\n", 0, error.start)
        return Sources(), [Problem(str(file), line, column, "", "is not UTF-8 here; save the file as UTF-8")]


def _merge(merged: Sources, source: Sources) -> list[Problem]:
    """Add *source* to *merged*: sections that are mappings grow, anything else may stand in one file only."""
    problems = []
    for section, value in source.value.items():
        mine = merged.value.get(section)
        if mine is None or value is None:
            merged.value[section] = value if mine is None else mine
        elif isinstance(mine, dict) and isinstance(value, dict):
            problems += [_twice(merged, source, (section, key)) for key in value if key in mine]
            merged.value[section] = {**mine, **value}
        else:
            problems.append(_twice(merged, source, (section,)))
    merged.places = {**source.places, **merged.places}
    merged.keys = {**source.keys, **merged.keys}
    return problems


def _twice(merged: Sources, source: Sources, trail: Trail) -> Problem:
    first = merged.place(trail, at_key=True)
    return source.problem(trail, f"stands in two files; keep it here or in {first.file}, line {first.line}", at_key=True)


def resolve(sources: Sources, environ: Mapping[str, str]) -> list[Problem]:
    """Put a Secret where a reference stands: ``{env: NAME}``, or ``{file: PATH}`` relative to the file that names it.

    One that cannot be looked up becomes an empty Secret and a problem, so that the rest can still be judged.
    """
    problems = list[Problem]()
    sources.value = {key: _resolved(value, (key,), sources, environ, problems) for key, value in sources.value.items()}
    return problems


def references(value: Any, trail: Trail = ()) -> Iterator[tuple[Trail, str, str]]:  # noqa: ANN401 - any plain value
    """Every reference to a secret below *value*, as it was read: its trail, ``env`` or ``file``, and the name that it gives."""
    match value:
        case {"env": str(name)} | {"file": str(name)} if len(value) == 1:
            yield trail, next(iter(value)), name
        case dict():
            for key, entry in value.items():
                yield from references(entry, (*trail, key))
        case list():
            for index, entry in enumerate(value):
                yield from references(entry, (*trail, index))
        case _:
            return


def _resolved(value: Any, trail: Trail, sources: Sources, environ: Mapping[str, str], problems: list[Problem]) -> Any:  # noqa: ANN401 - any plain value
    match value:
        case {"env": str(name)} if len(value) == 1:
            text, fault = _from_environment(name, environ)
        case {"file": str(name)} if len(value) == 1:
            text, fault = _from_file(Path(sources.place(trail).file).parent / name, sources)
        case dict():
            return {key: _resolved(entry, (*trail, key), sources, environ, problems) for key, entry in value.items()}
        case list():
            return [_resolved(entry, (*trail, index), sources, environ, problems) for index, entry in enumerate(value)]
        case _:
            return value
    if fault:
        problems.append(sources.problem(trail, fault, shown(name)))
    return Secret(text)


def _from_environment(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    text = environ.get(name, "")
    return text, "" if text else "no environment variable of this name is set; set it, or correct the name"


def _from_file(path: Path, sources: Sources) -> tuple[str, str]:
    try:
        with path.open("rb") as stream:
            sources.secret_files.add(seen(path, os.fstat(stream.fileno())))
            text = stream.read(MAX_SECRET_BYTES + 1).decode().rstrip("\r\n")
    except OSError as error:
        return "", f"the secret's file cannot be read: {error.strerror}; correct its path or its permissions"
    except ValueError:
        return "", "the secret's file is not UTF-8 text, or its name is not one"
    if len(text) > MAX_SECRET_BYTES:
        return "", f"the secret's file is larger than {MAX_SECRET_BYTES >> 10} KiB; it should hold the secret alone"
    return text, "" if text else "the secret's file is empty; put the secret into it"
