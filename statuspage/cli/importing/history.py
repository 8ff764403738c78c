"""The command ``import statuspage``: the history of another page into the store, each word once, and told to nobody."""

import asyncio
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from sqlalchemy import make_url

from incidents.importing import Page
from probes.addresses import is_this_machine, literal
from probes.text import plain
from probes.wire.http1 import place
from statuspage.cli.config import load, store_of
from statuspage.cli.importing.asking import Asker, Documents, base_of
from statuspage.cli.importing.findings import CannotImport, Findings, Left, show
from statuspage.cli.importing.keeping import Import, Tally, all_of, keep, would_keep
from statuspage.cli.importing.matching import Matched, matched, with_services
from statuspage.cli.importing.parts import draft_of
from statuspage.cli.importing.told import Coming, Told, told
from statuspage.cli.importing.writing import demand_new, write
from statuspage.cli.maintenance import Desk
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.config.loading import Config
from statuspage.readings import door_of

LONGEST = 600.0
"""Seconds that all documents of a page may take together."""

_SAID = (
    "imported words stand in history, search and pages of their own, and name where they come from; no feed or message tells of them",
    "no uptime was imported: what this service did not watch itself it counts as not watched",
)
_NEWEST_ONLY = "the page gives its newest incidents alone, and no older ones: these are not here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the operator asks for: the page's address, which of theirs is which of ours, and where a draft of services is to be written."""

    url: str
    pairs: Sequence[str] = ()
    config_out: Path | None = None
    is_dry: bool = False
    wants_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """What tells how far it is: what is being read, and how much of how much is written."""

    reading: Callable[[str], None]
    writing: Callable[[int, int], None]


def bring(desk: Desk, wanted: Wanted) -> int:
    """Read the page, write what is new of its past, and say what could not be brought."""
    config, now = load(desk.config).config, wall_clock()
    try:
        if wanted.config_out is not None and not wanted.is_dry:
            demand_new(wanted.config_out)  # before anything is kept, so that the report of it is not lost
        with _bar() as bar:
            base = base_of(wanted.url)
            documents = asyncio.run(_asked(Asker(base=base, door=door_of(config), progress=bar.reading)))
            page = told(documents.page, documents.components, documents.incidents, documents.windows, now)
            found = matched(page, config, wanted.pairs)
            address = _address(base, page)
            incidents, windows = with_services(page, found)
            job = Import(
                page=Page(address=address, id=page.id),
                pasts=(*incidents, *windows),
                by=desk.who,
                at=now,
                language=config.site.language,
                url=config.site.url,
            )
            tally = _tally(desk, config, job, bar, is_dry=wanted.is_dry)
        if wanted.config_out is not None and not wanted.is_dry:
            write(draft_of(page, address), wanted.config_out)
    except CannotImport as trouble:
        fail(str(trouble), BAD)
    findings = Findings(
        source=base,
        is_dry=wanted.is_dry,
        brought=tally.named(),
        left=(*_unmatched(page, found), *_coming(page.coming, found, now), *page.left),
        said=_SAID if documents.is_whole else (*_SAID, _NEWEST_ONLY),
    )
    if wanted.wants_json:
        print_json(findings.as_json())
    else:
        show(findings, is_beside=False)
    return GOOD


async def _asked(asker: Asker) -> Documents:
    try:
        async with asyncio.timeout(LONGEST):
            return await asker.everything()
    except TimeoutError as error:
        raise CannotImport(f"{asker.base}: not all was read within {LONGEST:.0f} s: try again, or from a machine that is nearer") from error


def _tally(desk: Desk, config: Config, job: Import, bar: _Bar, *, is_dry: bool) -> Tally:
    if is_dry and not _is_there(config.store.url, desk.data_dir):
        return all_of(job)  # to look into a store would make one
    with store_of(desk.config, desk.data_dir, upgrades=not is_dry) as database:
        if is_dry:
            return would_keep(database, job)
        return keep(database, job, lambda done: bar.writing(done, len(job.pasts)))


def _is_there(url: str, data_dir: Path) -> bool:
    parts = make_url(url)
    return parts.get_backend_name() != "sqlite" or (data_dir / (parts.database or "")).exists()


def _address(typed: str, page: Told) -> str:
    """The page's address for readers: what was typed, unless that leads nowhere for them and the page has one of its own."""
    host = place(typed).host
    if not (is_this_machine(host) or literal(host) is not None or "." not in host):
        return typed
    try:
        place(page.url)
    except ValueError:
        return typed
    return page.url.rstrip("/") if len(page.url) <= 200 else typed


@contextmanager
def _bar() -> Iterator[_Bar]:
    """A bar on standard error; none where nobody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=None)
        yield _Bar(
            reading=lambda what: progress.update(task, description=plain(what, 60), advance=1),
            writing=lambda done, all_: progress.update(task, description="writing", completed=done, total=all_),
        )


# --- what could not be brought --------------------------------------------------------------------------------------------------


def _unmatched(page: Told, found: Matched) -> Iterator[Left]:
    for part in found.unmatched:
        yield Left(
            what=f"component {part.id} “{part.name}”",
            why="no service here has its id or name; incidents keep its name",
            mend=f"before the first import, say --map {shlex.quote(f'{part.id}=OURS')}",
        )
    there = {part.id for part in found.unmatched}
    gone = sorted((name, id) for id, name in page.names.items() if id not in found.services and id not in there)
    if gone:
        named = ", ".join(f"{name} ({id})" for name, id in gone[:20]) + (f" and {len(gone) - 20} more" if len(gone) > 20 else "")
        yield Left(
            what=f"components that the page has no more: {named}",
            why="no service here has their id or name; incidents keep their names",
            mend="before the first import, say --map THEIR=OURS",
        )


def _coming(windows: Sequence[Coming], found: Matched, now: datetime) -> Iterator[Left]:
    for one in windows:
        services = [found.services[part] for part in one.parts if part in found.services] or ["SERVICE"]
        words = ["statuspage", "maintenance", "plan", one.name, *(word for id in services for word in ("--service", id))]
        words += ["--starts", f"{one.starts:%Y-%m-%dT%H:%MZ}", "--ends", f"{one.ends:%Y-%m-%dT%H:%MZ}", "--body", plain(one.body, 300)]
        mend = f"plan it here: {shlex.join(words)}" if one.starts > now else "import again once it is over"
        yield Left(what=f"planned work “{one.name}”", why="it is not over there", mend=mend)
