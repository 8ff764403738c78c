"""The mirror that a running hub keeps: written on each change, and told about where it cannot be written."""

import asyncio
import json
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from incidents import act, advising
from incidents.model import Status
from statuspage.app import Service
from statuspage.mirror.run import Mirror
from statuspage.mirror.target import Elsewhere, Target
from statuspage.mirror.versions import CURRENT
from statuspage.vitals import MirrorFigures
from tests import deadline
from tests.statuspage.desks import housed
from tests.statuspage.far_sides import PASSWORD, USER, FarSide, rsync_daemon
from tests.statuspage.terminal import statuspage

until = partial(deadline.until, within=60.0)
"""A publication writes hundreds of files, and a machine that runs other tests beside takes its time for them."""

HEAD = """
site: {name: Muster IT, url: "https://status.example.net"}
listen: {public: "127.0.0.1:0", internal: "127.0.0.1:0"}
services: {email: {}}
"""


@dataclass
class House:
    """A running hub and the directory that its configuration names."""

    service: Service
    file: Path
    directory: Path

    @property
    def site(self) -> Path:
        return self.directory / CURRENT

    def told(self, name: str = "index.html") -> str:
        path = self.site / name
        return path.read_text() if path.exists() else ""

    @property
    def figures(self) -> MirrorFigures:
        return self.service.hub.mirror.figures

    async def open_incident(self, name: str) -> None:
        """Somebody at the desk opens an incident."""
        opened = partial(act.open_incident, name=name, services={"email": Status.PARTIAL}, by="anna", body="We are looking into it.")
        await self.service.hub.pipeline.act(opened)

    async def scrape(self) -> dict[str, float]:
        async with ClientSession() as session, session.get(f"{self.service.internal_url}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
            return {sample.name: sample.value for family in families for sample in family.samples if "mirror" in sample.name}


def written(directory: Path, mirror: Path | None) -> Path:
    file = directory / "statuspage.yaml"
    file.write_text(HEAD if mirror is None else f"{HEAD}mirror: {{to: {json.dumps(str(mirror))}}}\n", encoding="utf-8")
    return file


@asynccontextmanager
async def running(directory: Path, mirror: Path) -> AsyncIterator[House]:
    file = written(directory, mirror)
    async with Service(config_path=file, data_dir=directory / "data") as service:
        yield House(service, file, mirror)


ASKS = re.compile(r'<form class="useful".*?</form>', re.DOTALL)
"""What a page asks for that no file can take."""


@pytest.fixture
async def house(tmp_path: Path, in_memory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr("statuspage.mirror.run.RETRY", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.GATHER", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.REST", 0.0)
    (in_memory / "www").mkdir()
    async with running(tmp_path, in_memory / "www" / "mirror") as opened:
        await until(opened.told)
        yield opened


async def test_what_happens_is_in_the_mirror_on_every_surface(house: House) -> None:
    await house.open_incident("Mail is late")
    await until(lambda: "Mail is late" in house.told())
    (incident,) = house.service.hub.pipeline.situation.incidents
    for name in (f"incidents/{incident}/index.html", "history.rss", "history.atom", "feed.json", "api/v2/summary.json"):
        assert "Mail is late" in house.told(name), name
    assert json.loads(house.told("fresh.json")).keys() >= {"as_of", "stale_after", "services"}


async def test_what_is_in_the_mirror_is_what_the_public_listener_serves(house: House) -> None:
    await house.open_incident("Mail is late")
    await until(lambda: "Mail is late" in house.told())
    (incident,) = house.service.hub.pipeline.situation.incidents
    async with ClientSession(house.service.public_url) as session:
        for path, name in {f"/incidents/{incident}": f"incidents/{incident}/index.html", "/history.atom": "history.atom"}.items():
            async with session.get(path) as answer:
                assert ASKS.sub("", await answer.text()) == house.told(name)


async def test_what_is_over_is_in_the_mirror_under_its_month(house: House) -> None:
    await house.open_incident("Mail is late")
    (incident,) = house.service.hub.pipeline.situation.incidents
    await house.service.hub.pipeline.act(partial(act.resolve, incident=incident, by="anna", body="Mail is quick again."))
    month = f"history/{datetime.now(UTC):%Y-%m}/index.html"
    await until(lambda: f'href="/incidents/{incident}"' in house.told(month))
    assert "Mail is late" in house.told(month)
    await until(lambda: "Mail is quick again." in house.told(f"incidents/{incident}/index.html"))
    await until(lambda: "Mail is quick again." in house.told("history.atom"))


async def test_an_advisory_is_in_the_mirror_as_it_is_now_with_its_month(house: House) -> None:
    begun = datetime.now(UTC)
    wish = advising.Wish(name={"en": "Storm warning"}, services=("email",), starts=begun, ends=None, body={"en": "Lines may fail."})
    await house.service.hub.pipeline.act(partial(advising.publish, by="anna", wish=wish))
    (storm,) = house.service.hub.pipeline.situation.advisories
    own, month = f"advisories/{storm}/index.html", f"history/{begun:%Y-%m}/index.html"
    await until(lambda: "Lines may fail." in house.told(own) and "Storm warning" in house.told(month))
    await until(lambda: "Storm warning" in house.told() and "Storm warning" in house.told("history.atom"))
    await house.service.hub.pipeline.act(partial(advising.withdraw, advisory=storm, by="anna", body={"en": "It has passed."}))
    await until(lambda: "It has passed." in house.told(own) and "It has passed." in house.told(month))
    await until(lambda: "Storm warning" not in house.told())


async def test_a_draft_of_the_desk_is_nowhere_in_the_mirror(house: House) -> None:
    draft = partial(
        act.open_incident, name="Secret plan", services={"email": Status.PARTIAL}, by="anna", body="Between ourselves", is_draft=True
    )
    await house.service.hub.pipeline.act(draft)
    await house.open_incident("Mail is late")
    await until(lambda: "Mail is late" in house.told())
    bodies = [path.read_bytes() for path in house.directory.rglob("*") if path.is_file()]
    assert not any(b"Secret plan" in body or b"Between ourselves" in body or b"anna" in body for body in bodies)


async def test_a_directory_that_is_taken_away_is_made_again(house: House) -> None:
    shutil.rmtree(house.directory)
    house.service.hub.mirror.wake()
    await until(house.told)
    assert house.figures.trouble == ""


async def test_where_it_cannot_be_written_the_hub_goes_on_says_so_everywhere_and_tries_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    place, away = house.directory.parent, house.directory.parent.with_name("away")
    place.rename(away)
    await house.open_incident("Mail is late")
    await until(lambda: house.figures.failures > 2)
    assert str(place) in house.figures.trouble
    assert (await house.scrape())["statuspage_mirror_failures_total"] > 2
    assert caplog.text.count("the mirror stays as it is") == 1, "one line for one cause"
    async with ClientSession(house.service.public_url) as session, session.get("/") as answer:
        assert "Mail is late" in await answer.text()
    away.rename(place)
    await until(lambda: "Mail is late" in house.told())
    await until(lambda: not house.figures.trouble)
    assert "up to date again" in caplog.text
    assert (await house.scrape())["statuspage_mirror_last_success_timestamp_seconds"] == pytest.approx(
        datetime.now(UTC).timestamp(), abs=60
    )


async def test_the_directory_is_taken_from_the_configuration_as_it_is_now(house: House, tmp_path: Path) -> None:
    other = house.directory.with_name("other")
    written(tmp_path, other)
    await until((other / CURRENT / "index.html").exists)
    written(tmp_path, None)
    await until(lambda: house.service.hub.loaded.config.mirror is None)
    assert await house.scrape() == {}


async def test_the_desk_is_told_what_keeps_the_mirror_and_since_when(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        anna = await house.logged_in("anna")
        assert "mirror" not in await anna.page("/")
        house.mirror.trouble, house.mirror.since = "No space left on device: <here>", house.now
        page = await anna.page("/")
        assert "The mirror stays behind" in page
        assert "No space left on device: &lt;here&gt;" in page
        assert "nothing was written there since the service started" in page


# --- carried elsewhere


FAR = "\ncredentials: {{far: {{user: {user}, password: {{env: FAR_PASSWORD}}}}}}\nmirror: {{to: '{to}', login: far}}\n"


@asynccontextmanager
async def carrying(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[House, FarSide]]:
    """A hub that carries its mirror to an rsync daemon."""
    monkeypatch.setattr("statuspage.mirror.run.RETRY", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.LONGEST_RETRY", 0.2)
    monkeypatch.setattr("statuspage.mirror.run.GATHER", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.REST", 0.0)
    monkeypatch.setenv("FAR_PASSWORD", PASSWORD)
    with rsync_daemon() as far:
        file = directory / "statuspage.yaml"
        file.write_text(HEAD + FAR.format(user=USER, to=far.place.address.replace(f"{USER}@", "")), encoding="utf-8")
        async with Service(config_path=file, data_dir=directory / "data") as service:
            yield House(service, file, far.root), far


async def test_what_happens_is_carried_to_where_a_host_serves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with carrying(tmp_path, monkeypatch) as (house, _):
        await until(house.told)
        await house.open_incident("Mail is late")
        await until(lambda: "Mail is late" in house.told() and "Mail is late" in house.told("history.atom"))
        await until(lambda: house.figures.done_at)
        assert "statuspage_mirror_last_success_timestamp_seconds" in await house.scrape()


async def test_where_it_cannot_be_carried_the_hub_goes_on_says_so_and_tries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with carrying(tmp_path, monkeypatch) as (house, far):
        await until(house.told)
        module, away = far.root.parent, far.root.parent.with_name("away")
        module.rename(away)
        await house.open_incident("Mail is late")
        await until(lambda: house.figures.failures > 2)
        assert "chdir failed" in house.figures.trouble
        assert PASSWORD not in house.figures.trouble
        assert (await house.scrape())["statuspage_mirror_failures_total"] > 2
        async with ClientSession() as session, session.get(f"{house.service.public_url}/") as answer:
            assert "Mail is late" in await answer.text()
        away.rename(module)
        await until(lambda: "Mail is late" in house.told())
        await until(lambda: not house.figures.trouble)


async def test_a_far_side_that_hangs_holds_up_nothing_but_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, noted = tmp_path / "programs", tmp_path / "noted"
    programs.mkdir()
    (programs / "rsync").write_text(f"#!/bin/sh\ntouch {noted}\nexec sleep 600\n")
    async with carrying(tmp_path, monkeypatch) as (house, _):
        await until(house.told)
        (programs / "rsync").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        await house.open_incident("Mail is late")
        await until(noted.exists)
        await house.open_incident("Mail is lost")
        told = ""
        async with ClientSession() as session, asyncio.timeout(60):
            while "Mail is lost" not in told:
                async with session.get(f"{house.service.public_url}/") as answer:
                    told = await answer.text()
        assert "Mail is lost" not in house.told()


def test_tries_come_less_and_less_often_where_it_is_carried_elsewhere() -> None:
    near = Target(directory=Path("here"), said="here")
    far = Target(directory=Path("here"), said="there", far=Elsewhere(address="there", within=1.0))
    mirror = Mirror(press=None, walk=None, to=lambda: far)  # type: ignore[arg-type]
    waits = []
    for mirror._tries in (1, 2, 3, 5, 5000):  # a week of it
        waits.append((mirror._retry(near), mirror._retry(far)))
    assert waits == [(5.0, 5.0), (5.0, 10.0), (5.0, 20.0), (5.0, 80.0), (5.0, 120.0)]


async def test_before_there_is_anything_to_write_nothing_is_said_to_be_up_to_date(tmp_path: Path) -> None:
    nothing = SimpleNamespace(shelf=None, fresh=lambda: None)
    mirror = Mirror(press=nothing, walk=None, to=lambda: None)  # type: ignore[arg-type]
    mirror.figures.trouble = "the disk was full"
    await mirror._attempt(Target(directory=tmp_path / "site", said="site"))
    assert (mirror.figures.done_at, mirror.figures.trouble) == (None, "the disk was full")
    assert not (tmp_path / "site").exists()


# --- the command


def written_far(directory: Path, far: FarSide) -> None:
    """The configuration of a mirror that stands elsewhere."""
    text = HEAD + FAR.format(user=USER, to=far.place.address.replace(f"{USER}@", "")).replace("{env: FAR_PASSWORD}", "{file: secret}")
    (directory / "secret").write_text(PASSWORD)
    (directory / "statuspage.yaml").write_text(text, encoding="utf-8")


async def test_without_a_directory_it_is_published_where_the_configuration_says(tmp_path: Path) -> None:
    with rsync_daemon() as far:
        written_far(tmp_path, far)
        ended = await statuspage("publish", here=tmp_path)
        assert ended.code == 0, ended.err
        assert "Email" in (far.current / "index.html").read_text()
        assert f"rsync://127.0.0.1:{far.place.address.split(':')[2]} is as of" in ended.out
        ended = await statuspage("publish", "--notice", "We lost our data centre.", here=tmp_path)
        assert ended.code == 0, ended.err
        assert "We lost our data centre." in (far.current / "index.html").read_text()


async def test_a_notice_that_cannot_be_carried_stands_here_and_that_is_said(tmp_path: Path) -> None:
    with rsync_daemon() as far:
        written_far(tmp_path, far)
    ended = await statuspage("publish", "--notice", "We lost our data centre.", here=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "could not be carried to rsync://" in ended.err
    assert "We lost our data centre." in (tmp_path / "data" / "mirror" / CURRENT / "index.html").read_text()


async def test_without_a_directory_and_without_a_mirror_in_the_file_it_is_said_what_is_missing(tmp_path: Path) -> None:
    written(tmp_path, None)
    for more in ((), ("--notice", "We lost our data centre.")):
        ended = await statuspage("publish", *more, here=tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "name a directory" in ended.err


async def test_one_publication_from_an_empty_data_directory(tmp_path: Path) -> None:
    written(tmp_path, None)
    ended = await statuspage("publish", "out", here=tmp_path)
    assert ended.code == 0, ended.err
    assert "Email" in (tmp_path / "out" / CURRENT / "index.html").read_text()


async def test_one_publication_beside_a_running_hub_tells_what_it_knows(house: House, tmp_path: Path) -> None:
    await house.open_incident("Mail is late")
    ended = await statuspage("publish", "out", here=tmp_path)
    assert ended.code == 0, ended.err
    assert "Mail is late" in (tmp_path / "out" / CURRENT / "index.html").read_text()
    await house.open_incident("Mail is lost")
    await until(lambda: "Mail is lost" in house.told())
    assert house.service.hub.pipeline.figures.crashed_turns == 0


async def test_without_a_hub_a_publication_claims_no_more_than_the_store_last_knew(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    file = written(tmp_path, None)
    async with Service(config_path=file, data_dir=tmp_path / "data", clock=lambda: long_ago) as service:
        await House(service, file, tmp_path).open_incident("Mail is late")
    assert (await statuspage("publish", "out", here=tmp_path)).code == 0
    said = json.loads((tmp_path / "out" / CURRENT / "fresh.json").read_text())
    assert datetime.fromisoformat(said["as_of"]) == long_ago.replace(microsecond=0)
    assert long_ago.replace(second=0, microsecond=0).isoformat() in (tmp_path / "out" / CURRENT / "index.html").read_text()


async def test_a_store_that_is_damaged_leaves_what_stands_and_points_to_the_notice(tmp_path: Path) -> None:
    written(tmp_path, None)
    assert (await statuspage("publish", "out", here=tmp_path)).code == 0
    (tmp_path / "data" / "statuspage.db").write_bytes(b"no database " * 1000)
    ended = await statuspage("publish", "out", here=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "--notice" in ended.err
    assert "Email" in (tmp_path / "out" / CURRENT / "index.html").read_text()


async def test_a_place_that_is_missing_is_named(tmp_path: Path) -> None:
    written(tmp_path, None)
    ended = await statuspage("publish", "not/mounted", here=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "No such file or directory: not/mounted" in ended.err
