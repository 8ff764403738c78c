"""What the commands ``backup`` and ``restore`` do."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from statuspage.app import CannotStart, alone
from statuspage.backups import archive
from statuspage.backups.archive import BadArchive
from statuspage.backups.making import Installation, NoBackup, Told, back_up
from statuspage.backups.manifest import Manifest, Needed, manifest_of
from statuspage.backups.restoring import CannotRestore, Restored, Restoring, put_back
from statuspage.cli.config import load
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.store.errors import StoreError


def backup(file: Path, *, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Write a backup to *file*, and say what is in it and what is not."""
    if file.is_dir():
        fail(f"{file} is a directory: name the file that is to be written")
    if _is_something_else(file):
        fail(f"{file} is there, and is no backup: name another file, or remove it first")
    url = load(config).config.store.url
    try:
        with _progress() as told:
            made = back_up(Installation(url=url, data_dir=data_dir, config=config), file, wall_clock, told)
    except NoBackup as trouble:
        fail(str(trouble), BAD)
    if wants_json:
        print_json({"file": str(file), "size": made.size, **made.manifest.model_dump(mode="json", by_alias=True, exclude={"store"})})
        return GOOD
    typer.echo(f"{file}: {made.size:,} bytes, as of {made.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, verified")
    _tell_what_is_elsewhere("Not in it", made.manifest)
    return GOOD


def _is_something_else(file: Path) -> bool:
    """Whether a backup would take the place of what is none, such as the configuration."""
    try:
        return file.is_file() and file.stat().st_size > 0 and not archive.is_archive(file)
    except OSError:
        return False  # writing it tells what is wrong


def restore(file: Path, *, config: Path | None, data_dir: Path, replaces: bool, wants_json: bool) -> int:
    """Put *file* back, and say what has to be done before the service can start."""
    try:
        with archive.opened(file) as backup, _progress() as told:
            manifest = manifest_of(backup.manifest)
            _verify(backup, told)
            place = config or _place(file, manifest)
            what = Restoring(archive=backup, manifest=manifest, file=file, config=place, data_dir=data_dir, environ=os.environ)
            with alone(data_dir):
                restored = put_back(what, wall_clock, replaces=replaces, told=told)
    except BadArchive as trouble:
        fail(f"{file} {trouble}", BAD)
    except (CannotRestore, CannotStart, StoreError) as trouble:
        fail(str(trouble), BAD)
    except OSError as trouble:
        fail(f"{file} is not put back: {trouble.strerror or trouble}: {trouble.filename or data_dir}", BAD)
    if wants_json:
        print_json(_told(what, restored))
        return GOOD
    _tell(what, restored)
    return GOOD


def _place(file: Path, manifest: Manifest) -> Path:
    """Where the configuration goes by its own name: here, and nowhere that a name alone could lead to unseen."""
    name = "statuspage.yaml" if manifest.config is None else manifest.config.name
    if name.startswith("."):
        raise CannotRestore(f"{file} is not put back: its configuration is called {name!r}. Say by --config where it belongs.")
    return Path(name)


def _verify(backup: archive.Archive, told: Told) -> None:
    done = 0

    def count(some: int) -> None:
        nonlocal done
        done += some
        told("verifying", done, backup.size)

    backup.verify(count)


def _told(what: Restoring, restored: Restored) -> dict[str, object]:
    missing = set(restored.missing)
    return {
        "file": str(what.file),
        "taken_at": what.manifest.taken_at,
        "schema": what.manifest.schema_,
        "config": str(what.config),
        "data_dir": str(what.data_dir),
        "put_aside": None if restored.aside is None else str(restored.aside),
        "left_as_they_were": restored.left,
        "secrets": [{**one.model_dump(exclude_none=True), "is_there": one not in missing} for one in what.manifest.secrets],
        "elsewhere": what.manifest.elsewhere,
    }


def _tell(what: Restoring, restored: Restored) -> None:
    typer.echo(f"{what.data_dir} is as it was at {what.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    if restored.aside is not None:
        typer.echo(f"What lay there before is in {restored.aside}")
    for path in restored.left:
        typer.echo(f"{path} was there, and is left as it was")
    _tell_what_is_elsewhere("To be supplied", what.manifest, dict.fromkeys(restored.missing, " (missing)"))
    typer.echo(f"Then: statuspage serve --config {what.config} --data-dir {what.data_dir}")


def _tell_what_is_elsewhere(heading: str, manifest: Manifest, marks: Mapping[Needed, str] | None = None) -> None:
    lines = [f"  {one}{(marks or {}).get(one, '')}" for one in manifest.secrets]
    lines += [f"  the file {name}" for name in manifest.elsewhere]
    if lines:
        typer.echo("\n".join((f"{heading}:", *lines)))


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar on standard error, where somebody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def told(doing: str, done: int, total: int) -> None:
            progress.update(task, description=doing, completed=done, total=total or None)

        yield told
