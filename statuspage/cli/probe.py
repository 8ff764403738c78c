"""The command ``probe``: measure once, now, and say everything that was seen."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import typer

from probes.egress import Door
from probes.settings import duration
from statuspage.cli.config import load
from statuspage.cli.findings import as_json, show
from statuspage.cli.kinds import kind_named
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.config.loading import plans
from statuspage.trial import Dialogue, Question, Unclear, programs, tried, typed


def probe(what: str, *, kind: str | None, said: Sequence[str], timeout: str | None, config: Path, wants_json: bool) -> int:
    """Measure the monitor *what*, or the target *what* by *kind* with the settings that were *said*; gives the exit code."""
    seconds = None if timeout is None else seconds_of(timeout)
    if kind is None and said:
        fail("--set needs --kind: a monitor's settings are those of the configuration")
    question, door = _typed(kind, what, said, seconds) if kind is not None else _configured(what, seconds, config)
    if not wants_json:
        typer.secho(question.words, bold=True)
    heard = Dialogue(tell=None if wants_json else typer.echo)
    result = asyncio.run(tried(question, door, heard, wall_clock()))
    if wants_json:
        print_json(as_json(question, result, heard))
    else:
        show(question, result)
    return GOOD if result.failure is None else BAD


def seconds_of(text: str) -> float:
    """Read ``--timeout``, or say what is wrong with it and leave."""
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


def _typed(name: str, target: str, said: Sequence[str], timeout: float | None) -> tuple[Question, Door]:
    question = question_typed(name, target, said, timeout)
    return question, Door(programs=programs(question.settings))


def question_typed(name: str, target: str, said: Sequence[str], timeout: float | None) -> Question:
    """Read what was typed, with references to secrets looked up here; or say what is wrong with it and leave."""
    try:
        return typed(kind_named(name), target, said, timeout=timeout, environ=os.environ)
    except Unclear as trouble:
        fail(str(trouble))
