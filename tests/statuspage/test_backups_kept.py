"""Backups of the running service: made when they are due, and told of where they are not."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from statuspage.app import Service
from statuspage.backups.keeping import Backups, backups_in, superfluous
from statuspage.backups.making import Installation
from statuspage.config.installation import Backup
from statuspage.store.engine import Database
from tests.deadline import until
from tests.statuspage.desks import housed
from tests.statuspage.terminal import configured

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
URL = "sqlite:///statuspage.db"


def days(*ago: int) -> list[datetime]:
    return [START - timedelta(days=one) for one in ago]


def test_the_newest_stay_and_before_them_one_a_week() -> None:
    kept, rolling = days(*range(60)), set[datetime]()
    for one in reversed(kept):
        rolling.add(one)
        rolling -= set(superfluous(rolling, one, keep=7, weekly=3))
    assert sorted(rolling, reverse=True) == days(*range(7), 7, 8, 15)  # on a Monday: the day before the newest, and two Sundays
    assert superfluous(kept[:7], kept[0], keep=7, weekly=0) == []
    assert superfluous(kept, kept[0], keep=2, weekly=0) == days(*range(2, 60))


def test_what_was_just_made_stays_beside_those_that_a_wrong_clock_made() -> None:
    assert superfluous(days(-900, -800, 0), START, keep=1, weekly=0) == days(-800)
    assert superfluous(days(-900, -800, 0, 1, 2), START, keep=2, weekly=0) == days(2)


@dataclass
class Kept:
    """Backups on a clock that the test moves."""

    here: Path
    now: datetime = START
    settings: Backup | None = field(default_factory=lambda: Backup(every=timedelta(days=1), keep=3))
    backups: Backups = field(init=False)

    def __post_init__(self) -> None:
        what = Installation(url=URL, data_dir=self.here / "data", config=configured(self.here))
        Database.open(URL, self.here / "data").close()
        self.backups = Backups(installation=lambda: what, settings=lambda: self.settings, now=lambda: self.now)

    @property
    def directory(self) -> Path:
        return self.here / "data" / "backups"

    async def after(self, **span: float) -> list[datetime]:
        """When the backups were made that there are some time later."""
        self.now += timedelta(**span)
        await self.backups.look()
        return sorted(backups_in(self.directory))


async def test_one_is_made_when_it_is_due_and_the_oldest_goes(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert await kept.after() == days(0)
    assert await kept.after(hours=23) == days(0)
    assert await kept.after(hours=1) == days(0, -1)
    (kept.directory / "before-0001-to-0002-20200101T000000Z.tar").touch()
    (kept.directory / "somebody's.tar").touch()
    for _ in range(3):
        await kept.after(days=1)
    assert sorted(backups_in(kept.directory)) == days(-2, -3, -4)
    assert len(list(kept.directory.iterdir())) == 5
    kept.settings = None
    assert await kept.after(days=9) == days(-2, -3, -4)


async def test_after_a_restart_the_files_tell_when_the_last_one_was(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.after()
    again = Backups(installation=kept.backups.installation, settings=kept.backups.settings, now=lambda: START + timedelta(hours=2))
    await again.look()
    assert again.figures.done_at == START
    assert list(backups_in(kept.directory)) == days(0)


async def test_a_clock_that_was_set_back_does_not_keep_from_backing_up(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.after()
    assert await kept.after(days=-400) == days(400, 0)
    assert await kept.after(hours=23) == days(400, 0), "it is due by the clock as it is now"
    for _ in range(4):
        await kept.after(days=1)
    assert len(backups_in(kept.directory)) == 1 + 3


async def test_where_all_are_gone_another_is_made_at_once(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.after()
    for path in backups_in(kept.directory).values():
        path.unlink()
    assert await kept.after(minutes=1) == [START + timedelta(minutes=1)]


async def test_one_that_fails_is_told_counted_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(tmp_path)
    kept.directory.touch()
    figures = kept.backups.figures
    await kept.after()
    await kept.after(minutes=1)
    assert (figures.failures, figures.since, figures.done_at) == (1, START, None)
    assert "File exists" in figures.trouble
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    await kept.after(minutes=10)
    assert (figures.failures, figures.since) == (2, START)
    kept.directory.unlink()
    await kept.after(minutes=10)
    assert (figures.failures, figures.trouble, figures.since, figures.done_at) == (2, "", None, kept.now)


async def test_the_running_service_makes_one_by_itself_and_tells_prometheus(tmp_path: Path) -> None:
    file = configured(tmp_path)
    file.write_text(file.read_text() + "store: {backup: {to: kept}}\n")
    async with Service(config_path=file, data_dir=tmp_path / "data") as service, aiohttp.ClientSession() as session:
        await until(lambda: service.hub.backups.figures.done_at)
        async with session.get(f"{service.internal_url}/metrics") as scrape:
            text = await scrape.text()
    (made,) = backups_in(tmp_path / "data" / "kept")
    (told,) = (line for line in text.splitlines() if line.startswith("statuspage_backup_last_success_timestamp_seconds "))
    assert float(told.split()[1]) == made.timestamp()
    assert "statuspage_backup_failures_total 0.0" in text


async def test_the_desk_is_told_that_none_is_made(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        anna = await house.logged_in("anna")
        assert "No backup" not in await anna.page("/")
        house.backups.trouble, house.backups.since = "The backup <here> cannot be written.", house.now
        page = await anna.page("/")
    assert "No backup is made" in page
    assert "The backup &lt;here&gt; cannot be written." in page
    assert "there is none" in page
