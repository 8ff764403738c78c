"""The container files, as far as they can be tried without an engine: what they copy, run and promise is there."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from statuspage.cli.main import app
from statuspage.config.loading import load

Lines = list[tuple[str, str]]


@pytest.fixture
def lines(checkout: Path) -> Lines:
    """Each instruction with what it is told."""
    text = (checkout / "config" / "container" / "Containerfile").read_text(encoding="utf-8")
    told = (line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return [(instruction, rest) for instruction, rest in told]


@pytest.fixture
def compose(checkout: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(checkout / "config" / "container" / "compose.yaml")
    return found


def last(lines: Lines, instruction: str) -> str:
    return [rest for name, rest in lines if name == instruction][-1]


def test_the_image_begins_with_the_ordinary_python_and_runs_as_nobody(lines: Lines) -> None:
    assert {rest.split(" ")[0] for name, rest in lines if name == "FROM"} == {"docker.io/library/python:3.13-slim"}
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", last(lines, "USER"))
    assert lines.index(("USER", last(lines, "USER"))) < lines.index(("VOLUME", last(lines, "VOLUME")))


def test_it_starts_and_asks_by_commands_that_there_are(lines: Lines) -> None:
    names = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    started, asked = json.loads(last(lines, "CMD")), json.loads(last(lines, "HEALTHCHECK").partition("CMD ")[2])
    assert json.loads(last(lines, "ENTRYPOINT")) == ["statuspage"] == asked[:1]
    assert {started[0], asked[1]} <= names
    assert started[-1] == asked[-1] == last(lines, "VOLUME") == last(lines, "WORKDIR")


def test_all_that_the_wheel_is_made_of_reaches_the_build(lines: Lines, checkout: Path) -> None:
    ignored = (checkout / "config" / "container" / "Containerfile.dockerignore").read_text(encoding="utf-8")
    kept = {line[1:] for line in ignored.splitlines() if line.startswith("!")}
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], *project["project"]["license-files"]}
    assert kept == {*needed, "pyproject.toml", "requirements.lock"}
    builder = re.search(r'"(hatchling[^"]+)"', " ".join(rest for name, rest in lines if name == "RUN"))
    assert builder
    assert [builder[1]] == project["build-system"]["requires"]


def test_compose_gives_the_service_one_volume_and_no_rights(compose: dict[str, Any], lines: Lines, checkout: Path) -> None:
    service = compose["services"]["statuspage"]
    assert (checkout / "config" / "container" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert f"data:{last(lines, 'VOLUME')}" in service["volumes"]
    assert set(service["secrets"]) <= set(compose["secrets"])


def test_the_file_that_the_document_gives_it_believes_the_gateway(compose: dict[str, Any], checkout: Path, tmp_path: Path) -> None:
    found = re.search(r"<!-- in a container:.*?```yaml\n(.*?)```", (checkout / "docs/running.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    (tmp_path / "statuspage.yaml").write_text(found[1], encoding="utf-8")
    (gateway,) = compose["networks"]["front"]["ipam"]["config"]
    assert [str(one) for one in load(tmp_path / "statuspage.yaml", {}).config.listen.trusted_proxies] == [f"{gateway['gateway']}/32"]
