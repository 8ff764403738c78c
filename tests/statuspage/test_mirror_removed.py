"""Words that were removed while the far side of the mirror was away, by a hub that did not live to see it come back."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from incidents import act, redacting
from incidents.events import Updated
from incidents.model import Status
from statuspage.app import Service
from statuspage.mirror.versions import VERSIONS
from tests import deadline
from tests.statuspage.far_sides import PASSWORD, USER, FarSide, rsync_daemon

until = partial(deadline.until, within=60.0)
WORD = "Rosengarten"
FILE = """
site: {{name: Muster IT, url: "https://status.example.net"}}
listen: {{public: "127.0.0.1:0", internal: "127.0.0.1:0"}}
services: {{email: {{}}}}
credentials: {{far: {{user: {user}, password: {{env: FAR_PASSWORD}}}}}}
mirror: {{to: '{to}', login: far}}
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuspage.mirror.run.RETRY", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.LONGEST_RETRY", 0.2)
    monkeypatch.setattr("statuspage.mirror.run.GATHER", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.REST", 0.0)
    monkeypatch.setattr("statuspage.mirror.publication._AT_WORK", timedelta(0))  # as if the death had come later than a minute
    monkeypatch.setenv("FAR_PASSWORD", PASSWORD)


def holding(root: Path) -> int:
    """How many versions there have the word."""
    found = [home for home in (root / VERSIONS).iterdir() if any(WORD in one.read_text(errors="replace") for one in home.rglob("*.html"))]
    return len(found)


async def remove_while_it_is_away(service: Service, far: FarSide) -> None:
    """Say the word, see it there, and remove it while nothing can be carried there."""
    pipeline, figures = service.hub.pipeline, service.hub.mirror.figures
    opened = partial(act.open_incident, name="Mail is late", services={"email": Status.PARTIAL}, by="anna", body=f"{WORD} is cut off.")
    said = next(event for event in await pipeline.act(opened) if isinstance(event, Updated))
    await until(lambda: (far.root / VERSIONS).exists() and holding(far.root) > 0)
    far.root.parent.rename(far.root.parent.with_name("away"))
    removed = partial(redacting.redact, incident=said.incident, said=said.update, by="bea", reason="It names a place.")
    failures = figures.failures
    await pipeline.act(removed)
    await until(lambda: figures.failures > failures + 1)


async def test_words_that_were_removed_just_before_a_death_are_gone_from_the_far_side_too(tmp_path: Path) -> None:
    with rsync_daemon() as far:
        file = tmp_path / "statuspage.yaml"
        file.write_text(FILE.format(user=USER, to=far.place.address.replace(f"{USER}@", "")), encoding="utf-8")
        async with Service(config_path=file, data_dir=tmp_path / "data") as service:
            await remove_while_it_is_away(service, far)
        assert holding(tmp_path / "data" / "mirror") == 0
        far.root.parent.with_name("away").rename(far.root.parent)
        assert holding(far.root) > 0
        async with Service(config_path=file, data_dir=tmp_path / "data") as service:
            await until(lambda: service.hub.mirror.figures.done_at)
            assert holding(far.root) == 0
