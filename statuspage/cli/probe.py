"""The commands ``probe`` and ``kinds``: measure once, now, and say everything that was seen."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from probes.catalog import BrokenKind, kinds
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Phase, ProbeResult
from probes.run import run
from probes.settings import Login, duration, spelled
from statuspage.cli.config import load
from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.config.loading import plans

_BAR = 30  # letters
_DEFAULT_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is to be measured, and how long it may take (seconds)."""

    kind: ProbeKind[Any]
    settings: BaseModel
    timeout: float
    door: Door


@dataclass(slots=True, kw_only=True)
class _Dialogue:
    """Keeps what goes over the wire; where there is somebody to *tell*, tells it as it comes."""

    tell: Callable[[str], None] | None
    lines: list[tuple[str, str]] = field(default_factory=list)

    def sent(self, text: str) -> None:
        self._keep("sent", "→", text)

    def received(self, text: str) -> None:
        self._keep("received", "←", text)

    def _keep(self, direction: str, arrow: str, text: str) -> None:
        self.lines.append((direction, text))
        if self.tell is not None:
            self.tell(f"{arrow} {text}")


def probe(what: str, *, kind: str | None, timeout: str | None, config: Path, wants_json: bool) -> int:
    """Measure the monitor *what*, or the target *what* by *kind*; gives the exit code."""
    seconds = None if timeout is None else _seconds(timeout)
    question = _typed(kind, what, seconds) if kind is not None else _configured(what, seconds, config)
    heard = _Dialogue(tell=None if wants_json else typer.echo)
    result = asyncio.run(run(question.kind, question.settings, door=question.door, timeout=question.timeout, listener=heard))
    if wants_json:
        print_json(_spelled(question, result, heard))
    else:
        _print(question, result)
    return GOOD if result.failure is None else BAD


def _seconds(text: str) -> float:
    try:
        seconds = duration(text).total_seconds()
    except ValueError as trouble:
        fail(f"--timeout {text}: {trouble}")
    return seconds if seconds > 0 else fail(f"--timeout {text}: longer than nothing, please")


def _known_kinds() -> Mapping[str, ProbeKind[Any]]:
    try:
        return kinds()
    except BrokenKind as trouble:
        fail(str(trouble))


def _kind(name: str) -> ProbeKind[Any]:
    known = _known_kinds()
    return known[name] if name in known else fail(f"there is no probe kind {name!r}: choose one of {', '.join(known)}")


def _typed(name: str, target: str, timeout: float | None) -> _Question:
    kind = _kind(name)
    if kind.ad_hoc is None or kind.measure is None:
        fail(f"the kind {name} cannot be probed by a target alone: configure a monitor and probe that")
    try:
        settings = kind.ad_hoc(target)
    except ValueError as trouble:
        fail(f"{target}: {_first_line(trouble)}")
    return _Question(kind=kind, settings=settings, timeout=timeout or _DEFAULT_TIMEOUT, door=Door())


def _configured(monitor: str, timeout: float | None, path: Path) -> _Question:
    config = load(path).config
    plan = next((plan for plan in plans(config) if plan.monitor == monitor), None)
    if plan is not None:
        return _Question(kind=plan.kind, settings=plan.settings, timeout=timeout or plan.timeout, door=Door(allow=config.egress.allow))
    if monitor in config.monitors:
        return fail(f"{monitor} cannot be probed from here: its results come from outside, or another location probes it")
    return fail(f"{path} has no monitor {monitor!r}: choose one of {', '.join(config.monitors) or '(there are none)'}")


def _first_line(trouble: ValueError) -> str:
    """Give pydantic's own sentence where it was pydantic that refused."""
    errors = getattr(trouble, "errors", None)
    return str(errors()[0]["msg"]) if callable(errors) else str(trouble)


def _print(question: _Question, result: ProbeResult) -> None:
    typer.echo()
    for line in _bars(result.phases):
        typer.echo(line)
    for name, value in result.facts.items():
        typer.echo(f"{name} = {value:g}")
    for warning in result.warnings:
        typer.secho(f"warning: {warning.name}: {warning.text}", fg="yellow")
    typer.secho(_verdict(question, result), fg="green" if result.failure is None else "red", bold=True)


