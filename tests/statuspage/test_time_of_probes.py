"""A kind that compares clocks is told what time it is, by the hub and on the command line alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from statuspage.app import Service
from statuspage.config.loading import plans
from tests.rude.clocks import chrony
from tests.statuspage.terminal import statuspage


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with chrony(tmp_path_factory.mktemp("chrony"), "local stratum 5") as port:
        yield port


def written(place: Path, port: int) -> Path:
    file = place / "statuspage.yaml"
    watched = f"{{probe: ntp, host: 127.0.0.1, port: {port}, offset_within: 1s, every: 1h}}"
    file.write_text(
        f"site: {{name: Muster IT, url: 'http://127.0.0.1:8080'}}\nservices:\n  time: {{monitors: [{watched}]}}\n", encoding="utf-8"
    )
    return file


async def test_the_hub_tells_its_probes_what_time_it_is(tmp_path: Path, clock: int) -> None:
    file = written(tmp_path, clock)
    async with Service(config_path=file, data_dir=tmp_path / "data", public=("127.0.0.1", 0), internal=("127.0.0.1", 0)) as service:
        (plan,) = plans(service.hub.loaded.config)
        good = await service.hub.probe(plan)
        assert good.failure is None, good.detail
        service.hub.now = lambda: datetime.now(UTC) + timedelta(minutes=5)
        late = await service.hub.probe(plan)
    assert late.facts["offset_seconds"] == pytest.approx(-300, abs=1)


async def test_a_probe_by_hand_knows_what_time_it_is(tmp_path: Path, clock: int) -> None:
    ended = await statuspage("probe", "--kind", "ntp", f"127.0.0.1:{clock}", here=tmp_path)
    assert ended.code == 0, ended.out + ended.err
    assert "offset_seconds" in ended.out
