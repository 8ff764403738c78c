"""Add a monitor to a configuration: where it belongs, what is written, and whether the whole would still be good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from statuspage.config.editing import END, CannotAdd, added
from statuspage.config.loading import load
from statuspage.config.models import Config
from statuspage.config.problems import Problem
from statuspage.config.replacing import alone, replace, text_of
from statuspage.config.sources import files_of, read
from statuspage.config.types import meant

_BOM = "\ufeff"
Trail = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is to stand where: values by their trails."""

    values: Mapping[Trail, Any] = field(default_factory=dict)

    def yaml(self) -> str:
        """The addition alone, as a person would put it in."""
        text = ""
        for trail, value in self.values.items():
            text = added(text, trail, value)
        return text


def addition(config: Config, monitor: Mapping[str, Any], *, service: str | None, component: str | None) -> Addition:
    """Say where *monitor*, its keys as written, belongs: to *component*, or to *service*, which is made where there is none.

    A login typed with it becomes an entry of ``credentials``. Errors: CannotAdd.
    """
    if component is None and service is not None and _is_watched_itself(config, service):
        where: Trail = ("services", service, "monitors", END)
        name = _free(config, f"{service}-{monitor['probe']}")
    else:
        part = _part(config, service, component)
        name = _free(config, f"{part}-{monitor['probe']}")
        where, monitor = ("monitors", name), {"component": part, **monitor}
    values: dict[Trail, Any] = {}
    if isinstance(login := monitor.get("login"), dict):
        entry = _unused(name, config.credentials)
        values["credentials", entry] = login
        monitor = {**monitor, "login": entry}
    return Addition(values={**values, where: monitor})


def _is_watched_itself(config: Config, service: str) -> bool:
    """Whether monitors stand inline at *service*, or may: it is new, or needs nothing else."""
    found = config.services.get(service)
    return found is None or bool(found.monitors) or not found.needs


def _part(config: Config, service: str | None, component: str | None) -> str:
    if component is not None:
        if component not in config.components:
            raise CannotAdd(f"there is no component {component!r}; {meant(component, list(config.components))}")
        return component
    needs = config.services[service].needs if service is not None else ()
    parts = list(dict.fromkeys(part for need in needs for part in need.parts))
    if len(parts) != 1:
        raise CannotAdd(f"{service} needs {', '.join(parts)}: say by --component which of them this watches")
    return parts[0]


def _free(config: Config, wanted: str) -> str:
    return _unused(wanted.replace("_", "-")[:60].rstrip("-"), config.monitors)


def _unused(wanted: str, taken: Mapping[str, Any]) -> str:
    number, found = 1, wanted
    while found in taken:
        number += 1
        found = f"{wanted}-{number}"
    return found


def drafts(path: Path, addition: Addition) -> dict[Path, str]:
    """What the files at *path* would say with *addition*. Errors: CannotAdd, ConfigError, OSError."""
    texts: dict[Path, str] = {}
    for trail, value in addition.values.items():
        file = _file_for(path, trail)
        before = texts.get(file) or text_of(file)
        mark = _BOM if before.startswith(_BOM) else ""
        try:
            texts[file] = mark + added(before.removeprefix(_BOM), trail, value)
        except CannotAdd as trouble:
            raise CannotAdd(f"{file}: {trouble}; put this in yourself:\n{addition.yaml()}") from None
    return texts


def add(path: Path, addition: Addition, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Write *addition* into the configuration at *path*, if it is good with it; gives the files.

    Errors: CannotAdd, ConfigError, OSError.
    """
    with alone(path if path.is_dir() else path.resolve().parent):
        texts = drafts(path, addition)
        load(path, environ, texts)
        for file, text in texts.items():
            replace(file, text)
    return tuple(texts)


def rehearse(path: Path, addition: Addition, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """See whether *addition* could be written; gives what would be doubtful. Errors: CannotAdd, ConfigError, OSError."""
    return load(path, environ, drafts(path, addition)).warnings


def _file_for(path: Path, trail: Trail) -> Path:
    """The file in which most of *trail* stands already; the first where none of it does."""
    files = files_of(path)
    return max(files, key=lambda file: _reached(read(file).value, trail)) if len(files) > 1 else files[0]


def _reached(value: Any, trail: Trail) -> int:  # noqa: ANN401 - any plain value
    depth = 0
    for part in trail:
        if not isinstance(value, dict) or part not in value:
            break
        depth, value = depth + 1, value[part]
    return depth