def _bars(phases: tuple[Phase, ...]) -> list[str]:
    """Draw each phase as a stretch of one line, in the order in which they ended."""
    if not phases:
        return []
    longest = max(phase.took for phase in phases) or 1.0
    width = max(len(phase.name) for phase in phases)
    return [
        f"{phase.name.ljust(width)}  {'█' * max(1, round(_BAR * phase.took / longest)):<{_BAR}}  {phase.took * 1000:10.1f} ms"
        for phase in phases
    ]


def _verdict(question: _Question, result: ProbeResult) -> str:
    what = f"{question.kind.name} {question.kind.target(question.settings)}"
    took = f"{result.took * 1000:.0f} ms"
    if result.failure is None:
        return f"works: {what} in {took}"
    stage = f" at {result.stage}" if result.stage else ""
    return f"fails: {what}: {result.failure}{stage} after {took}" + (f": {result.detail}" if result.detail else "")


def _spelled(question: _Question, result: ProbeResult, heard: _Dialogue) -> dict[str, object]:
    return {
        "kind": question.kind.name,
        "target": question.kind.target(question.settings),
        "timeout": question.timeout,
        "took": result.took,
        "failure": result.failure,
        "stage": result.stage,
        "detail": result.detail,
        "warnings": [asdict(warning) for warning in result.warnings],
        "facts": dict(result.facts),
        "phases": [asdict(phase) for phase in result.phases],
        "dialogue": [{"direction": direction, "text": text} for direction, text in heard.lines],
    }


def describe_kinds(*, wants_json: bool) -> int:
    """List the kinds of probes there are."""
    known = _known_kinds()
    if wants_json:
        print_json({"items": [{"name": kind.name, "summary": kind.summary, "passive": kind.measure is None} for kind in known.values()]})
    else:
        print_rows(("KIND", "WHAT IT MEASURES"), [(kind.name, kind.summary) for kind in known.values()], if_none="there are none")
    return GOOD


def describe_kind(name: str, *, wants_json: bool) -> int:
    """Tell which keys a monitor of the kind *name* takes."""
    kind = _kind(name)
    schema = kind.settings.model_json_schema()
    if wants_json:
        print_json({"name": kind.name, "summary": kind.summary, "passive": kind.measure is None, "settings": schema})
        return GOOD
    typer.echo(f"{kind.name}: {kind.summary}\n")
    print_rows(("KEY", "WHAT", "WITHOUT IT"), list(_keys(kind.settings, "")), if_none="it takes no keys of its own")
    return GOOD


def _keys(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Say of each key what it is and what holds without it; keys of a mapping follow, dotted."""
    schema = model.model_json_schema()
    for name, field_ in model.model_fields.items():
        key, inner = prefix + (field_.alias or name), _inner(field_)
        if inner is not None:
            yield from _keys(inner, f"{key}.")
        else:
            yield key, _type(schema["properties"][field_.alias or name], schema.get("$defs", {})), _without(field_)


def _inner(field_: FieldInfo) -> type[BaseModel] | None:
    choices = get_args(field_.annotation) or (field_.annotation,)
    models = [choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel) and choice is not Login]
    return models[0] if models else None


def _without(field_: FieldInfo) -> str:
    match field_.default:
        case _ if field_.is_required():
            return "required"
        case None | ():
            return "-"
        case value if value is PydanticUndefined:
            return "-"
        case timedelta() as span:
            return spelled(span)
        case value:
            return str(value)


def _type(about: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    """Say in a few words what JSON Schema says at length; *named* is where ``$ref`` leads."""
    match about:
        case {"$ref": str(reference)}:
            return _type(named[reference.rpartition("/")[2]], named)
        case {"enum": [*choices]}:
            return " | ".join(map(str, choices))
        case {"description": str(text)}:
            return text
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            return " or ".join(dict.fromkeys(_type(choice, named) for choice in choices if choice.get("type") != "null"))
        case {"type": "array"}:
            return f"list of {_type(about.get('items', {}), named)}"
        case {"examples": [*examples]}:
            return "such as " + ", ".join(map(str, examples))
        case _:
            return str(about.get("type", "anything"))
