"""The command ``add``: probe what was typed, now, show what came back, and have it watched from then on."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import typer

from probes.egress import Door
from probes.result import ProbeResult
from probes.settings import Login
from statuspage.cli.config import load
from statuspage.cli.findings import as_json, show
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.cli.probe import question_typed
from statuspage.clock import wall_clock
from statuspage.config.adding import Addition, add, addition, rehearse
from statuspage.config.editing import CannotAdd
from statuspage.config.loading import Config, ConfigError
from statuspage.config.types import meant
from statuspage.trial import Dialogue, Question, Unclear, tried, with_login


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed: what is to be watched, for whom, and which settings of the kind were *said*."""

    kind: str
    target: str
    service: str | None = None
    component: str | None = None
    said: Sequence[str] = ()


def add_monitor(wish: Wish, *, is_wanted_anyway: bool, config: Path, wants_json: bool) -> int:
    """Probe what is wished for and write it into *config*; gives the exit code: 1 where it fails and is not wanted all the same."""
    if (wish.service is None) == (wish.component is None):
        fail("say for whom: --service ID, which is made where there is none, or --component ID")
    if not config.exists():
        fail(f"there is no {config}: `statuspage init` writes one")
    loaded = load(config).config
    question = _question(wish, loaded)
    planned = _rehearsed(wish, question, loaded, config)
    heard = Dialogue(tell=None if wants_json else typer.echo)
    if not wants_json:
        typer.secho(question.words, bold=True)
    door = Door(allow=loaded.egress.allow, programs=loaded.plugins.allow)
    result = asyncio.run(tried(question, door, heard, wall_clock()))
    if not wants_json:
        show(question, result, with_settings=False)
    is_added = result.failure is None or is_wanted_anyway or (not wants_json and _is_wanted())
    files = _written(planned, config) if is_added else ()
    if wants_json:
        print_json(
            {**as_json(question, result, heard), "is_added": is_added, "files": [str(file) for file in files], "yaml": planned.yaml()}
        )
    else:
        _tell(planned, result, files)
    return GOOD if is_added else BAD


def _question(wish: Wish, config: Config) -> Question:
    """What is to be measured; a login may be the name of an entry of ``credentials``."""
    named = [text.removeprefix("login=") for text in wish.said if text.startswith("login=")]
    question = question_typed(wish.kind, wish.target, [text for text in wish.said if not text.startswith("login=")], None)
    for name in named:
        found = config.credentials.get(name)
        if found is None:
            fail(f"--set login={name}: no entry of `credentials` has this name; {meant(name, list(config.credentials))}")
        try:
            question = with_login(question, name, Login(user=found.user, password=found.password))
        except Unclear as trouble:
            fail(f"--set login={name}: {trouble}")
    return question


def _rehearsed(wish: Wish, question: Question, config: Config, path: Path) -> Addition:
    """What is to be written, if it can be."""
    try:
        planned = addition(config, question.written, service=wish.service, component=wish.component)
        rehearse(path, planned, os.environ)
    except CannotAdd as trouble:
        fail(str(trouble))
    except ConfigError as trouble:
        fail("\n".join(["nothing was added, since the configuration would be wrong:", *map(str, trouble.problems)]))
    except (OSError, UnicodeDecodeError) as trouble:
        fail(f"{path} cannot be read: {trouble}")
    return planned


def _is_wanted() -> bool:
    """Ask whether what fails is to be watched all the same; where nobody can answer, it is not."""
    return sys.stdin.isatty() and typer.confirm("\nIt fails now. Add it all the same?", default=False)


def _written(planned: Addition, path: Path) -> tuple[Path, ...]:
    try:
        return add(path, planned, os.environ)
    except (CannotAdd, ConfigError) as trouble:
        fail(f"nothing was added, since the file was changed meanwhile: {trouble}")
    except OSError as trouble:
        fail(f"{path} cannot be written: {trouble.strerror}; put this in yourself:\n{planned.yaml()}")


def _tell(planned: Addition, result: ProbeResult, files: Sequence[Path]) -> None:
    if not files:
        typer.echo("\nnot added, since it fails; mend it, or say --anyway to watch it as it is")
        return
    typer.echo(f"\nadded to {', '.join(map(str, files))}{' although it fails' if result.failure is not None else ''}:\n")
    typer.echo(indent(planned.yaml(), "  "), nl=False)
    typer.echo("\nA service that runs with this configuration takes it up by itself.")
