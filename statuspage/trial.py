"""Trying a probe out before it is configured: what was typed, as settings; one measurement, heard; and the monitor that it would be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from probes import plugin
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import ProbeResult
from probes.run import run
from probes.settings import Login, Secret, spelled
from probes.text import plain
from statuspage.config.shape import sentence
from statuspage.config.sources import resolve
from statuspage.config.yaml import parse

DEFAULT_TIMEOUT = 10.0  # seconds
_CALENDAR = 253_402_300_800.0
"""The end of the year 9999, in seconds since 1970."""


class Unclear(ValueError):
    """What was typed cannot be tried; the message says which part of it and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is measured, and how long it may take (seconds). *written* are its keys as the configuration would have them."""

    kind: ProbeKind[Any]
    settings: BaseModel
    timeout: float
    written: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The kind and the target."""
        return f"{self.kind.name} {plain(self.kind.target(self.settings), 200)}"


@dataclass(slots=True, kw_only=True)
class Dialogue:
    """Keeps what goes over the wire; where there is somebody to *tell*, tells it as it comes."""

    tell: Callable[[str], None] | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)

    def sent(self, text: str) -> None:
        """Keep what we said."""
        self._keep("sent", "→", text)

    def received(self, text: str) -> None:
        """Keep what came back."""
        self._keep("received", "←", text)

    def _keep(self, direction: str, arrow: str, text: str) -> None:
        self.lines.append((direction, text))
        if self.tell is not None:
            self.tell(f"  {arrow} {text}")


async def tried(question: Question, door: Door, heard: Dialogue, now: datetime) -> ProbeResult:
    """Measure once, at the instant *now*."""
    return await run(question.kind, question.settings, door=door, timeout=question.timeout, listener=heard, started=now)


def verdict(question: Question, result: ProbeResult) -> str:
    """Say in one line whether it works, and if not, why and where."""
    took = f"{result.took * 1000:.{0 if result.took >= 0.01 else 1}f} ms"
    if result.failure is None:
        return f"works: {question.words} in {took}"
    stage = f" at {result.stage}" if result.stage else ""
    return f"fails: {question.words}: {result.failure}{stage} after {took}" + (f": {result.detail}" if result.detail else "")


def figure(name: str, value: float) -> str:
    """Spell a fact the way people read it, by what its name says that it is."""
    exact = f"{value:.15g}"
    if name.endswith("_at") and 0 < value < _CALENDAR:
        return f"{exact}  ({datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M} UTC)"
    if name.endswith("_seconds"):
        return f"{value:.6g} s"
    return f"{exact} bytes" if name.endswith("_bytes") else exact


# --- a typed target -------------------------------------------------------------------------------------------------------------


def is_typed(kind: ProbeKind[Any]) -> bool:
    """Whether a target alone says all that *kind* must know."""
    return kind.ad_hoc is not None and kind.measure is not None


def typed(
    kind: ProbeKind[Any], target: str, said: Sequence[str] = (), *, timeout: float | None = None, environ: Mapping[str, str] | None = None
) -> Question:
    """Read what was typed: a *target*, and settings that were *said* as ``KEY=VALUE``, written as in the file.

    References to secrets in them are looked up in *environ*. Errors: Unclear.
    """
    if kind.ad_hoc is None or kind.measure is None:
        raise Unclear(f"the kind {kind.name} cannot be probed by a target alone: configure a monitor and probe that")
    if not target.isprintable():
        raise Unclear(f"{plain(target)}: a target has printable characters alone")  # no configuration could hold it
    environ = environ or {}
    try:
        settings = kind.ad_hoc(target)
        written, tree = _written(settings), _tree(settings)
        for path, raw, value in [_setting(text, environ) for text in said]:
            _lay(written, path, raw)
            _lay(tree, path, value)
        settings = kind.settings.model_validate(tree) if said else settings
    except ValidationError as trouble:
        raise Unclear("\n".join(_complaint(target, fault["loc"], sentence(fault)) for fault in trouble.errors())) from None
    except Unclear:
        raise
    except ValueError as trouble:
        raise Unclear(f"{target}: {trouble}") from None
    return Question(kind=kind, settings=settings, timeout=timeout or DEFAULT_TIMEOUT, written={"probe": kind.name, **written})


def programs(settings: object) -> tuple[Path, ...]:
    """Allow the program that was typed at this machine's own shell: who types its path there could as well run it."""
    return (Path(settings.command[0]).resolve().parent,) if isinstance(settings, plugin.Settings) else ()


def _complaint(target: str, loc: Sequence[object], words: str) -> str:
    return f"{'.'.join(map(str, loc)) or target}: {words}"


def _setting(text: str, environ: Mapping[str, str]) -> tuple[list[str], Any, Any]:
    """Read ``KEY=VALUE``: the key's path, the value as it was written, and with its references looked up."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise Unclear(f"--set {text}: write KEY=VALUE")
    sources, problems = parse(f"value: {value}", f"--set {key}")
    raw = sources.value.get("value")
    problems += resolve(sources, environ)
    if problems:
        raise Unclear(f"--set {key}: {problems[0].message}")
    return key.split("."), raw, sources.value.get("value")


def _lay(tree: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Lay *value* over what stands at *path*."""
    place = tree
    for step in path[:-1]:
        if not isinstance(place.setdefault(step, {}), dict):
            raise Unclear(f"--set {'.'.join(path)}: {step} has no keys of its own")
        place = place[step]
    place[path[-1]] = value


def _tree(settings: BaseModel) -> dict[str, Any]:
    """Every key that was given, with its value as the model has it."""
    fields = type(settings).model_fields
    given = {fields[name].alias or name: getattr(settings, name) for name in settings.model_fields_set}
    return {name: _tree(value) if isinstance(value, BaseModel) else value for name, value in given.items()}


def _written(settings: BaseModel) -> dict[str, Any]:
    """Every key that says something else than its default, as the file would have it."""
    fields = type(settings).model_fields
    said = {name: getattr(settings, name) for name in fields if name in settings.model_fields_set}
    return {fields[name].alias or name: _spelled(value) for name, value in said.items() if value != fields[name].default}


def _spelled(value: object) -> Any:  # noqa: ANN401 - any plain value
    match value:
        case BaseModel():
            return _written(value)
        case StrEnum():
            return value.value
        case timedelta():
            return spelled(value)
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): _spelled(one) for key, one in value.items()}
        case tuple() | list() | frozenset():
            return [_spelled(one) for one in value]
        case Secret():
            raise Unclear("a secret stands in the target: give it by --set, as {env: NAME} or {file: PATH}")
        case _:
            return str(value)


def with_login(question: Question, name: str, login: Login) -> Question:
    """Have *question* log in as *login*, which the configuration keeps under *name*. Errors: Unclear."""
    try:
        settings = question.kind.settings.model_validate({**_tree(question.settings), "login": login})
    except ValidationError as trouble:
        raise Unclear("\n".join(_complaint("login", fault["loc"], sentence(fault)) for fault in trouble.errors())) from None
    return replace(question, settings=settings, written={**question.written, "login": name})
