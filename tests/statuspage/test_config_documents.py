import json
from pathlib import Path

import jsonschema
import pytest

from statuspage.config.loading import json_schema
from statuspage.config.reference import reference
from statuspage.config.yaml import parse

CHECKOUT = Path(__file__).resolve().parent.parent.parent
GOOD = [*(CHECKOUT / "config" / "examples").glob("*.yaml"), *(Path(__file__).parent / "contract").glob("*.yaml")]
SHAPELESS = ("unknown_key", "unknown_probe_kind", "no_port", "no_site", "unknown_kind_setting", "bad_duration", "at_least_without_of")


def read(path: Path) -> object:
    return parse(path.read_text(encoding="utf-8"), path.name)[0].value


def test_the_schema_in_the_tree_is_current() -> None:
    written = json.loads((CHECKOUT / "config" / "schema.json").read_text(encoding="utf-8"))
    assert written == json_schema(), "run: make schema"


def test_the_reference_in_the_tree_is_current() -> None:
    assert (CHECKOUT / "docs" / "configuration.md").read_text(encoding="utf-8") == reference(), "run: make schema"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_editor_finds_nothing_wrong_with_a_good_file(path: Path) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(read(path))


@pytest.mark.parametrize("name", SHAPELESS)
def test_an_editor_sees_what_is_wrong_in_itself(name: str) -> None:
    bad = read(Path(__file__).parent / "bad_configs" / f"{name}.yaml")
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(bad)


def test_every_key_of_the_contract_is_in_the_reference() -> None:
    page = reference()
    for key in ("services.ID.needs[].at_least", "services.ID.service_level.notice_from", "monitors.ID.severity", "priority.levels[].from"):
        assert f"`{key}`" in page
