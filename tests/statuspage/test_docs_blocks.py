"""What the documents tell people to write and to type: configurations that have the right shape, commands that exist with such options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from probes.catalog import kinds
from statuspage.cli.main import app
from statuspage.config.loading import Config
from statuspage.config.shape import shape
from statuspage.config.sources import resolve
from statuspage.config.yaml import parse

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_BEFORE = re.compile(r"^(?:sudo (?:-u \S+ )?|[A-Z_]+=\S+ |docker compose (?:exec|run) \S+ |podman exec \S+ )*(?:\S*/)?statuspage(?= |$)")

_ALTERNATIVES = re.compile(r"(?<=\w)\|\S+")
"""Of ``extend|finish`` all but the first."""
_ENDS = frozenset({"|", ">", ">>", "&&", "||", "&", ";"})
_MISUSED: Any = typer.BadParameter.__bases__[0]
"""What a command line raises that cannot be understood."""


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def commands(page: Path) -> Iterator[list[str]]:
    """What is typed after ``statuspage``, as far as the next pipe or redirection."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if found := _BEFORE.search(line):
                words = [_ALTERNATIVES.sub("", word) for word in shlex.split(line[found.end() :], comments=True)]
                end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
                yield words[:end]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_command_that_is_shown_can_be_typed(page: Path) -> None:
    wrong = [f"statuspage {shlex.join(words)}: {fault}" for words in commands(page) if (fault := fault_of(words))]
    assert wrong == []


def fault_of(words: list[str]) -> str | None:
    """What the command line would say of *words* before it does anything; None where it would do it."""
    command: Any = typer.main.get_command(app)
    context: Any = None
    try:
        while True:
            context = command.make_context(command.name, words, parent=context)
            words = [*context._protected_args, *context.args]
            if not words or not hasattr(command, "resolve_command"):
                return None
            _, command, words = command.resolve_command(context, words)
    except typer.Exit:
        return None
    except _MISUSED as trouble:
        return str(trouble)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_configuration_that_is_shown_has_the_right_shape(page: Path) -> None:
    known = kinds()
    for block in blocks(page, "yaml"):
        sources, problems = parse(block, page.name)
        assert problems == []
        if not sources.value.keys() <= Config.model_fields.keys():
            assert sources.value.keys().isdisjoint(Config.model_fields.keys()), block
            continue  # another program's
        sources.value.setdefault("site", {"name": "A", "url": "https://status.example.org"})
        resolve(sources, dict.fromkeys(re.findall(r"env: (\w+)", block), "x"))
        assert list(map(str, shape(sources, known).problems)) == []
