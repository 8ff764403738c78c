import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from probes.catalog import KINDS
from probes.result import Failure
from probes.settings import Login, spelled

PAGE = Path(__file__).parents[2].joinpath("docs", "probes.md").read_text(encoding="utf-8")
SOURCES = list(Path(__file__).parents[2].joinpath("probes").rglob("*.py"))
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its default, nested ones by their path."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Login:
            yield from settings(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def rows(section: str, heading: str) -> dict[str, list[str]]:
    """The rows of the tables under *heading*, by the name in their first cell."""
    found: dict[str, list[str]] = {}
    wanted = False
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            wanted = False
        elif cells[0] == heading:
            wanted = True
        elif wanted and (name := re.fullmatch(r"`([\w.]+)`", cells[0])):
            found[name[1]] = cells[1:]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_described_with_every_setting_and_no_other(kind: str) -> None:
    assert set(rows(SECTIONS[kind], "Setting")) == {name for name, _ in settings(KINDS[kind].settings)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_stated_defaults_are_the_real_ones(kind: str) -> None:
    described = rows(SECTIONS[kind], "Setting")
    for name, field in settings(KINDS[kind].settings):
        stated = described[name][1]
        if field.is_required():
            assert stated == "required", name
        elif stated.startswith("`"):
            real = field.default
            text = str(real).lower() if isinstance(real, bool) else spelled(real) if hasattr(real, "days") else str(real)
            assert stated == f"`{text}`", name
        elif name not in {"send.mail_from", "send.rcpt_to"}:  # optional in smtp, demanded by the round trip
            assert not field.get_default(call_default_factory=True), name


def test_every_failure_is_explained() -> None:
    assert list(rows(SECTIONS["Failures"], "Failure")) == [failure.value for failure in Failure]


@pytest.mark.parametrize(("heading", "call"), [("Fact", "fact"), ("Warning", "warn")])
def test_every_fact_and_warning_is_explained_and_there_is_no_other(heading: str, call: str) -> None:
    reported = {name for path in SOURCES for name in re.findall(rf'attempt\.{call}\(\s*"(\w+)"', path.read_text(encoding="utf-8"))}
    explained = {name.rpartition(".")[2] for section in SECTIONS.values() for name in rows(section, heading)}
    assert explained == reported
