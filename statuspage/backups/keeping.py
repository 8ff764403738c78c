"""Backups of the running service: one whenever it is due, and the older ones go."""

import asyncio
import logging
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from statuspage.backups.making import Installation, NoBackup, back_up
from statuspage.clock import Now
from statuspage.config.installation import Backup
from statuspage.vitals import BackupFigures

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)
RETRY = timedelta(minutes=10)
"""How long after a backup that failed the next one is tried."""

REARM_EVERY = 3600.0
"""Seconds after which the schedule is set going anew: it follows the wall clock, which may have been set back by years."""

_NAME = re.compile(r"statuspage-(\d{8}T\d{6})Z\.tar")
_SPELLED = "%Y%m%dT%H%M%S"
_SLACK = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class Backups:
    """Makes a backup of *installation* whenever one is due by *settings* (None: never), and lets the older go."""

    installation: Callable[[], Installation]
    settings: Callable[[], Backup | None]
    now: Now
    figures: BackupFigures = field(default_factory=BackupFigures)
    _tried_at: datetime | None = None

    async def run(self) -> None:
        """Look for ever whether one is due; ended by cancelling."""
        scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1})
        scheduler.add_job(self.look, IntervalTrigger(seconds=LOOK_EVERY.total_seconds()), id="backup", next_run_time=None)
        scheduler.start()
        try:
            while True:
                scheduler.modify_job("backup", next_run_time=datetime.now(UTC))  # noqa: TID251 - the scheduler's own clock is the wall's
                await asyncio.sleep(REARM_EVERY)
        finally:
            scheduler.shutdown(wait=False)

    async def look(self) -> None:
        """Make one where it is due. What fails is told where it can be seen, and tried again."""
        settings, now = self.settings(), self.now()
        if settings is None:
            self.figures.trouble, self.figures.since = "", None
            return
        directory = self.installation().data_dir / settings.to
        kept = await asyncio.to_thread(backups_in, directory)
        # One that seems to come from the future was made before the clock was put right: nobody knows how old it is.
        newest = max((at for at in kept if at - now <= _SLACK), default=None)
        self.figures.done_at = newest or self.figures.done_at
        if not self._is_due(newest, settings, now):
            return
        self._tried_at = now
        try:
            made = await asyncio.to_thread(self._make, directory, now)
            gone = superfluous({**kept, made: directory}.keys(), made, keep=settings.keep, weekly=settings.weekly)
            await asyncio.to_thread(_remove, [directory / name_of(one) for one in gone])
        except NoBackup as error:
            self._note(str(error))
        else:
            self.figures.done_at, self.figures.trouble, self.figures.since = made, "", None

    def _is_due(self, newest: datetime | None, settings: Backup, now: datetime) -> bool:
        tried_at = self._tried_at
        if self.figures.trouble and tried_at is not None and timedelta() <= now - tried_at < min(RETRY, settings.every):
            return False
        return newest is None or now - newest >= settings.every

    def _make(self, directory: Path, now: datetime) -> datetime:
        at = now.replace(microsecond=0)
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise NoBackup(f"The directory {directory} for backups cannot be made: {error.strerror}.") from error
        made = back_up(self.installation(), directory / name_of(at), lambda: now)
        log.info("backed up into %s, %s bytes", made.file, made.size)
        return at

    def _note(self, trouble: str) -> None:
        figures = self.figures
        figures.failures += 1
        if trouble != figures.trouble:
            log.error("%s", trouble)
        figures.trouble, figures.since = trouble, figures.since or self.now()


def back_up_before(steps: str, installation: Installation, settings: Backup | None, now: Now) -> Path:
    """Make one before the store is changed by *steps*; returns where it is. It stays until somebody removes it. Errors: NoBackup."""
    directory = installation.data_dir / (settings or Backup()).to
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise NoBackup(f"The directory {directory} for backups cannot be made: {error.strerror}.") from error
    return back_up(installation, directory / f"before-{steps}-{now():{_SPELLED}}Z.tar", now).file


def name_of(at: datetime) -> str:
    """What the backup made at *at* is called."""
    return f"statuspage-{at:{_SPELLED}}Z.tar"


def backups_in(directory: Path) -> dict[datetime, Path]:
    """The backups of the schedule in *directory*, by when they were made; none where it cannot be read."""
    found = {}
    with suppress(OSError):
        for path in directory.iterdir():
            if (named := _NAME.fullmatch(path.name)) is not None:
                with suppress(ValueError):
                    found[datetime.strptime(named[1], _SPELLED).replace(tzinfo=UTC)] = path
    return found


def newest_in(directory: Path) -> Path | None:
    """The newest backup in *directory*, made by schedule or before an upgrade."""
    kept = backups_in(directory)
    if kept:
        return kept[max(kept)]
    return max(directory.glob("before-*.tar"), key=lambda path: path.stat().st_mtime, default=None)


def superfluous(kept: Collection[datetime], made: datetime, *, keep: int, weekly: int) -> list[datetime]:
    """Which of those *kept* go: not the newest *keep* up to what was just *made*, nor the newest of each of *weekly* weeks before those.

    What seems to be younger was made by a wrong clock: as many of those stay besides, and take the place of none.
    """
    newest_first = sorted({*kept, made}, reverse=True)
    ahead = newest_first.index(made)
    past, weeks = newest_first[ahead:], dict[tuple[int, int], datetime]()
    for one in past[keep:]:
        weeks.setdefault(one.isocalendar()[:2], one)
    stays = {*newest_first[:ahead][:keep], *past[:keep], *list(weeks.values())[:weekly]}
    return [one for one in newest_first if one not in stays]


def _remove(files: Collection[Path]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the old backup %s cannot be removed: %s", file, error.strerror)
