"""A package of somebody else's, built and installed as its users would, adds a kind of probe that every command knows."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from tests.rude.peer import Peer, rude
from tests.statuspage.terminal import configured, statuspage

pytestmark = pytest.mark.xdist_group("third-party")  # it is built once

SAMPLE = Path(__file__).parents[1] / "probes" / "sample_kind"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """An environment in which the package can be imported."""
    there = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source")
    for path in SAMPLE.glob("*.*"):
        (source / path.name).write_bytes(path.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation",
         "--no-index", "--target", there, source],
        check=True, capture_output=True,
    )  # fmt: skip
    return {"PYTHONPATH": f"{Path(__file__).parents[2]}:{there}"}


async def ann_only(peer: Peer) -> None:
    await peer.hear()
    await peer.say(b"Ann\r\n")


async def test_its_kind_is_listed_as_a_third_partys_and_described(installed: Mapping[str, str], tmp_path: Path) -> None:
    listed = json.loads((await statuspage("kinds", "--json", here=tmp_path, environ=installed)).out)["items"]
    assert {entry["name"]: entry["third_party"] for entry in listed} | {"finger": True, "tcp": False} == {
        entry["name"]: entry["third_party"] for entry in listed
    }
    about = (await statuspage("kinds", "finger", here=tmp_path, environ=installed)).out
    assert "finger: Somebody can be fingered" in about
    assert [line.split() for line in about.splitlines() if line.startswith(("within", "lines"))] == [
        ["within", "such", "as", "500ms,", "10s,", "5m,", "2h,", "14d", "2s"],
        ["lines", "1", "to", "100", "20"],
    ]
    assert "where TARGET is `person@host:port`" in about


async def test_its_settings_are_judged_like_our_own(installed: Mapping[str, str], tmp_path: Path) -> None:
    configured(tmp_path, "  ann: {probe: finger, host: 127.0.0.1, person: ann}\n")
    good = await statuspage("check-config", "statuspage.yaml", here=tmp_path, environ=installed)
    assert (good.code, good.err) == (0, "")
    configured(tmp_path, "  ann: {probe: finger, host: 127.0.0.1, persona: ann, lines: 0}\n")
    bad = await statuspage("check-config", "statuspage.yaml", here=tmp_path, environ=installed)
    assert bad.code == 2
    for sentence in ("monitors.ann.persona: unknown key", "`person` is missing", "monitors.ann.lines: write 1 or more"):
        assert sentence in bad.err


async def test_without_the_package_its_kind_is_unknown(tmp_path: Path) -> None:
    configured(tmp_path, "  ann: {probe: finger, host: 127.0.0.1, person: ann}\n")
    told = await statuspage("check-config", "statuspage.yaml", here=tmp_path)
    assert (told.code, "there is no such kind of probe" in told.err) == (2, True)


async def test_the_schema_for_editors_knows_its_keys(installed: Mapping[str, str], tmp_path: Path) -> None:
    schema = json.loads((await statuspage("schema", here=tmp_path, environ=installed)).out)
    monitor = {"probe": "finger", "host": "127.0.0.1", "person": "ann", "within": "3s"}
    document = {"site": {"name": "Example", "url": "https://status.example.net"}, "monitors": {"ann": monitor}}
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"monitors": {"ann": {**monitor, "lines": 0}}}, schema)
    assert "finger" not in (await statuspage("schema", here=tmp_path)).out


async def test_its_kind_is_probed_as_a_monitor_and_by_a_typed_target(installed: Mapping[str, str], tmp_path: Path) -> None:
    async with rude(ann_only) as server:
        monitor = f"  ann: {{probe: finger, host: 127.0.0.1, port: {server.port}, person: ann, knows: Bob, word: {{env: WORD}}}}\n"
        configured(tmp_path, monitor)
        environ = {**installed, "WORD": "geheim"}
        watched, typed = await asyncio.gather(
            statuspage("probe", "ann", here=tmp_path, environ=environ),
            statuspage("probe", "--kind", "finger", f"ann@127.0.0.1:{server.port}", here=tmp_path, environ=installed),
        )
    assert (watched.code, "content at answer" in watched.out, "geheim" in watched.out) == (1, True, False)
    assert "→ ann ***" in watched.out
    assert (typed.code, f"works: finger ann@127.0.0.1:{server.port}" in typed.out) == (0, True)
