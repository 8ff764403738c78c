"""The command ``probe``: measure once, now, and say everything that was seen."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, ValidationError

from probes import plugin
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import ProbeResult
from probes.run import run
from probes.settings import duration
from statuspage.cli.config import load
from statuspage.cli.findings import Dialogue, Question, as_json, show
from statuspage.cli.kinds import kind_named
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.config.loading import plans
from statuspage.config.shape import sentence
from statuspage.config.sources import resolve
from statuspage.config.yaml import parse

_DEFAULT_TIMEOUT = 10.0  # seconds


def probe(what: str, *, kind: str | None, said: Sequence[str], timeout: str | None, config: Path, wants_json: bool) -> int:
    """Measure the monitor *what*, or the target *what* by *kind* with the settings that were *said*; gives the exit code."""
    seconds = None if timeout is None else _seconds(timeout)
    if kind is None and said:
        fail("--set needs --kind: a monitor's settings are those of the configuration")
    question, door = _typed(kind, what, said, seconds) if kind is not None else _configured(what, seconds, config)
    if not wants_json:
        typer.secho(question.words, bold=True)
    heard = Dialogue(tell=None if wants_json else typer.echo)
    result = asyncio.run(_measured(question, door, heard))
    if wants_json:
        print_json(as_json(question, result, heard))
    else:
        show(question, result)
    return GOOD if result.failure is None else BAD


async def _measured(question: Question, door: Door, heard: Dialogue) -> ProbeResult:
    return await run(question.kind, question.settings, door=door, timeout=question.timeout, listener=heard, started=wall_clock())


def _seconds(text: str) -> float:
    try:
        seconds = duration(text).total_seconds()
    except ValueError as trouble:
        fail(f"--timeout {text}: {trouble}")
    return seconds if seconds > 0 else fail(f"--timeout {text}: longer than nothing, please")


def _configured(monitor: str, timeout: float | None, path: Path) -> tuple[Question, Door]:
    config = load(path).config
    plan = next((plan for plan in plans(config) if plan.monitor == monitor), None)
    if plan is not None:
        door = Door(allow=config.egress.allow, programs=config.plugins.allow)
        return Question(kind=plan.kind, settings=plan.settings, timeout=timeout or plan.timeout), door
    if monitor in config.monitors:
        return fail(f"{monitor} cannot be probed from here: its results come from outside, or another location probes it")
    return fail(f"{path} has no monitor {monitor!r}: choose one of {', '.join(config.monitors) or '(there are none)'}")


# --- a typed target -------------------------------------------------------------------------------------------------------------


def _typed(name: str, target: str, said: Sequence[str], timeout: float | None) -> tuple[Question, Door]:
    kind = kind_named(name)
    if kind.ad_hoc is None or kind.measure is None:
        fail(f"the kind {name} cannot be probed by a target alone: configure a monitor and probe that")
    try:
        settings = kind.ad_hoc(target)
        settings = _with_said(kind, settings, [_setting(text) for text in said]) if said else settings
    except ValidationError as trouble:
        fail("\n".join(_complaint(target, fault["loc"], sentence(fault)) for fault in trouble.errors()))
    except ValueError as trouble:
        fail(f"{target}: {trouble}")
    return Question(kind=kind, settings=settings, timeout=timeout or _DEFAULT_TIMEOUT), Door(programs=_programs(settings))


def _programs(settings: object) -> tuple[Path, ...]:
    """Allow the program that was typed: who types its path here could as well run it."""
    return (Path(settings.command[0]).resolve().parent,) if isinstance(settings, plugin.Settings) else ()


def _complaint(target: str, loc: Sequence[object], words: str) -> str:
    return f"{'.'.join(map(str, loc)) or target}: {words}"


def _setting(text: str) -> tuple[list[str], Any]:
    """Read ``KEY=VALUE``; the value is written as in the file, references to secrets included."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        fail(f"--set {text}: write KEY=VALUE")
    sources, problems = parse(f"value: {value}", f"--set {key}")
    problems += resolve(sources, os.environ)
    if problems:
        fail(f"--set {key}: {problems[0].message}")
    return key.split("."), sources.value.get("value")


def _with_said(kind: ProbeKind[Any], settings: BaseModel, said: Sequence[tuple[list[str], Any]]) -> BaseModel:
    """Lay what was *said* over what the target alone says, and validate all of it together."""
    tree = _tree(settings)
    for path, value in said:
        place = tree
        for step in path[:-1]:
            if not isinstance(place.setdefault(step, {}), dict):
                fail(f"--set {'.'.join(path)}: {step} has no keys of its own")
            place = place[step]
        place[path[-1]] = value
    validated: BaseModel = kind.settings.model_validate(tree)
    return validated


def _tree(settings: BaseModel) -> dict[str, Any]:
    fields: Mapping[str, Any] = type(settings).model_fields
    given = {fields[name].alias or name: getattr(settings, name) for name in settings.model_fields_set}
    return {name: _tree(value) if isinstance(value, BaseModel) else value for name, value in given.items()}
