"""The way forward and back, as docs/upgrade.md says it."""

import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from statuspage.app import Service
from statuspage.store.engine import StoreError
from statuspage.store.migrations.steps import HEAD
from tests.statuspage.terminal import configured, statuspage
from tests.stores import Place, stepped

OLD = "0035"


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of an older release."""
    directory = tmp_path_factory.mktemp("aged")
    row = text("INSERT INTO public_ids (name, public) VALUES ('email', 'abcdefghijkl')")
    stepped(Place(url="sqlite:///statuspage.db", data_dir=directory), OLD, lambda connection: connection.execute(row))
    return directory


@pytest.fixture
def here(aged: Path, tmp_path: Path) -> Path:
    shutil.copytree(aged, tmp_path / "data")
    configured(tmp_path)
    return tmp_path


def schema(here: Path) -> str:
    with closing(sqlite3.connect(here / "data" / "statuspage.db")) as connection:
        assert connection.execute("SELECT public FROM public_ids WHERE name = 'email'").fetchone() == ("abcdefghijkl",)
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def commands(page: Path, heading: str) -> Iterator[list[str]]:
    """What is to be typed under *heading*."""
    part = page.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    for block in re.findall(r"```bash\n(.*?)```", part, re.DOTALL):
        yield from (line.split()[1:] for line in block.splitlines())


async def test_the_way_forward_and_back_is_as_it_is_told(here: Path, checkout: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    page = checkout / "docs" / "upgrade.md"
    (before,), (back,) = list(commands(page, "Forward")), list(commands(page, "Back"))
    assert (await statuspage(*before, here=here)).code == 0
    async with Service(config_path=here / "statuspage.yaml", data_dir=here / "data"):
        assert schema(here) == HEAD
        assert (await statuspage("page", here=here)).code == 0
    (kept,) = (here / "data" / "backups").iterdir()
    assert f"from schema {OLD} to {HEAD}; as it was before it is kept in {kept}" in caplog.text
    back[1] = str(kept.relative_to(here))
    ended = await statuspage(*back, here=here)
    assert ended.code == 0, ended.err
    assert schema(here) == OLD
    assert "data/before-restore-" in ended.out


async def test_what_cannot_be_backed_up_is_not_changed_unless_somebody_says_so(here: Path) -> None:
    (here / "data" / "backups").touch()
    service = partial(Service, config_path=here / "statuspage.yaml", data_dir=here / "data")
    with pytest.raises(StoreError, match=f"not brought up to date .schema {OLD} to {HEAD}.* serve --without-backup"):
        async with service():
            pytest.fail("it was brought up to date")
    assert schema(here) == OLD
    async with service(backs_up=False):
        assert schema(here) == HEAD
